package app

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"scout/sessions"
	"scout/ui/markdown"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// item is a turn with its lines. They are made when they are first looked at.
type item struct {
	turn  talk.Turn
	doc   *markdown.Document // of a reply's text; nil before it is looked at
	fed   int                // bytes of the text that doc has
	drawn *drawing           // nil: to be made
}

// drawing is the lines of an item: a heading, the text, which stands further in, and
// what is to be said of it. The text's lines are not copied: a reply of ten thousand
// grows at the cost of its last.
type drawing struct{ head, body, tail []string }

const indent = "  "

func (d *drawing) len() int { return len(d.head) + len(d.body) + len(d.tail) }

// line is the i-th line.
func (d *drawing) line(i int) string {
	if i < len(d.head) {
		return d.head[i]
	}
	if i -= len(d.head); i < len(d.body) {
		if d.body[i] == "" {
			return ""
		}
		return indent + d.body[i]
	}
	return d.tail[i-len(d.body)]
}

// transcript is the conversation as lines, and which of them are seen. Lines are made
// for the items that are looked at, not for all.
type transcript struct {
	items         []*item
	width, height int
	look          *look

	// follow is that the end is seen, and is to be when there is more.
	follow bool
	// The first line that is seen, if not following.
	item, line int
	// What was there when following ended: items, and lines of the last.
	knownItems, knownLines int
}

// look is what items are drawn with.
type look struct {
	*styles
	renderer func(width int) *markdown.Renderer
	price    func(r *sessions.Reply) string
	thumb    func(hash string, width int) []string // of a picture, nil if there is none
}

func newTranscript(l *look) transcript { return transcript{look: l, follow: true} }

// set takes the turns as they are now. What has not changed keeps its lines.
func (t *transcript) set(turns []talk.Turn) {
	for i := range turns {
		if i == len(t.items) {
			t.items = append(t.items, &item{turn: turns[i]})
			continue
		}
		t.items[i].update(turns[i])
	}
	clear(t.items[min(len(turns), len(t.items)):])
	t.items = t.items[:len(turns)]
	if t.item >= len(t.items) {
		t.follow = true
	}
	t.settle()
}

// grow takes the text of the reply that is being written.
func (t *transcript) grow(id int, text string) {
	if n := len(t.items) - 1; n >= 0 && t.items[n].turn.ID == id {
		it := t.items[n]
		if len(text) != len(it.turn.Text) {
			turn := it.turn
			turn.Text = text
			it.update(turn)
			t.settle()
		}
	}
}

// update makes an item of another state of the turn, or of another turn.
func (it *item) update(turn talk.Turn) {
	old := it.turn
	same := old.ID == turn.ID && old.Text == turn.Text && old.Live == turn.Live && old.Unfinished == turn.Unfinished &&
		old.Sibling == turn.Sibling && old.Siblings == turn.Siblings && old.Reply == turn.Reply && old.Role == turn.Role &&
		slices.Equal(old.Files, turn.Files)
	it.turn = turn
	if same {
		return
	}
	it.drawn = nil
	grown := it.doc != nil && old.Role == turn.Role && (old.Live || old.Text == turn.Text) && strings.HasPrefix(turn.Text, old.Text)
	if !grown {
		it.doc = nil
	}
}

// resize takes another size of the window. The item at its top stays there.
func (t *transcript) resize(width, height int) {
	if width == t.width {
		t.height = height
		t.settle()
		return
	}
	before := 0
	if !t.follow && t.item < len(t.items) && t.width > 0 {
		before = t.draw(t.item).len()
	}
	t.width, t.height = width, height
	t.restyle()
	if before > 0 {
		t.line = t.line * t.draw(t.item).len() / before
	}
	t.knownItems, t.knownLines = len(t.items), t.lastLines()
	t.settle()
}

// restyle has all lines drawn again, when they are next looked at.
func (t *transcript) restyle() {
	for _, it := range t.items {
		it.drawn = nil
	}
}

