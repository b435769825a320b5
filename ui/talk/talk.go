// Package talk is one conversation with a model, without a terminal: what is
// said, what waits to be said, who answers, and how fast.
//
//	Send ─► queue ─► a message in the tree ─► saved ─► the model ─► its reply, word by word
//	                       ▲                    │                     │
//	Edit, Regenerate ──────┘                sessions ◄────────────────┘
//
// Two goroutines do all that takes time: one runs the model, one saves. No
// method waits for the model, and only those that say so wait for the disk;
// all are safe from any goroutine. A message is safe on disk before the model
// begins to answer it, and a reply is written down as it comes. A disk that
// fails stops nothing: the talk goes on in memory, Notice says so, Unsaved
// reports it, and saving is tried again until it works.
//
// Nothing is dropped to make a prompt fit. What the model cannot be told is
// refused before anything runs, with the engine's *engine.ContextError, and is
// handed back by TakeBack.
package talk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"scout/engine"
	"scout/sessions"
)

// Errors that a caller may branch on.
var (
	// ErrBusy is that a reply is being written: Stop it, or wait for it.
	ErrBusy = errors.New("talk: it is answering: stop it first, or wait")
	// ErrNoModel is that there is no model to answer.
	ErrNoModel = errors.New("talk: no model is open: choose one")
	// ErrClosed is that the talk is over.
	ErrClosed = errors.New("talk: it has been closed")
	// ErrNothing is that there is nothing to send, answer, or go on with.
	ErrNothing = errors.New("talk: there is nothing to answer")
	// ErrNotFound is that no message has that number.
	ErrNotFound = errors.New("talk: there is no such message")
	// ErrWhole is that a reply cannot be continued since the model ended it.
	ErrWhole = errors.New("talk: the reply is whole: ask for more, or regenerate it")
	// ErrContinue is that this model has no way to go on with a reply.
	ErrContinue = errors.New("talk: this model cannot go on with a reply: regenerate it")
	// ErrContinuePictures is that a reply to pictures cannot be continued.
	ErrContinuePictures = errors.New("talk: a reply in a conversation with pictures cannot be continued: regenerate it")
)

// Model is what a talk needs of an opened model. Engine makes one of the
// engine's. A model that can do more says so by more methods: see Encoder,
// Placer and SetUp. A talk never closes a model: who opened it closes it, once SetModel or
// Close has returned.
type Model interface {
	Info() engine.Info
	Context() int
	Memory() engine.Memory
	Price(image []byte) (engine.ImagePlan, error)
	Tokenize(text string, special bool) []int32
	NewSequence() (Sequence, error)
	Close() error
}

// Sequence is what a talk needs of a sequence. One that implements Completer
// too can go on with a reply that was cut.
type Sequence interface {
	Generate(ctx context.Context, conv []engine.Message, p engine.Sampling) iter.Seq2[engine.Delta, error]
	Close() error
}

// Encoder is a Model that can tell the tokens of a conversation.
type Encoder interface {
	Encode(conv []engine.Message) ([]int32, error)
}

// Completer is a Sequence that can go on after tokens.
type Completer interface {
	Complete(ctx context.Context, ids []int32, p engine.Sampling) iter.Seq2[engine.Delta, error]
}

// Placer is a Model that knows what of it lies where. It is recorded with every
// reply.
type Placer interface {
	Placement() []sessions.Place
}

// SetUp is a Model that knows which it is, by a hash, and how it was opened. Both are
// recorded with every reply.
type SetUp interface {
	Setup() (hash string, s sessions.Setup)
}

// Options says how to begin.
type Options struct {
	Store   *sessions.Store // nil: nothing is saved
	Session string          // id of the session to go on with; empty: a new one
	Model   Model           // nil: none yet; what is sent waits for SetModel
	Ref     sessions.Model  // what is recorded of the model
	Engine  string          // version, recorded with every reply
	// System is the system prompt of a new conversation. A session that is gone on
	// with keeps its own, until SetSystem.
	System string
	// Sampling is how replies are chosen. With the seed 0 each reply gets a seed of
	// its own, by chance; whichever it is, it is recorded.
	Sampling engine.Sampling
}

// File is a file that goes with a message: a picture, or text. Text is shown to
// the model under a heading and between fences, and stays a file in the session.
type File struct {
	Name  string
	Data  []byte // not to be changed
	Image bool
}

