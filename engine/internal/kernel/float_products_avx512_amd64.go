//go:build !noasm

package kernel

import (
	"unsafe"

	"scout/engine/quant"
)

//go:generate go -C _asm run ./float512 -out ../float_products_avx512_amd64.s -stubs ../float_products_avx512_stubs_amd64.go -pkg kernel

// Eight rows are multiplied with up to six vectors at a time, by tileWide. The rows
// are widened first, wideCols columns at a time: 22 KiB, half of a first-level
// cache. The vectors, up to partVectors of them and partCols columns, are put side
// by side, 660 KiB that are read again for every eight rows, from a second-level
// cache; those of the next part are on their way there meanwhile.
const (
	wideRowsEach = 8
	wideVectors  = 6
	wideSumsEach = 8 * wideRowsEach * wideVectors // partial sums of a tile
	wideCols     = 704
	partCols     = 2 * wideCols
	partVectors  = 120
	partRows     = 128 // whose partial sums, of long rows, take 480 KiB
)

// wideFrom is the number of vectors from which that is faster than what AVX2 does:
// measured, BenchmarkMatMulFloats. Floats need no widening.
func wideFrom(t quant.Type) int {
	if t == quant.F32 {
		return 12
	}
	return 4
}

func matMulAVX512(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	rows, vectors := r1-r0, t1-t0
	if vectors < wideFrom(m.Type) || rows < wideRowsEach || m.Cols < 8 {
		matMulAVX2(dst, ldd, m, r0, r1, a, t0, t1, s)
		return
	}
	size := m.Type.RowBytes(m.Cols)
	p := wideProduct{
		typ: m.Type, w: unsafe.Pointer(&m.Data[r0*size]), stride: size, rows: rows,
		x: a.F[t0*m.Cols : t1*m.Cols], ldx: m.Cols, vectors: vectors, cols: m.Cols &^ 7,
		dst: dst[t0*ldd+r0:], ldd: ldd,
	}
	p.multiply(s)
	addManyTails(p.dst, ldd, m, r0, r1, p.x, s)
}

// addManyTails is addTails of several vectors.
func addManyTails(dst []float32, ldd int, m Matrix, r0, r1 int, x []float32, s *Scratch) {
	n := m.Cols &^ 7
	tail := m.Cols - n
	if tail == 0 {
		return
	}
	rows, skip := r1-r0, m.Type.RowBytes(n)
	w := s.float(1, rows*tail)
	for r := range rows {
		widen(m.Type, w[r*tail:(r+1)*tail], m.row(r0 + r)[skip:])
	}
	for t := range len(x) / m.Cols {
		xt, out := x[t*m.Cols+n:(t+1)*m.Cols], dst[t*ldd:][:rows]
		for r := range out {
			out[r] += dotTail(xt, w[r*tail:])
		}
	}
}

// A wideProduct is a product of at least wideRowsEach rows of weights with some
// vectors, of a length that is a multiple of 8.
type wideProduct struct {
	typ           quant.Type
	w             unsafe.Pointer // first row
	stride        int            // bytes from each row to the next
	rows          int
	x             []float32 // first vector
	ldx           int       // from each vector to the next
	vectors, cols int
	dst           []float32 // of the first row and vector
	ldd           int

	wide, packed, sums []float32 // scratch: rows, vectors, and the partial sums of long rows
	next               []float32 // the vectors to ask memory for
	asked              int       // of them
}

// A widePart is what is done with the vectors of a part.
type widePart struct {
	r, rows    int
	t, vectors int
	k, cols    int
}

func (p *wideProduct) multiply(s *Scratch) {
	most := evenly(p.vectors, partVectors)
	p.memory(most, s)
	for r := 0; r < p.rows; r += partRows {
		for t := 0; t < p.vectors; t += most {
			for k := 0; k < p.cols; k += partCols {
				switch {
				case k+partCols < p.cols:
					p.next = p.x[t*p.ldx+k+partCols:]
				case t+most < p.vectors:
					p.next = p.x[(t+most)*p.ldx:]
				default: // for the next rows
					p.next = p.x
				}
				p.asked = 0
				p.part(widePart{r, min(partRows, p.rows-r), t, min(most, p.vectors-t), k, min(partCols, p.cols-k)})
			}
		}
	}
}

