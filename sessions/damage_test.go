package sessions

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// sampleJournal is a journal with every kind of record, and where its records
// begin and end (their line breaks left out).
func sampleJournal(t testing.TB) (data []byte, frames [][2]int) {
	t.Helper()
	at := time.Date(2026, 11, 24, 15, 47, 22, 0, time.UTC)
	yes, title, head := true, "kitchen plan", 2
	reply := sampleReply
	reply.Stats = Stats{}
	for i, r := range []record{
		{Session: &header{Format: 1, ID: "sample"}},
		{Message: &Message{ID: 1, Role: User, Text: "Where does the sink go? 世界", Time: at}},
		{Part: &part{ID: 2, Parent: 1, Reply: &Reply{}}},
		{Part: &part{ID: 2, Parent: 1, Text: "Under "}},
		{Message: &Message{ID: 2, Parent: 1, Role: Assistant, Text: "Under the window.", Time: at, Reply: &reply}},
		{Title: &title},
		{Pinned: &yes},
		{Message: &Message{ID: 3, Parent: 2, Role: User, Text: "Look", Time: at, Attachments: []Attachment{{strings.Repeat("0f", 32), "a.png", "image/png", 9}}}},
		{Part: &part{ID: 4, Parent: 3, Reply: &Reply{}, Text: "I s"}},
		{Part: &part{ID: 4, Parent: 3, At: 3, Text: "ee."}},
		{Head: &head},
		{Message: &Message{ID: 5, Parent: 2, Role: User, Text: "And {\"n\":1} \n the oven?", Time: at}},
	} {
		r.N, r.Time = int64(i+1), at.Add(time.Duration(i)*time.Second)
		from := len(data)
		var err error
		if data, err = appendFrame(data, r); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, [2]int{from, len(data) - 1})
	}
	return data, frames
}

// sameWords compares everything but the damage.
func sameWords(a, b *state) bool {
	x, y := a.Conversation, b.Conversation
	x.Damage, y.Damage = nil, nil
	return reflect.DeepEqual(x, y)
}

// TestEveryFlippedBit flips each bit of a journal: everything is still there,
// to the letter, and the damage is said.
func TestEveryFlippedBit(t *testing.T) {
	data, _ := sampleJournal(t)
	want, _ := loadState("sample", data, 0)
	if len(want.Damage) != 0 {
		t.Fatalf("the whole journal is damaged: %v", want.Damage)
	}
	for i := range len(data) * 8 {
		flipped := bytes.Clone(data)
		flipped[i/8] ^= 1 << (i % 8)
		got, _ := loadState("sample", flipped, 0)
		if !sameWords(got, want) {
			t.Fatalf("bit %d of byte %d (%q): got %+v, want %+v", i%8, i/8, data[i/8], got.Conversation, want.Conversation)
		}
		if len(got.Damage) == 0 && i/8 != len(data)-1 {
			t.Fatalf("bit %d of byte %d (%q): nothing is said", i%8, i/8, data[i/8])
		}
		for _, d := range got.Damage {
			if d.Missing > 0 {
				t.Fatalf("bit %d of byte %d: called missing: %v", i%8, i/8, d)
			}
		}
	}
}

// TestEveryTruncation cuts a journal at each byte: every record before is
// there. With the index as a witness the cut is always noticed.
func TestEveryTruncation(t *testing.T) {
	data, frames := sampleJournal(t)
	for cut := range len(data) {
		whole := 0
		for _, f := range frames {
			if f[1] <= cut {
				whole++
			}
		}
		got, _ := loadState("sample", data[:cut], int64(len(frames)))
		want, _ := loadState("sample", data[:frames[max(whole, 1)-1][1]], 0)
		if whole > 0 && !sameWords(got, want) {
			t.Fatalf("cut at %d: got %+v, want %+v", cut, got.Conversation, want.Conversation)
		}
		var missing int64
		for _, d := range got.Damage {
			missing += d.Missing
		}
		if want := int64(len(frames) - whole); missing != want {
			t.Fatalf("cut at %d: %d records are said to be missing, want %d: %v", cut, missing, want, got.Damage)
		}
		alone, _ := loadState("sample", data[:cut], 0)
		within := slices.ContainsFunc(frames, func(f [2]int) bool { return f[0] < cut && cut < f[1] })
		if within != (len(alone.Damage) > 0) {
			t.Fatalf("cut at %d, without a witness: damage %v", cut, alone.Damage)
		}
	}
}

