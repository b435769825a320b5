package talk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scout/engine"
	"scout/sessions"
)

// TestSend expects an answer, saved as it came, with all it takes to get it again.
func TestSend(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake("Hel", "lo")
		ref := sessions.Model{Name: "Fake", Quant: "Q8_0", Hash: "abc"}
		k := begun(t, Options{Store: st, Model: m, Ref: ref, Engine: "test", System: "Be brief.", Sampling: engine.Sampling{Temperature: 0.5, TopK: 3, Seed: 42}})
		must(t, k.Send("Hi", nil))
		synctest.Wait()
		expect(t, k, "s:Be brief. u:Hi a:Hello")
		if got, want := m.told[0], "<system>Be brief.<user>Hi<assistant>"; got != want {
			t.Errorf("the model was told %q, want %q", got, want)
		}
		c, err := st.Read(k.ID())
		must(t, err)
		last := c.Messages[len(c.Messages)-1]
		r := last.Reply
		if last.Text != "Hello" || last.Unfinished || r.Model != ref || r.Engine != "test" || r.Reason != "end" ||
			r.Sampling.Seed != 42 || r.Sampling.TopK != 3 || r.Stats.Generated != 2 || len(r.Placement) != 1 {
			t.Errorf("saved is %+v with %+v", last, r)
		}
		if got := k.Title(); got != "Hi" {
			t.Errorf("the title is %q, want that of the first question", got)
		}
		must(t, k.Rename("Greeting"))
		if c, _ := st.Read(k.ID()); c.Title != "Greeting" || k.Title() != "Greeting" {
			t.Errorf("renamed it is %q and %q", c.Title, k.Title())
		}
		must(t, k.Close())
		again := begun(t, Options{Store: st, Session: k.ID(), System: "Be long."})
		if again.System() != "Be brief." || again.Title() != "Greeting" {
			t.Errorf("gone on with it is told %q and called %q", again.System(), again.Title())
		}
	})
}

// TestSavedBeforeAnswered expects a question to be on disk before the model runs, and
// a reply while it is written.
func TestSavedBeforeAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake()
		gate := make(chan struct{})
		var id string
		m.script = func(int, string, engine.Sampling) []step {
			c, err := st.Read(id)
			if err != nil || len(c.Messages) != 1 || c.Messages[0].Text != "Hi" {
				t.Errorf("when the model began, %+v was saved, error %v", c, err)
			}
			return []step{{read: 1}, {text: "Half"}, {block: gate, text: "way"}, {done: engine.EndOfTurn}}
		}
		k := begun(t, Options{Store: st, Model: m})
		id = k.ID()
		must(t, k.Send("Hi", nil))
		synctest.Wait()
		c, err := st.Read(id)
		must(t, err)
		if n := len(c.Messages); n != 2 || c.Messages[1].Text != "Half" || !c.Messages[1].Unfinished {
			t.Errorf("while it is written, saved is %+v", c.Messages)
		}
		if id, text := k.LiveText(); id != 2 || text != "Half" {
			t.Errorf("live is %d %q", id, text)
		}
		expect(t, k, "u:Hi a:Half...")
		close(gate)
		synctest.Wait()
		expect(t, k, "u:Hi a:Halfway")
		if id, _ := k.LiveText(); id != 0 {
			t.Errorf("message %d is live at the end", id)
		}
	})
}

