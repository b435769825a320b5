package sessions

import (
	"fmt"
)

// journal is the writing end of a session's file. A record is pending until a
// sync after it has succeeded. A sync that fails may have lost any of what was
// pending, whatever a later one says, so all of it is then written again;
// readers take each record once, by its number.
type journal struct {
	file    file
	pending [][]byte // lines, in order
	written int      // how many of them were handed to the system since the last failure
	size    int64    // of the file, at least
	// torn says that the file may end inside a line.
	torn bool
}

// add makes a record pending.
func (j *journal) add(r *record) error {
	line, err := appendFrame(nil, r)
	if err != nil {
		return err
	}
	if j.size+int64(len(line)) > mostJournal-mostJournal/4 {
		return fmt.Errorf("sessions: a session can hold %d MiB and this one is full: fork it, or begin a new one", (mostJournal-mostJournal/4)>>20)
	}
	j.size += int64(len(line))
	j.pending = append(j.pending, line)
	return nil
}

// write hands what is pending to the system, in one call: it survives the end
// of this process, though not of the machine.
func (j *journal) write() error {
	if j.written == len(j.pending) {
		return nil
	}
	var out []byte
	if j.torn {
		out = append(out, '\n')
	}
	for _, line := range j.pending[j.written:] {
		out = append(out, line...)
	}
	n, err := j.file.Write(out)
	if err != nil || n < len(out) {
		j.torn = j.torn || n > 0
		if err == nil {
			err = fmt.Errorf("%d of %d bytes were written", n, len(out))
		}
		return err
	}
	j.torn = false
	j.written = len(j.pending)
	return nil
}

// sync makes everything that was added lasting.
func (j *journal) sync() error {
	if len(j.pending) == 0 {
		return nil
	}
	if err := j.write(); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		j.written, j.torn = 0, true
		return err
	}
	j.pending, j.written = nil, 0
	return nil
}
