package sessions

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Store is a directory of sessions. It may be used by several goroutines, and
// the directory by several processes.
type Store struct {
	disk disk
	now  func() time.Time
}

// Open opens the directory dir as a store of sessions, and makes it if it is
// missing. Nothing outside of it is ever touched.
func Open(dir string) (*Store, error) {
	d, err := openDisk(dir)
	if err != nil {
		return nil, fmt.Errorf("sessions: opening %s: %w", dir, err)
	}
	return newStore(d), nil
}

func newStore(d disk) *Store { return &Store{disk: d, now: time.Now} }

// Close closes the store. Sessions that are open stay open.
func (st *Store) Close() error { return st.disk.close() }

// journalEnding is how the names of journals end.
const journalEnding = ".jsonl"

// idShape is what an id may look like. Whoever copies a journal by hand may
// choose one.
var idShape = regexp.MustCompile(`^[0-9a-z][0-9a-z-]{0,63}$`)

// journalID is the id of the session that a file of that name holds.
func journalID(name string) (id string, ok bool) {
	id, ok = strings.CutSuffix(name, journalEnding)
	return id, ok && idShape.MatchString(id)
}

// newID is an id that nobody else has: when the session began, UTC, and 30
// random bits.
func newID(now time.Time) string {
	var random [4]byte
	rand.Read(random[:]) // never fails
	text := base32.StdEncoding.EncodeToString(random[:])
	return now.UTC().Format("20060102-150405-") + strings.ToLower(text[:6])
}

// timestamp is now, as records have it.
func (st *Store) timestamp() time.Time { return st.now().UTC().Truncate(time.Millisecond) }

// New begins a session. Nothing is on disk until something is said in it.
// origin is what it was forked from, or nil.
func (st *Store) New(origin *Origin) *Session {
	now := st.timestamp()
	s := &Session{store: st, state: newState(newID(now))}
	r := record{N: 1, Time: now, Session: &header{Format: formatVersion, ID: s.state.ID, Origin: origin}}
	s.state.apply(&r, 0)
	s.state.lastN = 1
	s.begin = &r
	return s
}

// Open opens a session for writing. What is damaged is in its conversation,
// and is noted in the journal. The error is a *BusyError if it is open already,
// a *NewerError if only a newer version may write it, and is ErrNotFound if
// there is none.
func (st *Store) Open(id string) (*Session, error) {
	f, data, witness, err := st.openAlone(id)
	if err != nil {
		return nil, err
	}
	state, ended := loadState(id, data, witness)
	if state.Newer {
		f.Close()
		return nil, &NewerError{id, state.format}
	}
	// Whoever made the file may have ended before its name was lasting.
	s := &Session{store: st, state: state}
	s.journal = journal{file: f, size: int64(len(data)), torn: !ended}
	s.mend()
	return s, nil
}

// openAlone opens a journal with its lock and reads it.
func (st *Store) openAlone(id string) (f file, data []byte, witness int64, err error) {
	if !idShape.MatchString(id) {
		return nil, nil, 0, notFound(id)
	}
	witness = st.witness(id)
	for range 3 {
		f, err = st.lockJournal(id)
		if err != nil {
			return nil, nil, 0, err
		}
		// It may have been removed, or another put in its place, before it was
		// locked.
		info, err := st.disk.stat(id + journalEnding)
		if err == nil && f.same(info) {
			data, err = readBounded(f)
			if err == nil {
				return f, data, witness, nil
			}
		}
		f.Close()
		if err != nil {
			return nil, nil, 0, orNotFound(id, err)
		}
	}
	return nil, nil, 0, &BusyError{id}
}

// The patience with a lock: whoever reads takes it too, for an instant.
const (
	lockTries = 5
	lockPause = 20 * time.Millisecond
)

// lockJournal opens a journal and takes its lock.
func (st *Store) lockJournal(id string) (file, error) {
	f, err := st.disk.open(id+journalEnding, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, orNotFound(id, err)
	}
	for i := range lockTries {
		if i > 0 {
			time.Sleep(lockPause)
		}
		if err = f.lock(true); !errors.Is(err, errLocked) {
			break
		}
	}
	switch {
	case errors.Is(err, errLocked):
		f.Close()
		return nil, &BusyError{id}
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("sessions: locking session %s: %w", id, err)
	}
	return f, nil
}

