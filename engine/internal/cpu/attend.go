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
	span         int
	queries      int         // most query heads per KV head of any node, times tileRows
	headDim      int         // longest head of any node
	heads        int         // most query heads of any node
	workers      []walker    // by worker
	spans        partial     // of a one-token batch: [spans, heads]
	storage      int         // of spans
	rounded      kernel.Acts // the batch's queries for a cache of blocks: [KVHeads, tokens, group, HeadDim]
	queryStorage int         // of rounded
}

// walker is one worker's memory for a tile of queries.
type walker struct {
	q       []float32   // [queries, HeadDim], gathered
	rounded kernel.Acts // the same from workspace.rounded
	scores  []float32   // [queries, span]
	single  partial     // [queries], one span's results
	running partial     // [queries], merged so far
}

// partial is the state of some queries' softmax sums.
type partial struct {
	o    []float32 // [n, HeadDim], sum of exp(score - m) * value
	m, l []float32 // [n], largest score and sum of exp(score - m)
}

func newPartial(n, headDim int) partial {
	return partial{make([]float32, n*headDim), make([]float32, n), make([]float32, n)}
}

// part is queries i..i+n-1 of p.
func (p partial) part(i, n, headDim int) partial {
	return partial{p.o[i*headDim : (i+n)*headDim], p.m[i : i+n], p.l[i : i+n]}
}

func (c *compiler) attend(n *tensor.Node, op tensor.Attend) {
	q, k, v, y := c.in(n.In[0]), c.in(n.In[1]), c.in(n.In[2]), c.out(n)
	cells := c.storage() // a cache layer is touched by its own node only
	a := c.newAttention(op)
	c.step("store keys", []int{q.storage, k.storage, v.storage}, []int{cells, a.queryStorage}, func(worker int, pieces *counter) {
		a.store(q, k, v, worker, pieces)
	})
	c.step("attend", []int{q.storage, cells, a.queryStorage}, []int{y.storage, a.storage}, func(worker int, pieces *counter) {
		if len(c.p.batch.Tokens) == 1 {
			a.spansOfOne(q.row(0), worker, pieces)
			return
		}
		a.tiles(q, y, worker, pieces)
	})
	c.charge(a.bytes)
	c.step("merge spans", []int{a.storage}, []int{y.storage}, func(_ int, pieces *counter) {
		if len(c.p.batch.Tokens) == 1 {
			a.mergeOne(y.row(0), pieces)
		}
	})
}

func (c *compiler) newAttention(op tensor.Attend) *attention {
	w := &c.p.attention
	if w.storage == 0 {
		w.storage, w.queryStorage = c.storage(), c.storage()
	}
	group := op.Heads / op.KVHeads
	w.queries, w.headDim, w.heads = max(w.queries, group*tileRows), max(w.headDim, op.HeadDim), max(w.heads, op.Heads)
	return &attention{w, op, c.p, group}
}

// sizes is the length of a span and the number of partial results for a cache of
// some cells. A range that does not begin at a span's start touches one span more.
func (w *workspace) sizes(cells int) (span, partials int) {
	span = spanKeys
	for cells > mostSpans*span {
		span *= 2
	}
	return span, (cells/span + 2) * w.heads
}

// bytes is how much fit allocates.
func (w *workspace) bytes(cells int, blocks bool, tokens, workers int) int64 {
	if w.storage == 0 {
		return 0
	}
	span, partials := w.sizes(cells)
	partial := int64(w.headDim + 2)
	n := int64(workers)*int64(w.queries)*(int64(w.headDim+span)+2*partial) + int64(partials)*partial
	if blocks {
		rounded := int64(tokens * w.heads * w.headDim)
		n += (rounded + rounded/32*(4+2)) / 4 // a byte each, a float and a sum for every 32
	}
	return 4 * n
}

// fit makes room for batches of up to tokens with cache c. It allocates only when
// a sequence is longer than any before, or the first to keep blocks.
func (w *workspace) fit(c *cache, tokens, workers int) {
	if w.storage == 0 {
		return // no attention in this program
	}
	if c.blocks {
		w.rounded.Resize(kernel.FormQ8_0, tokens*w.heads, w.headDim)
	}
	span, partials := w.sizes(c.cells)
	if span != w.span {
		w.span = span
		w.workers = make([]walker, workers)
		for i := range w.workers {
			w.workers[i] = walker{
				q: make([]float32, w.queries*w.headDim), scores: make([]float32, w.queries*span),
				single: newPartial(w.queries, w.headDim), running: newPartial(w.queries, w.headDim),
			}
		}
	}
	if partials > len(w.spans.m) {
		w.spans = newPartial(partials, w.headDim)
	}
}

