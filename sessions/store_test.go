package sessions

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// talkOf writes a session of these texts, question and answer in turn.
func talkOf(t testing.TB, st *Store, texts ...string) string {
	t.Helper()
	s := st.New(nil)
	for i, text := range texts {
		m := Message{Role: User, Text: text}
		if i%2 == 1 {
			m.Role, m.Reply = Assistant, &Reply{Model: Model{Name: "Scout", Quant: "Q2_K"}}
		}
		if _, err := s.Append(s.Conversation().Head, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.ID()
}

func listIDs(t *testing.T, st *Store) []string {
	t.Helper()
	ids := []string{}
	for _, s := range must(st.List())(t) {
		ids = append(ids, s.ID)
	}
	return ids
}

// reframed is a journal with some words of its bodies replaced.
func reframed(t *testing.T, journal []byte, old, new string) []byte {
	t.Helper()
	var out []byte
	for line := range bytes.Lines(journal) {
		_, body, _ := splitFrame(bytes.TrimSuffix(line, []byte("\n")))
		out = must(appendFrame(out, rawJSON(strings.ReplaceAll(string(body), old, new))))(t)
	}
	return out
}

func TestList(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		st.now = func() time.Time { now = now.Add(time.Minute); return now }
		a := talkOf(t, st, "first", "yes")
		b := talkOf(t, st, "second")
		c := talkOf(t, st, "third")
		s := must(st.Open(a))(t)
		if err := s.Pin(true); err != nil {
			t.Fatal(err)
		}
		s.Close()
		s = must(st.Open(b))(t)
		say(t, s, User, "and more")
		if got, want := listIDs(t, st), []string{a, b, c}; !reflect.DeepEqual(got, want) {
			t.Errorf("the order is %v, want pinned first, then what changed last: %v", got, want)
		}
		all := must(st.List())(t)
		if got, want := all[0].Model, "Scout Q2_K"; got != want {
			t.Errorf("the model is %q, want %q", got, want)
		}
		if all[1].Messages != 2 || all[1].Title != "second" || len(all[1].Damage) != 0 {
			t.Errorf("while it is being written the session is %+v", all[1])
		}
		s.Close()
		// A change that leaves the size is noticed by the time.
		time.Sleep(20 * time.Millisecond) // the clocks of file systems are coarse
		data := must(readAll(st.disk, c+journalEnding))(t)
		if err := st.disk.remove(c + journalEnding); err != nil {
			t.Fatal(err)
		}
		storeJournal(t, st, c, reframed(t, data, "third", "THIRD"))
		if all := must(st.List())(t); all[2].Title != "THIRD" {
			t.Errorf("after a change of the same size the title is %q", all[2].Title)
		}
		all = must(st.List())(t)
		// The index is not needed, whatever is in it.
		for _, content := range []string{"", "rubbish\n", "00000000 3 {}\n"} {
			if err := st.disk.remove(indexName); err != nil {
				t.Fatal(err)
			}
			f := must(st.disk.open(indexName, os.O_WRONLY|os.O_CREATE))(t)
			f.Write([]byte(content))
			f.Close()
			if again := must(st.List())(t); !reflect.DeepEqual(again, all) {
				t.Errorf("with the index %q: %+v, want %+v", content, again, all)
			}
		}
	})
}

// TestListReadsOnlyWhatChanged counts the journals that are read.
func TestListReadsOnlyWhatChanged(t *testing.T) {
	var read []string
	d := &faultyDisk{memDisk: newMemDisk()}
	d.fail = func(op string) bool {
		if name, ok := strings.CutPrefix(op, "open "); ok && strings.HasSuffix(name, journalEnding) {
			read = append(read, strings.TrimSuffix(name, journalEnding))
		}
		return false
	}
	st := newStore(d)
	var ids []string
	for i := range 20 {
		ids = append(ids, talkOf(t, st, fmt.Sprint("session ", i)))
	}
	read = nil
	must(st.List())(t)
	if len(read) != 0 {
		t.Errorf("%d journals were read that closing has entered", len(read))
	}
	s := must(st.Open(ids[3]))(t)
	say(t, s, User, "more")
	read = nil
	must(st.List())(t)
	must(st.List())(t)
	if !reflect.DeepEqual(read, ids[3:4]) {
		t.Errorf("%v were read, want once the one that changed: %s", read, ids[3])
	}
}

