package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// attention is the weighted sums of cached values, and what is faster for many
// queries at once; the scores of one query are products of rows. One element of
// a sum is a chain of fused multiply-adds over the values in order, and a score
// is what rows makes it, so that one query and many give the same bits.
func attention() {
	for _, f := range formats[:2] {
		accumulate(f)
	}
	scorePairs()
	accumulatePairs()
}

// scorePairs keeps the 8 products of 4 keys and 2 queries in registers.
func scorePairs() {
	function("scorePairs", "func(dst0, dst1, q0, q1, k *float32, stride, quads, groups int)",
		"scorePairs sets dst0[j] and dst1[j] to q0 and q1 times row j of k, for j < 4*quads. A row is groups groups of 8 elements, 0 < groups; stride is in bytes.")
	dst0, dst1, k, stride, quads := arg("dst0"), arg("dst1"), arg("k"), arg("stride"), arg("quads")
	s3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, s3)
	loop("scorePairsQuad", quads, func() {
		acc := ymms(8)
		for _, a := range acc {
			VXORPS(a, a, a)
		}
		q0, q1, groups, p := arg("q0"), arg("q1"), arg("groups"), GP64()
		MOVQ(k, p)
		v0, v1, w := YMM(), YMM(), YMM()
		loop("scorePairsLoop", groups, func() {
			VMOVUPS(Mem{Base: q0}, v0)
			VMOVUPS(Mem{Base: q1}, v1)
			for i, m := range []Mem{
				{Base: p},
				{Base: p, Index: stride, Scale: 1},
				{Base: p, Index: stride, Scale: 2},
				{Base: p, Index: s3, Scale: 1},
			} {
				VMOVUPS(m, w)
				VFMADD231PS(w, v0, acc[i])
				VFMADD231PS(w, v1, acc[4+i])
			}
			ADDQ(Imm(32), q0)
			ADDQ(Imm(32), q1)
			ADDQ(Imm(32), p)
		})
		sums := sum8(acc)
		VMOVUPS(sums.AsX(), Mem{Base: dst0})
		VEXTRACTF128(Imm(1), sums, Mem{Base: dst1})
		ADDQ(Imm(16), dst0)
		ADDQ(Imm(16), dst1)
		LEAQ(Mem{Base: k, Index: stride, Scale: 4}, k)
	})
	done()
}

// accumulatePairs keeps 4 groups of 2 sums in registers.
func accumulatePairs() {
	name := "accumPairs"
	function(name, "func(o0, o1, p0, p1, v *float32, stride, n, groups int)",
		name+" adds p0[j] and p1[j] times row j of v to o0 and o1, for j < n. A row is groups groups of 8 elements; stride is in bytes.")
	o := []Register{arg("o0"), arg("o1")}
	v, stride, groups := arg("v"), arg("stride"), arg("groups")
	for _, regs := range []int{4, 2, 1} {
		label := fmt.Sprintf("%sBy%d", name, regs)
		Label(label)
		CMPQ(groups, Imm(uint64(regs)))
		JL(LabelRef(label + "End"))
		acc := ymms(2 * regs)
		for i := range acc {
			VMOVUPS(Mem{Base: o[i%2], Disp: 32 * (i / 2)}, acc[i])
		}
		p0, p1, n, row := arg("p0"), arg("p1"), arg("n"), GP64()
		MOVQ(v, row)
		w0, w1, x := YMM(), YMM(), YMM()
		loop(label+"Loop", n, func() {
			VBROADCASTSS(Mem{Base: p0}, w0)
			VBROADCASTSS(Mem{Base: p1}, w1)
			for i := range regs {
				VMOVUPS(Mem{Base: row, Disp: 32 * i}, x)
				VFMADD231PS(x, w0, acc[2*i])
				VFMADD231PS(x, w1, acc[2*i+1])
			}
			ADDQ(Imm(4), p0)
			ADDQ(Imm(4), p1)
			ADDQ(stride, row)
		})
		for i := range acc {
			VMOVUPS(acc[i], Mem{Base: o[i%2], Disp: 32 * (i / 2)})
		}
		ADDQ(U32(32*regs), o[0])
		ADDQ(U32(32*regs), o[1])
		ADDQ(U32(32*regs), v)
		SUBQ(Imm(uint64(regs)), groups)
		JMP(LabelRef(label))
		Label(label + "End")
	}
	done()
}

func accumulate(f format) {
	name := "accum" + f.name
	function(name, fmt.Sprintf("func(o, p *float32, v *%s, stride, n, groups int)", f.ctype),
		name+" adds p[j] times row j of v to o, for j < n, 0 < n. A row is groups groups of 8 elements; stride is in bytes.")
	o, v, stride, groups := arg("o"), arg("v"), arg("stride"), arg("groups")
	// As many elements as there are registers at once; then the rest.
	for _, regs := range []int{8, 4, 1} {
		label := fmt.Sprintf("%sBy%d", name, regs)
		Label(label)
		CMPQ(groups, Imm(uint64(regs)))
		JL(LabelRef(label + "End"))
		acc := ymms(regs)
		for i := range acc {
			VMOVUPS(Mem{Base: o, Disp: 32 * i}, acc[i])
		}
		p, n, row := arg("p"), arg("n"), GP64()
		MOVQ(v, row)
		w, tmp := YMM(), YMM()
		loop(label+"Loop", n, func() {
			VBROADCASTSS(Mem{Base: p}, w)
			for i := range acc {
				f.fma(Mem{Base: row, Disp: 8 * f.bytes * i}, w, acc[i], tmp)
			}
			ADDQ(Imm(4), p)
			ADDQ(stride, row)
		})
		for i := range acc {
			VMOVUPS(acc[i], Mem{Base: o, Disp: 32 * i})
		}
		ADDQ(U32(32*regs), o)
		ADDQ(U32(8*f.bytes*regs), v)
		SUBQ(Imm(uint64(regs)), groups)
		JMP(LabelRef(label))
		Label(label + "End")
	}
	done()
}
