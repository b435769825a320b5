package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"scout/sessions"
)

// sessionsIn makes a folder of sessions for a test.
func sessionsIn(t *testing.T) (dir string, st *sessions.Store) {
	t.Helper()
	dir = t.TempDir()
	st, err := sessions.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return dir, st
}

// hostileSession is a session that somebody else wrote, to steer a terminal.
func hostileSession(t *testing.T, st *sessions.Store) string {
	t.Helper()
	a, err := st.Attach("pic\u202egpj.exe\x1b[2J", "image/png\x1b", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	s := st.New(nil)
	q, err := s.Append(0, sessions.Message{Role: sessions.User, Text: "needle \x1b]0;title\a\u009b31m", Attachments: []sessions.Attachment{a}})
	if err != nil {
		t.Fatal(err)
	}
	reply := sessions.Reply{Model: sessions.Model{Name: "M\x1b[31m"}, Stats: sessions.Stats{Generated: 2, Decode: time.Second}, Reason: "\x1b"}
	if _, err := s.Append(q.ID, sessions.Message{Role: sessions.Assistant, Text: "\x1b[2Jneedle", Reply: &reply}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(q.ID, sessions.Message{Role: "tool\x1b", Text: "other"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Rename("title \x1b[31m needle"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.ID()
}

// TestSessionsAreSafeToShow expects no control character of a session to reach
// a terminal, by any command.
func TestSessionsAreSafeToShow(t *testing.T) {
	dir, st := sessionsIn(t)
	hostileSession(t, st)
	for _, args := range [][]string{
		{"ls"}, {"ls", "--json"}, {"show", "last"}, {"show", "last", "--json"}, {"grep", "needle"}, {"grep", "needle", "--json"},
		{"export", "last"}, {"export", "last", "--format", "json"}, {"rm", "last"},
	} {
		a := newTestApp(t, newFakeModel())
		a.terminal("")
		if code := a.run(append([]string{"sessions", "--dir", dir}, args...)...); code != ExitDone {
			t.Errorf("%v: exit code %d: %s", args, code, a.err.String())
		}
		for _, r := range a.out.String() + a.err.String() {
			if r < ' ' && r != '\n' || r >= 0x7F && r < 0xA0 || r == '\u202e' {
				t.Errorf("%v: %U reaches the terminal: %q", args, r, a.out.String()+a.err.String())
				break
			}
		}
		if a.out.Len() == 0 && args[0] != "rm" {
			t.Errorf("%v writes nothing", args)
		}
		if strings.Contains(strings.Join(args, " "), "json") && args[0] != "grep" && !json.Valid(a.out.Bytes()) {
			t.Errorf("%v writes no JSON: %q", args, a.out.String())
		}
	}
}

func TestSessionsBusy(t *testing.T) {
	dir, st := sessionsIn(t)
	id := hostileSession(t, st)
	s, err := st.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for args, want := range map[string]int{"show": ExitDone, "export": ExitDone, "rm": ExitError, "rm --forever": ExitError} {
		a := newTestApp(t, newFakeModel())
		words := strings.Fields(args)
		if code := a.run(append([]string{"sessions", "--dir", dir}, append(words, id)...)...); code != want {
			t.Errorf("%s: exit code %d, want %d: %s", args, code, want, a.err.String())
		}
		if want == ExitError && !strings.Contains(a.err.String(), "is open in another window or program: close it there") {
			t.Errorf("%s says %q", args, a.err.String())
		}
	}
}

// TestSessionsWrongNameChangesNothing expects all names to be known before the
// first session is removed.
func TestSessionsWrongNameChangesNothing(t *testing.T) {
	dir, st := sessionsIn(t)
	id := hostileSession(t, st)
	for _, forever := range []string{"--forever=false", "--forever"} {
		a := newTestApp(t, newFakeModel())
		if code := a.run("sessions", "--dir", dir, "rm", forever, id, "nothing"); code != ExitError {
			t.Errorf("exit code %d", code)
		}
		if c, err := st.Read(id); err != nil || !c.Deleted.IsZero() {
			t.Errorf("the session is %+v, %v", c, err)
		}
	}
}

func TestTranscript(t *testing.T) {
	at := time.Date(2026, 11, 24, 15, 47, 0, 0, time.Local)
	c := &sessions.Conversation{
		ID: "id", Title: "kitchen plan", Created: at, Head: 4,
		Messages: []sessions.Message{
			{ID: 1, Role: sessions.User, Text: "Where?\n", Attachments: []sessions.Attachment{{Name: "a.png", Type: "image/png", Size: 2048}}},
			{ID: 2, Parent: 1, Damaged: true},
			{ID: 3, Parent: 2, Role: sessions.Assistant, Text: "Here."},
			{ID: 4, Parent: 2, Role: sessions.Assistant, Text: "There", Unfinished: true, Reply: &sessions.Reply{
				Model: sessions.Model{Name: "Scout", Quant: "Q2_K"}, Sampling: sessions.Sampling{Seed: 7}, Stats: sessions.Stats{Generated: 1}}},
		},
	}
	want := `kitchen plan
id, 3 messages, begun 2026-11-24 15:47

[1] you
(attached: a.png, image/png, 2.0 KiB)
Where?

[2] lost, damaged

[4] Scout Q2_K, seed 7, 1 token, interrupted, 1 other version
There
`
	if got := transcript(c); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSearchText(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"sink", "oven"}, "sink oven"},
		{[]string{"under the", "x"}, `"under the" x`},
		{[]string{`"a b" c`}, `"a b" c`},
	}
	for _, test := range tests {
		if got := searchText(test.args); got != test.want {
			t.Errorf("%q: got %s, want %s", test.args, got, test.want)
		}
	}
}
