package markdown

import (
	"flag"
	"fmt"
	"image/color"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/charmbracelet/x/ansi"

	"scout/themes"
)

var update = flag.Bool("update", false, "write the golden files anew")

// plainTheme has no colours, as a theme for terminals without any.
var plainTheme = themes.Theme{Name: "none"}

// steadyTheme has colours for all but code. Chroma gives up on a pattern after
// 250 ms by the clock, so on a busy machine its colours may differ from one time
// to the next; what must be equal is compared without them.
func steadyTheme(dark bool) themes.Theme {
	theme := themes.Default(dark)
	theme.Code = ""
	return theme
}

// eventually is the first of three answers that is "", else the last: for what
// compares the colours of code.
func eventually(differ func() string) string {
	d := differ()
	for range 2 {
		if d == "" {
			return ""
		}
		d = differ()
	}
	return d
}

// corpus is the documents in testdata, by name.
func corpus(t testing.TB) map[string]string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.md")
	if err != nil || len(names) < 4 {
		t.Fatalf("documents in testdata: %v, %v; want at least 4", names, err)
	}
	docs := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		docs[strings.TrimSuffix(filepath.Base(name), ".md")] = string(b)
	}
	return docs
}

// whole is a text drawn at once.
func whole(r *Renderer, text string, closed bool) *Document {
	d := r.Document()
	d.Append(text)
	if closed {
		d.Close()
	}
	return d
}

// differ says where two documents that should look the same do not.
func differ(got, want *Document) string {
	g, w := got.Lines(), want.Lines()
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i, g[min(i, len(g)):min(i+1, len(g))], w[min(i, len(w)):min(i+1, len(w))])
		}
	}
	if gc, wc := got.Code(), want.Code(); !slices.Equal(gc, wc) {
		return fmt.Sprintf("code: got %+v, want %+v", gc, wc)
	}
	return ""
}

// TestStreamedIsWhole streams every document byte by byte, looking after each:
// what is seen is what the text so far gives when drawn at once.
func TestStreamedIsWhole(t *testing.T) {
	for name, text := range corpus(t) {
		for _, r := range []*Renderer{New(steadyTheme(true), 37, true), New(plainTheme, 80, false)} {
			streamed := r.Document()
			for i := range len(text) {
				streamed.Append(text[i : i+1])
				if d := differ(streamed, whole(r, text[:i+1], false)); d != "" {
					t.Fatalf("%s, width %d, after %q: %s", name, r.Width(), text[max(0, i-40):i+1], d)
				}
			}
			streamed.Close()
			if d := differ(streamed, whole(r, text, true)); d != "" {
				t.Errorf("%s, width %d, closed: %s", name, r.Width(), d)
			}
		}
	}
}

