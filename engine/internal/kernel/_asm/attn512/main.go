// Command attn512 writes the AVX-512 assembly of attention: scores, the passes over
// them, and weighted sums:
//
//	go run ./attn512 -out ../attention_avx512_amd64.s -stubs ../attention_avx512_stubs_amd64.go -pkg kernel
//
// An element of a sum is a chain of fused multiply-adds over the values in order,
// as it is in the AVX2 version, so that the two give the same bits.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	Constraint(buildtags.Not("noasm"))
	for _, f := range formats {
		f.accumulate()
	}
	scores()
	blockScores()
	softmax()
	Generate()
}

// most is how many sums of 32 elements are kept in registers.
const most = 8

// A format is how 32 elements of a value are stored.
type format struct {
	name  string
	about string
	// constants makes what load needs; load makes the 32 elements at a place, 16 a
	// register.
	constants func() []VecVirtual
	load      func(v Mem, constants []VecVirtual) [2]VecVirtual
}

var formats = []format{
	{"F32", "32 floats", none, func(v Mem, _ []VecVirtual) (x [2]VecVirtual) {
		for i := range x {
			x[i] = ZMM()
			VMOVUPS(v.Offset(64*i), x[i])
		}
		return x
	}},
	{"F16", "32 half floats", none, func(v Mem, _ []VecVirtual) (x [2]VecVirtual) {
		for i := range x {
			x[i] = ZMM()
			VCVTPH2PS(v.Offset(32*i), x[i])
		}
		return x
	}},
	{"Q80", "a block of Q8_0", none, func(v Mem, _ []VecVirtual) (x [2]VecVirtual) {
		d := scale(v)
		for i := range x {
			x[i] = ZMM()
			VPMOVSXBD(v.Offset(2+16*i), x[i])
			times(d, x[i])
		}
		return x
	}},
	{"Q40", "a block of Q4_0", nibbles, func(v Mem, c []VecVirtual) (x [2]VecVirtual) {
		d := scale(v)
		// Weight j in the lower half of byte j, weight j+16 in the upper.
		low, high := XMM(), XMM()
		VMOVDQU8(v.Offset(2), low)
		VPSRLW(Imm(4), low, high)
		for i, b := range []VecVirtual{low, high} {
			VPANDD(c[0], b, b)
			VPSUBB(c[1], b, b)
			x[i] = ZMM()
			VPMOVSXBD(b, x[i])
			times(d, x[i])
		}
		return x
	}},
}

func none() []VecVirtual { return nil }

// scale is the scale of a block in every lane.
func scale(v Mem) VecVirtual {
	d := ZMM()
	VPBROADCASTW(v, d.AsY())
	VCVTPH2PS(d.AsY(), d)
	return d
}

// times turns 16 integers into floats and multiplies them with d, which is exact.
func times(d, x VecVirtual) {
	VCVTDQ2PS(x, x)
	VMULPS(d, x, x)
}

// nibbles is 16 masks of a nibble, and 16 eights.
func nibbles() []VecVirtual {
	out := []VecVirtual{XMM(), XMM()}
	for i, b := range []uint64{0x0f, 0x08} {
		m := GLOBL(fmt.Sprintf("wideNibble%x", b), attr.RODATA|attr.NOPTR)
		DATA(0, U64(b*0x0101010101010101))
		DATA(8, U64(b*0x0101010101010101))
		VMOVDQU(m, out[i])
	}
	return out
}

// accumulate is a function with a loop for each number of sums.
func (f format) accumulate() {
	name := "accumWide" + f.name
	TEXT(name, attr.NOSPLIT, "func(o *float32, ldo int, p *float32, ldp int, v *byte, stride, n, sums int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds p_i[j] times the 32 elements of row j of v, %s, to o_i, for j < n and i < sums, with 0 < n and 0 < sums <= %d. ldo, ldp and stride, from each sum and row to the next, are in bytes.", name, f.about, most))
	arg := func(name string) Register { return Load(Param(name), GP64()) }
	o, ldo, p, ldp, v, stride, n, sums := arg("o"), arg("ldo"), arg("p"), arg("ldp"), arg("v"), arg("stride"), arg("n"), arg("sums")
	ldp3, q, far := GP64(), GP64(), GP64()
	MOVQ(stride, far)
	SHLQ(Imm(6), far) // rows ahead of use to ask for: wideRows of the callers
	LEAQ(Mem{Base: ldp, Index: ldp, Scale: 2}, ldp3)
	LEAQ(Mem{Base: p, Index: ldp, Scale: 1}, q)
	weights := []Mem{
		{Base: p}, {Base: q}, {Base: p, Index: ldp, Scale: 2}, {Base: p, Index: ldp3, Scale: 1},
		{Base: p, Index: ldp, Scale: 4}, {Base: q, Index: ldp, Scale: 4}, {Base: p, Index: ldp3, Scale: 2}, {Base: q, Index: ldp3, Scale: 2},
	}
	constants := f.constants()
	label := func(what string, k int) string { return fmt.Sprintf("%s%d", what, k) }
	for k := 1; k < most; k++ {
		CMPQ(sums, Imm(uint64(k)))
		JEQ(LabelRef(label("sums", k)))
	}
	for k := most; k > 0; k-- {
		Label(label("sums", k))
		acc := make([]VecVirtual, 2*k)
		at := GP64()
		each := func(move func(m Mem, r VecVirtual)) {
			MOVQ(o, at)
			for i := range k {
				for h := range 2 {
					move(Mem{Base: at, Disp: 64 * h}, acc[2*i+h])
				}
				if i+1 < k {
					ADDQ(ldo, at)
				}
			}
		}
		for i := range acc {
			acc[i] = ZMM()
		}
		each(func(m Mem, r VecVirtual) { VMOVUPS(m, r) })
		Label(label("row", k))
		PREFETCHT0(Mem{Base: v, Index: far, Scale: 1})
		x := f.load(Mem{Base: v}, constants)
		for i := range k {
			for h := range 2 {
				VFMADD231PS_BCST(weights[i], x[h], acc[2*i+h])
			}
		}
		ADDQ(Imm(4), p)
		ADDQ(Imm(4), q)
		ADDQ(stride, v)
		DECQ(n)
		JNZ(LabelRef(label("row", k)))
		each(func(m Mem, r VecVirtual) { VMOVUPS(r, m) })
		VZEROUPPER()
		RET()
	}
}
