package talk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"scout/engine"
	"scout/sessions"
)

// The embedded demo model, which reads and writes a few sentences.
const (
	demoFile  = "../../testdata/models/tiny-scout-Q8_0.gguf"
	demoTower = "../../testdata/models/mmproj-tiny-scout.gguf"
)

// openDemo opens the demo model.
func openDemo(t *testing.T) Model {
	t.Helper()
	data, err := os.ReadFile(demoFile)
	must(t, err)
	m, err := engine.OpenEmbedded(context.Background(), "demo", data, engine.Options{Threads: 1, Context: 512, Tower: demoTower})
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return Engine(m)
}

// settle waits until a talk is idle.
func settle(t *testing.T, k *Talk) {
	t.Helper()
	for ctx := timeout(t, time.Minute); k.Live().Phase != Idle; {
		if !k.Wait(ctx) {
			t.Fatalf("it goes on: %+v", k.Live())
		}
	}
	if k.Notice() != "" {
		t.Fatal(k.Notice())
	}
}

// TestDemo runs a real model: questions, an edit, another answer, a reply that is
// stopped at a limit and gone on with, a picture; and replays every reply.
func TestDemo(t *testing.T) {
	st, _ := testStore(t)
	m := openDemo(t)
	k := begun(t, Options{Store: st, Model: m, Ref: sessions.Model{Name: "demo"}, Engine: "test", System: "Be brief.", Sampling: engine.Sampling{Temperature: 0.9, MaxTokens: 12}})
	steps := []func() error{
		func() error { return k.Send("Who are you?", nil) },
		func() error { return k.Send("Why?", []File{{Name: "why.txt", Data: []byte("because")}}) },
		func() error { return k.Edit(2, "What can you do?") },
		k.Regenerate,
		func() error {
			k.SetSampling(engine.Sampling{Temperature: 0.9, MaxTokens: 2})
			return k.Send("Go on.", nil)
		},
		k.Continue,
		func() error { return k.Send("Look.", []File{{Name: "p.png", Data: picture(t), Image: true}}) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		settle(t, k)
	}
	turns := k.Turns()
	if n := len(turns); n != 7 || turns[1].Siblings != 2 || turns[2].Siblings != 2 || turns[6].Reply.Stats.PromptTokens == 0 {
		t.Fatalf("shown is %s", said(turns))
	}
	if err := k.Continue(); !errors.Is(err, ErrContinuePictures) {
		t.Errorf("continuing a reply to a picture: %v", err)
	}
	must(t, k.Close())
	c, err := st.Read(k.ID())
	must(t, err)
	seeds := map[uint64]bool{}
	for _, message := range c.Messages {
		if message.Role != sessions.Assistant {
			continue
		}
		r, err := Replay(context.Background(), m, st, c, message.ID)
		if err != nil || !r.Identical {
			t.Errorf("replaying message %d: %+v, %v", message.ID, r, err)
		}
		seeds[message.Reply.Sampling.Seed] = true
		if how := message.Reply; len(how.Model.Hash) != 64 || how.Setup.KV != "f16" || how.Setup.Threads != 1 || how.Setup.Kernels == "" ||
			len(how.Setup.Tower) != 64 || len(how.Placement) != 1 || how.Placement[0].Bytes == 0 {
			t.Errorf("how message %d came about is recorded as %+v", message.ID, how)
		}
	}
	if len(seeds) < 7 || seeds[0] {
		t.Errorf("the seeds of seven replies are %v", seeds)
	}
}

// TestDemoTooLong expects a real model to refuse what it has no room for.
func TestDemoTooLong(t *testing.T) {
	k := begun(t, Options{Model: openDemo(t)})
	long := strings.Repeat("many words ", 600)
	n, err := k.Price(long, nil)
	if err != nil || n < 600 {
		t.Errorf("the price is %d, %v", n, err)
	}
	must(t, k.Send(long, nil))
	for ctx := timeout(t, time.Minute); k.Failure() == nil; {
		if !k.Wait(ctx) {
			t.Fatal("nothing was refused")
		}
	}
	var full *engine.ContextError
	if !errors.As(k.Failure(), &full) || full.Have != 512 {
		t.Errorf("the failure is %v", k.Failure())
	}
	if p, ok := k.TakeBack(); !ok || p.Text != long {
		t.Error("it was not handed back")
	}
}

// TestReplayParts expects the first byte in which a reply comes out otherwise, and
// errors about what cannot be replayed.
func TestReplayParts(t *testing.T) {
	m := newFake("Hel", "lo")
	recorded := &sessions.Reply{Engine: "test", Reason: "end"}
	stopped := &sessions.Reply{Engine: "test", Reason: string(Interrupted)}
	for i, test := range []struct {
		text      string
		reply     *sessions.Reply
		identical bool
		at        int
		err       string
	}{
		{"Hello", recorded, true, 5, ""},
		{"Help", recorded, false, 3, ""},
		{"Hello there", recorded, false, 5, ""},
		{"Hel", recorded, false, 3, ""},
		{"Hel", stopped, true, 3, ""},
		{"Help", stopped, false, 3, ""},
		{"", stopped, true, 0, ""},
		{"Hello there", stopped, false, 5, ""},
		{"Hello", nil, false, 0, "imported"},
	} {
		c := &sessions.Conversation{Messages: []sessions.Message{
			{ID: 1, Role: sessions.User, Text: "Hi"}, {ID: 2, Parent: 1, Role: sessions.Assistant, Text: test.text, Reply: test.reply},
		}}
		r, err := Replay(context.Background(), m, nil, c, 2)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("case %d: %v, want %q", i, err, test.err)
			}
			continue
		}
		if err != nil || r.Identical != test.identical || r.At != test.at {
			t.Errorf("case %d: %+v, %v, want %v at %d", i, r, err, test.identical, test.at)
		}
	}
	// What is known of a stopped reply is enough; the model need not go on, or be able to.
	m.script = func(int, string, engine.Sampling) []step { return []step{{text: "Hel"}, {err: errMemory}} }
	for text, want := range map[string]bool{"Hel": true, "Help": false} {
		c := &sessions.Conversation{Messages: []sessions.Message{
			{ID: 1, Role: sessions.User, Text: "Hi"}, {ID: 2, Parent: 1, Role: sessions.Assistant, Text: text, Reply: stopped},
		}}
		if r, err := Replay(context.Background(), m, nil, c, 2); r.Identical != want || (err == nil) != want {
			t.Errorf("%q with a model that fails: %+v, %v", text, r, err)
		}
	}
	for id, want := range map[int]string{1: "only replies", 9: "no such message"} {
		c := &sessions.Conversation{Messages: []sessions.Message{{ID: 1, Role: sessions.User, Text: "Hi"}}}
		if _, err := Replay(context.Background(), m, nil, c, id); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprint(id)) {
			t.Errorf("replaying %d: %v, want %q", id, err, want)
		}
	}
	if m.opened != m.closed {
		t.Errorf("%d of %d sequences were closed", m.closed, m.opened)
	}
}