// Prompt is a message that has not been said yet.
type Prompt struct {
	Text  string
	Files []File
	Held  bool // it waits for Resume
	// Edits is the id of the message that it was to stand in the place of, whose files
	// it was to have besides; 0: of none.
	Edits int
}

// Turn is a message of the branch that is shown. A reply that was continued is
// one turn.
type Turn struct {
	// ID is for Edit and Show, and is the id in the session, but for what comes after a
	// message that a session refused for good. Of a continued reply it is the last one's.
	ID    int
	Role  sessions.Role
	Text  string
	Time  time.Time             // when it was said
	Files []sessions.Attachment // not to be changed
	Reply *sessions.Reply       // of an answer, not to be changed; its Reason is empty while it is live
	// Live is that it is being written: LiveText has its newest text.
	Live bool
	// Unfinished is a reply that is not whole: stopped, cut by a limit, failed, or
	// left by the end of the program. Continue goes on with it if it is the last.
	Unfinished bool
	Damaged    bool // some of its text was lost with a damaged journal
	Sibling    int  // which of the branches here this is, from 1 on
	Siblings   int  // how many there are; see Branches
}

// Phase is what the talk is doing.
type Phase uint8

// The phases of an answer, in order.
const (
	Idle     Phase = iota
	Loading        // saving the message, making room; or prompts wait for a model
	Seeing         // pictures go through the tower
	Reading        // the prompt is read
	Writing        // the reply comes
	Stopping       // Stop was asked for
)

// The reasons that Reply.Reason has besides the engine's.
const (
	Interrupted engine.Reason = "interrupted" // stopped by the person, or by Close
	Failed      engine.Reason = "error"       // the model failed
)

// Live is the figures of the reply that is being written, or of the last one.
type Live struct {
	Phase       Phase
	Stats       engine.Stats
	Rate        float64       // tokens generated per second, over the last two seconds
	Rates       []float64     // the same by half seconds, newest last, at most 60
	FirstToken  time.Duration // from Started to the first token; 0 until then
	Started     time.Time
	ContextUsed int // positions that the shown branch takes, as far as it has been run
	Context     int // positions there are; 0 without a model
}

// Talk is a conversation. Make one with Open.
type Talk struct {
	engine string
	store  *sessions.Store
	base   sessions.Conversation // what was there when it was opened, without messages
	draw   func() uint64         // a seed by chance

	changed chan struct{} // has an element if something changed since the last Wait
	wake    chan struct{} // has one if the worker has to look
	done    chan struct{} // closed once everything is over
	closing sync.Once
	failed  error // of Close, once done is closed
	saver   *saver

	mu       sync.Mutex // held for moments: never while anything runs, reads or writes
	tree     *tree
	closed   bool
	model    Model
	ref      sessions.Model
	seq      Sequence // the worker's while it answers
	sampling engine.Sampling
	system   *string // asked for from now on; nil: as the branch has it
	queue    []waiting
	next     *job // to be answered first
	running  *job // that is being answered
	live     figures
	failure  error             // of the last turn
	returned *Prompt           // that was refused
	files    map[string][]byte // attachments in memory, by hash
	title    string
}

// Open begins a conversation, or goes on with a session, and waits for the disk.
// Its errors are those of sessions.Store.Open.
func Open(o Options) (*Talk, error) {
	t := &Talk{
		engine: o.Engine, store: o.Store, draw: chance,
		changed: make(chan struct{}, 1), wake: make(chan struct{}, 1), done: make(chan struct{}),
		tree: newTree(), model: o.Model, ref: o.Ref, sampling: cloneSampling(o.Sampling), files: map[string][]byte{},
	}
	if o.System != "" && o.Session == "" {
		t.system = &o.System
	}
	var session *sessions.Session
	switch {
	case o.Store == nil && o.Session != "":
		return nil, errors.New("talk: a session is given and no store to find it in")
	case o.Store != nil && o.Session != "":
		var err error
		if session, err = o.Store.Open(o.Session); err != nil {
			return nil, fmt.Errorf("talk: going on with a session: %w", err)
		}
	case o.Store != nil:
		session = o.Store.New(nil)
	}
	if session != nil {
		c := session.Conversation()
		t.tree.load(c)
		t.base, t.title = *c, c.Title
		t.base.Messages = nil
	}
	t.saver = newSaver(t, session)
	go t.work()
	go t.saver.run()
	return t, nil
}

