package markdown

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// narrowest is how many cells must be left for the text inside a quote or a
// list item; with less, it is not indented.
const narrowest = 8

// markdownParser reads CommonMark without HTML and reference definitions, with
// GitHub's additions.
var markdownParser = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
	)),
	goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify, extension.TaskList),
).Parser()

// drawing draws one block after another.
type drawing struct {
	r      *Renderer
	source []byte      // of the block that is drawn
	code   []CodeBlock // so far in the document
	number int         // of the list at the left edge, if the block is an item of it
}

// draw draws a block of the text.
func (g *drawing) draw(b block, text []byte) []line {
	if b.kind == fence {
		return g.codeBlock(b.fence.language, b.fenceText(text), g.r.width)
	}
	source := text[b.start:b.end]
	if !b.plain && isTame(source) {
		if lines, ok := g.parsed(b, source); ok {
			return lines
		}
	}
	return g.plain(source)
}

// parsed draws a block as Markdown; ok is false if the parser could not.
func (g *drawing) parsed(b block, source []byte) (lines []line, ok bool) {
	had := len(g.code)
	defer func() {
		// A fault in the parser costs the block its looks and not the program
		// its life.
		if recover() != nil {
			g.code = g.code[:had]
			lines, ok = nil, false
		}
	}()
	g.source, g.number = source, b.number
	if b.kind != item {
		g.number = -1
	}
	root := markdownParser.Parse(text.NewReader(source))
	return g.children(root, g.r.width, 0), true
}

// plain draws text as it is, with lines broken where they must be.
func (g *drawing) plain(source []byte) []line {
	var lines []line
	blank := false
	for l := range bytes.SplitSeq(bytes.TrimRight(source, "\n"), []byte("\n")) {
		if isBlank(l) {
			blank = len(lines) > 0
			continue
		}
		if blank {
			lines = append(lines, line{})
			blank = false
		}
		lines = g.rows(lines, []span{g.r.span(0, string(l))}, g.r.width)
	}
	return lines
}

// rows wraps spans and adds them to lines.
func (g *drawing) rows(lines []line, spans []span, width int) []line {
	for _, row := range wrap(spans, width) {
		lines = append(lines, line{text: paint(row)})
	}
	return lines
}

// children draws the blocks inside one, with empty lines between them, but none
// after the text of a tight list's item. depth is how many lists they are in.
func (g *drawing) children(parent ast.Node, width, depth int) []line {
	var lines []line
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		more := g.node(n, width, depth)
		if len(more) == 0 {
			continue
		}
		if before := n.PreviousSibling(); len(lines) > 0 && before.Kind() != ast.KindTextBlock {
			lines = append(lines, line{})
		}
		lines = append(lines, more...)
	}
	return lines
}

// node draws one block.
func (g *drawing) node(n ast.Node, width, depth int) []line {
	switch n := n.(type) {
	case *ast.Heading:
		return g.heading(n, width)
	case *ast.Blockquote:
		return g.inset(g.r.span(pen(0).as(roleRule), "│ "), true, width, func(width int) []line {
			return g.children(n, width, depth)
		})
	case *ast.List:
		return g.list(n, width, depth)
	case *ast.FencedCodeBlock:
		language := ""
		if n.Info != nil {
			language = firstWord(string(n.Info.Value(g.source)))
		}
		return g.codeBlock(language, string(n.Lines().Value(g.source)), width)
	case *ast.CodeBlock:
		return g.indentedCode(string(n.Lines().Value(g.source)), width)
	case *ast.ThematicBreak:
		return []line{{text: paint([]span{g.r.span(pen(0).as(roleRule), strings.Repeat("─", width))})}}
	case *east.Table:
		return g.table(n, width)
	}
	return g.rows(nil, g.inline(n, 0), width)
}

// heading draws a heading: the first two levels in colour, the first underlined
// too. Without colours it has its marks.
func (g *drawing) heading(n *ast.Heading, width int) []line {
	p := bold
	switch n.Level {
	case 1:
		p = (bold | underline).as(roleHeading)
	case 2, 3:
		p = bold.as(roleHeading)
	}
	spans := g.inline(n, p)
	if !g.r.colour {
		spans = append([]span{{text: strings.Repeat("#", n.Level) + " "}}, spans...)
	}
	return g.rows(nil, spans, width)
}

// indentedCode draws code that is set off by indentation alone.
func (g *drawing) indentedCode(text string, width int) []line {
	var lines []line
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		spans := []span{g.r.span(pen(0).as(roleCode), "    "+expandTabs(l))}
		lines = append(lines, g.r.codeRows(spans, width)...)
	}
	return lines
}

// inset draws lines with a mark before the first of them, or before each, and
// the others below it. Where there is no room for that, the mark has a line to
// itself.
func (g *drawing) inset(mark span, each bool, width int, inside func(width int) []line) []line {
	w := cells(mark.text)
	painted := paint([]span{mark})
	if width-w < narrowest {
		lines := inside(width)
		if each {
			return lines
		}
		return append(g.rows(nil, []span{mark}, width), lines...)
	}
	lines := inside(width - w)
	if len(lines) == 0 {
		lines = []line{{}}
	}
	blank := strings.Repeat(" ", w)
	for i := range lines {
		switch {
		case lines[i].text == "" && (each || i == 0):
			mark.text = strings.TrimRight(mark.text, " ")
			lines[i].text = paint([]span{mark})
		case each || i == 0:
			lines[i].text = painted + lines[i].text
		case lines[i].text != "":
			lines[i].text = blank + lines[i].text
		}
	}
	return lines
}

// bullets are the marks of lists in lists.
var bullets = []string{"• ", "◦ ", "▪ "}

func (g *drawing) list(n *ast.List, width, depth int) []line {
	number := n.Start
	if depth == 0 && g.number >= 0 {
		number, g.number = g.number, -1
	}
	var lines []line
	for i := n.FirstChild(); i != nil; i = i.NextSibling() {
		mark := bullets[depth%len(bullets)]
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + string(rune(n.Marker)) + " "
			number++
		}
		if len(lines) > 0 && !n.IsTight {
			lines = append(lines, line{})
		}
		lines = append(lines, g.inset(g.r.span(pen(0).as(roleMarker), mark), false, width, func(width int) []line {
			return g.children(i, width, depth+1)
		})...)
	}
	return lines
}

const (
	// mostNesting is how many marks of quotes and lists one line may begin with.
	mostNesting = 24
	// mostBrackets is how many opening brackets a block may have: for each, the
	// parser may read to the end of the block.
	mostBrackets = 1000
	// mostCells is how many cells of a table a block may have, filled or not.
	mostCells = 20_000
)

// isTame reports whether the parser takes about linear time for a block.
func isTame(source []byte) bool {
	if bytes.Count(source, []byte("[")) > mostBrackets {
		return false
	}
	lines, columns := 0, 0
	for l := range bytes.Lines(source) {
		lines++
		columns = max(columns, bytes.Count(l, []byte("|"))+1)
		if nesting(l) > mostNesting {
			return false
		}
	}
	return columns == 1 || lines*columns <= mostCells
}

// nesting is about how many quotes and lists a line is in by the marks it
// begins with.
func nesting(l []byte) int {
	n := 0
	for i := 0; i < len(l) && n <= mostNesting; i++ {
		switch c := l[i]; {
		case c == ' ' || c == '\t' || '0' <= c && c <= '9':
		case c == '>' || c == '-' || c == '+' || c == '*' || c == '.' || c == ')':
			n++
		default:
			return n
		}
	}
	return n
}
