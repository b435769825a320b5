package app

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/engine"
	"scout/ui/safetext"
	"scout/ui/talk"
)

// viewed is a picture of the conversation, or one that is to be.
type viewed struct {
	name, hash string
	size       int64  // bytes
	data       []byte // of one that is not sent yet; nil: it has to be fetched
}

// viewer is a layer: a picture as large as the screen, and what it costs.
type viewer struct {
	all   []viewed
	at    int
	asked place // what is being drawn, or was: a picture in the room that there is
	shown seen  // what came of it
	ready bool  // shown is of asked
}

// seen is a picture that was looked at.
type seen struct {
	sight
	width, height, tiles, tokens int
	problem                      string // why it is not drawn, or cannot be seen by the model
}

// viewedMsg is a picture that was drawn for a viewer.
type viewedMsg struct {
	viewer *viewer
	asked  place
	seen   seen
}

// mostLarge is how many pictures the terminal holds in the size of the screen.
const mostLarge = 12

// viewPicture shows the last picture that is attached, or else the last of the
// conversation, or the nth of all.
func viewPicture(r *root, arg string) tea.Cmd {
	v := &viewer{all: append(r.picturesTo(len(r.transcript.items)), attached(r.chips)...)}
	if len(v.all) == 0 {
		r.say("There is no picture here yet: drop one, or " + r.keyOf("/paste") + " pastes one.")
		return nil
	}
	n, err := number(arg, len(v.all))
	if err != nil || n < 1 || n > len(v.all) {
		r.complain(fmt.Errorf("there is no picture %s: there are %d", arg, len(v.all)))
		return nil
	}
	v.at = n - 1
	if !r.noticeBad {
		r.notice = "" // which would be in the way
	}
	r.open(v)
	return nil
}

// picturesTo is the pictures of the first n turns that are shown.
func (r *root) picturesTo(n int) []viewed {
	var all []viewed
	for _, it := range r.transcript.items[:n] {
		for _, a := range it.turn.Files {
			if strings.HasPrefix(a.Type, "image/") {
				all = append(all, viewed{a.Name, a.Hash, a.Size, nil})
			}
		}
	}
	return all
}

// attached is the pictures among files that are to be sent.
func attached(chips []chip) []viewed {
	var all []viewed
	for _, c := range chips {
		if c.file.Image {
			all = append(all, viewed{c.file.Name, c.hash, int64(len(c.file.Data)), c.file.Data})
		}
	}
	return all
}

// click shows the picture that was clicked on: a chip, or the pictures of a message, of
// which it is the first.
func (r *root) click(m tea.MouseClickMsg) tea.Cmd {
	y := m.Y - 2 // below the heading and its rule
	if m.Button != tea.MouseLeft || len(r.layers) > 0 || r.width < leastWidth || r.height < leastHeight || y < 0 {
		return nil
	}
	sent := len(r.transcript.items)
	if n := y - r.transcript.height; n >= 0 {
		if n < len(r.chips) && n < 3 && r.chips[n].file.Image && len(r.between()) < max(1, r.height/3) {
			return viewPicture(r, strconv.Itoa(len(r.picturesTo(sent))+len(attached(r.chips[:n+1]))))
		}
		return nil
	}
	i, line := r.transcript.at(y)
	if i < 0 || line < 1 || line >= len(r.transcript.draw(i).head) {
		return nil
	}
	if before := len(r.picturesTo(i)); len(r.picturesTo(i+1)) > before {
		return viewPicture(r, strconv.Itoa(before+1))
	}
	return nil
}

// at is the item that the nth line of the window is of, and which line of it; an item
// below 0 is none.
func (t *transcript) at(n int) (item, line int) {
	if len(t.items) == 0 {
		return -1, 0
	}
	if item, line = t.item, t.line; t.follow {
		item, line = t.bottom()
	}
	for line += n; item < len(t.items); item++ {
		if has := t.draw(item).len(); line < has {
			return item, line
		} else {
			line -= has
		}
	}
	return -1, 0
}

// viewing is the viewer that is on top, nil if there is none.
func (r *root) viewing() *viewer {
	if n := len(r.layers); n > 0 {
		v, _ := r.layers[n-1].(*viewer)
		return v
	}
	return nil
}

func (v *viewer) key(r *root, k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch name := k.String(); name {
	case "esc", "q", "enter", "ctrl+c":
		return nil, true
	case "left", "up", "h", "k", "pgup", "shift+tab":
		v.at = (v.at + len(v.all) - 1) % len(v.all)
	case "right", "down", "l", "j", "pgdown", "tab", "space":
		v.at = (v.at + 1) % len(v.all)
	case "home", "g":
		v.at = 0
	case "end", "G":
		v.at = len(v.all) - 1
	default:
		if a := r.actionOfKey(name); a != nil && a.name == "/view" {
			return nil, true
		}
	}
	return nil, false
}

func (v *viewer) paste(string) {}
func (v *viewer) leave(*root)  {}

// The lines of the viewer that are not the picture: title, rule, what it is, the keys.
const viewerLines = 4