// TestQueue expects prompts to wait their turn, to be taken out, and to be held by
// Stop until Resume, while what is sent then passes by.
func TestQueue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newFake()
		gate := make(chan struct{})
		m.script = func(_ int, told string, _ engine.Sampling) []step {
			if strings.HasSuffix(told, "<user>slow<assistant>") {
				return []step{{read: 1}, {text: "par"}, {block: gate, text: "tial"}, {done: engine.EndOfTurn}}
			}
			return []step{{text: "ok"}, {done: engine.EndOfTurn}}
		}
		k := begun(t, Options{Model: m})
		for _, text := range []string{"slow", "one", "two", "three"} {
			must(t, k.Send(text, nil))
		}
		synctest.Wait()
		if got := k.Queue(); !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Fatalf("the queue is %q", got)
		}
		if text, ok := k.Unqueue(1); !ok || text != "two" {
			t.Errorf("taken out is %q, %v", text, ok)
		}
		if _, ok := k.Unqueue(2); ok {
			t.Error("a third of two prompts was taken out")
		}
		for name, err := range map[string]error{"edit": k.Edit(1, "x"), "regenerate": k.Regenerate(), "continue": k.Continue(), "show": k.Show(1), "model": k.SetModel(nil, sessions.Model{})} {
			if !errors.Is(err, ErrBusy) {
				t.Errorf("%s while it answers: %v, want ErrBusy", name, err)
			}
		}
		k.Stop()
		if p := k.Live().Phase; p != Stopping {
			t.Errorf("the phase is %d, want Stopping", p)
		}
		synctest.Wait()
		expect(t, k, "u:slow a:par~")
		if list := k.Prompts(); len(list) != 2 || !list[0].Held || !list[1].Held {
			t.Fatalf("after a stop waiting is %+v", list)
		}
		must(t, k.Send("now", nil))
		synctest.Wait()
		expect(t, k, "u:slow a:par~ u:now a:ok")
		k.Resume()
		synctest.Wait()
		expect(t, k, "u:slow a:par~ u:now a:ok u:one a:ok u:three a:ok")
		if r := k.Turns()[1].Reply.Reason; r != string(Interrupted) {
			t.Errorf("the reason is %q", r)
		}
		if k.Notice() != "" || k.Failure() != nil {
			t.Errorf("stopping was said to be wrong: %s", k.Notice())
		}
	})
}

// TestStopBeforeWords expects a question that is stopped before its answer begins to
// stay, and to go to the model with the next.
func TestStopBeforeWords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake()
		m.script = func(call int, _ string, _ engine.Sampling) []step {
			if call == 0 {
				return []step{{block: make(chan struct{})}}
			}
			return []step{{text: "both"}, {done: engine.EndOfTurn}}
		}
		k := begun(t, Options{Store: st, Model: m})
		must(t, k.Send("one", nil))
		synctest.Wait()
		k.Stop()
		synctest.Wait()
		expect(t, k, "u:one")
		must(t, k.Send("two", nil))
		synctest.Wait()
		if got, want := m.told[1], "<user>one\n\ntwo<assistant>"; got != want {
			t.Errorf("the model was told %q, want %q", got, want)
		}
		expect(t, k, "u:one u:two a:both")
	})
}

// TestStopAtAnyMoment expects Stop to stop a reply that the worker has not begun with,
// and a model that does not heed its context.
func TestStopAtAnyMoment(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newFake()
		m.script = func(int, string, engine.Sampling) []step {
			var steps []step
			for range 100 {
				steps = append(steps, step{wait: time.Second, text: "x", deaf: true})
			}
			return append(steps, step{done: engine.EndOfTurn})
		}
		k := begun(t, Options{Model: m})
		w, err := prepare("one", nil)
		must(t, err)
		k.mu.Lock()
		k.say(w, k.tree.head, nil)
		k.halt()
		k.mu.Unlock()
		synctest.Wait()
		if len(m.told) != 0 || k.Live().Phase != Idle {
			t.Errorf("the model was told %q", m.told)
		}
		expect(t, k, "u:one")
		must(t, k.Send("two", nil))
		time.Sleep(2500 * time.Millisecond)
		k.Stop()
		time.Sleep(time.Second)
		synctest.Wait()
		expect(t, k, "u:one u:two a:xxx~")
	})
}

