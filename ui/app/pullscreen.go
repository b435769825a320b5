package app

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/ui/safetext"
)

// pullScreen is a layer: the downloads.
type pullScreen struct {
	r    *root // whose downloads are shown
	at   int
	id   int // of the one under the cursor: others may come and go
	from int // first one that is seen
}

// showPulls shows the downloads.
func showPulls(r *root, _ string) tea.Cmd {
	if r.config.OpenPulls == nil {
		r.say("Models cannot be downloaded here.")
		return nil
	}
	l := &pullScreen{r: r}
	r.open(l)
	if r.pulls.all == nil {
		return r.openPulls()
	}
	pulls := r.pulls.all
	return func() tea.Msg { return saidMsg{err: pulls.Refresh()} }
}

func (l *pullScreen) paste(string) {}
func (l *pullScreen) leave(*root)  {}

// follow puts the cursor where the one that it stood on is now.
func (l *pullScreen) follow() {
	all := l.r.pulls.now
	for i, p := range all {
		if p.ID == l.id {
			l.at = i
		}
	}
	l.at = max(0, min(l.at, len(all)-1))
	if len(all) > 0 {
		l.id = all[l.at].ID
	}
}

func (l *pullScreen) move(by int) {
	l.at = max(0, min(l.at+by, len(l.r.pulls.now)-1))
	if len(l.r.pulls.now) > 0 {
		l.id = l.r.pulls.now[l.at].ID
	}
}

func (l *pullScreen) key(r *root, k tea.KeyPressMsg) (tea.Cmd, bool) {
	l.follow()
	switch name := k.String(); name {
	case "esc", "q", "ctrl+c":
		return nil, true
	case "up", "k":
		l.move(-1)
	case "down", "j":
		l.move(1)
	case "home", "g":
		l.move(-len(r.pulls.now))
	case "end", "G":
		l.move(len(r.pulls.now))
	case "n":
		return pullNamed(r, ""), false
	case "L":
		return l.askLimit(r), false
	case "c":
		return l.do(r, "", func(p Pulls) error { return p.Clear() }), false
	default:
		if len(r.pulls.now) > 0 && r.pulls.all != nil {
			return l.act(r, name, r.pulls.now[l.at])
		}
	}
	return nil, false
}

// act does something with the download under the cursor.
func (l *pullScreen) act(r *root, key string, p Pull) (cmd tea.Cmd, done bool) {
	name := shortName(p.Name)
	switch key {
	case "p", "space":
		if p.State == PullRunning || p.State == PullQueued {
			return l.do(r, name+" is paused; what has come of it is kept.", func(all Pulls) error { return all.Pause(p.ID) }), false
		}
		if p.State == PullPaused || p.State == PullFailed {
			return l.do(r, "", func(all Pulls) error { return all.Resume(p.ID) }), false
		}
		if p.State == PullHeld {
			r.say("Its licence comes first: a agrees to it.")
		}
	case "r":
		if p.State != PullFinished && p.State != PullHeld {
			return l.do(r, "", func(all Pulls) error { return all.Resume(p.ID) }), false
		}
	case "a":
		if p.State == PullHeld {
			return l.do(r, "Agreed.", func(all Pulls) error { return all.Agree(p.ID) }), false
		}
		r.say("There is nothing to agree to.")
	case "K", "shift+up":
		return l.do(r, "", func(all Pulls) error { return all.Move(p.ID, max(0, l.at-1)) }), false
	case "J", "shift+down":
		return l.do(r, "", func(all Pulls) error { return all.Move(p.ID, l.at+1) }), false
	case "x":
		return l.do(r, name+" is out of the list; what has come of it is kept on the disk.", func(all Pulls) error { return all.Cancel(p.ID) }), false
	case "X":
		return l.discard(r, p), false
	case "enter":
		if p.Line != "" && p.State != PullFinished { // on a small screen there is no room for all of it
			r.open(&page{title: name, make: func(s *styles, width int) []string {
				var lines []string
				for _, line := range wrap(safetext.Line(p.Line), width-2) {
					lines = append(lines, " "+s.text.Render(line))
				}
				return lines
			}})
		}
		if p.State == PullFinished {
			r.dropOffer(p.Name)
			return r.switchTo(ModelEntry{Name: p.Name, Size: p.Total, Cached: -1}), true
		}
	}
	return nil, false
}

