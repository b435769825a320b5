package sessions

import (
	"errors"
	"fmt"
)

// Errors that a caller may branch on.
var (
	// ErrNotFound is that there is no such session, message or attachment.
	ErrNotFound = errors.New("there is none")
	// ErrClosed is that the session has been closed.
	ErrClosed = errors.New("it has been closed")
)

// BusyError is that a session is open for writing already, here or in another
// process. Store.Read still shows it.
type BusyError struct{ ID string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("sessions: session %s is open in another window or program: close it there, or read it here", e.ID)
}

// NewerError is that a newer version of the program has written something in a
// session that this one does not understand. Store.Read still shows it.
type NewerError struct {
	ID     string
	Format int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("sessions: session %s was written by a newer version (format %d, this one writes %d): it can be read here, and not be written", e.ID, e.Format, formatVersion)
}

// AmbiguousError is that more than one session goes by a short name.
type AmbiguousError struct {
	Name string
	IDs  []string // of those it may be
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("sessions: %q may be any of %d sessions, such as %s and %s: give more of the name", e.Name, len(e.IDs), e.IDs[0], e.IDs[1])
}

func tooLarge(size int64) error {
	return fmt.Errorf("it is %d bytes long, want at most %d", size, mostJournal)
}
