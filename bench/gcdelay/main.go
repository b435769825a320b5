// Command gcdelay measures what Go's garbage collector costs a token: it generates
// with a model, with and without a goroutine that collects all the time, in turn.
//
//	go run ./gcdelay -m model.gguf
//
// With -once there is one collection for every token, in the middle of it, and one
// worker waits for its end: the most that a collection by itself can cost.
//
// It prints how long tokens took either way, how long a collection took, and how
// long the runtime waited for all threads to stop, which is what a loop that
// cannot be interrupted would show up in. On a busy machine tokens without any
// collection have the same outliers; only the difference counts.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"scout/engine"
)

type options struct {
	model, kv               string
	threads, depth          int
	rounds, tokens, ballast int
	every                   time.Duration
	once                    bool
}

func main() {
	var o options
	flag.StringVar(&o.model, "m", "", "model `file`")
	flag.StringVar(&o.kv, "kv", "f16", "element type of the cache")
	flag.IntVar(&o.threads, "t", 0, "threads (0: one per usable core)")
	flag.IntVar(&o.depth, "depth", 0, "tokens in the cache before measuring")
	flag.IntVar(&o.rounds, "r", 8, "rounds of each kind")
	flag.IntVar(&o.tokens, "n", 32, "tokens a round")
	flag.IntVar(&o.ballast, "ballast", 0, "also keep this many `MiB` of small objects, which the collector has to walk")
	flag.DurationVar(&o.every, "every", 2*time.Millisecond, "pause between collections")
	flag.BoolVar(&o.once, "once", false, "one collection a token, in the middle of it and waited for, instead of one after the other")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "gcdelay:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx := context.Background()
	m, err := engine.Open(ctx, o.model, engine.Options{Threads: o.threads, KV: o.kv, Context: o.depth + o.tokens + 1})
	if err != nil {
		return err
	}
	defer m.Close()
	s, err := m.NewSequence()
	if err != nil {
		return err
	}
	defer s.Close()
	ballast := objects(o.ballast << 20)
	if err := s.Append(ctx, ids(o.depth), engine.NoLogits, nil); err != nil {
		return err
	}
	c := &collecting{Context: ctx}
	if _, err := generate(c, s, o); err != nil { // the first round reads the weights
		return err
	}
	var plain, collecting, collections []time.Duration
	before := stops()
	for range o.rounds {
		t, err := generate(c, s, o)
		if err != nil {
			return err
		}
		plain = append(plain, t...)
		t, took, err := disturbed(c, s, o)
		if err != nil {
			return err
		}
		collecting, collections = append(collecting, t...), append(collections, took...)
	}
	fmt.Printf("%s, %d threads, %d processors, %s cache at depth %d\n", m.Info().Name, m.Threads(), runtime.GOMAXPROCS(0), o.kv, o.depth)
	describe("tokens", plain)
	describe("while collecting", collecting)
	typical := median(plain)
	for i := range collecting {
		collecting[i] -= typical
	}
	describe("delay", collecting)
	describe("a collection", collections)
	fmt.Printf("%-17s %v at most\n", "waits to stop", most(before, stops()))
	runtime.KeepAlive(ballast)
	return nil
}

// disturbed is generate with collections meanwhile, and the time of each of them.
func disturbed(ctx *collecting, s *engine.Sequence, o options) (tokens, collections []time.Duration, err error) {
	if o.once {
		ctx.on, ctx.took = true, nil
		tokens, err = generate(ctx, s, o)
		ctx.on = false
		return tokens, ctx.took, err
	}
	stop := collect(o.every)
	tokens, err = generate(ctx, s, o)
	return tokens, stop(), err
}

// collecting is a context that collects in the middle of a token: the engine asks
// for its error between operations, as often for one token as for the next.
type collecting struct {
	context.Context
	on       bool
	looks    int // at the error, since the token began
	expected int // of them, as the token before had
	took     []time.Duration
}

func (c *collecting) Err() error {
	if c.looks++; c.on && c.looks == c.expected/2 {
		begin := time.Now()
		runtime.GC()
		c.took = append(c.took, time.Since(begin))
	}
	return c.Context.Err()
}

// generate is the time of each of some tokens behind the first depth.
func generate(ctx *collecting, s *engine.Sequence, o options) ([]time.Duration, error) {
	s.Truncate(o.depth)
	var out []time.Duration
	for _, id := range ids(o.tokens) {
		ctx.expected, ctx.looks = ctx.looks, 0
		begin := time.Now()
		if err := s.Append(ctx, []int32{id}, engine.LastLogits, nil); err != nil {
			return nil, err
		}
		out = append(out, time.Since(begin))
	}
	return out, nil
}

func median(t []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(t))[(len(t)-1)/2]
}

// ids is n tokens that every vocabulary has.
func ids(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i * 7919 % 256)
	}
	return out
}

// collect runs the collector until the function it returns is called, which
// gives the time of each collection.
func collect(every time.Duration) (stop func() []time.Duration) {
	quit, took := make(chan struct{}), []time.Duration{}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-quit:
				return
			case <-time.After(every):
				begin := time.Now()
				runtime.GC()
				took = append(took, time.Since(begin))
			}
		}
	})
	return func() []time.Duration { close(quit); done.Wait(); return took }
}

// objects is about n bytes of a linked list.
func objects(n int) any {
	type node struct {
		next *node
		_    [7]uint64
	}
	var list *node
	for range n / 64 {
		list = &node{next: list}
	}
	return list
}

// stops is the runtime's record of how long collections waited for every thread
// to stop.
func stops() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64Histogram()
}

// most is the upper end of the highest bucket that has grown.
func most(before, after *metrics.Float64Histogram) time.Duration {
	for i := len(after.Counts) - 1; i >= 0; i-- {
		if after.Counts[i] > before.Counts[i] {
			end := after.Buckets[i+1]
			if math.IsInf(end, 1) {
				end = after.Buckets[i]
			}
			return time.Duration(end * 1e9)
		}
	}
	return 0
}

func describe(what string, t []time.Duration) {
	if len(t) == 0 {
		return
	}
	slices.Sort(t)
	at := func(q float64) time.Duration { return t[int(q*float64(len(t)-1))].Round(time.Microsecond) }
	fmt.Printf("%-17s %4d: least %v, median %v, 90%% %v, 99%% %v, most %v\n", what, len(t), at(0), at(0.5), at(0.9), at(0.99), at(1))
}
