package cpu

import (
	"scout/engine/internal/kernel"
	"scout/engine/quant"
)

// Matrix instructions want activations in an order of their own (kernel.Acts.Pack).
// It is made once, by all workers together, for all the products that read it.

// wantPacked adds the step that packs the first rows of x, unless it is there or
// gains nothing for weights of type t.
func (c *compiler) wantPacked(x *acts, t quant.Type, rows func() int) {
	if x.packed != 0 || !kernel.Packs(t, x.shape.rows) {
		return
	}
	c.reserve(x, kernel.Tiles(x.shape.rows))
	c.step("pack", []int{x.storage}, []int{x.packed}, func(_ int, pieces *counter) {
		n := rows()
		if !kernel.Packs(t, n) {
			return
		}
		for i := pieces.take(); i < kernel.Tiles(n); i = pieces.take() {
			t0 := i * kernel.TileVectors
			x.Pack(i, t0, min(t0+kernel.TileVectors, n))
		}
	})
}

// wantPackedExperts is wantPacked for rows sorted by expert: each expert's begin a
// tile.
func (c *compiler) wantPackedExperts(x *acts, t quant.Type, e *experts, plan int) {
	if x.packed != 0 || !kernel.Packs(t, x.shape.rows) {
		return
	}
	// An expert's last tile may be as good as empty.
	c.reserve(x, x.shape.rows/kernel.TileVectors+min(len(e.mine), x.shape.rows))
	c.step("pack", []int{x.storage, plan}, []int{x.packed}, func(_ int, pieces *counter) {
		expert := 0
		for i := pieces.take(); i < int(e.tile[len(e.mine)]); i = pieces.take() {
			for i >= int(e.tile[expert+1]) {
				expert++
			}
			end := int(e.start[expert+1])
			t0 := int(e.start[expert]) + (i-int(e.tile[expert]))*kernel.TileVectors
			if kernel.Packs(t, end-int(e.start[expert])) {
				x.Pack(i, t0, min(t0+kernel.TileVectors, end))
			}
		}
	})
}

// reserve makes room for packed activations, which are a storage of their own.
func (c *compiler) reserve(x *acts, tiles int) {
	before := x.PackedBytes()
	x.ReserveTiles(tiles)
	c.p.b.bytes += x.PackedBytes() - before
	x.packed = c.storage()
}

// reads is the storages that a product with x reads.
func (x *acts) reads() []int {
	if x.packed != 0 {
		return []int{x.storage, x.packed}
	}
	return []int{x.storage}
}

// multiply is kernel.MatMul of rows t0 to t1-1 of x, which are packed from tile on
// if that gains anything.
func (x *acts) multiply(dst []float32, m kernel.Matrix, r0, r1, t0, t1, tile int, s *kernel.Scratch) {
	if kernel.Packs(m.Type, t1-t0) {
		kernel.MatMulPacked(dst, m.Rows, m, r0, r1, &x.Acts, t0, t1, tile, s)
	} else {
		kernel.MatMul(dst, m.Rows, m, r0, r1, &x.Acts, t0, t1, s)
	}
}