// TestBranches expects an edit and another answer to stand beside the first, and each
// to be shown again.
func TestBranches(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake()
		m.script = func(_ int, told string, p engine.Sampling) []step {
			return []step{{text: reply(told, p.Seed)}, {done: engine.EndOfTurn}}
		}
		k := begun(t, Options{Store: st, Model: m, Sampling: engine.Sampling{Seed: 7}})
		must(t, k.Send("a", nil))
		synctest.Wait()
		must(t, k.Send("b", nil))
		synctest.Wait()
		first, answer := said(k.Turns()), k.Turns()[3].Text
		must(t, k.Regenerate())
		synctest.Wait()
		turns := k.Turns()
		if s := turns[3]; s.Sibling != 2 || s.Siblings != 2 || s.Reply.Sampling.Seed == 7 || s.Reply.Sampling.Seed == 0 {
			t.Errorf("another answer is %d of %d with seed %d", s.Sibling, s.Siblings, s.Reply.Sampling.Seed)
		}
		k.SetSystem("Be odd.")
		must(t, k.Edit(3, "c"))
		synctest.Wait()
		turns = k.Turns()
		if got := turns[3]; got.Text != "c" || got.Sibling != 2 || got.Siblings != 2 {
			t.Fatalf("the edited question is %+v", got)
		}
		if got, want := m.told[3], "<system>Be odd.<user>a<assistant>"+turns[1].Text+"<user>c<assistant>"; got != want {
			t.Errorf("the model was told %q, want %q", got, want)
		}
		ids := k.Branches(turns[3].ID)
		if !slices.Equal(ids, []int{3, turns[3].ID}) {
			t.Errorf("branches are %d", ids)
		}
		must(t, k.Show(4))
		// The last that was said below the first answer to b is that answer.
		expect(t, k, strings.Replace(strings.Replace(first, "u:b", "u1/2:b", 1), " a:"+answer, " a1/2:"+answer, 1))
		if err := k.Show(99); !errors.Is(err, ErrNotFound) {
			t.Errorf("showing nothing: %v", err)
		}
		if err := k.Edit(2, "x"); err == nil || errors.Is(err, ErrBusy) {
			t.Errorf("editing a reply: %v", err)
		}
		synctest.Wait()
		shown := said(k.Turns())
		must(t, k.Close())
		again := begun(t, Options{Store: st, Session: k.ID()})
		expect(t, again, shown)
	})
}

// TestContinue expects a cut reply to be gone on with from its own text, to be shown
// as one and to be replayed as two.
func TestContinue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake()
		m.script = func(call int, told string, p engine.Sampling) []step {
			if call%2 == 0 {
				return []step{{text: "It is a "}, {text: "wonder"}, {done: engine.TokenLimit}}
			}
			return []step{{text: "ful day."}, {done: engine.EndOfTurn}}
		}
		k := begun(t, Options{Store: st, Model: m, Engine: "test"})
		must(t, k.Send("Hi", nil))
		synctest.Wait()
		expect(t, k, "u:Hi a:It is a wonder~")
		must(t, k.Continue())
		synctest.Wait()
		expect(t, k, "u:Hi a:It is a wonderful day.")
		if got, want := m.told[1], "<user>Hi<assistant>It is a wonder"; got != want {
			t.Errorf("the model was told %q, want %q", got, want)
		}
		if err := k.Continue(); !errors.Is(err, ErrWhole) {
			t.Errorf("continuing a whole reply: %v", err)
		}
		c, err := st.Read(k.ID())
		must(t, err)
		if n := len(c.Messages); n != 3 || c.Messages[2].Text != "ful day." || c.Messages[2].Parent != 2 {
			t.Errorf("saved is %+v", c.Messages)
		}
		for id := 2; id <= 3; id++ {
			if r, err := Replay(context.Background(), m, st, c, id); err != nil || !r.Identical {
				t.Errorf("replaying %d: %+v, %v", id, r, err)
			}
		}
		must(t, k.Regenerate())
		synctest.Wait()
		expect(t, k, "u:Hi a2/2:It is a wonder~")
		must(t, k.SetModel(struct{ Model }{m}, sessions.Model{})) // which cannot encode
		if err := k.Continue(); !errors.Is(err, ErrContinue) {
			t.Errorf("continuing with a model that cannot: %v", err)
		}
	})
}

