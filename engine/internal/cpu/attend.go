package cpu

import (
	"math"

	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// Attention walks the visible keys in spans that are aligned to position 0 and
// keeps, per query and head, the running maximum m, the running sum l of
// exp(score - m) and the running weighted values o ("Self-attention Does Not
// Need O(n^2) Memory", arXiv:2112.05682). Each span is reduced on its own and
// merged in order, so a long context can be divided over threads with the same
// bits as one thread would get.
const (
	spanKeys  = 256  // keys and values of one head in a span: 128 KiB, inside the second-level cache
	mostSpans = 2048 // longer contexts get longer spans, to bound the memory for partial results
	tileRows  = 16   // queries that share a walk over the keys
)

// attention is one Attend node in a program.
type attention struct {
	*workspace
	op    tensor.Attend
	p     *program
	group int // query heads per KV head
}

// workspace is what the Attend nodes of a program share, one after the other.
type workspace struct {
	span     int
	queries  int         // most query heads per KV head of any node, times tileRows
	size     int         // longest result of any node: HeadDim+2
	heads    int         // most query heads of any node
	scores   [][]float32 // by worker: [span]
	running  [][]float32 // by worker: [tileRows, group, HeadDim+2], o then m and l
	single   [][]float32 // by worker: [HeadDim+2], one span's result
	partials []float32   // of a one-token batch: [spans, Heads, HeadDim+2]
	storage  int         // of partials
}

func (c *compiler) attend(n *tensor.Node, op tensor.Attend) {
	q, k, v, y := c.in(n.In[0]), c.in(n.In[1]), c.in(n.In[2]), c.out(n)
	cells := c.storage() // a cache layer is touched by its own node only
	c.step("store keys", []int{k.storage, v.storage}, []int{cells}, func(_ int, pieces *counter) {
		l, rows := &c.p.cache.layers[op.Layer], len(c.p.batch.Tokens)
		for t := pieces.take(); t < rows; t = pieces.take() {
			l.store(c.p.batch.Start+t, k.row(t), v.row(t))
		}
	})
	a := c.newAttention(op)
	c.step("attend", []int{q.storage, cells}, []int{y.storage, a.storage}, func(worker int, pieces *counter) {
		if len(c.p.batch.Tokens) == 1 {
			a.spansOfOne(q.row(0), worker, pieces)
			return
		}
		a.tiles(q, y, worker, pieces)
	})
	c.step("merge spans", []int{a.storage}, []int{y.storage}, func(_ int, pieces *counter) {
		if len(c.p.batch.Tokens) == 1 {
			a.mergeOne(y.row(0), pieces)
		}
	})
}

func (c *compiler) newAttention(op tensor.Attend) *attention {
	w := &c.p.attention
	if w.storage == 0 {
		w.storage = c.storage()
	}
	group := op.Heads / op.KVHeads
	w.queries, w.size, w.heads = max(w.queries, group*tileRows), max(w.size, op.HeadDim+2), max(w.heads, op.Heads)
	return &attention{w, op, c.p, group}
}

// fit makes room for a cache of up to cells positions a layer. It allocates only
// when a sequence is longer than any before.
func (w *workspace) fit(cells, workers int) {
	if w.storage == 0 {
		return // no attention in this program
	}
	span := spanKeys
	for cells > mostSpans*span {
		span *= 2
	}
	if span != w.span {
		w.span = span
		w.scores, w.running, w.single = nil, nil, nil
		for range workers {
			w.scores = append(w.scores, make([]float32, span))
			w.running = append(w.running, make([]float32, w.queries*w.size))
			w.single = append(w.single, make([]float32, w.size))
		}
	}
	// A range that does not begin at a span's start touches one span more.
	if n := (cells/span + 2) * w.heads * w.size; n > len(w.partials) {
		w.partials = make([]float32, n)
	}
}

// visible is the positions that the query at position p sees: first..p.
func (a *attention) visible(p int) (first int) {
	if a.op.Chunk > 0 {
		first = p / a.op.Chunk * a.op.Chunk
	}
	return max(first, a.p.batch.Origin)
}

// reduce computes one span for one head: keys from..to-1, all of them visible,
// into r (o, m, l).
func (a *attention) reduce(r, q []float32, kvHead, from, to, worker int) {
	l := &a.p.cache.layers[a.op.Layer]
	d := a.op.HeadDim
	s := a.scores[worker][:to-from]
	l.scores(s, q, kvHead, from)
	kernel.Scale(s, a.op.Scale)
	m := kernel.Max(s)
	r[d], r[d+1] = m, kernel.ExpSum(s, m)
	o := r[:d]
	clear(o)
	l.accumulate(o, s, kvHead, from)
}

// merge adds a span's result to the running one. A fresh running result has
// m = -inf and l = 0.
func merge(running, span []float32) {
	d := len(running) - 2
	m := max(running[d], span[d])
	was, is := factor(running[d]-m), factor(span[d]-m)
	running[d+1] = float32(running[d+1]*was) + float32(span[d+1]*is)
	running[d] = m
	if was != 1 {
		kernel.Scale(running[:d], was)
	}
	kernel.Axpy(running[:d], is, span[:d])
}

func factor(x float32) float32 {
	if x == 0 {
		return 1
	}
	return float32(math.Exp(float64(x)))
}

// fresh empties a running result.
func fresh(running []float32) {
	clear(running)
	running[len(running)-2] = float32(math.Inf(-1))
}

// finish writes o/l to y.
func finish(y, running []float32) {
	d := len(y)
	copy(y, running[:d])
	kernel.Scale(y, 1/running[d+1])
}

// tiles is the step for batches: a piece is one KV head with a tile of queries,
// for which each span is read once.
func (a *attention) tiles(q, y *value, worker int, pieces *counter) {
	rows := len(a.p.batch.Tokens)
	perHead := (rows + tileRows - 1) / tileRows
	for i := pieces.take(); i < perHead*a.op.KVHeads; i = pieces.take() {
		// The last tile has the most keys; starting with it evens out the end.
		tile := perHead - 1 - i/a.op.KVHeads
		from := tile * tileRows
		a.tile(q, y, i%a.op.KVHeads, from, min(from+tileRows, rows), worker)
	}
}

// tile is one KV head and the queries of rows t0..t1-1.
func (a *attention) tile(q, y *value, kvHead, t0, t1, worker int) {
	d, size, start := a.op.HeadDim, a.op.HeadDim+2, a.p.batch.Start
	running, single := a.running[worker], a.single[worker][:size]
	for i := range (t1 - t0) * a.group {
		fresh(running[i*size : (i+1)*size])
	}
	first := a.visible(start + t0)
	for s := first / a.span * a.span; s < start+t1; s += a.span {
		for t := t0; t < t1; t++ {
			from, to := max(s, a.visible(start+t)), min(s+a.span, start+t+1)
			if from >= to {
				continue
			}
			for g := range a.group {
				h := kvHead*a.group + g
				a.reduce(single, q.row(t)[h*d:(h+1)*d], kvHead, from, to, worker)
				merge(running[((t-t0)*a.group+g)*size:][:size], single)
			}
		}
	}
	for t := t0; t < t1; t++ {
		for g := range a.group {
			h := kvHead*a.group + g
			finish(y.row(t)[h*d:(h+1)*d], running[((t-t0)*a.group+g)*size:][:size])
		}
	}
}

// spansOfOne is the step for one token: a piece is one span of one KV head.
func (a *attention) spansOfOne(q []float32, worker int, pieces *counter) {
	d, size, p := a.op.HeadDim, a.op.HeadDim+2, a.p.batch.Start
	first := a.visible(p)
	base := first / a.span
	n := p/a.span - base + 1
	for i := pieces.take(); i < n*a.op.KVHeads; i = pieces.take() {
		s, kvHead := i/a.op.KVHeads, i%a.op.KVHeads
		from, to := max((base+s)*a.span, first), min((base+s+1)*a.span, p+1)
		for g := range a.group {
			h := kvHead*a.group + g
			r := a.partials[(s*a.op.Heads+h)*size:][:size]
			a.reduce(r, q[h*d:(h+1)*d], kvHead, from, to, worker)
		}
	}
}

// mergeOne merges one token's spans, a head at a time.
func (a *attention) mergeOne(y []float32, pieces *counter) {
	d, size, p := a.op.HeadDim, a.op.HeadDim+2, a.p.batch.Start
	n := p/a.span - a.visible(p)/a.span + 1
	for h := pieces.take(); h < a.op.Heads; h = pieces.take() {
		running := a.partials[h*size:][:size] // the first span's own result
		for s := 1; s < n; s++ {
			merge(running, a.partials[(s*a.op.Heads+h)*size:][:size])
		}
		finish(y[h*d:(h+1)*d], running)
	}
}