// Read is a session as it is now, also while it is open for writing somewhere.
func (st *Store) Read(id string) (*Conversation, error) {
	if !idShape.MatchString(id) {
		return nil, notFound(id)
	}
	s, _, err := st.read(id)
	if err != nil {
		return nil, err
	}
	return &s.Conversation, nil
}

// read is Read, with the size of what was read.
func (st *Store) read(id string) (*state, int64, error) {
	witness := st.witness(id) // before the journal, which only grows
	f, err := st.disk.open(id+journalEnding, os.O_RDONLY)
	if err != nil {
		return nil, 0, orNotFound(id, err)
	}
	defer f.Close()
	data, err := readBounded(f)
	if err != nil {
		return nil, 0, fmt.Errorf("sessions: reading session %s: %w", id, err)
	}
	s, _ := loadState(id, data, witness)
	n := len(s.Damage) - 1
	if n >= 0 && s.Damage[n].Length > 0 && s.Damage[n].Offset+s.Damage[n].Length == int64(len(data)) && errors.Is(f.lock(false), errLocked) {
		s.Damage = s.Damage[:n] // it is being written
	}
	return s, int64(len(data)), nil
}

func notFound(id string) error { return fmt.Errorf("sessions: session %q: %w", id, ErrNotFound) }

// orNotFound is err, as ErrNotFound if it is that a file is missing.
func orNotFound(id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notFound(id)
	}
	return fmt.Errorf("sessions: opening session %s: %w", id, err)
}

// Find is the id of the session that goes by name: an id, or enough of its
// beginning or end that no other session has it, or a whole title in any case of
// letters. The error is an *AmbiguousError if several do.
func (st *Store) Find(name string) (string, error) {
	if idShape.MatchString(name) {
		if _, err := st.disk.stat(name + journalEnding); err == nil {
			return name, nil
		}
	}
	all, err := st.List()
	if err != nil {
		return "", err
	}
	var found []string
	for _, s := range all {
		if name != "" && (strings.HasPrefix(s.ID, name) || strings.HasSuffix(s.ID, name) || strings.EqualFold(s.Title, name)) {
			found = append(found, s.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", notFound(name)
	case 1:
		return found[0], nil
	}
	return "", &AmbiguousError{name, found}
}

// Purge removes, for good, the sessions that were deleted before a time, and
// returns their ids. One that is open for writing is left.
func (st *Store) Purge(before time.Time) ([]string, error) {
	all, err := st.List()
	if err != nil {
		return nil, err
	}
	var gone []string
	var errs []error
	for _, s := range all {
		if s.Deleted.IsZero() || !s.Deleted.Before(before) {
			continue
		}
		switch err := st.purge(s.ID, before); {
		case err == nil:
			gone = append(gone, s.ID)
		case !errors.As(err, new(*BusyError)) && !errors.Is(err, ErrNotFound):
			errs = append(errs, err)
		}
	}
	if len(gone) > 0 {
		errs = append(errs, st.disk.syncDir("."))
	}
	slices.Sort(gone)
	return gone, errors.Join(errs...)
}

// purge removes one session, if it is still deleted.
func (st *Store) purge(id string, before time.Time) error {
	return st.removeIf(id, func(c *Conversation) bool { return !c.Deleted.IsZero() && c.Deleted.Before(before) })
}

// Remove removes a session for good. It is a *BusyError while it is open for
// writing.
func (st *Store) Remove(id string) error {
	if err := st.removeIf(id, func(*Conversation) bool { return true }); err != nil {
		return err
	}
	return st.disk.syncDir(".")
}

// removeIf removes a session's journal, if that is still wanted of it.
func (st *Store) removeIf(id string, wanted func(*Conversation) bool) error {
	f, data, _, err := st.openAlone(id)
	if err != nil {
		return err
	}
	// Not every system removes a file that is open. What another process does
	// after this it does to a session that it was told is deleted.
	f.Close()
	s, _ := loadState(id, data, 0)
	if !wanted(&s.Conversation) {
		return &BusyError{id}
	}
	if err := st.disk.remove(id + journalEnding); err != nil {
		return fmt.Errorf("sessions: removing session %s: %w", id, err)
	}
	return nil
}
