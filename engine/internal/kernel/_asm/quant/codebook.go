package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// book points to the codebook of the format whose function is being written, and
// indices is memory for the numbers of 8 rows of it for each row of a pair.
var (
	book    Register
	indices Mem
)

// openBook sets them.
func (f format) openBook() {
	if f.book == "" {
		return
	}
	book = GP64()
	LEAQ(Mem{Symbol: Symbol{Name: "·" + f.book}, Base: StaticBase}, book)
	indices = AllocLocal(32)
}

// A row of a codebook is 8 weights or 4, one a byte. An index loads the number of
// row k of a block, for one row of a pair.
type index func(p pair, lane, k int) Register

// byteAt is the index whose numbers are the bytes from off on.
func byteAt(off int) index {
	return func(p pair, lane, k int) Register {
		i := GP64()
		MOVBQZX([]Mem{p.a, p.b}[lane].Offset(off+k), i)
		return i
	}
}

// stored is the index whose numbers are words in indices. k counts modulo 8.
func stored(_ pair, lane, k int) Register {
	i := GP64()
	MOVWQZX(indices.Offset(16*lane+2*(k%8)), i)
	return i
}

// looked8 is the rows of 8 weights k and k+1.
func looked8(p pair, k int, number index) VecVirtual {
	var v [2]VecVirtual
	for lane := range v {
		x := []VecVirtual{XMM(), XMM()}
		for j := range x {
			VMOVQ(Mem{Base: book, Index: number(p, lane, k+j), Scale: 8}, x[j])
		}
		VPUNPCKLQDQ(x[1], x[0], x[0])
		v[lane] = x[0]
	}
	return joined(v[0], v[1])
}

// looked4 is the rows of 4 weights k to k+3.
func looked4(p pair, k int, number index) VecVirtual {
	var v [2]VecVirtual
	for lane := range v {
		x := []VecVirtual{XMM(), XMM(), XMM(), XMM()}
		for j := range x {
			VMOVD(Mem{Base: book, Index: number(p, lane, k+j), Scale: 4}, x[j])
		}
		VPUNPCKLDQ(x[1], x[0], x[0])
		VPUNPCKLDQ(x[3], x[2], x[2])
		VPUNPCKLQDQ(x[2], x[0], x[0])
		v[lane] = x[0]
	}
	return joined(v[0], v[1])
}

// joined is two lanes as one vector.
func joined(low, high VecVirtual) VecVirtual {
	v := YMM()
	i, err := x86.VINSERTI128(Imm(1), high, low.AsY(), v)
	if err != nil {
		panic(err)
	}
	// It reads only half of the register that low is in; the allocator is to know.
	i.Inputs = []Op{low, high}
	Instruction(i)
	return v
}

// everyGroup is the steps of a format whose 32 weights of group g are found by
// lookup. It is called for each group in turn, and may keep vectors of a group
// for those after it.
func everyGroup(lookup func(p pair, g int) (v, signs []VecVirtual)) (steps []step) {
	for g := range 8 {
		steps = append(steps, step{u: 2 * g, lookup: func(p pair) (v, signs []VecVirtual) { return lookup(p, g) }})
	}
	return steps
}

// signsOf is 1 or -1 for each of 16 weights, whose sign bits are bytes a and b of
// v, bit j for weight j of 8.
func signsOf(v VecVirtual, a, b int) VecVirtual {
	s := YMM()
	x, y := byte(a), byte(b)
	VPSHUFB(repeated(fmt.Sprintf("bytes%dand%d", a, b), x, x, x, x, x, x, x, x, y, y, y, y, y, y, y, y), v, s)
	each := repeated("eachBit", 1, 2, 4, 8, 16, 32, 64, 128)
	VPAND(each, s, s)
	VPCMPEQB(each, s, s)
	VPOR(repeated("bytes01", 1), s, s)
	return s
}

// evened adds to 7 sign bits, in some bytes of v, an eighth that makes their
// number even. Other bytes of v are zero.
func evened(v VecVirtual) VecVirtual {
	t, odd := YMM(), YMM()
	VPSRLW(Imm(4), v, t)
	VPXOR(v, t, t)
	VPAND(repeated("bytes0f", 15), t, t)
	VMOVDQU(repeated("oddNibbles", 0, 128, 128, 0, 128, 0, 0, 128, 128, 0, 0, 128, 0, 128, 128, 0), odd)
	VPSHUFB(t, odd, t)
	return or(v, t)
}

