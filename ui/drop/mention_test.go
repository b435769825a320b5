package drop

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"scout/engine/picture"
)

// TestMentions holds the mention under a cursor, written as |, against what is
// expected: the mention, then what is written of its path.
func TestMentions(t *testing.T) {
	for _, c := range []struct{ text, mention, path string }{
		{"@|", "@", ""},
		{"|@", "", ""},
		{"@ph|", "@ph", "ph"},
		{"@ph|oto.png", "@photo.png", "ph"},
		{"@|photo.png", "@photo.png", ""},
		{"@photo.png|", "@photo.png", "photo.png"},
		{"@photo.png |", "", ""},
		{"@photo.png| and", "@photo.png", "photo.png"},
		{"look at @a/b|", "@a/b", "a/b"},
		{"(@a|)", "@a)", "a"},
		{"line\n@a|\nline", "@a", "a"},
		{"me@example.org|", "", ""},
		{"@a @b|", "@b", "b"},
		{"@a| @b", "@a", "a"},
		{`@"my ph|`, `@"my ph`, "my ph"},
		{`@"my ph|oto.png" is`, `@"my photo.png"`, "my ph"},
		{`@"my photo.png"| is`, `@"my photo.png"`, "my photo.png"},
		{`@"my photo.png" |is`, "", ""},
		{`@|"my photo.png"`, `@"my photo.png"`, ""},
		{`@"|my photo.png"`, `@"my photo.png"`, ""},
		{`@'my "pho|to.png'`, `@'my "photo.png'`, `my "pho`},
		{"@\"a b|\nc\"", `@"a b`, "a b"},
		{"写 @写|真 x", "@写真", "写"},
	} {
		cursor := strings.IndexByte(c.text, '|')
		text := c.text[:cursor] + c.text[cursor+1:]
		m, ok := Mentions(text, cursor)
		if ok != (c.mention != "") || text[m.Start:m.End] != c.mention || m.Path != c.path {
			t.Errorf("%s: %q %q %v, want %q %q", c.text, text[m.Start:m.End], m.Path, ok, c.mention, c.path)
		}
	}
	for _, cursor := range []int{-1, 0, 99} {
		if m, ok := Mentions("@a b", cursor); ok {
			t.Errorf("cursor %d: %+v", cursor, m)
		}
	}
}

