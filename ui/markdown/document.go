package markdown

import (
	"bytes"
	"strings"

	"scout/ui/safetext"
)

// Document is one text in Markdown, which may still be growing. It takes room
// in proportion to the text. It is used by one goroutine at a time.
type Document struct {
	r      *Renderer
	filter safetext.Filter
	text   []byte
	closed bool

	scan      splitter
	lineStart int     // in text: where the line begins that is not whole yet
	blocks    []block // finished ones
	drawn     int     // of blocks

	lines       []string // of the drawn blocks, then of what is open
	settled     int      // lines of drawn blocks
	code        []CodeBlock
	settledCode int
	fence       openFence
	fresh       bool // lines show all of the text
}

// openFence is how much of a code block that is still open has been drawn: its
// lines are final until it closes.
type openFence struct {
	started bool
	next    int // in the text: the first line that is not drawn
	lines   int // after the settled ones
	code    int // index in Document.code
}

// CodeBlock is one fenced block of code.
type CodeBlock struct {
	Language  string // as the text spells it, "" if it does not
	Text      string // as it may be pasted: without fences and their indentation
	FirstLine int    // index in Lines of the block's header
}

// Document is an empty document drawn by r.
func (r *Renderer) Document() *Document { return &Document{r: r} }

// Append adds a piece of text, cut anywhere, even in a character. A closed
// document is open again.
func (d *Document) Append(piece string) {
	if piece == "" {
		return
	}
	d.closed = false
	d.add(d.filter.Write(piece))
}

// Close says that the text has ended: what had been held back until more was
// known is shown, and code in a fence that nobody closed is coloured whole.
func (d *Document) Close() {
	if end := d.filter; end.Flush() != "" { // half a character
		d.add(d.filter.Flush())
	}
	d.closed, d.fresh = true, false
}

// add adds safe text, and finds the blocks it finishes.
func (d *Document) add(text string) {
	if text == "" {
		return
	}
	d.text = append(d.text, text...)
	d.fresh = false
	for {
		n, whole := nextLine(d.text[d.lineStart:])
		if !whole {
			return
		}
		end := d.lineStart + n
		d.read(&d.scan, end, d.text[end-1] != '\n', func(b block) { d.blocks = append(d.blocks, b) })
		d.lineStart = end
	}
}

// read lets s read the line that ends at end, and hands on what it finishes.
func (d *Document) read(s *splitter, end int, cut bool, finished func(block)) {
	if b, ok := s.line(d.text, d.lineStart, end, cut); ok {
		finished(b)
	}
	if b, ok := s.closed(); ok {
		finished(b)
	}
}

// Source is the text so far, as far as it may reach a terminal. What nothing
// can show (controls, half a character at the end) is not in it.
func (d *Document) Source() string { return string(d.text) }

// Resize draws the document with another renderer from now on, when it is next
// asked for.
func (d *Document) Resize(r *Renderer) {
	if d.r == r {
		return
	}
	d.r = r
	d.drawn, d.settled, d.settledCode = 0, 0, 0
	d.lines, d.code = nil, nil
	d.fence, d.fresh = openFence{}, false
}

// Lines is the document as lines of at most the renderer's width, each with
// its own colours and none left on at its end. The slice is the document's: it
// is valid until the document changes, and must not be written to. Only what
// is not final is drawn again after Append. A last line that may yet turn out to
// be a mark, such as "-" or "##", waits for the next character.
func (d *Document) Lines() []string {
	if d.fresh {
		return d.lines
	}
	d.fresh = true
	for ; d.drawn < len(d.blocks); d.drawn++ {
		d.rewind()
		d.put(d.blocks[d.drawn], d.before(d.drawn))
		d.settled, d.settledCode = len(d.lines), len(d.code)
	}
	if d.scan.open && d.scan.block.kind == fence && !d.closed {
		d.drawFence()
		return d.lines
	}
	d.rewind()
	before := d.before(len(d.blocks))
	for _, b := range d.tail() {
		d.put(b, before)
		before = &b
	}
	return d.lines
}

