package app

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"scout/ui/safetext"
	"scout/ui/talk"
)

// arrange gives everything its place on the screen.
func (r *root) arrange() {
	if r.width < leastWidth || r.height < leastHeight {
		return
	}
	body := r.height - 2 - len(r.between()) - 1 - len(r.composer.lines(r.width)) - 1
	if r.roomy() {
		body-- // the hints
	}
	r.transcript.resize(r.width, max(1, body))
}

// roomy is whether there is room for a line of hints.
func (r *root) roomy() bool { return r.height >= 16 }

// View draws the screen. Its cost is that of the lines that are seen.
func (r *root) View() tea.View {
	v := tea.NewView("")
	v.AltScreen, v.MouseMode, v.WindowTitle = true, tea.MouseModeCellMotion, "scout"
	if r.title != "" {
		v.WindowTitle = "scout · " + safetext.Line(r.title)
	}
	v.ReportFocus = r.config.Notify != NotifyOff
	if p, ok := r.progress(); ok {
		v.ProgressBar = tea.NewProgressBar(tea.ProgressBarDefault, int(100*p))
	}
	lines, x, y := r.screen()
	v.SetContent(strings.Join(lines, "\n"))
	if x >= 0 {
		if c := r.composer.area.Cursor(); c != nil {
			c.X, c.Y = min(x+c.X, max(0, r.width-1)), y+c.Y
			v.Cursor = c
		}
	}
	return v
}

// screen is the lines of the screen, and where the composer begins; x is less than 0 if
// it is not seen.
func (r *root) screen() (lines []string, x, y int) {
	w, h := r.width, r.height
	if w <= 0 || h <= 0 {
		return nil, -1, 0
	}
	if w < leastWidth || h < leastHeight {
		lines = append(lines, cut(fmt.Sprintf("Too small: %d×%d", w, h), w))
		if h > 1 {
			lines = append(lines, cut(fmt.Sprintf("scout needs %d×%d", leastWidth, leastHeight), w))
		}
		return lines, -1, 0
	}
	s := r.styles
	if n := len(r.layers); n > 0 {
		notice := r.noticeLines(w)
		return append(r.layers[n-1].view(s, w, h-len(notice)), notice...), -1, 0
	}
	rule := s.border.Render(strings.Repeat("─", w))
	lines = append(lines, r.header(w), rule)
	if len(r.transcript.items) == 0 {
		lines = append(lines, r.welcome(w, r.transcript.height)...)
	} else {
		lines = append(lines, r.transcript.view()...)
	}
	lines = append(lines, r.between()...)
	lines = append(lines, rule)
	y = len(lines)
	lines = append(lines, r.composer.lines(w)...)
	lines = append(lines, r.status(w))
	if r.roomy() {
		lines = append(lines, r.hints(w))
	}
	for len(lines) > h { // a composer that has just grown
		lines = append(lines[:2], lines[3:]...)
		y--
	}
	return lines, 0, y
}

// header is who answers, what the conversation is called, and how full the context is.
func (r *root) header(w int) string {
	s := r.styles
	who := s.muted.Render("no model")
	switch {
	case r.loading != "":
		who = s.warning.Render("opening " + briefName(r.loading, max(16, w/3)))
	case r.model != nil:
		who = s.accent.Render(strings.TrimSpace(safetext.Line(r.ref.Name + " " + r.ref.Quant)))
	}
	left := " " + who
	if r.homeless() {
		left += s.muted.Render(" · ") + s.warning.Render("not saved")
	}
	if r.title != "" {
		left += s.muted.Render(" · ") + s.text.Render(safetext.Line(r.title))
	} else {
		left += s.muted.Render(" · new conversation")
	}
	return sides(left, r.gauge(w)+" ", w)
}

// homeless is whether nothing can be saved, since the conversations could not be
// opened or the disk fails, which has to stay in sight: a notice goes by.
func (r *root) homeless() bool {
	return r.talk != nil && (r.store == nil && r.config.OpenStore != nil && !r.opening || r.talk.Unsaved())
}

// gauge is how much of the context is used.
func (r *root) gauge(w int) string {
	s, have, used := r.styles, r.live.Context, r.live.ContextUsed
	if have <= 0 && r.model != nil {
		have = r.model.Context()
	}
	if have <= 0 {
		return ""
	}
	share := float64(used) / float64(have)
	percent := fmt.Sprintf("%d%%", int(100*share+0.5))
	text := s.muted
	switch {
	case share > 0.95:
		text = s.bad
	case share > 0.8:
		text = s.warning
	}
	if w < 60 {
		return text.Render("ctx " + percent)
	}
	return text.Render("ctx "+countText(used)+"/"+countText(have)) + " " + s.bar(share, 8) + " " + text.Render(percent)
}

