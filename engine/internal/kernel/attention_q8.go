package kernel

import (
	"encoding/binary"

	"scout/engine/quant"
)

// Cached keys and values of 8 or 4 bits are rows of Q8_0 or Q4_0 blocks, as
// weights are, without space between the rows. What is computed with them is
// defined by what there is already:
//
//   - A score is the product of a row with a query in FormQ8_0, see doc.go: exact
//     integer sums, the same bits in every version.
//   - A weighted sum is AccumManyF32 of the decoded values, bit for bit. Decoded
//     values are exact: a scale has 11 bits, an integer at most 8.

// blockKernels is one version of what cached blocks need besides products. Every
// version gives the same bits.
type blockKernels struct {
	widen    func(t quant.Type, dst []float32, src []byte) // quant.Dequantize of Q8_0 or Q4_0
	quantize func(t quant.Type, dst []byte, x []float32)   // QuantizeBlocks
	// accum is AccumBlocks in one go, with the bits of the float kernels of the same
	// name, for as many sums as it is good for: otherwise it does nothing and says
	// false. It may be nil.
	accum func(o, p []float32, ldp int, v Matrix) bool
	// scores is ScoresBlocks where k has 16 rows at least. It may be nil, which means
	// MatMul.
	scores func(dst []float32, ldd int, q *Acts, k Matrix, keys int)
}

var genericBlocks = blockKernels{widen: quant.Dequantize, quantize: quantizeBlocksGeneric}

// bestBlocks is the version in use, blockVersions every one that can run here, as
// best and floatVersions.
var (
	bestBlocks    = &genericBlocks
	blockVersions = map[string]*blockKernels{"generic": &genericBlocks}
)

// QuantizeBlocks rounds x, a multiple of 32 long, to blocks of type t, Q8_0 or
// Q4_0: the scales and integers are those of ggml's quantize_row_q8_0_ref and
// quantize_row_q4_0_ref. In a block with an Inf or a NaN, see quant.QuantizeQ8_0;
// with 4 bits such elements become 0 and an Inf makes the scale infinite.
func QuantizeBlocks(t quant.Type, dst []byte, x []float32) {
	bestBlocks.quantize(t, dst[:t.RowBytes(len(x))], x)
}

// ScoresBlocks is ScoresManyF16 for keys in blocks: dst[i*ldd+j] = q_i . key j for
// j < keys. k may have more rows than keys, which are not used; products are
// faster when it has 16 at least. q is of form FormQ8_0.
func ScoresBlocks(dst []float32, ldd int, q *Acts, k Matrix, keys int, s *Scratch) {
	if q.Rows == 0 || keys == 0 {
		return
	}
	if f := bestBlocks.scores; f != nil && k.Rows >= 16 {
		_, _ = dst[(q.Rows-1)*ldd+keys-1], k.row(k.Rows-1) // what assembly relies on
		f(dst, ldd, q, k, keys)
		return
	}
	MatMul(dst, ldd, k, 0, keys, q, 0, q.Rows, s)
}

// blockRowsAtOnce is how many rows of values are decoded at a time: those of 128
// elements take 16 KiB, half of a first-level cache.
const blockRowsAtOnce = 32

// AccumBlocks is AccumManyF32 of the decoded rows of v: o_i += p[i*ldp+j] * value
// j, for j < v.Rows. o is [sums, v.Cols].
func AccumBlocks(o, p []float32, ldp int, v Matrix, s *Scratch) {
	if v.Rows == 0 {
		return
	}
	if f := bestBlocks.accum; f != nil && f(o, p, ldp, v) {
		return
	}
	size := v.Type.RowBytes(v.Cols)
	for j := 0; j < v.Rows; j += blockRowsAtOnce {
		n := min(blockRowsAtOnce, v.Rows-j)
		w := s.float(0, n*v.Cols)
		bestBlocks.widen(v.Type, w, v.Data[j*size:(j+n)*size])
		AccumManyF32(o, v.Cols, p[j:], ldp, w, v.Cols, n, s)
	}
}

func quantizeBlocksGeneric(t quant.Type, dst []byte, x []float32) {
	for b := range len(x) / 32 {
		if t == quant.Q8_0 {
			quantizeBlockQ8_0((*[34]byte)(dst[34*b:]), x[32*b:][:32])
		} else {
			quantizeBlockQ4_0((*[18]byte)(dst[18*b:]), (*[32]float32)(x[32*b:]))
		}
	}
}

// quantizeBlockQ8_0 lays out what quant.QuantizeQ8_0 makes of 32 values.
func quantizeBlockQ8_0(dst *[34]byte, x []float32) {
	var (
		q    [32]int8
		d    [1]float32
		sums [1]int16
	)
	quant.QuantizeQ8_0(q[:], d[:], sums[:], x)
	binary.LittleEndian.PutUint16(dst[:], quant.F32ToF16(d[0]))
	for i, v := range q {
		dst[2+i] = byte(v)
	}
}

// quantizeBlockQ4_0 rounds 32 values to (n-8)*d with n from 0 to 15: the first
// element of the largest magnitude becomes -8, the others follow in proportion,
// halves rounded up. The integers are found with the unrounded d.
func quantizeBlockQ4_0(dst *[18]byte, x *[32]float32) {
	var largest, extreme float32
	for _, v := range x {
		if a := max(v, -v); a > largest {
			largest, extreme = a, v
		}
	}
	d := extreme / -8
	var inverse float32
	if d != 0 {
		inverse = 1 / d
	}
	binary.LittleEndian.PutUint16(dst[:], quant.F32ToF16(d))
	for i := range 16 {
		dst[2+i] = nibbleOf(x[i], inverse) | nibbleOf(x[i+16], inverse)<<4
	}
}

// nibbleOf is v*inverse + 8 rounded and limited to 15; 8, which stands for 0, of
// what no integer is right for: an Inf, a NaN, or the elements of a block so small
// that the inverse of its scale is Inf.
func nibbleOf(v, inverse float32) byte {
	f := float32(v*inverse) + 8.5
	if !(f >= 0 && f < 17.5) {
		return 8
	}
	return min(byte(f), 15)
}
