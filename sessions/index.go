package sessions

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Summary is a session as a list shows it.
type Summary struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Origin      *Origin   `json:"origin,omitempty"`
	Pinned      bool      `json:"pinned,omitempty"`
	Deleted     time.Time `json:"deleted,omitzero"`
	Messages    int       `json:"messages"`
	Attachments int       `json:"attachments,omitempty"`
	Model       string    `json:"model,omitempty"` // that answered last, with its quant
	// Damage is what was found wrong and is not noted in the journal, in words.
	Damage []string `json:"damage,omitempty"`
}

// indexName is the file that remembers summaries. It has the frames of a
// journal, an entry in each, of which the last for a session counts.
const indexName = "index"

// indexEntry is a summary with what says whether it is still true.
type indexEntry struct {
	N        int64     `json:"n"` // the greatest record number of the journal
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Summary  Summary   `json:"summary"`
}

// summarize makes the summary of a conversation.
func summarize(c *Conversation) Summary {
	s := Summary{
		ID: c.ID, Title: c.Title, Created: c.Created, Updated: c.Updated,
		Origin: c.Origin, Pinned: c.Pinned, Deleted: c.Deleted, Messages: len(c.Messages),
	}
	for _, m := range c.Messages {
		s.Attachments += len(m.Attachments)
		if m.Reply != nil {
			s.Model = strings.TrimSpace(m.Reply.Model.Name + " " + m.Reply.Model.Quant)
		}
	}
	for _, d := range c.Damage {
		if !d.Noted {
			s.Damage = append(s.Damage, d.String())
		}
	}
	return s
}

func newEntry(s *state, info fs.FileInfo) *indexEntry {
	return &indexEntry{N: s.lastN, Size: info.Size(), Modified: info.ModTime().UTC(), Summary: summarize(&s.Conversation)}
}

// List is all sessions, deleted ones too: pinned ones first, then what
// changed last. Journals that have changed since they were last listed are read,
// the others are not. A journal that cannot be read at all is listed with that as
// its damage.
func (st *Store) List() ([]Summary, error) {
	names, err := st.disk.readDir(".")
	if err != nil {
		return nil, fmt.Errorf("sessions: listing: %w", err)
	}
	known, lines := st.readIndex()
	var all []Summary
	var fresh []*indexEntry
	for _, name := range names {
		id, ok := journalID(name.Name())
		if !ok || !name.Type().IsRegular() {
			continue
		}
		info, err := name.Info()
		if err != nil {
			continue // removed meanwhile
		}
		e := known[id]
		if e == nil || e.Size != info.Size() || !e.Modified.Equal(info.ModTime()) {
			if e, err = st.newlyRead(id, info); err != nil {
				all = append(all, Summary{ID: id, Updated: info.ModTime(), Damage: []string{err.Error()}})
				continue
			}
			fresh = append(fresh, e)
			known[id] = e
		}
		all = append(all, e.Summary)
	}
	if lines > 2*len(all)+100 {
		st.rewriteIndex(all, known)
	} else {
		st.remember(fresh...)
	}
	slices.SortFunc(all, compareSummaries)
	return all, nil
}

// compareSummaries is the order of a list.
func compareSummaries(a, b Summary) int {
	if a.Pinned != b.Pinned {
		if a.Pinned {
			return -1
		}
		return 1
	}
	if c := b.Updated.Compare(a.Updated); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
}

// newlyRead is the entry of a journal, read from it.
func (st *Store) newlyRead(id string, info fs.FileInfo) (*indexEntry, error) {
	s, size, err := st.read(id)
	if err != nil {
		return nil, err
	}
	e := newEntry(s, info)
	e.Size = size // if it grew meanwhile, the next listing sees the time
	return e, nil
}