// between is what stands between the transcript and the composer: files, messages that
// wait, and the notice.
func (r *root) between() []string {
	s, w := r.styles, r.width
	var lines []string
	for i, c := range r.chips {
		if i == 3 && len(r.chips) > 4 && r.height < 24 {
			lines = append(lines, cut(" "+s.muted.Render(fmt.Sprintf("and %d files more", len(r.chips)-3)), w))
			break
		}
		hint := ""
		if i == len(r.chips)-1 && r.composer.empty() {
			hint = s.muted.Render("backspace removes ")
			if c.file.Image && w >= 80 {
				hint = s.muted.Render(r.keyOf("/view") + " see it  backspace removes ")
			}
		}
		style := s.chip
		if c.problem != "" {
			style = s.bad
		}
		lines = append(lines, sides(" "+style.Render(c.text(i+1)), hint, w))
	}
	if n := len(r.queue); n > 0 {
		more := ""
		if n > 1 {
			more = fmt.Sprintf(" and %d more", n-1)
		}
		lines = append(lines, sides(" "+s.muted.Render("waiting: ")+s.text.Render(safetext.Line(r.queue[0]))+s.muted.Render(more), s.muted.Render("/unqueue /resume "), w))
	}
	if r.editing != 0 {
		lines = append(lines, cut(" "+s.warning.Render("editing a message: enter answers it anew, esc leaves it"), w))
	}
	lines = append(lines, r.offerLine(w)...)
	lines = append(lines, r.slowLine(w)...)
	lines = append(lines, r.noticeLines(w)...)
	if most := max(1, r.height/3); len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return lines
}

// noticeLines is what is to be said, in at most three lines.
func (r *root) noticeLines(w int) []string {
	if r.notice == "" {
		return nil
	}
	style, mark := r.styles.muted, "· "
	if r.noticeBad {
		style, mark = r.styles.bad, "! "
	}
	lines := wrap(r.notice, w-4)
	if len(lines) > 3 {
		lines = append(lines[:2], cut(strings.Join(lines[2:], " "), w-4))
	}
	for i, line := range lines {
		lines[i] = " " + style.Render(mark+line)
		mark = "  "
	}
	return lines
}

// welcome is what is seen before anything is said.
func (r *root) welcome(w, h int) []string {
	s := r.styles
	var lines []string
	add := func(line string) { lines = append(lines, cut("  "+line, w)) }
	row := func(key, what string) { add(s.key.Render(fit(key, 12)) + s.text.Render(what)) }
	add("")
	add(s.accent.Render("scout") + s.muted.Render(" "+safetext.Line(r.config.Version)))
	add(s.text.Render("Llama 4 on this machine, and on no other."))
	for _, line := range r.machineLines(s) {
		add(line)
	}
	add("")
	switch {
	case r.loading != "":
		add(s.warning.Render("Opening " + safetext.Line(r.loading) + " … you can write already."))
	case r.model == nil:
		r.noModelLines(s, row, add)
	default:
		add(s.good.Render(safetext.Line(r.ref.Name) + " is ready."))
	}
	row(r.keyOf("/sessions"), "saved conversations")
	row(r.keyOf("/palette"), "everything else by name")
	row("?", "help")
	if len(lines) > h { // headings give way to keys
		lines = lines[min(4, len(lines)-h):]
	}
	for len(lines) < h {
		lines = append(lines, "")
	}
	return lines[:h]
}

// hints are the keys that matter now.
func (r *root) hints(w int) string {
	hints := []string{"enter send", "shift+enter newline", "/ commands", "ctrl+p find", "? help"}
	switch {
	case r.busy():
		hints = []string{"esc stop", "enter queue", "pgup scroll", "ctrl+p find", "f1 help"}
	case r.loading != "":
		hints = []string{"esc stop", "enter queue", "ctrl+p find", "f1 help"}
	case r.editing != 0:
		hints = []string{"enter answer anew", "esc leave it", "shift+enter newline"}
	}
	line := ""
	for _, h := range hints {
		if next := line + "  " + h; ansi.StringWidth(next) <= w-1 {
			line = next
		}
	}
	return cut(r.styles.muted.Render(strings.TrimPrefix(line, " ")), w)
}

// progress is how far the reading of a prompt is, of 0 to 1, while that goes on.
func (r *root) progress() (share float64, ok bool) {
	st := r.live.Stats
	switch {
	case !r.busy():
	case r.live.Phase == talk.Seeing && st.Tiles > 0:
		return float64(st.TilesDone) / float64(st.Tiles), true
	case r.live.Phase == talk.Reading && st.PromptTokens > st.Reused:
		return float64(st.PromptDone-st.Reused) / float64(st.PromptTokens-st.Reused), true
	}
	return 0, false
}

