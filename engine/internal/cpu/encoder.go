package cpu

import (
	"math"

	"scout/engine/internal/kernel"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// What encoders of pictures have beside other graphs: see the second list of
// operations in package tensor.

func (c *compiler) input(n *tensor.Node, op tensor.Input) {
	y := c.out(n)
	c.byRow("input", y, nil, func(t int) { copy(y.row(t), c.p.batch.Embeds[t*op.Width:(t+1)*op.Width]) })
}

func (c *compiler) layerNorm(n *tensor.Node, op tensor.LayerNorm) {
	x, y, w, b := c.in(n.In[0]), c.out(n), vector(op.W), vector(op.Bias)
	c.byRow("norm", y, []int{x.storage}, func(t int) { kernel.LayerNorm(y.row(t), x.row(t), w, b, op.Eps) })
}

func (c *compiler) gelu(n *tensor.Node) {
	x, y := c.in(n.In[0]), c.out(n)
	c.byRow("gelu", y, []int{x.storage}, func(t int) { kernel.GELU(y.row(t), x.row(t)) })
}

// addRows adds rows of a table, which is decoded once.
func (c *compiler) addRows(n *tensor.Node, op tensor.AddRows) {
	x, y, width := c.in(n.In[0]), c.out(n), op.W.In()
	table := make([]float32, op.W.Out()*width)
	quant.Dequantize(op.W.Type, table, op.W.Data)
	c.p.b.bytes += 4 * int64(len(table))
	c.byRow("add rows", y, []int{x.storage}, func(t int) {
		i := int(op.Index[t%len(op.Index)])
		if i < 0 {
			copy(y.row(t), x.row(t))
			return
		}
		kernel.Add(y.row(t), x.row(t), table[i*width:(i+1)*width])
	})
}

// rope2DTable is the rotation of each row of the batch, shared by all nodes of a
// segment that rotate alike.
type rope2DTable struct {
	op       tensor.RoPE2D
	cos, sin []float32 // [tokens, HeadDim/2]
	storage  int
}

func (c *compiler) rope2DTable(op tensor.RoPE2D) *rope2DTable {
	for _, r := range c.ropes2D {
		if r.op.HeadDim == op.HeadDim && &r.op.Freqs[0] == &op.Freqs[0] && &r.op.Axes[0] == &op.Axes[0] {
			return r
		}
	}
	half := op.HeadDim / 2
	r := &rope2DTable{op, make([]float32, c.p.limits.Tokens*half), make([]float32, c.p.limits.Tokens*half), c.storage()}
	c.ropes2D = append(c.ropes2D, r)
	c.p.b.bytes += 2 * 4 * int64(len(r.cos))
	c.step("rope angles", nil, []int{r.storage}, func(_ int, pieces *counter) {
		n := len(c.p.batch.Tokens)
		for t := pieces.take(); t < n; t = pieces.take() {
			place := c.p.batch.Places[t]
			for i, f := range op.Freqs {
				sin, cos := math.Sincos(float64(place[op.Axes[i]]) * float64(f))
				r.cos[t*half+i], r.sin[t*half+i] = float32(cos), float32(sin)
			}
		}
	})
	return r
}

func (c *compiler) rope2D(n *tensor.Node, op tensor.RoPE2D) {
	table := c.rope2DTable(op)
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

// merge puts neighbouring rows side by side, which is how they lie.
func (c *compiler) merge(n *tensor.Node) {
	x, y := c.in(n.In[0]), c.out(n)
	c.byRow("merge", y, []int{x.storage}, func(t int) {
		copy(y.row(t), x.data[int(c.p.batch.Outputs[t])*x.info.Width:])
	})
}
