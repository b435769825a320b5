package talk

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"scout/sessions"
)

// retryEvery is how long a disk that fails is left alone before saving is tried
// again, if nothing is said meanwhile.
const retryEvery = 3 * time.Second

// saver writes down what happens, in the order in which it does, in a goroutine of
// its own: the model does not wait for the disk but once for each reply, before it
// begins.
type saver struct {
	t       *Talk
	session *sessions.Session // nil: nothing is saved
	wake    chan struct{}
	done    chan struct{}

	// Under the talk's lock:
	ops     []op
	spare   []op           // what ops was before, to be filled again
	files   map[string]int // attachments that are not safe yet, by hash: how often they are asked for
	closing bool
	failing error // of the disk, nil if all that was tried is saved
	lost    error // what the session refused for good
	closed  error // of closing the session

	// The saver's own:
	stream *sessions.Stream // of the live reply
	at     int              // bytes of its text that were written
	kept   []op             // attachments to be tried again
}

// op is something to write down.
type op struct {
	kind  opKind
	node  *node
	reply *sessions.Reply // of opBegin and opEnd
	file  sessions.Attachment
	data  []byte
	done  chan struct{}
}

type opKind uint8

const (
	opAttach opKind = iota // a file
	opSay                  // a message
	opBegin                // a reply
	opWrite                // what there is of its text
	opEnd                  // its end
	opShow                 // another branch
	opTell                 // nothing: closes done
)

func newSaver(t *Talk, session *sessions.Session) *saver {
	return &saver{t: t, session: session, wake: make(chan struct{}, 1), done: make(chan struct{}), files: map[string]int{}}
}

// add asks for something to be written down. The talk's lock is held.
func (s *saver) add(o op) {
	if s.session == nil {
		if o.done != nil {
			close(o.done)
		}
		return
	}
	if n := len(s.ops); n > 0 && o.kind == opWrite && s.ops[n-1].kind == opWrite {
		return // it will be written with that
	}
	if o.kind == opAttach {
		s.files[o.file.Hash]++
	}
	s.ops = append(s.ops, o)
	s.rouse()
}

func (s *saver) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// needs is whether an attachment is not safe yet. The talk's lock is held.
func (s *saver) needs(hash string) bool { return s.files[hash] > 0 }

// trouble is what is wrong with saving, in words. The talk's lock is held.
func (s *saver) trouble() (said []string) {
	if s.lost != nil {
		said = append(said, s.lost.Error())
	}
	if s.failing != nil {
		said = append(said, fmt.Sprintf("not saved yet: %v; it is in memory and is tried again", s.failing))
	}
	return said
}

// Unsaved is whether something that was said is in memory alone, since the disk fails
// or the session is full.
func (t *Talk) Unsaved() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.saver.failing != nil || t.saver.lost != nil
}

// run writes until it is closed and nothing is left.
func (s *saver) run() {
	defer close(s.done)
	for {
		s.t.mu.Lock()
		ops := s.ops
		clear(s.spare)
		s.ops, s.spare = s.spare[:0], ops
		closing, failing := s.closing, s.failing != nil
		s.t.mu.Unlock()
		switch {
		case len(ops) > 0:
			for _, o := range ops {
				s.do(o)
			}
		case closing:
			s.shut()
			return
		default:
			s.rest(failing)
		}
	}
}

// rest waits for something to do, and tries again what failed.
func (s *saver) rest(failing bool) {
	if !failing {
		<-s.wake
		return
	}
	timer := time.NewTimer(retryEvery)
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
		s.note(s.session.Sync())
	}
}

// attachKept tries again to keep attachments.
func (s *saver) attachKept() error {
	kept := s.kept
	s.kept = nil
	var errs []error
	for _, o := range kept {
		errs = append(errs, s.attach(o))
	}
	return errors.Join(errs...)
}

// do writes one thing down.
func (s *saver) do(o op) {
	switch o.kind {
	case opAttach:
		if err := s.attach(o); err != nil {
			s.note(err)
		}
	case opSay:
		s.say(o.node)
	case opBegin:
		s.begin(o)
	case opWrite:
		s.note(s.write(o.node))
	case opEnd:
		s.end(o)
	case opShow:
		s.note(s.session.Go(o.node.place()))
	case opTell:
		close(o.done)
	}
}

// note takes the outcome of a write. What worked has written what failed before,
// unless that is an attachment.
func (s *saver) note(err error) {
	if err == nil && len(s.kept) > 0 {
		err = s.attachKept()
	}
	s.t.mu.Lock()
	before := s.failing
	s.failing = err
	s.t.mu.Unlock()
	if (before == nil) != (err == nil) {
		s.t.notify()
	}
}

// lose takes that the session refused something: trying again does not help.
func (s *saver) lose(what string, err error) {
	s.t.mu.Lock()
	s.lost = fmt.Errorf("talk: %s is in memory only: %w", what, err)
	s.t.mu.Unlock()
	s.t.notify()
}

// attach keeps a file, or keeps in mind to do so.
func (s *saver) attach(o op) error {
	_, err := s.t.store.Attach(o.file.Name, o.file.Type, bytes.NewReader(o.data))
	if err != nil {
		s.kept = append(s.kept, o)
		return err
	}
	s.t.mu.Lock()
	if s.files[o.file.Hash]--; s.files[o.file.Hash] <= 0 {
		delete(s.files, o.file.Hash)
	}
	s.t.mu.Unlock()
	return nil
}

// place is the id in the session of n, or of what is nearest before it and there.
func (n *node) place() int {
	for n.stored == 0 && !n.isRoot() {
		n = n.parent
	}
	return n.stored
}

// say saves a message.
func (s *saver) say(n *node) {
	m, err := s.session.Append(n.parent.place(), n.Message)
	if m.ID == 0 {
		s.lose("a message", err)
		return
	}
	n.stored = m.ID
	s.note(err)
	s.t.mu.Lock()
	untitled := s.t.title == ""
	s.t.mu.Unlock()
	if !untitled || n.Role != sessions.User {
		return
	}
	title := s.session.Conversation().Title
	s.t.mu.Lock()
	s.t.title = title
	s.t.mu.Unlock()
	s.t.notify()
}

// begin begins a reply.
func (s *saver) begin(o op) {
	stream, err := s.session.Begin(o.node.parent.place(), *o.reply)
	if stream == nil {
		s.lose("a reply", err)
		return
	}
	s.stream, s.at = stream, 0
	o.node.stored = stream.ID()
	s.note(err)
}

// write writes the text of the reply that is not written yet.
func (s *saver) write(n *node) error {
	if s.stream == nil {
		return nil
	}
	s.t.mu.Lock()
	text := n.own()[s.at:]
	s.t.mu.Unlock()
	s.at += len(text)
	if text == "" {
		return nil
	}
	return s.stream.Write(text)
}

// end ends the reply, all of whose text was written before.
func (s *saver) end(o op) {
	if s.stream == nil {
		return
	}
	m, err := s.stream.End(*o.reply)
	s.stream = nil
	if m.ID == 0 {
		s.lose("the end of a reply", err)
		return
	}
	s.note(err)
}

// shut closes the session.
func (s *saver) shut() {
	if s.session == nil {
		return
	}
	err := errors.Join(s.attachKept(), s.session.Close())
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	s.failing = err
	s.closed = errors.Join(s.lost, err)
}

// close waits until all is written, and says what could not be.
func (s *saver) close() error {
	s.t.mu.Lock()
	s.closing = true
	s.t.mu.Unlock()
	s.rouse()
	<-s.done
	return s.closed
}
