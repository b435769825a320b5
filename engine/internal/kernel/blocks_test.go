package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"scout/engine/quant"
)

// scaleAt lists where a block keeps its half-precision scales.
var scaleAt = map[quant.Type][]int{
	quant.Q4_0: {0}, quant.Q4_1: {0, 2}, quant.Q5_0: {0}, quant.Q5_1: {0, 2}, quant.Q8_0: {0},
	quant.Q2_K: {80, 82}, quant.Q3_K: {108}, quant.Q4_K: {0, 2}, quant.Q5_K: {0, 2}, quant.Q6_K: {208},
	quant.IQ1S: {0}, quant.IQ2XXS: {0}, quant.IQ2XS: {0}, quant.IQ2S: {0}, quant.IQ3XXS: {0}, quant.IQ3S: {0},
	quant.IQ4NL: {0}, quant.IQ4XS: {0}, quant.TQ1_0: {52}, quant.TQ2_0: {64},
}

// randomWeights is n random weights of type t, a multiple of its block: random
// bits but for the scales, which are between 2^-9 and 2^-4 of either sign.
func randomWeights(rng *rand.Rand, t quant.Type, n int) []byte {
	data := make([]byte, t.RowBytes(n))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	scale := func() float32 {
		return float32(math.Exp2(-9+5*rng.Float64())) * float32(1-2*rng.IntN(2))
	}
	size := t.BlockBytes()
	for b := 0; b < len(data); b += size {
		block := data[b : b+size]
		switch t {
		case quant.F32:
			binary.LittleEndian.PutUint32(block, math.Float32bits(float32(rng.NormFloat64())))
		case quant.F16:
			binary.LittleEndian.PutUint16(block, quant.F32ToF16(float32(rng.NormFloat64())))
		case quant.BF16:
			binary.LittleEndian.PutUint16(block, uint16(math.Float32bits(float32(rng.NormFloat64()))>>16))
		case quant.MXFP4:
			block[0] = 118 + byte(rng.IntN(6))
		case quant.IQ1M: // a nibble of the scale in each of four words
			d := quant.F32ToF16(scale())
			for i := range 4 {
				block[48+2*i+1] = block[48+2*i+1]&15 | byte(d>>(4*i)&15)<<4
			}
		}
		for _, at := range scaleAt[t] {
			binary.LittleEndian.PutUint16(block[at:], quant.F32ToF16(scale()))
		}
	}
	return data
}

// randomActs is rows random vectors of cols activations in the form of t, and
// the vectors themselves.
func randomActs(rng *rand.Rand, t quant.Type, rows, cols int) (*Acts, []float32) {
	a, x := new(Acts), vector(rng, rows*cols)
	a.Resize(FormOf(t), rows, cols)
	for r := range rows {
		a.Set(r, x[r*cols:(r+1)*cols])
	}
	return a, x
}
