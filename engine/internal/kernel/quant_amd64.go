//go:build !noasm

package kernel

import (
	"golang.org/x/sys/cpu"

	"scout/engine/quant"
)

//go:generate go -C _asm run ./quant -for avx2 -out ../quant_amd64.s -stubs ../quant_stubs_amd64.go -pkg kernel
//go:generate go -C _asm run ./quant -for avxvnni -out ../quant_avxvnni_amd64.s -stubs ../quant_avxvnni_stubs_amd64.go -pkg kernel
//go:generate go -C _asm run ./quant -for avx512 -out ../quant_avx512_amd64.s -stubs ../quant_avx512_stubs_amd64.go -pkg kernel

// hasAVXVNNI says whether the versions with VNNI for 256 bits run: on Intel's
// desktop processors since Alder Lake (2021), on AMD's since Zen 5.
var hasAVXVNNI = hasAVX2 && cpu.X86.HasAVXVNNI

// hasAVX512 says whether the AVX-512 versions run, which need VNNI too: on Intel's
// servers since Cascade Lake (2019), on AMD's processors since Zen 4.
var hasAVX512 = hasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ &&
	cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VNNI

// A quantFormat is how the products of one type of quantised weights are
// computed. The functions are assembly; blocks are as many as 256 weights have,
// or fewer at the end of a row.
type quantFormat struct {
	// rows multiplies one vector with groups of eight rows where they are.
	rows func(dst *float32, w *byte, stride int, q *int8, d *float32, sums *int16, blocks, groups int)
	// rowsTwo multiplies two vectors, whose activations are block by block in turn, and
	// puts the second's results stride2 after the first's; nil if there is none.
	rowsTwo func(dst *float32, stride2 int, w *byte, stride int, q *int8, d *float32, sums *int16, blocks, groups int)

	// unpack fills a tile, and prefetches the tile that starts at next.
	unpack func(tile, w *byte, stride int, next *byte, blocks int)
	// multiply adds the products of a tile and n vectors to c[vector][16].
	multiply tileFunc
	// multiplyVNNI does so with VNNI for 256 bits; nil if multiply is as fast.
	multiplyVNNI tileFunc
	// multiply8 does so for multiples of 8 vectors, with AVX-512.
	multiply8 tileFunc

	// What the tile has.
	bias   int  // weights are unsigned, with this added, and the bias is corrected for
	signed bool // weights are signed; the bias is for kernels that need unsigned ones
	wide   bool // scales, and minima or biases, are of 32 weights and not of 16
	mins   bool // there are minima
}

// A tileFunc multiplies a tile with n vectors that are cols activations apart. q,
// d and sums are those of the first vector, from the tile's first column on.
type tileFunc func(c *float32, tile *byte, q *int8, d *float32, sums *int16, cols, n, blocks int)

var quantFormats = map[quant.Type]*quantFormat{
	quant.Q2_K:   {rows: rowsQ2K, unpack: tileQ2K, multiply: tileSum4Min, multiply8: tile8ShortMin, mins: true},
	quant.Q3_K:   {rows: rowsQ3K, unpack: tileQ3K, multiply: tileSum4, multiply8: tile8Short, bias: 4},
	quant.Q4_K:   {rows: rowsQ4K, rowsTwo: rowsTwoQ4K, unpack: tileQ4K, multiply: tileSum8MinWide, multiplyVNNI: tileVNNIMinWide, multiply8: tile8ShortMinWide, wide: true, mins: true},
	quant.Q5_K:   {rows: rowsQ5K, rowsTwo: rowsTwoQ5K, unpack: tileQ5K, multiply: tileSum4MinWide, multiplyVNNI: tileVNNIMinWide, multiply8: tile8MinWide, wide: true, mins: true},
	quant.Q6_K:   {rows: rowsQ6K, rowsTwo: rowsTwoQ6K, unpack: tileQ6K, multiply: tileSum2, multiplyVNNI: tileVNNI, multiply8: tile8, bias: 32},
	quant.IQ1S:   {rows: rowsIQ1S, unpack: tileIQ1S, multiply: tileSum4Wide, multiplyVNNI: tileVNNIWide, multiply8: tile8Wide, wide: true, bias: 9},
	quant.IQ1M:   {rows: rowsIQ1M, unpack: tileIQ1M, multiply: tileSum4, multiply8: tile8, bias: 9},
	quant.IQ2XXS: {rows: rowsIQ2XXS, unpack: tileIQ2XXS, multiply: tileSum1Wide, multiplyVNNI: tileVNNIWide, multiply8: tile8Wide, wide: true, bias: 43},
	quant.IQ2XS:  {rows: rowsIQ2XS, unpack: tileIQ2XS, multiply: tileSum1, multiplyVNNI: tileVNNI, multiply8: tile8, bias: 43},
	quant.IQ2S:   {rows: rowsIQ2S, unpack: tileIQ2S, multiply: tileSum1, multiplyVNNI: tileVNNI, multiply8: tile8, bias: 43},
	quant.IQ3XXS: {rows: rowsIQ3XXS, unpack: tileIQ3XXS, multiply: tileSum1Wide, multiplyVNNI: tileVNNIWide, multiply8: tile8Wide, wide: true, bias: 62},
	quant.IQ3S:   {rows: rowsIQ3S, unpack: tileIQ3S, multiply: tileSum4Wide, multiplyVNNI: tileVNNIWide, multiply8: tile8Wide, wide: true, bias: 15},
	quant.IQ4XS:  {rows: rowsIQ4XS, unpack: tileIQ4XS, multiply: tileSignedWide, multiplyVNNI: tileVNNISignedWide, multiply8: tile8SignedWide, wide: true, signed: true, bias: 128},
	quant.TQ1_0:  {rows: rowsTQ10, unpack: tileTQ10, multiply: tileSum4, multiply8: tile8Short, bias: 1},
	quant.TQ2_0:  {rows: rowsTQ20, unpack: tileTQ20, multiply: tileSum4, multiply8: tile8Short, bias: 1},

	quant.Q4_0:  {rows: rowsQ40, unpack: tileQ40, multiply: blocksSum8, multiplyVNNI: blocksVNNI, multiply8: blocks8, bias: 8},
	quant.Q4_1:  {rows: rowsQ41, unpack: tileQ41, multiply: blocksSum8Min, multiplyVNNI: blocksVNNIMin, multiply8: blocks8Min, mins: true},
	quant.Q5_0:  {rows: rowsQ50, unpack: tileQ50, multiply: blocksSum4, multiplyVNNI: blocksVNNI, multiply8: blocks8, bias: 16},
	quant.Q5_1:  {rows: rowsQ51, unpack: tileQ51, multiply: blocksSum4Min, multiplyVNNI: blocksVNNIMin, multiply8: blocks8Min, mins: true},
	quant.Q8_0:  {rows: rowsQ80, unpack: tileQ80, multiply: blocksSigned, multiplyVNNI: blocksVNNISigned, multiply8: blocks8Signed, signed: true, bias: 128},
	quant.IQ4NL: {rows: rowsIQ4NL, unpack: tileIQ4NL, multiply: blocksSigned, multiplyVNNI: blocksVNNISigned, multiply8: blocks8Signed, signed: true, bias: 128},
	quant.MXFP4: {rows: rowsMXFP4, unpack: tileMXFP4, multiply: blocksSum4, multiplyVNNI: blocksVNNI, multiply8: blocks8, bias: 12},
}

