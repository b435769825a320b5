package markdown

import (
	"strconv"
	"strings"
	"sync"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/charmbracelet/x/ansi"
)

const (
	// mostColoured is how many bytes of code are coloured as a whole when a
	// block closes; of a bigger one each line keeps the colours it has alone.
	mostColoured = 16 << 10
	// mostColouredLine is the longest line that is coloured, in bytes: lexers
	// are made for what people write, and some need quadratic time.
	mostColouredLine = 1000
	// mostLanguage is how many cells a header gives to the language.
	mostLanguage = 24
)

// contentStart is where the code of a fenced block begins in the text.
func (b block) contentStart(text []byte) int {
	n, _ := nextLine(text[b.start:b.end])
	return b.start + n
}

// fenceLines yields the lines of a fenced block, with where they are in the
// text.
func (b block) fenceLines(text []byte, yield func(start, end int)) {
	for at := b.contentStart(text); at < b.end; {
		n, _ := nextLine(text[at:b.end])
		if b.closed && at+n == b.end {
			return
		}
		yield(at, at+n)
		at += n
	}
}

// fenceText is the code of a fenced block.
func (b block) fenceText(text []byte) string {
	var code strings.Builder
	b.fenceLines(text, func(start, end int) { code.WriteString(b.codeOf(text, start, end)) })
	return code.String()
}

// codeOf is a line of code without the indentation of its fence. Of a tab that
// reaches beyond that, spaces are left.
func (b block) codeOf(text []byte, start, end int) string {
	if start == 0 || text[start-1] != '\n' {
		return string(text[start:end])
	}
	n := 0
	for n < b.fence.indent && start < end && text[start] == ' ' {
		start++
		n++
	}
	if n < b.fence.indent && start < end && text[start] == '\t' {
		return strings.Repeat(" ", tabStop-b.fence.indent) + string(text[start+1:end])
	}
	return string(text[start:end])
}

// codeBlock draws a block of code that is whole.
func (g *drawing) codeBlock(language, text string, width int) []line {
	lines := g.codeHeader(language, text, width)
	for _, spans := range g.r.code.block(language, text) {
		lines = append(lines, g.r.codeRows(spans, width)...)
	}
	return lines
}

// codeLine draws one line of a block that is open.
func (g *drawing) codeLine(b block, text []byte, start, end int) []line {
	code := strings.TrimSuffix(b.codeOf(text, start, end), "\n")
	return g.r.codeRows(g.r.code.line(b.fence.language, code), g.r.width)
}

// codeHeader notes a block of code and draws the line above it: a rule with
// the language and the number by which it can be copied. There are no borders at
// the sides, which a selection in the terminal would catch.
func (g *drawing) codeHeader(language, text string, width int) []line {
	g.code = append(g.code, CodeBlock{Language: language, Text: text})
	n := len(g.code)
	rule, label := pen(0).as(roleRule), pen(0).as(roleMuted)
	copyMark := "⧉ " + strconv.Itoa(n)
	room := width - cells(copyMark) - 1
	if room < 1 {
		short := g.r.span(label, ansi.Truncate(copyMark, width, ""))
		return []line{{text: paint([]span{short}), code: n}}
	}
	spans := []span{g.r.span(rule, strings.Repeat("─", room)+" "), g.r.span(label, copyMark)}
	const left = "── "
	language = ansi.Truncate(language, max(0, min(mostLanguage, room-cells(left)-2)), "…")
	if w := cells(language); w > 0 {
		spans = []span{g.r.span(rule, left), g.r.span(label, language),
			g.r.span(rule, " "+strings.Repeat("─", room-cells(left)-w-1)+" "), spans[1]}
	}
	return []line{{text: paint(spans), code: n}}
}

// codeRows breaks a line of code where it is wider than the screen.
func (r *Renderer) codeRows(spans []span, width int) []line {
	more := r.span(pen(0).as(roleMuted), "↪ ")
	rows := hardWrap(spans, width, more)
	lines := make([]line, len(rows))
	for i, row := range rows {
		lines[i] = line{text: paint(row)}
	}
	return lines
}

// highlighter colours code in one style. What a lexer calls an error looks like
// text: half a line of code is none, and a lexer also says so when it gave up on
// a pattern after a quarter of a second, which a busy machine makes happen.
type highlighter struct {
	sgr map[chroma.TokenType]string // nil: no colours
}

