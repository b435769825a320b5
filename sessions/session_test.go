package sessions

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// must is for calls that a test takes for granted.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// say appends a message after the last one.
func say(t *testing.T, s *Session, role Role, text string) Message {
	t.Helper()
	return must(s.Append(s.Conversation().Head, Message{Role: role, Text: text}))(t)
}

// texts are the texts of messages.
func texts(messages []Message) []string {
	all := []string{}
	for _, m := range messages {
		all = append(all, m.Text)
	}
	return all
}

func wantTexts(t *testing.T, got []Message, want ...string) {
	t.Helper()
	if len(want) == 0 {
		want = []string{}
	}
	if g := texts(got); !reflect.DeepEqual(g, want) {
		t.Errorf("got the texts %q, want %q", g, want)
	}
}

var sampleReply = Reply{
	Model:     Model{Name: "Scout", Quant: "Q4_K_M", Hash: strings.Repeat("ab", 32)},
	Sampling:  Sampling{Temperature: 0.6, TopP: 0.9, Seed: 1<<63 + 1, Stop: []string{"\n\n"}},
	Placement: []Place{{"GPU 0", "layers 0-23", 1 << 34}},
	Engine:    "test", Reason: "end",
	Stats:    Stats{PromptTokens: 7, Generated: 3, Decode: 2 * time.Second},
	Measured: []Measure{{"memory", "B", 1e9, 1.1e9}},
}

func TestSessionIsThereAgain(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		s := st.New(nil)
		if all := must(st.List())(t); len(all) != 0 {
			t.Errorf("a session in which nothing was said is listed: %v", all)
		}
		say(t, s, System, "Be brief.")
		q := say(t, s, User, "Where does the sink go?\nAnd <the> \"oven\"\u2028?")
		w := must(s.Begin(q.ID, sampleReply))(t)
		for _, piece := range []string{"Under ", "the w", "indow. 世\xe7", "\x95\x8c \xff!"} {
			if err := w.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		m := must(w.End(sampleReply))(t)
		if want := "Under the window. 世界 \uFFFD!"; m.Text != want {
			t.Errorf("the answer is %q, want %q", m.Text, want)
		}
		if err := errors.Join(s.Rename(" kitchen\n plan "), s.Pin(true), s.Delete(true), s.Delete(false)); err != nil {
			t.Fatal(err)
		}
		before := s.Conversation()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		after := must(st.Read(s.ID()))(t)
		if !reflect.DeepEqual(before, after) {
			t.Errorf("read\n%+v\nwant\n%+v", after, before)
		}
		if after.Title != "kitchen plan" || !after.Pinned || !after.Deleted.IsZero() || len(after.Damage) != 0 {
			t.Errorf("got %+v", after)
		}
		if !reflect.DeepEqual(*after.Messages[2].Reply, sampleReply) {
			t.Errorf("reply is %+v, want %+v", *after.Messages[2].Reply, sampleReply)
		}
		// And it goes on.
		s = must(st.Open(s.ID()))(t)
		say(t, s, User, "Thanks")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wantTexts(t, must(st.Read(s.ID()))(t).Shown(), "Be brief.", q.Text, m.Text, "Thanks")
	})
}

