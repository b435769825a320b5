package app

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/sahilm/fuzzy"
)

// layer is what lies over the chat.
type layer interface {
	// key takes a key; done is that the layer is to go.
	key(r *root, k tea.KeyPressMsg) (cmd tea.Cmd, done bool)
	// paste takes a pasted text.
	paste(text string)
	// view is height lines, none wider than width.
	view(s *styles, width, height int) []string
	// leave undoes what the layer did for as long as it was there, when it is closed
	// without a choice.
	leave(r *root)
}

// choice is a row of a list.
type choice struct {
	name  string // what is searched in, and the left of the row
	note  string // the middle, muted
	right string // the right end
	value any
	line  func(width int) string // the whole row instead, if not nil
}

// list is a layer: rows of which one is chosen, narrowed down by typing.
type list struct {
	title, hint, empty string
	all                []choice
	shown              []choice
	query              string
	at, first          int
	loading            bool

	pick   func(r *root, c choice) tea.Cmd
	moved  func(r *root, c choice) tea.Cmd // the cursor is on another row
	left   func(r *root)
	extra  map[string]func(r *root, c choice) (cmd tea.Cmd, done bool)
	foot   func(s *styles, width int) []string // below the rows, where there is room
	search func(r *root, query string) tea.Cmd // searches elsewhere; nil: among the rows

	head func(s *styles, width int) string // above the rows, where there is room
	note string                            // what goes on, at the right of the title
	more func(r *root) tea.Cmd             // looks elsewhere for further rows
}

// set gives the list its rows. The cursor stays on its row.
func (l *list) set(all []choice) {
	l.all, l.loading = all, false
	l.narrow()
}

// narrow shows the rows that fit the query, best first.
func (l *list) narrow() {
	if l.query == "" || l.search != nil {
		l.shown = l.all
	} else {
		names := make([]string, len(l.all))
		for i, c := range l.all {
			names[i] = c.name + " " + c.note
		}
		l.shown = nil
		for _, m := range fuzzy.Find(l.query, names) {
			l.shown = append(l.shown, l.all[m.Index])
		}
	}
	l.at = max(0, min(l.at, len(l.shown)-1))
}

func (l *list) key(r *root, k tea.KeyPressMsg) (tea.Cmd, bool) {
	name := k.String()
	if act := l.extra[name]; act != nil && len(l.shown) > 0 {
		return act(r, l.shown[l.at])
	}
	switch name {
	case "esc", "ctrl+c":
		l.leave(r)
		return nil, true
	case "enter":
		if len(l.shown) == 0 {
			return nil, false
		}
		return l.pick(r, l.shown[l.at]), true
	case "up", "ctrl+p", "shift+tab":
		return l.move(r, -1), false
	case "down", "ctrl+n", "tab":
		return l.move(r, 1), false
	case "pgup":
		return l.move(r, -10), false
	case "pgdown":
		return l.move(r, 10), false
	case "home":
		return l.move(r, -len(l.shown)), false
	case "end":
		return l.move(r, len(l.shown)), false
	case "backspace":
		if l.query == "" {
			return nil, false
		}
		runes := []rune(l.query)
		return l.ask(r, string(runes[:len(runes)-1])), false
	case "ctrl+u":
		return l.ask(r, ""), false
	}
	if k.Text != "" {
		return l.ask(r, l.query+k.Text), false
	}
	return nil, false
}

// ask takes another query.
func (l *list) ask(r *root, query string) tea.Cmd {
	l.query, l.at = query, 0
	l.narrow()
	if l.search != nil {
		return l.search(r, query)
	}
	return l.move(r, 0)
}

func (l *list) move(r *root, by int) tea.Cmd {
	l.at = max(0, min(l.at+by, len(l.shown)-1))
	if l.moved != nil && len(l.shown) > 0 {
		return l.moved(r, l.shown[l.at])
	}
	return nil
}

func (l *list) paste(text string) {
	l.query += strings.Join(wrap(strings.Join(strings.Fields(text), " "), 1000), " ")
	l.narrow()
}

func (l *list) leave(r *root) {
	if l.left != nil {
		l.left(r)
	}
}