// chance draws a seed of 32 bits, so that every reader of JSON keeps it
// exactly. It is never 0.
func chance() uint64 { return 1 + uint64(rand.Uint32N(math.MaxUint32)) }

func cloneSampling(s engine.Sampling) engine.Sampling {
	s.Stop = slices.Clone(s.Stop)
	s.TopLogProbs = 0 // nobody looks at them here, and they cost time
	return s
}

// ID is the session's id; empty if nothing is saved.
func (t *Talk) ID() string { return t.base.ID }

// Title is what the session is called; empty until something is said, or if
// nothing is saved.
func (t *Talk) Title() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.title
}

// Rename gives the session a title; an empty one makes it be called by its first
// question again. It waits for the disk.
func (t *Talk) Rename(title string) error {
	s := t.saver.session
	if s == nil {
		return errors.New("talk: renaming: this conversation is not saved")
	}
	err := s.Rename(title)
	title = s.Conversation().Title
	t.mu.Lock()
	t.title = title
	t.mu.Unlock()
	t.notify()
	if err != nil {
		return fmt.Errorf("talk: renaming: %w", err)
	}
	return nil
}

// Conversation is all of it, every branch, as it is now, for export and Replay. Its
// attachments and replies are not to be changed. What was renamed or pinned behind the
// talk's back is not in it.
func (t *Talk) Conversation() *sessions.Conversation {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.base
	c.Title, c.Head = t.title, t.tree.head.ID
	c.Messages = make([]sessions.Message, 0, len(t.tree.nodes))
	for _, n := range t.tree.nodes {
		m := n.Message
		m.Text, m.Unfinished = n.own(), m.Unfinished || n.draft != nil
		c.Messages = append(c.Messages, m)
		if m.Time.After(c.Updated) {
			c.Updated = m.Time
		}
	}
	return &c
}

// Model is what answers, nil if nothing does, and what is recorded of it.
func (t *Talk) Model() (Model, sessions.Model) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.model, t.ref
}

// SetModel makes another model answer from now on, or none if m is nil. The
// conversation stays; the new model reads it with its first reply. When SetModel
// returns, nothing of the old model is in use and it can be closed. It is ErrBusy
// while a reply is written.
func (t *Talk) SetModel(m Model, ref sessions.Model) error {
	t.mu.Lock()
	if err := t.free(); err != nil {
		t.mu.Unlock()
		return err
	}
	old := t.seq
	t.model, t.ref, t.seq = m, ref, nil
	t.mu.Unlock()
	t.rouse()
	t.notify()
	return letGo(old)
}

// Sampling is how the next reply is chosen; see Options.Sampling.
func (t *Talk) Sampling() engine.Sampling {
	t.mu.Lock()
	defer t.mu.Unlock()
	return cloneSampling(t.sampling)
}

// SetSampling says how replies are chosen, from the next one on.
func (t *Talk) SetSampling(s engine.Sampling) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sampling = cloneSampling(s)
}

// System is the system prompt of the next reply.
func (t *Talk) System() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.system != nil {
		return *t.system
	}
	return t.tree.head.system()
}

// SetSystem says what the system prompt is, from the next reply on; an empty one is
// none. It becomes a message of the branch when something is answered with it, so
// that earlier replies can still be replayed as they were.
func (t *Talk) SetSystem(text string) {
	t.mu.Lock()
	t.system = &text
	t.mu.Unlock()
	t.notify()
}

// Wait waits until something has changed since it last returned. However much it
// was, that is one change. It is for one goroutine, and returns false once ctx has
// ended or the talk is closed.
func (t *Talk) Wait(ctx context.Context) bool {
	select {
	case <-t.changed:
		return true
	default:
	}
	select {
	case <-t.changed:
		return true
	case <-t.done:
		return false
	case <-ctx.Done():
		return false
	}
}

// notify tells Wait that something has changed.
func (t *Talk) notify() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// rouse makes the worker look for work.
func (t *Talk) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Close stops a reply, keeps what there is of it, saves, and waits for all of
// that. Prompts that were not said yet stay in Prompts. An error is that
// something could not be saved, and is the same each time; the session is closed
// all the same, so look at Unsaved first where the person can still make room.
func (t *Talk) Close() error {
	t.closing.Do(func() {
		t.mu.Lock()
		t.closed = true
		t.halt()
		t.mu.Unlock()
		t.rouse()
	})
	<-t.done
	return t.failed
}
