package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"scout/engine/tensor"
)

// OpTime is what one kind of operation took, over all layers and all runs since
// Profile(true).
type OpTime struct {
	// Group is the part of a model: "routed experts", "shared experts", "dense ffn",
	// "attention projections", "attention", "norms", "routing", "output" or "other".
	Group string
	// Step is the operation in it: the name of its weight without layer and
	// ".weight", or what it does otherwise, such as "swiglu".
	Step string
	// Duration is by the clock on the wall, waiting for other threads included.
	Duration time.Duration
	// Bytes of weights and cache that had to be read, each once a batch.
	Bytes int64
}

// Profile begins to measure what operations take, from zero, or ends that. It
// waits for a run that is under way.
func (m *Model) Profile(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.exec != nil {
		m.exec.Profile(on)
	}
}

// OpTimes is what was measured on the devices that can be: the group that took
// longest first, and its steps likewise.
func (m *Model) OpTimes() []OpTime {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.exec == nil {
		return nil
	}
	return sumOps(m.model.Graph, m.exec.Timings())
}

// rereadTime is how long WeightBandwidth repeats its reading.
const rereadTime = 300 * time.Millisecond

// WeightBandwidth measures how fast this machine reads the weights that the last
// run read, in bytes per second: with plain loads from where they are mapped, with
// as many threads as a run has, the fastest of several passes. It is what the speed
// of generating is to be held against, more so than the speed of memory anywhere:
// that can differ by half between one part of a machine's memory and another. It is
// 0 when nothing has run yet.
func (m *Model) WeightBandwidth(ctx context.Context) (float64, error) {
	best := 0.0
	for begin := time.Now(); best == 0 || time.Since(begin) < rereadTime; {
		bytes, d, err := m.reread()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || bytes == 0 || d <= 0 {
			return 0, err
		}
		best = max(best, float64(bytes)/d.Seconds())
	}
	return best, nil
}

func (m *Model) reread() (bytes int64, d time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.exec == nil {
		return 0, 0, ErrClosed
	}
	if bytes, d, err = m.exec.Reread(); err != nil {
		err = explain(m.file, err)
	}
	return bytes, d, err
}

// sumOps adds up the same step of all layers.
func sumOps(g *tensor.Graph, timings []tensor.Timing) []OpTime {
	var ops []OpTime
	groups := map[string]time.Duration{}
	for _, t := range timings {
		group, step := groupOf(g, &g.Nodes[t.Node]), stepName(t.Step)
		groups[group] += t.Duration
		i := slices.IndexFunc(ops, func(o OpTime) bool { return o.Group == group && o.Step == step })
		if i < 0 {
			i = len(ops)
			ops = append(ops, OpTime{Group: group, Step: step})
		}
		ops[i].Duration += t.Duration
		ops[i].Bytes += t.Bytes
	}
	slices.SortStableFunc(ops, func(a, b OpTime) int {
		return cmp.Or(cmp.Compare(groups[b.Group], groups[a.Group]), strings.Compare(a.Group, b.Group), cmp.Compare(b.Duration, a.Duration))
	})
	return ops
}

// groupOf is the part of a model that a node belongs to.
func groupOf(g *tensor.Graph, n *tensor.Node) string {
	switch op := n.Op.(type) {
	case tensor.RMSNorm:
		return "norms"
	case tensor.RoPE, tensor.Temper, tensor.Attend:
		return "attention"
	case tensor.Route:
		return "routing"
	case tensor.ExpertFFN:
		return "routed experts"
	case tensor.FFN:
		return componentOf(op.Gate.Name)
	case tensor.MatMul:
		if n.Out == g.Result {
			return "output" // also when the embedding serves as its matrix
		}
		if componentOf(op.W.Name) == "attention" {
			return "attention projections"
		}
		return "routing" // the router is the only other plain product
	}
	return "other"
}

// stepName is a step's name as layers share it: "ffn_up" for blk.3.ffn_up.weight.
func stepName(name string) string {
	if rest, ok := strings.CutPrefix(name, "blk."); ok {
		_, name, _ = strings.Cut(rest, ".")
	}
	return strings.TrimSuffix(name, ".weight")
}