func (t *transcript) lastLines() int {
	if t.follow || len(t.items) == 0 {
		return 0
	}
	return t.draw(len(t.items) - 1).len()
}

// draw is the lines of an item.
func (t *transcript) draw(i int) *drawing {
	it := t.items[i]
	if it.drawn == nil {
		it.drawn = t.look.draw(it, max(8, t.width))
	}
	return it.drawn
}

// scroll moves the window by lines, down if n is positive.
func (t *transcript) scroll(n int) {
	if len(t.items) == 0 || t.height <= 0 {
		return
	}
	if t.follow {
		if n >= 0 {
			return
		}
		t.item, t.line = t.bottom()
		if t.item == 0 && t.line == 0 {
			return // all of it is seen
		}
		t.follow = false
		t.knownItems, t.knownLines = len(t.items), t.lastLines()
	}
	t.line += n
	for t.line < 0 && t.item > 0 {
		t.item--
		t.line += t.draw(t.item).len()
	}
	t.line = max(t.line, 0)
	for t.line >= t.draw(t.item).len() && t.item+1 < len(t.items) {
		t.line -= t.draw(t.item).len()
		t.item++
	}
	t.settle()
}

// top goes to the first line.
func (t *transcript) top() {
	if len(t.items) == 0 {
		return
	}
	t.scroll(-1) // which ends following, where there is something to scroll
	if !t.follow {
		t.item, t.line = 0, 0
	}
}

// end goes to the last line and follows.
func (t *transcript) end() { t.follow = true }

// settle follows again if the end is seen.
func (t *transcript) settle() {
	if t.follow || t.height <= 0 {
		return
	}
	if item, line := t.bottom(); t.item > item || t.item == item && t.line >= line {
		t.follow = true
	}
}

// bottom is the first line of the window that shows the end.
func (t *transcript) bottom() (item, line int) {
	left := t.height
	for i := len(t.items) - 1; i >= 0; i-- {
		n := t.draw(i).len()
		if n >= left {
			return i, n - left
		}
		left -= n
	}
	return 0, 0
}

// unseen is how many lines came since following ended.
func (t *transcript) unseen() int {
	if t.follow || t.knownItems == 0 || t.knownItems > len(t.items) {
		return 0
	}
	n := t.draw(t.knownItems-1).len() - t.knownLines
	for i := t.knownItems; i < len(t.items); i++ {
		n += t.draw(i).len()
	}
	return max(0, n)
}

// view is the lines that are seen, height of them, none wider than the window.
func (t *transcript) view() []string {
	item, line := t.item, t.line
	if t.follow {
		item, line = t.bottom()
	}
	out := make([]string, 0, t.height)
	for i := item; i < len(t.items) && len(out) < t.height; i++ {
		for d := t.draw(i); line < d.len() && len(out) < t.height; line++ {
			out = append(out, d.line(line))
		}
		line = 0
	}
	for len(out) < t.height {
		out = append(out, "")
	}
	if t.follow || t.height < 2 {
		return out
	}
	chip := "↓ End"
	if n := t.unseen(); n > 0 {
		chip = fmt.Sprintf("↓ %s · End", plural(n, "new line"))
	}
	out[t.height-1] = sides("", t.look.selected.Render(" "+chip+" "), t.width)
	return out
}

// draw makes the lines of an item: a heading, the text, what is to be said of it, and
// an empty line.
func (l *look) draw(it *item, width int) *drawing {
	turn := it.turn
	d := &drawing{head: []string{l.heading(turn, width)}}
	switch turn.Role {
	case sessions.Assistant:
		d.body = l.replyLines(it, width-2*len(indent))
	case sessions.System:
		d.body = l.textLines(turn.Text, l.muted, width)
	default:
		d.head = append(d.head, l.files(turn.Files, width)...)
		d.body = l.textLines(turn.Text, l.text, width)
	}
	if turn.Live {
		d.tail = append(d.tail, indent+l.reply.Render("▌"))
	}
	if note := l.note(turn); note != "" {
		d.tail = append(d.tail, cut(indent+note, width))
	}
	d.tail = append(d.tail, "")
	return d
}

