package cpu

import (
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
		if s.bytes != nil && p.b.pool.fault.Load() == nil {
			costs[i].bytes += s.bytes()
		}
	}
}

// lap adds the time since the last lap to a step's.
func (p *program) lap(c *cost) {
	now := time.Now()
	c.spent += now.Sub(p.mark)
	p.mark = now
}

// charge says how many bytes of weights or cache the step that was added last
// reads in a run; bytes is called by worker 0 behind its share of the step.
func (c *compiler) charge(bytes func() int64) { c.steps[len(c.steps)-1].bytes = bytes }
