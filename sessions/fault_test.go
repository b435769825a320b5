package sessions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// ledger is what a test has been promised: texts that are safe, by session
// and message, and those that were only handed to the system.
type ledger struct {
	safe    map[string]map[int]string
	started map[string]map[int]string // the beginnings of answers that are safe
	kept    map[string]string         // attachments of safe messages, by their hash
}

func newLedger() *ledger {
	return &ledger{map[string]map[int]string{}, map[string]map[int]string{}, map[string]string{}}
}

func note(book map[string]map[int]string, id string, m int, text string) {
	if book[id] == nil {
		book[id] = map[int]string{}
	}
	book[id][m] = text
}

// check expects a store to have all of it, and every session to open.
func (l *ledger) check(t *testing.T, st *Store, when string) {
	t.Helper()
	all, err := st.List()
	if err != nil {
		t.Fatalf("%s: listing: %v", when, err)
	}
	for _, s := range all {
		c, err := st.Read(s.ID)
		if err != nil {
			t.Fatalf("%s: reading %s: %v", when, s.ID, err)
		}
		checkTree(t, c)
		w, err := st.Open(s.ID)
		if err != nil {
			t.Fatalf("%s: opening %s: %v", when, s.ID, err)
		}
		if err := w.Close(); err != nil {
			t.Fatalf("%s: closing %s: %v", when, s.ID, err)
		}
	}
	for hash, want := range l.kept {
		if got, err := st.Attachment(hash); err != nil || string(got) != want {
			t.Fatalf("%s: an attachment of a safe message is %q, %v", when, got, err)
		}
	}
	for id, messages := range l.safe {
		c, err := st.Read(id)
		if err != nil {
			t.Fatalf("%s: %s, which has safe messages: %v", when, id, err)
		}
		for n, want := range messages {
			if m, ok := c.Message(n); !ok || m.Text != want || m.Damaged {
				t.Fatalf("%s: message %d of %s was safe, and is %v %+v, want %q; damage %v", when, n, id, ok, m, want, c.Damage)
			}
		}
		for n, want := range l.started[id] {
			if m, ok := c.Message(n); !ok || !strings.HasPrefix(m.Text, want) {
				t.Fatalf("%s: the beginning of answer %d of %s was safe, and it is %+v, want %q; damage %v", when, n, id, m, want, c.Damage)
			}
		}
	}
}

// talk is a script with two sessions, a stream, an attachment, a fork and a
// reopening. It goes on after every error, as the program would, and keeps the
// ledger.
func talk(st *Store, l *ledger) {
	s := st.New(nil)
	appendTo(s, l, 0, User, "first question")
	streamTo(s, l, 1, "an ", "answer ", "in pieces")
	if a, err := st.Attach("a.txt", "text/plain", strings.NewReader("attached")); err == nil {
		m, err := s.Append(s.Conversation().Head, Message{Role: User, Text: "see", Attachments: []Attachment{a}})
		if err == nil {
			note(l.safe, s.ID(), m.ID, "see")
			l.kept[a.Hash] = "attached"
		}
	}
	_ = s.Rename("title")
	if f, err := st.Fork(s.Conversation(), 1); err == nil {
		note(l.safe, f.ID(), 1, "first question")
		appendTo(f, l, 1, Assistant, "another answer")
		_ = f.Close()
	}
	_, _ = st.List()
	_ = s.Close() // what is not safe by now may be lost
	s, err := st.Open(s.ID())
	if err != nil {
		return
	}
	opened := len(s.Conversation().Messages)
	appendTo(s, l, s.Conversation().Head, User, "after reopening")
	_ = s.Delete(true)
	_ = s.Delete(false)
	streamTo(s, l, s.Conversation().Head, "never ", "ended")
	// A later success covers what failed before it, since the session was opened.
	if s.Sync() == nil {
		for _, m := range s.Conversation().Messages[opened:] {
			if !m.Unfinished {
				note(l.safe, s.ID(), m.ID, m.Text)
			}
		}
	}
	_ = s.Close()
	_, _ = st.Collect()
}

func appendTo(s *Session, l *ledger, after int, role Role, text string) {
	if m, err := s.Append(after, Message{Role: role, Text: text}); err == nil {
		note(l.safe, s.ID(), m.ID, text)
	}
}

// streamTo streams an answer; the last piece "ended" leaves it open.
func streamTo(s *Session, l *ledger, after int, pieces ...string) {
	w, err := s.Begin(after, Reply{})
	if w == nil {
		return
	}
	_ = err
	text := ""
	for i, p := range pieces {
		_ = w.Write(p)
		text += p
		if i == 1 && w.Sync() == nil {
			note(l.started, s.ID(), w.ID(), text)
		}
	}
	if pieces[len(pieces)-1] == "ended" {
		return
	}
	if m, err := w.End(Reply{Reason: "end"}); err == nil {
		note(l.safe, s.ID(), m.ID, text)
	}
}