// signs28 is 8 sign bits for each 7 of the lower 28 of every 32-bit element of
// v, in the 4 bytes of the element.
func signs28(v VecVirtual) VecVirtual {
	w := YMM()
	VPAND(repeated("sevens0", 127, 0, 0, 0), v, w)
	for i := 1; i < 4; i++ {
		mask := [4]byte{}
		mask[i] = 127
		t := YMM()
		VPSLLD(Imm(uint64(i)), v, t)
		VPAND(repeated(fmt.Sprintf("sevens%d", i), mask[:]...), t, t)
		or(w, t)
	}
	return evened(w)
}

// groupSigns is the signs of group g from bytes of sign bits, one for 8 weights,
// those of group g&^3 first.
func groupSigns(v VecVirtual, g int) []VecVirtual {
	at := 4 * (g % 4)
	return []VecVirtual{signsOf(v, at, at+1), signsOf(v, at+2, at+3)}
}

// oddScales is 2*v+1, in 16 bits.
func oddScales(v VecVirtual) VecVirtual {
	VPADDW(v, v, v)
	VPOR(repeated("words01", 1, 0), v, v)
	return v
}

// upper4 is the scales in the upper 4 bits of two times 4 32-bit elements.
func upper4(a, b VecVirtual) (scales, minima []VecVirtual) {
	VPSRLD(Imm(28), a, a)
	VPSRLD(Imm(28), b, b)
	VPACKUSDW(b, a, a)
	return []VecVirtual{oddScales(a)}, nil
}

// nibbleScales is 16 scales of 4 bits from the bytes 8 to 15 of v.
func nibbleScales(v VecVirtual) VecVirtual {
	low, high := shifted(v, 0, 15), shifted(v, 4, 15)
	VPUNPCKHBW(high, low, low)
	return low
}

func iq2XXS() format {
	// The sign words of groups g to g+3.
	words := func(p pair, g int) VecVirtual {
		a, b := p.load(2+8*g), p.load(2+8*g+16)
		VSHUFPS(Imm(0xdd), b, a, a)
		return a
	}
	var bits VecVirtual
	return format{name: "IQ2XXS", bytes: 66, book: "bookIQ2XXS", top: 43, bias: 43, signs: true, wide: true,
		factors: halfScaled(0, 1./8),
		scales:  func(p pair) (scales, minima []VecVirtual) { return upper4(words(p, 0), words(p, 4)) },
		steps: everyGroup(func(p pair, g int) (v, signs []VecVirtual) {
			if g%4 == 0 {
				bits = signs28(words(p, g))
			}
			rows := byteAt(2 + 8*g)
			return []VecVirtual{looked8(p, 0, rows), looked8(p, 2, rows)}, groupSigns(bits, g)
		})}
}

func iq3XXS() format {
	var bits VecVirtual
	return format{name: "IQ3XXS", bytes: 98, book: "bookIQ3XXS", top: 62, bias: 62, signs: true, wide: true,
		factors: halfScaled(0, 1./4),
		scales:  func(p pair) (scales, minima []VecVirtual) { return upper4(p.load(66), p.load(82)) },
		steps: everyGroup(func(p pair, g int) (v, signs []VecVirtual) {
			if g%4 == 0 {
				bits = signs28(p.load(66 + 4*g))
			}
			rows := byteAt(2 + 8*g)
			return []VecVirtual{looked4(p, 0, rows), looked4(p, 4, rows)}, groupSigns(bits, g)
		})}
}

// spread16 is bytes of v as 8 words of each lane, with zero upper halves.
func spread16(name string, v VecVirtual, b [8]int) VecVirtual {
	var order [16]byte
	for i, x := range b {
		order[2*i], order[2*i+1] = byte(x), 128
	}
	w := YMM()
	VPSHUFB(repeated(name, order[:]...), v, w)
	return w
}

// fours is the numbers a, a, a, a, b, b, b, b.
func fours(a, b int) [8]int { return [8]int{a, a, a, a, b, b, b, b} }

func iq2XS() format {
	var bits VecVirtual
	return format{name: "IQ2XS", bytes: 74, book: "bookIQ2XS", top: 43, bias: 43, signs: true,
		factors: halfScaled(0, 1./8),
		scales:  func(p pair) (scales, minima []VecVirtual) { return oddScales16(p.load(58)), nil },
		steps: everyGroup(func(p pair, g int) (v, signs []VecVirtual) {
			if g%2 == 0 {
				words, i := p.load(2+8*g), YMM()
				VPAND(repeated("words1ff", 255, 1), words, i)
				VMOVDQU(i, indices)
				VPSRLW(Imm(9), words, words)
				bits = evened(words)
			}
			at := 8 * (g % 2)
			signs = []VecVirtual{signsOf(bits, at, at+2), signsOf(bits, at+4, at+6)}
			return []VecVirtual{looked8(p, 4*g, stored), looked8(p, 4*g+2, stored)}, signs
		})}
}

