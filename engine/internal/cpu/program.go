package cpu

import (
	"fmt"
	"slices"
	"time"

	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// program is the nodes of one device, compiled. Everything it needs at run time
// is allocated here, once.
type program struct {
	b         *Backend
	limits    tensor.Limits
	values    map[tensor.Value]*value
	segments  []segment
	attention workspace

	// The current run, read by the steps.
	batch  *tensor.Batch // nil before the first run, then &own
	own    tensor.Batch  // the last run's, which its caller may change as soon as it is over
	cache  *cache
	stop   func() bool
	halted bool
	check  func() // stops the run where asked; a field, so that a run allocates no closure

	profiling bool
	mark      time.Time // worker 0's last look at the clock
	read      [][]byte  // reused
}

// segment is a run of steps with the job that walks them.
type segment struct {
	steps []step
	job   func(worker int)
	timed func(worker int) // job with a clock
	costs []cost           // by step
}

// step is one operation or a part of one.
type step struct {
	name    string
	node    int  // in the graph
	barrier bool // wait for all workers before it
	run     func(worker int)
	pieces  *counter

	weights func(to [][]byte) [][]byte // see weights
	bytes   func() int64               // see charge
}

// value is where an activation lives.
type value struct {
	info    tensor.ValueInfo
	data    []float32 // [rows, width]; the limits' rows of it
	ids     []int32   // of a routing value: expert ids [rows, width]
	packed  []float32 // of a routing value: what Read returns
	storage int       // which buffer data is, for dependencies
}

// row is row r of the value.
func (v *value) row(r int) []float32 {
	w := v.info.Width
	return v.data[r*w : (r+1)*w : (r+1)*w]
}

// rows is how many rows values of a kind have in the current run.
func (p *program) rows(r tensor.Rows) int {
	if r == tensor.PerOutput {
		return len(p.batch.Outputs)
	}
	return len(p.batch.Tokens)
}

// Run computes one segment; see tensor.Program.
func (p *program) Run(i int, b *tensor.Batch, c tensor.Cache, stop func() bool) error {
	if err := p.admit(b, c); err != nil {
		return err
	}
	p.own = *b
	p.batch, p.stop, p.halted = &p.own, stop, false
	s := &p.segments[i]
	for j := range s.steps {
		s.steps[j].pieces.next.Store(0)
	}
	job := s.job
	if p.profiling {
		job = s.timed
	}
	err := p.b.pool.run(job)
	if n := len(s.costs); p.profiling && !p.halted && n > 0 {
		p.lap(&s.costs[n-1]) // the wait for the others' last step
	}
	p.stop = nil
	if err == nil && p.halted {
		err = tensor.ErrStopped
	}
	return err
}

// admit checks a batch against what the program was compiled for.
func (p *program) admit(b *tensor.Batch, c tensor.Cache) error {
	if len(b.Tokens) > p.limits.Tokens || len(b.Outputs) > p.limits.Outputs {
		return fmt.Errorf("cpu: batch has %d tokens and %d outputs, want at most %d and %d",
			len(b.Tokens), len(b.Outputs), p.limits.Tokens, p.limits.Outputs)
	}
	own, ok := c.(*cache)
	if !ok && c != nil {
		return fmt.Errorf("cpu: cache is a %T, which this backend did not make", c)
	}
	if own != nil && own.closed {
		return errClosed
	}
	if own != nil && own != p.cache {
		p.attention.fit(own, p.limits.Tokens, p.b.Threads())
	}
	p.cache = own
	return nil
}

// walk runs the steps as one worker.
func (p *program) walk(steps []step, worker int) {
	for i := range steps {
		s := &steps[i]
		if s.barrier {
			p.b.pool.barrier.wait(p.check)
			if p.halted {
				return
			}
		}
		p.b.pool.guard(s, worker)
	}
}

// halt is what the last worker does at each barrier: decide for all whether to
// go on.
func (p *program) halt() {
	if p.b.pool.fault.Load() != nil || (p.stop != nil && p.stop()) {
		p.halted = true
	}
}

// Write sets a value computed elsewhere; see tensor.Program.
func (p *program) Write(v tensor.Value, data []float32) error {
	to, ok := p.values[v]
	if !ok {
		return fmt.Errorf("cpu: value %d is not part of this program", v)
	}
	if !to.info.Routing {
		if len(data) > len(to.data) {
			return fmt.Errorf("cpu: value %d gets %d numbers, want at most %d", v, len(data), len(to.data))
		}
		copy(to.data, data)
		return nil
	}
	k := to.info.Width
	for r := range len(data) / (2 * k) {
		for j := range k {
			to.ids[r*k+j] = int32(data[2*r*k+j])
			to.data[r*k+j] = data[2*r*k+k+j]
		}
	}
	return nil
}

// Read returns what a run left in v; see tensor.Program.
func (p *program) Read(v tensor.Value) ([]float32, error) {
	from, ok := p.values[v]
	if !ok {
		return nil, fmt.Errorf("cpu: value %d is not part of this program", v)
	}
	rows, k := p.rows(from.info.Rows), from.info.Width
	if !from.info.Routing {
		return from.data[:rows*k], nil
	}
	if from.packed == nil {
		from.packed = make([]float32, 2*len(from.data))
	}
	for r := range rows {
		for j := range k {
			from.packed[2*r*k+j] = float32(from.ids[r*k+j])
			from.packed[2*r*k+k+j] = from.data[r*k+j]
		}
	}
	return from.packed[:2*rows*k], nil
}

// Close lets the memory go.
func (p *program) Close() error {
	p.values, p.segments = nil, nil
	p.b.programs = slices.DeleteFunc(p.b.programs, func(q *program) bool { return q == p })
	return nil
}

// scratch is the kernels' workspace of one worker.
func (p *program) scratch(worker int) *kernel.Scratch { return &p.b.scratch[worker] }
