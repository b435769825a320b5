//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"math"

	"scout/engine/tensor"
)

// expertFFN sorts the routes by expert, runs the experts that are here over their
// rows, and adds up what belongs to a row. Nothing of it asks the host.
func (c *compiler) expertFFN(n *tensor.Node, o tensor.ExpertFFN) error {
	x, routes := c.operand(n, 0), c.operand(n, 1)
	y := c.out(n)
	rows, topK := y.info.Rows, routes.info.Width
	slots, table := slotsOf(o)
	slot, err := c.p.weights.words("experts of "+o.Gate.Name, table)
	if err != nil {
		return err
	}
	if slots == 0 {
		c.combine(y, bind{}, bind{region: slot}, routes.storage.reads(), o.Gating, topK, slots)
		return nil
	}
	gate, up, down, err := c.stacks(o.Gate, o.Up, o.Down, o.Experts)
	if err != nil {
		return err
	}
	pairs := c.rows(rows) * topK
	hidden, freeHidden := c.scratch(pairs * o.Gate.Out())
	defer freeHidden()
	t, freeTiles := c.group(rows, topK, slots, slot, routes.storage.reads())
	defer freeTiles()
	c.multiply(product{
		w: o.Gate, data: gate, w2: o.Up, data2: up, x: x.storage.reads(), y: hidden.writes(), rows: rows,
		tiles: t, share: topK, scale: o.Gating == tensor.SigmoidInput,
	})
	last := product{w: o.Down, data: down, x: hidden.reads(), y: y.storage.writes(), rows: rows, tiles: t, share: 1}
	if topK == 1 && slots == len(table) && o.Gating == tensor.SigmoidInput { // every row has its one expert here
		c.multiply(last)
		return nil
	}
	parts, freeParts := c.scratch(pairs * o.Down.Out())
	defer freeParts()
	last.y = parts.writes()
	c.multiply(last)
	c.combine(y, parts.reads(), bind{region: slot}, routes.storage.reads(), o.Gating, topK, slots)
	return nil
}

// slotsOf numbers the experts that a node has; table is the number of each expert
// of the stack, or one that no expert here has.
func slotsOf(o tensor.ExpertFFN) (slots int, table []uint32) {
	table = make([]uint32, o.Gate.Shape[0])
	for e := range table {
		table[e] = uint32(e)
		if o.Experts != nil {
			table[e] = math.MaxUint32
		}
	}
	if o.Experts == nil {
		return len(table), table
	}
	for i, e := range o.Experts {
		table[e] = uint32(i)
	}
	return len(o.Experts), table
}

// group emits the sorting of routes; free gives its list back.
func (c *compiler) group(rows tensor.Rows, topK, slots int, slot *region, routes bind) (t *tileList, free func()) {
	most := 0
	for _, tile := range []int{1, c.shape.tile} {
		n := c.rows(rows) * topK
		if tile == 1 {
			n = topK // lists for one row only
		}
		most = max(most, (n+tile-1)/tile+min(slots, n))
	}
	t = &tileList{routes: routes, listAt: 3 * most, topK: topK, slots: slots}
	t.storage, free = c.scratch(3*most + c.rows(rows)*topK)
	c.emit(op{
		name: "group", shader: "group", consts: consts{1: 1}, tileAt: 1, tiled: uint32(c.shape.tile), rows: rows,
		push:  []uint32{rowsAt(rows), uint32(topK), uint32(slots), uint32(t.listAt)},
		binds: binds{1: {region: slot}, 2: routes, 3: t.storage.writes()},
		grids: [2]grid{{rows: rows}, {rows: rows}},
	})
	return t, free
}

// combine emits the sum over a row's experts.
func (c *compiler) combine(y *value, parts, slot, routes bind, gating tensor.Gating, topK, slots int) {
	c.emit(op{
		name: "combine", shader: "combine", consts: consts{1: yes(gating == tensor.SoftmaxOutput)},
		push:  []uint32{uint32(y.width()), uint32(topK), uint32(slots)},
		binds: binds{0: routes, 1: slot, 2: parts, 3: y.storage.writes()}, x: groups(y.width(), 64), rows: y.info.Rows,
	})
}
