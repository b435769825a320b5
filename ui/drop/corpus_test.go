package drop

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scout/engine/picture"
)

// envs are the machines of the corpus.
var envs = map[string]Env{
	"":        {Home: "/home/ann"},
	"windows": {Home: `C:\Users\ann`, Windows: true},
	"wsl":     {Home: "/home/ann", WSL: "Debian"},
	"remote":  {Home: "/home/ann", Remote: true},
}

// corpusCase is a block of testdata/corpus.txt, which says what its lines are.
type corpusCase struct {
	name, env, problem string
	disk, want         []string
	text               string
}

func corpus(t testing.TB) []corpusCase {
	t.Helper()
	data, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	var cases []corpusCase
	for block := range strings.SplitSeq(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n\n") {
		if strings.HasPrefix(block, "#") {
			continue
		}
		var c corpusCase
		var lines []string
		for line := range strings.Lines(block) {
			key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			value = strings.ReplaceAll(strings.TrimPrefix(value, " "), "␠", " ")
			switch {
			case !ok:
				t.Fatalf("corpus: %q has no key", line)
			case key == "name":
				c.name = value
			case key == "env":
				c.env = value
			case key == "disk":
				c.disk = append(c.disk, value)
			case key == "text":
				lines = append(lines, value)
			case key == "want":
				c.want = append(c.want, value)
			case key == "problem":
				c.problem = value
			case key == "quoted":
				s, err := strconv.Unquote(value)
				if err != nil {
					t.Fatalf("corpus: %q: %v", value, err)
				}
				lines = append(lines, s)
			default:
				t.Fatalf("corpus: unknown key in %q", line)
			}
		}
		c.text = strings.Join(lines, "\n")
		cases = append(cases, c)
	}
	return cases
}

func TestCorpus(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			env, ok := envs[c.env]
			if !ok {
				t.Fatalf("unknown env %q", c.env)
			}
			got := Parse(c.text, env).Resolve(newDisk(c.disk...), picture.Sniff)
			if paths := pathsOf(got); !slices.Equal(paths, c.want) {
				t.Errorf("%q: paths %q, want %q", c.text, paths, c.want)
			}
			problems := []string{got.Problem}
			for _, f := range got.Files {
				problems = append(problems, f.Problem)
			}
			problem := strings.Join(problems, "")
			if (c.problem == "") != (problem == "") || !strings.Contains(problem, c.problem) {
				t.Errorf("%q: problem %q, want %q in it", c.text, problem, c.problem)
			}
			if rest := leftOver(c.text, got); rest != "" {
				t.Errorf("%q: %q is lost", c.text, rest)
			}
		})
	}
}

func pathsOf(r Result) []string {
	var paths []string
	for _, f := range r.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// leftOver is what of a text the files of a result do not account for, in which
// nothing but spaces and line breaks may be.
func leftOver(text string, r Result) string {
	if len(r.Files) == 0 {
		return ""
	}
	rest := plain(text)
	for _, f := range r.Files {
		between, after, ok := strings.Cut(rest, f.Source)
		if !ok || strings.Trim(between, " \n") != "" {
			return rest
		}
		rest = after
	}
	return strings.Trim(rest, " \n")
}

// TestTextAsksNothing expects that text which cannot be a drop is not looked up, and
// that of the rest only what begins like a path is.
func TestTextAsksNothing(t *testing.T) {
	for _, text := range []string{"and/or", "what is /a/b.png?", "https://example.org/x", "/a\n\n/b", "/a\tb", "\x1b/a", "", " ", "\n", "a\n/b"} {
		c := Parse(text, Env{})
		d := newDisk()
		if c.Possible() {
			t.Errorf("%q is possible", text)
		}
		if r := c.Resolve(d, picture.Sniff); r.Files != nil || r.Problem != "" || d.asked != 0 {
			t.Errorf("%q: %+v after %d questions", text, r, d.asked)
		}
	}
	d := newDisk()
	Parse("/s is how people mark /sarcasm, they say", Env{}).Resolve(d, picture.Sniff)
	if d.asked == 0 || d.asked > 3 {
		t.Errorf("a sentence asked the disk %d times, want a few", d.asked)
	}
}
