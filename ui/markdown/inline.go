package markdown

import (
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"

	"scout/ui/safetext"
)

// inliner turns what is in a paragraph into spans.
type inliner struct {
	r      *Renderer
	source []byte
	safe   safetext.Filter
	spans  []span
}

// inline is the text in a block, beginning with pen p. Line feeds in it are
// lines' ends.
func (g *drawing) inline(n ast.Node, p pen) []span {
	in := &inliner{r: g.r, source: g.source}
	in.children(n, p)
	return in.spans
}

// add adds text. It passes the filter once more: what Markdown spells with
// entities was not in the text before, and a mark may have come to stand on
// another character than in the source.
func (in *inliner) add(p pen, text string) {
	text = in.safe.Write(text)
	if text != "" {
		in.spans = appendSpan(in.spans, in.r.span(p, text))
	}
}

func (in *inliner) children(n ast.Node, p pen) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		in.node(c, p)
	}
}

func (in *inliner) node(n ast.Node, p pen) {
	switch n := n.(type) {
	case *ast.Text:
		in.add(p, unescape(string(n.Value(in.source))))
		if n.SoftLineBreak() || n.HardLineBreak() {
			in.add(p, "\n")
		}
	case *ast.String:
		in.add(p, string(n.Value))
	case *ast.CodeSpan:
		in.codeSpan(n, p)
	case *ast.Emphasis:
		if n.Level > 1 {
			in.children(n, p|bold)
		} else {
			in.children(n, p|italic)
		}
	case *east.Strikethrough:
		in.marked(p|strike, "~~", func() { in.children(n, p|strike) })
	case *ast.Link:
		in.link(n, p)
	case *ast.AutoLink:
		in.add(p.as(roleLink)|underline, string(n.Label(in.source)))
	case *ast.Image:
		in.image(n, p)
	case *east.TaskCheckBox:
		box := "[ ] "
		if n.IsChecked {
			box = "[x] "
		}
		in.add(p.as(roleMarker), box)
	default:
		in.children(n, p)
	}
}

// marked adds what add adds between marks, if pen p looks like plain text.
func (in *inliner) marked(p pen, mark string, add func()) {
	if in.r.shows(p) {
		add()
		return
	}
	in.add(p, mark)
	add()
	in.add(p, mark)
}

func (in *inliner) codeSpan(n *ast.CodeSpan, p pen) {
	p = p.as(roleCode)
	in.marked(p, "`", func() {
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if t, ok := c.(*ast.Text); ok {
				in.add(p, strings.ReplaceAll(string(t.Value(in.source)), "\n", " "))
			}
		}
	})
}

// link adds a link's text, and where it leads unless the text says that.
func (in *inliner) link(n *ast.Link, p pen) {
	from := len(in.spans)
	had := 0
	if from > 0 {
		had = len(in.spans[from-1].text)
	}
	in.children(n, p.as(roleLink)|underline)
	address := addressOf(n.Destination)
	shown := textSince(in.spans, from, had)
	switch {
	case address == "" || shown == address || "mailto:"+shown == address:
	case shown == "":
		in.add(p.as(roleLink)|underline, address)
	default:
		in.add(p.as(roleMuted), " ("+address+")")
	}
}

// textSince is the text of spans from one on, and what was added to the span
// before beyond its first had bytes.
func textSince(spans []span, from, had int) string {
	var b strings.Builder
	if from > 0 {
		b.WriteString(spans[from-1].text[had:])
	}
	for _, s := range spans[from:] {
		b.WriteString(s.text)
	}
	return b.String()
}

// image adds what stands for a picture: its description and address.
func (in *inliner) image(n *ast.Image, p pen) {
	address := addressOf(n.Destination)
	if n.FirstChild() == nil {
		in.add(p.as(roleLink), address)
		return
	}
	in.children(n, p|italic)
	if address != "" {
		in.add(p.as(roleMuted), " ("+address+")")
	}
}

// addressOf is a link's destination as it can be shown in a line.
func addressOf(destination []byte) string {
	return safetext.Line(html.UnescapeString(string(destination)))
}

// longestEntity is the longest name of a character in HTML, with & and ;.
const longestEntity = len("&CounterClockwiseContourIntegral;")

// unescape is text with its backslash escapes and entities resolved.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 && strings.IndexByte(s, '&') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && isPunctuation(s[i+1]):
			i++
		case s[i] == '&':
			window := s[i:min(len(s), i+longestEntity)]
			if n := strings.IndexByte(window, ';'); n > 0 {
				entity := window[:n+1]
				if char := html.UnescapeString(entity); isName(entity[1:n]) && char != entity {
					b.WriteString(char)
					i += n
					continue
				}
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isName reports whether s may stand between & and ; in an entity.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '#' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// isPunctuation reports whether a backslash before c makes it text (CommonMark
// 0.31.2, section 2.4).
func isPunctuation(c byte) bool {
	return '!' <= c && c <= '/' || ':' <= c && c <= '@' || '[' <= c && c <= '`' || '{' <= c && c <= '~'
}
