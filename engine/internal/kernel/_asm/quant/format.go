package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A pair is two rows of blocks, one for each half (lane) of a vector: most
// instructions work on the lanes separately.
type pair struct{ a, b Mem }

// load is 16 bytes of each row, off bytes into the block.
func (p pair) load(off int) VecVirtual {
	v := YMM()
	VBROADCASTI128(p.a.Offset(off), v) // a load as any other
	VINSERTI128(Imm(1), p.b.Offset(off), v, v)
	return v
}

// A source loads 16 bytes for each row of a pair.
type source func(p pair) VecVirtual

// at is the 16 bytes off bytes into a block.
func at(off int) source { return func(p pair) VecVirtual { return p.load(off) } }

// A step is weights that come from the same bytes: out computes them from raw.
// Or lookup finds those of one scale after the other, from number u on, as they
// are or as magnitudes and signs, which are 1 and -1.
type step struct {
	raw []source
	out []output

	lookup func(p pair) (v, signs []VecVirtual)
	u      int
}

// An output is 16 weights, number u of the block, as unsigned or signed bytes.
// make computes them byte by byte from raw, which it must not change, so that it
// can be used on bytes in any order.
type output struct {
	u    int
	make func(raw []VecVirtual) VecVirtual
}

// A format is the layout of a type of blocks.
type format struct {
	name   string
	bytes  int
	book   string // the codebook, a variable of package kernel
	top    int    // the largest weight, with the bias
	bias   int    // what is added to weights to make them unsigned
	signed bool   // weights are signed bytes
	signs  bool   // lookup finds signs; top is without a bias
	two    bool   // rows has a version for two vectors
	steps  []step

	// scales of one pair, and minima, as int16: of 256-weight blocks, one vector of
	// 8 if they are for 32 weights, two if they are for 16. No scales are ones.
	scales func(p pair) (scales, minima []VecVirtual)
	wide   bool // they are for 32
	mins   bool // there are minima

	// factors of 8 rows, as float32: D, and DMin or Min if there is one.
	factors func(r eight) (d, min VecVirtual)
}

// most is how many products of two weights and activations fit in 16 bits when
// added.
func (f format) most() int {
	if f.signed {
		return 1
	}
	return 32767 / (2 * 127 * f.top)
}

// shifted is x>>n, or x<<-n, in every byte, cut to the bits of mask.
func shifted(x VecVirtual, n int, mask byte) VecVirtual {
	v, m := YMM(), repeated(fmt.Sprintf("bytes%02x", mask), mask)
	switch {
	case n == 0:
		VPAND(m, x, v)
		return v
	case n > 0:
		VPSRLW(Imm(uint64(n)), x, v)
	default:
		VPSLLW(Imm(uint64(-n)), x, v)
	}
	VPAND(m, v, v)
	return v
}

// or adds to v the bits of w.
func or(v, w VecVirtual) VecVirtual {
	VPOR(w, v, v)
	return v
}

// bits is the output shifted(raw[i], n, mask).
func bits(u, i, n int, mask byte) output {
	return output{u, func(raw []VecVirtual) VecVirtual { return shifted(raw[i], n, mask) }}
}

// nibbles is the step of 16 bytes off bytes into a block that are the 16 weights
// low in the lower halves and the 16 weights high in the upper.
func nibbles(off, low, high int) step {
	return step{
		raw: []source{at(off)},
		out: []output{bits(low, 0, 0, 15), bits(high, 0, 4, 15)},
	}
}

// eight is eight rows of blocks.
type eight struct {
	low, high     Register // rows 0 and 4
	stride, three Register // bytes from row to row; times 3
}

// row is off bytes into the block of row i.
func (r eight) row(i, off int) Mem {
	m := Mem{Base: r.low, Disp: off}
	if i >= 4 {
		m.Base = r.high
	}
	switch i % 4 {
	case 1, 2:
		m.Index, m.Scale = r.stride, uint8(i%4)
	case 3:
		m.Index, m.Scale = r.three, 1
	}
	return m
}

// pair is rows i and i+4.
func (r eight) pair(i int) pair { return pair{r.row(i, 0), r.row(i+4, 0)} }

// half is a D at off, f16, and no minimum.
func half(off int) func(eight) (d, min VecVirtual) {
	return func(r eight) (d, min VecVirtual) {
		d = YMM()
		VPXOR(d, d, d)
		for i := range 8 {
			VPINSRW(Imm(uint64(i)), r.row(i, off), d.AsX(), d.AsX())
		}
		VCVTPH2PS(d.AsX(), d)
		return d, nil
	}
}

// halfScaled is the same times a factor.
func halfScaled(off int, factor float32) func(eight) (d, min VecVirtual) {
	return func(r eight) (d, min VecVirtual) {
		d, _ = half(off)(r)
		VMULPS(float(factor), d, d)
		return d, nil
	}
}

// halves is a D at off and a minimum two bytes further, f16.
func halves(off int) func(eight) (d, min VecVirtual) {
	return func(r eight) (d, min VecVirtual) {
		d, min = YMM(), YMM()
		x, y := XMM(), XMM()
		for i, v := range []VecVirtual{x, y} {
			VMOVD(r.row(4*i, off), v)
			for j := range 3 {
				VPINSRD(Imm(uint64(j+1)), r.row(4*i+j+1, off), v, v)
			}
			VPSHUFB(repeated("evenWordsFirst", 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15), v, v)
		}
		VPUNPCKLQDQ(y, x, d.AsX())
		VPUNPCKHQDQ(y, x, min.AsX())
		VCVTPH2PS(d.AsX(), d)
		VCVTPH2PS(min.AsX(), min)
		return d, min
	}
}

// float is a constant of 8 equal floats in memory.
func float(x float32) Mem {
	b := math.Float32bits(x)
	return repeated(fmt.Sprintf("float%08x", b), byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
}
