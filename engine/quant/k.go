package quant

// The K formats: 256 weights with two levels of scales.

// crumb is the unsigned 2-bit weight i of 256. Each 32 bytes hold 128 weights:
// the first 32 in the lowest two bits, and so on.
func crumb(qs []byte, i int) int { return int(qs[32*(i/128)+i%32] >> (2 * (i % 128 / 32)) & 3) }

// crumbLanes is where in Super.lanes the crumbs c of bytes 8*k to 8*k+7 belong.
func crumbLanes(k, c int) int { return 16*(k/4) + 4*c + k%4 }

// Q2_K: 16 bytes of a 4-bit scale (lower half) and minimum for 16 weights, 64
// bytes of crumbs, d f16, dmin f16. Weight: d*scale*n - dmin*min.
func dequantizeQ2_K(y []float32, b []byte) {
	scales, qs, d, dmin := b[:16], b[16:80], half(b[80:]), half(b[82:])
	for i := range y {
		scale := scales[i/16]
		dl := float32(d * float32(scale&15))
		ml := float32(dmin * float32(scale>>4))
		y[i] = float32(dl*float32(crumb(qs, i))) - ml
	}
}

func unpackQ2_K(s *Super, b *[84]byte) {
	s.D, s.DMin = half(b[80:]), half(b[82:])
	for u, scale := range b[:16] {
		s.S[u], s.M[u] = int16(scale&15), int16(scale>>4)
	}
	for k := range 8 {
		v := load8(b[16+8*k:])
		for c := range 4 {
			store8(s.lanes(crumbLanes(k, c)), v>>(2*c)&twoBits)
		}
	}
}

// Q3_K: 32 bytes of bit 2 of the weights (bit g of byte l is that of weight
// 32*g+l), 64 bytes of crumbs, 12 bytes of 6-bit scales for 16 weights, d f16.
// Weight: d*(scale-32) * (n-4).
func dequantizeQ3_K(y []float32, b []byte) {
	high, qs, d := b[:32], b[32:96], half(b[108:])
	for i := range y {
		dl := float32(d * float32(scaleQ3_K(b, i/16)))
		n := crumb(qs, i) | int(high[i%32]>>(i/32)&1)<<2
		y[i] = dl * float32(n-4)
	}
}

func unpackQ3_K(s *Super, b *[110]byte) {
	s.D = half(b[108:])
	s.withoutMin()
	for u := range s.S {
		s.S[u] = int16(scaleQ3_K(b[:], u))
	}
	for k := range 8 {
		v, high := load8(b[32+8*k:]), load8(b[8*(k%4):])>>(4*(k/4))
		for c := range 4 {
			n := v>>(2*c)&twoBits | high>>c&ones<<2
			store8(s.lanes(crumbLanes(k, c)), subtract8(n, 4*ones))
		}
	}
}

// scaleQ3_K is scale u of 16 weights, -32 to 31. Bits 0 to 3 of the scales are
// the nibbles of 8 bytes, bits 4 and 5 the crumbs of 4.
func scaleQ3_K(b []byte, u int) int {
	low := b[96+u%8] >> (4 * (u / 8)) & 15
	high := b[104+u%4] >> (2 * (u / 4)) & 3
	return int(low) | int(high)<<4 - 32
}

// Q4_K: d f16, dmin f16, 12 bytes of 6-bit scales and minima for 32 weights, 128
// bytes of 4-bit weights: each 32 bytes hold 64, the first 32 in the lower half.
// Weight: d*scale*n - dmin*min.
func dequantizeQ4_K(y []float32, b []byte) {
	d, dmin, qs := half(b), half(b[2:]), b[16:]
	for i := range y {
		g, l := i/32, i%32
		scale, minimum := scaleMin(b[4:16], g)
		n := qs[32*(g/2)+l] >> (4 * (g % 2)) & 15
		dl, ml := float32(d*float32(scale)), float32(dmin*float32(minimum))
		y[i] = float32(dl*float32(n)) - ml
	}
}

