package cli

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"scout/downloads"
	"scout/downloads/faultserver"
	"scout/hardware/catalogue"
)

// planWith is a pull of a model with a licence.
func planWith(name, source, license, text string) downloads.Plan {
	return downloads.Plan{Name: name, Source: source, License: downloads.License{Name: license, Text: text}}
}

func TestTerms(t *testing.T) {
	const llama4 = "Llama 4 Community License"
	tests := []struct {
		plan    downloads.Plan
		id      string // "" for none to show
		name    string
		clauses bool
	}{
		{planWith("m", "hf.co/a/b", "apache-2.0", ""), "", "", false},
		{planWith("m", "hf.co/a/b", "MIT", ""), "", "", false},
		{planWith("m", "hf.co/a/b", "", ""), "", "", false},
		{planWith("qwen:1b", "ollama.com/library/qwen", "Apache License", "Apache License\nVersion 2.0"), "", "", false},
		{planWith("phi:1b", "ollama.com/library/phi", "The MIT License (MIT)", "x"), "", "", false},
		{planWith("m", "hf.co/a/b", "llama4", ""), "llama4", llama4, true},
		{planWith("m", "hf.co/a/b", "LLAMA4", ""), "llama4", llama4, true},
		{planWith("llama4:scout", "ollama.com/library/llama4", "LLAMA 4 COMMUNITY LICENSE AGREEMENT", "x"), "llama4", llama4, true},
		{planWith("m", "hf.co/a/b", "llama3.3", ""), "llama3.3", "Llama 3.3 Community License", true},
		{planWith("m", "hf.co/a/b", "llama3.2", ""), "llama3.2", "Llama 3.2 Community License", true},
		{planWith("m", "hf.co/a/b", "llama3.1", ""), "llama3.1", "Llama 3.1 Community License", true},
		{planWith("m", "hf.co/a/b", "qwen", ""), "qwen", "Qwen License", true},
		{planWith("m", "hf.co/a/b", "qwen-research", ""), "qwen-research", "Qwen Research License", true},
		{planWith("m", "hf.co/a/b", "mrl", ""), "mrl", "Mistral Research License", true},
		{planWith("m", "hf.co/a/b", "mnpl", ""), "mnpl", "Mistral Non-Production License", true},
		{planWith("m", "ollama.com/library/mistral-large", "# Mistral AI Research License", "x"), "mrl", "Mistral Research License", true},
		{planWith("m", "hf.co/a/b", "gemma", ""), "gemma", "Gemma Terms of Use", true},
		{planWith("m", "hf.co/a/b", "house-rules", ""), "house-rules of hf.co/a/b", "house-rules", false},
		{planWith("m", "ollama.com/a/b", "", "do not"), " of ollama.com/a/b", "a licence that has no name", false},
		// The hub says nothing, and the catalogue knows.
		{planWith("hf.co/unsloth/x", "hf.co/unsloth/llama-4-scout-17b-16e-instruct-gguf", "", ""), llama4, llama4, true},
		{planWith("qwen2.5-vl:7b", "ollama.com/library/x", "", ""), "", "", false},
	}
	for _, test := range tests {
		got, ok := TermsOf(test.plan)
		if ok != (test.id != "") || got.ID != test.id || got.Name != test.name || len(got.Clauses) > 0 != test.clauses {
			t.Errorf("of %+v: %+v, %v", test.plan, got, ok)
		}
		if ok && test.clauses && !strings.HasPrefix(got.Link, "https://") {
			t.Errorf("%s has the link %q", got.Name, got.Link)
		}
	}
}

// Whatever the catalogue lists with clauses is known by what the hub calls it.
func TestTermsOfTheCatalogue(t *testing.T) {
	models, err := catalogue.All()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, known := range knownTerms {
		named[known.Name] = true
	}
	for _, m := range models {
		if len(m.Clauses) > 0 && !named[m.License] {
			t.Errorf("%s has the licence %q, which knownTerms does not have", m.Name, m.License)
		}
	}
}

// forget makes the person one who was never asked.
func forget(t *testing.T) { t.Setenv("XDG_STATE_HOME", t.TempDir()) }

// pullAs pulls as a person at a terminal who types something.
func pullAs(t *testing.T, input string, want int) string {
	t.Helper()
	a := newTestApp(t, newFakeModel())
	a.terminal(input)
	if code := a.run("pull", hubModel); code != want {
		t.Errorf("with %q typed: exit code %d, want %d\n%s", input, code, want, a.err.String())
	}
	return a.err.String()
}

func TestLicenceAtATerminal(t *testing.T) {
	r := hubWith(t)
	forget(t)
	for _, no := range []string{"n\n", "", "\n", "yeah no\n"} {
		errs := pullAs(t, no, ExitError)
		mustContain(t, errs, "comes with a licence: Llama 4 Community License (https://www.llama.com/llama4/license/)\n  - above 700 million",
			"European Union", "the licence counts", "Do you agree to it? [y/N]", "was not downloaded, since its licence was not agreed to")
	}
	if r.Sent() != 0 {
		t.Errorf("%d bytes were sent before the licence was agreed to", r.Sent())
	}
	if out, _ := scoutCommand(t, ExitDone, "ls"); out != "" {
		t.Errorf("ls wrote %q", out)
	}
	mustContain(t, pullAs(t, " Yes \n", ExitDone), "[y/N]")
	scoutCommand(t, ExitDone, "rm", hubModel)
	if errs := pullAs(t, "", ExitDone); strings.Contains(errs, "[y/N]") {
		t.Errorf("it was asked again: %q", errs)
	}
}

