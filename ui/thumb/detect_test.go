package thumb

import (
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	ok := Answers{Kitty: "OK"}
	as := func(version string) Answers { return Answers{Kitty: "OK", Version: version} }
	for _, c := range []struct {
		name    string
		env     string // NAME=VALUE, spaces between
		answers Answers
		want    Support
		asks    bool
	}{
		{"kitty", "TERM=xterm-kitty COLORTERM=truecolor", ok, Support{Way: ByKitty, Colours: TrueColour}, true},
		{"kitty, by version", "TERM=xterm-256color", as("kitty(0.44.0)"), Support{Way: ByKitty, Colours: Indexed}, true},
		{"kitty, not yet answered", "TERM=xterm-kitty", Answers{}, Support{Way: Blocks, Colours: TrueColour}, true},
		{"kitty, refused", "TERM=xterm-kitty", Answers{Kitty: "EINVAL:bad"}, Support{Way: Blocks, Colours: TrueColour}, true},
		{"Ghostty", "TERM=xterm-ghostty TERM_PROGRAM=ghostty", ok, Support{Way: ByKitty, Colours: TrueColour}, true},
		{"Ghostty over SSH as another TERM", "TERM=xterm-256color COLORTERM=truecolor", as("ghostty 1.3.1"), Support{Way: ByKitty, Colours: TrueColour}, true},
		{"Rio", "TERM=xterm-rio TERM_PROGRAM=rio", ok, Support{Way: ByKitty, Colours: TrueColour}, true},
		{"WezTerm", "TERM=xterm-256color TERM_PROGRAM=WezTerm", ok, Support{Way: Blocks, Colours: TrueColour}, true},
		{"WezTerm, started by kitty", "TERM=xterm-kitty TERM_PROGRAM=WezTerm", as("WezTerm 20240203"), Support{Way: Blocks, Colours: TrueColour}, true},
		{"Konsole", "TERM=xterm-256color COLORTERM=truecolor", as("Konsole 25.08"), Support{Way: Blocks, Colours: TrueColour}, true},
		{"a stranger with a name that begins alike", "TERM=xterm-256color", as("kittycat 1"), Support{Way: Blocks, Colours: Indexed}, true},
		{"Windows Terminal", "WT_SESSION=1", Answers{}, Support{Way: Blocks, Colours: TrueColour}, true},
		{"Apple Terminal", "TERM=xterm-256color TERM_PROGRAM=Apple_Terminal", Answers{}, Support{Way: Blocks, Colours: Indexed}, false},
		{"Alacritty", "TERM=alacritty", Answers{}, Support{Way: Blocks, Colours: TrueColour}, true},
		{"VTE", "TERM=xterm-256color COLORTERM=truecolor", Answers{}, Support{Way: Blocks, Colours: TrueColour}, true},
		{"24bit", "TERM=xterm COLORTERM=24bit", Answers{}, Support{Way: Blocks, Colours: TrueColour}, true},
		{"direct", "TERM=xterm-direct", Answers{}, Support{Way: Blocks, Colours: TrueColour}, true},
		{"tmux", "TERM=tmux-256color TERM_PROGRAM=tmux TMUX=/tmp/x", Answers{}, Support{Way: Blocks, Colours: Indexed, Tmux: true}, true},
		{"tmux in kitty", "TERM=tmux-256color TMUX=/tmp/x KITTY_WINDOW_ID=1", ok, Support{Way: ByKitty, Colours: Indexed, Tmux: true}, true},
		{"tmux in kitty that names itself", "TERM=tmux-256color TMUX=/tmp/x KITTY_WINDOW_ID=1", as("tmux 3.5a"), Support{Way: ByKitty, Colours: Indexed, Tmux: true}, true},
		{"tmux in kitty, found behind it", "TERM=tmux-256color TMUX=/tmp/x", as("kitty(0.44.0)"), Support{Way: ByKitty, Colours: Indexed, Tmux: true}, true},
		{"tmux that lets nothing pass", "TERM=tmux-256color TMUX=/tmp/x KITTY_WINDOW_ID=1", Answers{}, Support{Way: Blocks, Colours: Indexed, Tmux: true}, true},
		{"tmux in Ghostty", "TERM=tmux-256color COLORTERM=truecolor TMUX=/tmp/x", as("ghostty 1.3.1"), Support{Way: Blocks, Colours: TrueColour, Tmux: true}, true},
		{"tmux moved from kitty to Ghostty", "TERM=tmux-256color TMUX=/tmp/x KITTY_WINDOW_ID=1", as("ghostty 1.3.1"), Support{Way: Blocks, Colours: Indexed, Tmux: true}, true},
		{"screen", "TERM=screen-256color STY=1.pts", as("kitty(0.44.0)"), Support{Way: Blocks, Colours: Indexed}, false},
		{"few colours", "TERM=xterm", ok, Support{}, false},
		{"NO_COLOR", "TERM=xterm-kitty COLORTERM=truecolor NO_COLOR=1", ok, Support{}, false},
		{"dumb", "TERM=dumb COLORTERM=truecolor", ok, Support{}, false},
		{"the console of Linux", "TERM=linux COLORTERM=truecolor", ok, Support{}, false},
		{"nothing", "", ok, Support{}, false},
	} {
		env := map[string]string{}
		for field := range strings.FieldsSeq(c.env) {
			name, value, _ := strings.Cut(field, "=")
			env[name] = value
		}
		getenv := func(name string) string { return env[name] }
		if got := Detect(getenv, c.answers); got != c.want {
			t.Errorf("%s: %+v (%v), want %+v (%v)", c.name, got, got.Way, c.want, c.want.Way)
		}
		query := Query(getenv)
		if (query != "") != c.asks || query != "" && strings.HasPrefix(query, "\x1bPtmux;") != c.want.Tmux {
			t.Errorf("%s: asks %q", c.name, query)
		}
		if query != "" && !strings.Contains(query, "i=31,") {
			t.Errorf("%s: asks %q, want the id %d", c.name, query, QueryID)
		}
	}
}
