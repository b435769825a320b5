package talk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scout/engine"
	"scout/sessions"
)

// TestDiskFails expects a disk that takes nothing to stop nothing, to be said, and all
// of it to be saved once it works. A folder in the place of the journal, and a file in
// the place of the attachments' folder, make every write fail.
func TestDiskFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, dir := testStore(t)
		m := newFake("fi", "ne")
		k := begun(t, Options{Store: st, Model: m})
		journal, attachments := filepath.Join(dir, k.ID()+".jsonl"), filepath.Join(dir, "attachments")
		must(t, os.Mkdir(journal, 0o700))
		must(t, os.WriteFile(attachments, nil, 0o600))
		must(t, k.Send("Hi", []File{{Name: "a.txt", Data: []byte("text")}}))
		synctest.Wait()
		must(t, k.Send("More", nil))
		synctest.Wait()
		expect(t, k, "u:Hi a:fine u:More a:fine")
		if !k.Unsaved() || !strings.Contains(k.Notice(), "not saved yet") {
			t.Fatalf("unsaved: %v; said is %q", k.Unsaved(), k.Notice())
		}
		must(t, os.Remove(journal))
		time.Sleep(2 * retryEvery)
		synctest.Wait()
		c, err := st.Read(k.ID())
		must(t, err)
		if len(c.Messages) != 4 || c.Messages[3].Text != "fine" {
			t.Errorf("saved later is %+v", c.Messages)
		}
		if !k.Unsaved() { // the attachment still is
			t.Error("an attachment that is in memory only counts as saved")
		}
		if got := m.told[1]; !strings.Contains(got, "text") {
			t.Errorf("the model was told %q, without the file", got)
		}
		must(t, os.Remove(attachments))
		for k.Unsaved() {
			if !k.Wait(timeout(t, time.Minute)) {
				t.Fatalf("still unsaved: %s", k.Notice())
			}
		}
		if data, err := st.Attachment(c.Messages[0].Attachments[0].Hash); err != nil || string(data) != "text" {
			t.Errorf("the attachment is %q, %v", data, err)
		}
		if k.Notice() != "" {
			t.Errorf("said is still %q", k.Notice())
		}
	})
}

// TestDiskFailsToTheEnd expects Close to say what was not saved.
func TestDiskFailsToTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, dir := testStore(t)
		k := begun(t, Options{Store: st, Model: newFake("ok")})
		must(t, os.Mkdir(filepath.Join(dir, k.ID()+".jsonl"), 0o700))
		must(t, k.Send("Hi", nil))
		synctest.Wait()
		if err := k.Close(); err == nil || !k.Unsaved() {
			t.Errorf("closing: %v", err)
		}
		if again := k.Close(); again == nil {
			t.Error("closing again says that all is well")
		}
	})
}

// TestAttachmentGone expects a file that cannot be read any more to refuse the turn,
// and not to be left out.
func TestAttachmentGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, dir := testStore(t)
		m := newFake("ok")
		k := begun(t, Options{Store: st, Model: m})
		must(t, k.Send("Hi", []File{{Name: "a.txt", Data: []byte("text")}}))
		synctest.Wait()
		must(t, k.Close())
		must(t, os.RemoveAll(filepath.Join(dir, "attachments")))
		again := begun(t, Options{Store: st, Session: k.ID(), Model: m})
		must(t, again.Send("More", nil))
		synctest.Wait()
		p, ok := again.TakeBack()
		if !ok || p.Text != "More" || !strings.Contains(again.Notice(), "a.txt") || len(m.told) != 1 {
			t.Fatalf("handed back %+v, said %q", p, again.Notice())
		}
		must(t, again.EditFiles(1, "Hi", nil, nil)) // without it
		synctest.Wait()
		expect(t, again, "u2/2:Hi a:ok")
	})
}