// TestNothingSaid expects a session in which nothing was said to leave nothing.
func TestNothingSaid(t *testing.T) {
	d := newMemDisk()
	s := newStore(d).New(nil)
	if err := errors.Join(s.Sync(), s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if len(d.names) != 0 {
		t.Errorf("there is %v", d.names)
	}
}

func TestBranches(t *testing.T) {
	st := newStore(newMemDisk())
	s := st.New(nil)
	one := say(t, s, User, "one")
	answer := say(t, s, Assistant, "first answer")
	again := must(s.Append(one.ID, Message{Role: Assistant, Text: "second answer"}))(t)
	edited := must(s.Append(one.Parent, Message{Role: User, Text: "one, edited"}))(t)
	wantTexts(t, s.Conversation().Shown(), "one, edited")
	if err := s.Go(answer.ID); err != nil {
		t.Fatal(err)
	}
	s.Close()
	c := must(st.Read(s.ID()))(t)
	wantTexts(t, c.Shown(), "one", "first answer")
	wantTexts(t, c.Children(0), "one", "one, edited")
	wantTexts(t, c.Children(one.ID), "first answer", "second answer")
	wantTexts(t, c.Path(again.ID), "one", "second answer")
	if c.Path(99) != nil || c.Path(edited.ID) == nil {
		t.Error("Path of an unknown message is something")
	}
	if got := c.Leaf(one.ID); got != again.ID {
		t.Errorf("the leaf below %d is %d, want %d", one.ID, got, again.ID)
	}
	s = must(st.Open(s.ID()))(t)
	if _, err := s.Append(99, Message{Role: User, Text: "x"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("appending after an unknown message: %v", err)
	}
	if err := s.Go(99); !errors.Is(err, ErrNotFound) {
		t.Errorf("going to an unknown message: %v", err)
	}
	f := must(st.Fork(c, again.ID))(t)
	say(t, f, User, "on its own")
	fork := f.Conversation()
	wantTexts(t, fork.Shown(), "one", "second answer", "on its own")
	if want := (Origin{s.ID(), again.ID}); fork.Origin == nil || *fork.Origin != want {
		t.Errorf("the origin is %v, want %v", fork.Origin, want)
	}
	wantTexts(t, must(st.Read(s.ID()))(t).Shown(), "one", "first answer")
}

// TestGoBeforeTheFirst expects a conversation whose only message was left to show
// nothing, also when it is read again, and still to have the message.
func TestGoBeforeTheFirst(t *testing.T) {
	st := newStore(newMemDisk())
	s := st.New(nil)
	say(t, s, User, "too long")
	if err := errors.Join(s.Go(0), s.Close()); err != nil {
		t.Fatal(err)
	}
	c := must(st.Read(s.ID()))(t)
	wantTexts(t, c.Shown())
	wantTexts(t, c.Messages, "too long")
}

func TestTitles(t *testing.T) {
	tests := []struct{ name, question, want string }{
		{"short", "Hello", "Hello"},
		{"lines", "  Hello\n\n there ", "Hello there"},
		{"long", strings.Repeat("word ", 30), strings.TrimSpace(strings.Repeat("word ", 11)) + "…"},
		{"one long word", strings.Repeat("ü", 99), strings.Repeat("ü", 59) + "…"},
		{"blank", " \n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(newMemDisk()).New(nil)
			say(t, s, System, "Not this one")
			say(t, s, User, test.question)
			if got := s.Conversation().Title; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if err := errors.Join(s.Rename("given"), s.Rename("")); err != nil {
				t.Fatal(err)
			}
			if c := s.Conversation(); c.Title != test.want || c.Titled {
				t.Errorf("after the title was taken away: %q, want %q", c.Title, test.want)
			}
			if err := s.Rename(strings.Repeat("x", mostTitle+1)); err == nil {
				t.Error("a title that is too long was taken")
			}
		})
	}
}

func TestOneWriter(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		s := st.New(nil)
		say(t, s, User, "mine")
		var busy *BusyError
		if _, err := st.Open(s.ID()); !errors.As(err, &busy) || busy.ID != s.ID() {
			t.Fatalf("a second writer got %v", err)
		}
		wantTexts(t, must(st.Read(s.ID()))(t).Shown(), "mine")
		say(t, s, Assistant, "still mine")
		s.Close()
		second := must(st.Open(s.ID()))(t)
		wantTexts(t, second.Conversation().Shown(), "mine", "still mine")
		if _, err := s.Append(1, Message{Role: User, Text: "late"}); !errors.Is(err, ErrClosed) {
			t.Errorf("writing to a closed session: %v", err)
		}
		if err := errors.Join(s.Close(), second.Close()); err != nil {
			t.Error(err)
		}
	})
}

// TestReplacedWhileOpening expects a session that is replaced by another file
// between being opened and locked not to be written into nowhere.
func TestReplacedWhileOpening(t *testing.T) {
	d := &faultyDisk{memDisk: newMemDisk(), fail: func(string) bool { return false }}
	st := newStore(d)
	id := talkOf(t, st, "first")
	name := id + journalEnding
	d.fail = func(op string) bool {
		if op == "lock "+name {
			d.fail = func(string) bool { return false }
			old := d.names[name]
			d.remove(name)
			d.names[name] = &memNode{data: old.data, mtime: old.mtime}
		}
		return false
	}
	s := must(st.Open(id))(t)
	say(t, s, User, "second")
	s.Close()
	wantTexts(t, must(st.Read(id))(t).Shown(), "first", "second")
}

