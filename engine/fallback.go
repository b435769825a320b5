package engine

import (
	"context"
	"errors"
	"fmt"

	"scout/engine/internal/cpu"
	"scout/engine/kvcache"
	"scout/engine/model"
	"scout/engine/tensor"
)

// Lost is why the model has left its GPUs and goes on on the CPU alone, nil where
// it has not. What it answers is the same; it takes longer, and more memory.
func (m *Model) Lost() error {
	m.placed.Lock()
	defer m.placed.Unlock()
	return m.lost
}

// fallBack moves the model to the CPU after a GPU was lost. Sequences find out with
// their next batch. It is called with the model held.
func (m *Model) fallBack(cause error) error {
	moved, err := m.onCPU()
	if err != nil {
		return errors.Join(cause, err)
	}
	_ = m.exec.Close() // a lost device may say so once more
	for d, b := range m.backends {
		if d != tensor.CPU {
			_ = b.Close()
			delete(m.backends, d)
		}
	}
	m.placed.Lock()
	m.model.Graph, m.model.Cache = moved.Graph, moved.Cache
	m.gpus, m.away, m.lost = nil, 0, cause
	m.placed.Unlock()
	if err := m.compile(); err != nil {
		return errors.Join(cause, err)
	}
	return nil
}

// onCPU is the model without a placement.
func (m *Model) onCPU() (moved *model.Model, err error) {
	if m.backends[tensor.CPU] == nil {
		m.backends[tensor.CPU] = cpu.New(m.threads)
	}
	err = m.file.Guard(func() error {
		moved, err = buildModel(m.file, nil)
		return err
	})
	return moved, err
}

// attempt computes s.batch on the devices that the model has now.
func (s *Sequence) attempt(ctx context.Context) ([]float32, error) {
	if s.exec != s.m.exec {
		if err := s.replay(ctx); err != nil {
			return nil, err
		}
	}
	return s.m.exec.Run(&s.batch, s.caches, func() bool { return ctx.Err() != nil })
}

// replay fills caches on the devices that the model has now with the tokens that
// the sequence holds. Pictures are not kept: a sequence with one forgets everything,
// and whoever hands over the whole conversation again gets it read again.
func (s *Sequence) replay(ctx context.Context) error {
	_ = s.caches.Close() // what was on the device is gone with it
	caches, err := s.m.exec.NewCache(s.m.cacheSpec())
	if err != nil {
		return err
	}
	s.caches = caches
	line := kvcache.New(s.m.model.Cache, s.m.context)
	if origin := s.line.Origin(); origin > 0 {
		if err := line.StartAt(origin); err != nil {
			return err
		}
	}
	rest := s.line.Tokens()
	for _, id := range rest {
		if id < 0 {
			s.line.Truncate(0)
			return fmt.Errorf("engine: the conversation has pictures and must be read again: %w", s.m.Lost())
		}
	}
	for len(rest) > 0 {
		b := tensor.Batch{Tokens: rest[:line.Batch(len(rest), batchTokens)], Start: line.Len(), Origin: line.Origin()}
		if _, err := s.m.exec.Run(&b, s.caches, func() bool { return ctx.Err() != nil }); err != nil {
			return err
		}
		line.Wrote(b.Start + len(b.Tokens))
		line.Extend(b.Tokens)
		rest = rest[len(b.Tokens):]
	}
	s.exec = s.m.exec
	return nil
}
