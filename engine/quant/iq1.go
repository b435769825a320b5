package quant

import "encoding/binary"

// The IQ1 formats: eight weights are a row of a codebook with elements -1, 0 and
// 1, all moved up or down by an eighth. In their code k is a group of 8 weights
// and g one of 32.

// deltaIQ1 is what is added to the elements of a row.
const deltaIQ1 = 0.125

// IQ1_S: d f16, 32 bytes of bits 0 to 7 of the rows, and for each 32 weights a
// word: 4 times 3 bits for bits 8 to 10 of the rows, a 3-bit scale, and a bit
// that is set for a negative delta. Weight: d*(2*scale+1) * (element+delta).
func dequantizeIQ1S(y []float32, b []byte) {
	d, rows, words := half(b), b[2:34], b[34:]
	for i := range y {
		k, j := i/8, i%8
		word := binary.LittleEndian.Uint16(words[2*(i/32):])
		dl := float32(d * float32(2*(word>>12&7)+1))
		row := int(rows[k]) | int(word>>(3*(k%4))&7)<<8
		y[i] = dl * (elementIQ1(row, j) + signedDelta(word>>15))
	}
}

// elementIQ1 is element j of a row.
func elementIQ1(row, j int) float32 { return float32(element(bookC2048[row], j) - 1) }

// signedDelta is the delta for its sign bit.
func signedDelta(negative uint16) float32 {
	if negative != 0 {
		return -deltaIQ1
	}
	return deltaIQ1
}

// eighths is 8*element+1 of each element of a row, or 8*element-1, in lanes.
func eighths(row uint, negative uint) uint64 {
	// Elements are kept with 1 added, which makes 8.
	return subtract8(bookC2048[row]*8, (7+2*uint64(negative))*ones)
}

func unpackIQ1S(s *Super, b *[50]byte) {
	s.D = half(b[0:]) / 8
	s.withoutMin()
	for g := range 8 {
		word := uint(binary.LittleEndian.Uint16(b[34+2*g:]))
		scale := int16(2*(word>>12&7) + 1)
		s.S[2*g], s.S[2*g+1] = scale, scale
		for t := range 4 {
			k := 4*g + t
			row := uint(b[2+k]) | word>>(3*t)&7<<8
			store8(s.lanes(k), eighths(row, word>>15))
		}
	}
}

// IQ1_M: 32 bytes of bits 0 to 7 of the rows; 16 bytes with for each row 3 bits
// for its bits 8 to 10, and a bit that is set for a negative delta; 4 words of
// four 3-bit scales for 16 weights, whose upper 4 bits together are d f16.
// Weight: as IQ1_S.
func dequantizeIQ1M(y []float32, b []byte) {
	d, rows, high := scaleIQ1M(b[48:]), b[:32], b[32:48]
	for i := range y {
		k, j, u := i/8, i%8, i/16
		word := binary.LittleEndian.Uint16(b[48+2*(u/4):])
		dl := float32(d * float32(2*(word>>(3*(u%4))&7)+1))
		extra := uint16(high[k/2] >> (4 * (k % 2)) & 15)
		row := int(rows[k]) | int(extra&7)<<8
		y[i] = dl * (elementIQ1(row, j) + signedDelta(extra>>3))
	}
}

// scaleIQ1M is d, from the words of scales.
func scaleIQ1M(scales []byte) float32 {
	return F16ToF32(uint16(scales[1]>>4) | uint16(scales[3]&0xf0) | uint16(scales[5]&0xf0)<<4 | uint16(scales[7]&0xf0)<<8)
}

func unpackIQ1M(s *Super, b *[56]byte) {
	s.D = scaleIQ1M(b[48:]) / 8
	s.withoutMin()
	for u := range 16 {
		word := binary.LittleEndian.Uint16(b[48+2*(u/4):])
		s.S[u] = int16(2*(word>>(3*(u%4))&7) + 1)
		high := uint(b[32+u])
		store8(s.lanes(2*u), eighths(uint(b[2*u])|high&7<<8, high>>3&1))
		store8(s.lanes(2*u+1), eighths(uint(b[2*u+1])|high>>4&7<<8, high>>7))
	}
}