// TestEveryCallFails lets each call to the file system fail, once or from then
// on, and cuts the power at the end or not: what was acknowledged is there.
func TestEveryCallFails(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, sticky := range []bool{false, true} {
		for n := 1; ; n++ {
			ops, op := 0, ""
			d := &faultyDisk{memDisk: newMemDisk(), fail: func(string) bool { return false }}
			d.fail = func(o string) bool {
				ops++
				if ops == n {
					op = o
				}
				return ops == n || sticky && ops > n
			}
			l := newLedger()
			talk(newStore(d), l)
			if ops < n {
				if n < 40 {
					t.Fatalf("there were only %d calls", n)
				}
				break
			}
			when := fmt.Sprintf("call %d (%s) fails, from then on %v", n, op, sticky)
			for range 4 {
				l.check(t, newStore(d.powerCut(rng)), when+", power cut")
			}
			l.check(t, newStore(d.memDisk), when)
		}
	}
}

// TestPowerCutAnywhere cuts the power before each call.
func TestPowerCutAnywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	errPower := errors.New("no power")
	for n := 1; ; n++ {
		ops := 0
		d := &faultyDisk{memDisk: newMemDisk()}
		d.fail = func(string) bool {
			ops++
			if ops == n {
				panic(errPower)
			}
			return false
		}
		l := newLedger()
		done := func() (done bool) {
			defer func() {
				if r := recover(); r != nil && r != any(errPower) {
					panic(r)
				}
			}()
			talk(newStore(d), l)
			return true
		}()
		for range 12 {
			l.check(t, newStore(d.powerCut(rng)), fmt.Sprintf("power cut before call %d", n))
		}
		if done {
			if n < 40 {
				t.Fatalf("there were only %d calls", n)
			}
			return
		}
	}
}

// TestRandomFaults lets calls fail at random, several times over, with power
// cuts between.
func TestRandomFaults(t *testing.T) {
	rounds := 300
	if os.Getenv(fullEnv) != "" {
		rounds = 20_000
	}
	for round := range rounds {
		rng := rand.New(rand.NewPCG(uint64(round), 7))
		rate := 2 + rng.IntN(30)
		l := newLedger()
		disk := newMemDisk()
		for range 3 {
			d := &faultyDisk{memDisk: disk, fail: func(string) bool { return rng.IntN(rate) == 0 }}
			talk(newStore(d), l)
			disk = disk.powerCut(rng)
			l.check(t, newStore(disk), fmt.Sprintf("round %d", round))
		}
	}
}

// TestSyncThatLies expects what a failed sync lost to be written again: the
// next sync that succeeds covers it.
func TestSyncThatLies(t *testing.T) {
	failing := false
	d := &faultyDisk{memDisk: newMemDisk(), fail: func(op string) bool { return failing && strings.HasPrefix(op, "sync") }}
	st := newStore(d)
	s := st.New(nil)
	say(t, s, User, "safe")
	failing = true
	m, err := s.Append(1, Message{Role: Assistant, Text: "in doubt"})
	if !errors.Is(err, errFault) || !s.Unsaved() || m.ID != 2 {
		t.Fatalf("got %+v, %v, unsaved %v", m, err, s.Unsaved())
	}
	failing = false
	if err := s.Sync(); err != nil || s.Unsaved() {
		t.Fatalf("the next sync: %v, unsaved %v", err, s.Unsaved())
	}
	after := newStore(d.powerCut(rand.New(rand.NewPCG(1, 1))))
	wantTexts(t, must(after.Read(s.ID()))(t).Shown(), "safe", "in doubt")
}

// TestFailedWrite expects what follows half a record to begin a line, so that
// the file stays one of lines.
func TestFailedWrite(t *testing.T) {
	failing := false
	d := &faultyDisk{memDisk: newMemDisk(), fail: func(op string) bool { return failing && strings.HasPrefix(op, "write") }}
	st := newStore(d)
	s := st.New(nil)
	say(t, s, User, "one")
	failing = true
	for range 2 {
		if _, err := s.Append(1, Message{Role: Assistant, Text: "two"}); !errors.Is(err, errFault) {
			t.Fatalf("a write that fails: %v", err)
		}
	}
	failing = false
	say(t, s, User, "three")
	s.Close()
	whole := 0
	for line := range strings.Lines(string(d.names[s.ID()+journalEnding].data)) {
		if holds([]byte(strings.TrimSuffix(line, "\n"))) {
			whole++
		}
	}
	if whole != 6 { // the header, one, two in half and whole, two again, three
		t.Errorf("%d records are a line each, want 6:\n%s", whole, d.names[s.ID()+journalEnding].data)
	}
}

// TestImportFails expects nothing to be left of an import that failed.
func TestImportFails(t *testing.T) {
	const in = `{"format":"scout-session","version":1,"title":"t","messages":[{"id":1,"role":"user","text":"x"}]}`
	for n := 1; ; n++ {
		ops, op := 0, ""
		d := &faultyDisk{memDisk: newMemDisk()}
		d.fail = func(o string) bool {
			ops++
			if ops == n {
				op = o
			}
			return ops == n
		}
		_, err := newStore(d).Import(strings.NewReader(in))
		if ops < n {
			break
		}
		d.fail = func(string) bool { return false }
		all, listing := newStore(d).List()
		if listing != nil || err != nil && !strings.HasPrefix(op, "close") && len(all) != 0 {
			t.Errorf("call %d (%s) fails: %v, and there is %v, %v", n, op, err, all, listing)
		}
	}
}
