package app

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPasteCleaner: a paste is text, in whatever pieces it comes; keys stay as they are.
func TestPasteCleaner(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"keys \x1b[A \x1b]11;rgb:0\x07 \x90 \x03", "keys \x1b[A \x1b]11;rgb:0\x07 \x90 \x03"},
		{pasteBegins + "plain\ttext\r\n" + pasteEnds + "\x1b[A", pasteBegins + "plain\ttext\r\n" + pasteEnds + "\x1b[A"},
		{pasteBegins + "a\x1b]0;title\x9d\x90\x00\x7f\x03b" + pasteEnds + "\x03", pasteBegins + "a]0;titleb" + pasteEnds + "\x03"},
		{pasteBegins + "\x1b[20\x1b[201\x1b" + pasteEnds, pasteBegins + "[20[201" + pasteEnds},
		{pasteBegins + "世界 é👩 \xe4\xb8x\xff\xc2\x9d" + pasteEnds, pasteBegins + "世界 é👩 x" + pasteEnds},
		{pasteBegins + pasteBegins + "x" + pasteEnds, pasteBegins + "[200~x" + pasteEnds},
		{"\x1b[20x\x1b[\x1b[200~\x1b\x1b[201~\x1b", "\x1b[20x\x1b[\x1b[200~\x1b[201~\x1b"},
	} {
		for size := 1; size <= len(test.in); size++ {
			var c pasteCleaner
			var got []byte
			for rest := []byte(test.in); len(rest) > 0; {
				n := min(size, len(rest))
				before := len(got)
				got = c.clean(got, rest[:n])
				if len(got)-before > n+mostOpen {
					t.Fatalf("%d bytes became %d", n, len(got)-before)
				}
				rest = rest[n:]
			}
			if string(got) != test.want {
				t.Fatalf("%q in pieces of %d: got %q, want %q", test.in, size, got, test.want)
			}
		}
	}
}

// FuzzPasteCleaner: nothing in a paste is left that is no text, it always ends, and the
// pieces do not matter.
func FuzzPasteCleaner(f *testing.F) {
	f.Add([]byte("a\x1b]0;b\x9d"), 3)
	f.Add([]byte("\x1b[201\x1b[20"), 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if bytes.Contains(b, []byte(pasteEnds)) {
			return
		}
		in := pasteBegins + string(b) + pasteEnds + "\x03"
		var one, two pasteCleaner
		whole := string(one.clean(nil, []byte(in)))
		at := max(0, min(cut, len(in)))
		if pieces := string(two.clean(two.clean(nil, []byte(in[:at])), []byte(in[at:]))); pieces != whole {
			t.Fatalf("in pieces %q, whole %q", pieces, whole)
		}
		text, ok := strings.CutPrefix(whole, pasteBegins)
		if text, ok2 := strings.CutSuffix(text, pasteEnds+"\x03"); !ok || !ok2 || strings.ContainsRune(text, 0x1b) || !utf8.ValidString(text) {
			t.Fatalf("got %q", whole)
		}
	})
}
