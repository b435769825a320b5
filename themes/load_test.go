package themes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// folder is a folder with files of those names and texts.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad(t *testing.T) {
	dir := folder(t, map[string]string{
		"night.toml": "# mine\naccent = \"#FF8800\"\nerror = \"9\"\ngood = \"154\"\nborder = \"\"\nbase = \"dusk\"\ncode = \"nord\"\n",
		"bare.toml":  "background = \"#fefefe\"\n",
		"black.toml": "background = \"#fefefe\"\ndark = true\n",
		"empty.toml": "",
		"notes.txt":  "not a theme",
		".old.toml":  "neither = 1",
	})
	got, errs := Load(dir)
	if len(errs) != 0 || len(got) != 4 {
		t.Fatalf("%d themes, errors %v, want 4 and none", len(got), errs)
	}
	bare, black, empty, night := got[0], got[1], got[2], got[3]
	want := dusk()
	want.Name, want.Accent, want.Error, want.Good, want.Border, want.Code = "night", rgb(0xFF8800), ansi.BasicColor(9), ansi.IndexedColor(154), nil, "nord"
	if night != want {
		t.Errorf("got  %+v\nwant %+v", night, want)
	}
	if bare.Name != "bare" || bare.Dark || bare.Background != rgb(0xFEFEFE) || bare.Text != nil {
		t.Errorf("bare is %+v", bare)
	}
	if !black.Dark {
		t.Error("dark = true was not taken over what the background says")
	}
	if empty != (Theme{Name: "empty"}) {
		t.Errorf("empty is %+v", empty)
	}
}

func TestLoadNothing(t *testing.T) {
	got, errs := Load(filepath.Join(t.TempDir(), "missing"))
	if got != nil || errs != nil {
		t.Errorf("a missing folder gives %v, %v", got, errs)
	}
	dir := folder(t, map[string]string{"file": ""})
	if _, errs = Load(filepath.Join(dir, "file")); len(errs) != 1 {
		t.Errorf("a file in the folder's place gives %v, want an error", errs)
	}
}

// TestMistakes expects every mistake of a file to be said with its line, and
// the other files to be read.
func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		name, file, text string
		want             []string // of the errors, in order
	}{
		{"unknown key", "a.toml", "text = \"7\"\nacent = \"3\"\n", []string{`a.toml:2: unknown key "acent"; did you mean "accent"?`}},
		{"unlike any key", "a.toml", "qqqqqqqq = \"3\"\n", []string{`a.toml:1: unknown key "qqqqqqqq"`}},
		{"three colours", "a.toml", "text = \"red\"\n\nmuted = \"#12345\"\nerror = \"256\"\n", []string{
			`a.toml:1: text is "red", want "#rrggbb", "0" to "255", or "" for the terminal's own colour`,
			`a.toml:3: muted is "#12345", want`, `a.toml:4: error is "256", want`}},
		{"odd numbers", "a.toml", "you = \"+1\"\nreply = \"007\"\ngood = \"-1\"\ngauge = \" 1\"\n", []string{":1: you", ":2: reply", ":3: good", ":4: gauge"}},
		{"number without quotes", "a.toml", "text = 7\n", []string{`a.toml:1: text is 7, want a text in quotes such as "#7fc8f8"`}},
		{"table", "a.toml", "[text]\nx = 1\n", []string{"a.toml:1: text is not one value, want a text"}},
		{"list", "a.toml", "text = [\"1\"]\n", []string{"a.toml:1: text is a list, want"}},
		{"base", "a.toml", "base = \"dask\"\n", []string{`a.toml:1: base is "dask", which is no built-in theme; did you mean "dusk"?`}},
		{"base of another kind", "a.toml", "base = true\n", []string{`a.toml:1: base is true, want a text in quotes such as "dusk"`}},
		{"dark", "a.toml", "dark = \"yes\"\n", []string{`a.toml:1: dark is "yes", want true or false`}},
		{"code", "a.toml", "code = \"../x\"\n", []string{`a.toml:1: code is "../x", want the name of a chroma style`}},
		{"syntax", "a.toml", "text = \"7\"\nmuted = \n", []string{"a.toml:2: "}},
		{"twice", "a.toml", "text = \"7\"\ntext = \"8\"\n", []string{"a.toml:2: "}},
		{"not text", "a.toml", "\xff\xfe", []string{"a.toml: not text in UTF-8"}},
		{"control characters", "a.toml", "\"a\\u001b[2Jb\" = \"1\"\ntext = \"\\u001b[31m\"\n", []string{`:1: unknown key "a\x1b[2Jb"`, `:2: text is "\x1b[31m"`}},
		{"long", "a.toml", "text = \"" + strings.Repeat("x", 5000) + "\"\n", []string{`xxx...", want`}},
		{"too large", "a.toml", "text = \"7\"\n#" + strings.Repeat("x", mostFileSize), []string{"a.toml: more than 65536 bytes"}},
		{"built-in name", "Dusk.toml", "text = \"7\"\n", []string{`Dusk.toml: the built-in theme "dusk" keeps its name and this file is not used`}},
		{"auto", "AUTO.toml", "", []string{`"auto" is how the settings ask`}},
		{"no name", "\u202edab.toml", "", []string{"not a name for a theme"}},
		{"long name", strings.Repeat("n", 65) + ".toml", "", []string{"not a name for a theme"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, errs := Load(folder(t, map[string]string{test.file: test.text, "fine.toml": "text = \"7\""}))
			if len(got) != 1 || got[0].Name != "fine" || got[0].Text != ansi.BasicColor(7) {
				t.Errorf("the other file gave %+v", got)
			}
			if len(errs) != len(test.want) {
				t.Fatalf("errors %q, want %d", errs, len(test.want))
			}
			for i, err := range errs {
				if !strings.HasPrefix(err.Error(), "themes: ") || !strings.Contains(err.Error(), test.want[i]) {
					t.Errorf("error %q, want %q in it", err, test.want[i])
				}
				checkOneLine(t, err)
			}
		})
	}
}