func (l *list) view(s *styles, width, height int) []string {
	count := ""
	if len(l.all) > 0 {
		count = s.muted.Render(fmt.Sprintf("%d of %d ", len(l.shown), len(l.all)))
	}
	if l.note != "" {
		count = s.muted.Render(l.note + " ")
	}
	out := []string{
		sides(" "+s.accent.Render(l.title)+"  "+s.text.Render(l.query)+s.accent.Render("▏"), count, width),
		s.border.Render(strings.Repeat("─", width)),
	}
	rows := height - 3
	if l.head != nil && height >= 12 {
		out = append(out, l.head(s, width))
		rows--
	}
	var foot []string
	if l.foot != nil && rows > len(l.all)+2 {
		foot = l.foot(s, width)
		foot = foot[:max(0, min(len(foot), rows-len(l.all)-1))]
		rows -= len(foot)
	}
	l.first = max(0, min(l.first, l.at))
	l.first = max(l.first, l.at-rows+1)
	for i := l.first; i < len(l.shown) && i < l.first+rows; i++ {
		out = append(out, l.row(s, l.shown[i], i == l.at, width))
	}
	if len(l.shown) == 0 {
		text := l.empty
		switch {
		case l.loading, l.note != "":
			text = "looking…"
		case l.query != "":
			text = "nothing fits " + l.query
		}
		out = append(out, "  "+s.muted.Render(text))
	}
	for len(out) < height-1-len(foot) {
		out = append(out, "")
	}
	out = append(out, foot...)
	out = append(out[:height-1], " "+s.muted.Render(l.hint))
	for i := range out {
		out[i] = cut(out[i], width)
	}
	return out
}

// row draws a row. The chosen one has a mark, for where there are no colours.
func (l *list) row(s *styles, c choice, chosen bool, width int) string {
	left := c.name
	if room := width - ansi.StringWidth(c.right) - 4; c.note != "" {
		left = fit(left, max(10, min(room/2, 28))) + "  " + c.note
	}
	line := sides(left, c.right, width-3)
	if c.line != nil {
		line = c.line(width - 3)
	}
	if chosen {
		return s.selected.Render(fit("❯ "+line, width))
	}
	return "  " + s.text.Render(cut(line, width-2))
}

// page is a layer: lines to read.
type page struct {
	title string
	make  func(s *styles, width int) []string
	first int
	rows  int // that were shown last
	total int
}

func (p *page) key(r *root, k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch k.String() {
	case "esc", "q", "enter", "ctrl+c", "?", "f1":
		return nil, true
	case "up", "k":
		p.first--
	case "down", "j":
		p.first++
	case "pgup", "b":
		p.first -= p.rows
	case "pgdown", "space":
		p.first += p.rows
	case "home", "g":
		p.first = 0
	case "end", "G":
		p.first = p.total
	}
	p.first = max(0, min(p.first, p.total-p.rows))
	return nil, false
}

func (p *page) paste(string) {}
func (p *page) leave(*root)  {}

func (p *page) view(s *styles, width, height int) []string {
	lines := p.make(s, width)
	p.rows, p.total = height-3, len(lines)
	p.first = max(0, min(p.first, p.total-p.rows))
	out := []string{" " + s.accent.Render(p.title), s.border.Render(strings.Repeat("─", width))}
	out = append(out, lines[p.first:min(len(lines), p.first+p.rows)]...)
	for len(out) < height-1 {
		out = append(out, "")
	}
	hint := "esc close"
	if p.total > p.rows {
		hint = "↑↓ pgup pgdn scroll  esc close"
	}
	out = append(out[:height-1], " "+s.muted.Render(hint))
	for i := range out {
		out[i] = cut(out[i], width)
	}
	return out
}

// question is a layer: a line to be written.
type question struct {
	title, text string
	answer      func(r *root, text string) tea.Cmd
}

func (q *question) key(r *root, k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "enter":
		return q.answer(r, strings.TrimSpace(q.text)), true
	case "backspace":
		if runes := []rune(q.text); len(runes) > 0 {
			q.text = string(runes[:len(runes)-1])
		}
	case "ctrl+u":
		q.text = ""
	default:
		q.text += k.Text
	}
	return nil, false
}

func (q *question) paste(text string) {
	q.text += strings.Join(wrap(strings.Join(strings.Fields(text), " "), 1000), " ")
}
func (q *question) leave(*root) {}

func (q *question) view(s *styles, width, height int) []string {
	out := []string{" " + s.accent.Render(q.title), s.border.Render(strings.Repeat("─", width))}
	text := q.text
	if w := ansi.StringWidth(text); w > width-6 {
		text = "…" + ansi.TruncateLeft(text, w-width+7, "")
	}
	out = append(out, "", " "+s.accent.Render("❯ ")+s.text.Render(text)+s.accent.Render("▏"))
	for len(out) < height-1 {
		out = append(out, "")
	}
	out = append(out[:height-1], " "+s.muted.Render("enter done  esc leave as it is"))
	for i := range out {
		out[i] = cut(out[i], width)
	}
	return out
}