// TestRandomDamage flips, overwrites, cuts out and inserts at random: records
// that were hit by at most one wrong bit are there, no other words appear, and
// the damage is said.
func TestRandomDamage(t *testing.T) {
	data, frames := sampleJournal(t)
	want, _ := loadState("sample", data, 0)
	rng := rand.New(rand.NewPCG(5, 6))
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	for round := range rounds {
		damaged := bytes.Clone(data)
		hits := make([]int, len(frames))
		flips := 1 + rng.IntN(12)
		for range flips {
			i := rng.IntN(len(data) * 8)
			damaged[i/8] ^= 1 << (i % 8)
			for f := range frames {
				if frames[f][0] <= i/8 && i/8 <= frames[f][1] {
					hits[f]++
				}
			}
		}
		exact := true // what was hit is known by record
		if round%2 == 1 {
			exact = false
			from := rng.IntN(len(damaged))
			to := min(len(damaged), from+rng.IntN(300))
			junk := make([]byte, rng.IntN(200))
			for i := range junk {
				junk[i] = byte(rng.Uint32())
			}
			damaged = slices.Concat(damaged[:from], junk, damaged[to:])
		}
		got, _ := loadState("sample", damaged, int64(len(frames)))
		found, _, _ := scanJournal(damaged)
		numbers := map[int64]bool{}
		for _, r := range found {
			numbers[r.N] = true
		}
		if exact {
			for f, n := range hits {
				if n <= 1 && !numbers[int64(f+1)] {
					t.Fatalf("round %d: record %d had %d wrong bits and is lost; damage %v", round, f+1, n, got.Damage)
				}
			}
		}
		if len(got.Damage) == 0 && !bytes.Equal(damaged, data) {
			t.Fatalf("round %d: nothing is said", round)
		}
		for _, m := range got.Messages {
			o, ok := want.Message(m.ID)
			if !m.Damaged && (!ok || o.Text != m.Text && !m.Unfinished) {
				t.Fatalf("round %d: message %d is %q, want %q", round, m.ID, m.Text, o.Text)
			}
		}
	}
}

// TestLostMiddle expects the rest of a conversation to hang together when a
// message in the middle is gone.
func TestLostMiddle(t *testing.T) {
	data, frames := sampleJournal(t)
	clear(data[frames[4][0]:frames[4][1]]) // the answer, whole
	s, _ := loadState("sample", data, 0)
	m, _ := s.Message(2)
	if m.Text != "Under " || !m.Unfinished {
		t.Errorf("what its parts have of the answer is %q, want it: %+v", m.Text, m)
	}
	clear(data[frames[2][0]:frames[3][1]]) // and its parts
	s, _ = loadState("sample", data, 0)
	if m, ok := s.Message(2); !ok || !m.Damaged || m.Parent != 1 {
		t.Errorf("there is no place for the lost answer: %+v", s.Messages)
	}
	wantTexts(t, s.Path(5), "Where does the sink go? 世界", "", "And {\"n\":1} \n the oven?")
	missing := int64(0)
	for _, d := range s.Damage {
		missing += d.Missing
	}
	if missing != 3 {
		t.Errorf("%d records are said to be missing, want 3: %v", missing, s.Damage)
	}
	// A part of an answer that was never finished.
	data, frames = sampleJournal(t)
	clear(data[frames[8][0]:frames[8][1]])
	s, _ = loadState("sample", data, 0)
	if m, _ := s.Message(4); m.Text != "\uFFFDee." || !m.Damaged {
		t.Errorf("an answer without its first part is %+v", m)
	}
}

