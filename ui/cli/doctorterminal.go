package cli

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"

	"scout/ui/thumb"
)

// terminalRecord is what is known of the terminal, by its environment: nothing is
// asked of it, so that what it answers cannot end up in a shell.
type terminalRecord struct {
	Term        string `json:"term"`
	Program     string `json:"program,omitempty"` // with its version
	ColorTerm   string `json:"colorterm,omitempty"`
	Columns     int    `json:"columns,omitempty"` // of standard error's or output's terminal; 0: none
	Rows        int    `json:"rows,omitempty"`
	Input       bool   `json:"input_is_terminal"`
	Output      bool   `json:"output_is_terminal"`
	Colours     string `json:"colours"`
	Pictures    string `json:"pictures"`              // how the app would draw them
	Multiplexer string `json:"multiplexer,omitempty"` // that is between
	Remote      bool   `json:"remote,omitempty"`      // over SSH
}

// terminalFacts reads the environment, and asks the system for the size.
func (a *App) terminalFacts(getenv func(string) string) terminalRecord {
	support := thumb.Detect(getenv, thumb.Answers{})
	r := terminalRecord{
		Term: getenv("TERM"), ColorTerm: getenv("COLORTERM"), Input: a.InTerminal, Output: a.OutTerminal,
		Program: strings.TrimSpace(getenv("TERM_PROGRAM") + " " + getenv("TERM_PROGRAM_VERSION")),
		Colours: cmp.Or(string(support.Colours), "none"), Remote: getenv("SSH_CONNECTION") != "" || getenv("SSH_TTY") != "",
	}
	switch {
	case getenv("TMUX") != "":
		r.Multiplexer = "tmux"
	case getenv("STY") != "":
		r.Multiplexer = "screen"
	case getenv("ZELLIJ") != "":
		r.Multiplexer = "zellij"
	}
	r.Pictures = support.Way.String()
	if thumb.Query(getenv) != "" && thumb.Detect(getenv, thumb.Answers{Kitty: "OK"}).Way == thumb.ByKitty {
		r.Pictures += ", or kitty graphics if the terminal says so when the app asks"
	}
	for _, w := range []any{a.Out, a.Err} {
		if f, ok := w.(*os.File); ok && r.Columns == 0 {
			if columns, rows, err := term.GetSize(f.Fd()); err == nil {
				r.Columns, r.Rows = columns, rows
			}
		}
	}
	return r
}

// text is the lines of a terminal.
func (r terminalRecord) text(line func(name, format string, args ...any)) {
	facts := []string{"TERM=" + cmp.Or(r.Term, "(unset)")}
	if r.Program != "" {
		facts = append(facts, r.Program)
	}
	if r.ColorTerm != "" {
		facts = append(facts, "COLORTERM="+r.ColorTerm)
	}
	if r.Columns > 0 {
		facts = append(facts, fmt.Sprintf("%d columns, %d rows", r.Columns, r.Rows))
	}
	if !r.Input || !r.Output {
		facts = append(facts, "input or output is no terminal")
	}
	if r.Multiplexer != "" {
		facts = append(facts, "inside "+r.Multiplexer)
	}
	if r.Remote {
		facts = append(facts, "over SSH")
	}
	line("terminal", "%s", strings.Join(facts, "; "))
	line("shows", "colours: %s; pictures: %s", r.Colours, r.Pictures)
}
