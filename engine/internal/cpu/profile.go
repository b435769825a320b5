package cpu

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"scout/engine/tensor"
)

// cost is what one step has taken since profiling began.
type cost struct {
	spent time.Duration
	bytes int64
}

// Profile begins or ends measuring; see tensor.Profiler.
func (p *program) Profile(on bool) {
	p.profiling = on
	if on {
		for _, s := range p.segments {
			clear(s.costs)
		}
	}
}

// Timings is what was measured; see tensor.Profiler.
func (p *program) Timings() []tensor.Timing {
	var all []tensor.Timing
	for _, s := range p.segments {
		for i, c := range s.costs {
			all = append(all, tensor.Timing{Node: s.steps[i].node, Step: s.steps[i].name, Duration: c.spent, Bytes: c.bytes})
		}
	}
	return all
}

// walkTimed is walk for worker 0 with a clock. The time between two looks at it
// goes to the step in between, the wait at a barrier to the step before: that is
// where the others are still at work. Steps without a barrier between them
// overlap, so a division of their sum is by how long worker 0 was in each.
func (p *program) walkTimed(steps []step, costs []cost) {
	p.mark = time.Now()
	for i := range steps {
		s := &steps[i]
		if s.barrier {
			p.b.pool.barrier.wait(p.check)
			if p.halted {
				return
			}
			if i > 0 {
				p.lap(&costs[i-1])
			}
		}
		p.b.pool.guard(s, 0)
		p.lap(&costs[i])
		if p.b.pool.fault.Load() == nil {
			costs[i].bytes += p.bytes(s)
		}
	}
}

// lap adds the time since the last lap to a step's.
func (p *program) lap(c *cost) {
	now := time.Now()
	c.spent += now.Sub(p.mark)
	p.mark = now
}

// bytes is how many bytes of weights and cache the step had to read.
func (p *program) bytes(s *step) (n int64) {
	if s.weights != nil {
		p.read = s.weights(p.read[:0])
		for _, b := range p.read {
			n += int64(len(b))
		}
	}
	if s.bytes != nil {
		n += s.bytes()
	}
	return n
}

// charge says how many bytes of the cache, or of single rows of a weight, the step
// that was added last had to read; worker 0 asks behind its share of the step.
func (c *compiler) charge(bytes func() int64) { c.steps[len(c.steps)-1].bytes = bytes }

// weights says which matrices the step that was added last had to read, all of
// each: add appends them to a list. It is asked after the step, and until the next
// run.
func (c *compiler) weights(add func(to [][]byte) [][]byte) { c.steps[len(c.steps)-1].weights = add }

// rereadPiece is what a worker takes at a time: as much as one call of a kernel
// reads at most.
const rereadPiece = 1 << 20

// Reread reads the last run's weights again; see tensor.Profiler.
func (p *program) Reread() (bytes int64, d time.Duration, err error) {
	if p.batch == nil {
		return 0, 0, nil
	}
	var pieces [][]byte
	for _, s := range p.segments {
		for i := range s.steps {
			if s.steps[i].weights == nil {
				continue
			}
			for _, b := range s.steps[i].weights(nil) {
				bytes += int64(len(b))
				pieces = slices.AppendSeq(pieces, slices.Chunk(b, rereadPiece))
			}
		}
	}
	var next counter
	again := step{name: "reading weights", run: func(int) {
		sum := uint64(0)
		for i := next.take(); i < len(pieces); i = next.take() {
			sum += sumBytes(pieces[i])
		}
		rereadSink.Add(sum)
	}}
	begin := time.Now()
	err = p.b.pool.run(func(worker int) { p.b.pool.guard(&again, worker) })
	return bytes, time.Since(begin), err
}

// rereadSink keeps the sums, so that the compiler keeps the loads.
var rereadSink atomic.Uint64

// sumBytes loads every byte, 64 bits at a time. Four independent sums keep the
// additions from waiting for one another.
func sumBytes(b []byte) uint64 {
	var s0, s1, s2, s3 uint64
	for len(b) >= 64 {
		w := b[:64:64]
		s0 += binary.LittleEndian.Uint64(w[0:]) + binary.LittleEndian.Uint64(w[32:])
		s1 += binary.LittleEndian.Uint64(w[8:]) + binary.LittleEndian.Uint64(w[40:])
		s2 += binary.LittleEndian.Uint64(w[16:]) + binary.LittleEndian.Uint64(w[48:])
		s3 += binary.LittleEndian.Uint64(w[24:]) + binary.LittleEndian.Uint64(w[56:])
		b = b[64:]
	}
	for _, v := range b {
		s0 += uint64(v)
	}
	return s0 + s1 + s2 + s3
}
