package app

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"scout/sessions"
	"scout/ui/talk"
)

// colouring is the only kind of sequence that a screen is made of.
var colouring = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// FuzzScreen puts a text from outside everywhere that the app shows one: what a model
// writes and is called, what a person pastes, names of files and conversations, errors.
// No control sequence of it may be in a line, and no line may be wider than the screen.
func FuzzScreen(f *testing.F) {
	for _, s := range []string{
		"plain", "\x1b]52;c;AAAA\x07", "\x9b2J\u202e", "\xe2\x1b]0;x\x07", "a\tb\r\nc", "&#27;]52;c;aGk=&#7;", "```\n\x1b[2J\n```",
		"| a | b |\n|---|---|\n| \x1bc | x |", "[x](\x1b]8;;y\x1b\\)", "好\u0301\u200d👩‍👩‍👧", strings.Repeat("\u0300", 50), "\u2066\u200b\ufeff",
	} {
		f.Add(s)
	}
	b := newRobot(f, 80, 24, nil)
	b.r.talk.Stop()
	f.Fuzz(func(t *testing.T, text string) {
		r := b.r
		r.transcript.set(nil)
		r.transcript.set([]talk.Turn{
			{ID: 1, Role: sessions.User, Text: text, Files: []sessions.Attachment{{Name: text, Type: text, Hash: "x"}}},
			{ID: 2, Role: sessions.Assistant, Text: text, Reply: &sessions.Reply{Model: sessions.Model{Name: text, Quant: text, Path: text}, Reason: text, Engine: text}},
		})
		r.transcript.end()
		r.title, r.queue, r.ref = text, []string{text}, sessions.Model{Name: text, Quant: text, Path: text}
		r.chips = []chip{{file: talk.File{Name: text, Data: []byte(text)}}}
		r.complain(errors.New(text))
		r.composer.area.Reset()
		r.composer.paste(text)
		r.arrange()
		for range 2 {
			lines, _, _ := r.screen()
			for _, line := range lines {
				rest := colouring.ReplaceAllString(line, "")
				if bad := strings.IndexFunc(rest, steers); bad >= 0 {
					t.Fatalf("%q is on the screen as %q", text, line)
				}
				if w := ansi.StringWidth(line); w > 80 {
					t.Fatalf("%q makes a line of %d cells: %q", text, w, line)
				}
			}
			inspect(r, "") // the same for the page that tells all of a reply
		}
		r.layers = nil
	})
}

// steers is whether a rune does something else than being seen.
func steers(c rune) bool {
	return unicode.IsControl(c) ||
		c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 || c == 0x200b || c == 0xfeff
}
