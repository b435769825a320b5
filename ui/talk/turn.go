package talk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"scout/engine"
	"scout/sessions"
)

// job is a reply to be written.
type job struct {
	after  *node         // what it follows
	reply  *node         // the reply, once the model has begun
	fresh  bool          // with a seed that no reply beside it has
	back   *node         // what was shown before
	prompt *Prompt       // what was said for it: to be handed back if it is refused; nil if nothing was
	saved  chan struct{} // closed once what came before it was written down, or could not be
	ctx    context.Context
	stop   context.CancelFunc
}

// free is whether the conversation can be changed. Callers hold the lock.
func (t *Talk) free() error {
	switch {
	case t.closed:
		return ErrClosed
	case t.running != nil || t.next != nil || t.model != nil && t.waits():
		return ErrBusy
	}
	return nil
}

// message adds a message after another, unless it is there already and was refused.
func (t *Talk) message(after *node, m sessions.Message) *node {
	for _, c := range after.children {
		again := c.refused || c.Role == sessions.System
		if again && c.Role == m.Role && c.Text == m.Text && slices.Equal(c.Attachments, m.Attachments) {
			c.refused = false
			t.show(c)
			return c
		}
	}
	m.Time = time.Now().UTC().Truncate(time.Millisecond)
	n := t.tree.add(after, m)
	t.tree.head = n
	t.saver.add(op{kind: opSay, node: n})
	return n
}

// instruct is where a message that is to follow after stands, once the system prompt
// that was asked for is there.
func (t *Talk) instruct(after *node) *node {
	if t.system == nil || *t.system == after.system() {
		return after
	}
	return t.message(after, sessions.Message{Role: sessions.System, Text: strings.ToValidUTF8(*t.system, "\uFFFD")})
}

// start hands a job to the worker. It shows what the reply follows.
func (t *Talk) start(j *job) {
	j.ctx, j.stop = context.WithCancel(context.Background())
	j.saved = make(chan struct{})
	t.tree.head = j.after
	t.saver.add(op{kind: opTell, done: j.saved})
	t.next = j
	t.failure, t.returned = nil, nil
	t.rouse()
	t.notify()
}

// TakeBack is the prompt that was refused by the last turn, for the composer to have
// again. It is there once. What was refused has been kept in the session, as a branch
// that is not shown; the one before is shown again. Sent again as it was, it is that
// same message.
func (t *Talk) TakeBack() (Prompt, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.returned == nil {
		return Prompt{}, false
	}
	p := *t.returned
	t.returned = nil
	return p, true
}

// Failure is why the last turn failed, nil if it did not: an *engine.ContextError
// among others, as it came. It is forgotten when another turn begins.
func (t *Talk) Failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure
}

// Notice is what the person should know, in words: why the last turn failed, and that
// saving does. It is empty if all is well.
func (t *Talk) Notice() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var said []string
	if t.failure != nil {
		said = append(said, t.failure.Error())
	}
	return strings.Join(append(said, t.saver.trouble()...), "; ")
}

// work answers, one job after another, until the talk is closed.
func (t *Talk) work() {
	for {
		j := t.take()
		if j == nil {
			break
		}
		err := t.answer(j)
		t.finish(j, err)
	}
	t.mu.Lock()
	seq := t.seq
	t.seq = nil
	t.mu.Unlock()
	t.failed = errors.Join(letGo(seq), t.saver.close())
	close(t.done)
}

// take waits for the next job; it is nil when the talk is closed.
func (t *Talk) take() *job {
	for {
		t.mu.Lock()
		if t.next == nil && t.model != nil && !t.closed {
			if i := slices.IndexFunc(t.queue, func(w waiting) bool { return !w.Held }); i >= 0 {
				w := t.queue[i]
				t.queue = slices.Delete(t.queue, i, i+1)
				t.say(w, t.tree.head, nil)
			}
		}
		j := t.next
		if j != nil {
			t.next, t.running = nil, j
			t.live.begin(time.Now())
			if j.ctx.Err() != nil {
				t.live.phase = Stopping
			}
		}
		closed := t.closed
		t.mu.Unlock()
		if j != nil {
			t.notify()
			return j
		}
		if closed {
			return nil
		}
		<-t.wake
	}
}

