//go:build !noasm

package kernel

import (
	"unsafe"

	"scout/engine/quant"
)

// Products of many vectors unpack tileRows rows by tileCols columns of weights
// at a time into a tile, which stays in the first-level cache, and multiply it
// with up to panelVectors vectors, tileVectors at a time.
const (
	tileRows     = 8
	tileCols     = 256
	tileVectors  = 4
	panelVectors = 128
)

// packedRow is 256 columns of one row: a block, or up to eight blocks of 32. The
// assembly knows the offsets.
type packedRow struct {
	q       [tileCols]int8
	s       [16]uint32 // S of 16 weights, or 8 of 32; for blocks of 32: 8 times D, then Min, as float32
	m       [16]int16  // M of 16 weights, or 8 of 32
	d, dMin float32
}

// weightTile is 8 rows with the same columns side by side. The assembly knows
// the offsets.
type weightTile struct {
	q       [16][2][4][4][4]int8 // by 16 columns, by 4 rows, by 4 columns; row, column
	s       [4][2][4][4]uint32   // by 4 scales, by 4 rows; scale, row
	m       [2][2][8][4]int16    // by 8 minima, by 4 rows; minimum, row
	d, dMin [tileRows]float32
}

// panel is what a worker needs for the products of tileRows rows and
// panelVectors vectors.
type panel struct {
	rows [tileRows]packedRow
	tile weightTile
	c    [panelVectors + tileVectors][tileRows]float32
}

// part is some rows and some vectors of a product.
type part struct {
	m     Matrix
	r, nr int // rows r to r+nr, at most tileRows
	a     *Acts
	t, nt int // vectors t to t+nt, tileVectors to panelVectors
	*panel
	super *quant.Super
}

// eachPanel cuts a product of at least tileVectors vectors into parts. add adds
// to the sums c of a part the products of the columns from k on, and says how
// many columns that were. It is a call that the garbage collector can stop
// before.
func eachPanel(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch, add func(p part, k int) int) {
	memory := s.byte(0, int(unsafe.Sizeof(panel{})))
	p := part{m: m, a: a, panel: (*panel)(unsafe.Pointer(&memory[0])), super: &s.super}
	for t := t0; t < t1; t += panelVectors {
		p.t = min(t, t1-tileVectors) // the last four again rather than fewer
		p.nt = min(panelVectors, t1-p.t)
		for p.r = r0; p.r < r1; p.r += tileRows {
			p.nr = min(tileRows, r1-p.r)
			clear(p.c[:])
			for k := 0; k < m.Cols; {
				k += add(p, k)
			}
			p.copyTo(dst, ldd)
		}
	}
}

// copyTo writes the sums to dst. They are those of the vectors in order, as many
// as fill fours, and then those of the last four again if that left some out.
func (p *part) copyTo(dst []float32, ldd int) {
	whole := p.nt / tileVectors * tileVectors
	for i := range p.nt {
		from := i
		if i >= whole {
			from += tileVectors - p.nt%tileVectors
		}
		copy(dst[(p.t+i)*ldd+p.r:][:p.nr], p.c[from][:])
	}
}

// addBlock is eachPanel's add for 256-weight blocks.
//
//go:noinline
func (f *superFormat) addBlock(p part, k int) int {
	b, blocks := k/256, p.m.Cols/256
	if f.unpack != nil {
		f.unpack(&p.rows[0], &p.m.row(p.r)[b*p.m.Type.BlockBytes()], p.m.Type.RowBytes(p.m.Cols), p.nr)
	} else {
		f.packRows(&p, b)
	}
	interleave(&p.tile, &p.rows[0])
	mins := 0
	if f.mins {
		mins = 1
	}
	multiply := multiply16
	if f.wide {
		multiply = multiply32
	}
	at := p.t*blocks + b
	multiply(&p.c[0][0], &p.tile, &p.a.Q[at*256], &p.a.D[at], &p.a.Sums[at*16], p.m.Cols, p.nt/tileVectors, mins)
	if left := p.nt % tileVectors; left != 0 {
		at += (p.nt - tileVectors) * blocks
		multiply(&p.c[p.nt-left][0], &p.tile, &p.a.Q[at*256], &p.a.D[at], &p.a.Sums[at*16], p.m.Cols, 1, mins)
	}
	return 256
}

// packRows unpacks block b of the rows of a part, of a type without assembly for
// that. None of these types has minima.
func (f *superFormat) packRows(p *part, b int) {
	size, w := p.m.Type.BlockBytes(), p.super
	for i := range p.nr {
		quant.UnpackSuper(p.m.Type, w, p.m.row(p.r + i)[b*size:(b+1)*size])
		row := &p.rows[i]
		row.q, row.d = w.Q, w.D
		for u, s := range w.S {
			if f.wide {
				row.s[u/2] = uint32(int32(s)) // the two of a group of 32 are equal
			} else {
				row.s[u] = uint32(int32(s))
			}
		}
	}
}

// addBlocks is eachPanel's add for 32-weight blocks.
//
//go:noinline
func (f *smallFormat) addBlocks(p part, k int) int {
	b, blocks := k/32, p.m.Cols/32
	n := min(8, blocks-b)
	f.unpack(&p.rows[0], &p.m.row(p.r)[b*p.m.Type.BlockBytes()], p.m.Type.RowBytes(p.m.Cols), p.nr, n)
	interleave(&p.tile, &p.rows[0])
	multiply := multiplySmall
	if f.mins {
		multiply = multiplySmallMin
	}
	at := p.t*blocks + b
	multiply(&p.c[0][0], &p.tile, &p.a.Q[at*32], &p.a.D[at], &p.a.Sums[at], p.m.Cols, p.nt/tileVectors, n)
	if left := p.nt % tileVectors; left != 0 {
		at += (p.nt - tileVectors) * blocks
		multiply(&p.c[p.nt-left][0], &p.tile, &p.a.Q[at*32], &p.a.D[at], &p.a.Sums[at], p.m.Cols, 1, n)
	}
	return 32 * n
}