// oddScales16 is 2*n+1 of the 16 nibbles n in bytes 8 to 15.
func oddScales16(v VecVirtual) []VecVirtual {
	w := widened(nibbleScales(v), false)
	return []VecVirtual{oddScales(w[0]), oddScales(w[1])}
}

func iq2S() format {
	var rows, high, bits VecVirtual
	return format{name: "IQ2S", bytes: 82, book: "bookIQ2S", top: 43, bias: 43, signs: true,
		factors: halfScaled(0, 1./8),
		scales:  func(p pair) (scales, minima []VecVirtual) { return oddScales16(p.load(66)), nil },
		steps: everyGroup(func(p pair, g int) (v, signs []VecVirtual) {
			if g == 0 {
				high = p.load(66)
			}
			if g%4 == 0 {
				rows, bits = p.load(2+4*g), p.load(34+4*g)
			}
			if g%2 == 0 {
				h := spread16(fmt.Sprintf("iq2SHigh%d", g), high, fours(g, g+1))
				VPMULLW(repeated("iq2SShift", 0, 1, 64, 0, 16, 0, 4, 0), h, h)
				VPAND(repeated("words300", 0, 3), h, h)
				store8Indices(rows, g/2%2, h)
			}
			return []VecVirtual{looked8(p, 4*g, stored), looked8(p, 4*g+2, stored)}, groupSigns(bits, g)
		})}
}

// store8Indices stores as indices the lower or upper 8 bytes of v, with the bits
// of high added.
func store8Indices(v VecVirtual, upper int, high VecVirtual) {
	w := YMM()
	zero(w)
	if upper == 1 {
		VPUNPCKHBW(w, v, w)
	} else {
		VPUNPCKLBW(w, v, w)
	}
	VMOVDQU(or(w, high), indices)
}

func iq3S() format {
	var rows, high, bits VecVirtual
	return format{name: "IQ3S", bytes: 110, book: "bookIQ3S", top: 15, bias: 15, signs: true, wide: true,
		factors: half(0),
		scales: func(p pair) (scales, minima []VecVirtual) {
			v := nibbleScales(p.load(94)) // 4 bytes at 106
			return []VecVirtual{oddScales(widened(v, false)[1])}, nil
		},
		steps: everyGroup(func(p pair, g int) (v, signs []VecVirtual) {
			if g == 0 {
				high = p.load(66)
			}
			if g%4 == 0 {
				bits = p.load(74 + 4*g)
			}
			if g%2 == 0 {
				rows = p.load(2 + 8*g)
			}
			// Bit n of a byte is bit 8 of the number of row n of the group.
			h := spread16(fmt.Sprintf("iq3SHigh%d", g), high, [8]int{g, g, g, g, g, g, g, g})
			VPMULLW(repeated("iq3SShift", 0, 1, 128, 0, 64, 0, 32, 0, 16, 0, 8, 0, 4, 0, 2, 0), h, h)
			VPAND(repeated("words100", 0, 1), h, h)
			store8Indices(rows, g%2, h)
			return []VecVirtual{looked4(p, 8*g, stored), looked4(p, 8*g+4, stored)}, groupSigns(bits, g)
		})}
}

// raised adds to v, weights of an IQ1 format, 2 where they have a positive delta,
// which is where down is zero.
func raised(v, down VecVirtual) VecVirtual {
	VPANDN(repeated("bytes02", 2), down, down)
	VPADDB(down, v, v)
	return v
}

func iq1S() format {
	var words VecVirtual
	return format{name: "IQ1S", bytes: 50, book: "bookIQ1", top: 18, bias: 9, wide: true, factors: halfScaled(0, 1./8),
		scales: func(p pair) (scales, minima []VecVirtual) {
			v := p.load(34)
			VPSRLW(Imm(12), v, v)
			VPAND(repeated("words07", 7, 0), v, v)
			return []VecVirtual{oddScales(v)}, nil
		},
		steps: everyGroup(func(p pair, g int) (v, signs []VecVirtual) {
			if g == 0 {
				words = p.load(34)
			}
			if g%2 == 0 {
				storeIndicesIQ1S(p, g, words)
			}
			down, t := YMM(), YMM()
			VPSRAW(Imm(15), words, down)
			i := byte(2 * g)
			VPSHUFB(repeated(fmt.Sprintf("word%d", g), i, i+1), down, down)
			VMOVDQA(down, t)
			return []VecVirtual{
				raised(looked8(p, 4*g, stored), down), raised(looked8(p, 4*g+2, stored), t),
			}, nil
		})}
}

