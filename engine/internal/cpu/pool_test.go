package cpu

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scout/engine/tensor"
)

// lockstep is a program whose steps only count: each step checks that the one
// before it is finished, by everybody if there was a barrier between.
type lockstep struct {
	b      *Backend
	p      *program
	done   []atomic.Int32 // by step: workers through it
	panics map[int]int    // by step: the worker that panics in it
	early  atomic.Int32   // steps begun before their barrier allowed
}

// newLockstep has steps, of which a barrier stands before those that barriers
// names.
func newLockstep(b *Backend, steps int, barriers func(i int) bool, work func()) *lockstep {
	l := &lockstep{b: b, p: &program{b: b}, done: make([]atomic.Int32, steps), panics: map[int]int{}}
	l.p.check = l.p.halt
	s := make([]step, steps)
	for i := range s {
		s[i] = step{name: fmt.Sprintf("step %d", i), barrier: barriers(i), pieces: new(counter), run: func(worker int) {
			if s[i].barrier && l.done[i-1].Load() != int32(b.Threads()) {
				l.early.Add(1)
			}
			if who, ok := l.panics[i]; ok && who == worker {
				panic("on purpose")
			}
			work()
			l.done[i].Add(1)
		}}
	}
	l.p.segments = []segment{{steps: s, job: func(worker int) { l.p.walk(s, worker) }}}
	return l
}

func (l *lockstep) run(stop func() bool) error {
	for i := range l.done {
		l.done[i].Store(0)
	}
	return l.p.Run(0, &tensor.Batch{}, nil, stop)
}

// check says what went wrong unless every worker did every step, in order.
func (l *lockstep) check() error {
	for i := range l.done {
		if n := l.done[i].Load(); n != int32(l.b.Threads()) {
			return fmt.Errorf("%d threads: step %d was done %d times", l.b.Threads(), i, n)
		}
	}
	if n := l.early.Load(); n != 0 {
		return fmt.Errorf("%d threads: %d steps began before those they depend on had ended", l.b.Threads(), n)
	}
	return nil
}

// jitter is the work of a step: mostly none, now and then long enough for the
// others to go to sleep, or a chance for the scheduler.
func jitter() {
	switch rand.IntN(200) {
	case 0:
		time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
	case 1, 2, 3, 4:
		runtime.Gosched()
	}
}

// disturb collects garbage and changes the number of processors, over and over,
// until the test ends.
func disturb(t *testing.T) {
	before, quit := runtime.GOMAXPROCS(0), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-quit:
				runtime.GOMAXPROCS(before)
				return
			case <-time.After(time.Millisecond):
				runtime.GC()
				runtime.GOMAXPROCS(1 + i%(before+2))
			}
		}
	})
	t.Cleanup(func() { close(quit); done.Wait() })
}

// TestPoolStress opens pools of any size, runs little programs and closes them
// idle, asleep or at once, while the collector and the scheduler interfere. A
// wake-up that gets lost hangs it.
func TestPoolStress(t *testing.T) {
	disturb(t)
	pools := 300
	if testing.Short() {
		pools = 50
	}
	for range pools {
		b := New(1 + rand.IntN(9))
		l := newLockstep(b, 1+rand.IntN(40), func(i int) bool { return i > 0 && i%3 != 0 }, jitter)
		for range rand.IntN(20) {
			if err := errors.Join(l.run(nil), l.check()); err != nil {
				t.Fatal(err)
			}
			jitter()
		}
		if rand.IntN(3) == 0 {
			time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		}
		b.Close()
	}
}

// TestPoolTurns runs programs of several pools at the same time, as models beside
// each other do.
func TestPoolTurns(t *testing.T) {
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			b := New(3)
			defer b.Close()
			l := newLockstep(b, 30, func(i int) bool { return i > 0 }, jitter)
			for range 50 {
				if err := errors.Join(l.run(nil), l.check()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	users.Wait()
}

// TestPoolPanics checks that a panic in any step and worker comes out as an error,
// that nobody goes on past the next barrier, and that the next run is unharmed.
func TestPoolPanics(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		b := New(threads)
		l := newLockstep(b, 20, func(i int) bool { return i > 0 && i%4 != 3 }, jitter)
		for range 100 {
			at := rand.IntN(20)
			l.panics = map[int]int{at: rand.IntN(threads)}
			if rand.IntN(2) == 0 { // two at a time
				l.panics[rand.IntN(20)] = rand.IntN(threads)
			}
			err := l.run(nil)
			if err == nil || !strings.Contains(err.Error(), "internal error: on purpose") {
				t.Fatalf("%d threads, panics %v: error is %v", threads, l.panics, err)
			}
			for i := at + 2; i < 20; i++ { // a barrier stands before one of any two steps
				if n := l.done[i].Load(); n != 0 {
					t.Fatalf("%d threads, panics %v: step %d was done %d times", threads, l.panics, i, n)
				}
			}
			l.panics = nil
			if err := errors.Join(l.run(nil), l.check()); err != nil {
				t.Fatal(err)
			}
		}
		b.Close()
	}
}

// TestPoolStop stops runs at any barrier.
func TestPoolStop(t *testing.T) {
	b := New(3)
	defer b.Close()
	l := newLockstep(b, 30, func(i int) bool { return i > 0 }, jitter)
	for range 200 {
		calls, at := 0, rand.IntN(29)
		if err := l.run(func() bool { calls++; return calls > at }); err != tensor.ErrStopped {
			t.Fatalf("error is %v, want ErrStopped", err)
		}
		for i := range l.done {
			want := int32(0)
			if i <= at {
				want = 3
			}
			if n := l.done[i].Load(); n != want {
				t.Fatalf("stopped at barrier %d: step %d was done %d times, want %d", at, i, n, want)
			}
		}
	}
}

// TestBarrierPatience checks that waiting adapts: with more workers than
// processors they soon sleep at once, and with nobody to wait for they look again.
func TestBarrierPatience(t *testing.T) {
	var b barrier
	b.init(2)
	for n := range 30 { // alone, nobody comes: generation 1 is no probe
		if b.spin(0); b.spins.Load() != spins {
			t.Fatalf("a probe in vain, for the %d. time, left %d looks", n, b.spins.Load())
		}
		b.gen.Store(1)
		want := b.spins.Load() / 2
		if b.spin(1); b.spins.Load() != want {
			t.Fatalf("a look in vain left %d looks, want %d", b.spins.Load(), want)
		}
		b.gen.Store(0)
		if want > 0 {
			b.spins.Store(spins)
		}
	}
	b.gen.Store(1)
	for range 20 {
		b.spin(1)
	}
	if n := b.spins.Load(); n != 0 {
		t.Errorf("after 20 looks in vain there are still %d", n)
	}
	b.gen.Store(probe)
	go func() {
		b.gen.Add(1)
	}()
	for !b.spin(probe) { // a look of 20 µs may miss it
	}
	if n := b.spins.Load(); n != spins {
		t.Errorf("after a probe that found somebody there are %d looks, want %d", n, spins)
	}
}

// BenchmarkToken is the barriers of one token of 48 layers, without work, with as
// many workers as processors and with more.
func BenchmarkToken(b *testing.B) {
	for _, threads := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("%d threads", threads), func(b *testing.B) {
			backend := New(threads)
			defer backend.Close()
			l := newLockstep(backend, 480, func(i int) bool { return i > 0 }, func() {})
			var times []time.Duration
			for b.Loop() {
				begin := time.Now()
				if err := l.run(nil); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(begin))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/480, "ns/barrier")
			b.ReportMetric(float64(times[0].Nanoseconds())/480, "best-ns/barrier")
		})
	}
}
