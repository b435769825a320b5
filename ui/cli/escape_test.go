package cli

import (
	"bytes"
	"strings"
	"testing"

	"scout/engine"
)

// hostile is what a model may write to steer a terminal, and what is left of
// it on one.
var hostile = []struct{ name, in, want string }{
	{"plain", "Grüße, 世界 🙂\n\tand more", "Grüße, 世界 🙂\n\tand more"},
	{"a colour", "\x1b[31mred\x1b[0m", "[31mred[0m"},
	{"C1", "a\u0085b\u009bc", "abc"},
	{"lone bytes", "a\x9bb", "a\uFFFDb"},
	{"bell, backspace, carriage return, delete", "a\a\b\r\x7f", "a"},
	{"escape behind half a character", "\xe2\x1b]52;c;aGk=\a", "\uFFFD]52;c;aGk="},
	{"text turned round", "\u202egpj.exe", "gpj.exe"},
	{"half a character at the end", "a\xf0\x9f", "a\uFFFD\uFFFD"},
	{"nothing that is seen", "\x1b\u200b", ""},
}

func TestWriteText(t *testing.T) {
	for _, test := range hostile {
		for _, terminal := range []bool{true, false} {
			var out bytes.Buffer
			want := test.in
			if terminal {
				want = test.want
			}
			s := Streams{Out: &out, OutTerminal: terminal}
			if err := s.writeText(test.in); err != nil || out.String() != want {
				t.Errorf("%s: terminal %v: got %q, %v, want %q", test.name, terminal, out.String(), err, want)
			}
		}
	}
}

// TestTextReporterFilters expects an answer to be filtered as one text,
// however the model cuts it.
func TestTextReporterFilters(t *testing.T) {
	for _, test := range hostile {
		for cut := range len(test.in) + 1 {
			var out bytes.Buffer
			r := newTextReporter(Streams{Out: &out, OutTerminal: true})
			for _, piece := range []string{test.in[:cut], test.in[cut:]} {
				if err := r.delta(engine.Delta{Text: piece}); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.end(answer{}); err != nil {
				t.Fatal(err)
			}
			want := test.want
			if want != "" && !strings.HasSuffix(want, "\n") {
				want += "\n"
			}
			if out.String() != want {
				t.Errorf("%s, cut at %d: got %q, want %q", test.name, cut, out.String(), want)
			}
		}
	}
}