// TestReadWhileWriting expects a reader to take half a record for what it is.
func TestReadWhileWriting(t *testing.T) {
	st := openTemp(t)
	s := st.New(nil)
	say(t, s, User, "whole")
	if _, err := s.journal.file.Write([]byte(`0123abcd 90 {"n":3,`)); err != nil {
		t.Fatal(err)
	}
	if c := must(st.Read(s.ID()))(t); len(c.Damage) != 0 {
		t.Errorf("what is being written is called damage: %v", c.Damage)
	}
	s.journal.file.Close()
	if c := must(st.Read(s.ID()))(t); len(c.Damage) != 1 {
		t.Errorf("what was left is not called damage: %v", c.Damage)
	}
}

func TestNoSuchSession(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		for _, id := range []string{"", "none", "../etc/passwd", "a/b", "A", strings.Repeat("a", 65)} {
			if _, err := st.Open(id); !errors.Is(err, ErrNotFound) {
				t.Errorf("opening %q: %v", id, err)
			}
			if _, err := st.Read(id); !errors.Is(err, ErrNotFound) {
				t.Errorf("reading %q: %v", id, err)
			}
		}
	})
}

// TestOnlyInside expects names that lead out of the directory to be refused.
func TestOnlyInside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.jsonl")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link.jsonl")); err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatal("this system makes no links:", err) // which CI promised
		}
		t.Skip("this system makes no links:", err)
	}
	st := must(Open(dir))(t)
	defer st.Close()
	if _, err := st.Open("link"); err == nil {
		t.Error("a link out of the directory was opened")
	}
	if _, err := st.Read("link"); err == nil {
		t.Error("a link out of the directory was read")
	}
	if all := must(st.List())(t); len(all) != 0 {
		t.Errorf("a link is listed: %v", all)
	}
}

