package app

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// TestNotify: the end of a long turn is told to who looks elsewhere, and to nobody else.
func TestNotify(t *testing.T) {
	for _, c := range []struct {
		name    string
		environ string
		notify  string
		away    bool
		took    time.Duration
		want    string // what begins the sequence; empty: none
	}{
		{"kitty", "TERM=xterm-kitty", "", true, 11 * time.Second, "\x1b]9;scout"},
		{"foot", "TERM=foot", NotifyAuto, true, 11 * time.Second, "\x1b]777;notify;scout"},
		{"another", "TERM=xterm-256color", "", true, 11 * time.Second, "\x07"},
		{"tmux in kitty", "TERM=xterm-kitty TMUX=/x", "", true, 11 * time.Second, "\x07"},
		{"as chosen", "TERM=xterm-kitty", NotifyOSC777, true, 11 * time.Second, "\x1b]777;notify;scout"},
		{"a bell", "TERM=xterm-kitty", NotifyBell, true, 11 * time.Second, "\x07"},
		{"off", "TERM=xterm-kitty", NotifyOff, true, 11 * time.Second, ""},
		{"looking here", "TERM=xterm-kitty", "", false, 11 * time.Second, ""},
		{"short", "TERM=xterm-kitty", "", true, 10 * time.Second, ""},
	} {
		b := newRobot(t, 80, 24, func(config *Config) {
			config.Environ, config.Notify = strings.Fields(c.environ), c.notify
		})
		now := clock
		b.r.now = func() time.Time { return now }
		if focus := b.r.View().ReportFocus; focus != (c.notify != NotifyOff) {
			t.Errorf("%s: focus is reported: %v", c.name, focus)
		}
		b.model.gate = make(chan struct{})
		b.typed("A title; with \x1b]0;x\x07 signs")
		b.keys("enter")
		b.until("busy", func() bool { b.send(tea.FocusMsg{}); return b.r.busy() })
		if c.away {
			b.send(tea.BlurMsg{})
		}
		now = now.Add(c.took)
		b.raw = ""
		close(b.model.gate)
		b.until("done", func() bool { return !b.r.busy() })
		b.settle()
		if strings.HasPrefix(b.raw, c.want) == (c.want == "" && b.raw != "") {
			t.Errorf("%s: the terminal was sent %q, want %q", c.name, b.raw, c.want)
		}
		if n := strings.Count(b.raw, "\x1b"); n > 1 || strings.Contains(strings.TrimSuffix(b.raw, "\x07"), "\x07") {
			t.Errorf("%s: %q ends before its end", c.name, b.raw)
		}
		if strings.HasPrefix(b.raw, "\x1b]777") && strings.Count(b.raw, ";") != 3 {
			t.Errorf("%s: %q has other parts", c.name, b.raw)
		}
	}
}
