package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"

	"scout/downloads"
	"scout/hardware/catalogue"
	"scout/ui/safetext"
)

// Terms is what a licence asks of whoever uses a model.
type Terms struct {
	ID      string   // by which an answer is remembered
	Name    string   // "Llama 4 Community License"
	Link    string   // where it can be read; may be empty
	Clauses []string // those worth knowing, in our words; none if we do not know the licence
}

// knownTerms are licences with clauses, by what Hugging Face calls them. The
// words are ours; the licences count. Those of models in the catalogue have
// their clauses there.
var knownTerms = map[string]Terms{
	"llama4":   {Name: "Llama 4 Community License"},
	"llama3.3": {Name: "Llama 3.3 Community License"},
	"llama3.2": {Name: "Llama 3.2 Community License"},
	"llama3.1": {Name: "Llama 3.1 Community License"},
	"qwen":     {Name: "Qwen License"},
	"llama3": {Name: "Meta Llama 3 Community License", Link: "https://www.llama.com/llama3/license/", Clauses: []string{
		"above 700 million monthly active users a licence has to be asked for",
		"products must show \"Built with Meta Llama 3\"",
		"what it writes may not be used to improve language models other than Llama 3",
	}},
	"llama2": {Name: "Llama 2 Community License", Link: "https://ai.meta.com/llama/license/", Clauses: []string{
		"above 700 million monthly active users a licence has to be asked for",
		"what it writes may not be used to improve language models other than Llama 2",
	}},
	"qwen-research": {Name: "Qwen Research License", Link: "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE", Clauses: []string{
		"for research and evaluation only: commercial use needs another licence",
		"models made with it that are passed on must say that they were built with or improved by Qwen",
	}},
	"mrl": {Name: "Mistral Research License", Link: "https://mistral.ai/licenses/MRL-0.1.md", Clauses: []string{
		"for research, not for commercial use: that needs another licence",
		"whoever passes it on, changed or not, must pass on the licence too",
	}},
	"mnpl": {Name: "Mistral Non-Production License", Link: "https://mistral.ai/licenses/MNPL-0.1.md", Clauses: []string{
		"for testing, research and personal use, not in production and not commercially",
		"whoever passes it on, changed or not, must pass on the licence too",
	}},
	"gemma": {Name: "Gemma Terms of Use", Link: "https://ai.google.dev/gemma/terms", Clauses: []string{
		"some uses are prohibited; the list belongs to the terms",
		"whoever passes it on, changed or not, must pass on the terms and the list",
	}},
	"cc-by-nc-4.0":    {Name: "CC BY-NC 4.0", Link: "https://creativecommons.org/licenses/by-nc/4.0/", Clauses: []string{"not for commercial use", "the maker must be named"}},
	"cc-by-nc-sa-4.0": {Name: "CC BY-NC-SA 4.0", Link: "https://creativecommons.org/licenses/by-nc-sa/4.0/", Clauses: []string{"not for commercial use", "the maker must be named", "changed versions only under the same licence"}},
	"cc-by-nc-nd-4.0": {Name: "CC BY-NC-ND 4.0", Link: "https://creativecommons.org/licenses/by-nc-nd/4.0/", Clauses: []string{"not for commercial use", "the maker must be named", "changed versions may not be passed on"}},
}

// titles find a licence in the first line of its text, which is all that the
// Ollama registry says of it.
var titles = []struct{ has, id string }{
	{"llama 4 community license", "llama4"},
	{"llama 3.3 community license", "llama3.3"},
	{"llama 3.2 community license", "llama3.2"},
	{"llama 3.1 community license", "llama3.1"},
	{"meta llama 3 community license", "llama3"},
	{"llama 2 community license", "llama2"},
	{"qwen research license", "qwen-research"},
	{"qwen license", "qwen"},
	{"mistral ai research license", "mrl"},
	{"mistral ai non-production license", "mnpl"},
	{"gemma terms of use", "gemma"},
}

// TermsOf is what the licence of a model asks, if that is to be shown before
// it is downloaded: ok is false for licences that let everybody do everything,
// and where the hub names none.
func TermsOf(p downloads.Plan) (t Terms, ok bool) {
	model := listed(p)
	if !p.License.HasClauses() {
		if p.License.Name != "" || model == nil || len(model.Clauses) == 0 {
			return Terms{}, false
		}
		// The hub does not say, and the catalogue does.
		return Terms{ID: model.License, Name: model.License, Link: model.LicenseURL, Clauses: model.Clauses}, true
	}
	id := strings.ToLower(p.License.Name)
	for _, title := range titles {
		if strings.Contains(id, title.has) {
			id = title.id
			break
		}
	}
	if t, ok = knownTerms[id]; ok {
		t.ID = id
		return withClauses(t), true
	}
	// One that we know nothing of: the answer is for this model alone.
	t = Terms{ID: p.License.Name + " of " + p.Source, Name: p.License.Name, Link: p.License.Link}
	if t.Name == "" {
		t.Name = "a licence that has no name"
	}
	if t.Link == "" && strings.HasPrefix(p.Source, "hf.co/") {
		t.Link = "https://huggingface.co/" + strings.TrimPrefix(p.Source, "hf.co/")
	}
	return t, true
}

