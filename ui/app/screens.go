package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/sessions"
	"scout/themes"
	"scout/ui/safetext"
)

// showHelp shows all keys and commands.
func showHelp(r *root, _ string) tea.Cmd {
	r.open(&page{title: "Keys and commands", make: r.helpLines})
	return nil
}

func (r *root) helpLines(s *styles, width int) []string {
	row := func(keys, command, what string) string {
		if width < 60 {
			return cut(" "+s.key.Render(fit(keys, 9))+" "+s.command.Render(fit(command, 10))+" "+s.text.Render(what), width)
		}
		return cut(" "+s.key.Render(fit(keys, 12))+" "+s.command.Render(fit(command, 24))+" "+s.text.Render(what), width)
	}
	lines := []string{" " + s.accent.Render("Writing")}
	for _, t := range typing {
		lines = append(lines, row(t[0], "", t[1]))
	}
	group := ""
	for _, a := range r.actions {
		if a.group != group {
			group = a.group
			lines = append(lines, "", " "+s.accent.Render(group))
		}
		lines = append(lines, row(firstOf(a.keys), strings.TrimSpace(a.name+" "+a.args), a.what))
	}
	return lines
}

func firstOf(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return keys[0]
}

// showPalette lists everything that can be done.
func showPalette(r *root, _ string) tea.Cmd {
	var rows []choice
	for i, a := range r.actions {
		rows = append(rows, choice{name: strings.TrimSpace(a.name + " " + a.args), note: a.what, right: firstOf(a.keys), value: &r.actions[i]})
	}
	l := &list{title: "Commands", hint: "type to find  enter do  esc close", pick: func(r *root, c choice) tea.Cmd {
		a := c.value.(*action)
		if strings.HasPrefix(a.args, "[") || a.args == "" {
			return a.run(r, "")
		}
		r.composer.remember(r.composer.whole())
		r.composer.set(a.name + " ")
		return nil
	}}
	l.set(rows)
	r.open(l)
	return nil
}

// chooseTheme lists the themes, with a preview of the one under the cursor, or takes the
// one that is named.
func chooseTheme(r *root, arg string) tea.Cmd {
	if arg != "" {
		return r.findTheme(arg)
	}
	before, chosen := r.theme, r.chosenTheme
	l := &list{
		title: "Themes", hint: "↑↓ look  enter keep  esc back", loading: true, foot: r.sample,
		moved: func(r *root, c choice) tea.Cmd { r.wear(c.value.(themes.Theme)); return nil },
		left:  func(r *root) { r.wear(before); r.chosenTheme = chosen },
		pick: func(r *root, c choice) tea.Cmd {
			r.chosenTheme = true
			r.wear(c.value.(themes.Theme))
			return r.keepTheme(r.theme.Name)
		},
	}
	r.open(l)
	all := r.config.Themes
	return func() tea.Msg {
		var rows []choice
		for _, t := range all() {
			kind := "light"
			if t.Dark {
				kind = "dark"
			}
			rows = append(rows, choice{name: safetext.Line(t.Name), note: kind, value: t})
		}
		return listMsg{list: l, rows: rows}
	}
}

// sample shows what a theme looks like.
func (r *root) sample(s *styles, width int) []string {
	lines := []string{
		s.border.Render(strings.Repeat("─", width)),
		" " + s.you.Render("You") + "  " + s.chip.Render("▣1 plan.png ≈1.1k tok") + "  " + s.bar(0.35, 8) + s.muted.Render(" 35%"),
		" " + s.reply.Render("Scout") + "  " + s.good.Render("● 17.4 tok/s ") + s.gauge.Render("▃▅▆▆▅") + "  " + s.warning.Render("stopped") + "  " + s.bad.Render("! failed"),
	}
	doc := r.renderer(width - 4).Document()
	doc.Append("The *sink* goes **under** the `window`:\n\n```go\nfunc clear(w Wall) Length { return w.Length - 60 }\n```\n")
	doc.Close()
	for _, line := range doc.Lines() {
		lines = append(lines, indent+line)
	}
	return lines
}

// findTheme takes the theme of a name.
func (r *root) findTheme(name string) tea.Cmd {
	all := r.config.Themes
	return func() tea.Msg {
		list := all()
		i := slices.IndexFunc(list, func(t themes.Theme) bool { return strings.EqualFold(t.Name, name) })
		if i < 0 {
			return saidMsg{err: fmt.Errorf("there is no theme %q: %s lists them", name, r.keyOf("/theme"))}
		}
		return themeMsg{list[i]}
	}
}

