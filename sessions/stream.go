package sessions

import (
	"time"
	"unicode/utf8"
)

// syncEvery is how long text of an answer may wait to be safe from a power
// cut.
const syncEvery = 2 * time.Second

// Stream is an answer that is being written. Use it from one goroutine.
type Stream struct {
	s      *Session
	id     int
	parent int
	held   []byte // the beginning of a rune whose rest is still to come
	length int    // bytes of text so far
	synced time.Time
	ended  bool
}

// Begin begins an answer after a message. reply says what is known of it so
// far.
func (s *Session) Begin(after int, reply Reply) (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkAfter(after); err != nil {
		return nil, err
	}
	reply.finite()
	w := &Stream{s: s, id: s.state.lastID + 1, parent: after, synced: s.store.now()}
	r := record{Part: &part{ID: w.id, Parent: after, Reply: &reply}}
	if err := s.add(&r); err != nil {
		return nil, err
	}
	return w, s.write()
}

// ID is the id that the answer has as a message.
func (w *Stream) ID() int { return w.id }

// Write adds text. When it returns without an error the text survives the end
// of this process, and of the machine once two seconds more have been written, or
// Sync or End was called. After an error it is still part of the answer.
func (w *Stream) Write(text string) error {
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || w.ended {
		return s.failed(ErrClosed)
	}
	if err := w.add(text); err != nil {
		return err
	}
	if now := s.store.now(); now.Sub(w.synced) >= syncEvery || now.Before(w.synced) {
		w.synced = now
		return s.sync()
	}
	return s.write()
}

// add adds the whole runes of the text to the conversation.
func (w *Stream) add(text string) error {
	whole, rest := wholeRunes(append(w.held, text...))
	if w.length+len(whole) > mostText {
		return tooLong(w.length + len(whole))
	}
	w.held = rest
	if whole == "" {
		return nil
	}
	if err := w.s.add(&record{Part: &part{ID: w.id, Parent: w.parent, At: w.length, Text: whole}}); err != nil {
		return err
	}
	w.length += len(whole)
	return nil
}

// wholeRunes is b as valid UTF-8, and the bytes at its end that may yet become
// a rune.
func wholeRunes(b []byte) (whole string, rest []byte) {
	end := len(b)
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax+1; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				end = i
			}
			break
		}
	}
	runes := make([]byte, 0, end)
	for i := 0; i < end; {
		r, size := utf8.DecodeRune(b[i:end])
		runes = utf8.AppendRune(runes, r) // a wrong byte becomes U+FFFD
		i += size
	}
	return string(runes), append([]byte{}, b[end:]...)
}

// Sync makes safe what has been written.
func (w *Stream) Sync() error { return w.s.Sync() }

// End ends the answer, with what is known of it now, and makes it safe. An
// answer that is never ended stays, as unfinished.
func (w *Stream) End(reply Reply) (Message, error) {
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || w.ended {
		return Message{}, s.failed(ErrClosed)
	}
	if len(w.held) > 0 {
		w.held = nil
		if err := w.add("\uFFFD"); err != nil {
			return Message{}, err
		}
	}
	w.ended = true
	reply.finite()
	m := s.state.Messages[s.state.place[w.id]]
	m.Reply, m.Unfinished = &reply, false
	if err := s.add(&record{Message: &m}); err != nil {
		return Message{}, err
	}
	return m, s.sync()
}
