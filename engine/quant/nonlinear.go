package quant

import (
	"encoding/binary"
	"math"
)

// The formats whose 4-bit weights stand for unevenly spaced values. Nibbles lie
// as in the other 32-weight formats.

// ladder is the 16 values of IQ4_NL and IQ4_XS: denser around zero, as weights
// are.
var ladder = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// fp4 is the 16 values of FP4 (1 sign, 2 exponent and 1 mantissa bit, OCP
// Microscaling Formats v1.0 section 5.3.3), doubled to make them integers.
var fp4 = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

var ladder8, fp4x8 = newTable16(&ladder), newTable16(&fp4)

// IQ4_NL: d f16, 16 bytes of 4-bit weights. Weight: d*ladder[n].
func dequantizeIQ4NL(y []float32, b []byte) {
	d, qs := half(b), b[2:]
	for i := range y {
		y[i] = d * float32(ladder[nibble(qs, i)])
	}
}

func unpackIQ4NL(s *Small, b *[18]byte) {
	s.D, s.Min = half(b[0:]), 0
	for k := range 2 {
		v := load8(b[2+8*k:])
		store8(s.lanes(k), ladder8.look8(v&fourBits))
		store8(s.lanes(k+2), ladder8.look8(v>>4&fourBits))
	}
}

// MXFP4: an exponent of two, 16 bytes of FP4. Weight: fp4[n] * 2^(e-128), where
// 128 is the bias of 127 and one for the doubling. Exponent 255 would be NaN in
// the standard and is a number here, as it is in ggml.
func dequantizeMXFP4(y []float32, b []byte) {
	d, qs := halfPower(b[0]), b[1:]
	for i := range y {
		y[i] = float32(fp4[nibble(qs, i)]) * d
	}
}

func unpackMXFP4(s *Small, b *[17]byte) {
	s.D, s.Min = halfPower(b[0]), 0
	for k := range 2 {
		v := load8(b[1+8*k:])
		store8(s.lanes(k), fp4x8.look8(v&fourBits))
		store8(s.lanes(k+2), fp4x8.look8(v>>4&fourBits))
	}
}

// halfPower is 2^(e-128).
func halfPower(e byte) float32 {
	if e < 2 { // subnormal: 2^-128 and 2^-127
		return math.Float32frombits(0x00200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// IQ4_XS: d f16, 16 bits and 4 bytes that are bits 4 and 5, and bits 0 to 3, of
// 8 scales of 32 weights; 8 times 16 bytes of 4-bit weights. Weight:
// d*(scale-32) * ladder[n].
func dequantizeIQ4XS(y []float32, b []byte) {
	d, qs := half(b), b[8:]
	for i := range y {
		g := i / 32
		dl := float32(d * float32(scaleIQ4XS(b, g)))
		y[i] = dl * float32(ladder[nibble(qs[16*g:], i%32)])
	}
}

func unpackIQ4XS(s *Super, b *[136]byte) {
	s.D = half(b[0:])
	s.withoutMin()
	for g := range 8 {
		scale := int16(scaleIQ4XS(b[:], g))
		s.S[2*g], s.S[2*g+1] = scale, scale
		for k := range 2 {
			v := load8(b[8+16*g+8*k:])
			store8(s.lanes(4*g+k), ladder8.look8(v&fourBits))
			store8(s.lanes(4*g+k+2), ladder8.look8(v>>4&fourBits))
		}
	}
}

// scaleIQ4XS is the scale of group g of 32 weights, -32 to 31.
func scaleIQ4XS(b []byte, g int) int {
	high := binary.LittleEndian.Uint16(b[2:]) >> (2 * g) & 3
	low := b[4+g/2] >> (4 * (g % 2)) & 15
	return int(low) | int(high)<<4 - 32
}