// TestRecordsLateAndTwice expects records to count in the order of their
// numbers, and once.
func TestRecordsLateAndTwice(t *testing.T) {
	data, frames := sampleJournal(t)
	want, _ := loadState("sample", data, 0)
	line := func(i int) []byte { return data[frames[i][0] : frames[i][1]+1] }
	var late []byte
	for _, i := range []int{0, 3, 2, 1, 2, 4, 4, 6, 5, 8, 9, 7, 8, 9, 11, 10, 11} {
		late = append(late, line(i)...)
	}
	got, _ := loadState("sample", late, 0)
	if !sameWords(got, want) || len(got.Damage) > 0 {
		t.Errorf("got %+v, want %+v", got.Conversation, want.Conversation)
	}
	title := "another"
	twice, err := appendFrame(bytes.Clone(data), record{N: 6, Title: &title})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := loadState("sample", twice, 0); got.Title != want.Title {
		t.Errorf("a second record 6 counts: the title is %q", got.Title)
	}
}

// TestLostLineBreak expects a record with one wrong bit to be there, wherever
// the bit is, when the line before it is lost with its line break.
func TestLostLineBreak(t *testing.T) {
	data, frames := sampleJournal(t)
	for bit := frames[6][0] * 8; bit < frames[6][1]*8; bit++ {
		damaged := bytes.Clone(data)
		damaged[frames[5][1]] ^= 2
		damaged[frames[5][1]-3] ^= 2
		damaged[bit/8] ^= 1 << (bit % 8)
		got, _ := loadState("sample", damaged, 0)
		if !got.Pinned || got.Title != "kitchen plan" {
			t.Fatalf("bit %d of byte %d: a record is lost: %v", bit%8, bit/8, got.Damage)
		}
		damaged[frames[5][1]-4] ^= 2
		if got, _ := loadState("sample", damaged, 0); !got.Pinned || got.Title == "kitchen plan" {
			t.Fatalf("bit %d of byte %d: the record after the lost one is lost: %v", bit%8, bit/8, got.Damage)
		}
	}
}

