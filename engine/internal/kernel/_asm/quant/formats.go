package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The formats. Package quant has the same as Go code, and documents each.
var formats = []format{
	q4K(), q6K(), q80(), q5K(), q40(), iq4XS(), q3K(), q2K(), mxfp4(), iq4NL(), q50(), q41(), q51(), tq10(), tq20(),
	iq2XXS(), iq2XS(), iq2S(), iq3XXS(), iq3S(), iq1S(), iq1M(),
}

func q4K() format {
	f := format{name: "Q4K", bytes: 144, top: 15, scales: scaleMins, wide: true, two: true, mins: true, factors: halves(0)}
	for j := range 4 {
		f.steps = append(f.steps, step{
			raw: []source{at(16 + 32*j), at(32 + 32*j)},
			out: []output{bits(4*j, 0, 0, 15), bits(4*j+1, 1, 0, 15), bits(4*j+2, 0, 4, 15), bits(4*j+3, 1, 4, 15)},
		})
	}
	return f
}

func q5K() format {
	f := format{name: "Q5K", bytes: 176, top: 31, scales: scaleMins, wide: true, two: true, mins: true, factors: halves(0)}
	for j := range 4 {
		s := step{raw: []source{at(48 + 32*j), at(64 + 32*j), at(16), at(32)}}
		for i := range 4 { // lower nibbles of both, then upper ones
			s.out = append(s.out, output{4*j + i, func(raw []VecVirtual) VecVirtual {
				v := shifted(raw[i%2], i/2*4, 15)
				return or(v, shifted(raw[2+i%2], 2*j+i/2-4, 16))
			}})
		}
		f.steps = append(f.steps, s)
	}
	return f
}

// scaleMins unpacks the 6-bit scales and minima of Q4_K and Q5_K: in the lower 6
// bits of 8 bytes, and the nibbles of 4 and the upper bits of the 8.
func scaleMins(p pair) (scales, minima []VecVirtual) {
	h := p.load(0)
	v, t := YMM(), YMM()
	VPSHUFB(repeated("scaleMinLow", 4, 5, 6, 7, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15), h, v)
	VPSRLVD(repeated("scaleMinShift", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0), v, v)
	VPAND(repeated("scaleMinMask", 63, 63, 63, 63, 15, 15, 15, 15), v, v)
	VPSHUFB(repeated("scaleMinHigh", 128, 128, 128, 128, 4, 5, 6, 7, 128, 128, 128, 128, 8, 9, 10, 11), h, t)
	or(v, shifted(t, 2, 0x30))
	w := widened(v, false)
	return w[:1], w[1:]
}

// widened is the 16 bytes of each lane as two vectors of 8 int16 a lane.
func widened(v VecVirtual, signed bool) []VecVirtual {
	w := ymms(2)
	if signed {
		VPUNPCKLBW(v, v, w[0])
		VPUNPCKHBW(v, v, w[1])
		VPSRAW(Imm(8), w[0], w[0])
		VPSRAW(Imm(8), w[1], w[1])
		return w
	}
	zero(w[0])
	VPUNPCKHBW(w[0], v, w[1])
	VPUNPCKLBW(w[0], v, w[0])
	return w
}

// crumbs is the steps of 256 weights whose 64 bytes of 2 bits start at off: 32
// bytes have the weights 32*c+l of 128 in bits 2*c and 2*c+1 of byte l. more are
// sources that make needs besides; half is 0 or 1, c the crumb.
func crumbs(off int, more func(half, c16 int) []source, make func(half, c int, raw []VecVirtual) VecVirtual) (steps []step) {
	for half := range 2 {
		for c16 := range 2 {
			s := step{raw: append([]source{at(off + 32*half + 16*c16)}, more(half, c16)...)}
			for c := range 4 {
				s.out = append(s.out, output{8*half + 2*c + c16, func(raw []VecVirtual) VecVirtual {
					return make(half, c, raw)
				}})
			}
			steps = append(steps, s)
		}
	}
	return steps
}

// noMore is for crumbs without other sources.
func noMore(int, int) []source { return nil }

// crumb is crumb c of a source of crumbs.
func crumb(_, c int, raw []VecVirtual) VecVirtual { return shifted(raw[0], 2*c, 3) }

func q2K() format {
	return format{name: "Q2K", bytes: 84, top: 3, mins: true, steps: crumbs(16, noMore, crumb), factors: halves(80),
		scales: func(p pair) (scales, minima []VecVirtual) {
			v := p.load(0)
			return widened(shifted(v, 0, 15), false), widened(shifted(v, 4, 15), false)
		}}
}