// storeIndicesIQ1S stores the indices of groups g and g+1. 3 bits for row t of a
// group are bits 3*t and up of its word, and become bits 8 and up: shifted left
// but those of the last row, which are shifted right by one.
func storeIndicesIQ1S(p pair, g int, words VecVirtual) {
	left, right := YMM(), YMM()
	a, b := byte(2*g), byte(2*g+2)
	VPSHUFB(fourWords(a, b), words, left)
	VPMULHUW(repeated("iq1SRight", 0, 0, 0, 0, 0, 0, 0, 128), left, right)
	VPMULLW(repeated("iq1SLeft", 0, 1, 32, 0, 4, 0, 0, 0), left, left)
	or(left, right)
	VPAND(repeated("words700", 0, 7), left, left)
	store8Indices(p.load(2+16*(g/4)), g/2%2, left)
}

// fourWords is a shuffle of the words at bytes a and b, four times each.
func fourWords(a, b byte) Mem {
	return repeated(fmt.Sprintf("words%dand%d", a/2, b/2),
		a, a+1, a, a+1, a, a+1, a, a+1, b, b+1, b, b+1, b, b+1, b, b+1)
}

func iq1M() format {
	var high VecVirtual
	return format{name: "IQ1M", bytes: 56, book: "bookIQ1", top: 18, bias: 9, factors: factorIQ1M, scales: scalesIQ1M,
		steps: everyGroup(func(p pair, g int) (v, signs []VecVirtual) {
			if g == 0 {
				high = p.load(32)
			}
			if g%2 == 0 { // 4 bytes with two nibbles each
				order := [8]int{2 * g, 2 * g, 2*g + 1, 2*g + 1, 2*g + 2, 2*g + 2, 2*g + 3, 2*g + 3}
				h := spread16(fmt.Sprintf("iq1MHigh%d", g), high, order)
				VPMULLW(repeated("iq1MHighShift", 0, 1, 16, 0), h, h)
				VPAND(repeated("words700", 0, 7), h, h)
				store8Indices(p.load(16*(g/4)), g/2%2, h)
			}
			for u := 2 * g; u < 2*g+2; u++ {
				h, i := YMM(), byte(u)
				VPSHUFB(repeated(fmt.Sprintf("byte%d", u), i), high, h)
				bit := repeated("bytes08and80", 8, 8, 8, 8, 8, 8, 8, 8, 128, 128, 128, 128, 128, 128, 128, 128)
				VPAND(bit, h, h)
				VPCMPEQB(bit, h, h)
				v = append(v, raised(looked8(p, 2*u, stored), h))
			}
			return v, nil
		})}
}

// scalesIQ1M unpacks 16 scales of 3 bits, four in each word.
func scalesIQ1M(p pair) (scales, minima []VecVirtual) {
	h := p.load(40) // the words are at 48
	for i := range 2 {
		v := YMM()
		VPSHUFB(fourWords(byte(8+4*i), byte(10+4*i)), h, v)
		VPMULLW(repeated("iq1MShift", 0, 32, 0, 4, 128, 0, 16, 0), v, v)
		VPSRLW(Imm(13), v, v)
		scales = append(scales, oddScales(v))
	}
	return scales, nil
}

// factorIQ1M is D, f16 in the upper 4 bits of four words.
func factorIQ1M(r eight) (d, min VecVirtual) {
	d = YMM()
	zero(d)
	mask, spread, x := GP64(), GP64(), GP64()
	MOVQ(U64(0xf000f000f000f000), mask)
	// The product has them side by side in its upper 16 bits.
	MOVQ(U64(1<<36|1<<24|1<<12|1), spread)
	for i := range 8 {
		MOVQ(r.row(i, 48), x)
		ANDQ(mask, x)
		IMULQ(spread, x)
		SHRQ(Imm(48), x)
		VPINSRW(Imm(uint64(i)), x.As32(), d.AsX(), d.AsX())
	}
	VCVTPH2PS(d.AsX(), d)
	VMULPS(float(1./8), d, d)
	return d, nil
}
