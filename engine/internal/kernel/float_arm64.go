//go:build !noasm

package kernel

import (
	"unsafe"

	"scout/engine/quant"
)

func init() {
	floatVersions["neon"] = &neonFloats
	best = &neonFloats
}

var neonFloats = floats{
	matMul:        matMulNEON,
	dot:           dotNEON,
	scoresF16:     scoresF16NEON,
	scoresF32:     scoresF32NEON,
	accumF16:      accumF16NEON,
	accumF32:      accumF32NEON,
	scoresManyF16: scoresManyF16NEON,
	scoresManyF32: scoresManyF32NEON,
	accumManyF16:  accumManyF16NEON,
	accumManyF32:  accumManyF32NEON,
	add:           addNEON,
	scale:         scaleNEON,
	axpy:          axpyNEON,
	max:           maxNEON,
	scaleMax:      scaleMaxNEON,
	expSum:        expSumNEON,
	rmsNorm:       rmsNormNEON,
	siluMul:       siluMulNEON,
	gelu:          geluGeneric,
	layerNorm:     layerNormGeneric,
	ropePairs:     ropePairsNEON,
	ropeHalves:    ropeHalvesNEON,
	toF16:         toF16NEON,
	fromF16:       fromF16NEON,
	quantizeQ8_0:  quantizeQ8_0NEON,
	quantizeQ8_K:  quantizeQ8_KNEON,
}

// callBytes is about how many bytes of weights one call of an assembly function
// reads. The garbage collector cannot stop a goroutine inside it.
const callBytes = 256 << 10

// floatTilesFrom is the number of vectors from which tiles take fewer
// instructions than reading the weights where they are, once for each vector.
// Per 8 weights and vector, 4 rows at a time: in place 0.5 loads of the vector,
// 1 of the weights, 2 conversions of half floats and 2 multiply-adds; in a tile
// 0.33 + 0.25 loads and 2 multiply-adds, and per 8 weights 2 conversions, a load
// and a store to widen half floats and 8 instructions to add up the lanes.
const floatTilesFrom = 4

func matMulNEON(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	if t1-t0 < floatTilesFrom {
		matMulRowsNEON(dst, ldd, m, r0, r1, a, t0, t1, s)
	} else {
		matMulTilesNEON(dst, ldd, m, r0, r1, a, t0, t1, s)
	}
}

// matMulRowsNEON multiplies some rows with each vector while they are in cache,
// then the next rows.
func matMulRowsNEON(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	size := m.Type.RowBytes(m.Cols)
	step := max(callBytes/max(size, 1)&^7, 8)
	for r := r0; r < r1; r += step {
		n := min(step, r1-r)
		for t := t0; t < t1; t++ {
			x := a.F[t*m.Cols:][:m.Cols]
			rowsNEON(m.Type, dst[t*ldd+r:][:n], x, m.Data[r*size:][:n*size], size)
			addTails(dst[t*ldd+r:][:n], m, r, x, s)
		}
	}
}

// addTails adds to dst the products of the last Cols%8 elements of x and of the
// rows from r on.
func addTails(dst []float32, m Matrix, r int, x []float32, s *Scratch) {
	n := m.Cols &^ 7
	if n == m.Cols {
		return
	}
	w := s.float(1, m.Cols-n)
	skip := m.Type.RowBytes(n)
	for i := range dst {
		widen(m.Type, w, m.row(r + i)[skip:])
		dst[i] += dotTail(x[n:], w)
	}
}

// rowsNEON sets dst[j] to the product of the whole groups of 8 of x and of row j
// of w; rows are stride bytes apart. It is a call that the garbage collector can
// stop before.
//
//go:noinline
func rowsNEON(t quant.Type, dst, x []float32, w []byte, stride int) {
	groups := len(x) / 8
	if groups == 0 {
		clear(dst)
		return
	}
	p := unsafe.Pointer(&w[0])
	switch t {
	case quant.F32:
		rowsF32(&dst[0], &x[0], (*float32)(p), stride, len(dst), groups)
	case quant.F16:
		rowsF16(&dst[0], &x[0], (*uint16)(p), stride, len(dst), groups)
	case quant.BF16:
		rowsBF16(&dst[0], &x[0], (*uint16)(p), stride, len(dst), groups)
	}
}

// A tile is blockRows rows by blockCols columns of widened weights (64 KiB),
// multiplied with blockVectors vectors, whose partial sums take 96 KiB: together
// with the vectors' columns this stays in a second-level cache.
const (
	blockRows    = 32
	blockCols    = 512
	blockVectors = 96
)

func matMulTilesNEON(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	n := m.Cols &^ 7
	for t := t0; t < t1; t += blockVectors {
		nt := min(blockVectors, t1-t)
		// Vectors come in threes; the last of an incomplete three is repeated.
		acc := s.float(0, (nt+2)/3*3*blockRows*8)
		for r := r0; r < r1; r += blockRows {
			nr := min(blockRows, r1-r)
			clear(acc)
			for k := 0; k < n; k += blockCols {
				tileNEON(acc, m, r, nr, k, min(blockCols, n-k), a.F[t*m.Cols:][:nt*m.Cols], s)
			}
			var sums [blockRows]float32
			for i := range nt {
				out := dst[(t+i)*ldd+r:][:nr]
				sumLanes(&sums[0], &acc[i*blockRows*8], blockRows/4)
				copy(out, sums[:])
				addTails(out, m, r, a.F[(t+i)*m.Cols:][:m.Cols], s)
			}
		}
	}
}

// tileNEON adds to the partial sums acc [vector, blockRows, 8] the products of
// columns k to k+nk of nr rows from r on and of the vectors x [, m.Cols]. It is
// a call that the garbage collector can stop before.
//
//go:noinline
func tileNEON(acc []float32, m Matrix, r, nr, k, nk int, x []float32, s *Scratch) {
	var w [blockRows + 3]*float32
	tileWeights(w[:nr], m, r, k, nk, s)
	for i := nr; i < nr+3; i++ {
		w[i] = w[nr-1] // rows come in fours
	}
	vectors := len(x) / m.Cols
	vector := func(t int) *float32 { return &x[min(t, vectors-1)*m.Cols+k] }
	for i := 0; i < nr; i += 4 {
		for t := 0; t < vectors; t += 3 {
			tileF32(&acc[(t*blockRows+i)*8], 4*8*blockRows, w[i], w[i+1], w[i+2], w[i+3],
				vector(t), vector(t+1), vector(t+2), nk/8)
		}
	}
}

// tileWeights points w at columns k to k+nk of the rows from r on, widened into
// scratch memory unless they are float32 already.
func tileWeights(w []*float32, m Matrix, r, k, nk int, s *Scratch) {
	if m.Type == quant.F32 {
		for i := range w {
			w[i] = (*float32)(unsafe.Pointer(&m.row(r + i)[4*k]))
		}
		return
	}
	tile := s.float(1, blockRows*blockCols)
	for i := range w {
		p := &tile[i*blockCols]
		src := (*uint16)(unsafe.Pointer(&m.row(r + i)[2*k]))
		if m.Type == quant.F16 {
			fromF16Vector(p, src, nk/8)
		} else {
			fromBF16Vector(p, src, nk/8)
		}
		w[i] = p
	}
}

func dotNEON(a, b []float32) float32 {
	n := len(a) &^ 7
	var sum [1]float32
	if n > 0 {
		rowsF32(&sum[0], &a[0], &b[0], 0, 1, n/8)
	}
	if n == len(a) {
		return sum[0]
	}
	return sum[0] + dotTail(a[n:], b[n:])
}
