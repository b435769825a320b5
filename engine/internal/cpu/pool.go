package cpu

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"scout/engine/tensor"
)

// A worker that waits looks for the others up to spins times before it goes to
// sleep, some 200 µs: longer than the steps of one layer differ, far shorter than a
// stolen time slice. Waking costs more than the whole wait where cores are free.
// Where other programs use the cores too, or there are more workers than cores, that
// is time in which the one waited for could have run. So each vain look halves the
// next, down to none, and every probe-th barrier is waited for at full length again,
// to notice when the cores are free.
//
// Now and then (every polite looks) a worker that waits lets other goroutines run,
// such as those that draw a screen: else they would interrupt one that computes, which
// all others then wait for. With a chat on the screen that is 6 % of the tokens.
const polite = 256

const probe = 64 // a power of two

// pool is a fixed set of workers that run programs in lock-step: every worker
// runs every step, the work inside a step is divided by counters, and a barrier
// stands between steps that depend on each other. The caller of run is worker 0.
type pool struct {
	n       int
	barrier barrier
	job     func(worker int)
	quit    bool
	workers sync.WaitGroup
	fault   atomic.Pointer[faulted] // the first thing that went wrong in the current job
}

// faulted is an error a worker met inside a step.
type faulted struct{ err error }

func newPool(n int) *pool {
	p := &pool{n: n}
	p.barrier.init(n)
	for i := 1; i < n; i++ {
		p.workers.Go(func() { p.work(i) })
	}
	return p
}

func (p *pool) work(i int) {
	debug.SetPanicOnFault(true) // of this goroutine: a cut file must not kill the program
	for {
		p.barrier.wait(nil)
		if p.quit {
			return
		}
		p.job(i)
		p.barrier.wait(nil)
	}
}

// run lets every worker do job once and returns when all have, with the first
// error that guard caught.
func (p *pool) run(job func(worker int)) error {
	p.fault.Store(nil)
	p.job = job
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	p.barrier.wait(nil)
	job(0)
	p.barrier.wait(nil)
	if f := p.fault.Load(); f != nil {
		return f.err
	}
	return nil
}

// close ends the workers.
func (p *pool) close() {
	p.quit = true
	p.barrier.wait(nil)
	p.workers.Wait()
}

// guard runs one worker's share of a step. A panic is kept as the job's error,
// so that the worker still reaches the next barrier, where all of them stop.
func (p *pool) guard(s *step, worker int) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		err := fmt.Errorf("cpu: %s: internal error: %v", s.name, r)
		if f, ok := r.(interface{ Addr() uintptr }); ok {
			err = &tensor.FaultError{Addr: f.Addr()}
		}
		p.fault.CompareAndSwap(nil, &faulted{err})
	}()
	s.run(worker)
}

// barrier lets n goroutines wait for one another, over and over.
type barrier struct {
	n       int32
	arrived atomic.Int32
	_       [60]byte // arrivals and the generation are written at different times
	gen     atomic.Uint32
	_       [60]byte
	spins   atomic.Int32 // looks of the next wait; changed seldom where cores are free
	asleep  atomic.Int32
	mu      sync.Mutex
	wake    *sync.Cond
}

func (b *barrier) init(n int) {
	b.n = int32(n)
	b.spins.Store(spins)
	b.wake = sync.NewCond(&b.mu)
}

// wait returns when all n have called it. The last to arrive runs last first, if
// it is not nil, while the others still wait.
func (b *barrier) wait(last func()) {
	gen := b.gen.Load()
	if b.arrived.Add(1) == b.n {
		if last != nil {
			last()
		}
		b.arrived.Store(0)
		b.gen.Add(1)
		if b.asleep.Load() > 0 {
			b.mu.Lock()
			b.wake.Broadcast()
			b.mu.Unlock()
		}
		return
	}
	if b.spin(gen) {
		return
	}
	b.mu.Lock()
	b.asleep.Add(1)
	for b.gen.Load() == gen {
		b.wake.Wait()
	}
	b.asleep.Add(-1)
	b.mu.Unlock()
}

// spin looks for the end of generation gen for a while, and says whether it came.
func (b *barrier) spin(gen uint32) bool {
	looks := b.spins.Load()
	probing := gen%probe == 0
	if probing {
		looks = spins
	}
	for i := range looks {
		if i%polite == polite-1 {
			runtime.Gosched()
		}
		if b.gen.Load() != gen {
			if b.spins.Load() != spins {
				b.spins.Store(spins)
			}
			return true
		}
	}
	if !probing {
		b.spins.Store(looks / 2)
	}
	return false
}

// counter hands out the pieces of a step to whoever is free.
type counter struct {
	next atomic.Int64
	_    [56]byte // steps that run together must not share a cache line
}

// take returns the next piece, counting from 0.
func (c *counter) take() int { return int(c.next.Add(1) - 1) }