// errUnfinished is for a model that stops yielding without having said why.
var errUnfinished = errors.New("talk: the model ended without saying why")

// answer runs the model for a job. Its error is why the reply is not whole.
func (t *Talk) answer(j *job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("talk: the model broke down: %v; the conversation is safe, try again or choose another model", r)
		}
	}()
	select { // first what was said is safe
	case <-j.saved:
	case <-j.ctx.Done():
	}
	if j.ctx.Err() != nil {
		return j.ctx.Err()
	}
	t.mu.Lock()
	model, sampling, path := t.model, t.sampling, messages(j.after)
	sampling.Seed = t.seed(j)
	t.mu.Unlock()
	told, onto, err := conversation(path, t.fetch)
	if err != nil {
		return err
	}
	t.forget(path)
	seq, err := t.sequence(model)
	if err != nil {
		return err
	}
	deltas, err := generate(j.ctx, model, seq, told, onto, sampling)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.live.step(Reading)
	t.mu.Unlock()
	t.notify()
	for d, err := range deltas {
		t.step(j, sampling, d, err)
		switch {
		case err != nil:
			return err
		case d.Done:
			return nil
		case j.ctx.Err() != nil:
			return j.ctx.Err()
		}
	}
	return errUnfinished
}

// messages is the messages from the first to n.
func messages(n *node) []sessions.Message {
	var list []sessions.Message
	for _, p := range n.path() {
		list = append(list, p.Message)
	}
	return list
}

// seed is that of a job's reply. One that was not asked for is drawn; one that is to
// differ differs from those of the replies beside it.
func (t *Talk) seed(j *job) uint64 {
	if t.sampling.Seed != 0 && !j.fresh {
		return t.sampling.Seed
	}
	above := j.after
	for above.Role == sessions.System {
		above = above.parent
	}
	for {
		seed := t.draw()
		used := slices.ContainsFunc(above.answers(nil, sessions.Assistant), func(n *node) bool {
			return n.Reply != nil && n.Reply.Sampling.Seed == seed
		})
		if !used && seed != 0 {
			return seed
		}
	}
}

// sequence is the model's timeline, kept from reply to reply so that it need not read
// again what has not changed.
func (t *Talk) sequence(m Model) (Sequence, error) {
	t.mu.Lock()
	seq := t.seq
	t.mu.Unlock()
	if seq != nil {
		return seq, nil
	}
	seq, err := m.NewSequence()
	if err != nil {
		return nil, fmt.Errorf("talk: making room for the conversation: %w", err)
	}
	t.mu.Lock()
	t.seq = seq
	t.mu.Unlock()
	return seq, nil
}

// generate is the steps of a reply to what the model is told, going on with a text if
// it is not empty.
func generate(ctx context.Context, m Model, seq Sequence, told []engine.Message, onto string, s engine.Sampling) (iter.Seq2[engine.Delta, error], error) {
	if onto == "" {
		return seq.Generate(ctx, told, s), nil
	}
	encoder, ok := m.(Encoder)
	completer, ok2 := seq.(Completer)
	if !ok || !ok2 {
		return nil, ErrContinue
	}
	ids, err := encoder.Encode(told)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(ids, func(id int32) bool { return id < 0 }) {
		return nil, ErrContinuePictures
	}
	return completer.Complete(ctx, append(ids, m.Tokenize(onto, false)...), s), nil
}

// step takes a step of a reply.
func (t *Talk) step(j *job, s engine.Sampling, d engine.Delta, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.notify()
	if err != nil {
		if j.reply != nil {
			t.live.count(d.Stats, time.Now())
			t.write(j.reply, d.Text)
		}
		return
	}
	if j.reply == nil {
		t.begin(j, s)
	}
	t.live.count(d.Stats, time.Now())
	t.write(j.reply, d.Text)
	if d.Done {
		reply := *j.reply.Reply
		reply.Reason = string(d.Reason)
		j.reply.Reply = &reply
	}
}