// TestEveryCut streams every document in two pieces, cut at every byte, once
// looking between and once not.
func TestEveryCut(t *testing.T) {
	r := New(steadyTheme(false), 60, true)
	for name, text := range corpus(t) {
		want := whole(r, text, true)
		for i := range len(text) {
			d := r.Document()
			d.Append(text[:i])
			if i%2 == 0 {
				d.Lines()
			}
			if i%3 == 0 && utf8.ValidString(text[:i]) {
				d.Close() // goes on all the same
				d.Lines()
			}
			d.Append(text[i:])
			d.Close()
			if diff := differ(d, want); diff != "" {
				t.Fatalf("%s cut at %d: %s", name, i, diff)
			}
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// grounded is the sequences that leave the ground as it is.
var grounded = regexp.MustCompile("^\x1b\\[(38;2;\\d+;\\d+;\\d+)?(;?[1349])*m$")

// checkLines holds lines to what Lines promises.
func checkLines(lines []string, width int, colour bool) error {
	for i, l := range lines {
		if w := ansi.StringWidth(l); w > width {
			return fmt.Errorf("line %d has %d cells, want at most %d: %q", i, w, width, l)
		}
		bare := sgr.ReplaceAllString(l, "")
		if w := ansi.StringWidth(bare); w > width {
			return fmt.Errorf("line %d has %d cells without its colours, want at most %d: %q", i, w, width, l)
		}
		sequences := sgr.FindAllString(l, -1)
		if n := len(sequences); n > 0 && (!colour || sequences[n-1] != resetStyle) {
			return fmt.Errorf("line %d ends in the style %q (colour %v): %q", i, sequences[n-1], colour, l)
		}
		if at := strings.IndexFunc(bare, unicode.IsControl); at >= 0 {
			return fmt.Errorf("line %d has a control character: %q", i, l)
		}
	}
	return nil
}

// hostile is texts that try to break out, to overflow or to take for ever.
var hostile = map[string]string{
	"escapes":     "\x1b]52;c;aGk=\x07 \x9b31m \u009b2J a\rb\x00 &#27;[8m&#x9b;2J `&#27;[m` [x](&#27;]8;;y&#7;)\n```\x1b[2J\n\x1b[1;1H\tz\n```\n",
	"turned":      "a\u202eb\u2066c &#x202e;x &#x200b; e" + strings.Repeat("*\u0301*", 40) + strings.Repeat("&#x301;", 40),
	"widths":      "👩\u200d👩\u200d👧☺*\ufe0f* 🇫*🇷* 中**文**字 ᄀ*ᅡ*ᆨ \u0600*1* क्*षि* ｱﾞ e*\u0301*\n\n| 中文 | ☺\ufe0f |\n|--|--|\n| 👩\u200d👩\u200d👧 | a中 |\n\n```\n\t中\t☺\ufe0f 🇫🇷🇫\n```\n",
	"quotes":      strings.Repeat(">", 100_000) + " end",
	"brackets":    strings.Repeat("[", 100_000),
	"stars":       strings.Repeat("*a", 50_000),
	"links":       strings.Repeat("[a](", 25_000),
	"lists":       strings.Repeat("- ", 50_000) + "end",
	"staircase":   staircase(400),
	"ticks":       strings.Repeat("`", 50_000) + "\n" + strings.Repeat("`a ``", 20_000),
	"columns":     "|" + strings.Repeat("a|", 3000) + "\n|" + strings.Repeat("-|", 3000) + "\n" + strings.Repeat("a\n", 3000),
	"rows":        "|a|b|\n|-|-|\n" + strings.Repeat("|cell|other cell|\n", 20_000),
	"one line":    strings.Repeat("word ", 200_000),
	"one word":    strings.Repeat("x", 200_000),
	"one heading": "# " + strings.Repeat("word ", 20_000),
	"code line":   "```go\n" + strings.Repeat("f(", 100_000) + "\n```\n",
	"fences":      strings.Repeat("```x\na\n```\n", 3000),
	"languages":   manyLanguages(600),
	"blank lines": "- a\n" + strings.Repeat("\n", 100_000) + "  b\n" + strings.Repeat(" \n", 50_000),
	"addresses":   strings.Repeat("https://a.b/(", 10_000),
}

func staircase(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

func manyLanguages(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "```lang%d\n\"x\"\n```\n", i)
	}
	return b.String()
}

// TestHostile draws texts made to do harm. What bounds the work is tested here
// and not the time: no block that the parser gets is big, nested or bracketed.
func TestHostile(t *testing.T) {
	for name, text := range hostile {
		for _, r := range []*Renderer{New(steadyTheme(true), 40, true), New(plainTheme, 3, false)} {
			streamed := r.Document()
			for rest := text; rest != ""; {
				n := min(len(rest), 5000)
				streamed.Append(rest[:n])
				streamed.Lines()
				rest = rest[n:]
			}
			streamed.Close()
			if err := checkLines(streamed.Lines(), r.Width(), r.colour); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if d := differ(streamed, whole(r, text, true)); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			for _, b := range append(streamed.blocks, streamed.scan.block) {
				if b.kind != fence && b.end-b.start > mostBlock+mostLine {
					t.Errorf("%s: a block of %d bytes, want at most %d", name, b.end-b.start, mostBlock+mostLine)
				}
			}
		}
	}
}

// TestWildIsPlain has the texts that would take the parser long be text.
func TestWildIsPlain(t *testing.T) {
	for _, name := range []string{"quotes", "brackets", "links", "lists", "columns"} {
		text := hostile[name][:min(len(hostile[name]), mostBlock)]
		if isTame([]byte(text)) {
			t.Errorf("%s goes to the parser: %.40q…", name, text)
		}
	}
	for name, text := range corpus(t) {
		if !isTame([]byte(text)) {
			t.Errorf("%s does not go to the parser", name)
		}
	}
}

// TestSafe has what entities spell stay text, and never a colour that the
// program did not put there.
func TestSafe(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a &#27;[31mred", "a [31mred"},
		{"`&#27;[31m` \x1b[31m", "`&#27;[31m` [31m"},
		{"[x](https://a/&#27;[31m)", `x (https://a/\x1b[31m)`},
		{"<b>bold</b> <script>x</script>", "<b>bold</b> <script>x</script>"},
		{"<div>\n\n*a*\n</div>", "<div>||a|</div>"},
		{"![alt](u) ![](v)", "alt (u) v"},
		{"[b](b) <c@d.e> [f](mailto:f)", "b c@d.e f"},
		{`\*a\* \<b\> &lt; &copy &copy; &nope; \q`, `*a* <b> < &copy © &nope; \q`},
		{"[a]: b\n\n[a]", "[a]: b||[a]"},
		{"1. a\n1. b\n1. c", "1. a|2. b|3. c"},
		{"3. a\n\n4. b", "3. a||4. b"},
		{"a\n- b\n  - c", "a|• b|  ◦ c"},
		{"# a ~~b~~", "# a ~~b~~"},
		{"a\n2. b\nc", "a|2. b|c"},
		{"a\n1. b\nc", "a|1. b|   c"},
	}
	for _, test := range tests {
		got := strings.Join(whole(New(plainTheme, 80, false), test.text, true).Lines(), "|")
		if got != test.want {
			t.Errorf("%q is %q, want %q", test.text, got, test.want)
		}
	}
	coloured := whole(New(plainTheme, 80, true), "a &#27;[31mred **b**", true).Lines()
	if want := []string{"a [31mred \x1b[1mb\x1b[m"}; !slices.Equal(coloured, want) {
		t.Errorf("with attributes and no colours: %q, want %q", coloured, want)
	}
}

// TestColours has theme and chroma colours where they belong, and no ground
// painted.
func TestColours(t *testing.T) {
	theme := themes.Default(true)
	theme.Quoted = color.RGBA{R: 1, G: 2, B: 3, A: 255}
	lines := whole(New(theme, 80, true), "`x`\n```go\nfunc f() {}\n", true).Lines()
	if want := "\x1b[38;2;1;2;3mx\x1b[m"; lines[0] != want {
		t.Errorf("code in a line is %q, want %q", lines[0], want)
	}
	if n := len(sgr.FindAllString(lines[3], -1)); n < 4 {
		t.Errorf("Go code has %d sequences, want at least 4: %q", n, lines[3])
	}
	for name, text := range corpus(t) {
		for _, l := range whole(New(theme, 80, true), text, true).Lines() {
			for _, s := range sgr.FindAllString(l, -1) {
				if !grounded.MatchString(s) {
					t.Errorf("%s has %q, want a colour of text and attributes: %q", name, s, l)
				}
			}
		}
	}
}

// TestWidths draws every document at every width, resized from the one before,
// which is as if it had been drawn so at first.
func TestWidths(t *testing.T) {
	docs := corpus(t)
	docs["widths"], docs["turned"] = hostile["widths"], hostile["turned"]
	for name, text := range docs {
		resized := whole(New(plainTheme, 200, false), text, true)
		for width := 1; width <= 160; width++ {
			for _, colour := range []bool{false, true} {
				r := New(steadyTheme(true), width, colour)
				resized.Resize(r)
				if err := checkLines(resized.Lines(), width, colour); err != nil {
					t.Fatalf("%s, width %d: %v", name, width, err)
				}
				if colour {
					continue
				}
				if d := differ(resized, whole(r, text, true)); d != "" {
					t.Fatalf("%s resized to %d: %s", name, width, d)
				}
			}
		}
	}
}

// TestFinishedIsKept has the lines of finished blocks be the same strings, and
// not equal ones, after more text.
func TestFinishedIsKept(t *testing.T) {
	d := New(steadyTheme(true), 80, true).Document()
	d.Append("first **block**\n\n```go\na := 1\nb := 2\nc := ")
	before := slices.Clone(d.Lines())
	d.Append("3\nd := 4\n")
	after := d.Lines()
	if len(before) != 6 || len(after) != 7 {
		t.Fatalf("%d lines, then %d; want 6, then 7: %q", len(before), len(after), after)
	}
	for i := range 5 {
		if before[i] != "" && unsafe.StringData(before[i]) != unsafe.StringData(after[i]) {
			t.Errorf("line %d was drawn again: %q", i, after[i])
		}
	}
}

// TestCode has code come back as it may be pasted, and be found in the lines.
func TestCode(t *testing.T) {
	d := New(plainTheme, 50, false).Document()
	d.Append("x\n```go\na\t1\n\n  b\n```\n- i\n  ~~~\n  c\n   d\n  ~~~\n   ```sh\n   e\n  f\n    g")
	want := []CodeBlock{{"go", "a\t1\n\n  b\n", 2}, {"", "c\n d\n", 8}, {"sh", "e\nf\n g\n", 12}}
	for _, when := range []string{"open", "closed"} {
		if got := d.Code(); !slices.Equal(got, want) {
			t.Errorf("%s: code is\n%+v, want\n%+v in\n%s", when, got, want, strings.Join(d.Lines(), "\n"))
		}
		for i, c := range d.Code() {
			if l := d.Lines()[c.FirstLine]; !strings.HasSuffix(l, fmt.Sprintf("─ ⧉ %d", i+1)) {
				t.Errorf("%s: line %d is %q, want the header of block %d", when, c.FirstLine, l, i+1)
			}
		}
		d.Close()
	}
}

// TestCodeStreamed streams code byte by byte: open, its lines have the colours
// they have alone; closed, those of the whole.
func TestCodeStreamed(t *testing.T) {
	const text = "```go\nfunc f() string {\n\treturn `a // no\n comment` /* b\n c */ + \"d\"\n}\n```\n"
	r := New(themes.Default(true), 30, true)
	d := eventually(func() string {
		streamed := r.Document()
		for i := range len(text) {
			streamed.Append(text[i : i+1])
			if d := differ(streamed, whole(r, text[:i+1], false)); d != "" {
				return fmt.Sprintf("after %q: %s", text[:i+1], d)
			}
		}
		open := whole(r, strings.TrimSuffix(text, "```\n"), false)
		if slices.Equal(open.Lines(), streamed.Lines()) {
			return "a comment over two lines has the same colours open and closed"
		}
		open.Close()
		return differ(streamed, open)
	})
	if d != "" {
		t.Error(d)
	}
}

// TestCutLine has what a cut line goes on with be no mark, wherever the cut is.
func TestCutLine(t *testing.T) {
	long := strings.Repeat("x", mostLine)
	for _, test := range []struct {
		text string
		code int
	}{{"```\n" + long + "```\nstill code\n```\n", 1}, {long + "```\ntext\n", 0}, {"- " + long[2:] + "# x\n```\n", 1}} {
		d := whole(New(plainTheme, 80, false), test.text, true)
		if got := len(d.Code()); got != test.code {
			t.Errorf("%d blocks of code in %.20q… %q, want %d", got, test.text, test.text[mostLine:], test.code)
		}
		if missing := lost(test.text, d.Lines()); missing != "" {
			t.Errorf("%q is missing of %.20q… %q", missing, test.text, test.text[mostLine:])
		}
	}
}

// TestMarksWait has nothing shown of a line that may become a mark.
func TestMarksWait(t *testing.T) {
	d := New(plainTheme, 50, false).Document()
	for _, step := range []struct{ piece, want string }{
		{"text\n", "text"}, {"-", "text"}, {" ", "text"}, {"a", "text|• a"}, {"\n2", "text|• a|  2"}, {".", "text|• a"},
		{" b\n\n##", "text|• a|2. b"}, {" T", "text|• a|2. b||## T"},
	} {
		d.Append(step.piece)
		if got := strings.Join(d.Lines(), "|"); got != step.want {
			t.Errorf("after %q: %q, want %q", d.Source(), got, step.want)
		}
	}
}

// TestNothingIsLost writes prose at random and finds each of its letters and
// digits, in order, in the lines.
func TestNothingIsLost(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 11))
	for range 1500 {
		text := randomProse(random)
		width := 2 + random.IntN(120)
		if random.IntN(20) == 0 {
			width = 2
		}
		for _, colour := range []bool{false, true} {
			d := whole(New(themes.Default(true), width, colour), text, true)
			if missing := lost(text, d.Lines()); missing != "" {
				t.Fatalf("width %d: %q is missing; text:\n%s\nlines:\n%s", width, missing, text, strings.Join(d.Lines(), "\n"))
			}
		}
	}
}

