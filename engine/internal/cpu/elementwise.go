package cpu

import (
	"math"

	"scout/engine/internal/kernel"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// A single row is cut into parts, so that one worker does not keep the others
// waiting: each of a multiple of partBlock elements, which suits all forms of
// activations, and of at least leastPart, below which there is nothing to gain.
const (
	partBlock = 256
	leastPart = 512
)

// inParts lets workers do what is to be done to each of some rows of width
// elements, elements from..to-1 of a row at a time: whole rows where there is one
// for each worker.
func (p *program) inParts(pieces *counter, rows, width int, do func(row, from, to int)) {
	part := width
	if workers := p.b.Threads(); rows < workers {
		part = max(leastPart, (rows*width/workers+partBlock-1)/partBlock*partBlock)
	}
	parts := (width + part - 1) / part
	for i := pieces.take(); i < rows*parts; i = pieces.take() {
		from := i % parts * part
		do(i/parts, from, min(from+part, width))
	}
}

// byRow adds a step that does one row of y at a time.
func (c *compiler) byRow(name string, y *value, reads []int, row func(t int)) {
	c.step(name, reads, []int{y.storage}, func(_ int, pieces *counter) {
		n := c.p.rows(y.info.Rows)
		for t := pieces.take(); t < n; t = pieces.take() {
			row(t)
		}
	})
}

// embed looks up the batch's tokens. The rows of image patches come from the
// batch, in order; one worker finds out which is which.
func (c *compiler) embed(n *tensor.Node, op tensor.Embed) {
	y := c.out(n)
	size := op.W.Type.RowBytes(op.W.In())
	from, plan := make([]int, c.p.limits.Tokens), c.storage()
	c.count(8 * len(from))
	c.step("sort tokens", nil, []int{plan}, func(_ int, pieces *counter) {
		if pieces.take() != 0 {
			return
		}
		next := 0
		for t, id := range c.p.batch.Tokens {
			if id < 0 {
				from[t] = next
				next++
			}
		}
	})
	c.byRow("embed", y, []int{plan}, func(t int) {
		if id := int(c.p.batch.Tokens[t]); id >= 0 {
			quant.Dequantize(op.W.Type, y.row(t), op.W.Data[id*size:(id+1)*size])
			return
		}
		copy(y.row(t), c.p.batch.Embeds[from[t]*y.info.Width:])
	})
	c.charge(func() (n int64) {
		for _, id := range c.p.batch.Tokens {
			if id >= 0 {
				n += int64(size)
			}
		}
		return n
	})
}

func (c *compiler) rmsNorm(n *tensor.Node, op tensor.RMSNorm) {
	x, y, w := c.in(n.In[0]), c.out(n), vector(op.W)
	c.count(4 * len(w))
	c.byRow("norm", y, []int{x.storage}, func(t int) {
		from, to := x.row(t), y.row(t)
		for i := 0; i < len(from); i += op.Group {
			kernel.RMSNorm(to[i:i+op.Group], from[i:i+op.Group], w, op.Eps)
		}
	})
}

func (c *compiler) addition(n *tensor.Node) {
	a, b, y := c.in(n.In[0]), c.in(n.In[1]), c.out(n)
	c.byRow("add", y, []int{a.storage, b.storage}, func(t int) { kernel.Add(y.row(t), a.row(t), b.row(t)) })
}

func (c *compiler) selection(n *tensor.Node) {
	x, y := c.in(n.In[0]), c.out(n)
	c.byRow("select", y, []int{x.storage}, func(t int) { copy(y.row(t), x.row(int(c.p.batch.Outputs[t]))) })
}

// temper scales queries by their position; see tensor.Temper.
func (c *compiler) temper(n *tensor.Node, op tensor.Temper) {
	x, y := c.in(n.In[0]), c.out(n)
	c.byRow("temper", y, []int{x.storage}, func(t int) {
		p := c.p.batch.Start + t
		s := math.Log(float64((p+op.Offset)/op.Floor)+1)*float64(op.Scale) + 1
		copy(y.row(t), x.row(t))
		if s != 1 {
			kernel.Scale(y.row(t), float32(s))
		}
	})
}

// ropeTable is the rotation of each position of the batch, shared by all nodes of
// a segment that rotate alike.
type ropeTable struct {
	op       tensor.RoPE
	cos, sin []float32 // [tokens, HeadDim/2]
	storage  int
}

// ropeTable finds or makes the table of op. The angle is the exact product of the
// position and the float32 inverse frequency that models are trained with; the
// usual float32 product is off by 1e-4 radians at long positions.
func (c *compiler) ropeTable(op tensor.RoPE) *ropeTable {
	for _, r := range c.ropes {
		if r.op.HeadDim == op.HeadDim && r.op.Base == op.Base && sameFactors(r.op.Factors, op.Factors) {
			return r
		}
	}
	half := op.HeadDim / 2
	r := &ropeTable{op, c.numbers(c.p.limits.Tokens * half), c.numbers(c.p.limits.Tokens * half), c.storage()}
	c.ropes = append(c.ropes, r)
	freq := make([]float64, half)
	for i := range freq {
		freq[i] = float64(float32(1 / math.Pow(float64(op.Base), float64(2*i)/float64(op.HeadDim))))
		if op.Factors != nil {
			freq[i] = float64(float32(freq[i]) / op.Factors[i])
		}
	}
	c.step("rope angles", nil, []int{r.storage}, func(_ int, pieces *counter) {
		n := len(c.p.batch.Tokens)
		for t := pieces.take(); t < n; t = pieces.take() {
			for i, f := range freq {
				sin, cos := math.Sincos(float64(c.p.batch.Start+t) * f)
				r.cos[t*half+i], r.sin[t*half+i] = float32(cos), float32(sin)
			}
		}
	})
	return r
}

func sameFactors(a, b []float32) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (c *compiler) rope(n *tensor.Node, op tensor.RoPE) {
	table := c.ropeTable(op)
	x, y, half := c.in(n.In[0]), c.out(n), op.HeadDim/2
	c.byRow("rope", y, []int{x.storage, table.storage}, func(t int) {
		row := y.row(t)
		copy(row, x.row(t))
		cos, sin := table.cos[t*half:(t+1)*half], table.sin[t*half:(t+1)*half]
		for i := 0; i < len(row); i += op.HeadDim {
			kernel.Rope(row[i:i+op.HeadDim], cos, sin, op.Pairs == tensor.Halves)
		}
	})
}
