package quant

// The formats of weights that are -1, 0 or 1 times one scale.

// TQ1_0: 52 bytes of base-3 digits, d f16. A byte is a fraction of 256 with five
// digits (the last four bytes: four), most significant first. The first 32
// bytes hold the first digit of each, then the second of each, and so on; then
// the next 16 do so, and the last 4. Weight: (digit-1)*d.
func dequantizeTQ1_0(y []float32, b []byte) {
	d := half(b[52:])
	i := 0
	for _, part := range ternaryParts {
		for n := range part.digits {
			for _, v := range b[part.from:part.to] {
				digit := int(v*powersOf3[n]) * 3 >> 8 // v*3^n modulo 256
				y[i] = float32(digit-1) * d
				i++
			}
		}
	}
}

// ternaryParts are the runs of bytes of a TQ1_0 block.
var ternaryParts = [...]struct{ from, to, digits int }{{0, 32, 5}, {32, 48, 5}, {48, 52, 4}}

var powersOf3 = [5]byte{1, 3, 9, 27, 81}

func unpackTQ1_0(s *Super, b *[54]byte) {
	s.D = half(b[52:])
	s.withOneScale()
	for k := range 4 {
		digits(s, k, 4, load8(b[8*k:]))
	}
	for k := range 2 {
		digits(s, 20+k, 2, load8(b[32+8*k:]))
	}
	for n := range 4 {
		for m, v := range b[48:52] {
			s.Q[240+4*n+m] = int8(int(v*powersOf3[n])*3>>8) - 1
		}
	}
}

// digits stores the five base-3 digits of the bytes of v, less one: digit n to
// lanes k+n*step.
func digits(s *Super, k, step int, v uint64) {
	const bytesOf16 = 0x00ff00ff00ff00ff
	even, odd := v&bytesOf16, v>>8&bytesOf16
	for n := range 5 {
		even *= 3 // no more than 765 in each 16 bits
		odd *= 3
		digit := even>>8&bytesOf16 | odd&^bytesOf16
		store8(s.lanes(k+n*step), subtract8(digit, ones))
		even &= bytesOf16
		odd &= bytesOf16
	}
}

// TQ2_0: 64 bytes of 2-bit digits, d f16. Weight: (digit-1)*d, so that the
// fourth value a digit can have stands for 2.
func dequantizeTQ2_0(y []float32, b []byte) {
	d := half(b[64:])
	for i := range y {
		y[i] = float32(crumb(b, i)-1) * d
	}
}

func unpackTQ2_0(s *Super, b *[66]byte) {
	s.D = half(b[64:])
	s.withOneScale()
	for k := range 8 {
		v := load8(b[8*k:])
		for c := range 4 {
			store8(s.lanes(crumbLanes(k, c)), subtract8(v>>(2*c)&twoBits, ones))
		}
	}
}