// TestIndexIsCompacted expects an index that grew by changes to be written
// anew, with nothing lost.
func TestIndexIsCompacted(t *testing.T) {
	st := newStore(newMemDisk())
	id := talkOf(t, st, "one")
	talkOf(t, st, "two")
	for i := range 300 {
		s := must(st.Open(id))(t)
		if err := s.Rename(fmt.Sprint("title ", i)); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if i%10 == 0 {
			must(st.List())(t)
		}
	}
	if _, lines := st.readIndex(); lines > 220 {
		t.Errorf("the index has %d lines for 2 sessions", lines)
	}
	if all := must(st.List())(t); len(all) != 2 || all[0].Title != "title 299" {
		t.Errorf("got %+v", all)
	}
	if st.witness(id) != 302 {
		t.Errorf("the index knows %d records of the session, want 302", st.witness(id))
	}
}

func TestUnreadableJournalIsListed(t *testing.T) {
	d := &faultyDisk{memDisk: newMemDisk(), fail: func(string) bool { return false }}
	st := newStore(d)
	id := talkOf(t, st, "one")
	if err := d.remove(indexName); err != nil {
		t.Fatal(err)
	}
	d.fail = func(op string) bool { return op == "read "+id+journalEnding }
	all := must(st.List())(t)
	if len(all) != 1 || len(all[0].Damage) != 1 || !strings.Contains(all[0].Damage[0], "input/output error") {
		t.Errorf("got %+v", all)
	}
}

func TestAttachments(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		now := time.Now()
		st.now = func() time.Time { return now }
		picture := bytes.Repeat([]byte("pixels"), 1000)
		a := must(st.Attach("a.png", "image/png", bytes.NewReader(picture)))(t)
		b := must(st.Attach("b.png", "image/png", bytes.NewReader(picture)))(t)
		unused := must(st.Attach("unused.txt", "text/plain", strings.NewReader("unused")))(t)
		if a.Hash != b.Hash || a.Size != 6000 || b.Name != "b.png" {
			t.Errorf("attached %+v and %+v", a, b)
		}
		if got := must(st.Attachment(a.Hash))(t); !bytes.Equal(got, picture) {
			t.Error("an attachment has other bytes")
		}
		s := st.New(nil)
		must(s.Append(0, Message{Role: User, Text: "look", Attachments: []Attachment{a}}))(t)
		if err := s.Delete(true); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if n := must(st.Collect())(t); n != 0 {
			t.Errorf("%d bytes were removed: attachments are too new", n)
		}
		now = now.Add(25 * time.Hour)
		if n := must(st.Collect())(t); n != unused.Size {
			t.Errorf("%d bytes were removed, want the %d of what nothing refers to", n, unused.Size)
		}
		must(st.Attachment(a.Hash))(t)
		if _, err := st.Attachment(unused.Hash); !errors.Is(err, ErrNotFound) {
			t.Errorf("an attachment that was removed: %v", err)
		}
		now = now.Add(time.Hour)
		if gone := must(st.Purge(now))(t); len(gone) != 1 {
			t.Fatalf("purged %v", gone)
		}
		now = now.Add(25 * time.Hour)
		if n := must(st.Collect())(t); n != a.Size {
			t.Errorf("%d bytes were removed, want the %d of the purged session", n, a.Size)
		}
		for _, hash := range []string{"", "../index", strings.Repeat("A", 64)} {
			if _, err := st.Attachment(hash); err == nil {
				t.Errorf("the attachment %q is there", hash)
			}
		}
		if _, err := st.Attach("big", "x", &endless{}); err == nil {
			t.Error("an endless file was attached")
		}
	})
}

type endless struct{}

func (*endless) Read(p []byte) (int, error) { return len(p), nil }

// TestAttachedAgain expects an old attachment that nothing refers to to stay
// if it has just been attached again.
func TestAttachedAgain(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		now := time.Now()
		st.now = func() time.Time { return now }
		must(st.Attach("a", "text/plain", strings.NewReader("content")))(t)
		now = now.Add(30 * time.Hour)
		a := must(st.Attach("a", "text/plain", strings.NewReader("content")))(t)
		if n := must(st.Collect())(t); n != 0 {
			t.Errorf("%d bytes were removed", n)
		}
		must(st.Attachment(a.Hash))(t)
	})
}