// storeJournal writes a journal into a store.
func storeJournal(t testing.TB, st *Store, id string, data []byte) {
	t.Helper()
	f, err := st.disk.open(id+journalEnding, os.O_WRONLY|os.O_APPEND|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	f.Sync()
	f.Close()
}

// TestMending expects damage to be said until a writer has noted it, wrong
// bits to be written anew, and nothing to be cut off.
func TestMending(t *testing.T) {
	whole, frames := sampleJournal(t)
	tests := []struct {
		name   string
		damage func(data []byte) []byte
		says   string
	}{
		{"torn tail", func(d []byte) []byte { return d[:len(d)-20] }, "unfinished record"},
		{"no last line break", func(d []byte) []byte { return d[:len(d)-1] }, ""},
		{"a wrong bit", func(d []byte) []byte { d[frames[4][0]+40] ^= 4; return d }, "put right"},
		{"a lost record", func(d []byte) []byte { clear(d[frames[7][0]:frames[7][1]]); return d }, "1 record is missing"},
		{"junk between", func(d []byte) []byte { return slices.Insert(d, frames[3][0], []byte("junk\n")...) }, "no record"},
		{"zeros at the end", func(d []byte) []byte { return append(d, make([]byte, 4096)...) }, "unfinished record"},
		{"two lost at the end", func(d []byte) []byte {
			d[frames[10][0]], d[frames[11][0]] = '?', '?'
			d[frames[10][0]+9] = '?'
			d[frames[11][0]+9] = '?'
			return d
		}, "no record"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := newStore(newMemDisk())
			damaged := test.damage(bytes.Clone(whole))
			storeJournal(t, st, "sample", damaged)
			first := must(st.Read("sample"))(t)
			if got := fmt.Sprint(first.Damage); !strings.Contains(got, test.says) {
				t.Errorf("damage is %s, want %q", got, test.says)
			}
			if listed := must(st.List())(t)[0].Damage; (len(listed) > 0) != (test.says != "") {
				t.Errorf("the list says %q", listed)
			}
			s := must(st.Open("sample"))(t)
			if !reflect.DeepEqual(s.Conversation().Damage, first.Damage) {
				t.Errorf("opened: %v, want %v", s.Conversation().Damage, first.Damage)
			}
			m := say(t, s, User, "after all")
			s.Close()
			after := must(readAll(st.disk, "sample"+journalEnding))(t)
			if !bytes.HasPrefix(after, damaged) {
				t.Error("what was there is not there any more")
			}
			c := must(st.Read("sample"))(t)
			for _, d := range c.Damage {
				if !d.Noted {
					t.Errorf("damage is said again: %v", d)
				}
			}
			if listed := must(st.List())(t)[0].Damage; len(listed) > 0 {
				t.Errorf("the list says again: %q", listed)
			}
			c.Damage, first.Damage = nil, nil
			if got, ok := c.Message(m.ID); !ok || got.Text != "after all" {
				t.Error("what was said since is not there")
			}
			if !reflect.DeepEqual(c.Messages[:len(first.Messages)], first.Messages) {
				t.Errorf("now the messages are %+v, want %+v", c.Messages, first.Messages)
			}
			// The repaired record bears another wrong bit in its old place.
			after[frames[4][0]+44] ^= 8
			if s, _ := loadState("sample", after, 0); !slices.EqualFunc(s.Messages, c.Messages, func(a, b Message) bool { return a.Text == b.Text }) {
				t.Error("a second wrong bit in the same record took it away")
			}
		})
	}
}

// TestShortened expects a journal that lost its end on a record's boundary to
// be noticed by what the index remembers, and the numbers to go on after it.
func TestShortened(t *testing.T) {
	d := newMemDisk()
	st := newStore(d)
	s := st.New(nil)
	say(t, s, User, "one")
	say(t, s, Assistant, "two")
	s.Close()
	node := d.names[s.ID()+journalEnding]
	node.data = node.data[:bytes.LastIndexByte(node.data[:len(node.data)-1], '\n')+1]
	if all := must(st.List())(t); len(all[0].Damage) != 1 || !strings.Contains(all[0].Damage[0], "1 record is missing") {
		t.Errorf("the list says %q", all[0].Damage)
	}
	w := must(st.Open(s.ID()))(t)
	if c := w.Conversation(); len(c.Damage) != 1 || c.Damage[0].Missing != 1 {
		t.Errorf("opening says %v", c.Damage)
	}
	say(t, w, User, "three")
	w.Close()
	d.remove(indexName) // nor is it said again without a witness
	c := must(st.Read(s.ID()))(t)
	if len(c.Damage) != 1 || !c.Damage[0].Noted {
		t.Errorf("later it says %v", c.Damage)
	}
	wantTexts(t, c.Shown(), "one", "three")
}