// discard removes what has come of a download, if it is asked for twice.
func (l *pullScreen) discard(r *root, p Pull) tea.Cmd {
	name := shortName(p.Name)
	switch {
	case p.State == PullFinished:
		r.say("It is complete: 'scout rm " + p.Name + "' removes it.")
		return nil
	case !r.again(fmt.Sprintf("discard %d", p.ID)):
		r.say(fmt.Sprintf("X again removes the %s that have come of %s.", fileText(p.Done), name))
		return nil
	}
	pulls, ctx := r.pulls.all, r.ctx
	return func() tea.Msg {
		freed, err := pulls.Discard(ctx, p.ID)
		return saidMsg{fmt.Sprintf("%s is removed: %s are free again.", name, fileText(freed)), err}
	}
}

// do changes the downloads, and says so.
func (l *pullScreen) do(r *root, said string, what func(Pulls) error) tea.Cmd {
	pulls := r.pulls.all
	if pulls == nil {
		return nil
	}
	return func() tea.Msg { return saidMsg{said, what(pulls)} }
}

func (l *pullScreen) askLimit(r *root) tea.Cmd {
	r.open(&question{title: "Most bytes a second, such as 20MB; none", text: limitText(r.pulls.limit), answer: setLimit})
	return nil
}

// setLimit is /limit.
func setLimit(r *root, arg string) tea.Cmd {
	limit, err := parseRate(arg)
	if err != nil {
		r.complain(err)
		return nil
	}
	r.pulls.limit = limit
	r.say("The limit of all downloads together is " + limitText(limit) + ".")
	if r.pulls.all != nil {
		r.pulls.all.SetLimit(limit)
	}
	return nil
}

func limitText(limit int64) string {
	if limit <= 0 {
		return "none"
	}
	return fileText(limit) + "/s"
}

func (l *pullScreen) view(s *styles, width, height int) []string {
	l.follow()
	out := []string{
		sides(" "+s.accent.Render("Downloads")+"  "+s.muted.Render(l.summary()), s.muted.Render("limit "+limitText(l.r.pulls.limit)+" "), width),
		s.border.Render(strings.Repeat("─", width)),
	}
	hints := l.hints(width, height)
	rows := height - 2 - len(hints)
	all := l.r.pulls.now
	l.from = max(0, min(l.from, l.at))
	for l.from < l.at && l.linesFrom(s, l.from, l.at, width) > rows {
		l.from++
	}
	for i := l.from; i < len(all); i++ {
		out = append(out, pullLines(s, all[i], i == l.at, width)...)
	}
	if len(all) == 0 {
		text := "nothing is being downloaded: n gets a model by its name, " + l.r.keyOf("/model") + " lists what there is"
		if l.r.pulls.opening {
			text = "looking…"
		}
		for _, line := range wrap(text, width-4) {
			out = append(out, "  "+s.muted.Render(line))
		}
	}
	for len(out) < height-len(hints) {
		out = append(out, "")
	}
	out = append(out[:height-len(hints)], hints...)
	for i := range out {
		out[i] = cut(out[i], width)
	}
	return out
}

// linesFrom is how many lines the downloads from one to another take.
func (l *pullScreen) linesFrom(s *styles, from, to, width int) (n int) {
	for i := from; i <= to; i++ {
		n += len(pullLines(s, l.r.pulls.now[i], i == to, width))
	}
	return n
}

// summary is all downloads in a few words.
func (l *pullScreen) summary() string {
	running, waiting, rate := 0, 0, 0.0
	for _, p := range l.r.pulls.now {
		switch p.State {
		case PullRunning:
			running++
			rate += p.Rate
		case PullQueued:
			waiting++
		}
	}
	var parts []string
	if running > 0 {
		parts = append(parts, fmt.Sprintf("%d active", running))
	}
	if waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d queued", waiting))
	}
	if rate > 0 {
		parts = append(parts, fileText(int64(rate))+"/s")
	}
	return strings.Join(parts, "  ")
}