// TestRefused expects what is too long to be refused before anything runs, handed back
// and kept in the session; and to be the same message if it is sent again.
func TestRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake("ok")
		m.context = 60
		k := begun(t, Options{Store: st, Model: m})
		must(t, k.Send("short", nil))
		synctest.Wait()
		long := strings.Repeat("long ", 20)
		must(t, k.Send(long, []File{{Name: "a.txt", Data: []byte("x")}}))
		must(t, k.Send("later", nil))
		synctest.Wait()
		expect(t, k, "u:short a:ok")
		var full *engine.ContextError
		if !errors.As(k.Failure(), &full) || full.Have != 60 {
			t.Fatalf("the failure is %v", k.Failure())
		}
		p, ok := k.TakeBack()
		if !ok || p.Text != long || len(p.Files) != 1 || p.Edits != 0 {
			t.Fatalf("handed back is %+v, %v", p, ok)
		}
		if _, ok := k.TakeBack(); ok {
			t.Error("it was handed back twice")
		}
		if list := k.Prompts(); len(list) != 1 || !list[0].Held {
			t.Errorf("behind what was refused waits %+v", list)
		}
		c, err := st.Read(k.ID())
		must(t, err)
		if len(c.Messages) != 3 || c.Messages[2].Text != long || c.Head != 2 {
			t.Errorf("saved is %+v, shown to %d", c.Messages, c.Head)
		}
		big := newFake("at last")
		must(t, k.SetModel(big, sessions.Model{Name: "Big"}))
		must(t, k.Send(p.Text, p.Files))
		synctest.Wait()
		expect(t, k, "u:short a:ok u:"+long+" a:at last")
		if got := k.Turns()[2].ID; got != 3 {
			t.Errorf("sent again it is message %d, want 3", got)
		}
		if k.Notice() != "" || m.closed != 1 {
			t.Errorf("notice %q, %d sequences of the model before closed", k.Notice(), m.closed)
		}
		must(t, k.Show(1)) // once answered it is as good as any
		expect(t, k, "u:short a:ok u:"+long+" a:at last")
		must(t, k.SetModel(m, sessions.Model{}))
		before := said(k.Turns())
		must(t, k.Edit(3, long+"!"))
		synctest.Wait()
		if p, _ := k.TakeBack(); p.Edits != 3 || p.Text != long+"!" {
			t.Errorf("handed back of an edit is %+v", p)
		}
		if got := said(k.Turns()); got != strings.Replace(before, "u:long", "u1/2:long", 1) {
			t.Errorf("after it shown is %s", got)
		}
		refused := k.Branches(3)[1]
		must(t, k.Show(1)) // which does not lead to what was refused by itself
		if got := k.Turns()[2].ID; got != 3 {
			t.Errorf("shown is message %d, want 3", got)
		}
		must(t, k.Show(refused))
		must(t, k.SetModel(newFake("now"), sessions.Model{}))
		must(t, k.Regenerate())
		synctest.Wait()
		must(t, k.Show(3))
		must(t, k.Show(1)) // but to what was said last, now that it was
		if got := k.Turns()[2].ID; got != refused {
			t.Errorf("shown is message %d, want %d", got, refused)
		}
	})
}