func (r *root) keepTheme(name string) tea.Cmd {
	save := r.config.SaveTheme
	if save == nil {
		return nil
	}
	return func() tea.Msg { return saidMsg{err: save(name)} }
}

// mostHits is how many conversations a search shows.
const mostHits = 200

// showSessions lists the saved conversations.
func showSessions(r *root, arg string) tea.Cmd {
	if r.store == nil {
		r.say("Nothing is saved here, so there is nothing to list.")
		return nil
	}
	l := &list{
		title: "Conversations", empty: "there are none yet: what you say is saved as you say it", loading: true, query: arg,
		hint: "enter open  ctrl+r rename  ctrl+t pin  ctrl+f fork  ctrl+e export  ctrl+x delete",
		pick: func(r *root, c choice) tea.Cmd { return r.openSession(c.value.(sessions.Summary).ID) },
	}
	l.search = func(r *root, query string) tea.Cmd { return r.listSessions(l) }
	with := func(do func(r *root, s sessions.Summary) tea.Cmd) func(*root, choice) (tea.Cmd, bool) {
		return func(r *root, c choice) (tea.Cmd, bool) { return do(r, c.value.(sessions.Summary)), false }
	}
	l.extra = map[string]func(*root, choice) (tea.Cmd, bool){
		"ctrl+r": with(func(r *root, s sessions.Summary) tea.Cmd {
			r.open(&question{title: "Title", text: safetext.Line(s.Title), answer: func(r *root, text string) tea.Cmd {
				return r.changeSession(l, s.ID, func(o *sessions.Session) error { return o.Rename(text) })
			}})
			return nil
		}),
		"ctrl+t": with(func(r *root, s sessions.Summary) tea.Cmd {
			return r.changeSession(l, s.ID, func(o *sessions.Session) error { return o.Pin(!s.Pinned) })
		}),
		"ctrl+x": with(func(r *root, s sessions.Summary) tea.Cmd {
			return r.changeSession(l, s.ID, func(o *sessions.Session) error { return o.Delete(s.Deleted.IsZero()) })
		}),
		"ctrl+f": with(func(r *root, s sessions.Summary) tea.Cmd { return r.fork(l, s.ID) }),
		"ctrl+e": with(func(r *root, s sessions.Summary) tea.Cmd {
			store := r.store
			path := "scout-" + s.ID + ".md"
			return func() tea.Msg {
				c, err := store.Read(s.ID)
				if err == nil {
					err = exportTo(path, "md", store, c)
				}
				return saidMsg{"Written to " + path + ".", err}
			}
		}),
	}
	r.open(l)
	return r.listSessions(l)
}

// listSessions fills the list with what fits its query.
func (r *root) listSessions(l *list) tea.Cmd {
	store, query, ctx, now := r.store, l.query, r.ctx, r.now()
	current := ""
	if r.talk != nil {
		current = r.talk.ID()
	}
	return func() tea.Msg {
		rows, err := sessionRows(ctx, store, query, current, now)
		return sessionsMsg{l, query, rows, err}
	}
}

// sessionsMsg is what a search found. It counts if the query is still the same.
type sessionsMsg struct {
	list  *list
	query string
	rows  []choice
	err   error
}

// sessionRows is the conversations that have all words of a query; without one, all:
// pinned ones first, deleted ones last, else the newest first.
func sessionRows(ctx context.Context, store *sessions.Store, query, current string, now time.Time) ([]choice, error) {
	if strings.TrimSpace(query) == "" {
		all, err := store.List()
		slices.SortStableFunc(all, func(a, b sessions.Summary) int { return rank(a) - rank(b) })
		rows := make([]choice, len(all))
		for i, s := range all {
			rows[i] = sessionRow(s, "", s.ID == current, now)
		}
		return rows, err
	}
	var rows []choice
	seen := map[string]bool{}
	for hit, err := range store.Search(ctx, query) {
		if err != nil {
			return rows, err
		}
		if id := hit.Session.ID; !seen[id] {
			seen[id] = true
			rows = append(rows, sessionRow(hit.Session, hit.Line, id == current, now))
		}
		if len(rows) == mostHits {
			break
		}
	}
	return rows, nil
}

func rank(s sessions.Summary) int {
	switch {
	case !s.Deleted.IsZero():
		return 2
	case s.Pinned:
		return 0
	}
	return 1
}

