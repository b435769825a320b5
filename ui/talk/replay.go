package talk

import (
	"context"
	"errors"
	"fmt"

	"scout/engine"
	"scout/sessions"
)

// Replayed is what came of generating a recorded reply again.
type Replayed struct {
	// Identical is that it came out the same, to the byte; of a reply that was cut,
	// that what there is of it did.
	Identical bool
	At        int    // otherwise: the first byte of the text that differs, which may be behind the end of either
	Token     int    // and the token of the new one that differs, counted from 1; the one after its last if it ends early
	Was, Is   string // the recorded text, and the new one up to the step in which it parted
	// Reason is why the new one ended; empty if it was stopped since all was known.
	Reason engine.Reason
	Seed   uint64
	Stats  engine.Stats
}

// Replay generates the reply with that id again, with the sampling and the seed that
// are recorded with it, on a sequence of its own. m should be the model that is
// recorded, which the caller sees to; store has the conversation's attachments, and may
// be nil if it has none. The same text takes the same model, the same version of the
// engine, and a template that does not write the date.
func Replay(ctx context.Context, m Model, store *sessions.Store, c *sessions.Conversation, id int) (r Replayed, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("talk: replaying message %d: %w", id, err)
		}
	}()
	reply, ok := c.Message(id)
	switch {
	case !ok:
		return r, ErrNotFound
	case reply.Role != sessions.Assistant:
		return r, fmt.Errorf("it is by %q, and only replies can be replayed", reply.Role)
	case reply.Damaged:
		return r, errors.New("some of its text was lost, so that there is nothing to compare with")
	case reply.Reply == nil || reply.Reply.Engine == "" && reply.Reply.Model == (sessions.Model{}):
		return r, errors.New("it is not recorded how it came about: it was imported")
	}
	told, onto, err := conversation(c.Path(reply.Parent), fetchFrom(store))
	if err != nil {
		return r, err
	}
	seq, err := m.NewSequence()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, seq.Close()) }()
	sampling := asked(reply.Reply.Sampling)
	deltas, err := generate(ctx, m, seq, told, onto, sampling)
	if err != nil {
		return r, err
	}
	r = Replayed{Was: reply.Text, Seed: sampling.Seed}
	cut := wasCut(reply)
	var text []byte
	for d, err := range deltas {
		if err != nil {
			return r, err
		}
		text = append(text, d.Text...)
		r.Stats, r.Reason = d.Stats, d.Reason
		if r.At = parting(reply.Text, text); r.At < len(text) || cut && r.At == len(reply.Text) {
			break
		}
	}
	r.Is = string(text)
	r.Identical = r.At == len(reply.Text) && (cut || len(text) == len(reply.Text))
	if r.Token = r.Stats.Generated; r.At == len(text) {
		r.Token++
	}
	return r, ctx.Err()
}

// fetchFrom gets attachments from a store.
func fetchFrom(store *sessions.Store) fetcher {
	return func(a sessions.Attachment) ([]byte, error) {
		if store == nil {
			return nil, sessions.ErrNotFound
		}
		return store.Attachment(a.Hash)
	}
}

// wasCut is whether a reply ended otherwise than by what is recorded with it.
func wasCut(m sessions.Message) bool {
	reason := engine.Reason(m.Reply.Reason)
	return m.Unfinished || reason == "" || reason == Interrupted || reason == Failed
}

// parting is the first byte in which two texts differ.
func parting(a string, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// asked is a recorded sampling as the engine is asked for it.
func asked(s sessions.Sampling) engine.Sampling {
	return engine.Sampling{
		Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, MinP: s.MinP, RepeatPenalty: s.RepeatPenalty,
		PresencePenalty: s.PresencePenalty, FrequencyPenalty: s.FrequencyPenalty, PenaltyWindow: s.PenaltyWindow,
		Seed: s.Seed, MaxTokens: s.MaxTokens, Stop: s.Stop,
	}
}
