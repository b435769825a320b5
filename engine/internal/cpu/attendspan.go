package cpu

import (
	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// spanQueries is how many queries of one head share a walk over the keys of their
// span, at most.
const spanQueries = 64

// spanWorker is one worker's memory for a piece of an AttendSpan.
type spanWorker struct {
	q      []float32 // [spanQueries, HeadDim]
	scores []float32 // [spanQueries, keys]
	out    []float32 // [spanQueries, HeadDim]
}

// attendSpan is attention without a cache: a piece is some queries of one head
// with all keys of their span.
func (c *compiler) attendSpan(n *tensor.Node, op tensor.AttendSpan) {
	q, k, v, y := c.in(n.In[0]), c.in(n.In[1]), c.in(n.In[2]), c.out(n)
	workers := c.spanWorkers(op.HeadDim)
	c.step("attend", []int{q.storage, k.storage, v.storage}, []int{y.storage}, func(worker int, pieces *counter) {
		w, scratch := &workers[worker], c.p.scratch(worker)
		next, from, first := pieces.take(), 0, 0 // first: number of a span's first piece
		for _, end := range c.p.batch.Spans[op.Spans] {
			rows := int(end) - from
			blocks := (rows + spanQueries - 1) / spanQueries
			for ; next < first+blocks*op.Heads; next = pieces.take() {
				// Blocks differ by a row at most: a small one would cost as much.
				head, i := (next-first)/blocks, (next-first)%blocks
				w.attend(op, q, k, v, y, head, from+i*rows/blocks, from+(i+1)*rows/blocks, from, int(end), scratch)
			}
			first, from = first+blocks*op.Heads, int(end)
		}
	})
}

// spanWorkers is the memory that all AttendSpan nodes of the program with heads of
// a length share, one after the other.
func (c *compiler) spanWorkers(headDim int) []spanWorker {
	if w, ok := c.spans[headDim]; ok {
		return w
	}
	w := make([]spanWorker, c.p.b.Threads())
	for i := range w {
		w[i] = spanWorker{
			make([]float32, spanQueries*headDim), make([]float32, spanQueries*c.p.limits.Tokens), make([]float32, spanQueries*headDim),
		}
		c.p.b.bytes += 4 * int64(2*len(w[i].q)+len(w[i].scores))
	}
	c.spans[headDim] = w
	return w
}

// attend computes one head of rows t0..t1-1, which see rows from..end-1.
func (w *spanWorker) attend(op tensor.AttendSpan, q, k, v, y *value, head, t0, t1, from, end int, s *kernel.Scratch) {
	d, at, n, keys, stride := op.HeadDim, head*op.HeadDim, t1-t0, end-from, op.Heads*op.HeadDim
	for i := range n {
		copy(w.q[i*d:], q.row(t0 + i)[at:at+d])
	}
	// The scale is the queries', which are fewer numbers than the scores.
	kernel.Scale(w.q[:n*d], op.Scale)
	kernel.ScoresManyF32(w.scores, keys, w.q[:n*d], d, k.data[from*stride+at:], stride, keys, s)
	out := w.out[:n*d]
	clear(out)
	var sums [spanQueries]float32
	for i := range n {
		row := w.scores[i*keys : (i+1)*keys]
		sums[i] = kernel.ExpSum(row, kernel.Max(row))
	}
	kernel.AccumManyF32(out, d, w.scores, keys, v.data[from*stride+at:], stride, keys, s)
	for i := range n {
		kernel.Scale(out[i*d:(i+1)*d], 1/sums[i])
		copy(y.row(t0 + i)[at:at+d], out[i*d:(i+1)*d])
	}
}
