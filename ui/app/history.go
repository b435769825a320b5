package app

import (
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/sessions"
	"scout/ui/safetext"
)

// What is read at most to find what was typed before.
const (
	mostRemembered = 5000 // messages
	mostSearched   = 1000 // conversations, those that changed last
	// mostSearchedText is how much of a message is searched in, in bytes.
	mostSearchedText = 400
)

// searchHistory lists what was typed in all conversations, newest first.
func searchHistory(r *root, arg string) tea.Cmd {
	l := &list{
		title: "You wrote", empty: "nothing yet", loading: true, query: arg,
		hint: "type to find  enter take it  esc leave all as it is",
		pick: func(r *root, c choice) tea.Cmd {
			r.composer.take() // what is written now can be had back
			r.composer.set(c.value.(string))
			return nil
		},
	}
	r.open(l)
	here := slices.DeleteFunc(slices.Clone(r.composer.history), func(text string) bool { // commands are not what was said
		name, _, _ := strings.Cut(text, " ")
		return r.actionOfName(name) != nil
	})
	store, ctx, now := r.store, r.ctx, r.now()
	return func() tea.Msg {
		rows, err := typedBefore(ctx, store, here, now)
		return listMsg{list: l, rows: rows, err: err}
	}
}

// typedBefore is what was written in this run, the newest first, and then what the
// store has. What was written twice is there once, where it is newest.
func typedBefore(ctx context.Context, store *sessions.Store, here []string, now time.Time) ([]choice, error) {
	var rows []choice
	seen := map[string]bool{}
	add := func(text, when string) {
		if key := strings.TrimSpace(text); key != "" && !seen[key] {
			seen[key] = true
			rows = append(rows, historyRow(text, when))
		}
	}
	for _, text := range slices.Backward(here) {
		add(text, "now")
	}
	if store == nil {
		return rows, nil
	}
	written, err := writtenIn(ctx, store)
	slices.SortStableFunc(written, func(a, b sessions.Message) int { return b.Time.Compare(a.Time) })
	for _, m := range written {
		add(m.Text, whenText(m.Time, now))
	}
	return rows, err
}

// writtenIn is the messages of the person in the conversations of a store that changed
// last. A conversation that cannot be read is left out: its list says so.
func writtenIn(ctx context.Context, store *sessions.Store) ([]sessions.Message, error) {
	all, err := store.List()
	slices.SortStableFunc(all, func(a, b sessions.Summary) int { return b.Updated.Compare(a.Updated) })
	var written []sessions.Message
	for _, s := range all[:min(len(all), mostSearched)] {
		if len(written) >= mostRemembered || ctx.Err() != nil {
			break
		}
		if !s.Deleted.IsZero() || s.Messages == 0 {
			continue
		}
		c, err := store.Read(s.ID)
		if err != nil {
			continue
		}
		for _, m := range c.Messages {
			if m.Role == sessions.User {
				written = append(written, m)
			}
		}
	}
	return written, err
}

// historyRow is a row of what was written.
func historyRow(text, when string) choice {
	short := text
	if len(short) > mostSearchedText {
		short = strings.ToValidUTF8(short[:mostSearchedText], "")
	}
	return choice{name: strings.Join(strings.Fields(safetext.Line(strings.ReplaceAll(short, "\n", " "))), " "), right: when, value: text}
}