// lookCloser has the picture drawn that the viewer is to show, if it is not yet.
func (r *root) lookCloser() tea.Cmd {
	v := r.viewing()
	if v == nil || r.width < leastWidth || r.height < leastHeight {
		return nil
	}
	p := v.all[v.at]
	want := place{p.hash, r.width, r.height - viewerLines}
	if v.asked == want {
		return nil
	}
	v.asked, v.ready = want, false
	painter, fetch, model := r.painter(), r.fetcher(), r.model
	return func() tea.Msg {
		data := p.data
		if data == nil {
			var err error
			if data, err = fetch(p.hash); err != nil {
				return viewedMsg{v, want, seen{problem: safetext.Line(err.Error())}}
			}
		}
		return viewedMsg{v, want, lookAt(painter, model, want, data)}
	}
}

// lookAt draws a picture and has the model say what it costs.
func lookAt(painter painter, model talk.Model, want place, data []byte) seen {
	var s seen
	var err error
	if s.sight, err = painter.draw(want.hash, data, want.cols, want.rows); err != nil {
		s.problem = safetext.Line(err.Error())
	}
	c := newChip(talk.File{Data: data, Image: true})
	s.width, s.height = c.width, c.height
	if model == nil {
		return s
	}
	plan, err := model.Price(data)
	switch {
	case errors.Is(err, engine.ErrNoTower):
		s.problem = "this model cannot see"
	case err != nil:
		s.problem = safetext.Line(err.Error())
	default:
		s.width, s.height, s.tiles, s.tokens = plan.SourceWidth, plan.SourceHeight, plan.Tiles, plan.Tokens
	}
	return s
}

// viewed takes a picture that was drawn for the viewer.
func (r *root) viewed(msg viewedMsg) tea.Cmd {
	d := msg.seen.sight
	wanted := msg.viewer == r.viewing() && msg.viewer.asked == msg.asked
	if d.id == 0 || !r.shelf.has(d) {
		if wanted {
			msg.viewer.shown, msg.viewer.ready = msg.seen, true
		}
		return nil
	}
	send := d.send
	if send != "" {
		r.large = append(r.large, d.place)
	}
	for len(r.large) > mostLarge {
		if p := r.large[0]; r.thumbs[p.hash].place != p {
			send += r.shelf.remove(p)
		}
		r.large = r.large[1:]
	}
	if wanted {
		msg.seen.send = ""
		msg.viewer.shown, msg.viewer.ready = msg.seen, true
	}
	return raw(send)
}

func (v *viewer) view(s *styles, width, height int) []string {
	p := v.all[v.at]
	count := ""
	if len(v.all) > 1 {
		count = s.muted.Render(fmt.Sprintf("%d of %d ", v.at+1, len(v.all)))
	}
	out := []string{
		sides(" "+s.accent.Render("▣ "+safetext.Line(p.name)), count, width),
		s.border.Render(strings.Repeat("─", width)),
	}
	room := height - viewerLines
	lines, wide := v.lines(s, width)
	lines = lines[:min(len(lines), max(0, room))]
	for range (room - len(lines)) / 2 {
		out = append(out, "")
	}
	for _, line := range lines {
		out = append(out, strings.Repeat(" ", max(0, (width-wide)/2))+line)
	}
	for len(out) < height-2 {
		out = append(out, "")
	}
	hint := "esc close"
	if len(v.all) > 1 {
		hint = "←→ the others  esc close"
	}
	out = append(out[:max(0, height-2)], " "+v.about(s), " "+s.muted.Render(hint))
	for i := range out {
		out[i] = cut(out[i], width)
	}
	return out
}

// lines is what is in the middle of the screen, and how wide that is.
func (v *viewer) lines(s *styles, width int) (lines []string, wide int) {
	switch {
	case !v.ready:
		lines = []string{s.muted.Render("drawing …")}
	case len(v.shown.lines) == 0:
		for _, line := range wrap(v.shown.problem, width-4) {
			lines = append(lines, s.bad.Render(line))
		}
	default:
		for _, line := range v.shown.lines {
			lines = append(lines, strings.TrimRight(line, " "))
		}
	}
	for _, line := range lines {
		wide = max(wide, ansi.StringWidth(line))
	}
	return lines, wide
}

// about is what a picture is and costs.
func (v *viewer) about(s *styles) string {
	var parts []string
	if v.ready && v.shown.width > 0 {
		parts = append(parts, fmt.Sprintf("%d×%d pixels", v.shown.width, v.shown.height))
	}
	parts = append(parts, bytesText(v.all[v.at].size))
	if v.ready && v.shown.tiles > 0 {
		parts = append(parts, plural(v.shown.tiles, "tile"), "≈"+countText(v.shown.tokens)+" tokens")
	}
	line := s.text.Render(strings.Join(parts, " · "))
	if v.ready && v.shown.problem != "" && len(v.shown.lines) > 0 {
		line += "  " + s.bad.Render("! "+v.shown.problem)
	}
	return line
}
