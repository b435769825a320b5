package markdown

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	// mostBlock is how many bytes a block may take before it is shown as plain
	// text. It bounds what one more piece of text can cost; paragraphs, list
	// items and tables people read are a tenth of it.
	mostBlock = 16 << 10
	// mostLine is where a line is cut if it never ends, in bytes.
	mostLine = 8 << 10
	// mostHead is how much of a line says what kind of block it begins.
	mostHead = 256
)

// kind is what the first line of a block says it is, as far as the splitter has
// to know.
type kind uint8

const (
	prose kind = iota // paragraphs, quotes, tables, rules, indented code
	heading
	item  // one item of a list at the left edge, with all it holds
	fence // a fenced code block at the left edge
)

// block is a part of the text that is drawn by itself.
type block struct {
	start, end int // in the text
	kind       kind
	blank      bool // a blank line came before
	first      bool // of its list, or no item
	plain      bool // too much for the parser
	rest       bool // goes on where the one before was cut
	number     int  // of an ordered item
	inner      int  // how far a line must be indented to be in the item
	fence      fenceMark
	closed     bool // the last line closes the fence
}

// splitter finds where blocks end, line by line, so that it never matters in
// which pieces the text came. It cuts only where CommonMark must end a block
// whatever follows: in doubt two blocks stay together, which costs time and
// nothing else.
type splitter struct {
	open    bool
	block   block
	blank   bool // the line before was blank
	list    listMark
	bare    bool // the block is an item that has no text yet
	cut     bool // the line before was cut at mostLine and goes on
	closing bool // the line just read is the last of the block
}

// nextLine is the length of the first line of text, with its line feed, or up
// to where it is cut; ok reports whether all of it is there.
func nextLine(text []byte) (n int, ok bool) {
	window := text[:min(len(text), mostLine+1)]
	if i := bytes.IndexByte(window, '\n'); i >= 0 {
		return i + 1, true
	}
	if len(text) <= mostLine {
		return len(text), false
	}
	return wholeRunes(text, mostLine), true
}

// wholeRunes is how many of the first n bytes of text are whole characters.
func wholeRunes(text []byte, n int) int {
	if len(text) <= n {
		return len(text)
	}
	cut := n
	for cut > n-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return cut
}

// line reads the line text[start:end], which is cut if it goes on in the next,
// and returns the block that ended before it, if one did.
func (s *splitter) line(text []byte, start, end int, cut bool) (done block, ended bool) {
	wasCut := s.cut
	s.cut = cut
	l := text[start:end]
	switch {
	case s.open && s.block.kind == fence:
		s.closing = !wasCut && s.block.fence.closes(l)
		s.block.closed, s.block.end = s.closing, end
		return block{}, false
	case s.open && wasCut:
		return s.grow(start, end)
	case isBlank(l):
		s.blank = true
		if s.bare {
			s.block.inner = mostLine // an empty item ends with a blank line
		}
		return block{}, false
	}
	head := strings.TrimRight(string(l[:wholeRunes(l, mostHead)]), "\n")
	next := kindOf(head)
	if s.open && !s.startsBlock(head, next) {
		return s.grow(start, end)
	}
	done, ended = s.block, s.open
	s.start(next, head, start, end)
	return done, ended
}

// closed is the open block if the line just read was its last.
func (s *splitter) closed() (done block, ok bool) {
	if !s.closing {
		return block{}, false
	}
	s.open, s.closing = false, false
	return s.block, true
}

// grow adds a line to the open block. A block that has become too big ends
// here, and the rest of it is the next block.
func (s *splitter) grow(start, end int) (block, bool) {
	s.bare = false
	if end-s.block.start <= mostBlock {
		s.block.end, s.blank = end, false
		return block{}, false
	}
	done := s.block
	done.plain = true
	s.block = block{start: start, end: end, kind: done.kind, blank: s.blank, plain: true, rest: true, inner: done.inner}
	s.blank = false
	return done, true
}

// isBlank reports whether a line has nothing but spaces.
func isBlank(l []byte) bool { return len(bytes.Trim(l, " \t\n")) == 0 }

// kindOf is the kind of block that a line would begin at the left edge.
func kindOf(l string) kind {
	indent := indentOf(l)
	if indent > 3 {
		return prose
	}
	l = l[indent:]
	switch {
	case parseFence(l, indent).ok:
		return fence
	case isHeading(l):
		return heading
	case !isRule(l) && parseMarker(l).ok:
		return item
	}
	return prose
}

// startsBlock reports whether a line that is not blank certainly begins a block
// of its own after the open one.
func (s *splitter) startsBlock(l string, next kind) bool {
	indent := indentOf(l)
	if indent > 3 {
		return false
	}
	if s.block.kind == item {
		// Only more of a paragraph may stand further left.
		bare := l[indent:]
		return indent < s.block.inner && (s.blank || s.bare || next != prose || bare[0] == '>' || isRule(bare))
	}
	if s.blank || next == fence || next == heading || s.block.kind == heading {
		return true
	}
	// A list interrupts a paragraph if its first item has text and is, if
	// numbered, the first.
	m := parseMarker(l[indent:])
	return next == item && !m.empty && (!m.ordered || m.number == 1)
}

