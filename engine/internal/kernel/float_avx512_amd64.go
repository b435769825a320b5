//go:build !noasm

package kernel

import (
	"unsafe"

	"scout/engine/quant"
)

//go:generate go -C _asm run ./attn512 -out ../attention_avx512_amd64.s -stubs ../attention_avx512_stubs_amd64.go -pkg kernel

// The AVX-512 versions give the bits of the AVX2 ones, and leave to them what they
// are no faster for. The rest of the float kernels is AVX2's.
// This file's init runs behind that of float_amd64.go, since files are initialised
// in the order of their names.
func init() {
	if !hasAVX512 {
		return
	}
	avx512Floats = avx2Floats
	avx512Floats.matMul = matMulAVX512
	avx512Floats.scoresManyF16 = scoresManyF16AVX512
	avx512Floats.scoresManyF32 = scoresManyF32AVX512
	avx512Floats.accumManyF16 = accumManyF16AVX512
	avx512Floats.accumManyF32 = accumManyF32AVX512
	avx512Floats.scaleMax = scaleMaxAVX512
	avx512Floats.expSum = expSumAVX512
	floatVersions["avx512"] = &avx512Floats
	best = &avx512Floats

	avx512Blocks = avx2Blocks
	avx512Blocks.accum = accumBlocksAVX512
	avx512Blocks.scores = scoresBlocksAVX512
	blockVersions["avx512"] = &avx512Blocks
	bestBlocks = &avx512Blocks
}

var (
	avx512Floats floats
	avx512Blocks blockKernels
)

// Up to wideSums sums are kept in registers, with values decoded as they are
// read: for more, several times. Of blocks that is no longer faster than decoding
// them first, from fusedSums on.
const (
	wideSums  = 8
	fusedSums = 16
	wideRows  = 64 // values taken at a time, while the next are on their way from memory
)

// Up to wideQueries queries are multiplied with eight keys at a time. For more,
// keys are widened first.
const wideQueries = 6

func scoresManyF16AVX512(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int, s *Scratch) {
	n := len(q) / dim
	if n < 2 || dim%8 != 0 || keys < 8 {
		scoresManyF16AVX2(dst, ldd, q, dim, k, stride, keys, s)
		return
	}
	whole := keys &^ 7
	if n <= wideQueries {
		scoreWide(dst, ldd, q, dim, k, stride, whole)
	} else {
		for j := 0; j < whole; j += manyBlock {
			scorePaired(dst[j:], ldd, q, dim, k[j*stride:], stride, min(manyBlock, whole-j), s)
		}
	}
	if whole < keys {
		scoresManyF16AVX2(dst[whole:], ldd, q, dim, k[whole*stride:], stride, keys-whole, s)
	}
}

// scoreWide is scoresMany of up to wideQueries queries and a multiple of eight
// keys. It is a call that the garbage collector can stop before.
//
//go:noinline
func scoreWide(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int) {
	scoreWideF16(&dst[0], 4*ldd, &q[0], 4*dim, &k[0], 2*stride, keys/8, dim/8, len(q)/dim)
}

// scorePaired is scoresMany of a multiple of eight keys, few enough to be widened
// in a first-level cache. It is a call that the garbage collector can stop before.
//
//go:noinline
func scorePaired(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int, s *Scratch) {
	w := s.float(0, keys*dim)
	pairKeysF16(&w[0], &k[0], 2*stride, keys/2, dim/8)
	n := len(q) / dim
	parts := (n + wideQueries - 1) / wideQueries
	step := (n + parts - 1) / parts
	for i := 0; i < n; i += step {
		scoreWidePairs(&dst[i*ldd], 4*ldd, &q[i*dim], 4*dim, &w[0], 4*2*dim, keys/8, dim/8, min(step, n-i))
	}
}

// A wideFunc adds up 32 elements of some sums.
type wideFunc func(o *float32, ldo int, p *float32, ldp int, v *byte, stride, n, sums int)

func accumManyF16AVX512(o []float32, dim int, p []float32, ldp int, v []uint16, stride, values int, s *Scratch) {
	sums := len(o) / dim
	if dim%32 != 0 || sums < 2 {
		accumManyF16AVX2(o, dim, p, ldp, v, stride, values, s)
		return
	}
	accumWide(accumWideF16, o, dim, p, ldp, unsafe.Pointer(&v[0]), 2*stride, 2*32, values)
}

func accumManyF32AVX512(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int, s *Scratch) {
	switch {
	case dim%8 != 0 || len(o)/dim < 2:
		accumManyF32AVX2(o, dim, p, ldp, v, stride, values, s)
	case dim%32 == 0:
		accumWide(accumWideF32, o, dim, p, ldp, unsafe.Pointer(&v[0]), 4*stride, 4*32, values)
	default:
		for j := 0; j < values; j += wideRows {
			accumOddF32(o, dim, p[j:], ldp, v[j*stride:], stride, min(wideRows, values-j))
		}
	}
}