// TestSplitIsCommonMark draws documents block by block, and as one block that the
// parser sees whole. But for empty lines, and the numbers of items, which are
// those of the text where the splitter cannot tell, they look the same: the
// splitter cuts where CommonMark ends a block.
func TestSplitIsCommonMark(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	texts := slices.Collect(maps.Values(corpus(t)))
	for range 1500 {
		texts = append(texts, randomLines(random))
	}
	for _, text := range texts {
		r := New(plainTheme, 60, false)
		g := drawing{r: r}
		var want []string
		lines, ok := g.parsed(block{}, []byte(text))
		for _, l := range lines {
			want = append(want, l.text)
		}
		got := slices.Clone(whole(r, text, true).Lines())
		for _, lines := range [][]string{got, want} {
			for i, l := range lines {
				lines[i] = numbered.ReplaceAllString(l, "1$1")
			}
		}
		isEmpty := func(l string) bool { return strings.Trim(l, " │") == "" }
		got, want = slices.DeleteFunc(got, isEmpty), slices.DeleteFunc(want, isEmpty)
		if !ok || !slices.Equal(got, want) {
			t.Fatalf("of\n%q in blocks:\n%s\nwant, as a whole:\n%s", text, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

var numbered = regexp.MustCompile(`\d+([.)])`)

// randomLines is lines that begin and end blocks in every order.
func randomLines(random *rand.Rand) string {
	lines := []string{"", "", "a", "b *c*", "- d", "  - e", "* f", "1. g", "   i", "    j", " k", "# l", "#", "---", "===", "* * *",
		"```", "~~~", "  ```go", "   ```", "> m", "> - n", "> ```", "| o | p |", "|-|-|", "\tq", "- \tr", "-\ts", "  t", "     u"}
	var b strings.Builder
	for range 2 + random.IntN(9) {
		b.WriteString(lines[random.IntN(len(lines))] + "\n")
	}
	return b.String()
}

// lost is the rest of a text's letters and digits from the first that does not
// come, in order, in lines.
func lost(text string, lines []string) string {
	want := []rune(strings.Map(letters, text))
	for _, r := range sgr.ReplaceAllString(strings.Join(lines, "\n"), "") {
		if len(want) > 0 && r == want[0] {
			want = want[1:]
		}
	}
	return string(want[:min(len(want), 20)])
}

func letters(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return r
	}
	return -1
}

// randomProse is Markdown whose every letter and digit is meant to be seen in
// the order in which it stands.
func randomProse(random *rand.Rand) string {
	words := []string{"alpha", "Beta", "γάμμα", "中文字", "x1", "longerwordthanmost", "é", "**bold**", "*it*", "`code`",
		"~~del~~", "a_b", "2*3", "[see](#)", "https://a.example/b", "<i>", "&amp;", "v1.", "-", "#", ">", "|", "&lt;b", "\\*", "**open", "`tick", "[br"}
	line := func() string {
		var b strings.Builder
		for i := range 1 + random.IntN(12) {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(words[random.IntN(len(words))])
		}
		return b.String()
	}
	var b strings.Builder
	for i := range 1 + random.IntN(6) {
		switch random.IntN(7) {
		case 0:
			b.WriteString("## " + line() + "\n")
		case 1:
			for range 1 + random.IntN(4) {
				b.WriteString([]string{"- ", "  - ", "* ", "- [x] "}[random.IntN(4)] + line() + "\n")
			}
		case 2:
			mark := []string{". ", ") "}[i%2] // lists side by side would be numbered as one
			b.WriteString("1" + mark + line() + "\n\n   " + line() + "\n2" + mark + line() + "\n\nend\n")
		case 3:
			b.WriteString("> " + line() + "\n> " + line() + "\nlazy " + line() + "\n")
		case 4:
			b.WriteString("```\n" + line() + "\n\n\t" + line() + "\n```\n")
		default:
			b.WriteString(line() + "\n" + line() + "\n")
		}
		if random.IntN(3) > 0 {
			b.WriteByte('\n')
		}
	}
	// Entities are letters in the text and none on the screen.
	return strings.NewReplacer("&amp;", "&", "&lt;", "<").Replace(b.String())
}

// TestGolden holds the documents to how they looked when last looked at.
func TestGolden(t *testing.T) {
	for name, text := range corpus(t) {
		for _, width := range []int{40, 80, 120} {
			for _, colour := range []bool{false, true} {
				file := fmt.Sprintf("testdata/golden/%s-%d", name, width)
				if colour {
					file += "-colour"
				}
				d := eventually(func() string {
					lines := whole(New(themes.Default(true), width, colour), text, true).Lines()
					return compare(t, file+".txt", strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "\x1b", "␛"))
				})
				if d != "" {
					t.Error(d)
				}
			}
		}
	}
}

// compare says how a file differs from what should be in it, or writes it.
func compare(t *testing.T, file, got string) string {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return ""
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./ui/markdown -update writes it)", err)
	}
	if w := strings.ReplaceAll(string(want), "\r\n", "\n"); got != w {
		return fmt.Sprintf("%s has changed; got:\n%s\nwant:\n%s", file, got, w)
	}
	return ""
}