// withClauses takes from the catalogue what it says of a licence.
func withClauses(t Terms) Terms {
	models, err := catalogue.All()
	if err != nil {
		return t
	}
	for _, m := range models {
		if m.License == t.Name {
			t.Link, t.Clauses = m.LicenseURL, m.Clauses
			break
		}
	}
	return t
}

// listed is the model of the catalogue that a pull is of, or nil.
func listed(p downloads.Plan) *catalogue.Model {
	models, err := catalogue.All()
	if err != nil {
		return nil
	}
	repository := strings.TrimPrefix(p.Source, "hf.co/")
	for _, m := range models {
		if strings.EqualFold(m.Name, p.Name) {
			return &m
		}
		for _, q := range m.Quants {
			if strings.EqualFold(m.Repo(q), repository) {
				return &m
			}
		}
	}
	return nil
}

// consents is where answers are kept.
func consents() downloads.Consents {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		dir = xdg.StateHome
	}
	return downloads.Consents{Path: filepath.Join(dir, "scout", "licences.json")}
}

// Agreed tells whether the person has agreed to a licence before.
func Agreed(t Terms) bool { return consents().Given(t.ID) }

// Agree keeps the answer that a person has given, when asked for a model.
func Agree(t Terms, model string) error {
	return consents().Give(downloads.Consent{License: t.ID, Title: t.Name, Link: t.Link, Model: model, Given: time.Now().UTC().Truncate(time.Second)})
}

// termsError is a licence that nobody has agreed to.
type termsError struct {
	terms Terms
	model string
	asked bool // and the answer was no
}

func (e *termsError) Error() string {
	if e.asked {
		return fmt.Sprintf("%s was not downloaded, since its licence was not agreed to", e.model)
	}
	return fmt.Sprintf("%s comes with %s, and nobody is here to ask: read it, then give --accept-license to agree", e.model, e.terms.title())
}

// title is a licence's name and where it is.
func (t Terms) title() string {
	if t.Link == "" {
		return t.Name
	}
	return t.Name + " (" + t.Link + ")"
}

// agreeTo makes sure that the licence of a model is agreed to before it is
// downloaded: it was before, or a flag says so, or the person is asked.
func (a *App) agreeTo(ctx context.Context, p downloads.Plan, f pullFlags, view *pullView, ask *asker) error {
	terms, ok := TermsOf(p)
	switch {
	case !ok || p.Already || Agreed(terms):
		return nil
	case f.accept:
		if !f.json {
			view.show(func() { a.note("%s", safetext.Line("agreed by --accept-license: "+terms.title())) })
		}
		return a.remember(terms, p.Name)
	case f.json || !a.InTerminal || !a.ErrTerminal:
		return &termsError{terms: terms, model: p.Name}
	}
	view.show(func() { a.note("%s", a.termsText(p.Name, terms)) })
	yes, err := ask.yes(ctx, "Do you agree to it? [y/N] ")
	if err != nil {
		return err
	}
	if !yes {
		return &termsError{terms: terms, model: p.Name, asked: true}
	}
	return a.remember(terms, p.Name)
}

// remember keeps an answer. One that cannot be kept is an answer all the same.
func (a *App) remember(t Terms, model string) error {
	if err := Agree(t, model); err != nil {
		a.note("%s", safetext.Line("the answer will be asked for again: "+err.Error()))
	}
	return nil
}

// termsText shows a licence to a person.
func (a *App) termsText(model string, t Terms) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s comes with a licence: %s", safetext.Line(model), safetext.Line(t.title()))
	for _, c := range t.Clauses {
		fmt.Fprintf(&b, "\n  - %s", safetext.Line(c))
	}
	switch {
	case len(t.Clauses) > 0:
		b.WriteString("\n  These are notes of ours; the licence counts. You are asked once.")
	default:
		b.WriteString("\n  We have no notes on it: read it first. You are asked once.")
	}
	return b.String()
}

// asker asks the person at the terminal. One asker reads the input for all
// questions of a command.
type asker struct {
	app *App
	in  *bufio.Reader
}

func (a *App) newAsker() *asker { return &asker{app: a, in: bufio.NewReader(a.In)} }

// yes asks a question and waits for the answer, or for ctx to end. The end of
// the input is a no.
func (k *asker) yes(ctx context.Context, question string) (bool, error) {
	_, _ = fmt.Fprint(k.app.Err, question) // as note
	answer := make(chan string, 1)
	go func() { // a read from a terminal cannot be taken back, so it may outlive the question
		line, _ := k.in.ReadString('\n') // what has come counts; nothing is a no
		answer <- line
	}()
	select {
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, nil
		}
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