// store is the step that keeps keys and values, and rounds the queries if the
// cache keeps blocks. A piece is one KV head of one token.
func (a *attention) store(q, k, v *value, worker int, pieces *counter) {
	l, d, g, rows := &a.p.cache.layers[a.op.Layer], a.op.HeadDim, a.group, len(a.p.batch.Tokens)
	for i := pieces.take(); i < rows*a.op.KVHeads; i = pieces.take() {
		t, h := i/a.op.KVHeads, i%a.op.KVHeads
		l.store(a.p.batch.Start+t, h, k.row(t)[h*d:(h+1)*d], v.row(t)[h*d:(h+1)*d])
		if l.kq != nil {
			to := a.roundedQueries(worker, h, t, g)
			for j := range g {
				to.Set(j, q.row(t)[(h*g+j)*d:(h*g+j+1)*d])
			}
		}
	}
}

// roundedQueries is n queries of a KV head from row t of the batch on, as the
// worker's view of where store put them.
func (a *attention) roundedQueries(worker, kvHead, t, n int) *kernel.Acts {
	d, from := a.op.HeadDim, (kvHead*len(a.p.batch.Tokens)+t)*a.group
	all, v := &a.rounded, &a.workers[worker].rounded
	b := d / tensor.KVQ8_0.Block()
	v.Form, v.Rows, v.Cols = kernel.FormQ8_0, n, d
	v.Q, v.D, v.Sums = all.Q[from*d:(from+n)*d], all.D[from*b:(from+n)*b], all.Sums[from*b:(from+n)*b]
	return v
}

// visible is the positions that the query at position p sees: first..p.
func (a *attention) visible(p int) (first int) {
	if a.op.Chunk > 0 {
		first = p / a.op.Chunk * a.op.Chunk
	}
	return max(first, a.p.batch.Origin)
}

// bytes is the size of the keys and values that some query of the batch sees.
func (a *attention) bytes() int64 {
	start, rows := a.p.batch.Start, len(a.p.batch.Tokens)
	if rows == 0 {
		return 0
	}
	seen := a.p.cache.layers[a.op.Layer].spec
	seen.Cells = start + rows - a.visible(start)
	return seen.Bytes()
}

// seen is how many of the keys from..to-1 the query of row t sees.
func (a *attention) seen(t, from, to int) int { return min(to, a.p.batch.Start+t+1) - from }

// reduce computes one span for the queries q [n, HeadDim] of one KV head, those
// from row t of the batch on: keys from..to-1, of which every query sees at least
// one, into r. Scores are computed of all keys, also of those that only later
// queries see; what is not seen is then left out, as if it were not there.
func (a *attention) reduce(r partial, q []float32, kvHead, t, from, to, worker int) {
	l, scratch, d, g := &a.p.cache.layers[a.op.Layer], a.p.scratch(worker), a.op.HeadDim, a.group
	n := len(r.m)
	var rounded *kernel.Acts
	if l.kq != nil {
		rounded = a.roundedQueries(worker, kvHead, t, n)
	}
	scores := a.workers[worker].scores
	l.scores(scores, a.span, q, rounded, kvHead, from, to-from, scratch)
	for i := range n {
		s := scores[i*a.span:][:a.seen(t+i/g, from, to)]
		r.m[i] = kernel.ScaleMax(s, a.op.Scale)
		r.l[i] = kernel.ExpSum(s, r.m[i])
	}
	// What the first query sees all of them see. Sums in two parts have the bits of
	// sums in one.
	clear(r.o)
	common := a.seen(t, from, to)
	l.accumulate(r.o, scores, a.span, kvHead, from, common, scratch)
	for i := g; i < n; i += g {
		if more := a.seen(t+i/g, from, to) - common; more > 0 {
			l.accumulate(r.o[i*d:(i+g)*d], scores[i*a.span+common:], a.span, kvHead, from+common, more, scratch)
		}
	}
}

// merge adds one span's results to the running ones. Fresh running results have
// m = -inf and l = 0.
func merge(running, span partial, headDim int) {
	for i := range running.m {
		m := max(running.m[i], span.m[i])
		was, is := factor(running.m[i]-m), factor(span.m[i]-m)
		running.l[i] = float32(running.l[i]*was) + float32(span.l[i]*is)
		running.m[i] = m
		o := running.o[i*headDim : (i+1)*headDim]
		if was != 1 {
			kernel.Scale(o, was)
		}
		kernel.Axpy(o, is, span.o[i*headDim:(i+1)*headDim])
	}
}

