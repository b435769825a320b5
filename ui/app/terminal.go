package app

import (
	"image"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"scout/ui/clipboard"
	"scout/ui/thumb"
)

// terminal is what the terminal has said of itself, and to us.
type terminal struct {
	answers   thumb.Answers
	support   thumb.Support
	cell      image.Point // pixels of a cell; zero: unknown
	clipboard bool        // it gives its clipboard by OSC 5522
	away      bool        // the person looks at another window
}

// getenv is a variable of the environment that the app was given, empty if it is not
// set.
func (r *root) getenv(name string) string {
	for _, v := range r.config.Environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// multiplexed is whether tmux or screen is between here and the terminal.
func (r *root) multiplexed() bool { return r.getenv("TMUX") != "" || r.getenv("STY") != "" }

// cellQuery asks for the size of a cell in pixels (XTWINOPS 16).
const cellQuery = "\x1b[16t"

// askTerminal asks the terminal what it can. It may never answer: until then it is
// taken to be able to do little.
func (r *root) askTerminal() tea.Cmd {
	query := thumb.Query(r.getenv)
	if query != "" {
		query += cellQuery
	}
	if term := r.getenv("TERM"); !r.multiplexed() && term != "" && term != "dumb" && term != "linux" && r.getenv("TERM_PROGRAM") != "Apple_Terminal" {
		query += ansi.RequestNameVersion + clipboard.ModeQuery
	}
	if query == "" {
		return nil
	}
	return tea.Raw(query)
}

// answered takes what the terminal says of itself; taken is that it was that.
func (r *root) answered(msg tea.Msg) (cmd tea.Cmd, taken bool) {
	t := &r.terminal
	switch msg := msg.(type) {
	case tea.TerminalVersionMsg:
		t.answers.Version = msg.Name
		t.clipboard = t.clipboard || strings.HasPrefix(strings.ToLower(msg.Name), "kitty(")
		return r.detect(), true
	case uv.KittyGraphicsEvent:
		if msg.Options.ID == thumb.QueryID {
			t.answers.Kitty = string(msg.Payload)
			return r.detect(), true
		}
		return nil, true
	case uv.CellSizeEvent:
		t.cell = image.Pt(msg.Width, msg.Height)
		return nil, true
	case tea.ModeReportMsg:
		if msg.Mode == ansi.DECMode(clipboard.Mode) {
			t.clipboard = t.clipboard || msg.Value == ansi.ModeSet || msg.Value == ansi.ModeReset || msg.Value == ansi.ModePermanentlySet
		}
		return nil, true
	case tea.FocusMsg:
		t.away = false
		return nil, true
	case tea.BlurMsg:
		t.away = true
		return nil, true
	case uv.UnknownOscEvent:
		return r.sequence(string(msg)), true
	case uv.UnknownEvent:
		r.tear(string(msg))
		return nil, true
	}
	return nil, false
}

// detect is what the terminal can, as far as it has answered. What was drawn in another
// way is drawn anew.
func (r *root) detect() tea.Cmd {
	before := r.terminal.support
	r.terminal.support = thumb.Detect(r.getenv, r.terminal.answers)
	if r.terminal.support == before {
		return nil
	}
	return r.redraw()
}
