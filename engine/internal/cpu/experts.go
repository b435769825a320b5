package cpu

import (
	"math"

	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// route picks each token's experts from the router's logits.
func (c *compiler) route(n *tensor.Node, op tensor.Route) {
	logits, to := c.in(n.In[0]), c.out(n)
	c.step("route", []int{logits.storage}, []int{to.storage}, func(_ int, pieces *counter) {
		rows, k := c.p.rows(to.info.Rows), op.TopK
		for t := pieces.take(); t < rows; t = pieces.take() {
			pick(to.ids[t*k:(t+1)*k], logits.row(t))
			gate(to.row(t), to.ids[t*k:(t+1)*k], logits.row(t), op.Gating)
		}
	})
}

// pick puts the indices of the largest logits into ids, largest first, the
// lowest index first among equals.
func pick(ids []int32, logits []float32) {
	for j := range ids {
		best := int32(-1)
		for e, v := range logits {
			taken := false
			for _, id := range ids[:j] {
				taken = taken || id == int32(e)
			}
			if !taken && (best < 0 || v > logits[best]) {
				best = int32(e)
			}
		}
		ids[j] = best
	}
}

// gate turns the picked experts' logits into weights.
func gate(weights []float32, ids []int32, logits []float32, g tensor.Gating) {
	if g == tensor.SigmoidInput {
		for j, e := range ids {
			weights[j] = float32(1 / (1 + math.Exp(-float64(logits[e]))))
		}
		return
	}
	// Softmax over all, then over the picked ones again: the common factor cancels,
	// so only the picked ones matter. ids[0] has the largest logit.
	sum := 0.0
	for _, e := range ids {
		sum += math.Exp(float64(logits[e] - logits[ids[0]]))
	}
	for j, e := range ids {
		weights[j] = float32(math.Exp(float64(logits[e]-logits[ids[0]])) / sum)
	}
}

// experts is the state of one ExpertFFN in a run: the (token, choice) pairs this
// node computes, sorted by expert, so that each expert is one matrix product.
type experts struct {
	mine   []bool  // by expert: computed here
	start  []int32 // by expert, and one more: its first sorted row
	order  []int32 // by sorted row: the pair, token*TopK+choice
	tile   []int32 // by expert, and one more: its first tile of packed rows
	place  []int32 // by pair: its sorted row, -1 when another device computes it
	inputs bool    // weights scale the inputs; otherwise the outputs
}

func (c *compiler) newExperts(op tensor.ExpertFFN, pairs int) *experts {
	n := op.Gate.Shape[0]
	e := &experts{
		mine: make([]bool, n), start: make([]int32, n+1), tile: make([]int32, n+1),
		order: make([]int32, pairs), place: make([]int32, pairs), inputs: op.Gating == tensor.SigmoidInput,
	}
	for i := range e.mine {
		e.mine[i] = op.Experts == nil
	}
	for _, i := range op.Experts {
		e.mine[i] = true
	}
	return e
}

// sort orders the pairs of a run, ids by pair.
func (e *experts) sort(ids []int32) {
	clear(e.start)
	for _, id := range ids {
		if e.mine[id] {
			e.start[id+1]++
		}
	}
	for i := range e.mine {
		e.start[i+1] += e.start[i]
	}
	// start[i] serves as expert i's next free row and ends up as expert i+1's start.
	for p, id := range ids {
		e.place[p] = -1
		if e.mine[id] {
			e.place[p] = e.start[id]
			e.order[e.start[id]] = int32(p)
			e.start[id]++
		}
	}
	copy(e.start[1:], e.start)
	e.start[0] = 0
	for i := range e.mine {
		e.tile[i+1] = e.tile[i] + int32(kernel.Tiles(int(e.start[i+1]-e.start[i])))
	}
}

// rows is how many sorted rows the run has.
func (e *experts) rows() int { return int(e.start[len(e.mine)]) }

// expertFFN sorts the tokens by expert, gathers them (scaled, for Llama 4),
// runs each expert over its rows, and adds the results up by token.
func (c *compiler) expertFFN(n *tensor.Node, op tensor.ExpertFFN) {
	x, routes, ff := c.in(n.In[0]), c.in(n.In[1]), op.Gate.Out()
	k := routes.info.Width
	most := c.maxRows(x.info.Rows) * k
	e, plan := c.newExperts(op, most), c.storage()
	c.count(4*(len(e.order)+len(e.place)+len(e.start)) + len(e.mine))
	c.step("sort by expert", []int{routes.storage}, []int{plan}, func(_ int, pieces *counter) {
		if pieces.take() == 0 {
			e.sort(routes.ids[:c.p.rows(x.info.Rows)*k])
		}
	})
	xs := c.gather(x, routes, e, plan, most, kernel.FormOf(op.Gate.Type), kernel.FormOf(op.Up.Type))
	c.wantPackedExperts(xs[0], op.Gate.Type, e, plan)
	c.wantPackedExperts(xs[1], op.Up.Type, e, plan)
	gate, up := c.buffer(most*ff), c.buffer(most*ff)
	c.expertProduct(op.Gate, gate, xs[0], e, plan)
	c.expertProduct(op.Up, up, xs[1], e, plan)
	h := c.newActs(actsShape{kernel.FormOf(op.Down.Type), most, ff})
	c.swiglu(gate, up, h, ff, e.rows)
	c.wantPackedExperts(h, op.Down.Type, e, plan)
	down := c.buffer(most * op.Down.Out())
	c.expertProduct(op.Down, down, h, e, plan)
	c.scatter(c.out(n), down, routes, e, plan)
	for _, b := range []buffer{gate, up, down} {
		c.recycle(b)
	}
	c.idle(h)
	c.idle(xs[0])
	if xs[1] != xs[0] {
		c.idle(xs[1])
	}
}

// gather adds the step that prepares the sorted rows for gate and for up, which
// mostly want the same form.
func (c *compiler) gather(x, routes *value, e *experts, plan, most int, gate, up kernel.Form) [2]*acts {
	width := x.info.Width
	a := c.newActs(actsShape{gate, most, width})
	b := a
	if up != gate {
		b = c.newActs(actsShape{up, most, width})
	}
	scaled := make([][]float32, c.p.b.Threads())
	for i := range scaled {
		scaled[i] = c.numbers(width)
	}
	k := routes.info.Width
	c.step("gather", []int{x.storage, routes.storage, plan}, []int{a.storage, b.storage}, func(worker int, pieces *counter) {
		c.p.inParts(pieces, e.rows(), width, func(r, from, to int) {
			pair := int(e.order[r])
			part := x.row(pair / k)[from:to]
			if e.inputs {
				own := scaled[worker][:to-from]
				copy(own, part)
				part = own
				kernel.Scale(part, routes.data[pair])
			}
			a.SetPart(r, from, part)
			if b != a {
				b.SetPart(r, from, part)
			}
		})
	})
	return [2]*acts{a, b}
}

// expertProduct adds the step dst = x W, each expert's matrix with its own rows.
// The pieces run over the experts that have rows, so experts that nobody chose
// cost nothing.
func (c *compiler) expertProduct(w *tensor.Weight, dst buffer, x *acts, e *experts, plan int) {
	ms := make([]kernel.Matrix, len(e.mine))
	for i := range ms {
		ms[i] = matrix(w, i)
	}
	rows := w.Out()
	piece := c.pieceRows(ms[0])
	each := (rows + piece - 1) / piece
	c.step(w.Name, append(x.reads(), plan), []int{dst.storage}, func(worker int, pieces *counter) {
		expert, before := 0, 0 // pieces of the experts before this one
		for i := pieces.take(); ; i = pieces.take() {
			for expert < len(ms) && (e.start[expert] == e.start[expert+1] || i >= before+each) {
				if e.start[expert] != e.start[expert+1] {
					before += each
				}
				expert++
			}
			if expert == len(ms) {
				return
			}
			r := (i - before) * piece
			x.multiply(dst.data, ms[expert], r, min(r+piece, rows),
				int(e.start[expert]), int(e.start[expert+1]), int(e.tile[expert]), c.p.scratch(worker))
		}
	})
	c.weights(func(to [][]byte) [][]byte {
		for i, m := range ms {
			if e.start[i] != e.start[i+1] {
				to = append(to, m.Data)
			}
		}
		return to
	})
}

// scatter adds the step that sums each token's experts into y, in the order of
// its choices.
func (c *compiler) scatter(y *value, down buffer, routes *value, e *experts, plan int) {
	k, width := routes.info.Width, y.info.Width
	c.step("scatter", []int{down.storage, routes.storage, plan}, []int{y.storage}, func(_ int, pieces *counter) {
		n := c.p.rows(y.info.Rows)
		for t := pieces.take(); t < n; t = pieces.take() {
			row := y.row(t)
			clear(row)
			for p := t * k; p < (t+1)*k; p++ {
				if e.place[p] < 0 {
					continue
				}
				weight := routes.data[p]
				if e.inputs {
					weight = 1
				}
				from := int(e.place[p]) * width
				kernel.Axpy(row, weight, down.data[from:from+width])
			}
		}
	})
}