// TestDamagedAttachment expects wrong bytes never to be given out, and
// attaching the file again to mend them.
func TestDamagedAttachment(t *testing.T) {
	st := openTemp(t)
	a := must(st.Attach("a", "text/plain", strings.NewReader("content")))(t)
	path := filepath.Join(st.disk.(rootDisk).root.Name(), filepath.FromSlash(attachmentName(a.Hash)))
	if err := os.WriteFile(path, []byte("c0ntent"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Attachment(a.Hash); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("damaged bytes: %v", err)
	}
	must(st.Attach("a", "text/plain", strings.NewReader("content")))(t)
	if got := must(st.Attachment(a.Hash))(t); string(got) != "content" {
		t.Errorf("mended, it is %q", got)
	}
}

// TestCollectSparesDamaged expects nothing to be removed while a journal is
// not read whole.
func TestCollectSparesDamaged(t *testing.T) {
	d := newMemDisk()
	st := newStore(d)
	now := time.Now()
	st.now = func() time.Time { return now }
	a := must(st.Attach("a", "text/plain", strings.NewReader("content")))(t)
	s := st.New(nil)
	say(t, s, User, "before")
	must(s.Append(1, Message{Role: User, Attachments: []Attachment{a}}))(t)
	say(t, s, User, "after")
	s.Close()
	node := d.names[s.ID()+journalEnding]
	clear(node.data[bytes.Index(node.data, []byte(a.Hash))-60:][:120])
	now = now.Add(48 * time.Hour)
	for _, when := range []string{"found", "noted"} {
		if n, err := st.Collect(); n != 0 || err == nil {
			t.Errorf("%s: %d bytes were removed, error %v", when, n, err)
		}
		w := must(st.Open(s.ID()))(t)
		w.Close()
	}
	must(st.Attachment(a.Hash))(t)
	// And while someone attaches.
	unlock := must(st.lock(false))(t)
	if n := must(st.Collect())(t); n != 0 {
		t.Errorf("%d bytes were removed while something was attached", n)
	}
	unlock()
}

func TestSearch(t *testing.T) {
	st := newStore(newMemDisk())
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	st.now = func() time.Time { now = now.Add(time.Minute); return now }
	plan := talkOf(t, st, "Where does the SINK go?", "Under the\nwindow, beside \"the oven\". De\u017fign.")
	street := talkOf(t, st, "Die STRASSE in Zürich", "Der \u212aelvin, Design: 5 \u212a")
	gone := talkOf(t, st, "the sink again")
	s := must(st.Open(gone))(t)
	s.Delete(true)
	s.Close()
	s = must(st.Open(street))(t)
	w := must(s.Begin(s.Conversation().Head, Reply{}))(t)
	w.Write("half of a wo")
	w.Write("rd is here")
	s.Close()
	s = must(st.Open(plan))(t)
	s.Rename("Kitchen plan")
	s.Close()

	tests := []struct {
		query string
		want  []string // session, message
	}{
		{"sink", []string{plan + " 1"}},
		{"KITCHEN", []string{plan + " 0"}},
		{"window under", []string{plan + " 2"}},
		{`"the window"`, nil}, // a line break is between
		{`"the oven"`, []string{plan + " 2"}},
		{`"oven the"`, nil},
		{"zürich strasse", []string{street + " 0", street + " 1"}},
		{"ZÜRICH", []string{street + " 0", street + " 1"}},
		{"5 k", []string{street + " 2"}},
		{"kelvin", []string{street + " 2"}},
		{"desig", []string{plan + " 2", street + " 2"}},
		{"word", []string{street + " 3"}},
		{"nowhere", nil},
		{"", nil},
		{`"`, nil},
	}
	for _, test := range tests {
		var got []string
		for h, err := range st.Search(context.Background(), test.query) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %d", h.Session.ID, h.Message.ID))
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: got %v, want %v", test.query, got, test.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range st.Search(ctx, "sink") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a search that was cancelled: %v", err)
		}
	}
	for range st.Search(context.Background(), "e") {
		break // leaving is fine
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("before ", 20) + "İstanbul\n\n  The Word " + strings.Repeat("after ", 20)
	tests := []struct{ text, query, line, word string }{
		{"a word here", "WORD", "a word here", "word"},
		{long, "word", "…re before before before İstanbul The Word after after after after after after aft…", "Word"},
		{"first", "first", "first", "first"},
		{"two  words", `"two  words"`, "two words", "two words"},
	}
	for _, test := range tests {
		h, ok := newQuery(test.query).find(test.text)
		if test.query == `"two  words"` {
			if ok {
				t.Errorf("two spaces were found by one")
			}
			continue
		}
		if !ok {
			t.Errorf("%q is not found in %q", test.query, test.text)
			continue
		}
		if h.Line != test.line || h.Line[h.From:h.To] != test.word {
			t.Errorf("got %q and %q, want %q and %q", h.Line, h.Line[h.From:h.To], test.line, test.word)
		}
	}
}

