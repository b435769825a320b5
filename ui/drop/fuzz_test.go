package drop

import (
	"hash/fnv"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"unicode"

	"scout/engine/picture"
)

// dice is a disk on which one path in a few exists, always the same ones.
type dice struct {
	one  uint32 // in so many
	seen []string
}

func (d *dice) Stat(name string) (fs.FileInfo, error) {
	h := fnv.New32a()
	io.WriteString(h, name)
	if h.Sum32()>>8%d.one != 0 {
		return nil, fs.ErrNotExist
	}
	d.seen = append(d.seen, name)
	return info{name: name}, nil
}

func (d *dice) Open(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(png)), nil }

// FuzzParse expects of any text that what it resolves to exists and came from it, and
// that nothing else of it is lost.
func FuzzParse(f *testing.F) {
	for i, c := range corpus(f) {
		f.Add(c.text, uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, how uint8) {
		env := Env{Home: "/home/ann", Windows: how&1 != 0, Remote: how&4 != 0}
		if how&2 != 0 {
			env.WSL = "Debian"
		}
		c := Parse(text, env)
		c.Hosts()
		d := &dice{one: 1 + uint32(how>>3)%4}
		r := c.Resolve(d, picture.Sniff)
		if rest := leftOver(text, r); rest != "" {
			t.Errorf("%q: %q is lost", text, rest)
		}
		for _, file := range r.Files {
			if !slices.Contains(d.seen, file.Path) || strings.ContainsFunc(file.Path, unicode.IsControl) {
				t.Errorf("%q: %q does not exist", text, file.Path)
			}
			if !cameFrom(file, env) {
				t.Errorf("%q: %q did not come from %q", text, file.Path, file.Source)
			}
		}
		if r := c.Resolve(newDisk(), picture.Sniff); r.Files != nil {
			t.Errorf("%q: %q on an empty disk", text, pathsOf(r))
		}
	})
}

// cameFrom says whether the characters of a file's path, from behind what the machine
// put before them, are in this order in its source.
func cameFrom(f File, env Env) bool {
	path := strings.ReplaceAll(f.Path, `\`, "/")
	source := strings.ReplaceAll(f.Source, `\`, "/")
	if strings.Contains(strings.ToLower(source), "file:") {
		return true // percent signs: TestLocate
	}
	if rest, ok := strings.CutPrefix(path, "/mnt/"); ok && env.WSL != "" && len(rest) > 1 {
		path = rest[1:]
	}
	if rest, ok := strings.CutPrefix(path, env.Home); ok {
		path = rest
	}
	for _, r := range path {
		at := strings.IndexRune(source, r)
		if at < 0 {
			return false
		}
		source = source[at:]
		source = source[len(string(r)):]
	}
	return true
}

// FuzzMentions expects of any text that mentions lie in it, in order, and that a
// cursor is in one at most.
func FuzzMentions(f *testing.F) {
	f.Add(`look at @a.png, @"b c" and @'d`, 12)
	f.Add("@\"a\n@", 3)
	f.Add("x@y (@z) @", 10)
	f.Fuzz(func(t *testing.T, text string, cursor int) {
		end := 0
		for _, m := range mentions(text) {
			if m.Start < end || m.End <= m.Start || m.End > len(text) || text[m.Start] != '@' || !strings.Contains(text[m.Start:m.End], m.Path) {
				t.Fatalf("%q: %+v after %d", text, m, end)
			}
			end = m.End
		}
		if m, ok := Mentions(text, cursor); ok {
			if cursor <= m.Start || cursor > m.End || !strings.HasPrefix(strings.TrimLeft(text[m.Start+1:cursor], `"'`), strings.TrimLeft(m.Path, `"'`)) {
				t.Errorf("%q at %d: %+v", text, cursor, m)
			}
			Complete(m, Env{Home: "/h"}, func(string) ([]fs.DirEntry, error) { return []fs.DirEntry{info{name: m.Path}}, nil })
		}
	})
}
