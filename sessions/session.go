package sessions

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"unicode/utf8"
)

// Session is a session that is open for writing. Its methods may be called
// from any goroutine; each returns when what it wrote is safe. An error of a
// writing method means that it is not, yet: it is part of the conversation all
// the same, Unsaved says so, and the next call writes it again.
type Session struct {
	store *Store

	mu      sync.Mutex
	state   *state
	journal journal
	begin   *record // the header, until the file is made
	named   bool    // the file's name is lasting
	closed  bool
}

// ID is the session's id.
func (s *Session) ID() string { return s.state.ID } // never changes

// Conversation is the session as it is now.
func (s *Session) Conversation() *Conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.clone()
}

// Unsaved reports whether something is in memory alone.
func (s *Session) Unsaved() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.journal.pending) > 0
}

// Append adds a message after another; 0 begins the conversation, or begins it
// once more. The role, text, attachments and reply are m's, the rest is made. To
// edit a message is to append another after its parent. A message that is refused
// comes back with the id 0.
func (s *Session) Append(after int, m Message) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkAfter(after); err != nil {
		return Message{}, err
	}
	if len(m.Text) > mostText {
		return Message{}, tooLong(len(m.Text))
	}
	for _, a := range m.Attachments {
		if !hashShape.MatchString(a.Hash) {
			return Message{}, fmt.Errorf("sessions: attachment %q has the hash %q, want 64 hexadecimal digits", a.Name, a.Hash)
		}
	}
	m.Text = strings.ToValidUTF8(m.Text, "\uFFFD")
	m.ID, m.Parent = s.state.lastID+1, after
	m.Unfinished, m.Damaged = false, false
	if m.Reply != nil {
		reply := *m.Reply
		reply.finite()
		m.Reply = &reply
	}
	r := record{Message: &m}
	if err := s.add(&r); err != nil {
		return Message{}, err
	}
	return m, s.sync()
}

func tooLong(n int) error {
	return fmt.Errorf("sessions: the text is %d bytes long, want at most %d: attach it as a file", n, mostText)
}

// checkAfter says what is wrong with adding a message after another.
func (s *Session) checkAfter(after int) error {
	if s.closed {
		return s.failed(ErrClosed)
	}
	if _, known := s.state.place[after]; !known && after != 0 {
		return fmt.Errorf("sessions: message %d of session %s: %w", after, s.state.ID, ErrNotFound)
	}
	return nil
}

// Go makes the conversation go on after a message: it shows another branch.
func (s *Session) Go(after int) error {
	return s.change(func() (*record, error) { return &record{Head: &after}, s.checkAfter(after) })
}

// Rename gives the session a title. An empty one makes it be called by its
// first question again.
func (s *Session) Rename(title string) error {
	title = strings.Join(strings.Fields(strings.ToValidUTF8(title, "\uFFFD")), " ")
	if n := utf8.RuneCountInString(title); n > mostTitle {
		return fmt.Errorf("sessions: the title is %d characters long, want at most %d", n, mostTitle)
	}
	return s.change(func() (*record, error) { return &record{Title: &title}, nil })
}

// mostTitle is the longest title, in runes.
const mostTitle = 200

// Pin keeps the session at the head of the list, or lets it go.
func (s *Session) Pin(on bool) error {
	return s.change(func() (*record, error) { return &record{Pinned: &on}, nil })
}

// Delete marks the session as deleted, or takes that back. It stays whole
// until Store.Purge.
func (s *Session) Delete(on bool) error {
	return s.change(func() (*record, error) { return &record{Deleted: &on}, nil })
}

// change adds a record and saves it.
func (s *Session) change(make func() (*record, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.failed(ErrClosed)
	}
	r, err := make()
	if err != nil {
		return err
	}
	if err := s.add(r); err != nil {
		return err
	}
	if r.Title != nil {
		s.state.setTitle()
	}
	return s.sync()
}

// add makes a record part of the conversation and of what is to be written.
func (s *Session) add(r *record) error {
	r.N, r.Time = s.state.lastN+1, s.store.timestamp()
	if r.Message != nil && r.Message.Time.IsZero() {
		r.Message.Time = r.Time
	}
	if s.begin != nil {
		if err := s.journal.add(s.begin); err != nil {
			return err
		}
		s.begin = nil
	}
	if err := s.journal.add(r); err != nil {
		return err
	}
	s.state.lastN = r.N
	s.state.apply(r, 0)
	if r.Message != nil {
		s.state.setTitle()
	}
	return nil
}

// Sync makes safe what is not, and returns at once if nothing is.
func (s *Session) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.failed(ErrClosed)
	}
	return s.sync()
}

// sync is Sync with the lock held.
func (s *Session) sync() error {
	if s.begin != nil {
		return nil // nothing has been said
	}
	if err := s.create(); err != nil {
		return s.failed(err)
	}
	if err := s.journal.sync(); err != nil {
		return s.failed(err)
	}
	if !s.named {
		if err := s.store.disk.syncDir("."); err != nil {
			return s.failed(err)
		}
		s.named = true
	}
	return nil
}

// write hands what was added to the system without waiting for the disk.
func (s *Session) write() error {
	if err := s.create(); err != nil {
		return s.failed(err)
	}
	if err := s.journal.write(); err != nil {
		return s.failed(err)
	}
	return nil
}

// create makes the file of a new session.
func (s *Session) create() error {
	if s.journal.file != nil {
		return nil
	}
	name := s.state.ID + journalEnding
	f, err := s.store.disk.open(name, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return err
	}
	// It may be there from an attempt that failed, empty.
	info, err := f.Stat()
	if err == nil && info.Size() > 0 {
		err = fmt.Errorf("there is another session of that name")
	}
	if err == nil {
		err = f.lock(true)
	}
	if err != nil {
		f.Close()
		return err
	}
	s.journal.file = f
	return nil
}

func (s *Session) failed(err error) error {
	return fmt.Errorf("sessions: saving session %s: %w", s.state.ID, err)
}

// Close saves what is not saved and lets others open the session. It closes
// the session also if that fails. Closing twice does nothing.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	err := s.sync()
	s.closed = true
	if s.journal.file == nil {
		return err
	}
	var entry *indexEntry
	if err == nil {
		entry = s.entry()
	}
	if closing := s.journal.file.Close(); err == nil && closing != nil {
		err = s.failed(closing)
	}
	if entry != nil {
		s.store.remember(entry)
	}
	return err
}

// entry is what the index is to know of the session.
func (s *Session) entry() *indexEntry {
	info, err := s.journal.file.Stat()
	if err != nil {
		return nil // listing will read the journal
	}
	e := newEntry(s.state, info)
	e.Summary.Damage = nil // it is noted in the journal by now
	return e
}

// mend notes in the journal what was found damaged and is not noted yet, and
// writes anew the records that a wrong bit was put right in. It is the next
// write's business if that fails.
func (s *Session) mend() {
	found := s.state.unnoted()
	if len(found) == 0 {
		return
	}
	for _, r := range s.state.flipped {
		if err := s.journal.add(&r); err != nil {
			return
		}
	}
	note := mended{Through: s.state.lastN}
	for _, d := range found {
		note.Regions = append(note.Regions, [2]int64{d.Offset, d.Length})
	}
	s.state.flipped = nil
	if s.add(&record{Mended: &note}) == nil {
		_ = s.sync() // said above
	}
}