func unpackQ4_K(s *Super, b *[144]byte) {
	s.D, s.DMin = half(b[0:]), half(b[2:])
	unpackScaleMins(s, b[4:16])
	for k := range 16 {
		v := load8(b[16+8*k:])
		at := 8*(k/4) + k%4
		store8(s.lanes(at), v&fourBits)
		store8(s.lanes(at+4), v>>4&fourBits)
	}
}

// Q5_K: as Q4_K, with 32 bytes of bit 4 of the weights before the others; bit g
// of byte l is that of weight 32*g+l.
func dequantizeQ5_K(y []float32, b []byte) {
	d, dmin, high, qs := half(b), half(b[2:]), b[16:48], b[48:]
	for i := range y {
		g, l := i/32, i%32
		scale, minimum := scaleMin(b[4:16], g)
		n := qs[32*(g/2)+l]>>(4*(g%2))&15 | high[l]>>g&1<<4
		dl, ml := float32(d*float32(scale)), float32(dmin*float32(minimum))
		y[i] = float32(dl*float32(n)) - ml
	}
}

func unpackQ5_K(s *Super, b *[176]byte) {
	s.D, s.DMin = half(b[0:]), half(b[2:])
	unpackScaleMins(s, b[4:16])
	for k := range 16 {
		v, high := load8(b[48+8*k:]), load8(b[16+8*(k%4):])>>(2*(k/4))
		at := 8*(k/4) + k%4
		store8(s.lanes(at), v&fourBits|high&ones<<4)
		store8(s.lanes(at+4), v>>4&fourBits|high>>1&ones<<4)
	}
}

// scaleMin is the scale and the minimum of group g of 32 weights, 0 to 63 each,
// from the 12 bytes that Q4_K and Q5_K pack them in: those of the first four
// groups in the lower six bits of eight bytes, those of the others in the four
// bytes after, with the upper two bits where the first eight have room.
func scaleMin(q []byte, g int) (scale, minimum byte) {
	if g < 4 {
		return q[g] & 63, q[g+4] & 63
	}
	return q[g+4]&15 | q[g-4]>>6<<4, q[g+4]>>4 | q[g]>>6<<4
}

func unpackScaleMins(s *Super, q []byte) {
	for g := range 8 {
		scale, minimum := scaleMin(q, g)
		s.S[2*g], s.S[2*g+1] = int16(scale), int16(scale)
		s.M[2*g], s.M[2*g+1] = int16(minimum), int16(minimum)
	}
}

// Q6_K: 128 bytes of bits 0 to 3 of the weights, 64 bytes of bits 4 and 5, 16
// signed scales, d f16. Each 64 of the first hold 128 weights: 64 in the lower
// halves, 64 in the upper. The second are crumbs. Weight: d*scale * (n-32).
func dequantizeQ6_K(y []float32, b []byte) {
	low, high, scales, d := b[:128], b[128:192], b[192:208], half(b[208:])
	for i := range y {
		dl := float32(d * float32(int8(scales[i/16])))
		n := low[64*(i/128)+i%64] >> (4 * (i % 128 / 64)) & 15
		y[i] = dl * float32(int(n)|crumb(high, i)<<4-32)
	}
}

func unpackQ6_K(s *Super, b *[210]byte) {
	s.D = half(b[208:])
	s.withoutMin()
	for u, scale := range b[192:208] {
		s.S[u] = int16(int8(scale))
	}
	for k := range 8 {
		at := 64*(k/4) + 8*(k%4)
		v, w, high := load8(b[at:]), load8(b[at+32:]), load8(b[128+8*k:])
		for c, low := range [4]uint64{v, w, v >> 4, w >> 4} {
			n := low&fourBits | high>>(2*c)&twoBits<<4
			store8(s.lanes(crumbLanes(k, c)), subtract8(n, 32*ones))
		}
	}
}