// TestHostileJournals expects files made to be slow or to confuse to be read
// in time, and to make no tree that loops.
func TestHostileJournals(t *testing.T) {
	frame := func(body string) string { return string(rawFrame(body)) }
	var chain strings.Builder
	for range 200_000 {
		chain.WriteString(`00000000 4000000 {"n":1 `)
	}
	tests := map[string]string{
		"lengths that overlap": chain.String(),
		"and lines":            strings.ReplaceAll(chain.String(), `1 `, "1\n"),
		"a loop":               frame(`{"n":1,"t":"2026-11-24T00:00:00Z","message":{"id":2,"parent":2,"role":"user","text":""}}`),
		"backwards":            frame(`{"n":1,"t":"2026-11-24T00:00:00Z","message":{"id":1,"parent":2,"role":"user","text":""}}`),
		"numbers":              frame(`{"n":9223372036854775807,"message":{"id":9223372036854775807,"text":""}}`) + frame(`{"n":-1,"pinned":true}`),
		"a huge gap":           frame(`{"n":9007199254740992,"message":{"id":9007199254740992,"parent":9007199254740991,"text":"x"}}`),
		"another type":         frame(`{"n":1,"message":"text"}`),
		"depth":                frame(`{"n":1,"x":` + strings.Repeat("[", 100_000) + `}`),
		"capitals":             strings.ToUpper(frame(`{"n":1}`)),
		"no break":             strings.Repeat(strings.TrimSuffix(frame(`{"n":1,"pinned":true}`), "\n"), 100_000),
		"head nowhere":         frame(`{"n":1,"head":7}`),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			s, _ := loadState("x", []byte(data), 0)
			checkTree(t, &s.Conversation)
		})
	}
}

// rawFrame is a body as a line.
func rawFrame(body string) []byte {
	line, err := appendFrame(nil, rawJSON(body))
	if err != nil { // not JSON: the checksum still holds
		line = []byte(body)
	}
	return line
}

type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// checkTree expects a conversation to be one that callers can walk.
func checkTree(t testing.TB, c *Conversation) {
	t.Helper()
	ids := map[int]bool{0: true}
	last := 0
	for _, m := range c.Messages {
		if m.ID <= last || !ids[m.Parent] || m.Parent >= m.ID {
			t.Fatalf("message %d follows %d, after %d", m.ID, m.Parent, last)
		}
		if strings.ToValidUTF8(m.Text, "") != m.Text {
			t.Fatalf("message %d is not UTF-8: %q", m.ID, m.Text)
		}
		ids[m.ID], last = true, m.ID
	}
	if !ids[c.Head] {
		t.Fatalf("the head %d is no message", c.Head)
	}
	if c.Head != 0 && len(c.Shown()) == 0 {
		t.Fatalf("the head %d has no path", c.Head)
	}
}

// FuzzJournal reads anything as a journal. Whatever it finds can be walked,
// and after mending says nothing new.
func FuzzJournal(f *testing.F) {
	data, frames := sampleJournal(f)
	f.Add(data)
	f.Add(data[:len(data)-30])
	f.Add(slices.Concat(data[:frames[3][0]], []byte("junk"), data[frames[6][0]:]))
	f.Add([]byte(`0123abcd 12 {"n":1}`))
	f.Add(slices.Concat(data[frames[7][0]:], []byte("\n"), data[:frames[7][0]]))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _ := loadState("fuzz", data, 0)
		checkTree(t, &s.Conversation)
		st := newStore(newMemDisk())
		storeJournal(t, st, "fuzz", data)
		if s.Newer {
			if _, err := st.Open("fuzz"); err == nil {
				t.Fatal("a newer session was opened for writing")
			}
			return
		}
		w, err := st.Open("fuzz")
		if err != nil {
			t.Fatal(err)
		}
		before := w.Conversation()
		m, err := w.Append(before.Head, Message{Role: User, Text: "more"})
		if err != nil {
			if s.lastN >= mostNumber || s.lastID >= mostNumber {
				return
			}
			t.Fatal(err)
		}
		w.Close()
		c, err := st.Read("fuzz")
		if err != nil {
			t.Fatal(err)
		}
		checkTree(t, c)
		if got, ok := c.Message(m.ID); !ok || got.Text != "more" || got.Parent != before.Head {
			t.Fatalf("what was said is %+v", got)
		}
		if len(c.Messages) != len(before.Messages)+1 {
			t.Fatalf("%d messages became %d", len(before.Messages), len(c.Messages))
		}
		for _, d := range c.Damage {
			if !d.Noted {
				t.Fatalf("mended, it says %v; before it said %v", d, before.Damage)
			}
		}
	})
}
