package cpu

import (
	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// Rows of a matrix one worker takes at a time: enough pieces that a slow worker
// does not keep the others waiting, but large ones, since the beginning of each
// waits for memory: nothing has asked for it ahead of time.
const (
	rowTile        = 16 // the kernels' tile height; pieces are multiples of it
	pieceBytes     = 3 << 20
	piecesEachWant = 6
)

// pieceRows is how many rows of m one piece has.
func (c *compiler) pieceRows(m kernel.Matrix) int {
	n := m.Rows / (piecesEachWant * c.p.b.Threads())
	n = min(n, pieceBytes/max(1, m.Type.RowBytes(m.Cols)))
	return max(rowTile, n/rowTile*rowTile)
}

// product adds the step dst = x W + bias for the first rows of the run.
func (c *compiler) product(name string, dst buffer, m kernel.Matrix, x *acts, rows tensor.Rows, bias []float32) {
	piece := c.pieceRows(m)
	c.step(name, x.reads(), []int{dst.storage}, func(worker int, pieces *counter) {
		n := c.p.rows(rows)
		if n == 0 {
			return
		}
		for r := pieces.take() * piece; r < m.Rows; r = pieces.take() * piece {
			end := min(r+piece, m.Rows)
			x.multiply(dst.data, m, r, end, 0, n, 0, c.p.scratch(worker))
			if bias != nil {
				for t := range n {
					kernel.Add(dst.data[t*m.Rows+r:t*m.Rows+end], dst.data[t*m.Rows+r:t*m.Rows+end], bias[r:end])
				}
			}
		}
	})
	c.weights(func(to [][]byte) [][]byte {
		if c.p.rows(rows) == 0 {
			return to
		}
		return append(to, m.Data)
	})
}

func (c *compiler) matMul(n *tensor.Node, op tensor.MatMul) {
	x := c.prepared(n.In[0], op.W.Type)
	y := c.out(n)
	bias := vector(op.Bias)
	c.count(4 * len(bias))
	c.product(op.W.Name, y.buffer(), matrix(op.W, 0), x, y.info.Rows, bias)
}

// buffer is the value's storage as a buffer.
func (v *value) buffer() buffer { return buffer{v.data, v.storage} }

// ffn is gate and up side by side, their product through silu, then down.
func (c *compiler) ffn(n *tensor.Node, op tensor.FFN) {
	rows, ff := c.g.Values[n.In[0]].Rows, op.Gate.Out()
	size := c.maxRows(rows) * ff
	xg := c.prepared(n.In[0], op.Gate.Type)
	xu := c.prepared(n.In[0], op.Up.Type)
	gate, up := c.buffer(size), c.buffer(size)
	c.product(op.Gate.Name, gate, matrix(op.Gate, 0), xg, rows, nil)
	c.product(op.Up.Name, up, matrix(op.Up, 0), xu, rows, nil)
	h := c.newActs(actsShape{kernel.FormOf(op.Down.Type), c.maxRows(rows), ff})
	used := func() int { return c.p.rows(rows) }
	c.swiglu(gate, up, h, ff, used)
	c.wantPacked(h, op.Down.Type, used)
	y := c.out(n)
	c.product(op.Down.Name, y.buffer(), matrix(op.Down, 0), h, rows, nil)
	c.recycle(gate)
	c.recycle(up)
	c.idle(h)
}

// swiglu adds the step h = prepared(silu(gate) * up); gate is overwritten.
func (c *compiler) swiglu(gate, up buffer, h *acts, ff int, rows func() int) {
	c.step("swiglu", []int{up.storage}, []int{gate.storage, h.storage}, func(_ int, pieces *counter) {
		c.p.inParts(pieces, rows(), ff, func(t, from, to int) {
			g := gate.data[t*ff+from : t*ff+to]
			kernel.SiLUMul(g, g, up.data[t*ff+from:t*ff+to])
			h.SetPart(t, from, g)
		})
	})
}
