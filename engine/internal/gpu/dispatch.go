//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import "scout/engine/tensor"

// op is one dispatch.
type op struct {
	name   string
	node   int
	shader string
	consts consts
	tiled  uint32 // rows of a tile in lists for many rows, if the shader takes tiles
	tileAt uint32 // constant that says so
	binds  binds
	push   []uint32
	x, z   uint32 // workgroups; z 0 means 1
	rows   tensor.Rows
	grids  [2]grid // along y, by kind of list; filled by emit unless set

	cache    *cacheUse
	receives *value // that the host wrote
	sends    *value // that the host may read

	indirect uint32 // word of the batch where the grid of many rows lies
}

// The two kinds of lists: for one token with logits, and for any batch.
const (
	one  = 0
	many = 1
)

// consts are specialization constants by id.
type consts [8]uint32

// binds are the buffers of a dispatch, by binding. What is not bound is not used.
type binds [bindings]bind

// bind is a region that a dispatch reads, or writes if written is set.
type bind struct {
	region  *region
	id      int // of the storage, 0 for what the device never writes
	written bool
	cache   cacheSide // or the keys or values of a cache layer
}

// cacheSide says which part of a cache layer is bound.
type cacheSide int

const (
	noCache cacheSide = iota
	cacheKeys
	cacheValues
)

// cacheUse is what a dispatch takes from the layer of the cache that a list is
// recorded for: its element type is consts[1].
type cacheUse struct {
	layer   int
	cellsAt int // push constant with the cells; behind it the start of the scales
}

// reads and writes bind a storage.
func (s *storage) reads() bind  { return bind{region: s.region, id: s.id} }
func (s *storage) writes() bind { return bind{region: s.region, id: s.id, written: true} }

// emit adds a dispatch.
func (c *compiler) emit(o op) {
	o.node = c.at
	if o.grids == [2]grid{} {
		tile := max(o.tiled, 1)
		o.grids = [2]grid{{rows: o.rows, tile: 1}, {rows: o.rows, tile: tile}}
	}
	o.x, o.z = max(o.x, 1), max(o.z, 1)
	c.ops = append(c.ops, o)
}

// groups is how many workgroups of n take total.
func groups(total, n int) uint32 { return uint32((total + n - 1) / n) }

// Kinds of map.comp.
const (
	mapCopy   = 0
	mapAdd    = 1
	mapScale  = 2
	mapGELU   = 3
	mapGather = 4
)

// yes is 1 for true, as constants of shaders are.
func yes(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
