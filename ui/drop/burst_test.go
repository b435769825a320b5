package drop

import (
	"testing"
	"time"
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
