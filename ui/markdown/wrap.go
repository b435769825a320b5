package markdown

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

const resetStyle = "\x1b[m"

// paint is spans as one string that leaves no style behind.
func paint(spans []span) string {
	if len(spans) == 1 && spans[0].sgr == "" {
		return spans[0].text
	}
	var b strings.Builder
	open := ""
	for _, s := range spans {
		if s.text == "" {
			continue
		}
		if s.sgr != open {
			if open != "" {
				b.WriteString(resetStyle)
			}
			b.WriteString(s.sgr)
			open = s.sgr
		}
		b.WriteString(s.text)
	}
	if open != "" {
		b.WriteString(resetStyle)
	}
	return b.String()
}

// spansWidth is the cells that spans take in a line.
func spansWidth(spans []span) int {
	w := 0
	for _, s := range spans {
		w += cells(s.text)
	}
	return w
}

// cells is ansi.StringWidth, quick for ASCII.
func cells(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// joinMarks moves the marks at the beginning of a span to the end of the one
// before, where they are drawn: a character and its marks have one width
// together, which is not that of the parts.
func joinMarks(spans []span) []span {
	for i := 1; i < len(spans); i++ {
		s := spans[i].text
		if s == "" || s[0] < utf8.RuneSelf {
			continue
		}
		n := len(s) - len(strings.TrimLeftFunc(s, isMark))
		if n == 0 {
			continue
		}
		before := i - 1
		for before > 0 && spans[before].text == "" {
			before--
		}
		spans[before].text += s[:n]
		spans[i].text = s[n:]
	}
	return spans
}

// firstMarks is spans without the marks that they begin with: behind a space, an
// indentation or nothing there is no character for them to be drawn on, and a space
// with a mark may be wider than a space.
func firstMarks(spans []span) []span {
	for i := range spans {
		if spans[i].text = strings.TrimLeftFunc(spans[i].text, isMark); spans[i].text != "" {
			break
		}
	}
	return spans
}

func isMark(r rune) bool {
	return r == '\u200D' || r == '\u200C' || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc)
}

// wrapper breaks spans into rows of at most width cells.
type wrapper struct {
	width int
	rows  [][]span
	row   []span
	rowW  int
	space *span // one space that is due before the next word
	word  []span
	wordW int
}

// wrap breaks prose between words, at line feeds, beside wide characters, and
// inside a word only where the word alone is wider than a row. Runs of spaces
// become one. There is at least one row.
func wrap(spans []span, width int) [][]span {
	w := &wrapper{width: width}
	for _, s := range joinMarks(spans) {
		w.prose(s)
	}
	w.endWord()
	w.endRow()
	return w.rows
}

func (w *wrapper) prose(s span) {
	for rest := s.text; rest != ""; {
		switch rest[0] {
		case '\n':
			w.endWord()
			w.endRow()
			rest = rest[1:]
		case ' ', '\t':
			w.endWord()
			if w.rowW > 0 && w.space == nil {
				w.space = &span{text: " ", sgr: s.sgr}
			}
			rest = rest[1:]
		default:
			if len(w.word) == 0 && (w.space != nil || w.rowW == 0) {
				if rest = strings.TrimLeftFunc(rest, isMark); rest == "" { // see firstMarks
					return
				}
				if c := rest[0]; c == ' ' || c == '\t' || c == '\n' {
					continue
				}
			}
			piece, cellsOf := nextPiece(rest, true, len(rest))
			rest = rest[len(piece):]
			w.addProse(span{piece, s.sgr}, cellsOf)
		}
	}
}

// addProse adds a piece without spaces. A wide character is a word of its own,
// since the scripts that have them write no spaces.
func (w *wrapper) addProse(s span, cellsOf int) {
	if isCharacter(s.text, cellsOf) && cellsOf > 1 {
		w.endWord()
		w.addToWord(s, cellsOf)
		w.endWord()
		return
	}
	w.addToWord(s, cellsOf)
}

// isCharacter reports whether a piece is one character with its marks, which
// cannot be cut, and not a run of ASCII.
func isCharacter(piece string, cellsOf int) bool { return len(piece) != cellsOf }

// tooWide stands for a character that is wider than the whole row.
const tooWide = "…"

