package quant

import (
	"encoding/binary"
	"math"
)

// F16ToF32 widens a half-precision float (IEEE 754 binary16), exactly. A NaN
// keeps its payload.
func F16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	magnitude := uint32(h & 0x7fff)
	switch {
	case magnitude < 0x0400: // zero and subnormals: multiples of 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(magnitude)*0x1p-24))
	case magnitude < 0x7c00: // the exponent bias grows from 15 to 127
		return math.Float32frombits(sign | (magnitude<<13 + (127-15)<<23))
	default: // Inf and NaN
		return math.Float32frombits(sign | 0x7f800000 | magnitude<<13)
	}
}

// F32ToF16 rounds to half precision, to nearest with ties to even, as the
// conversion instructions of processors do: from 65520 on the result is Inf,
// and a NaN becomes a quiet NaN with the upper bits of its payload.
func F32ToF16(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	magnitude := bits & 0x7fffffff
	switch {
	case magnitude > 0x7f800000:
		return sign | 0x7e00 | uint16(magnitude>>13&0x01ff)
	case magnitude >= 0x47800000: // 2^16; from 65520 on rounding gives the same
		return sign | 0x7c00
	case magnitude < 0x38800000: // less than 2^-14: a multiple of 2^-24
		// In 0.5+f the last bit is worth 2^-24, so that the sum rounds f as wanted.
		// A carry into the exponent is right: it makes the smallest normal half.
		rounded := math.Float32frombits(magnitude) + 0.5
		return sign | uint16(math.Float32bits(rounded)-math.Float32bits(0.5))
	default:
		return sign | uint16(roundBits(magnitude-(127-15)<<23, 13))
	}
}

// BF16ToF32 widens a bfloat16, the upper half of a float32. It is exact.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to bfloat16, to nearest with ties to even. A NaN becomes a
// quiet NaN with the upper bits of its payload.
func F32ToBF16(f float32) uint16 {
	bits := math.Float32bits(f)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 0x0040
	}
	return uint16(roundBits(bits, 16))
}

// roundBits drops the lowest n bits, rounding to nearest with ties to even. On
// the bits of a positive float a carry goes into the exponent, as it must.
func roundBits(bits uint32, n uint) uint32 {
	odd := bits >> n & 1
	return (bits + 1<<(n-1) - 1 + odd) >> n
}

// half reads the half-precision float at the start of b.
func half(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }

func dequantizeF32(y []float32, b []byte) {
	for i := range y {
		y[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

func dequantizeF16(y []float32, b []byte) {
	for i := range y {
		y[i] = half(b[2*i:])
	}
}

func dequantizeBF16(y []float32, b []byte) {
	for i := range y {
		y[i] = BF16ToF32(binary.LittleEndian.Uint16(b[2*i:]))
	}
}
