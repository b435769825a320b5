//go:build !noasm

package kernel

import (
	"unsafe"

	"scout/engine/quant"
)

//go:generate go -C _asm run ./float -out ../float_amd64.s -stubs ../float_stubs_amd64.go -pkg kernel

func init() {
	if hasAVX2 {
		floatVersions["avx2"] = &avx2Floats
		best = &avx2Floats
	}
}

var avx2Floats = floats{
	matMul:        matMulAVX2,
	dot:           dotAVX2,
	scoresF16:     scoresF16AVX2,
	scoresF32:     scoresF32AVX2,
	accumF16:      accumF16AVX2,
	accumF32:      accumF32AVX2,
	scoresManyF16: scoresManyF16AVX2,
	scoresManyF32: scoresManyF32AVX2,
	accumManyF16:  accumManyF16AVX2,
	accumManyF32:  accumManyF32AVX2,
	add:           addAVX2,
	scale:         scaleAVX2,
	axpy:          axpyAVX2,
	max:           maxAVX2,
	scaleMax:      scaleMaxAVX2,
	expSum:        expSumAVX2,
	rmsNorm:       rmsNormAVX2,
	siluMul:       siluMulAVX2,
	gelu:          geluAVX2,
	layerNorm:     layerNormAVX2,
	ropePairs:     ropePairsAVX2,
	ropeHalves:    ropeHalvesAVX2,
	toF16:         toF16AVX2,
	fromF16:       fromF16AVX2,
	quantizeQ8_0:  quantizeQ8_0AVX2,
	quantizeQ8_K:  quantizeQ8_KAVX2,
}

// callBytes is about how many bytes of weights one call of an assembly function
// reads. The garbage collector cannot stop a goroutine inside it.
const callBytes = 256 << 10

// tileFrom is the number of vectors from which tiles are faster than reading the
// weights where they are, once for each vector: measured, BenchmarkMatMulFloats.
// Half floats must be widened for a tile.
func tileFrom(t quant.Type) int {
	if t == quant.F32 {
		return 4
	}
	return 8
}

func matMulAVX2(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	if t1-t0 < tileFrom(m.Type) {
		matMulRowsAVX2(dst, ldd, m, r0, r1, a, t0, t1, s)
	} else {
		matMulTilesAVX2(dst, ldd, m, r0, r1, a, t0, t1, s)
	}
}

// matMulRowsAVX2 multiplies some rows with each vector while they are in cache,
// then the next rows.
func matMulRowsAVX2(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	size := m.Type.RowBytes(m.Cols)
	step := max(callBytes/max(size, 1)&^7, 8)
	for r := r0; r < r1; r += step {
		n := min(step, r1-r)
		for t := t0; t < t1; t++ {
			x := a.F[t*m.Cols:][:m.Cols]
			rowsAVX2(m.Type, dst[t*ldd+r:][:n], x, m.Data[r*size:][:n*size], size)
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

// rowsAVX2 sets dst[j] to the product of the whole groups of 8 of x and of row j
// of w; rows are stride bytes apart.
func rowsAVX2(t quant.Type, dst, x []float32, w []byte, stride int) {
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

func matMulTilesAVX2(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	n := m.Cols &^ 7
	for t := t0; t < t1; t += blockVectors {
		nt := min(blockVectors, t1-t)
		// Vectors come in threes; the last of an incomplete three is repeated.
		acc := s.float(0, (nt+2)/3*3*blockRows*8)
		for r := r0; r < r1; r += blockRows {
			nr := min(blockRows, r1-r)
			clear(acc)
			for k := 0; k < n; k += blockCols {
				tileAVX2(acc, m, r, nr, k, min(blockCols, n-k), a.F[t*m.Cols:][:nt*m.Cols], s)
			}
			var sums [blockRows]float32
			for i := range nt {
				out := dst[(t+i)*ldd+r:][:nr]
				sumLanes(&sums[0], &acc[i*blockRows*8], blockRows)
				copy(out, sums[:])
				addTails(out, m, r, a.F[(t+i)*m.Cols:][:m.Cols], s)
			}
		}
	}
}

// tileAVX2 adds to the partial sums acc [vector, blockRows, 8] the products of
// columns k to k+nk of nr rows from r on and of the vectors x [, m.Cols].
func tileAVX2(acc []float32, m Matrix, r, nr, k, nk int, x []float32, s *Scratch) {
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

func dotAVX2(a, b []float32) float32 {
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