func checkOneLine(t *testing.T, err error) {
	t.Helper()
	if strings.ContainsFunc(err.Error(), unicode.IsControl) || strings.Contains(err.Error(), "\u202e") || len(err.Error()) > 1000 {
		t.Errorf("error %.1000q, want one line without control characters", err)
	}
}

// TestSameName expects the second of two files that differ in capitals only
// not to be used, and to be told so. It needs a file system that tells them apart.
func TestSameName(t *testing.T) {
	dir := folder(t, map[string]string{"Mine.toml": "text = \"1\"", "mine.toml": "text = \"2\""})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatal("this file system does not tell Mine from mine") // which CI promised
		}
		t.Skip("this file system does not tell Mine from mine")
	}
	got, errs := Load(dir)
	if len(got) != 1 || got[0].Name != "Mine" || len(errs) != 1 || !strings.Contains(errs[0].Error(), "mine.toml: has the name of Mine.toml") {
		t.Errorf("got %+v, %v", got, errs)
	}
}

// TestNotAFile expects what is no file, or points nowhere, to be said.
func TestNotAFile(t *testing.T) {
	dir := folder(t, map[string]string{"fine.toml": ""})
	if err := os.Mkdir(filepath.Join(dir, "sub.toml"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := 1
	if err := os.Symlink("nowhere", filepath.Join(dir, "lost.toml")); err == nil {
		want++
	}
	got, errs := Load(dir)
	if len(got) != 1 || len(errs) != want {
		t.Errorf("got %+v, %v", got, errs)
	}
}

func TestTooManyFiles(t *testing.T) {
	files := map[string]string{}
	for i := range mostFiles + 2 {
		files[fmt.Sprintf("t%03d.toml", i)] = ""
	}
	got, errs := Load(folder(t, files))
	if len(got) != mostFiles || len(errs) != 1 || !strings.Contains(errs[0].Error(), `has 258 theme files, want at most 256: those after "t255.toml" are not read`) {
		t.Errorf("%d themes, errors %v", len(got), errs)
	}
}

// TestRoundTrip writes every built-in theme as a file of its own and reads it.
func TestRoundTrip(t *testing.T) {
	for _, want := range Builtin() {
		var b strings.Builder
		fmt.Fprintf(&b, "dark = %v\ncode = %q\n", want.Dark, want.Code)
		for _, r := range roles {
			fmt.Fprintf(&b, "%s = %s\n", r.name, colourText(*r.field(&want)))
		}
		got, errs := parse(want.Name, b.String())
		if len(errs) != 0 || got != want {
			t.Errorf("%s: errors %v; got\n%+v\nwant\n%+v", want.Name, errs, got, want)
		}
	}
}

// TestDocumented loads the theme that docs/settings.md shows.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), "\r\n", "\n")
	_, section, _ := strings.Cut(text, "\n## Themes of your own\n")
	_, example, ok := strings.Cut(section, "```toml\n")
	if !ok {
		t.Fatal("docs/settings.md has no example of a theme")
	}
	example, prose, _ := strings.Cut(example, "```")
	got, errs := parse("mine", example)
	if len(errs) != 0 || got.Accent == nil || got.Text == nil {
		t.Errorf("got %+v, %v", got, errs)
	}
	for _, r := range roles {
		if !strings.Contains(prose, "| `"+r.name+"` |") {
			t.Errorf("docs/settings.md does not say what %q is", r.name)
		}
	}
	for _, theme := range Builtin() {
		if !strings.Contains(text, "`"+theme.Name+"`") {
			t.Errorf("docs/settings.md does not name the theme %s", theme.Name)
		}
	}
}

// FuzzParse expects a theme or mistakes of any text, never both, and nothing
// in a mistake that a terminal would obey.
func FuzzParse(f *testing.F) {
	for _, theme := range Builtin() {
		f.Add("base = \"" + theme.Name + "\"\ntext = \"#010203\"\n")
	}
	f.Add("dark = true\nbackground = \"255\"\ncode = \"nord\"\n")
	f.Add("[text]\n[[x]]\na.b = {c = 1}\n'' = 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		theme, errs := parse("name", text)
		if len(errs) == 0 && theme.Name != "name" || len(errs) > 0 && theme != (Theme{}) {
			t.Errorf("theme %+v with errors %v", theme, errs)
		}
		last := 0
		for _, err := range errs {
			checkOneLine(t, err)
			m := err.(mistake)
			if m.line < last || m.line > strings.Count(text, "\n")+2 {
				t.Errorf("line %d after %d of %q", m.line, last, text)
			}
			last = m.line
		}
		again, _ := parse("name", text)
		if again != theme {
			t.Errorf("read twice: %+v and %+v", theme, again)
		}
	})
}
