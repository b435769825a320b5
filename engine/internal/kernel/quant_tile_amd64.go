//go:build !noasm

package kernel

import (
	"encoding/binary"
	"unsafe"

	"scout/engine/quant"
)

// Products of many vectors unpack tileRows rows by tileCols columns of weights
// at a time into a tile, which stays in the first-level cache, and multiply it
// with up to tileVectors vectors, whose activations stay in the second.
const (
	tileRows    = 16
	tileCols    = 256
	tileVectors = 128
)

// superTile is a tile of 256-weight blocks, with the bytes of 4 columns of one
// row side by side. Rows are innermost, because vectors of 8 or 16 rows are
// computed with. The offsets are those of the assembly's generator.
type superTile struct {
	weights [64][tileRows]uint32   // by 4 columns
	scales  [16][tileRows][2]int16 // by 16 columns or 32; both elements are S
	pairs   [8][tileRows][2]int16  // by 32 columns or 64; M, or minus the bias times S, of each half
	d, dMin [tileRows]float32
	_       [tileScratch]byte
}

// smallTile is a tile of up to eight 32-weight blocks a row.
type smallTile struct {
	weights [8][8][tileRows]uint32
	d, min  [8][tileRows]float32 // by block
	bias    int32                // minus the bias
	_       [636]byte
	_       [tileScratch]byte
}

// tileScratch is the working memory of the functions that use a tile, in bytes.
const tileScratch = 2048

// bytes is how assembly wants the address of a tile.
func (t *superTile) bytes() *byte { return (*byte)(unsafe.Pointer(t)) }

// small is the tile as one of 32-weight blocks.
func (t *superTile) small() *smallTile { return (*smallTile)(unsafe.Pointer(t)) }

// aligned is buffer i of s as n bytes that start a cache line.
func (s *Scratch) aligned(i int, n uintptr) unsafe.Pointer {
	p := unsafe.Pointer(unsafe.SliceData(s.byte(i, int(n)+63)))
	return unsafe.Add(p, -uintptr(p)&63)
}

// matMulTiles multiplies tile after tile with all vectors.
func (f *quantFormat) matMulTiles(dst []float32, ldd int, m *Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	room := unsafe.Slice((*float32)(s.aligned(1, 4*tileRows*tileVectors)), tileRows*tileVectors)
	// Parts of about the same size.
	parts := (t1 - t0 + tileVectors - 1) / tileVectors
	step := ((t1-t0+parts-1)/parts + 7) &^ 7
	for t := t0; t < t1; t += step {
		n := min(step, t1-t)
		c := room[:(n+3)&^3*tileRows]
		for r := r0; r < r1; r += tileRows {
			from := max(0, min(r, m.Rows-tileRows)) // the last 16 rows again rather than fewer
			clear(c)
			f.panel(c, m, from, a, t, n, s)
			for i := range n {
				at := (t + i) * ldd
				copy(dst[at+r:at+min(r+tileRows, r1)], c[i*tileRows+r-from:])
			}
		}
	}
}

// panel adds the products of 16 rows from r on, or of all if there are fewer, and
// of n vectors from t on to c[vector][16]. It is a call that the garbage
// collector can stop before.
//
//go:noinline
func (f *quantFormat) panel(c []float32, m *Matrix, r int, a *Acts, t, n int, s *Scratch) {
	tile := (*superTile)(s.aligned(0, unsafe.Sizeof(superTile{})))
	if a.Form == FormQ8_0 {
		tile.small().bias = -int32(f.bias)
	}
	blocks, most := m.Cols/a.Form.block(), tileCols/a.Form.block()
	whole := 0
	if f.multiply8 != nil {
		whole = n &^ 7
	}
	for b := 0; b < blocks; b += most {
		nb := min(most, blocks-b)
		f.fill(tile, m, r, b, nb, s)
		if whole > 0 {
			q, d, sums := a.from(t, b)
			f.multiply8(&c[0], tile.bytes(), q, d, sums, m.Cols, whole, nb)
		}
		if whole < n {
			q, d, sums := a.from(t+whole, b)
			f.multiply(&c[whole*tileRows], tile.bytes(), q, d, sums, m.Cols, n-whole, nb)
		}
	}
}

// fill unpacks n blocks from b on of 16 rows from r on.
func (f *quantFormat) fill(tile *superTile, m *Matrix, r, b, n int, s *Scratch) {
	switch {
	case m.Rows >= tileRows:
		f.unpack(tile.bytes(), m.block(r, b), m.Type.RowBytes(m.Cols), m.after(r, b), n)
	case FormOf(m.Type) == FormQ8_K:
		tile.fill(f, m, b, s)
	default:
		tile.small().fill(f, m, b, n, s)
	}
}

// block is where block b of row r starts.
func (m *Matrix) block(r, b int) *byte { return &m.row(r)[b*m.Type.BlockBytes()] }

// after is where the tile after that at block b of row r starts; the last tile is
// its own.
func (m *Matrix) after(r, b int) *byte {
	n := tileCols / m.Type.BlockSize()
	switch {
	case (b+n)*m.Type.BlockSize() < m.Cols:
		return m.block(r, b+n)
	case r+2*tileRows <= m.Rows:
		return m.block(r+tileRows, 0)
	}
	return m.block(r, b)
}

// fill unpacks block b of all rows of a matrix with fewer than 16. The others of
// the tile get the last row.
func (t *superTile) fill(f *quantFormat, m *Matrix, b int, s *Scratch) {
	size, w := m.Type.BlockBytes(), &s.super
	for i := range tileRows {
		quant.UnpackSuper(m.Type, w, m.row(min(i, m.Rows-1))[b*size:][:size])
		for k := range t.weights {
			t.weights[k][i] = f.four(w.Q[4*k:])
		}
		t.d[i], t.dMin[i] = w.D, w.DMin
		t.setScales(f, i, w)
	}
}

// setScales fills in what belongs to the groups of row i.
func (t *superTile) setScales(f *quantFormat, i int, w *quant.Super) {
	groups, step := 16, 1
	if f.wide {
		groups, step = 8, 2
	}
	for g := range groups {
		s, m := w.S[g*step], w.M[g*step]
		if !f.mins {
			m = -s * int16(f.bias)
		}
		t.scales[g][i] = [2]int16{s, s}
		t.pairs[g/2][i][g%2] = m
	}
}

// fill unpacks n blocks from b on of all rows of a matrix with fewer than 16. The
// others of the tile get the last row.
func (t *smallTile) fill(f *quantFormat, m *Matrix, b, n int, s *Scratch) {
	size, w := m.Type.BlockBytes(), &s.small
	for i := range tileRows {
		row := m.row(min(i, m.Rows-1))
		for j := range n {
			quant.UnpackSmall(m.Type, w, row[(b+j)*size:][:size])
			for k := range 8 {
				t.weights[j][k][i] = f.four(w.Q[4*k:])
			}
			t.d[j][i], t.min[j][i] = w.D, w.Min
		}
	}
}

// everyByte times a byte is a word of four such bytes.
const everyByte = 0x01010101

// four is the first four weights of q as a tile has them.
func (f *quantFormat) four(q []int8) uint32 {
	b := (*[4]byte)(unsafe.Pointer(unsafe.SliceData(q[:4])))
	v := binary.LittleEndian.Uint32(b[:])
	if f.signed {
		return v
	}
	// The top bit of each byte, flipped, adds 128. No byte borrows then.
	return (v ^ 0x80*everyByte) - uint32(128-f.bias)*everyByte
}