// Code is the fenced blocks of code, in order; the n-th is the one whose header
// shows the number n+1.
func (d *Document) Code() []CodeBlock {
	d.Lines()
	code := append([]CodeBlock(nil), d.code...)
	if d.fence.started {
		open := d.scan.block
		open.end = len(d.text)
		code[d.fence.code].Text = open.fenceText(d.text)
	}
	return code
}

// before is the block before the i-th, nil for the first.
func (d *Document) before(i int) *block {
	if i == 0 {
		return nil
	}
	return &d.blocks[i-1]
}

// rewind forgets the lines of what was open.
func (d *Document) rewind() {
	d.lines, d.code = d.lines[:d.settled], d.code[:d.settledCode]
	d.fence = openFence{}
}

// tail is the blocks at the open end of the text, as they would be if it ended
// here.
func (d *Document) tail() []block {
	var blocks []block
	s := d.scan
	if d.lineStart < len(d.text) && (d.closed || !mayBeMark(d.text[d.lineStart:])) {
		d.read(&s, len(d.text), false, func(b block) { blocks = append(blocks, b) })
	}
	if s.open {
		blocks = append(blocks, s.block)
	}
	return blocks
}

// put draws a block below the one before it.
func (d *Document) put(b block, before *block) {
	g := drawing{r: d.r, code: d.code}
	lines := g.draw(b, d.text)
	d.code = g.code
	if len(lines) > 0 && len(d.lines) > 0 && needsGap(before, b) {
		d.lines = append(d.lines, "")
	}
	d.take(lines)
}

// take adds lines, and notes where code begins.
func (d *Document) take(lines []line) {
	for _, l := range lines {
		if l.code > 0 {
			d.code[l.code-1].FirstLine = len(d.lines)
		}
		d.lines = append(d.lines, l.text)
	}
}

// needsGap reports whether an empty line stands between two blocks: where the
// text has one, and round code and headings, but not within a list written
// without.
func needsGap(before *block, b block) bool {
	switch {
	case before == nil || b.rest && !b.blank:
		return false
	case b.blank:
		return true
	case b.kind == item:
		return before.kind == fence
	case b.kind == prose:
		return before.kind != heading
	}
	return true
}

// drawFence draws what has come of a code block that is open, line by line.
func (d *Document) drawFence() {
	b := d.scan.block
	g := drawing{r: d.r, code: d.code}
	if !d.fence.started {
		d.rewind()
		g.code = d.code
		header := g.codeHeader(b.fence.language, "", d.r.width)
		d.code = g.code
		if len(d.lines) > 0 && needsGap(d.before(len(d.blocks)), b) {
			d.lines = append(d.lines, "")
		}
		d.take(header)
		d.fence = openFence{started: true, next: b.contentStart(d.text), code: len(d.code) - 1}
		d.fence.lines = len(d.lines) - d.settled
	}
	d.lines = d.lines[:d.settled+d.fence.lines]
	for d.fence.next < d.lineStart {
		n, _ := nextLine(d.text[d.fence.next:])
		d.take(g.codeLine(b, d.text, d.fence.next, d.fence.next+n))
		d.fence.next += n
	}
	d.fence.lines = len(d.lines) - d.settled
	if rest := d.text[d.lineStart:]; len(rest) > 0 && strings.Trim(string(rest[:min(len(rest), 64)]), " "+string(b.fence.char)) != "" {
		d.take(g.codeLine(b, d.text, d.lineStart, len(d.text)))
	}
}

// mayBeMark reports whether a line that is not whole has nothing yet but what
// may become a mark: shown at once, "-" under a paragraph would make it a
// heading for the time of one character.
func mayBeMark(l []byte) bool {
	l = bytes.TrimLeft(l, " ")
	if len(l) > 16 {
		return false
	}
	l = bytes.TrimRight(l, " ")
	digits := bytes.TrimLeft(l, "0123456789")
	if len(digits) < len(l) {
		return string(digits) == "." || string(digits) == ")"
	}
	return len(bytes.Trim(l, "-+*#=_>|`~:")) == 0
}