var (
	highlighters sync.Map // of style name to *highlighter
	languages    = sync.OnceValue(func() map[string]chroma.Lexer {
		// Names alone: chroma also tries a language as a file's name, against
		// every pattern it has, which takes milliseconds.
		known := map[string]chroma.Lexer{}
		for _, l := range lexers.GlobalLexerRegistry.Lexers {
			c := l.Config()
			for _, name := range append([]string{c.Name}, c.Aliases...) {
				known[strings.ToLower(name)] = chroma.Coalesce(l)
			}
		}
		return known
	})
)

// newHighlighter is the highlighter of a chroma style; "" and names chroma does
// not know leave code without colours. Backgrounds are left out.
func newHighlighter(name string) *highlighter {
	if h, ok := highlighters.Load(name); ok {
		return h.(*highlighter)
	}
	h := &highlighter{}
	if style, ok := styles.Registry[name]; ok {
		h.sgr = make(map[chroma.TokenType]string, len(chroma.StandardTypes))
		for t := range chroma.StandardTypes {
			h.sgr[t] = entrySGR(style.Get(t))
		}
		h.sgr[chroma.Error] = h.sgr[chroma.Text]
		highlighters.Store(name, h)
	}
	return h
}

// entrySGR is the sequence that begins text of a chroma style's entry.
func entrySGR(e chroma.StyleEntry) string {
	var style ansi.Style
	if e.Colour.IsSet() {
		style = style.ForegroundColor(ansi.RGBColor{R: e.Colour.Red(), G: e.Colour.Green(), B: e.Colour.Blue()})
	}
	if e.Bold == chroma.Yes {
		style = style.Bold()
	}
	if e.Italic == chroma.Yes {
		style = style.Italic(true)
	}
	if e.Underline == chroma.Yes {
		style = style.Underline(true)
	}
	if len(style) == 0 {
		return ""
	}
	return style.String()
}

// of is the sequence for a token: of its type, or of the nearest above it.
func (h *highlighter) of(t chroma.TokenType) string {
	for _, t := range []chroma.TokenType{t, t.SubCategory(), t.Category()} {
		if sgr, ok := h.sgr[t]; ok {
			return sgr
		}
	}
	return ""
}

// block colours code as a whole, line by line without line feeds.
func (h *highlighter) block(language, text string) [][]span {
	text = strings.TrimSuffix(text, "\n")
	lines := strings.Split(text, "\n")
	long := len(text) > mostColoured
	for i, l := range lines {
		lines[i] = expandTabs(l)
		long = long || len(l) > mostColouredLine
	}
	if h.sgr != nil && !long {
		if spans, ok := h.colour(language, strings.Join(lines, "\n")); ok {
			return spans
		}
	}
	spans := make([][]span, len(lines))
	for i, l := range lines {
		spans[i] = h.expanded(language, l)
	}
	return spans
}

// line colours one line of code by itself.
func (h *highlighter) line(language, text string) []span {
	return h.expanded(language, expandTabs(text))
}

func (h *highlighter) expanded(language, text string) []span {
	if h.sgr != nil && len(text) <= mostColouredLine && text != "" {
		if spans, ok := h.colour(language, text); ok {
			return spans[0]
		}
	}
	if h.sgr != nil {
		return []span{{text: text, sgr: h.of(chroma.Text)}}
	}
	return []span{{text: text}}
}

// colour colours text; ok reports whether the language is known and the lexer
// gave back what it was given.
func (h *highlighter) colour(language, text string) (lines [][]span, ok bool) {
	lexer, known := languages()[strings.ToLower(language)]
	if !known {
		return nil, false
	}
	defer func() {
		// Chroma's iterators panic with what goes wrong in a lexer.
		if recover() != nil {
			lines, ok = nil, false
		}
	}()
	tokens, err := lexer.Tokenise(nil, text)
	if err != nil {
		return nil, false
	}
	want := strings.Count(text, "\n") + 1
	lines = make([][]span, 1, want)
	rest := text
	for token := range tokens.Stdlib() {
		value := token.Value
		if !strings.HasPrefix(rest, value) {
			// Some lexers end every text with a line feed.
			if value = strings.TrimSuffix(value, "\n"); value != rest {
				return nil, false
			}
		}
		rest = rest[len(value):]
		sgr := h.of(token.Type)
		for i, piece := range strings.Split(value, "\n") {
			if i > 0 {
				lines = append(lines, nil)
			}
			if piece != "" {
				lines[len(lines)-1] = appendSpan(lines[len(lines)-1], span{piece, sgr})
			}
		}
	}
	return lines, rest == "" && len(lines) == want
}
