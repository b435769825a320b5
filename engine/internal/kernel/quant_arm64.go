//go:build !noasm

package kernel

import "scout/engine/quant"

// superFormat is how the products of one type of 256-weight blocks are computed.
type superFormat struct {
	wide bool // scales and minima are of 32 weights, not 16
	mins bool // the type has minima

	unpack func(row *packedRow, w *byte, stride, n int) // nil: package quant does it
	rows   rowsFunc                                     // nil: as for unpack
}

// A rowsFunc multiplies one vector with rows where they are, n of them or, for
// 32-weight blocks, 4*n.
type rowsFunc func(dst *float32, w *byte, stride, n int, q *int8, d *float32, sums *int16, blocks int)

var superFormats = map[quant.Type]*superFormat{
	quant.Q2_K:   {mins: true, unpack: unpackQ2K, rows: rowsQ2K},
	quant.Q3_K:   {unpack: unpackQ3K, rows: rowsQ3K},
	quant.Q4_K:   {wide: true, mins: true, unpack: unpackQ4K, rows: rowsQ4K},
	quant.Q5_K:   {wide: true, mins: true, unpack: unpackQ5K, rows: rowsQ5K},
	quant.Q6_K:   {unpack: unpackQ6K, rows: rowsQ6K},
	quant.IQ1S:   {wide: true, unpack: unpackIQ1S, rows: rowsIQ1S},
	quant.IQ1M:   {unpack: unpackIQ1M, rows: rowsIQ1M},
	quant.IQ2XXS: {wide: true, unpack: unpackIQ2XXS, rows: rowsIQ2XXS},
	quant.IQ2XS:  {unpack: unpackIQ2XS, rows: rowsIQ2XS},
	quant.IQ2S:   {unpack: unpackIQ2S, rows: rowsIQ2S},
	quant.IQ3XXS: {wide: true, unpack: unpackIQ3XXS, rows: rowsIQ3XXS},
	quant.IQ3S:   {wide: true, unpack: unpackIQ3S, rows: rowsIQ3S},
	quant.IQ4XS:  {wide: true, unpack: unpackIQ4XS, rows: rowsIQ4XS},
	quant.TQ1_0:  {wide: true},
	quant.TQ2_0:  {wide: true},
}

// smallFormat is the same for 32-weight blocks.
type smallFormat struct {
	mins   bool
	unpack func(row *packedRow, w *byte, stride, n, blocks int)
	rows   rowsFunc
}

var smallFormats = map[quant.Type]*smallFormat{
	quant.Q4_0:  {unpack: unpackQ40, rows: rowsQ40},
	quant.Q4_1:  {mins: true, unpack: unpackQ41, rows: rowsQ41},
	quant.Q5_0:  {unpack: unpackQ50, rows: rowsQ50},
	quant.Q5_1:  {mins: true, unpack: unpackQ51, rows: rowsQ51},
	quant.Q8_0:  {unpack: unpackQ80, rows: rowsQ80},
	quant.IQ4NL: {unpack: unpackIQ4NL, rows: rowsIQ4NL},
	quant.MXFP4: {unpack: unpackMXFP4, rows: rowsMXFP4},
}

// The version is not called neon, as that of the float kernels is, because it
// needs more: so a machine can be known to have both.
func init() {
	if !hasDotProd {
		return
	}
	fillBooks()
	for t, f := range superFormats {
		registerQuant("dotprod", t, quantKernel{dot: f.matMul})
	}
	for t, f := range smallFormats {
		registerQuant("dotprod", t, quantKernel{dot: f.matMul})
	}
}

func (f *superFormat) matMul(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	switch {
	case t1-t0 >= tileVectors:
		eachPanel(dst, ldd, m, r0, r1, a, t0, t1, s, f.addBlock)
	case f.rows != nil:
		f.rows.matMul(dst, ldd, m, r0, r1, a, t0, t1, s, 1)
	default:
		f.matMulFew(dst, ldd, m, r0, r1, a, t0, t1, s)
	}
}

func (f *smallFormat) matMul(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	if t1-t0 >= tileVectors {
		eachPanel(dst, ldd, m, r0, r1, a, t0, t1, s, f.addBlocks)
	} else {
		f.rows.matMul(dst, ldd, m, r0, r1, a, t0, t1, s, 4)
	}
}

// matMulFew multiplies few vectors with blocks that package quant unpacks. These
// types have no minima; the term that the definition subtracts is zero.
func (f *superFormat) matMulFew(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	blocks, size, w := m.Cols/256, m.Type.BlockBytes(), &s.super
	for r := r0; r < r1; r++ {
		row := m.row(r)
		for t := t0; t < t1; t++ {
			dst[t*ldd+r] = 0
		}
		for b := range blocks {
			quant.UnpackSuper(m.Type, w, row[b*size:(b+1)*size])
			for t := t0; t < t1; t++ {
				at := t*blocks + b
				sum := dotGroups(&w.Q[0], &w.S[0], &a.Q[at*256])
				dst[t*ldd+r] += float32(float32(w.D*a.D[at]) * float32(sum))
			}
		}
	}
}

// Weights of rowsBytes are multiplied with each vector before the next: few
// enough to be in a first-level cache when there are several vectors.
const rowsBytes = 32 << 10

// matMul multiplies rows where they are, together in groups, for few vectors.
func (f rowsFunc) matMul(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch, together int) {
	size, step := m.Type.RowBytes(m.Cols), callBytes
	if t1-t0 > 1 {
		step = rowsBytes
	}
	step = max(step/max(size, 1)&^3, 4)
	for r := r0; r < r1; r += step {
		n := min(step, r1-r)
		for t := t0; t < t1; t++ {
			f.vector(dst[t*ldd+r:][:n], &m, r, a, t, s, together)
		}
	}
}

// vector sets dst to the products of the rows from r on and of vector t. It is a
// call that the garbage collector can stop before.
//
//go:noinline
func (f rowsFunc) vector(dst []float32, m *Matrix, r int, a *Acts, t int, s *Scratch, together int) {
	size, blocks := m.Type.RowBytes(m.Cols), m.Cols/a.Form.block()
	q, d, sums := &a.Q[t*m.Cols], &a.D[t*blocks], &a.Sums[t*m.Cols/a.Form.group()]
	groups := len(dst) / together
	if groups > 0 {
		f(&dst[0], &m.Data[r*size], size, groups, q, d, sums, blocks)
	}
	// What is left of a four.
	four := s.float(0, 4)
	for i := groups * together; i < len(dst); i++ {
		f(&four[0], &m.Data[(r+i)*size], 0, 1, q, d, sums, blocks)
		dst[i] = four[0]
	}
}