func q3K() format {
	return format{name: "Q3K", bytes: 110, top: 7, bias: 4, factors: half(108),
		steps: crumbs(32, func(_, c16 int) []source { return []source{at(16 * c16)} },
			func(half, c int, raw []VecVirtual) VecVirtual {
				return or(crumb(half, c, raw), shifted(raw[1], 4*half+c-2, 4))
			}),
		scales: func(p pair) (scales, minima []VecVirtual) {
			h := p.load(94) // the 12 bytes of scales start at 2
			v, t := YMM(), YMM()
			VPSHUFB(repeated("q3KLow", 2, 3, 4, 5, 6, 7, 8, 9), h, v)
			VPSRLVQ(repeated("q3KLowShift", 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0), v, v)
			VPAND(repeated("bytes0f", 15), v, v)
			VPSHUFB(repeated("q3KHigh", 10, 11, 12, 13), h, t)
			VPSRLVD(repeated("q3KHighShift", 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0), t, t)
			VPAND(repeated("bytes03", 3), t, t)
			VPSLLW(Imm(4), t, t)
			or(v, t)
			VPSUBB(repeated("bytes20", 32), v, v)
			return widened(v, true), nil
		}}
}

func q6K() format {
	f := format{name: "Q6K", bytes: 210, top: 63, bias: 32, two: true, factors: half(208),
		scales: func(p pair) (scales, minima []VecVirtual) { return widened(p.load(192), true), nil }}
	f.steps = crumbs(128, func(half, c16 int) []source {
		return []source{at(64*half + 16*c16), at(64*half + 32 + 16*c16)}
	}, func(_, c int, raw []VecVirtual) VecVirtual {
		return or(shifted(raw[1+c%2], c/2*4, 15), shifted(raw[0], 2*c-4, 0x30))
	})
	return f
}

func tq20() format {
	return format{name: "TQ20", bytes: 66, top: 3, bias: 1, steps: crumbs(0, noMore, crumb), factors: half(64)}
}

// tq10 has five base-3 digits a byte; package quant explains.
func tq10() format {
	f := format{name: "TQ10", bytes: 54, top: 2, bias: 1, factors: half(52)}
	for i, first := range []int{0, 1, 10} { // number of the first digit of 16 bytes
		between := []int{2, 2, 1}[i]
		s := step{raw: []source{at(16 * i)}}
		for n := range 5 {
			s.out = append(s.out, output{first + between*n, func(raw []VecVirtual) VecVirtual {
				x := YMM()
				VMOVDQA(raw[0], x)
				for range n {
					tripled(x, x)
				}
				return digit(x)
			}})
		}
		f.steps = append(f.steps, s)
	}
	f.steps = append(f.steps, step{raw: []source{lastTernary}, out: []output{{15, func(raw []VecVirtual) VecVirtual {
		x := YMM()
		VMOVDQA(raw[0], x)
		return digit(x)
	}}}})
	return f
}

// lastTernary is the last 4 bytes of digits, times 1, 3, 9 and 27.
func lastTernary(p pair) VecVirtual {
	v, x := p.load(36), YMM()
	VPSHUFD(Imm(0xff), v, v)
	VMOVDQA(v, x)
	for i := 1; i < 4; i++ {
		tripled(x, x)
		VPBLENDD(Imm(uint64(0x11<<i)), x, v, v)
	}
	return v
}

// tripled sets v to 3*x in each byte.
func tripled(x, v VecVirtual) {
	t := YMM()
	VPADDB(x, x, t)
	VPADDB(x, t, v)
}

// digit is the first base-3 digit of the fractions of 256 in x: how many of 1/3
// and 2/3 they reach.
func digit(x VecVirtual) VecVirtual {
	v, t := YMM(), YMM()
	VPMAXUB(repeated("bytes56", 86), x, v)
	VPCMPEQB(x, v, v)
	VPMAXUB(repeated("bytesab", 171), x, t)
	VPCMPEQB(x, t, t)
	VPADDB(t, v, v)
	VPABSB(v, v)
	return v
}

// looked is the values of a table at the 4-bit numbers v, which it changes.
func looked(table []int8, name string, v VecVirtual) VecVirtual {
	b := make([]byte, len(table))
	for i, x := range table {
		b[i] = byte(x)
	}
	t := YMM()
	VMOVDQU(repeated(name, b...), t)
	VPSHUFB(v, t, v)
	return v
}

// ladder is the values of IQ4_NL and IQ4_XS.
var ladder = []int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// lookedNibbles is nibbles that are numbers in a table.
func lookedNibbles(table []int8, name string, off, low, high int) step {
	s := nibbles(off, low, high)
	for i, o := range s.out {
		s.out[i].make = func(raw []VecVirtual) VecVirtual { return looked(table, name, o.make(raw)) }
	}
	return s
}

func iq4XS() format {
	f := format{name: "IQ4XS", bytes: 136, signed: true, bias: 128, wide: true, factors: half(0), scales: scalesIQ4XS}
	for g := range 8 {
		f.steps = append(f.steps, lookedNibbles(ladder, "ladder", 8+16*g, 2*g, 2*g+1))
	}
	return f
}