func factor(x float32) float32 {
	if x == 0 {
		return 1
	}
	return float32(math.Exp(float64(x)))
}

// fresh empties running results.
func (p partial) fresh() {
	clear(p.o)
	clear(p.l)
	for i := range p.m {
		p.m[i] = float32(math.Inf(-1))
	}
}

// finish writes o/l to y [n, HeadDim].
func (p partial) finish(y []float32, headDim int) {
	copy(y, p.o)
	for i, l := range p.l {
		kernel.Scale(y[i*headDim:(i+1)*headDim], 1/l)
	}
}

// tiles is the step for batches: a piece is one KV head with a tile of queries,
// for which each span is read once.
func (a *attention) tiles(q, y *value, worker int, pieces *counter) {
	rows := len(a.p.batch.Tokens)
	perHead := (rows + tileRows - 1) / tileRows
	for i := pieces.take(); i < perHead*a.op.KVHeads; i = pieces.take() {
		// The last tile has the most keys; starting with it evens out the end.
		from := (perHead - 1 - i/a.op.KVHeads) * tileRows
		a.tile(q, y, i%a.op.KVHeads, from, min(from+tileRows, rows), worker)
	}
}

// tile is one KV head and the queries of rows t0..t1-1. Those that begin to see at
// the same position, nearly always all of them, go together.
func (a *attention) tile(q, y *value, kvHead, t0, t1, worker int) {
	start := a.p.batch.Start
	for t := t0; t0 < t1; t0 = t {
		for t = t0 + 1; t < t1 && a.visible(start+t) == a.visible(start+t0); t++ {
		}
		a.together(q, y, kvHead, t0, t, worker)
	}
}

// together is tile for queries that begin to see at the same position.
func (a *attention) together(q, y *value, kvHead, t0, t1, worker int) {
	d, g, start, w := a.op.HeadDim, a.group, a.p.batch.Start, &a.workers[worker]
	heads := func(v *value, t int) []float32 { return v.row(t)[kvHead*g*d : (kvHead+1)*g*d] }
	for t := t0; t < t1; t++ {
		copy(w.q[(t-t0)*g*d:], heads(q, t))
	}
	all := (t1 - t0) * g
	running, single := w.running.part(0, all, d), w.single.part(0, all, d)
	running.fresh()
	first := a.visible(start + t0)
	for s := first / a.span * a.span; s < start+t1; s += a.span {
		from := max(s, first)
		t := max(t0, from-start) // earlier queries see nothing of this span
		i := (t - t0) * g
		a.reduce(single.part(i, all-i, d), w.q[i*d:all*d], kvHead, t, from, min(s+a.span, start+t1), worker)
		merge(running.part(i, all-i, d), single.part(i, all-i, d), d)
	}
	for t := t0; t < t1; t++ {
		running.part((t-t0)*g, g, d).finish(heads(y, t), d)
	}
}

// spansOfOne is the step for one token: a piece is one span of one KV head.
func (a *attention) spansOfOne(q []float32, worker int, pieces *counter) {
	d, g, p := a.op.HeadDim, a.group, a.p.batch.Start
	first := a.visible(p)
	base := first / a.span
	n := p/a.span - base + 1
	for i := pieces.take(); i < n*a.op.KVHeads; i = pieces.take() {
		s, h := i/a.op.KVHeads, i%a.op.KVHeads*g
		from, to := max((base+s)*a.span, first), min((base+s+1)*a.span, p+1)
		a.reduce(a.spans.part(s*a.op.Heads+h, g, d), q[h*d:(h+g)*d], h/g, 0, from, to, worker)
	}
}

// mergeOne merges one token's spans, a head at a time.
func (a *attention) mergeOne(y []float32, pieces *counter) {
	d, p := a.op.HeadDim, a.p.batch.Start
	n := p/a.span - a.visible(p)/a.span + 1
	for h := pieces.take(); h < a.op.Heads; h = pieces.take() {
		running := a.spans.part(h, 1, d) // the first span's own result
		for s := 1; s < n; s++ {
			merge(running, a.spans.part(s*a.op.Heads+h, 1, d), d)
		}
		running.finish(y[h*d:(h+1)*d], d)
	}
}