func sessionRow(s sessions.Summary, line string, current bool, now time.Time) choice {
	title := safetext.Line(s.Title)
	if title == "" {
		title = s.ID
	}
	if s.Pinned {
		title = "★ " + title
	}
	note := plural(s.Messages, "message")
	if s.Attachments > 0 {
		note += fmt.Sprintf(" ▣%d", s.Attachments)
	}
	switch {
	case line != "":
		note = safetext.Line(line)
	case !s.Deleted.IsZero():
		note = "deleted: ctrl+x brings it back"
	case current:
		note = "this one · " + note
	case len(s.Damage) > 0:
		note = "damaged · " + note
	}
	return choice{name: title, note: note, right: whenText(s.Updated, now), value: s}
}

// changeSession changes a session that is not the open one, and lists anew.
func (r *root) changeSession(l *list, id string, change func(*sessions.Session) error) tea.Cmd {
	store := r.store
	if r.talk != nil && r.talk.ID() == id {
		r.complain(errors.New("this conversation is open: /title renames it; open another one to pin or delete it"))
		return nil
	}
	again := r.listSessions(l)
	return func() tea.Msg {
		s, err := store.Open(id)
		if err == nil {
			err = errors.Join(change(s), s.Close())
		}
		msg := again().(sessionsMsg)
		msg.err = errors.Join(err, msg.err)
		return msg
	}
}

// fork makes a conversation that goes on from another one's end.
func (r *root) fork(l *list, id string) tea.Cmd {
	store, again := r.store, r.listSessions(l)
	return func() tea.Msg {
		c, err := store.Read(id)
		if err == nil {
			var s *sessions.Session
			if s, err = store.Fork(c, c.Head); err == nil {
				err = s.Close()
			}
		}
		msg := again().(sessionsMsg)
		msg.err = errors.Join(err, msg.err)
		return msg
	}
}

// inspect shows how the last reply came about.
func inspect(r *root, _ string) tea.Cmd {
	i := r.lastReply()
	if i < 0 || r.transcript.items[i].turn.Reply == nil {
		r.say("There is no reply yet.")
		return nil
	}
	reply := *r.transcript.items[i].turn.Reply
	memory := ""
	if r.model != nil {
		m := r.model.Memory()
		memory = bytesText(m.Weights) + " weights, " + bytesText(m.KV) + " cache, " + bytesText(m.Compute) + " working memory"
	}
	r.open(&page{title: "How the last reply came about", make: func(s *styles, width int) []string {
		return replyLines(s, reply, memory, width)
	}})
	return nil
}

func replyLines(s *styles, reply sessions.Reply, memory string, width int) []string {
	var lines []string
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, cut(" "+s.muted.Render(fit(name, 14))+" "+s.text.Render(safetext.Line(value)), width))
		}
	}
	real := func(v float32) string { return strconv.FormatFloat(float64(v), 'g', 6, 32) }
	st, sa := reply.Stats, reply.Sampling
	add("model", strings.TrimSpace(reply.Model.Name+" "+reply.Model.Quant))
	add("file", reply.Model.Path)
	add("hash", reply.Model.Hash)
	add("engine", reply.Engine)
	add("memory", memory)
	lines = append(lines, "")
	add("prompt", fmt.Sprintf("%d tokens, %d of them known already", st.PromptTokens, st.Reused))
	add("read in", timeText(st.Prefill)+rateText(st.PromptTokens-st.Reused, st.Prefill))
	add("written", plural(st.Generated, "token")+" in "+timeText(st.Decode)+rateText(st.Generated-1, st.Decode))
	add("context", countText(st.PromptTokens+st.Generated)+" of "+countText(st.Context))
	add("ended", reply.Reason)
	lines = append(lines, "")
	add("seed", strconv.FormatUint(sa.Seed, 10))
	add("temperature", real(sa.Temperature))
	add("top-p", real(sa.TopP))
	add("top-k", strconv.Itoa(sa.TopK))
	add("min-p", real(sa.MinP))
	for _, p := range reply.Placement {
		add(p.Device, p.Holds+", "+bytesText(p.Bytes))
	}
	for _, m := range reply.Measured {
		add(m.Of, fmt.Sprintf("%.4g %s predicted, %.4g measured", m.Predicted, m.Unit, m.Measured))
	}
	return lines
}

// rateText is how fast n tokens in a time are, behind a comma.
func rateText(n int, d time.Duration) string {
	if n <= 0 || d <= 0 {
		return ""
	}
	return fmt.Sprintf(", %.1f tok/s", float64(n)/d.Seconds())
}