// scalesIQ4XS unpacks 6-bit scales: bits 4 and 5 are in a word, bits 0 to 3 are
// nibbles of the 4 bytes after it. Multiplications shift words separately.
func scalesIQ4XS(p pair) (scales, minima []VecVirtual) {
	h := p.load(0)
	v, t := YMM(), YMM()
	VPSHUFB(repeated("iq4XSLow", 4, 128, 4, 128, 5, 128, 5, 128, 6, 128, 6, 128, 7, 128, 7, 128), h, v)
	VPMULLW(repeated("iq4XSLowShift", 16, 0, 1, 0), v, v)
	VPSRLW(Imm(4), v, v)
	VPAND(repeated("words0f", 15, 0), v, v)
	VPSHUFB(repeated("iq4XSHigh", 2, 3), h, t)
	VPMULLW(repeated("iq4XSHighShift", 0, 64, 0, 16, 0, 4, 0, 1, 64, 0, 16, 0, 4, 0, 1, 0), t, t)
	VPSRLW(Imm(14), t, t)
	VPSLLW(Imm(4), t, t)
	or(v, t)
	VPSUBW(repeated("words20", 32, 0), v, v)
	return []VecVirtual{v}, nil
}

func q40() format {
	return format{name: "Q40", bytes: 18, top: 15, bias: 8, steps: []step{nibbles(2, 0, 1)}, factors: half(0)}
}

func q41() format {
	return format{name: "Q41", bytes: 20, top: 15, steps: []step{nibbles(4, 0, 1)}, factors: halves(0)}
}

func q50() format {
	return format{name: "Q50", bytes: 22, top: 31, bias: 16, steps: fives(2), factors: half(0)}
}

func q51() format {
	return format{name: "Q51", bytes: 24, top: 31, steps: fives(4), factors: halves(0)}
}

// fives is the step of 5-bit weights: 4 bytes of bit 4 from off on, 16 bytes of
// nibbles after them.
func fives(off int) []step {
	s := nibbles(off+4, 0, 1)
	s.raw = append(s.raw, fifths(off, 0), fifths(off, 2))
	for i, o := range s.out {
		s.out[i].make = func(raw []VecVirtual) VecVirtual { return or(o.make(raw), raw[1+i]) }
	}
	return []step{s}
}

// fifths is the bits of two bytes of the four at off, from byte from on, as 16 or
// 0 in 16 bytes.
func fifths(off, from int) source {
	return func(p pair) VecVirtual {
		v, b := YMM(), YMM()
		VPBROADCASTD(p.a.Offset(off), v)
		VPBROADCASTD(p.b.Offset(off), b)
		VPBLENDD(Imm(0xf0), b, v, v)
		lo, hi := byte(from), byte(from+1)
		name := map[int]string{0: "fifthsLow", 2: "fifthsHigh"}[from]
		VPSHUFB(repeated(name, lo, lo, lo, lo, lo, lo, lo, lo, hi, hi, hi, hi, hi, hi, hi, hi), v, v)
		each := repeated("eachBit", 1, 2, 4, 8, 16, 32, 64, 128)
		VPAND(each, v, v)
		VPCMPEQB(each, v, v)
		VPAND(repeated("bytes10", 16), v, v)
		return v
	}
}

func q80() format {
	itself := func(u int) step {
		return step{raw: []source{at(2 + 16*u)}, out: []output{{u, func(raw []VecVirtual) VecVirtual { return raw[0] }}}}
	}
	return format{name: "Q80", bytes: 34, signed: true, steps: []step{itself(0), itself(1)}, factors: half(0)}
}

func iq4NL() format {
	return format{name: "IQ4NL", bytes: 18, signed: true, steps: []step{lookedNibbles(ladder, "ladder", 2, 0, 1)}, factors: half(0)}
}

// fp4 is twice the values of FP4, and 12 to make them unsigned.
var fp4 = []int8{12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0}

func mxfp4() format {
	return format{name: "MXFP4", bytes: 17, top: 24, bias: 12, steps: []step{lookedNibbles(fp4, "fp4", 1, 0, 1)}, factors: powers}
}

// powers is 2^(e-128) for the first byte e.
func powers(r eight) (d, min VecVirtual) {
	e, low, is := YMM(), YMM(), YMM()
	zero(e)
	for i := range 8 {
		VPINSRB(Imm(uint64(i)), r.row(i, 0), e.AsX(), e.AsX())
	}
	VPMOVZXBD(e.AsX(), e)
	// Subnormal numbers of 2^-128 and 2^-127.
	VMOVDQU(repeated("two", 2, 0, 0, 0), is)
	VPCMPGTD(e, is, is)
	VMOVDQU(repeated("powerLow", 0, 0, 0x20, 0), low)
	VPSLLVD(e, low, low)
	d = YMM()
	VPADDD(repeated("minusOne", 255), e, d)
	VPSLLD(Imm(23), d, d)
	VBLENDVPS(is, low, d, d)
	return d, nil
}
