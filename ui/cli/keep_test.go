package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scout/engine"
	"scout/sessions"
)

// kept is the shown branches of all saved conversations, oldest first: "role: text".
func (a *testApp) kept(t *testing.T) (all [][]string) {
	t.Helper()
	st, err := sessions.Open(a.sessionsDir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	list, err := st.List()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(x, y sessions.Summary) int { return x.Created.Compare(y.Created) })
	for _, s := range list {
		c, err := st.Read(s.ID)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, m := range c.Shown() {
			said = append(said, string(m.Role)+": "+m.Text)
			if m.Role == sessions.Assistant && (m.Reply == nil || m.Reply.Model.Name != "Fake" || m.Reply.Sampling.Seed == 0 || m.Reply.Engine != "scout test") {
				t.Errorf("an answer's reply is %+v", m.Reply)
			}
		}
		all = append(all, said)
	}
	return all
}

func (a *testApp) wantKept(t *testing.T, want ...[]string) {
	t.Helper()
	if got := a.kept(t); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("kept %q\nwant %q", got, want)
	}
}

// TestChatIsSaved expects a chat in sessions, each from its first message on.
func TestChatIsSaved(t *testing.T) {
	a, code := chatWith(t, "one\ntwo\n/clear\nthree\n", "--system", "S")
	if code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	a.wantKept(t, []string{"system: S", "user: one", "assistant: Yes.", "user: two", "assistant: Yes."}, []string{"system: S", "user: three", "assistant: Yes."})
	if !strings.Contains(a.err.String(), "saved: --session ") {
		t.Errorf("where it is kept is not said: %q", a.err.String())
	}
}

func TestChatIsNotSaved(t *testing.T) {
	for name, test := range map[string]struct {
		input string
		args  []string
	}{
		"nothing was said": {"/exit\n", nil},
		"as wished":        {"one\n", []string{"--no-save"}},
		"one answer":       {"", []string{"prompt"}},
	} {
		a, code := chatWith(t, test.input, test.args...)
		if got := a.kept(t); code != ExitDone || len(got) != 0 {
			t.Errorf("%s: kept %q, code %d", name, got, code)
		}
	}
}

// TestGoOn goes on with a chat, by a chat and by a single prompt.
func TestGoOn(t *testing.T) {
	a, _ := chatWith(t, "one\n")
	for _, args := range [][]string{{"-c"}, {"--session", "one"}} {
		a.terminal("more\n")
		if code := a.run(append([]string{"run", "m"}, args...)...); code != ExitDone {
			t.Fatal(code, a.err.String())
		}
	}
	if code := a.run("run", "m", "last", "-c"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	want := []string{"user: one", "assistant: Yes."}
	for _, q := range []string{"more", "more", "last"} {
		want = append(want, "user: "+q, "assistant: Yes.")
	}
	a.wantKept(t, want)
	if last := a.model.seq.conversations[3]; len(last) != 7 || last[6].Content != "last" || last[1].Role != engine.Assistant {
		t.Errorf("the model was asked %v, want all that was said before", last)
	}
	for _, args := range [][]string{{"--session", "nothing like it"}, {"-c", "--session", "one"}, {"-c", "--no-save"}, {"-c", "--system", "S"}} {
		if code := a.run(append([]string{"run", "m", "x"}, args...)...); code == ExitDone {
			t.Errorf("%v: no error", args)
		}
	}
}

// TestRefusedIsNoPartOfIt expects a message that was not answered to be kept, and
// the conversation to go on without it.
func TestRefusedIsNoPartOfIt(t *testing.T) {
	a := newTestApp(t, newFakeModel("Yes."))
	a.typeAtPrompts("one\n", "too long\n", "two\n")
	asked := 0
	a.model.seq.refuse = func() error {
		if asked++; asked == 2 {
			return &engine.ContextError{Need: 600, Have: 512}
		}
		return nil
	}
	if code := a.run("run", "m"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	a.wantKept(t, []string{"user: one", "assistant: Yes.", "user: two", "assistant: Yes."})
	st, err := sessions.Open(a.sessionsDir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	list, _ := st.List()
	if c, err := st.Read(list[0].ID); err != nil || !slices.ContainsFunc(c.Messages, func(m sessions.Message) bool { return m.Text == "too long" }) {
		t.Errorf("the refused message is lost (%v)", err)
	}
}

// TestFirstRefused expects a first message that was not answered to be no part of
// what is shown.
func TestFirstRefused(t *testing.T) {
	a := newTestApp(t, newFakeModel("Yes."))
	a.model.seq.refuse = func() error { return &engine.ContextError{Need: 600, Have: 512} }
	a.terminal("too long\n")
	a.run("run", "m")
	a.wantKept(t, []string(nil))
}

// TestChatWhereNothingCanBeSaved expects the chat to go on, and one note.
func TestChatWhereNothingCanBeSaved(t *testing.T) {
	a := newTestApp(t, newFakeModel("Yes."))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a.sessionsDir = file
	a.terminal("one\ntwo\n")
	code := a.run("run", "m")
	if code != ExitDone || strings.Count(a.out.String(), "Yes.") != 2 || strings.Count(a.err.String(), "not saved") != 1 {
		t.Errorf("code %d, output %q, notes %q", code, a.out.String(), a.err.String())
	}
	if code := a.run("run", "m", "x", "-c"); code == ExitDone {
		t.Error("a conversation to go on with that cannot be read is no error")
	}
}

// TestGoOnWithPictures expects pictures of a saved conversation to be shown again.
func TestGoOnWithPictures(t *testing.T) {
	picture, err := os.ReadFile("../../testdata/tiny-scout/images/01-red-circle.png")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "circle.png")
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	a := newTestApp(t, newFakeModel("Yes."))
	a.terminal("/image " + path + "\nwhat?\n")
	a.run("run", "m")
	a.terminal("and now?\n")
	if code := a.run("run", "m", "-c"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	last := a.model.seq.conversations[1]
	if images := last[0].Images(); len(last) != 3 || len(images) != 1 || !bytes.Equal(images[0].Data, picture) {
		t.Errorf("the model was asked %v, want the picture again", last)
	}
}

// TestBusySession expects a session that another chat has open to be refused.
func TestBusySession(t *testing.T) {
	a, _ := chatWith(t, "one\n")
	st, err := sessions.Open(a.sessionsDir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	id, err := st.Find("one")
	if err != nil {
		t.Fatal(err)
	}
	s, err := st.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if code := a.run("run", "m", "x", "-c"); code == ExitDone || !strings.Contains(a.err.String(), "open") {
		t.Errorf("code %d, %q", code, a.err.String())
	}
}