// TestFailures expects every way in which a model fails to be said, to keep what was
// written, to hold the queue, and to leave the talk able to go on.
func TestFailures(t *testing.T) {
	for _, test := range []struct {
		name   string
		steps  []step
		noRoom error
		want   string // shown
		says   string
	}{
		{"error", []step{{read: 1}, {text: "half"}, {err: errMemory}}, nil, "u:Hi a:half~", "out of memory"},
		{"at once", []step{{err: errMemory}}, nil, "u:Hi", "out of memory"},
		{"no room", nil, errMemory, "u:Hi", "making room"},
		{"panic", []step{{text: "half"}, {panics: "index out of range"}}, nil, "u:Hi a:half~", "broke down: index out of range"},
		{"panic at once", []step{{panics: "nil map"}}, nil, "u:Hi", "nil map"},
		{"silence", []step{{text: "half"}}, nil, "u:Hi a:half~", "without saying why"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				st, _ := testStore(t)
				m := newFake()
				m.noRoom = test.noRoom
				gate := make(chan struct{})
				m.script = func(call int, _ string, _ engine.Sampling) []step {
					if call > 0 || test.steps == nil {
						return []step{{text: "fine"}, {done: engine.EndOfTurn}}
					}
					test.steps[0].block = gate
					return test.steps
				}
				k := begun(t, Options{Store: st, Model: m})
				must(t, k.Send("Hi", nil))
				if test.noRoom == nil {
					must(t, k.Send("queued", nil))
				}
				close(gate)
				synctest.Wait()
				expect(t, k, test.want)
				if test.noRoom == nil {
					if list := k.Prompts(); len(list) != 1 || !list[0].Held {
						t.Errorf("waiting is %+v", list)
					}
				}
				if n := k.Notice(); !strings.Contains(n, test.says) {
					t.Errorf("said is %q, want %q in it", n, test.says)
				}
				if l := k.Live(); l.Phase != Idle {
					t.Errorf("the phase is %d", l.Phase)
				}
				c, err := st.Read(k.ID())
				must(t, err)
				if last := c.Messages[len(c.Messages)-1]; last.Unfinished || last.Reply != nil && last.Reply.Reason != string(Failed) {
					t.Errorf("saved is %+v %+v", last, last.Reply)
				}
				m.noRoom = nil
				must(t, k.Regenerate())
				synctest.Wait()
				if turns := k.Turns(); turns[1].Text != "fine" || k.Notice() != "" {
					t.Errorf("afterwards %s, %q", said(turns), k.Notice())
				}
				if test.noRoom == nil && m.closed != 1 {
					t.Errorf("%d sequences that failed were let go of, want 1", m.closed)
				}
			})
		})
	}
}

// TestNoModel expects what is sent without a model to wait for one.
func TestNoModel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := begun(t, Options{})
		must(t, k.Send("Hi", nil))
		if l := k.Live(); l.Phase != Loading || l.Context != 0 {
			t.Errorf("without a model live is %+v", l)
		}
		if err := k.Regenerate(); !errors.Is(err, ErrNoModel) {
			t.Errorf("regenerating without a model: %v", err)
		}
		if _, err := k.Price("x", nil); !errors.Is(err, ErrNoModel) {
			t.Errorf("pricing without a model: %v", err)
		}
		must(t, k.SetModel(newFake("ok"), sessions.Model{}))
		synctest.Wait()
		expect(t, k, "u:Hi a:ok")
		if k.Title() != "" || k.ID() != "" || k.Rename("x") == nil {
			t.Error("what is not saved has a name")
		}
	})
}