// FuzzSearch holds the search, which skips journals that cannot have a hit,
// against looking at every text.
func FuzzSearch(f *testing.F) {
	f.Add("Where does the SINK go?", "sink")
	f.Add("Kelvin \u212a ſ", "K s")
	f.Add("a\\n\"b\" <c>\u2028", `b" <C>`)
	f.Fuzz(func(t *testing.T, text, words string) {
		st := newStore(newMemDisk())
		id := talkOf(t, st, "title", text)
		q := newQuery(words)
		want := false
		if len(q.words) > 0 {
			_, want = q.find(strings.ToValidUTF8(text, "\uFFFD"))
		}
		got := false
		for h, err := range st.Search(context.Background(), words) {
			if err != nil {
				t.Fatal(err)
			}
			if h.Session.ID != id || h.From > h.To || h.To > len(h.Line) || strings.Contains(h.Line, "\n") {
				t.Fatalf("hit %+v", h)
			}
			got = got || h.Message.ID == 2
		}
		if got != want {
			t.Fatalf("%q in %q: found %v, want %v", words, text, got, want)
		}
	})
}

// TestExportImport expects a session to come out of its export as it was.
func TestExportImport(t *testing.T) {
	eachDisk(t, func(t *testing.T, st *Store) {
		a := must(st.Attach("a.png", "image/png", strings.NewReader("pixels")))(t)
		s := st.New(&Origin{Session: "elsewhere", Message: 3})
		q := must(s.Append(0, Message{Role: User, Text: "look <here>", Attachments: []Attachment{a}}))(t)
		must(s.Append(q.ID, Message{Role: Assistant, Text: "seen", Reply: &sampleReply}))(t)
		must(s.Append(q.ID, Message{Role: Assistant, Text: "seen again"}))(t)
		if err := errors.Join(s.Rename("pictures"), s.Pin(true), s.Go(2)); err != nil {
			t.Fatal(err)
		}
		s.Close()
		before := must(st.Read(s.ID()))(t)
		var first, second bytes.Buffer
		if missing, err := st.ExportJSON(&first, before); err != nil || len(missing) != 0 {
			t.Fatalf("missing %v, %v", missing, err)
		}
		other := newStore(newMemDisk())
		id := must(other.Import(bytes.NewReader(first.Bytes())))(t)
		after := must(other.Read(id))(t)
		if got := must(other.Attachment(a.Hash))(t); string(got) != "pixels" {
			t.Errorf("the attachment is %q", got)
		}
		after.ID, after.Updated = before.ID, before.Updated
		if !reflect.DeepEqual(after, before) {
			t.Errorf("imported\n%+v, want\n%+v", after, before)
		}
		must(other.ExportJSON(&second, after))(t)
		if first.String() != second.String() {
			t.Errorf("exported again\n%s\nwant\n%s", second.String(), first.String())
		}
		missing := must(other.ExportJSON(&second, &Conversation{Messages: []Message{{Attachments: []Attachment{{Hash: strings.Repeat("0", 64), Name: "lost.png"}}}}}))(t)
		if !reflect.DeepEqual(missing, []string{"lost.png"}) {
			t.Errorf("missing %v", missing)
		}
	})
}