// hints are the keys, in as many lines as there is room for.
func (l *pullScreen) hints(width, height int) []string {
	keys := []string{"p pause or go on", "J K order", "x stop, keep", "X remove", "n new", "L limit", "c clear done", "esc close"}
	if all := l.r.pulls.now; len(all) > 0 {
		switch all[l.at].State {
		case PullHeld:
			keys = append([]string{"a agree to the licence", "enter read it"}, keys[2:]...)
		case PullFinished:
			keys = append([]string{"enter open it"}, keys[2:]...)
		case PullFailed:
			keys[0] = "r try again"
		}
	} else {
		keys = []string{"n new", "L limit", "esc close"}
	}
	most := 1
	if height >= 16 {
		most = 2
	}
	var lines []string
	line := ""
	for _, k := range keys {
		if line != "" && ansi.StringWidth(line)+2+ansi.StringWidth(k) > width-2 {
			if lines = append(lines, line); len(lines) == most {
				line = ""
				break
			}
			line = ""
		}
		if line != "" {
			line += "  "
		}
		line += k
	}
	if line != "" {
		lines = append(lines, line)
	}
	for i := range lines {
		lines[i] = " " + l.r.styles.muted.Render(lines[i])
	}
	return lines
}

// The columns of a download behind its name, in cells.
const barCells, figuresCells = 12, 30

// pullLines draws a download: its name and how far it is, and if there is something to
// say of it, that.
func pullLines(s *styles, p Pull, chosen bool, width int) []string {
	mark := "  "
	if chosen {
		mark = "❯ "
	}
	name := shortName(p.Name)
	percent := fmt.Sprintf("%5.1f%%", 100*p.share())
	var lines []string
	if width >= 76 {
		left := s.bar(p.share(), barCells) + s.text.Render(" "+percent+"  "+fit(pullFigures(p), figuresCells))
		lines = append(lines, nameStyle(s, mark+shorten(name, width-2-1-barCells-1-len(percent)-2-figuresCells), chosen)+" "+left)
	} else {
		lines = append(lines, sides(nameStyle(s, mark+name, chosen), s.text.Render(percent+" "), width))
		lines = append(lines, "  "+s.bar(p.share(), max(6, width/5))+s.text.Render(" "+pullFigures(p)))
	}
	switch {
	case p.Line != "" && p.State == PullFailed:
		lines = append(lines, noted(s.bad.Render, "! ", p.Line, width, mostRemark(chosen, 3))...)
	case p.Line != "": // a licence is to be read whole
		lines = append(lines, noted(s.warning.Render, "", p.Line, width, mostRemark(chosen, 12))...)
	}
	if chosen && len(p.Said) > 0 {
		lines = append(lines, noted(s.muted.Render, "", p.Said[len(p.Said)-1], width, 1)...)
	}
	return lines
}

func nameStyle(s *styles, name string, chosen bool) string {
	if chosen {
		return s.accent.Render(name)
	}
	return s.text.Render(name)
}

// mostRemark is how many lines a remark may take: more under the cursor.
func mostRemark(chosen bool, most int) int {
	if chosen {
		return most
	}
	return 1
}

// noted is a remark under a download, in at most so many lines.
func noted(style func(...string) string, mark, text string, width, most int) []string {
	lines := wrap(mark+safetext.Line(text), width-5)
	if len(lines) > most {
		lines = append(lines[:most-1], cut(strings.Join(lines[most-1:], " "), width-5))
	}
	for i := range lines {
		lines[i] = "    " + style(lines[i])
	}
	return lines
}

// pullFigures is the figures of a download.
func pullFigures(p Pull) string {
	size := ""
	switch {
	case p.State == PullFinished:
		return fileText(p.Total) + "  here, checked"
	case p.Total > 0:
		size = ofText(p.Done, p.Total)
	}
	var parts []string
	if size != "" {
		parts = append(parts, size)
	}
	switch {
	case p.State != PullRunning:
		parts = append(parts, string(p.State))
	case p.Rate > 0:
		parts = append(parts, fileText(int64(p.Rate))+"/s")
		if p.Left >= 0 {
			parts = append(parts, timeText(p.Left))
		}
	default:
		parts = append(parts, safetext.Line(p.Doing))
	}
	return strings.Join(parts, "  ")
}

// ofText is so many bytes of so many, in one unit.
func ofText(done, total int64) string {
	whole := fileText(total)
	unit := whole[strings.IndexByte(whole, ' '):]
	scale := map[byte]float64{'B': 1, 'k': 1e3, 'M': 1e6, 'G': 1e9, 'T': 1e12, 'P': 1e15, 'E': 1e18}[unit[1]]
	part, digits := float64(done)/scale, 0
	if part < 99.95 && scale > 1 {
		digits = 1
	}
	return fmt.Sprintf("%.*f/%s", digits, part, whole)
}
