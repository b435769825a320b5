package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/ui/safetext"
)

// chooseModel lists the models, or opens the one that is named.
func chooseModel(r *root, arg string) tea.Cmd {
	if arg != "" {
		return r.load(arg)
	}
	l := r.modelList("Models", false)
	l.empty = "there are none; /model PATH opens a GGUF file"
	l.hint = "enter open or get  ctrl+o its quantizations  esc close"
	l.extra["ctrl+o"] = func(r *root, c choice) (tea.Cmd, bool) {
		return r.listQuants(c.value.(ModelEntry).Name), true
	}
	r.open(l)
	models := r.config.Models
	current := r.current
	return func() tea.Msg { return listMsg{list: l, rows: entryRows(models(), current, false)} }
}

// chooseQuant lists the quantizations of the model that answers, or changes to the one
// that is named.
func chooseQuant(r *root, arg string) tea.Cmd {
	name := cmp.Or(r.current, r.config.Model)
	switch {
	case r.config.Quants == nil:
		r.say("Nothing is known here of other quantizations.")
		return nil
	case name == "":
		r.say("No model is open: " + r.keyOf("/model") + " chooses one first.")
		return nil
	case arg != "":
		return r.findQuant(name, arg)
	}
	return r.listQuants(name)
}

// quantsMsg is the quantizations that were found of a model.
type quantsMsg struct {
	list    *list
	name    string
	entries []ModelEntry
	err     error
	asked   bool // the hub was
}

// listQuants shows the quantizations of a model: those that are known here at once,
// those of the hub when it was asked to. It is asked by itself if nothing is known.
func (r *root) listQuants(name string) tea.Cmd {
	if r.config.Quants == nil {
		return nil
	}
	l := r.modelList("Quantizations", true)
	l.empty = "nothing is known of " + safetext.Line(name)
	l.hint = "enter switch or get  ctrl+r ask the hub  esc close"
	ask := func(r *root) tea.Cmd {
		if l.note != "" {
			return nil // it is being asked
		}
		l.note = "asking the hub …"
		return r.quantsOf(l, name, true)
	}
	l.extra["ctrl+r"] = func(r *root, _ choice) (tea.Cmd, bool) { return ask(r), false }
	l.more = ask
	r.open(l)
	return r.quantsOf(l, name, false)
}

func (r *root) quantsOf(l *list, name string, online bool) tea.Cmd {
	find, ctx := r.config.Quants, r.ctx
	return func() tea.Msg {
		entries, err := find(ctx, name, online)
		return quantsMsg{l, name, entries, err, online}
	}
}

// quantsFound fills the table.
func (r *root) quantsFound(msg quantsMsg) tea.Cmd {
	l := msg.list
	l.note = ""
	if msg.err != nil {
		r.complain(msg.err)
	}
	if msg.err == nil || !msg.asked { // what was there stays if the hub cannot be asked
		l.set(entryRows(msg.entries, r.current, true))
	}
	away := func(e ModelEntry) bool { return e.Away }
	if !msg.asked && msg.err == nil && l.more != nil && !slices.ContainsFunc(msg.entries, away) && mayBeOnHub(msg.name) && slices.Contains(r.layers, layer(l)) {
		return l.more(r)
	}
	return nil
}

// mayBeOnHub is whether a name can be one of a hub: a path is not.
func mayBeOnHub(name string) bool {
	return strings.Contains(name, "/") && !strings.HasSuffix(strings.ToLower(name), ".gguf") && !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, ".")
}

// findQuant changes to a quantization by its name.
func (r *root) findQuant(name, quant string) tea.Cmd {
	find, ctx := r.config.Quants, r.ctx
	return func() tea.Msg {
		entries, err := find(ctx, name, false)
		plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
		i := slices.IndexFunc(entries, func(e ModelEntry) bool { return plain(e.Quant) == plain(quant) })
		switch {
		case err != nil:
			return saidMsg{err: err}
		case i < 0:
			return saidMsg{err: fmt.Errorf("no quantization %s is known of %s: /quant lists them, and ctrl+r there asks the hub", quant, name)}
		}
		return chosenMsg{entries[i]}
	}
}

// chosenMsg is that a model is to be opened or got.
type chosenMsg struct{ entry ModelEntry }

// modelList is a list of models or quantizations, with what a choice costs under it.
func (r *root) modelList(title string, quants bool) *list {
	l := &list{title: title, loading: true, head: entryHead(quants)}
	l.extra = map[string]func(*root, choice) (tea.Cmd, bool){
		"enter": func(r *root, c choice) (tea.Cmd, bool) { return r.choose(c.value.(ModelEntry)) },
	}
	l.foot = func(s *styles, width int) []string {
		if l.at >= len(l.shown) {
			return nil
		}
		e := l.shown[l.at].value.(ModelEntry)
		lines := []string{s.border.Render(strings.Repeat("─", width))}
		for _, text := range []string{r.entryText(e), r.costText(e)} {
			for _, line := range wrap(text, width-2) {
				if line != "" {
					lines = append(lines, " "+s.muted.Render(line))
				}
			}
		}
		return lines
	}
	return l
}