// Up to oddSums sums of up to oddColumns elements are kept in registers.
const oddSums, oddColumns = 4, 6 * 16

// accumOddF32 is accumMany of few values of any length. It is a call that the
// garbage collector can stop before.
//
//go:noinline
func accumOddF32(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int) {
	sums := len(o) / dim
	for c := 0; c < dim; c += oddColumns {
		n := min(oddColumns, dim-c)
		registers := (n + 15) / 16
		last := uint16(1)<<(n-16*(registers-1)) - 1 // all 16 lanes if the shift leaves nothing
		for i := 0; i < sums; i += oddSums {
			accumColumns(&o[i*dim+c], 4*dim, &p[i*ldp], 4*ldp, &v[c], 4*stride, values, min(oddSums, sums-i), registers, last)
		}
	}
}

// scoresManyF32AVX512 is a product of matrices, whose rows are the keys.
func scoresManyF32AVX512(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int, s *Scratch) {
	n := len(q) / dim
	if n < wideFrom(quant.F32) || dim%8 != 0 || keys < wideRowsEach {
		scoresManyF32AVX2(dst, ldd, q, dim, k, stride, keys, s)
		return
	}
	p := wideProduct{
		typ: quant.F32, w: unsafe.Pointer(&k[0]), stride: 4 * stride, rows: keys,
		x: q, ldx: dim, vectors: n, cols: dim, dst: dst, ldd: ldd,
	}
	p.multiply(s)
}

// accumBlocksAVX512 is AccumBlocks of few sums.
func accumBlocksAVX512(o, p []float32, ldp int, v Matrix) bool {
	if len(o)/v.Cols > fusedSums {
		return false
	}
	f := wideFunc(accumWideQ80)
	if v.Type == quant.Q4_0 {
		f = accumWideQ40
	}
	accumWide(f, o, v.Cols, p, ldp, unsafe.Pointer(&v.Data[0]), v.Type.RowBytes(v.Cols), v.Type.BlockBytes(), v.Rows)
	return true
}

// wideBlockQueries is how many queries are multiplied with sixteen keys at a time.
const wideBlockQueries = 8

func scoresBlocksAVX512(dst []float32, ldd int, q *Acts, k Matrix, keys int) {
	for i := 0; i < q.Rows; i += wideBlockQueries {
		scoreWideBlocks(dst[i*ldd:], ldd, q, i, min(wideBlockQueries, q.Rows-i), k, keys)
	}
}

// scoreWideBlocks is ScoresBlocks of n queries from i on. It is a call that the
// garbage collector can stop before.
//
//go:noinline
func scoreWideBlocks(dst []float32, ldd int, q *Acts, i, n int, k Matrix, keys int) {
	size, blocks := k.Type.RowBytes(k.Cols), k.Cols/32
	whole := keys &^ 15
	if whole > 0 {
		scoreSixteens(k.Type, &dst[0], 4*ldd, &k.Data[0], size, whole/16, blocks, q, i, n)
	}
	if whole == keys {
		return
	}
	// Sixteen rows that include what is left.
	var rest [wideBlockQueries][16]float32
	from := min(whole, k.Rows-16)
	scoreSixteens(k.Type, &rest[0][0], 4*16, &k.Data[from*size], size, 1, blocks, q, i, n)
	for r := range n {
		copy(dst[r*ldd+whole:r*ldd+keys], rest[r][whole-from:])
	}
}

func scoreSixteens(t quant.Type, dst *float32, ldd int, k *byte, stride, sixteens, blocks int, q *Acts, i, n int) {
	// Calls of functions by name: dst may be on the stack.
	if t == quant.Q4_0 {
		scoreWideQ40(dst, ldd, k, stride, sixteens, blocks, &q.Q[i*q.Cols], &q.D[i*blocks], &q.Sums[i*blocks], n)
	} else {
		scoreWideQ80(dst, ldd, k, stride, sixteens, blocks, &q.Q[i*q.Cols], &q.D[i*blocks], &q.Sums[i*blocks], n)
	}
}

// accumWide adds up columns of 32 elements, size bytes of v, of up to wideSums
// sums at a time. It is a call that the garbage collector can stop before.
//
//go:noinline
func accumWide(f wideFunc, o []float32, dim int, p []float32, ldp int, v unsafe.Pointer, stride, size, values int) {
	sums := len(o) / dim
	parts := (sums + wideSums - 1) / wideSums
	step := (sums + parts - 1) / parts
	for j := 0; j < values; j += wideRows {
		rows := unsafe.Add(v, j*stride)
		for i := 0; i < sums; i += step {
			for c := range dim / 32 {
				f(&o[i*dim+32*c], 4*dim, &p[i*ldp+j], 4*ldp, (*byte)(unsafe.Add(rows, c*size)), stride, min(wideRows, values-j), min(step, sums-i))
			}
		}
	}
}
