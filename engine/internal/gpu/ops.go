//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"math"

	"scout/engine/tensor"
)

// mapping is one number in, one out.
func (c *compiler) mapping(n *tensor.Node, kind, at uint32) {
	x := c.operand(n, 0)
	var second bind
	if kind == mapAdd {
		second = c.operand(n, 1).storage.reads()
	}
	y := c.out(n)
	c.emit(op{
		name: "map", shader: "map", consts: consts{1: kind}, push: []uint32{uint32(y.width()), at},
		binds: binds{1: second, 2: x.storage.reads(), 3: y.storage.writes()}, x: groups(y.width(), 64), rows: y.info.Rows,
	})
}

// gather takes the rows that the batch asks for; Merge takes those behind them too.
func (c *compiler) gather(n *tensor.Node) {
	x, y := c.operand(n, 0), c.out(n)
	c.emit(op{
		name: "gather", shader: "map", consts: consts{1: mapGather},
		push:  []uint32{uint32(y.width()), c.p.layout.outputsAt, uint32(x.width())},
		binds: binds{2: x.storage.reads(), 3: y.storage.writes()}, x: groups(y.width(), 64), rows: tensor.PerOutput,
	})
}

// ownRows is where the batch's own rows lie, width wide.
func (c *compiler) ownRows(width int) bind {
	if c.own == nil {
		c.own = &region{}
	}
	c.ownWidth = max(c.ownWidth, width)
	return bind{region: c.own}
}

func (c *compiler) input(n *tensor.Node, o tensor.Input) {
	from, y := c.ownRows(o.Width), c.out(n)
	c.copy(y, from, y.storage.writes())
}

func (c *compiler) embed(n *tensor.Node, o tensor.Embed) error {
	table, err := c.p.weights.matrix(o.W, nil)
	if err != nil {
		return err
	}
	own, y, cols := c.ownRows(o.W.In()), c.out(n), o.W.In()
	c.emit(op{
		name: o.W.Name, shader: "embed", consts: consts{1: typeOf(o.W.Type)},
		push:  []uint32{uint32(cols), uint32(o.W.Type.RowBytes(cols)), c.p.layout.tokensAt, c.p.layout.ownAt},
		binds: binds{0: {region: table}, 2: own, 3: y.storage.writes()}, x: groups(cols, 32*64),
	})
	return nil
}

func (c *compiler) addRows(n *tensor.Node, o tensor.AddRows) error {
	table, err := c.p.weights.matrix(o.W, nil)
	if err != nil {
		return err
	}
	index := make([]uint32, len(o.Index))
	for i, row := range o.Index {
		index[i] = uint32(row)
	}
	rows, err := c.p.weights.words("index of "+o.W.Name, index)
	if err != nil {
		return err
	}
	x, cols := c.operand(n, 0), o.W.In()
	y := c.out(n)
	c.emit(op{
		name: o.W.Name, shader: "embed", consts: consts{1: typeOf(o.W.Type), 2: 1},
		push:  []uint32{uint32(cols), uint32(o.W.Type.RowBytes(cols)), 0, 0, uint32(len(index))},
		binds: binds{0: {region: table}, 1: {region: rows}, 2: x.storage.reads(), 3: y.storage.writes()},
		x:     groups(cols, 32*64), rows: y.info.Rows,
	})
	return nil
}

func (c *compiler) rmsNorm(n *tensor.Node, o tensor.RMSNorm) error {
	var w bind
	if o.W != nil {
		r, err := c.p.weights.vector(o.W)
		if err != nil {
			return err
		}
		w.region = r
	}
	c.norm(n, o.Group, o.Eps, w, bind{})
	return nil
}

func (c *compiler) layerNorm(n *tensor.Node, o tensor.LayerNorm) error {
	w, err := c.p.weights.vector(o.W)
	if err != nil {
		return err
	}
	bias, err := c.p.weights.vector(o.Bias)
	if err != nil {
		return err
	}
	c.norm(n, o.W.In(), o.Eps, bind{region: w}, bind{region: bias})
	return nil
}