func TestNamed(t *testing.T) {
	text := `@a.png and @"b c.png", (@d/e), me@example.org @ @"" @'f "g"'`
	var got []string
	for _, m := range Named(text) {
		got = append(got, m.Path)
	}
	if want := []string{"a.png", "b c.png", "d/e),", `f "g"`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMentionResolve(t *testing.T) {
	d := newDisk("/desk/a.png", "/desk/b c.png", "/home/ann/d.png", "/e.png", "/desk/f.", "/desk/dir/", "/desk/g.png")
	env := Env{Home: "/home/ann", Dir: "/desk"}
	for _, c := range []struct{ text, path, source string }{
		{"@a.png", "/desk/a.png", "@a.png"},
		{"is it @a.png?", "/desk/a.png", "@a.png"},
		{"(see @a.png).", "/desk/a.png", "@a.png"},
		{`@"b c.png", then`, "/desk/b c.png", `@"b c.png"`},
		{"@~/d.png", "/home/ann/d.png", "@~/d.png"},
		{"@/e.png", "/e.png", "@/e.png"},
		{"@./a.png", "/desk/a.png", "@./a.png"},
		{"@../e.png", "/e.png", "@../e.png"},
		{"@f.", "/desk/f.", "@f."},
		{"@f..", "", ""},
		{`@"a.png?"`, "", ""},
		{"@property", "", ""},
		{"@dir", "/desk/dir", "@dir"},
		{"@file:///e.png", "/e.png", "@file:///e.png"},
		{"@a.png\x00", "", ""},
		{"@" + strings.Repeat("x", 5000), "", ""},
	} {
		named := Named(c.text)
		if len(named) != 1 {
			t.Errorf("%q: %d mentions", c.text, len(named))
			continue
		}
		f, ok := named[0].Resolve(env, d, picture.Sniff)
		if ok != (c.path != "") || f.Path != c.path || f.Source != c.source || !strings.Contains(c.text, f.Source) {
			t.Errorf("%q: %+v %v, want %q %q", c.text, f, ok, c.path, c.source)
		}
	}
	if f, ok := (Mention{Path: "g.png"}).Resolve(Env{}, newDisk("g.png"), picture.Sniff); !ok || f.Path != "g.png" {
		t.Errorf("without a folder: %+v %v", f, ok)
	}
}

func TestComplete(t *testing.T) {
	folder := []fs.DirEntry{
		info{name: "zebra.PNG"}, info{name: "notes.txt"}, info{name: "my photo.jpg"}, info{name: "My folder", mode: fs.ModeDir},
		info{name: ".hidden"}, info{name: ".config", mode: fs.ModeDir}, info{name: "src", mode: fs.ModeDir}, info{name: "say \"hi\".txt"},
		info{name: `both " and '.txt`}, info{name: "esc\x1b.txt"}, info{name: "bad\xff.txt"}, info{name: `"quoted".txt`}, info{name: "Apple.webp"},
	}
	listed := ""
	list := func(dir string) ([]fs.DirEntry, error) {
		listed = dir
		return folder, nil
	}
	env := Env{Home: "/home/ann", Dir: "/desk"}
	windows := Env{Home: `C:\Users\ann`, Dir: `C:\work`, Windows: true}
	for _, c := range []struct {
		env  Env
		text string
		dir  string
		want []string
	}{
		{env, "@", "/desk", []string{"@Apple.webp", `@"my photo.jpg"`, "@zebra.PNG", `@"My folder/`, "@src/", `@'"quoted".txt'`, "@notes.txt", `@'say "hi".txt'`}},
		{env, "@m", "/desk", []string{`@"my photo.jpg"`, `@"My folder/`}},
		{env, "@.", "/desk", []string{"@.config/", "@.hidden"}},
		{env, `@"z`, "/desk", []string{`@"zebra.PNG"`}},
		{env, `@'s`, "/desk", []string{"@'src/", `@'say "hi".txt'`}},
		{env, "@sub/z", "/desk/sub", []string{"@sub/zebra.PNG"}},
		{env, `@"my dir/s`, "/desk/my dir", []string{`@"my dir/src/`, `@'my dir/say "hi".txt'`}},
		{env, "@~/z", "/home/ann", []string{"@~/zebra.PNG"}},
		{env, "@~/a/z", "/home/ann/a/", []string{"@~/a/zebra.PNG"}},
		{env, "@/z", "/", []string{"@/zebra.PNG"}},
		{env, "@/a/z", "/a/", []string{"@/a/zebra.PNG"}},
		{env, "@none", "/desk", nil},
		{Env{}, "@z", ".", []string{"@zebra.PNG"}},
		{Env{}, "@~/z", "", nil},
		{windows, `@C:\z`, `C:\`, []string{`@C:\zebra.PNG`}},
		{windows, `@C:\a\z`, `C:\a\`, []string{`@C:\a\zebra.PNG`}},
		{envs["wsl"], `@C:/z`, `/mnt/c/`, []string{`@C:/zebra.PNG`}},
	} {
		listed = ""
		m, ok := Mentions(c.text, len(c.text))
		if !ok {
			t.Errorf("%s: no mention", c.text)
			continue
		}
		all, err := Complete(m, c.env, list)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		var got []string
		for _, completion := range all {
			got = append(got, completion.Text)
		}
		if listed != c.dir || !slices.Equal(got, c.want) {
			t.Errorf("%s: in %q %q, want in %q %q", c.text, listed, got, c.dir, c.want)
		}
	}
}

// TestCompletionIsMention expects a completion to be a mention of the same path that
// can be completed further or resolved.
func TestCompletionIsMention(t *testing.T) {
	folder := []fs.DirEntry{info{name: "a b.png"}, info{name: "c.png"}, info{name: "d e", mode: fs.ModeDir}, info{name: `f "g".txt`}}
	all, err := Complete(Mention{}, Env{}, func(string) ([]fs.DirEntry, error) { return folder, nil })
	if err != nil || len(all) != len(folder) {
		t.Fatalf("%d completions, error %v", len(all), err)
	}
	for _, c := range all {
		m, ok := Mentions(c.Text, len(c.Text))
		if want := strings.TrimSuffix(m.Path, "/"); !ok || m.End != len(c.Text) || want != c.Name {
			t.Errorf("%s: %+v %v, want %q", c.Text, m, ok, c.Name)
		}
	}
}

func TestCompleteFails(t *testing.T) {
	fails := func(err error) Lister { return func(string) ([]fs.DirEntry, error) { return nil, err } }
	if all, err := Complete(Mention{Path: "a/b"}, Env{}, fails(fs.ErrNotExist)); all != nil || err != nil {
		t.Errorf("no such folder: %v %v", all, err)
	}
	if _, err := Complete(Mention{Path: "a/b"}, Env{}, fails(fs.ErrPermission)); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "@a/b") {
		t.Errorf("refused: %v", err)
	}
}
