package app

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/ui/safetext"
)

// When and how the person is told of a reply that is done while they look elsewhere.
const (
	NotifyAuto   = "auto"   // as the terminal is known to understand
	NotifyOSC9   = "osc9"   // by OSC 9, as iTerm2 has it
	NotifyOSC777 = "osc777" // by OSC 777, as rxvt has it
	NotifyBell   = "bell"
	NotifyOff    = "off"
)

// longTurn is how long a turn takes before anyone is told of its end.
const longTurn = 10 * time.Second

// turnEnded says that a turn has ended, if it was long and the person looks elsewhere.
// wasBusy is whether it went on before the message that is being taken.
func (r *root) turnEnded(wasBusy bool) tea.Cmd {
	busy := r.busy()
	switch {
	case busy && !wasBusy:
		r.busySince = r.now()
	case !busy && wasBusy && !r.ending && r.terminal.away:
		if took := r.now().Sub(r.busySince); took > longTurn {
			what := "The reply is done"
			if r.failed != "" {
				what = "The reply failed"
			}
			return raw(r.notification(what + ", after " + timeText(took) + "."))
		}
	}
	return nil
}

// notification is the sequence that tells the person something, where they look
// elsewhere.
func (r *root) notification(text string) string {
	how := r.config.Notify
	if how == "" || how == NotifyAuto {
		how = r.knownNotification()
	}
	title := "scout"
	if r.title != "" {
		title += " · " + r.title
	}
	// A semicolon would end the title, and a number before one be another sequence.
	plain := func(s string) string { return ansi.Truncate(strings.ReplaceAll(safetext.Line(s), ";", ","), 80, "…") }
	switch how {
	case NotifyOSC9:
		return "\x1b]9;" + plain(title) + ": " + plain(text) + "\x07"
	case NotifyOSC777:
		return "\x1b]777;notify;" + plain(title) + ";" + plain(text) + "\x07"
	case NotifyBell:
		return "\x07"
	}
	return ""
}

// knownNotification is what the terminal understands, by its name: the bell if that is
// not known.
func (r *root) knownNotification() string {
	if r.multiplexed() { // tmux keeps the sequences and shows bells
		return NotifyBell
	}
	name := strings.ToLower(r.terminal.answers.Version + " " + r.getenv("TERM_PROGRAM") + " " + r.getenv("TERM"))
	for _, known := range []struct{ name, how string }{
		{"kitty", NotifyOSC9}, {"ghostty", NotifyOSC9}, {"wezterm", NotifyOSC9}, {"iterm", NotifyOSC9},
		{"foot", NotifyOSC777}, {"rxvt", NotifyOSC777}, {"contour", NotifyOSC777}, {"warp", NotifyOSC777},
	} {
		if strings.Contains(name, known.name) {
			return known.how
		}
	}
	return NotifyBell
}