// norm is an RMS norm without a bias, a layer norm with one.
func (c *compiler) norm(n *tensor.Node, group int, eps float32, w, bias bind) {
	x, y := c.operand(n, 0), c.out(n)
	c.emit(op{
		name: "norm", shader: "norm", consts: consts{1: yes(bias.region != nil), 2: yes(w.region != nil)},
		push:  []uint32{uint32(y.width()), uint32(group), math.Float32bits(eps)},
		binds: binds{0: w, 1: bias, 2: x.storage.reads(), 3: y.storage.writes()}, x: uint32(y.width() / group), rows: y.info.Rows,
	})
}

func (c *compiler) rotate(n *tensor.Node, dim int, pairs tensor.Pairing, at uint32) {
	x, y := c.operand(n, 0), c.out(n)
	c.emit(op{
		name: "rope", shader: "rotate", push: []uint32{uint32(y.width()), uint32(dim), yes(pairs == tensor.Halves), at},
		binds: binds{2: x.storage.reads(), 3: y.storage.writes()}, x: groups(y.width()/2, 64), rows: y.info.Rows,
	})
}

// attend writes the batch's keys and values into the cache and looks back at them.
func (c *compiler) attend(n *tensor.Node, o tensor.Attend) {
	width := o.KVHeads * o.HeadDim
	for i, side := range []cacheSide{cacheKeys, cacheValues} {
		c.emit(op{
			name: "cache", shader: "append", push: []uint32{uint32(width), 0, 0},
			binds: binds{2: c.operand(n, 1+i).storage.reads(), 3: {id: cacheID(o.Layer, side), written: true, cache: side}},
			x:     groups(width, 64), // of which only a part works where a lane takes more than one number
			cache: &cacheUse{layer: o.Layer, cellsAt: 1},
		})
	}
	q, y := c.operand(n, 0), c.out(n)
	c.emit(op{
		name: "attend", shader: "attend",
		push: []uint32{uint32(o.Heads), uint32(o.KVHeads), uint32(o.HeadDim), math.Float32bits(o.Scale), 0, 0, c.p.layout.sees(o.Chunk)},
		binds: binds{
			0: {id: cacheID(o.Layer, cacheKeys), cache: cacheKeys}, 1: {id: cacheID(o.Layer, cacheValues), cache: cacheValues},
			2: q.storage.reads(), 3: y.storage.writes(),
		},
		x: uint32(o.Heads), cache: &cacheUse{layer: o.Layer, cellsAt: 4},
	})
}

// cacheID is the number of a cache layer's side among storages.
func cacheID(layer int, side cacheSide) int { return -(2*layer + int(side)) }

// attendSpan is attention over rows of the batch, which lie like a cache of
// float32 that does not wrap.
func (c *compiler) attendSpan(n *tensor.Node, o tensor.AttendSpan) {
	q, k, v := c.operand(n, 0), c.operand(n, 1), c.operand(n, 2)
	y := c.out(n)
	c.emit(op{
		name: "attend", shader: "attend", consts: consts{1: uint32(tensor.KVF32)},
		push:  []uint32{uint32(o.Heads), uint32(o.Heads), uint32(o.HeadDim), math.Float32bits(o.Scale), math.MaxUint32, 0, c.p.layout.span(o.Spans)},
		binds: binds{0: k.storage.reads(), 1: v.storage.reads(), 2: q.storage.reads(), 3: y.storage.writes()},
		x:     uint32(o.Heads),
	})
}

func (c *compiler) route(n *tensor.Node, o tensor.Route) {
	x, y := c.operand(n, 0), c.out(n)
	c.emit(op{
		name: "route", shader: "route", consts: consts{1: yes(o.Gating == tensor.SoftmaxOutput)},
		push:  []uint32{uint32(x.width()), uint32(o.TopK)},
		binds: binds{2: x.storage.reads(), 3: y.storage.writes()}, rows: y.info.Rows,
	})
}