// readIndex is what the index knows, and how many lines it has. What is wrong
// with it is not worth a word: it is made anew.
func (st *Store) readIndex() (known map[string]*indexEntry, lines int) {
	known = map[string]*indexEntry{}
	data, err := readAll(st.disk, indexName)
	if err != nil {
		return known, 0
	}
	for frame := range bytes.Lines(data) {
		lines++
		if e := entryOf(frame); e != nil {
			known[e.Summary.ID] = e
		}
	}
	return known, lines
}

// entryOf is the entry in a line of the index, or nil.
func entryOf(line []byte) *indexEntry {
	frame := bytes.TrimSuffix(line, []byte("\n"))
	if !holds(frame) {
		return nil
	}
	_, body, _ := splitFrame(frame)
	var e indexEntry
	if json.Unmarshal(body, &e) != nil || !idShape.MatchString(e.Summary.ID) {
		return nil
	}
	return &e
}

// witness is the greatest record number that the index saw in a journal, 0 if
// it never did: a journal that has lost its end looks whole by itself.
func (st *Store) witness(id string) int64 {
	data, err := readAll(st.disk, indexName)
	if err != nil {
		return 0
	}
	mark := []byte(`"summary":{"id":"` + id + `"`)
	var n int64
	for at := 0; ; {
		i := bytes.Index(data[at:], mark)
		if i < 0 {
			return n
		}
		from := bytes.LastIndexByte(data[:at+i], '\n') + 1
		at += i + len(mark)
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i
		}
		if e := entryOf(data[from:end]); e != nil && e.Summary.ID == id {
			n = max(n, e.N)
		}
	}
}

// remember appends entries to the index. It is no loss if that fails.
func (st *Store) remember(entries ...*indexEntry) {
	out := appendEntries(nil, entries)
	if len(out) == 0 {
		return
	}
	unlock, err := st.lock(false) // not while it is rewritten
	if err != nil {
		return
	}
	defer unlock()
	f, err := st.disk.open(indexName, os.O_WRONLY|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return
	}
	defer f.Close()
	// A line before this one may be torn: an empty one harms nobody.
	_, _ = f.Write(append([]byte("\n"), out...))
}

// lockName is the file whose lock guards what is not of one session: alone to
// rewrite the index or to remove attachments, with others to add to them.
const lockName = "lock"

// lock takes the store's lock.
func (st *Store) lock(alone bool) (unlock func(), err error) {
	f, err := st.disk.open(lockName, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	for i := range lockTries {
		if i > 0 {
			time.Sleep(lockPause)
		}
		if err = f.lock(alone); !errors.Is(err, errLocked) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

func appendEntries(out []byte, entries []*indexEntry) []byte {
	for _, e := range entries {
		if line, err := appendFrame(out, e); err == nil {
			out = line
		}
	}
	return out
}

// rewriteIndex writes the index anew, each session once. It is no loss if that
// fails.
func (st *Store) rewriteIndex(all []Summary, known map[string]*indexEntry) {
	var entries []*indexEntry
	for _, s := range all {
		if e := known[s.ID]; e != nil {
			entries = append(entries, e)
		}
	}
	unlock, err := st.lock(true)
	if err != nil {
		return // somebody is at it
	}
	defer unlock()
	_ = st.writeWhole(indexName, appendEntries(nil, entries))
}

// writeWhole writes a file that takes its name only when it is whole and safe.
func (st *Store) writeWhole(name string, data []byte) error {
	temporary := temporaryName(name)
	f, err := st.disk.open(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return st.finish(f, temporary, name, err)
}

// finish gives a temporary file its name, if writing it did not fail with err,
// or else takes it away.
func (st *Store) finish(f file, temporary, name string, err error) error {
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = st.disk.rename(temporary, name)
	}
	if err != nil {
		_ = st.disk.remove(temporary) // the error that matters is err
	}
	return err
}

// temporaryName is a name beside name that nobody else takes.
func temporaryName(name string) string {
	return name + "." + strings.ToLower(rand.Text()[:10]) + temporaryEnding
}

const temporaryEnding = ".tmp"