func TestFilesArePrivate(t *testing.T) {
	st := openTemp(t)
	s := st.New(nil)
	say(t, s, User, "secret")
	s.Close()
	must(st.Attach("a", "text/plain", strings.NewReader("secret")))(t)
	must(st.List())(t)
	root := st.disk.(rootDisk).root.Name()
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && path != root && info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
			t.Errorf("%s can be read by others: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewerFormat(t *testing.T) {
	st := newStore(newMemDisk())
	write := func(id string, records ...any) {
		var out []byte
		for _, r := range records {
			out = must(appendFrame(out, r))(t)
		}
		f := must(st.disk.open(id+journalEnding, os.O_CREATE))(t)
		f.Write(out)
	}
	hello := record{N: 2, Message: &Message{ID: 1, Role: User, Text: "hello"}}
	write("version", record{N: 1, Session: &header{Format: 2, ID: "version"}}, hello)
	write("records", record{N: 1, Session: &header{Format: 1, ID: "records"}}, hello, map[string]any{"n": 3, "reaction": "+1"})
	for _, id := range []string{"version", "records"} {
		c := must(st.Read(id))(t)
		wantTexts(t, c.Shown(), "hello")
		if !c.Newer || len(c.Damage) != 0 {
			t.Errorf("%s: newer %v, damage %v", id, c.Newer, c.Damage)
		}
		var newer *NewerError
		if _, err := st.Open(id); !errors.As(err, &newer) {
			t.Errorf("%s was opened for writing: %v", id, err)
		}
	}
}

// TestUnfinished expects an answer without an end to stay, and to be said so.
func TestUnfinished(t *testing.T) {
	st := newStore(newMemDisk())
	s := st.New(nil)
	q := say(t, s, User, "q")
	w := must(s.Begin(q.ID, sampleReply))(t)
	for _, piece := range []string{"half ", "an answ"} {
		if err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	other := must(s.Append(q.ID, Message{Role: User, Text: "meanwhile"}))(t)
	if err := w.Write("er"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	c := must(st.Read(s.ID()))(t)
	m, ok := c.Message(w.ID())
	if !ok || m.Text != "half an answer" || !m.Unfinished || m.Damaged || !reflect.DeepEqual(*m.Reply, sampleReply) {
		t.Errorf("got %+v", m)
	}
	if len(c.Damage) != 0 || other.ID != w.ID()+1 {
		t.Errorf("damage %v, ids %d and %d", c.Damage, w.ID(), other.ID)
	}
	if err := w.Write("late"); !errors.Is(err, ErrClosed) {
		t.Errorf("writing to a closed session: %v", err)
	}
	// Reopened, ids go on.
	s = must(st.Open(s.ID()))(t)
	if m := say(t, s, User, "next"); m.ID != other.ID+1 {
		t.Errorf("the next id is %d, want %d", m.ID, other.ID+1)
	}
}

// TestStreamSyncs expects streamed text to be safe from a power cut two
// seconds later, though nobody asked.
func TestStreamSyncs(t *testing.T) {
	d := newMemDisk()
	st := newStore(d)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	st.now = func() time.Time { return now }
	s := st.New(nil)
	w := must(s.Begin(0, Reply{}))(t)
	node := d.names[s.ID()+journalEnding]
	for _, step := range []struct {
		after  time.Duration
		synced bool
	}{{0, false}, {time.Second, false}, {time.Second, true}, {time.Second, false}, {-time.Hour, true}} {
		now = now.Add(step.after)
		if err := w.Write("x"); err != nil {
			t.Fatal(err)
		}
		if got := node.synced == len(node.data); got != step.synced {
			t.Errorf("after %v: synced %v, want %v", step.after, got, step.synced)
		}
	}
}

func TestTooLongTexts(t *testing.T) {
	s := newStore(newMemDisk()).New(nil)
	long := strings.Repeat("x", mostText+1)
	if m, err := s.Append(0, Message{Role: User, Text: long}); err == nil || m.ID != 0 {
		t.Error("a text that is too long was taken")
	}
	w := must(s.Begin(0, Reply{}))(t)
	if err := w.Write(long); err == nil {
		t.Error("an answer that is too long was taken")
	}
	if _, err := s.Append(0, Message{Role: User, Attachments: []Attachment{{Hash: "../../x"}}}); err == nil {
		t.Error("an attachment without a hash was taken")
	}
}

func TestFind(t *testing.T) {
	st := newStore(newMemDisk())
	d := st.disk.(*memDisk)
	for _, id := range []string{"20261124-120000-aaaaaa", "20261124-120000-bbbbbb", "20261125-120000-cccccc"} {
		line := must(appendFrame(nil, record{N: 1, Time: d.clock, Session: &header{Format: 1, ID: id}}))(t)
		line = must(appendFrame(line, record{N: 2, Message: &Message{ID: 1, Role: User, Text: "Title " + id[len(id)-1:]}}))(t)
		f := must(d.open(id+journalEnding, os.O_CREATE))(t)
		f.Write(line)
	}
	for name, want := range map[string]string{
		"20261124-120000-aaaaaa": "20261124-120000-aaaaaa",
		"bbbbbb":                 "20261124-120000-bbbbbb",
		"20261125":               "20261125-120000-cccccc",
		"title C":                "20261125-120000-cccccc",
	} {
		if got, err := st.Find(name); got != want || err != nil {
			t.Errorf("Find(%q) is %q, %v, want %q", name, got, err, want)
		}
	}
	var ambiguous *AmbiguousError
	if _, err := st.Find("20261124"); !errors.As(err, &ambiguous) || len(ambiguous.IDs) != 2 {
		t.Errorf("an ambiguous name: %v", err)
	}
	for _, name := range []string{"", "nothing", "../x"} {
		if _, err := st.Find(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Find(%q): %v", name, err)
		}
	}
}

func TestDeleteAndPurge(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		ids := map[string]string{}
		for _, name := range []string{"kept", "deleted", "open"} {
			s := st.New(nil)
			say(t, s, User, name)
			if name != "kept" {
				if err := s.Delete(true); err != nil {
					t.Fatal(err)
				}
			}
			ids[name] = s.ID()
			if name != "open" {
				s.Close()
			} else {
				defer s.Close()
			}
		}
		if gone, err := st.Purge(time.Now().Add(-time.Hour)); len(gone) != 0 || err != nil {
			t.Errorf("purged %v, %v: too early", gone, err)
		}
		gone, err := st.Purge(time.Now().Add(time.Hour))
		if err != nil || len(gone) != 1 || gone[0] != ids["deleted"] {
			t.Errorf("purged %v, %v, want %s", gone, err, ids["deleted"])
		}
		if _, err := st.Read(ids["deleted"]); !errors.Is(err, ErrNotFound) {
			t.Errorf("a purged session: %v", err)
		}
		for _, name := range []string{"kept", "open"} {
			must(st.Read(ids[name]))(t)
		}
	})
}
