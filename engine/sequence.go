package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"scout/engine/kvcache"
	"scout/engine/tensor"
)

// Sequence is one mutable timeline on a model: tokens, their keys and values,
// and the logits after the last of them. One goroutine uses it at a time.
type Sequence struct {
	m      *Model
	line   *kvcache.Timeline
	caches *tensor.Caches
	exec   *tensor.Executor // that caches are of
	batch  tensor.Batch     // reused, so that a token costs no allocation
	out    []int32          // backing of batch.Outputs
	logits []float32        // [vocabulary], of the last batch that had one output row
	closed bool
}

// Want says which logits Append computes.
type Want uint8

// No logits at all, those after the last token, or those after every token.
const (
	NoLogits Want = iota
	LastLogits
	AllLogits
)

// NewSequence is an empty timeline with its cache.
func (m *Model) NewSequence() (*Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.exec == nil {
		return nil, ErrClosed
	}
	caches, err := m.exec.NewCache(m.cacheSpec())
	if err != nil {
		return nil, err
	}
	return &Sequence{
		m: m, caches: caches, exec: m.exec, line: kvcache.New(m.model.Cache, m.context),
		out: make([]int32, batchOutputs), logits: make([]float32, m.model.Config.Vocabulary),
	}, nil
}

func (m *Model) cacheSpec() tensor.CacheSpec {
	m.placed.Lock()
	defer m.placed.Unlock()
	return kvcache.Spec(m.model.Cache, m.context, m.kv)
}

// Len is the position of the next token.
func (s *Sequence) Len() int { return s.line.Len() }

// Tokens is a copy of the tokens held; ids below zero are embeddings of pictures
// (see Model.Encode).
func (s *Sequence) Tokens() []int32 { return slices.Clone(s.line.Tokens()) }

// Truncate forgets the tokens from position n on. It returns the length that
// could be kept, which is less than n where chunked layers have already written
// over what the tokens after n would look at, and more than n only where the
// sequence began behind it (StartAt).
func (s *Sequence) Truncate(n int) int { return s.line.Truncate(n) }

// StartAt empties the sequence and lets it begin at a later position, as if
// nothing had ever been there: the way to hold long positions against a reference
// without a long prompt.
func (s *Sequence) StartAt(position int) error { return s.line.StartAt(position) }

// Close frees the cache.
func (s *Sequence) Close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.caches.Close()
}

// Append computes ids at the end of the sequence. each, if not nil, gets the
// logits asked for, [vocabulary], in order of position; it must not keep them.
// When ctx ends, Append stops within one operation of one layer and returns its
// error; the tokens of the batches completed so far stay.
func (s *Sequence) Append(ctx context.Context, ids []int32, want Want, each func(pos int, logits []float32) error) error {
	for i, id := range ids {
		if id < 0 || int(id) >= s.m.model.Config.Vocabulary {
			return fmt.Errorf("engine: token %d of %d is %d, want 0 to %d", i+1, len(ids), id, s.m.model.Config.Vocabulary-1)
		}
	}
	return s.extend(ctx, ids, nil, want, each)
}

// extend is Append for ids of which some are below zero and stand for embeddings:
// [ids below zero, width], in order.
func (s *Sequence) extend(ctx context.Context, ids []int32, embeds []float32, want Want, each func(int, []float32) error) error {
	if n := len(ids); n > s.line.Room() {
		return &ContextError{Need: s.line.Len() + n, Have: s.line.Context()}
	}
	for len(ids) > 0 {
		n, err := s.step(ctx, ids, embeds, want, each)
		if err != nil {
			return err
		}
		for _, id := range ids[:n] {
			if id < 0 {
				embeds = embeds[s.m.model.Config.Width:]
			}
		}
		ids = ids[n:]
	}
	return nil
}

// step computes one batch from the front of ids and returns its length.
func (s *Sequence) step(ctx context.Context, ids []int32, embeds []float32, want Want, each func(int, []float32) error) (int, error) {
	limit := batchTokens
	if want == AllLogits {
		limit = batchOutputs
	}
	n := s.line.Batch(len(ids), limit)
	s.batch = tensor.Batch{Tokens: ids[:n], Embeds: embeds, Start: s.line.Len(), Origin: s.line.Origin(), Outputs: s.out[:0]}
	switch {
	case want == AllLogits:
		for t := range n {
			s.batch.Outputs = append(s.batch.Outputs, int32(t))
		}
	case want == LastLogits && n == len(ids):
		s.batch.Outputs = append(s.batch.Outputs, int32(n-1))
	}
	return n, s.run(ctx, each)
}

// run computes s.batch and hands out its logits. A batch that was computed to its
// end counts, even if ctx has ended meanwhile.
func (s *Sequence) run(ctx context.Context, each func(int, []float32) error) error {
	rows, err := s.compute(ctx)
	if errors.Is(err, tensor.ErrStopped) {
		return stopped(ctx, s.batch.Start)
	}
	if err != nil {
		return err
	}
	s.line.Extend(s.batch.Tokens)
	return s.hand(rows, each)
}

// compute is the part of run that holds the model, so that each may take its
// time. The rows it returns are the sequence's own.
func (s *Sequence) compute(ctx context.Context) ([]float32, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.exec == nil || s.closed {
		return nil, ErrClosed
	}
	b := &s.batch
	rows, err := s.attempt(ctx)
	if errors.Is(err, ErrGPULost) && s.m.Lost() == nil {
		if err = s.m.fallBack(err); err == nil {
			rows, err = s.attempt(ctx)
		}
	}
	s.line.Wrote(b.Start + len(b.Tokens))
	if err == nil && s.m.onRouted != nil {
		err = s.m.report(b)
	}
	if err != nil {
		return nil, explain(s.m.file, err)
	}
	if len(b.Outputs) == 1 {
		copy(s.logits, rows)
		return s.logits, nil
	}
	return slices.Clone(rows), nil
}

// stopped is the error of a run that ctx ended; it is ctx's error and, where the
// caller gave one, its cause.
func stopped(ctx context.Context, position int) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return fmt.Errorf("engine: stopped at position %d: %w: %w", position, ctx.Err(), cause)
	}
	return fmt.Errorf("engine: stopped at position %d: %w", position, ctx.Err())
}

// hand gives the logits of the batch that was just computed to each.
func (s *Sequence) hand(rows []float32, each func(int, []float32) error) error {
	if each == nil {
		return nil
	}
	v := s.m.model.Config.Vocabulary
	for i, t := range s.batch.Outputs {
		if err := each(s.batch.Start+int(t), rows[i*v:(i+1)*v]); err != nil {
			return err
		}
	}
	return nil
}