// Two models, one answer each, from one input.
func TestLicenceOfTwo(t *testing.T) {
	r := hubWith(t)
	forget(t)
	r.Card = map[string]any{"cardData": map[string]any{"license": "other", "license_name": "house-rules"}}
	errs := pullAs(t, "y\n", ExitDone)
	mustContain(t, errs, "comes with a licence: house-rules (https://huggingface.co/"+hubRepo+")\n  We have no notes on it")
	if Agreed(Terms{ID: "house-rules of hf.co/someone/other"}) {
		t.Error("what was said of one model's own licence holds for another's")
	}
	a := newTestApp(t, newFakeModel())
	a.terminal("y\nn\nn\n")
	ask := a.newAsker()
	for i, want := range []bool{true, false, false, false} {
		if got, err := ask.yes(t.Context(), "? "); got != want || err != nil {
			t.Errorf("answer %d is %v, %v", i+1, got, err)
		}
	}
}

// Of several models everything is asked before the first is pulled, and a no
// to one of them ends it.
func TestLicencesAreAskedFirst(t *testing.T) {
	s, r := hubServer(t)
	forget(t)
	other := s.Repository("someone/Other-GGUF")
	other.Direct = true
	other.Commit(hubCommit, faultserver.Data("Other-Q8_0.gguf", []byte("no model")))
	other.Card = map[string]any{"cardData": map[string]any{"license": "gemma"}}
	a := newTestApp(t, newFakeModel())
	a.terminal("y\nn\n")
	if code := a.run("pull", hubModel, "someone/Other-GGUF:Q8_0"); code != ExitError || r.Sent()+other.Sent() != 0 {
		t.Errorf("exit code %d, %d bytes were sent\n%s", code, r.Sent()+other.Sent(), a.err.String())
	}
	mustContain(t, a.err.String(), "Llama 4 Community License", "Gemma Terms of Use", "hf.co/someone/Other-GGUF:Q8_0 was not downloaded, since its licence was not agreed to")
	a = newTestApp(t, newFakeModel())
	a.terminal("y\n") // the first was answered before
	if code := a.run("pull", hubModel, "nobody/nothing:Q8_0", "someone/Other-GGUF:Q8_0"); code != ExitError {
		t.Errorf("exit code %d\n%s", code, a.err.String())
	}
	said := a.err.String()
	mustContain(t, said, "1 of 3 models could not be pulled")
	if strings.Index(said, "[y/N]") > strings.Index(said, "of 7.6 MB") || strings.Count(said, "[y/N]") != 1 {
		t.Errorf("it was not asked first: %q", said)
	}
}

// Nobody to ask: nothing happens without the flag, and with it all is said.
func TestLicenceInAScript(t *testing.T) {
	r := hubWith(t)
	forget(t)
	_, errs := scoutCommand(t, ExitError, "pull", hubModel)
	last := errs[strings.LastIndexByte(strings.TrimSuffix(errs, "\n"), '\n')+1:]
	mustContain(t, last, "hf.co/"+hubModel+" comes with Llama 4 Community License (https://www.llama.com/llama4/license/)", "give --accept-license to agree")
	out, _ := scoutCommand(t, ExitError, "pull", hubModel, "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var event struct{ Event, Error string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &event); err != nil || event.Event != "error" || !strings.Contains(event.Error, "--accept-license") {
		t.Errorf("the last event is %q, %v", lines[len(lines)-1], err)
	}
	// A program that reads JSON is nobody to ask, at a terminal either.
	a := newTestApp(t, newFakeModel())
	a.terminal("y\n")
	if code := a.run("pull", hubModel, "--json"); code != ExitError || strings.Contains(a.err.String(), "[y/N]") {
		t.Errorf("exit code %d, %q", code, a.err.String())
	}
	if r.Sent() != 0 {
		t.Errorf("%d bytes were sent", r.Sent())
	}
	_, errs = scoutCommand(t, ExitDone, "pull", hubModel, "--accept-license")
	mustContain(t, errs, "agreed by --accept-license: Llama 4 Community License")
	scoutCommand(t, ExitDone, "rm", hubModel)
	_, errs = scoutCommand(t, ExitDone, "pull", hubModel) // it is remembered
	if strings.Contains(errs, "agreed") {
		t.Errorf("it says %q", errs)
	}
	// What is here needs no answer, and open licences none.
	forget(t)
	scoutCommand(t, ExitDone, "pull", hubModel)
	scoutCommand(t, ExitDone, "rm", hubModel)
	r.Card = map[string]any{"cardData": map[string]any{"license": "apache-2.0"}}
	scoutCommand(t, ExitDone, "pull", hubModel)
}

// An answer that cannot be kept is an answer.
func TestLicenceNotKept(t *testing.T) {
	hubWith(t)
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", file)
	_, errs := scoutCommand(t, ExitDone, "pull", hubModel, "--accept-license")
	mustContain(t, errs, "the answer will be asked for again: keeping the answer in")
}

// An interrupt at the question is one.
func TestLicenceInterrupted(t *testing.T) {
	hubWith(t)
	forget(t)
	a := newTestApp(t, newFakeModel())
	a.terminal("")
	a.In = interrupting{a.signals, make(chan struct{})}
	if code := a.run("pull", hubModel); code != ExitInterrupted {
		t.Errorf("exit code %d\n%s", code, a.err.String())
	}
	mustContain(t, a.err.String(), "[y/N]")
}

// interrupting is a person who presses Ctrl+C where something is to be typed.
type interrupting struct {
	signals chan<- os.Signal
	never   chan struct{}
}

func (i interrupting) Read([]byte) (int, error) {
	i.signals <- os.Interrupt
	<-i.never
	return 0, io.EOF
}