func init() {
	if !hasAVX2 {
		return
	}
	fillBooks()
	for t, f := range quantFormats {
		avx2 := *f
		avx2.multiply8 = nil
		registerQuant("avx2", t, quantKernel{dot: avx2.matMul})
		vnni, avx512 := avx2, *f
		if f.multiplyVNNI != nil && hasAVXVNNI {
			vnni.multiply, avx512.multiply = f.multiplyVNNI, f.multiplyVNNI
			registerQuant("avx2 vnni", t, quantKernel{dot: vnni.matMul})
		}
		if hasAVX512 {
			registerQuant("avx512", t, quantKernel{dot: avx512.matMul})
		}
	}
	registerAMX()
}

// Products of fewer vectors read the rows where they are, once for each vector or
// once for two; of more, tiles.
const tilesFrom = 3

// matMul is MatMul of one type.
func (f *quantFormat) matMul(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	switch n := t1 - t0; {
	case n == 2 && f.rowsTwo != nil && m.Rows >= 8:
		f.matMulTwo(dst, ldd, &m, r0, r1, a, t0, s)
	case n < tilesFrom && m.Rows >= 8:
		f.matMulRows(dst, ldd, &m, r0, r1, a, t0, t1, s)
	default:
		f.matMulTiles(dst, ldd, &m, r0, r1, a, t0, t1, s)
	}
}

// Weights of rowsBytes are multiplied with each vector before the next: few
// enough to be in a first-level cache when there are several vectors.
const rowsBytes = 32 << 10

// matMulRows multiplies rows where they are. The matrix has at least 8.
func (f *quantFormat) matMulRows(dst []float32, ldd int, m *Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	step := callBytes
	if t1-t0 > 1 {
		step = rowsBytes
	}
	step = max(step/m.Type.RowBytes(m.Cols)&^7, 8)
	for r := r0; r < r1; r += step {
		n := min(step, r1-r)
		for t := t0; t < t1; t++ {
			f.vector(dst[t*ldd+r:][:n], m, r, a, t, s)
		}
	}
}

// vector sets dst to the products of the rows from r on and of vector t. It is a
// call that the garbage collector can stop before.
//
//go:noinline
func (f *quantFormat) vector(dst []float32, m *Matrix, r int, a *Acts, t int, s *Scratch) {
	size, blocks := m.Type.RowBytes(m.Cols), m.Cols/a.Form.block()
	q, d, sums := a.from(t, 0)
	n := len(dst) &^ 7
	if n > 0 {
		f.rows(&dst[0], &m.Data[r*size], size, q, d, sums, blocks, n/8)
	}
	if n == len(dst) {
		return
	}
	// Eight rows that include what is left.
	from := max(r+len(dst)-8, 0)
	eight := s.float(0, 8)
	f.rows(&eight[0], &m.Data[from*size], size, q, d, sums, blocks, 1)
	copy(dst[n:], eight[r+n-from:])
}

// from is what block b of vector t is made of.
func (a *Acts) from(t, b int) (q *int8, d *float32, sums *int16) {
	block := a.Form.block()
	at := t*(a.Cols/block) + b
	return &a.Q[at*block], &a.D[at], &a.Sums[at*(block/a.Form.group())]
}