func TestImport(t *testing.T) {
	hash := sha256.Sum256([]byte("x"))
	tests := []struct{ name, in, wrong string }{
		{"a plain list", `[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"hel"},{"type":"text","text":"lo"}]}]`, ""},
		{"an object", ` {"title":"t","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]}`, ""},
		{"a byte order mark", "\xef\xbb\xbf" + `[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]`, ""},
		{"ours", `{"format":"scout-session","version":1,"head":7,"messages":[{"id":4,"role":"user","text":"hi"},{"id":7,"parent":4,"role":"assistant","text":"hello"}]}`, ""},
		{"nothing", ``, "no JSON"},
		{"an empty list", `[]`, "no messages"},
		{"no list", `{"a":1}`, "no messages"},
		{"ours without messages", `{"format":"scout-session","version":1,"title":"t"}`, "no messages"},
		{"a picture", `[{"role":"user","content":[{"type":"image_url"}]}]`, `type "image_url"`},
		{"a number", `[{"role":"user","content":7}]`, "neither text"},
		{"no role", `[{"content":"x"}]`, "no role"},
		{"newer", `{"format":"scout-session","version":2}`, "version 2"},
		{"a loop", `{"format":"scout-session","version":1,"messages":[{"id":1,"parent":1}]}`, "follows 1"},
		{"twice", `{"format":"scout-session","version":1,"messages":[{"id":1},{"id":1}]}`, "twice"},
		{"an orphan", `{"format":"scout-session","version":1,"messages":[{"id":3,"parent":2}]}`, "before it was said"},
		{"a bad hash", `{"format":"scout-session","version":1,"messages":[{"id":1,"attachments":[{"hash":"../x"}]}]}`, "64 hexadecimal"},
		{"other bytes", `{"format":"scout-session","version":1,"messages":[{"id":1}],"attachments":{"` + hex.EncodeToString(hash[:]) + `":"eQ=="}}`, "another hash"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := newStore(newMemDisk())
			id, err := st.Import(strings.NewReader(test.in))
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("got %v, want it to say %q", err, test.wrong)
				}
				if ids := listIDs(t, st); len(ids) != 0 {
					t.Errorf("there is a session all the same: %v", ids)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantTexts(t, must(st.Read(id))(t).Shown(), "hi", "hello")
		})
	}
}

// FuzzImport imports anything. What it takes can be read again.
func FuzzImport(f *testing.F) {
	f.Add(`[{"role":"user","content":"hi"}]`)
	f.Add(`{"format":"scout-session","version":1,"created":"2026-11-24T00:00:00Z","head":7,"title":"t","pinned":true,"messages":[{"id":4,"role":"user","text":"hi","reply":{}},{"id":7,"parent":4}],"attachments":{}}`)
	f.Fuzz(func(t *testing.T, data string) {
		st := newStore(newMemDisk())
		id, err := st.Import(strings.NewReader(data))
		if err != nil {
			if ids := st.disk.(*memDisk).names; len(ids) > 1 { // the lock
				t.Fatalf("after %v there are %v", err, ids)
			}
			return
		}
		c, err := st.Read(id)
		if err != nil || len(c.Damage) > 0 {
			t.Fatalf("read %v, %v", c, err)
		}
		checkTree(t, c)
	})
}

func TestExportMarkdown(t *testing.T) {
	c := &Conversation{
		ID: "20261124-154722-k3f9qz", Title: "kitchen plan", Created: time.Date(2026, 11, 24, 15, 47, 22, 0, time.UTC), Head: 4,
		Messages: []Message{
			{ID: 1, Role: System, Text: "Be brief."},
			{ID: 2, Parent: 1, Role: User, Text: "Where?\n", Attachments: []Attachment{{strings.Repeat("0f", 32), "a\nb.png", "image/png", 9}}},
			{ID: 3, Parent: 2, Role: Assistant, Text: "Not this branch."},
			{ID: 4, Parent: 2, Role: Assistant, Text: "```\nthere\n```", Reply: &sampleReply, Unfinished: true},
		},
	}
	var b bytes.Buffer
	if err := ExportMarkdown(&b, c); err != nil {
		t.Fatal(err)
	}
	want := `# kitchen plan

2026-11-24 15:47 UTC, session 20261124-154722-k3f9qz

## System

Be brief.

## You

- attached: a b.png (image/png, 9 bytes, SHA-256 ` + strings.Repeat("0f", 32) + `)

Where?

## Scout Q4_K_M

` + "```\nthere\n```" + `

*This answer was interrupted.*

*seed 9223372036854775809, temperature 0.6, 3 tokens, 1.0 tok/s, ended by end*
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// BenchmarkList lists 5,000 sessions that have not changed.
func BenchmarkList(b *testing.B) {
	st, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	var journal []byte
	for i, r := range []record{{Session: &header{Format: 1}}, {Message: &Message{ID: 1, Role: User, Text: strings.Repeat("A question. ", 800)}}} {
		r.N, r.Time = int64(i+1), time.Now()
		if journal, err = appendFrame(journal, r); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 5000 {
		storeJournal(b, st, fmt.Sprintf("20261124-120000-%06d", i), journal)
	}
	if _, err := st.List(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if all, err := st.List(); err != nil || len(all) != 5000 {
			b.Fatal(len(all), err)
		}
	}
}
