//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import "scout/engine/tensor"

// mostGroups is how many workgroups a product has along x; every device takes 65535.
const mostGroups = 32768

// shape is that of matmul.comp's workgroups: lanes that share a row of weights,
// rows of weights, and rows of activations in lists for many. A number's bits depend
// on the lanes alone.
type shape struct{ lanes, rows, tile int }

// usual is the shape that is used until devices are measured.
var usual = shape{lanes: 32, rows: 2, tile: 8}

// product is a matrix product in the making.
type product struct {
	w     *tensor.Weight
	data  *region        // of w
	w2    *tensor.Weight // with it: silu(w x) * (w2 x)
	data2 *region
	x, y  bind
	bias  *region
	rows  tensor.Rows
	tiles *tileList // of experts, nil for a plain matrix
	share int       // rows of y that use one row of x
	scale bool      // x is multiplied with the route's weight
}

// tileList is what group.comp makes.
type tileList struct {
	storage *storage
	routes  bind
	listAt  int // word where the list begins
	topK    int
	slots   int // experts that are here
}

// multiply emits a product.
func (c *compiler) multiply(m product) {
	total := groups(m.w.Out(), c.shape.rows)
	o := op{
		name: m.w.Name, shader: "matmul", tiled: uint32(c.shape.tile), tileAt: 2, rows: m.rows,
		consts: consts{uint32(c.shape.lanes), typeOf(m.w.Type), 1, uint32(c.shape.rows), yes(m.w2 != nil), yes(m.tiles != nil), yes(m.bias != nil)},
		push:   []uint32{uint32(m.w.In()), uint32(m.w.Out()), uint32(m.w.Type.RowBytes(m.w.In())), rowsAt(m.rows), 0},
		binds:  binds{0: {region: m.data}, 1: {region: m.data2}, 2: m.x, 3: m.y, 4: {region: m.bias}},
		x:      min(total, mostGroups),
	}
	o.z = (total + o.x - 1) / o.x
	if m.w2 != nil {
		o.consts[7], o.push[4] = typeOf(m.w2.Type), uint32(m.w2.Type.RowBytes(m.w2.In()))
	}
	if t := m.tiles; t != nil {
		o.push = append(o.push, uint32(t.topK), uint32(m.share), yes(m.scale), uint32(t.listAt))
		o.binds[5], o.binds[6] = t.storage.reads(), t.routes
		o.grids = [2]grid{t.grid(m.rows, 1), t.grid(m.rows, uint32(c.shape.tile))}
	}
	c.emit(o)
}

func (t *tileList) grid(rows tensor.Rows, tile uint32) grid {
	return grid{rows: rows, tile: tile, experts: true, topK: uint32(t.topK), slots: uint32(t.slots)}
}

// rowsAt is the word of the batch with the number of rows.
func rowsAt(r tensor.Rows) uint32 {
	if r == tensor.PerOutput {
		return atOutputs
	}
	return atTokens
}

func (c *compiler) matMul(n *tensor.Node, o tensor.MatMul) error {
	m := product{w: o.W}
	var err error
	if m.data, err = c.p.weights.matrix(o.W, nil); err != nil {
		return err
	}
	if o.Bias != nil {
		if m.bias, err = c.p.weights.vector(o.Bias); err != nil {
			return err
		}
	}
	x, y := c.operand(n, 0), c.out(n)
	m.x, m.y, m.rows = x.storage.reads(), y.storage.writes(), y.info.Rows
	c.multiply(m)
	return nil
}

// stacks is the three matrices of a feed-forward network on the device.
func (c *compiler) stacks(gate, up, down *tensor.Weight, experts []int) (g, u, d *region, err error) {
	if g, err = c.p.weights.matrix(gate, experts); err != nil {
		return
	}
	if u, err = c.p.weights.matrix(up, experts); err != nil {
		return
	}
	d, err = c.p.weights.matrix(down, experts)
	return
}

func (c *compiler) ffn(n *tensor.Node, o tensor.FFN) error {
	gate, up, down, err := c.stacks(o.Gate, o.Up, o.Down, nil)
	if err != nil {
		return err
	}
	x, y := c.operand(n, 0), c.out(n)
	rows := y.info.Rows
	hidden, free := c.scratch(c.rows(rows) * o.Gate.Out())
	defer free()
	c.multiply(product{w: o.Gate, data: gate, w2: o.Up, data2: up, x: x.storage.reads(), y: hidden.writes(), rows: rows})
	c.multiply(product{w: o.Down, data: down, x: hidden.reads(), y: y.storage.writes(), rows: rows})
	return nil
}
