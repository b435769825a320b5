package drop

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// typed is characters that come with a pause before each.
type typed struct {
	text  string
	pause time.Duration
}

func TestBurst(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		keys []typed
		want string // what Take gives; empty: nothing
	}{
		{"a drop", []typed{{"/a/my photo.png", 0}}, "/a/my photo.png"},
		{"in single quotes", []typed{{"'/a/b.png' ", 0}}, "'/a/b.png' "},
		{"on Windows", []typed{{`C:\a\b.png`, 0}}, `C:\a\b.png`},
		{"an address", []typed{{"file:///a/b", 0}}, "file:///a/b"},
		{"at home", []typed{{"~/b.png", time.Second}, {"x", 0}}, "~/b.pngx"},
		{"7 characters", []typed{{"/a/b.pn", 0}}, ""},
		{"8 characters", []typed{{"/a/b.png", 0}}, "/a/b.png"},
		{"8 characters that are more bytes", []typed{{"/写真写真写真写", 0}}, "/写真写真写真写"},
		{"7 characters that are more bytes", []typed{{"/写真写真写真", 0}}, ""},
		{"a drop that a network cut", []typed{{"/a/b.png", 0}, {"x", 45 * ms}, {"y", 45 * ms}}, "/a/b.pngxy"},
		{"a drop, then a key", []typed{{"/a/b.png", 0}, {"x", 60 * ms}}, ""},
		{"text before, then a drop", []typed{{"look at ", 0}, {"/a/b.png", 30 * ms}}, "/a/b.png"},
		{"text and a path at once", []typed{{"look at /a/b.png", 0}}, ""},
		{"typed by hand", []typed{{"/", 0}, {"a", 15 * ms}, {"/", 15 * ms}, {"b", 15 * ms}, {".", 15 * ms}, {"png", 15 * ms}}, ""},
		{"8 characters in 20 ms", []typed{{"/a/b.p", 0}, {"n", 10 * ms}, {"g", 10 * ms}}, "/a/b.png"},
		{"8 characters in 21 ms", []typed{{"/a/b.p", 0}, {"n", 10 * ms}, {"g", 11 * ms}}, ""},
		{"a pasted word", []typed{{"hello world", 0}}, ""},
		{"a command in one piece", []typed{{"/quant", 0}}, ""},
		{"another key inside", []typed{{"/a/b.png", 0}, {"", 0}}, ""},
		{"enter too early", []typed{{"/a/b", 0}, {"\n", 0}, {"/c/d", 0}}, ""},
		{"two lines", []typed{{"/a/b.png", 0}, {"\n", ms}, {"/c/d.png", ms}}, "/a/b.png\n/c/d.png"},
		{"a control character", []typed{{"/a/b.png", 0}, {"\x1b", ms}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b Burst
			at := time.Unix(1, 0)
			for _, k := range c.keys {
				at = at.Add(k.pause)
				if k.text == "" {
					b.Type("", at)
				}
				for _, r := range k.text {
					b.Type(string(r), at)
				}
			}
			active := b.Active(at)
			if active != (c.want != "") {
				t.Errorf("active is %v", active)
			}
			if text, ok := b.Take(at); ok {
				t.Errorf("took %q before it was over", text)
			}
			if text, ok := b.Take(at.Add(BurstSettles + 1)); text != c.want || ok != (c.want != "") {
				t.Errorf("took %q %v, want %q", text, ok, c.want)
			}
			if text, ok := b.Take(at.Add(time.Second)); ok {
				t.Errorf("took %q twice", text)
			}
		})
	}
}

// TestBurstEnds expects a burst of more than a drop can be to be none.
func TestBurstEnds(t *testing.T) {
	var b Burst
	at := time.Unix(1, 0)
	b.Type("/a/b.png", at)
	for range mostBytes {
		b.Type("x", at)
	}
	if b.Active(at) || b.text.Len() > mostBytes {
		t.Errorf("active %v after %d bytes", b.Active(at), b.text.Len())
	}
}

// FuzzBurst types a text with pauses. Whatever a burst hands over was typed, one piece
// after the other, begins like a drop and is not too long; and it hands over all of
// what comes at once and is one.
func FuzzBurst(f *testing.F) {
	f.Add("/a/my photo.png", []byte{0})
	f.Add("look at '/a/b.png' now", []byte{0, 0, 30})
	f.Add("file:///a\n/b\x1b\x00é", []byte{1, 2, 60, 0})
	f.Fuzz(func(t *testing.T, text string, pauses []byte) {
		if text = strings.ToValidUTF8(text, ""); len(text) > 1000 {
			return
		}
		var b Burst
		at, rest := time.Unix(1, 0), text
		take := func() {
			taken, ok := b.Take(at)
			if !ok {
				return
			}
			_, after, found := strings.Cut(rest, taken)
			if !found || taken == "" || !startsBurst(taken) || len(taken) > mostBytes {
				t.Fatalf("%q gave %q, %q is left", text, taken, rest)
			}
			rest = after
		}
		i := 0
		for _, r := range text {
			if len(pauses) > 0 {
				at = at.Add(time.Duration(pauses[i%len(pauses)]) * time.Millisecond)
				i++
			}
			take()
			b.Type(string(r), at)
		}
		at = at.Add(BurstSettles + 1)
		take()
		if b.Active(at) {
			t.Fatalf("%q: a burst does not end", text)
		}
		var whole Burst
		plainly := !strings.ContainsFunc(text, unicode.IsControl)
		for _, r := range text {
			whole.Type(string(r), at)
		}
		if taken, ok := whole.Take(at.Add(BurstSettles + 1)); plainly && ok && taken != text {
			t.Fatalf("%q at once gave %q", text, taken)
		}
		if !whole.fast && whole.runes > 0 && plainly && utf8.RuneCountInString(text) >= burstRunes && startsBurst(string([]rune(text)[:burstRunes])) {
			t.Fatalf("%q at once is no burst", text)
		}
	})
}
