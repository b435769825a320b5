// Package cpu runs graphs on the host's processors: it divides each operation
// of a graph over a fixed set of worker threads and calls package kernel for the
// arithmetic.
//
// A compiled segment is a list of steps. Every worker walks the whole list; the
// pieces of a step go to whoever is free, and a barrier stands before a step only
// where it depends on what ran since the last one. Because the kernels give the
// same bits for a row and a token however the work is cut, results depend
// neither on the number of threads nor on how a prompt was split into batches.
package cpu

import (
	"fmt"

	"scout/engine/internal/kernel"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// Backend is the host. Programs of one backend share its threads, so only one
// may run at a time.
type Backend struct {
	pool     *pool
	scratch  []kernel.Scratch // by worker
	bytes    int64            // of the activations of all compiled programs
	programs []*program       // that were compiled
}

var _ tensor.Backend = (*Backend)(nil)

// New is a backend with the given number of threads, at least one.
func New(threads int) *Backend {
	threads = max(threads, 1)
	return &Backend{pool: newPool(threads), scratch: make([]kernel.Scratch, threads)}
}

// Name is "cpu".
func (b *Backend) Name() string { return "cpu" }

// Threads is the number of workers.
func (b *Backend) Threads() int { return b.pool.n }

// ActivationBytes is the room that the compiled programs' activations take.
func (b *Backend) ActivationBytes() int64 { return b.bytes }

// WorkspaceBytes is the room that attention takes besides, in runs with a cache of
// the layers of spec that belong to device d.
func (b *Backend) WorkspaceBytes(spec tensor.CacheSpec, d tensor.Device) (n int64) {
	cells, blocks := 0, false
	for _, s := range spec {
		if s.Device == d {
			cells, blocks = max(cells, s.Cells), blocks || s.Type.Block() > 1
		}
	}
	for _, p := range b.programs {
		n += p.attention.bytes(cells, blocks, p.limits.Tokens, b.Threads())
	}
	return n
}

// Close ends the threads. No program may run then or later.
func (b *Backend) Close() error {
	b.pool.close()
	return nil
}

// Supports refuses only weights that have no decoder.
func (b *Backend) Supports(op tensor.Op) error {
	for _, w := range weights(op) {
		if w != nil && !w.Type.Decodes() {
			return fmt.Errorf("cpu: tensor %s is of type %v, which has no decoder", w.Name, w.Type)
		}
	}
	return nil
}

// weights lists the weights an operation reads; some may be nil.
func weights(op tensor.Op) []*tensor.Weight {
	switch o := op.(type) {
	case tensor.Embed:
		return []*tensor.Weight{o.W}
	case tensor.RMSNorm:
		return []*tensor.Weight{o.W}
	case tensor.MatMul:
		return []*tensor.Weight{o.W, o.Bias}
	case tensor.FFN:
		return []*tensor.Weight{o.Gate, o.Up, o.Down}
	case tensor.ExpertFFN:
		return []*tensor.Weight{o.Gate, o.Up, o.Down}
	case tensor.LayerNorm:
		return []*tensor.Weight{o.W, o.Bias}
	case tensor.AddRows:
		return []*tensor.Weight{o.W}
	}
	return nil
}

// matrix is a weight as the kernels take it; for a stack, the matrix of expert e.
func matrix(w *tensor.Weight, e int) kernel.Matrix {
	return kernel.Matrix{Type: w.Type, Rows: w.Out(), Cols: w.In(), Data: w.Slab(e)}
}

// vector is a small weight as numbers, nil for nil.
func vector(w *tensor.Weight) []float32 {
	if w == nil {
		return nil
	}
	out := make([]float32, w.In())
	quant.Dequantize(w.Type, out, w.Data[:w.Type.RowBytes(w.In())])
	return out
}