func entryRows(entries []ModelEntry, current string, quants bool) []choice {
	var rows []choice
	for _, e := range entries {
		rows = append(rows, choice{name: e.label(quants), note: safetext.Line(e.Note), value: e, line: e.row(current, quants)})
	}
	return rows
}

// choose opens an entry, or gets it. What costs much is asked for twice. done is that
// the list is to go.
func (r *root) choose(e ModelEntry) (cmd tea.Cmd, done bool) {
	switch {
	case e.Name == r.current && r.model != nil:
		r.say(e.Name + " answers already.")
		return nil, true
	case e.Away && r.config.OpenPulls == nil:
		r.complain(errors.New("models cannot be downloaded here"))
		return nil, false
	case e.Away && !r.again("get "+e.Name):
		r.say(r.costText(e) + " Enter again gets it.")
		return nil, false
	case e.Away:
		return r.pull(e.Name), true
	case e.Fit == TooBig && !r.again("open "+e.Name):
		r.say(fmt.Sprintf("%s is too big for this machine's memory: it would read from the disk for every token%s. Enter again opens it all the same.",
			e.label(e.Quant != ""), atSpeed(e)))
		return nil, false
	}
	return r.switchTo(e), true
}

func atSpeed(e ModelEntry) string {
	if e.Fast <= 0 {
		return ""
	}
	return ", about " + e.speed() + " tok/s"
}

// switchTo opens a model that is here, and says what that costs.
func (r *root) switchTo(e ModelEntry) tea.Cmd {
	cmd := r.load(e.Name)
	r.expect = e.Read
	r.say("Opening " + e.label(e.Quant != "") + ". " + r.costText(e))
	return cmd
}

// costText says what it costs to have an entry answer: in words, with the times that
// can be told.
func (r *root) costText(e ModelEntry) string {
	if e.Away {
		text := "Not here yet: "
		if e.Size > 0 {
			text += fileText(e.Size) + " to download."
		} else {
			text += "it has to be downloaded."
		}
		return text
	}
	var parts []string
	switch {
	case e.Name == r.current && r.model != nil:
		return "This one answers now."
	case e.Cached > 0.95:
		parts = append(parts, "its weights are in memory already")
	case e.Size > 0:
		part := "its weights, " + fileText(int64(float64(e.Size)*(1-max(0, e.Cached)))) + ", come from the disk"
		if e.Read > 0 {
			part += " (about " + roughTime(e.Read) + ")"
		}
		parts = append(parts, part)
	}
	if n := r.live.ContextUsed; n > 0 && r.talk != nil {
		part := againText(n)
		if e.Prefill > 0 {
			part += " (about " + roughTime(time.Duration(float64(n)/e.Prefill*float64(time.Second))) + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// againText is that so many tokens are read again.
func againText(n int) string {
	if n == 1 {
		return "1 token of this conversation is read again"
	}
	return plural(n, "token") + " of this conversation are read again"
}

// entryText is what is known of an entry beyond its row.
func (r *root) entryText(e ModelEntry) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	add("%s", e.Name)
	if e.Need > 0 {
		add("needs %s of memory with its context", bytesText(e.Need))
	}
	for _, text := range []string{e.Note, e.Quality, e.Description} {
		if text != "" {
			add("%s", text)
		}
	}
	return safetext.Line(strings.Join(parts, " · "))
}

// roughTime is a duration that is only expected.
func roughTime(d time.Duration) string {
	switch {
	case d < time.Second:
		return "1 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}

// shorten is a text in exactly width cells, which keeps its end: names of models differ
// there.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width || width < 8 {
		return fit(text, width)
	}
	keep := width * 3 / 5
	for n := len(runes) - keep; n < len(runes); n++ { // wide characters take two cells
		if line := string(runes[:width-keep-1]) + "…" + string(runes[n:]); cut(line, width) == line {
			return fit(line, width)
		}
	}
	return fit(text, width)
}

// couldNot is the error of a model that was not opened, with who answers instead.
func (r *root) couldNot(name string, err error) error {
	after := "no model is open now, " + r.keyOf("/model") + " chooses one"
	if r.model != nil {
		after = safetext.Line(strings.TrimSpace(r.ref.Name+" "+r.ref.Quant)) + " still answers"
	}
	return fmt.Errorf("%s could not be opened, %s: %w", briefName(name, 40), after, err)
}

// briefName is a model's name in at most width cells.
func briefName(name string, width int) string {
	if name = shortName(name); ansi.StringWidth(name) > width {
		name = strings.TrimSpace(shorten(name, width))
	}
	return name
}