// start opens the block that a line begins.
func (s *splitter) start(k kind, l string, start, end int) {
	blank := s.blank
	s.blank, s.bare, s.open, s.closing = false, false, true, k == heading && !s.cut
	s.block = block{start: start, end: end, kind: k, blank: blank, first: true}
	if k != item {
		s.list = listMark{}
		if k == fence {
			indent := indentOf(l)
			s.block.fence = parseFence(l[indent:], indent)
		}
		return
	}
	m := parseMarker(l[indentOf(l):])
	s.bare, s.block.inner = m.empty, contentColumn(l, m)
	if s.list.ok && s.list.mark == m.mark {
		s.block.first = false
		m.number = max(m.number, s.list.number+1)
	}
	s.block.number = m.number
	s.list = m
}

// indentOf is how many spaces a line begins with; a tab counts as four.
func indentOf(l string) int {
	n := 0
	for n < len(l) && l[n] == ' ' {
		n++
	}
	if n < 4 && n < len(l) && l[n] == '\t' {
		return 4
	}
	return n
}

// isHeading reports whether a line is an ATX heading.
func isHeading(l string) bool {
	n := len(l) - len(strings.TrimLeft(l, "#"))
	return n >= 1 && n <= 6 && (n == len(l) || l[n] == ' ' || l[n] == '\t')
}

// isRule reports whether a line is a thematic break.
func isRule(l string) bool {
	if l == "" || l[0] != '-' && l[0] != '*' && l[0] != '_' {
		return false
	}
	return strings.Count(l, l[:1]) >= 3 && strings.Trim(l, l[:1]+" \t") == ""
}

// listMark is the mark of a list item.
type listMark struct {
	ok      bool
	mark    byte // '-', '+', '*', and of numbers what follows: '.', ')'
	ordered bool
	number  int
	empty   bool // nothing follows
	width   int  // of the mark
}

// mostDigits is how long a number may be (CommonMark 0.31.2, section 5.2).
const mostDigits = 9

// parseMarker reads the mark of a list item at the beginning of a line.
func parseMarker(l string) listMark {
	var m listMark
	n := 0
	for n < len(l) && n <= mostDigits && '0' <= l[n] && l[n] <= '9' {
		m.number = m.number*10 + int(l[n]-'0')
		n++
	}
	if n > mostDigits || n == len(l) {
		return listMark{}
	}
	m.mark, m.ordered = l[n], n > 0
	switch m.mark {
	case '-', '+', '*':
		m.ok = !m.ordered
	case '.', ')':
		m.ok = m.ordered
	}
	rest := l[n+1:]
	m.empty = strings.Trim(rest, " \t") == ""
	if !m.ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return listMark{}
	}
	m.width = n + 1
	return m
}

// contentColumn is where the text of an item begins in its line, which is how
// far the lines below must be indented to be in the item (CommonMark 0.31.2,
// section 5.2).
func contentColumn(l string, m listMark) int {
	at := indentOf(l) + m.width
	column := at
	for i := at; i < len(l) && (l[i] == ' ' || l[i] == '\t'); i++ {
		column++
		if l[i] == '\t' {
			column += (tabStop - column%tabStop) % tabStop
		}
	}
	if m.empty || column-at > 4 || column == at {
		return at + 1
	}
	return column
}

// fenceMark is the line that opens a fenced code block.
type fenceMark struct {
	ok       bool
	char     byte
	length   int
	indent   int
	language string
}

// parseFence reads a line, which had been indented, as the opening of a fence.
func parseFence(l string, indent int) fenceMark {
	if len(l) < 3 || l[0] != '`' && l[0] != '~' {
		return fenceMark{}
	}
	rest := strings.TrimLeft(l, l[:1])
	m := fenceMark{ok: true, char: l[0], length: len(l) - len(rest), indent: indent}
	if m.length < 3 || m.char == '`' && strings.IndexByte(rest, '`') >= 0 {
		return fenceMark{}
	}
	m.language = firstWord(rest)
	return m
}

// firstWord is the language in what follows a fence; "" if nothing does.
func firstWord(info string) string {
	for word := range strings.FieldsSeq(info) {
		return word
	}
	return ""
}

// closes reports whether a line ends the fence.
func (m fenceMark) closes(l []byte) bool {
	l = bytes.TrimRight(l, " \t\n")
	indent := len(l) - len(bytes.TrimLeft(l, " "))
	l = l[indent:]
	return indent <= 3 && len(l) >= m.length && l[0] == m.char && len(bytes.Trim(l, string(m.char))) == 0
}