// textLines is a text as it was written.
func (l *look) textLines(text string, style lipgloss.Style, width int) []string {
	if text == "" {
		return nil
	}
	lines := wrap(text, width-2*len(indent))
	for i, line := range lines {
		if line != "" {
			lines[i] = style.Render(line)
		}
	}
	return lines
}

// replyLines is the text of a reply, rendered.
func (l *look) replyLines(it *item, width int) []string {
	text, renderer := it.turn.Text, l.renderer(width)
	if it.doc == nil {
		it.doc, it.fed = renderer.Document(), 0
	}
	it.doc.Resize(renderer)
	if it.fed < len(text) {
		it.doc.Append(text[it.fed:])
		it.fed = len(text)
	}
	if !it.turn.Live {
		it.doc.Close()
	}
	return it.doc.Lines()
}

// heading says who speaks, and which of several branches this is.
func (l *look) heading(turn talk.Turn, width int) string {
	who := l.you.Render("You")
	switch turn.Role {
	case sessions.Assistant:
		who = l.reply.Render("Scout")
		if turn.Reply != nil && turn.Reply.Model.Name != "" {
			who = l.reply.Render(safetext.Line(turn.Reply.Model.Name))
		}
	case sessions.System:
		who = l.muted.Render("System prompt")
	case sessions.Tool:
		who = l.muted.Render("Tool")
	}
	if turn.Siblings > 1 {
		who += l.muted.Render(fmt.Sprintf("  ‹%d of %d›", turn.Sibling, turn.Siblings))
	}
	return cut(" "+who, width)
}

// files is a line of chips and the thumbnails below.
func (l *look) files(files []sessions.Attachment, width int) []string {
	if len(files) == 0 {
		return nil
	}
	var chips []string
	var lines []string
	for i, f := range files {
		chips = append(chips, fmt.Sprintf("▣%d %s %s", i+1, safetext.Line(f.Name), bytesText(f.Size)))
		for _, line := range l.thumb(f.Hash, width-4) {
			lines = append(lines, cut("  "+line, width))
		}
	}
	return append([]string{cut("  "+l.chip.Render(strings.Join(chips, "  ")), width)}, lines...)
}

// note is what is to be known of a turn besides its text.
func (l *look) note(turn talk.Turn) string {
	var parts []string
	if turn.Damaged {
		parts = append(parts, l.bad.Render("a part of this text was lost with a damaged file"))
	}
	if turn.Role != sessions.Assistant || turn.Live {
		return strings.Join(parts, " · ")
	}
	if turn.Unfinished {
		parts = append(parts, l.warning.Render(unfinishedText(turn.Reply)))
	}
	if turn.Reply != nil && turn.Reply.Stats.Generated > 0 {
		parts = append(parts, l.muted.Render(l.price(turn.Reply)))
	}
	return strings.Join(parts, l.muted.Render(" · "))
}

// unfinishedText says why a reply is not whole, and what to do.
func unfinishedText(r *sessions.Reply) string {
	reason := ""
	if r != nil {
		reason = r.Reason
	}
	switch reason {
	case string(talk.Interrupted):
		return "stopped: /continue goes on"
	case string(talk.Failed):
		return "it failed: /continue or /retry"
	case "":
		return "left unfinished: /continue goes on"
	}
	return "cut (" + safetext.Line(reason) + "): /continue goes on"
}

// replyStats is what a reply took, in a few words.
func replyStats(r *sessions.Reply) string {
	s := r.Stats
	text := plural(s.Generated, "token")
	if s.Generated > 1 && s.Decode > 0 {
		text += fmt.Sprintf(" · %.1f tok/s", float64(s.Generated-1)/s.Decode.Seconds())
	}
	return text
}

// show goes to an item.
func (t *transcript) show(i int) {
	t.scroll(-1)
	if !t.follow {
		t.item, t.line = i, 0
		t.settle()
	}
}