// FuzzDocument holds any text to all that Lines promises: streamed in pieces it
// looks as if it had come at once, no line is too wide, and nothing but colours
// of this program reaches the terminal.
func FuzzDocument(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text, uint8(40), true, uint64(7))
	}
	for name, text := range hostile {
		f.Add(text[:min(len(text), 3000)], uint8(len(name)), len(name)%2 == 0, uint64(len(text)))
	}
	f.Fuzz(func(t *testing.T, text string, width uint8, colour bool, cuts uint64) {
		r := New(steadyTheme(cuts%2 == 0), 1+int(width)%160, colour)
		random := rand.New(rand.NewPCG(cuts, 1))
		streamed := r.Document()
		for rest := text; rest != ""; {
			n := 1 + random.IntN(min(len(rest), 200))
			streamed.Append(rest[:n])
			rest = rest[n:]
			if random.IntN(2) == 0 {
				streamed.Lines()
			}
		}
		if d := differ(streamed, whole(r, text, false)); d != "" {
			t.Fatalf("streamed is not whole: %s", d)
		}
		streamed.Close()
		if d := differ(streamed, whole(r, text, true)); d != "" {
			t.Fatalf("closed, streamed is not whole: %s", d)
		}
		if err := checkLines(streamed.Lines(), r.Width(), colour); err != nil {
			t.Fatal(err)
		}
	})
}