// begin begins the reply of a job: the model has taken what it was told.
func (t *Talk) begin(j *job, s engine.Sampling) {
	reply := sessions.Reply{Model: t.ref, Sampling: recorded(s), Engine: t.engine}
	if p, ok := t.model.(Placer); ok {
		reply.Placement = p.Placement()
	}
	if s, ok := t.model.(SetUp); ok {
		reply.Model.Hash, reply.Setup = s.Setup()
	}
	n := t.tree.add(j.after, sessions.Message{Role: sessions.Assistant, Time: time.Now().UTC().Truncate(time.Millisecond), Reply: &reply})
	n.draft = &strings.Builder{}
	n.draft.WriteString(n.before)
	j.reply = n
	t.tree.head = n
	for said := j.after; !said.isRoot(); said = said.parent {
		said.refused = false
	}
	t.saver.add(op{kind: opBegin, node: n, reply: &reply})
}

// write adds text to a live reply.
func (t *Talk) write(n *node, text string) {
	if text == "" {
		return
	}
	n.draft.WriteString(text)
	t.saver.add(op{kind: opWrite, node: n})
}

// finish ends a job: with the reply that there is, or without one.
func (t *Talk) finish(j *job, err error) {
	if j.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // as was asked for
	}
	if err != nil && !refusal(err) {
		t.drop()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.notify()
	j.stop()
	if j.reply != nil {
		t.end(j.reply, err)
	}
	if j.reply == nil || refusal(err) {
		t.leave(j, err)
	}
	if err != nil {
		t.failure = err
		t.hold()
	}
	t.running, t.live.phase = nil, Idle
}

// drop lets go of a sequence in which something went wrong: nobody knows what is in
// it. What goes wrong with that is no news.
func (t *Talk) drop() {
	t.mu.Lock()
	seq := t.seq
	t.seq = nil
	t.mu.Unlock()
	_ = letGo(seq)
}

// letGo closes a sequence, if there is one, whatever it does.
func letGo(seq Sequence) (err error) {
	if seq == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("talk: letting go of the model: it broke down: %v", r)
		}
	}()
	if err := seq.Close(); err != nil {
		return fmt.Errorf("talk: letting go of the model: %w", err)
	}
	return nil
}

// end makes a live reply a message like others.
func (t *Talk) end(n *node, err error) {
	reply := *n.Reply
	switch {
	case reply.Reason != "": // the model ended it
	case err != nil:
		reply.Reason = string(Failed)
	default:
		reply.Reason = string(Interrupted)
	}
	s := t.live.stats
	reply.Stats = sessions.Stats{PromptTokens: s.PromptTokens, Reused: s.Reused, Generated: s.Generated, Prefill: s.Prefill, Decode: s.Decode, Context: s.Context}
	n.Reply = &reply
	n.all = n.whole()
	n.Text = n.own()
	n.draft = nil
	t.saver.add(op{kind: opEnd, node: n, reply: &reply})
}

// leave ends a job whose reply never began. What could not be said is handed back; a
// question that only got no answer stays.
func (t *Talk) leave(j *job, err error) {
	refused := refusal(err)
	if j.prompt != nil && !refused {
		return
	}
	if j.prompt != nil {
		j.after.refused = true
		t.returned = j.prompt
	}
	t.show(j.back)
}

// refusal is whether an error means that the model was not told what was said, since
// it cannot be, or not all of it.
func refusal(err error) bool {
	var full *engine.ContextError
	var image *engine.ImageError
	var attachment *AttachmentError
	return errors.As(err, &full) || errors.As(err, &image) || errors.As(err, &attachment) || errors.Is(err, engine.ErrNoTower) ||
		errors.Is(err, ErrContinue) || errors.Is(err, ErrContinuePictures)
}

// recorded is a sampling as a session keeps it.
func recorded(s engine.Sampling) sessions.Sampling {
	return sessions.Sampling{
		Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, MinP: s.MinP, RepeatPenalty: s.RepeatPenalty,
		PresencePenalty: s.PresencePenalty, FrequencyPenalty: s.FrequencyPenalty, PenaltyWindow: s.PenaltyWindow,
		Seed: s.Seed, MaxTokens: s.MaxTokens, Stop: slices.Clone(s.Stop),
	}
}
