package drop

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"scout/engine/picture"
)

// terminal is how one terminal writes dropped files.
type terminal struct {
	name     string
	env      Env
	alphabet []string // of names, beside letters
	join     func(paths []string) string
}

var (
	letters  = strings.Split("abcXYZ019", "")
	tame     = []string{" ", "(", ")", "&", "$", "#", "!", ";", "-", "_", ".", "é", "é", "写", "🏞", "\u202f", "%", "+", "=", "~", "@", "[", "{", ","}
	quotes   = []string{"'", `"`}
	slashes  = []string{`\`}
	windows  = Env{Windows: true}
	posixAll = slices.Concat(tame, quotes, slashes)
)

func each(separator string, quote func(string) string) func([]string) string {
	return func(paths []string) string {
		var list []string
		for _, p := range paths {
			list = append(list, quote(p))
		}
		return strings.Join(list, separator)
	}
}

// backslashed has a backslash before everything that could mean something to a shell.
func backslashed(p string) string {
	var b strings.Builder
	for _, r := range p {
		if strings.ContainsRune(` \'"()&$#!;~[{`+"`", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func raw(p string) string          { return p }
func singleQuoted(p string) string { return "'" + strings.ReplaceAll(p, "'", `'\''`) + "'" }
func ifSpace(p string) string {
	if strings.Contains(p, " ") {
		return `"` + p + `"`
	}
	return p
}

var terminals = []terminal{
	{"kitty", Env{}, posixAll, each(" ", raw)},
	{"kitty, a line each", Env{}, posixAll, each("\n", raw)},
	{"iTerm2", Env{}, posixAll, each(" ", backslashed)},
	{"macOS Terminal", Env{}, posixAll, func(p []string) string { return each(" ", backslashed)(p) + " " }},
	{"Ghostty", Env{}, posixAll, each("\n", backslashed)},
	{"WezTerm SpacesOnly", Env{}, slices.Concat(tame, quotes), each(" ", func(p string) string { return strings.ReplaceAll(p, " ", `\ `) })},
	{"WezTerm Posix", Env{}, posixAll, each(" ", func(p string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(p) + `"`
	})},
	{"WezTerm Windows", windows, append([]string{"'"}, tame...), each(" ", ifSpace)},
	{"WezTerm WindowsAlwaysQuoted", windows, append([]string{"'"}, tame...), each(" ", func(p string) string { return `"` + p + `"` })},
	{"GNOME Terminal", Env{}, posixAll, each(" ", singleQuoted)},
	{"MATE Terminal", Env{}, posixAll, func(p []string) string {
		return each("\r\n", func(p string) string { return (&url.URL{Scheme: "file", Path: p}).String() })(p) + "\r\n"
	}},
	{"Windows Terminal", windows, append([]string{"'"}, tame...), each(" ", ifSpace)},
	{"Windows Terminal into WSL", Env{WSL: "Debian"}, append([]string{"'"}, tame...), each(" ", func(p string) string { return "'" + p + "'" })},
	{"Alacritty", Env{}, posixAll, func(p []string) string { return each(" ", raw)(p) + " " }},
	{"Rio", windows, append([]string{"'"}, tame...), each(" ", func(p string) string { return "\x00" + ifSpace(p) + "\x00" })},
}

// name is a name that a file of the terminal's machine can have.
func (term terminal) path(rnd *rand.Rand) string {
	part := func() string {
		var b strings.Builder
		b.WriteString(letters[rnd.IntN(len(letters))])
		for range rnd.IntN(9) {
			from := letters
			if rnd.IntN(2) == 0 {
				from = term.alphabet
			}
			b.WriteString(from[rnd.IntN(len(from))])
		}
		if term.env.Windows { // where no name ends in a space or a dot
			b.WriteString("z")
		}
		return b.String()
	}
	separator, root := "/", ""
	switch {
	case term.env.Windows:
		separator, root = `\`, string(rune('A'+rnd.IntN(26)))+":"
	case term.env.WSL != "":
		root = "/mnt/c"
	}
	p := root
	for range 1 + rnd.IntN(3) {
		p += separator + part()
	}
	return p
}

// TestQuoting drops random files on every terminal and expects the same files, with
// others beside them on the disk.
func TestQuoting(t *testing.T) {
	for _, term := range terminals {
		t.Run(term.name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			for range 500 {
				var paths []string
				for range 1 + rnd.IntN(5) {
					paths = append(paths, term.path(rnd))
				}
				d := newDisk(paths...)
				for range 5 {
					d.files[term.path(rnd)] = "text"
				}
				text := term.join(paths)
				got := Parse(text, term.env).Resolve(d, picture.Sniff)
				if !slices.Equal(pathsOf(got), paths) {
					t.Fatalf("%q: got %q, want %q", text, pathsOf(got), paths)
				}
				if rest := leftOver(text, got); rest != "" {
					t.Fatalf("%q: %q is lost", text, rest)
				}
				lost := Parse(text, term.env).Resolve(newDisk(paths[1:]...), picture.Sniff)
				if len(lost.Files) > 0 && !slices.Contains(paths[1:], paths[0]) {
					t.Fatalf("%q: got %q although %q is missing", text, pathsOf(lost), paths[0])
				}
			}
		})
	}
}

// TestCaps expects what is more than the limits to be text, and what is just within
// them to be files.
func TestCaps(t *testing.T) {
	long := func(n int) string { return "/" + strings.Repeat("x", n-1) }
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("/dir/%d", i))
		}
		return list
	}
	lengthy := func(n int) (list []string) { // of n bytes, a line each
		for n > 1002 {
			list = append(list, long(1000))
			n -= 1001
		}
		return append(list, long(n))
	}
	for _, c := range []struct {
		name      string
		paths     []string
		separator string
		ok        bool
	}{
		{"longest path", []string{long(4096)}, "", true},
		{"too long a path", []string{long(4097)}, "", false},
		{"longest path among others", []string{"/b", long(4096)}, " ", true},
		{"too long a path among others", []string{"/b", long(4097)}, " ", false},
		{"most paths in a line", many(512), " ", true},
		{"too many paths in a line", many(513), " ", false},
		{"most paths in lines", many(512), "\n", true},
		{"too many paths in lines", many(513), "\n", false},
		{"most bytes", lengthy(64 << 10), "\n", true},
		{"too many bytes", lengthy(64<<10 + 1), "\n", false},
	} {
		text := strings.Join(c.paths, c.separator)
		got := Parse(text, Env{}).Resolve(newDisk(c.paths...), picture.Sniff)
		if ok := slices.Equal(pathsOf(got), c.paths); ok != c.ok || !ok && len(got.Files) > 0 {
			t.Errorf("%s: %d files of %d", c.name, len(got.Files), len(c.paths))
		}
	}
	for _, split := range []func(string) ([]word, bool){posixWords, spaceWords} {
		for _, n := range []int{mostPaths, mostPaths + 1} {
			if _, ok := split(strings.Repeat(`a\ b `, n)); ok != (n == mostPaths) {
				t.Errorf("%d words: %v", n, ok)
			}
		}
	}
	if Parse(strings.Join(many(mostPaths+1), "\n"), Env{}).Possible() {
		t.Error("too many lines are possible")
	}
	mixed := strings.Join(many(511), " ") + "\n/dir/1 /dir/2"
	if got := Parse(mixed, Env{}).Resolve(newDisk(many(511)...), picture.Sniff); got.Files != nil {
		t.Errorf("%d files in two lines, want text", len(got.Files))
	}
}

// TestLooksEnd expects an end to what a text can make the disk do.
func TestLooksEnd(t *testing.T) {
	// Every way to join these has to be tried, since the last does not exist.
	d := newDisk()
	var names []string
	for i := range mostPaths {
		names = append(names, fmt.Sprintf("/d/%d", i))
		d.files[names[i]] = png
	}
	delete(d.files, names[mostPaths-1])
	got := Parse(strings.Join(names, " "), Env{}).Resolve(d, picture.Sniff)
	if got.Files != nil || d.asked != mostLooked || !strings.Contains(got.Problem, "no "+names[mostPaths-1]) {
		t.Errorf("%d files, %q after %d questions, want none after %d", len(got.Files), got.Problem, d.asked, mostLooked)
	}
	// More than can be looked up, so that nothing can be said of all.
	var text strings.Builder
	for i := range mostLooked + 1 {
		fmt.Fprintf(&text, "/d/x%d%s", i, []string{" ", "\n"}[i%300/299])
	}
	d = newDisk()
	got = Parse(text.String(), Env{Remote: true}).Resolve(d, picture.Sniff)
	if got.Files != nil || got.Problem != "" || d.asked != mostLooked {
		t.Errorf("%d files, %q after %d questions", len(got.Files), got.Problem, d.asked)
	}
}