// TestCutAnywhere expects a journal that ends after any of its bytes to open, with all
// that was acknowledged by then: questions before the model began, replies as far as
// they were shown.
func TestCutAnywhere(t *testing.T) {
	st, dir := testStore(t)
	type promise struct {
		size int64
		id   int
		text string
	}
	var promises []promise
	var journal string
	promised := func(id int, text string) {
		info, err := os.Stat(journal)
		must(t, err)
		promises = append(promises, promise{info.Size(), id, text})
	}
	bubble(t, func(t *testing.T) {
		m := newFake()
		gate := make(chan struct{})
		m.script = func(_ int, told string, _ engine.Sampling) []step {
			promised(map[bool]int{true: 1, false: 3}[len(told) < 20], told[strings.LastIndex(told, "<user>")+6:strings.LastIndex(told, "<assistant>")])
			return []step{{read: 1}, {text: "one, "}, {block: gate, text: "two, "}, {block: gate, text: "three."}, {done: engine.EndOfTurn}}
		}
		k := begun(t, Options{Store: st, Model: m})
		journal = filepath.Join(dir, k.ID()+".jsonl")
		for _, text := range []string{"Hi", "More"} {
			must(t, k.Send(text, nil))
			for range 3 {
				synctest.Wait()
				if id, text := k.LiveText(); id != 0 {
					promised(id, text)
					gate <- struct{}{}
				}
			}
		}
		synctest.Wait()
		expect(t, k, "u:Hi a:one, two, three. u:More a:one, two, three.")
		must(t, k.Close())
	})
	data, err := os.ReadFile(journal)
	must(t, err)
	if len(promises) < 6 {
		t.Fatalf("promises are %v", promises)
	}
	for cut := 0; cut <= len(data); cut++ {
		if cut%7 != 0 && cut != len(data) {
			continue
		}
		name := fmt.Sprintf("cut-%d", cut)
		must(t, os.WriteFile(filepath.Join(dir, name+".jsonl"), data[:cut], 0o600))
		k, err := Open(Options{Store: st, Session: name})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		c := k.Conversation()
		for _, p := range promises {
			if m, ok := c.Message(p.id); p.size <= int64(cut) && (!ok || !strings.HasPrefix(m.Text, p.text)) {
				t.Errorf("cut at %d: message %d is %q, and %q was promised at %d", cut, p.id, m.Text, p.text, p.size)
			}
		}
		must(t, k.Close())
	}
}

// TestUnfinished expects a reply that the end of the program has cut to be shown so,
// and to be gone on with.
func TestUnfinished(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		s := st.New(nil)
		q, err := s.Append(0, sessions.Message{Role: sessions.User, Text: "Hi"})
		must(t, err)
		w, err := s.Begin(q.ID, sessions.Reply{Engine: "test", Sampling: sessions.Sampling{Seed: 5}})
		must(t, err)
		must(t, w.Write("ha"))
		must(t, s.Close())
		m := newFake("lf")
		k := begun(t, Options{Store: st, Session: s.ID(), Model: m})
		expect(t, k, "u:Hi a:ha~")
		must(t, k.Continue())
		synctest.Wait()
		expect(t, k, "u:Hi a:half")
		c := k.Conversation()
		if !c.Messages[1].Unfinished || c.Messages[2].Text != "lf" || c.Head != 3 || c.Title != "Hi" {
			t.Errorf("the conversation is %+v", c)
		}
	})
}

// TestSessionRefuses expects a session that takes nothing more for good to stop nothing,
// and to be said for as long as the talk is open.
func TestSessionRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		st, _ := testStore(t)
		k := begun(t, Options{Store: st, Model: newFake("ok")})
		must(t, k.Send("saved", nil))
		synctest.Wait()
		must(t, k.saver.session.Close())
		must(t, k.Send("not saved", nil))
		synctest.Wait()
		expect(t, k, "u:saved a:ok u:not saved a:ok")
		if !k.Unsaved() || !strings.Contains(k.Notice(), "in memory only") {
			t.Errorf("unsaved: %v; said is %q", k.Unsaved(), k.Notice())
		}
		if err := k.Close(); err == nil || !strings.Contains(err.Error(), "in memory only") {
			t.Errorf("closing: %v", err)
		}
	})
}