// status is the line of live figures. What has no room is left out from the right.
func (r *root) status(w int) string {
	s := r.styles
	left := r.activity(w)
	var parts []string
	if text := r.pullsText(); text != "" && w >= 60 {
		parts = append(parts, text)
	}
	if text := r.gpuText(); text != "" {
		parts = append(parts, text)
	}
	if r.used > 0 {
		text := "RAM " + bytesText(r.used)
		if r.available > 0 && w >= 80 {
			text += " · " + bytesText(r.available) + " free"
		}
		parts = append(parts, text)
	}
	for ; len(parts) > 0; parts = parts[1:] {
		memory := s.muted.Render(strings.Join(parts, " · "))
		if ansi.StringWidth(left)+1 <= w-ansi.StringWidth(memory)-2 {
			return sides(" "+left, memory+" ", w)
		}
	}
	return cut(" "+left, w)
}

// activity is what goes on, and how fast.
func (r *root) activity(w int) string {
	s, l := r.styles, r.live
	st := l.Stats
	switch {
	case r.ending:
		return s.warning.Render("saving …")
	case r.loading != "":
		return r.openingText(w)
	case !r.busy() && st.Generated == 0:
		return s.muted.Render("○ ready")
	case !r.busy():
		return s.muted.Render("○ " + doneText(l, w))
	case l.Phase == talk.Stopping:
		return s.warning.Render("● stopping …")
	case l.Phase == talk.Seeing, l.Phase == talk.Reading:
		return s.good.Render("● ") + r.reading(w)
	case l.Phase == talk.Writing:
		return s.good.Render("● ") + r.writing(w)
	}
	return s.warning.Render("● beginning …")
}

// openingText is how long a model has been being opened, and of how long about.
func (r *root) openingText(w int) string {
	s, spent := r.styles, r.now().Sub(r.since)
	line := s.warning.Render("● opening " + briefName(r.loading, max(16, w/3)))
	if r.expect > 0 {
		line += " " + s.bar(float64(spent)/float64(r.expect), max(4, min(16, w/8)))
	}
	line += s.warning.Render(" " + timeText(spent))
	if r.expect > 0 && w >= 60 {
		line += s.muted.Render(" of about " + roughTime(r.expect))
	}
	return line
}

// doneText is the figures of the last reply.
func doneText(l talk.Live, w int) string {
	text := fmt.Sprintf("%.1f tok/s", l.Stats.DecodePerSecond())
	if w >= 60 {
		text += " · " + plural(l.Stats.Generated, "token")
	}
	if l.FirstToken > 0 && w >= 80 {
		text += " · first after " + timeText(l.FirstToken)
	}
	return text
}

// reading is how far the prompt is read, and how long that will take yet.
func (r *root) reading(w int) string {
	s, st := r.styles, r.live.Stats
	share, _ := r.progress()
	what, count := "reading", countText(st.PromptDone)+"/"+countText(st.PromptTokens)+" tok"
	spent, speed := st.Prefill, st.PrefillPerSecond()
	if r.live.Phase == talk.Seeing {
		what, count = "seeing", fmt.Sprintf("%d/%d tiles", st.TilesDone, st.Tiles)
		spent, speed = st.Vision, 0
	}
	line := s.text.Render(what) + " " + s.bar(share, max(4, min(16, w/8))) + s.text.Render(fmt.Sprintf(" %3d%%", int(100*share)))
	if w >= 60 {
		line += s.muted.Render("  " + count)
	}
	if speed > 0 && w >= 80 {
		line += s.muted.Render(fmt.Sprintf("  %.0f tok/s", speed))
	}
	if share > 0.02 && spent > 0 && w >= 70 {
		left := time.Duration(float64(spent) * (1 - share) / share)
		line += s.muted.Render("  ~" + timeText(left))
	}
	return line
}

// writing is how fast the reply comes.
func (r *root) writing(w int) string {
	s, l := r.styles, r.live
	line := s.text.Render(fmt.Sprintf("%5.1f tok/s", l.Rate))
	if w >= 80 {
		line += s.muted.Render(r.expectedText())
	}
	if w >= 60 {
		line += " " + s.gauge.Render(sparkline(l.Rates, min(20, w/6)))
		line += s.muted.Render(fmt.Sprintf("  %s  %s", plural(l.Stats.Generated, "token"), timeText(r.now().Sub(l.Started))))
	}
	if l.FirstToken > 0 && w >= 100 {
		line += s.muted.Render("  first after " + timeText(l.FirstToken))
	}
	return line
}