// TestFiles expects pictures and text files to reach the model, also after the session
// is opened again, and to stay files.
func TestFiles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake("seen")
		k := begun(t, Options{Store: st, Model: m})
		files := []File{{Name: "notes.md", Data: []byte("a\n```\nb\n```")}, {Name: "p.png", Data: picture(t), Image: true}}
		n, err := k.Price("Look", files)
		text := "File notes.md:\n````md\na\n```\nb\n```\n````\n\nLook"
		if err != nil || n != 144+len(text) {
			t.Errorf("the price is %d, %v, want %d", n, err, 144+len(text))
		}
		must(t, k.Send("Look", files))
		synctest.Wait()
		turn := k.Turns()[0]
		if len(turn.Files) != 2 || turn.Text != "Look" || turn.Files[1].Type != "image/png" || turn.Files[0].Type != "text/plain" {
			t.Fatalf("shown is %+v", turn)
		}
		must(t, k.Close())
		again := begun(t, Options{Store: st, Session: k.ID(), Model: m})
		must(t, again.Send("More", nil))
		synctest.Wait()
		parts := m.convs[1][0].Parts
		if len(parts) != 2 || parts[0].Image == nil || string(parts[0].Image.Data) != string(files[1].Data) || parts[1].Text != text {
			t.Fatalf("told again is %+v", m.convs[1])
		}
		if got := m.convs[0][0].Parts; got[1].Text != text {
			t.Errorf("told first was %+v", got)
		}
		if err := again.Continue(); !errors.Is(err, ErrWhole) {
			t.Errorf("continuing: %v", err)
		}
		// Without the picture, for which it is edited out.
		must(t, again.EditFiles(1, "Read", turn.Files[:1], []File{{Name: "x", Data: []byte("y")}}))
		synctest.Wait()
		if got, want := m.told[2], "<user>File notes.md:\n````md\na\n```\nb\n```\n````\n\nFile x:\n```\ny\n```\n\nRead<assistant>"; got != want {
			t.Errorf("told is %q, want %q", got, want)
		}
		if len(again.files) != 2 {
			t.Errorf("%d files are in memory, want those of the shown branch", len(again.files))
		}
		for _, f := range []File{{Name: "bin", Data: []byte("a\x00b")}, {Name: "bad.png", Data: []byte("no picture"), Image: true}} {
			if err := again.Send("x", []File{f}); err == nil || !strings.Contains(err.Error(), f.Name) {
				t.Errorf("sending %s: %v", f.Name, err)
			}
		}
		if err := again.Send(" \n", nil); !errors.Is(err, ErrNothing) {
			t.Errorf("sending nothing: %v", err)
		}
		blind := newFake("no")
		blind.blind = true
		must(t, again.SetModel(blind, sessions.Model{}))
		must(t, again.Send("See?", files[1:]))
		synctest.Wait()
		if _, ok := again.TakeBack(); !ok || !errors.Is(again.Failure(), engine.ErrNoTower) {
			t.Errorf("a model that cannot see: %v", again.Failure())
		}
	})
}

// TestClose expects a reply that is cut by closing to be kept, and unsaid prompts to
// be there still.
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		m := newFake()
		m.script = func(int, string, engine.Sampling) []step {
			return []step{{text: "half"}, {block: make(chan struct{})}}
		}
		k := begun(t, Options{Store: st, Model: m})
		must(t, k.Send("Hi", nil))
		must(t, k.Send("and", nil))
		synctest.Wait()
		for k.Wait(timeout(t, time.Second)) {
		}
		closed := make(chan error)
		go func() { closed <- k.Close() }()
		must(t, k.Close())
		must(t, <-closed)
		for k.Wait(context.Background()) { // false in the end, though nothing ends its context
		}
		c, err := st.Read(k.ID())
		must(t, err)
		if last := c.Messages[len(c.Messages)-1]; last.Text != "half" || last.Unfinished || last.Reply.Reason != string(Interrupted) {
			t.Errorf("saved is %+v %+v", last, last.Reply)
		}
		if q := k.Queue(); !slices.Equal(q, []string{"and"}) {
			t.Errorf("waiting is %q", q)
		}
		for name, err := range map[string]error{"send": k.Send("x", nil), "regenerate": k.Regenerate(), "show": k.Show(1), "model": k.SetModel(m, sessions.Model{})} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s after closing: %v", name, err)
			}
		}
		if m.opened != m.closed {
			t.Errorf("%d of %d sequences were closed", m.closed, m.opened)
		}
		if _, err := Open(Options{Store: st, Session: "none"}); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("opening nothing: %v", err)
		}
	})
}

// timeout is a context that ends after d.
func timeout(t *testing.T, d time.Duration) context.Context {
	ctx, stop := context.WithTimeout(context.Background(), d)
	t.Cleanup(stop)
	return ctx
}
