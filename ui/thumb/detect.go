package thumb

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Way is how a terminal can be shown a picture.
type Way int

// The ways.
const (
	None    Way = iota // not: say its size instead
	Blocks             // HalfBlocks
	ByKitty            // Kitty
)

// String is the way's name in English.
func (w Way) String() string {
	switch w {
	case Blocks:
		return "half-blocks"
	case ByKitty:
		return "kitty graphics"
	}
	return "none"
}

// Support is what a terminal can.
type Support struct {
	Way     Way
	Colours Colours // for HalfBlocks; at least what Blocks needs unless Way is None
	Tmux    bool    // for Kitty
}

// Answers is what a terminal has answered. The zero value is a terminal that has not,
// or not yet.
type Answers struct {
	Kitty   string // to Query: the text of the graphics answer with the id QueryID, "OK" if all is well
	Version string // to XTVERSION: "ghostty 1.3.1"
}

// QueryID is the id in the answer to Query.
const QueryID = 31

// Query is the sequence that asks a terminal whether it knows kitty graphics, or
// nothing where asking is useless or harmful. Ask for something that every terminal
// answers after it: who does not know it is silent.
func Query(getenv func(string) string) string {
	if coloursOf(getenv) == NoColours || getenv("TERM_PROGRAM") == "Apple_Terminal" || inScreen(getenv) {
		return "" // Apple's shows what it does not know
	}
	query := "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
	if inTmux(getenv) {
		return ansi.TmuxPassthrough(query)
	}
	return query
}

// Detect says what a terminal can, by its environment (TERM, TERM_PROGRAM, COLORTERM,
// NO_COLOR and what some set besides) and its answers. That it knows kitty graphics is
// not enough: placeholders came later, and many that know the one do not know the
// other and would show boxes.
func Detect(getenv func(string) string, a Answers) Support {
	s := Support{Colours: coloursOf(getenv), Tmux: inTmux(getenv)}
	if s.Colours == NoColours {
		return s
	}
	s.Way = Blocks
	if a.Kitty == "OK" && !inScreen(getenv) && hasPlaceholders(getenv, a.Version) {
		s.Way = ByKitty
	}
	return s
}

func inTmux(getenv func(string) string) bool { return getenv("TMUX") != "" }

// inScreen says whether GNU screen is between, which lets no graphics pass.
func inScreen(getenv func(string) string) bool { return getenv("STY") != "" && !inTmux(getenv) }

// hasPlaceholders says whether a terminal that knows kitty graphics knows
// placeholders: kitty, Ghostty and Rio do.
func hasPlaceholders(getenv func(string) string, version string) bool {
	if inTmux(getenv) {
		// Ghostty draws them too narrow there (its discussion #13056). What the
		// variables say may be old: tmux outlives terminals.
		return is(version, "kitty") || getenv("KITTY_WINDOW_ID") != "" && !isNamed(version)
	}
	for _, name := range []string{"kitty", "ghostty", "rio"} {
		switch {
		case isNamed(version):
			if is(version, name) {
				return true
			}
		case getenv("TERM") == "xterm-"+name, getenv("TERM") == name, strings.EqualFold(getenv("TERM_PROGRAM"), name):
			return true
		}
	}
	return false
}

// isNamed says whether an XTVERSION answer names a terminal and not what is between.
func isNamed(version string) bool { return version != "" && !is(version, "tmux") }

// is says whether an XTVERSION answer is of the terminal with this name: "kitty(0.44.0)",
// "ghostty 1.3.1".
func is(version, name string) bool {
	rest, ok := strings.CutPrefix(strings.ToLower(version), name)
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '(')
}

// coloursOf is which colours a terminal shows. People who want none (no-color.org)
// get none.
func coloursOf(getenv func(string) string) Colours {
	term := getenv("TERM")
	windows := getenv("WT_SESSION") != "" // Windows Terminal, which sets no TERM
	switch {
	case getenv("NO_COLOR") != "", term == "dumb", term == "linux", term == "" && !windows:
		return NoColours
	case windows, isOne(getenv("COLORTERM"), "truecolor", "24bit"), strings.HasSuffix(term, "-direct"),
		isOne(term, "xterm-kitty", "xterm-ghostty", "rio", "xterm-rio", "alacritty", "wezterm", "foot", "contour"),
		isOne(getenv("TERM_PROGRAM"), "ghostty", "iTerm.app", "WezTerm", "vscode", "rio", "WarpTerminal"):
		return TrueColour
	case strings.Contains(term, "256color"):
		return Indexed
	}
	return NoColours
}

func isOne(s string, of ...string) bool {
	for _, o := range of {
		if strings.EqualFold(s, o) {
			return true
		}
	}
	return false
}
