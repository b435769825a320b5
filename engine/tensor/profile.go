package tensor

import (
	"cmp"
	"slices"
	"time"
)

// Profiler is a Program that can say what its operations cost. Programs need
// not be able to; ask with a type assertion, or ask the Executor.
type Profiler interface {
	// Profile begins measuring, from zero, or ends it and keeps what was measured.
	// Off, it costs a run nothing; on, it costs two looks at a clock per step and
	// allocates nothing. No segment may be running.
	Profile(on bool)
	// Timings is what the runs since Profile(true) took, in the order of the
	// program. It may not be called while a segment is running.
	Timings() []Timing
	// Reread reads once more the weights that the last run read, with plain loads
	// and all threads, and says how many bytes that were and how long it took: no
	// run that reads them from where they lie can be faster.
	Reread() (bytes int64, d time.Duration, err error)
}

// Timing is what one step of an operation took in all the runs that were
// measured. An operation is one step or several: preparing its input, each of
// its matrix products, what lies between.
type Timing struct {
	Node     int           // index of the operation in Graph.Nodes
	Step     string        // name of the weight it multiplies with, or what it does: "norm", "attend"
	Duration time.Duration // by the clock on the wall, waiting for the other threads included
	Bytes    int64         // of weights and cache that had to be read, each once a run
}

// Profile begins or ends measuring on every device that can; see Profiler.
func (x *Executor) Profile(on bool) {
	for _, p := range x.programs {
		if profiler, ok := p.(Profiler); ok {
			profiler.Profile(on)
		}
	}
}

// Timings is what was measured on all devices, in the order of the graph.
func (x *Executor) Timings() []Timing {
	var all []Timing
	for _, p := range x.programs {
		if profiler, ok := p.(Profiler); ok {
			all = append(all, profiler.Timings()...)
		}
	}
	// A node belongs to one program, which lists its steps in order.
	slices.SortStableFunc(all, func(a, b Timing) int { return cmp.Compare(a.Node, b.Node) })
	return all
}

// Reread is the sum over all devices that can measure, one after the other.
func (x *Executor) Reread() (bytes int64, d time.Duration, err error) {
	for _, p := range x.programs {
		profiler, ok := p.(Profiler)
		if !ok {
			continue
		}
		n, took, err := profiler.Reread()
		if err != nil {
			return 0, 0, err
		}
		bytes, d = bytes+n, d+took
	}
	return bytes, d, nil
}