// addToWord adds to the word, which is broken where it is wider than a row.
func (w *wrapper) addToWord(s span, cellsOf int) {
	for w.wordW+cellsOf > w.width {
		if isCharacter(s.text, cellsOf) && w.wordW == 0 {
			s.text, cellsOf = tooWide, 1
			break
		}
		if room := w.width - w.wordW; !isCharacter(s.text, cellsOf) && room > 0 {
			w.word = append(w.word, span{s.text[:room], s.sgr})
			w.wordW += room
			s.text, cellsOf = s.text[room:], cellsOf-room
		}
		w.endWord()
	}
	if s.text == "" {
		return
	}
	w.word = appendSpan(w.word, s)
	w.wordW += cellsOf
}

// endWord puts the word into the row, or into the next where it does not fit.
func (w *wrapper) endWord() {
	if len(w.word) == 0 {
		return
	}
	gap := 0
	if w.space != nil {
		gap = 1
	}
	if w.rowW > 0 && w.rowW+gap+w.wordW > w.width {
		w.endRow()
		gap = 0
	}
	if gap > 0 {
		w.row = appendSpan(w.row, *w.space)
		w.rowW++
	}
	w.space = nil
	for _, s := range w.word {
		w.row = appendSpan(w.row, s)
	}
	w.rowW += w.wordW
	w.word, w.wordW = w.word[:0], 0
}

func (w *wrapper) endRow() {
	w.rows = append(w.rows, w.row)
	w.row, w.rowW, w.space = nil, 0, nil
}

// appendSpan appends a span, joined to the last where their style is the same.
func appendSpan(spans []span, s span) []span {
	if n := len(spans); n > 0 && spans[n-1].sgr == s.sgr {
		spans[n-1].text += s.text
		return spans
	}
	return append(spans, s)
}

// nextPiece is the beginning of a text that has no line break, and its cells:
// a run of ASCII, one cell each and at most most of them, or one character with
// all its marks. With words a run ends before a space.
func nextPiece(s string, words bool, most int) (piece string, cellsOf int) {
	n := 0
	for n < min(len(s), most) && s[n] < utf8.RuneSelf && s[n] != '\n' && s[n] != '\t' && (!words || s[n] != ' ') {
		n++
	}
	if n < len(s) && s[n] >= utf8.RuneSelf && n > 0 {
		n-- // the last may bear marks
	}
	if n > 0 {
		return s[:n], n
	}
	piece, cellsOf = ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	if piece == "" { // cannot be; never stand still
		_, size := utf8.DecodeRuneInString(s)
		piece, cellsOf = s[:size], ansi.StringWidth(s[:size])
	}
	return piece, cellsOf
}

// hardWrap fills rows to the last cell, as code wants it: spaces count, and the
// text holds no tabs or line feeds. Rows after the first begin with more, which
// is left out where it would take half the row.
func hardWrap(spans []span, width int, more span) [][]span {
	moreW := cells(more.text)
	if moreW*2 > width {
		more, moreW = span{}, 0
	}
	var rows [][]span
	var row []span
	used := 0
	for _, s := range firstMarks(joinMarks(spans)) {
		for rest := s.text; rest != ""; {
			piece, w := nextPiece(rest, false, width+1)
			if !isCharacter(piece, w) && used+w > width && used < width {
				piece, w = piece[:width-used], width-used
			}
			if used+w > width && used > 0 {
				rows = append(rows, row)
				row, used = nil, 0
				if moreW > 0 {
					row, used = []span{more}, moreW
				}
				continue
			}
			rest = rest[len(piece):]
			if used+w > width {
				piece, w = tooWide, 1
			}
			row = appendSpan(row, span{piece, s.sgr})
			used += w
		}
	}
	return append(rows, row)
}

// tabStop is how far apart the columns are that a tab in code leads to.
const tabStop = 4

// expandTabs is a line of code with spaces for its tabs.
func expandTabs(s string) string {
	if strings.IndexByte(s, '\t') < 0 {
		return s
	}
	var b strings.Builder
	column := 0
	for i, field := range strings.Split(s, "\t") {
		if i > 0 {
			n := tabStop - column%tabStop
			b.WriteString("        "[:n])
			column += n
		}
		b.WriteString(field)
		column += cells(field)
	}
	return b.String()
}
