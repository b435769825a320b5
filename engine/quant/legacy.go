package quant

import "encoding/binary"

// The formats with one scale, and perhaps one minimum, for 32 weights. Byte j of
// 4-bit weights holds weight j in its lower half and weight j+16 in its upper.

// nibble is the unsigned 4-bit weight i of 32.
func nibble(qs []byte, i int) int { return int(qs[i%16] >> (4 * (i / 16)) & 15) }

// Q4_0: d f16, 16 bytes of 4-bit weights. Weight: (n-8)*d.
func dequantizeQ4_0(y []float32, b []byte) {
	d, qs := half(b), b[2:]
	for i := range y {
		y[i] = float32(nibble(qs, i)-8) * d
	}
}

func unpackQ4_0(s *Small, b *[18]byte) {
	s.D, s.Min = half(b[0:]), 0
	for k := range 2 {
		v := load8(b[2+8*k:])
		store8(s.lanes(k), subtract8(v&fourBits, 8*ones))
		store8(s.lanes(k+2), subtract8(v>>4&fourBits, 8*ones))
	}
}

// Q4_1: d f16, m f16, 16 bytes of 4-bit weights. Weight: n*d + m.
func dequantizeQ4_1(y []float32, b []byte) {
	d, m, qs := half(b), half(b[2:]), b[4:]
	for i := range y {
		y[i] = float32(float32(nibble(qs, i))*d) + m
	}
}

func unpackQ4_1(s *Small, b *[20]byte) {
	s.D, s.Min = half(b[0:]), half(b[2:])
	for k := range 2 {
		v := load8(b[4+8*k:])
		store8(s.lanes(k), v&fourBits)
		store8(s.lanes(k+2), v>>4&fourBits)
	}
}

// Q5_0: d f16, 32 bits that are bit 4 of the weights, 16 bytes of bits 0 to 3.
// Weight: (n-16)*d.
func dequantizeQ5_0(y []float32, b []byte) {
	d, high, qs := half(b), binary.LittleEndian.Uint32(b[2:]), b[6:]
	for i := range y {
		n := nibble(qs, i) | int(high>>i&1)<<4
		y[i] = float32(n-16) * d
	}
}

func unpackQ5_0(s *Small, b *[22]byte) {
	s.D, s.Min = half(b[0:]), 0
	for k := range 2 {
		v := load8(b[6+8*k:])
		low := v&fourBits | spread[b[2+k]]&(16*ones)
		high := v>>4&fourBits | spread[b[4+k]]&(16*ones)
		store8(s.lanes(k), subtract8(low, 16*ones))
		store8(s.lanes(k+2), subtract8(high, 16*ones))
	}
}

// Q5_1: d f16, m f16, then as Q5_0. Weight: n*d + m.
func dequantizeQ5_1(y []float32, b []byte) {
	d, m := half(b), half(b[2:])
	high, qs := binary.LittleEndian.Uint32(b[4:]), b[8:]
	for i := range y {
		n := nibble(qs, i) | int(high>>i&1)<<4
		y[i] = float32(float32(n)*d) + m
	}
}

func unpackQ5_1(s *Small, b *[24]byte) {
	s.D, s.Min = half(b[0:]), half(b[2:])
	for k := range 2 {
		v := load8(b[8+8*k:])
		store8(s.lanes(k), v&fourBits|spread[b[4+k]]&(16*ones))
		store8(s.lanes(k+2), v>>4&fourBits|spread[b[6+k]]&(16*ones))
	}
}

// Q8_0: d f16, 32 signed bytes. Weight: q*d.
func dequantizeQ8_0(y []float32, b []byte) {
	d, qs := half(b), b[2:]
	for i := range y {
		y[i] = float32(int8(qs[i])) * d
	}
}

func unpackQ8_0(s *Small, b *[34]byte) {
	s.D, s.Min = half(b[0:]), 0
	for k := range 4 {
		store8(s.lanes(k), load8(b[2+8*k:]))
	}
}
