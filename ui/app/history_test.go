package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scout/sessions"
)

// TestHistory: what was typed in any conversation is found, and taken, or left.
func TestHistory(t *testing.T) {
	b := newRobot(t, 80, 24, nil)
	b.say2("Where does the sink go?")
	b.say2("And the oven?")
	b.keys("ctrl+n")
	b.until("new", func() bool { return !b.r.opening && len(b.r.transcript.items) == 0 })
	b.r.composer = newComposer() // as after a start
	b.r.composer.style(b.r.styles)
	b.r.composer.resize(80, 24)
	b.typed("a draft")
	b.keys("ctrl+r")
	b.untilText("the oven")
	b.keys("esc")
	if b.r.composer.text() != "a draft" || len(b.r.layers) != 0 {
		t.Fatalf("esc left %q", b.r.composer.text())
	}
	b.keys("ctrl+r")
	b.untilText("the oven")
	b.typed("snk")
	b.keys("enter")
	if got := b.r.composer.text(); got != "Where does the sink go?" {
		t.Errorf("took %q", got)
	}
	b.keys("up")
	if got := b.r.composer.text(); got != "a draft" {
		t.Errorf("the draft is gone: %q", got)
	}
	b.r.composer.take()
	b.typed("/history oven")
	b.keys("enter")
	b.untilText("1 of ")
	b.keys("enter")
	if got := b.r.composer.text(); got != "And the oven?" {
		t.Errorf("took %q", got)
	}
}

// TestTypedBefore: newest first, each once, whatever the conversations' order is; those
// that were deleted, and what others than the person said, are not there.
func TestTypedBefore(t *testing.T) {
	dir := t.TempDir()
	store, err := sessions.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var open []*sessions.Session
	heads := map[*sessions.Session]int{}
	for range 4 {
		open = append(open, store.New(nil))
	}
	say := func(n int, role sessions.Role, text string) {
		t.Helper()
		s := open[n]
		m, err := s.Append(heads[s], sessions.Message{Role: role, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		heads[s] = m.ID
		time.Sleep(2 * time.Millisecond) // moments are kept in milliseconds
	}
	say(0, sessions.User, "first")
	say(0, sessions.Assistant, "a reply")
	say(1, sessions.User, "second")
	say(1, sessions.User, "twice")
	say(2, sessions.User, "deleted")
	say(3, sessions.User, "twice")
	say(0, sessions.User, "fourth")
	say(3, sessions.User, "  \n")
	say(3, sessions.User, "two\nlines")
	errs := []error{open[0].Pin(true), open[2].Delete(true)}
	for _, s := range open {
		errs = append(errs, s.Close())
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	rows, err := typedBefore(context.Background(), store, []string{"earlier here", "last here"}, clock)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, row.value.(string))
	}
	if want := "last here|earlier here|two\nlines|fourth|twice|second|first"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
	if rows[2].name != "two lines" || rows[0].right != "now" {
		t.Errorf("rows %+v", rows[:3])
	}
	// A journal that is no journal takes nothing from the others.
	names, err := filepath.Glob(filepath.Join(dir, open[3].ID()+"*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("journals %q, %v", names, err)
	}
	if err := os.WriteFile(names[0], []byte("not a journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	if rows, err = typedBefore(context.Background(), store, nil, clock); err != nil || len(rows) != 4 {
		t.Errorf("with one damaged: %d rows, %v", len(rows), err)
	}
}
