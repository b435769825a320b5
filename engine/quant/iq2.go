package quant

import "encoding/binary"

// The IQ2 formats: eight weights are a signed row of a codebook with elements 8,
// 25 and 43. In their code k is a group of 8 weights and g one of 32.

// scaleIQ2 is d*(0.5+scale)*0.25, each step rounded.
func scaleIQ2(d float32, scale uint32) float32 {
	return float32(d*(0.5+float32(scale))) * 0.25
}

// IQ2_XXS: d f16, and for each 32 weights 4 bytes of rows and 32 bits: 4 times 7
// for signs, and a scale in the upper 4. Weight: d*(0.5+scale)*0.25 * element.
func dequantizeIQ2XXS(y []float32, b []byte) {
	d := half(b)
	for i := range y {
		g, k, j := i/32, i/8, i%8
		word := binary.LittleEndian.Uint32(b[2+8*g+4:])
		row := bookA256[b[2+8*g+k%4]]
		signs := signs8(word >> (7 * (k % 4)) & 127)
		y[i] = scaleIQ2(d, word>>28) * signed(element(row, j), signs, j)
	}
}

func unpackIQ2XXS(s *Super, b *[66]byte) {
	s.D = half(b[0:]) / 8
	s.withoutMin()
	for g := range 8 {
		v := load8(b[2+8*g:])
		word := uint32(v >> 32)
		scale := int16(2*(word>>28) + 1)
		s.S[2*g], s.S[2*g+1] = scale, scale
		for t := range 4 {
			row := bookA256[uint8(v>>(8*t))]
			store8(s.lanes(4*g+t), negate8(row, signs7[word>>(7*t)&127]))
		}
	}
}

// IQ2_XS: d f16, 32 words of a 9-bit row and 7 sign bits, 8 bytes of two 4-bit
// scales for 16 weights each. Weight: as IQ2_XXS.
func dequantizeIQ2XS(y []float32, b []byte) {
	d := half(b)
	for i := range y {
		k, j := i/8, i%8
		word := binary.LittleEndian.Uint16(b[2+2*k:])
		signs := signs8(uint32(word >> 9))
		y[i] = scaleIQ2(d, nibbleScale(b[66:], i/16)) * signed(element(bookA512[word&511], j), signs, j)
	}
}

// nibbleScale is 4-bit scale u, two a byte, the lower half first.
func nibbleScale(scales []byte, u int) uint32 { return uint32(scales[u/2] >> (4 * (u % 2)) & 15) }

// unpackNibbleScales sets S of 16 weights to 2*scale+1, for scale+0.5 and a D
// divided by 2.
func unpackNibbleScales(s *Super, scales *[8]byte) {
	for g, scale := range scales {
		s.S[2*g], s.S[2*g+1] = 2*int16(scale&15)+1, 2*int16(scale>>4)+1
	}
}

func unpackIQ2XS(s *Super, b *[74]byte) {
	s.D = half(b[0:]) / 8
	s.withoutMin()
	unpackNibbleScales(s, (*[8]byte)(b[66:]))
	for k := range 32 {
		word := binary.LittleEndian.Uint16(b[2+2*k:])
		store8(s.lanes(k), negate8(bookA512[word&511], signs7[word>>9]))
	}
}

// IQ2_S: d f16, 32 bytes of bits 0 to 7 of the rows, 32 of signs, 8 bytes of
// bits 8 and 9 of four rows each, 8 bytes of scales as IQ2_XS. Weight: as
// IQ2_XXS.
func dequantizeIQ2S(y []float32, b []byte) {
	d, rows, signs, high, scales := half(b), b[2:34], b[34:66], b[66:74], b[74:]
	for i := range y {
		k, j := i/8, i%8
		row := int(rows[k]) | int(high[k/4]>>(2*(k%4))&3)<<8
		y[i] = scaleIQ2(d, nibbleScale(scales, i/16)) * signed(element(bookA1024[row], j), signs[k], j)
	}
}

func unpackIQ2S(s *Super, b *[82]byte) {
	s.D = half(b[0:]) / 8
	s.withoutMin()
	unpackNibbleScales(s, (*[8]byte)(b[74:]))
	for g := range 8 {
		high := uint(b[66+g])
		for t := range 4 {
			k := 4*g + t
			row := uint(b[2+k]) | high>>(2*t)&3<<8
			store8(s.lanes(k), negate8(bookA1024[row], spread[b[34+k]]))
		}
	}
}
