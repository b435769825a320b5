package quant

import "encoding/binary"

// The IQ3 formats: four weights are a signed row of a codebook. In their code k
// is a group of 8 weights, with two rows, and g one of 32.

// IQ3_XXS: d f16, 64 bytes of rows, and for each 32 weights 32 bits: 4 times 7
// for signs, and a scale in the upper 4. Weight: d*(0.5+scale)*0.5 * element.
func dequantizeIQ3XXS(y []float32, b []byte) {
	d, rows, words := half(b), b[2:66], b[66:]
	for i := range y {
		g, k, j := i/32, i/8, i%8
		word := binary.LittleEndian.Uint32(words[4*g:])
		dl := float32(d*(0.5+float32(word>>28))) * 0.5
		signs := signs8(word >> (7 * (k % 4)) & 127)
		y[i] = dl * signed(element(bookB256[rows[i/4]], j%4), signs, j)
	}
}

func unpackIQ3XXS(s *Super, b *[98]byte) {
	s.D = half(b[0:]) / 4
	s.withoutMin()
	for g := range 8 {
		word := binary.LittleEndian.Uint32(b[66+4*g:])
		scale := int16(2*(word>>28) + 1)
		s.S[2*g], s.S[2*g+1] = scale, scale
		for t := range 4 {
			k := 4*g + t
			row := bookB256[b[2+2*k]] | bookB256[b[3+2*k]]<<32
			store8(s.lanes(k), negate8(row, signs7[word>>(7*t)&127]))
		}
	}
}

// IQ3_S: d f16, 64 bytes of bits 0 to 7 of the rows, 8 bytes of bit 8 of eight
// rows each, 32 bytes of signs, 4 bytes of two 4-bit scales for 32 weights each.
// Weight: d*(1+2*scale) * element.
func dequantizeIQ3S(y []float32, b []byte) {
	d, rows, high, signs, scales := half(b), b[2:66], b[66:74], b[74:106], b[106:]
	for i := range y {
		g, r, j := i/32, i/4, i%8
		dl := float32(d * float32(1+2*nibbleScale(scales, g)))
		row := int(rows[r]) | int(high[g]>>(r%8)&1)<<8
		y[i] = dl * signed(element(bookB512[row], j%4), signs[i/8], j)
	}
}

func unpackIQ3S(s *Super, b *[110]byte) {
	s.D = half(b[0:])
	s.withoutMin()
	for g := range 8 {
		scale := 2*int16(nibbleScale(b[106:], g)) + 1
		s.S[2*g], s.S[2*g+1] = scale, scale
		high := uint(b[66+g])
		for t := range 4 {
			k := 4*g + t
			first := uint(b[2+2*k]) | high>>(2*t)&1<<8
			second := uint(b[3+2*k]) | high>>(2*t+1)&1<<8
			row := bookB512[first] | bookB512[second]<<32
			store8(s.lanes(k), negate8(row, spread[b[74+k]]))
		}
	}
}