// tilesOf is how many tiles n vectors are.
func tilesOf(n int) int { return (n + wideVectors - 1) / wideVectors }

// evenly is how many of n vectors to take at a time, whole tiles, so that there are
// as few parts as with most and the last is not much smaller.
func evenly(n, most int) int {
	parts := (n + most - 1) / most
	return tilesOf((n+parts-1)/parts) * wideVectors
}

// memory divides scratch memory for parts of vectors vectors.
func (p *wideProduct) memory(vectors int, s *Scratch) {
	wide, packed, sums := wideRowsEach*min(wideCols, p.cols), vectors*min(partCols, p.cols), 0
	if p.cols > wideCols {
		sums = (min(partRows, p.rows) + wideRowsEach - 1) / wideRowsEach * tilesOf(vectors) * wideSumsEach
	}
	all := s.float(0, wide+packed+sums)
	p.wide, p.packed, p.sums = all[:wide], all[wide:wide+packed], all[wide+packed:]
}

func (p *wideProduct) part(a widePart) {
	p.pack(a)
	for i := 0; i < a.rows; i += wideRowsEach {
		for j := 0; j < a.cols; j += wideCols {
			p.eightRows(a, i, j)
		}
	}
}

// pack puts the vectors side by side, tile by tile. It is a call that the garbage
// collector can stop before.
//
//go:noinline
func (p *wideProduct) pack(a widePart) {
	for i := 0; i < a.vectors; i += wideVectors {
		packVectors(&p.packed[i*a.cols], &p.x[(a.t+i)*p.ldx+a.k], 4*p.ldx, a.cols/8, min(wideVectors, a.vectors-i))
	}
}

// eightRows multiplies rows from i on and columns from j on, of the part. It is a
// call that the garbage collector can stop before.
//
//go:noinline
func (p *wideProduct) eightRows(a widePart, i, j int) {
	n, flags := min(wideCols, a.cols-j), 0
	if a.k+j == 0 {
		flags |= 1
	}
	if a.k+j+n == p.cols {
		flags |= 2
	}
	// At the end eight rows again, some of which were done: here, or in the part before.
	r := a.r + min(i, a.rows-wideRowsEach)
	p.widen(r, a.k+j, n)
	for t := 0; t < a.vectors; t += wideVectors {
		nt := min(wideVectors, a.vectors-t)
		var sums *float32
		if flags != 3 {
			sums = &p.sums[(i/wideRowsEach*tilesOf(a.vectors)+t/wideVectors)*wideSumsEach]
		}
		out := p.dst[(a.t+t)*p.ldd+r:]
		_ = out[(nt-1)*p.ldd+wideRowsEach-1]
		tileWide(&out[0], 4*p.ldd, sums, &p.wide[0], &p.packed[t*a.cols+j*nt], p.ask(), n/8, nt, flags)
	}
}

// ask is the next vector to ask memory for, one a tile.
func (p *wideProduct) ask() *float32 {
	at := p.asked * p.ldx
	if at >= len(p.next) || p.asked >= partVectors {
		return &p.packed[0]
	}
	p.asked++
	return &p.next[at]
}

// widen reads n columns from k on of eight rows from r on.
func (p *wideProduct) widen(r, k, n int) {
	w := unsafe.Add(p.w, r*p.stride)
	switch p.typ {
	case quant.F32:
		pairRowsF32(&p.wide[0], (*float32)(unsafe.Add(w, 4*k)), p.stride, n/8)
	case quant.F16:
		pairRowsF16(&p.wide[0], (*uint16)(unsafe.Add(w, 2*k)), p.stride, n/8)
	case quant.BF16:
		pairRowsBF16(&p.wide[0], (*uint16)(unsafe.Add(w, 2*k)), p.stride, n/8)
	}
}
