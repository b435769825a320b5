package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A format is how the weights of a product are stored. All widen exactly.
type format struct {
	name  string // suffix of function names
	ctype string // Go type of an element
	bytes int    // size of one
}

var formats = []format{{"F32", "float32", 4}, {"F16", "uint16", 2}, {"BF16", "uint16", 2}}

// widen loads 8 elements as floats.
func (f format) widen(src Mem, dst VecVirtual) {
	switch f.name {
	case "F32":
		VMOVUPS(src, dst)
	case "F16":
		VCVTPH2PS(src, dst)
	case "BF16":
		VPMOVZXWD(src, dst)
		VPSLLD(Imm(16), dst, dst)
	}
}

// fma adds x times 8 elements to acc.
func (f format) fma(src Mem, x, acc, tmp VecVirtual) {
	if f.name == "F32" {
		VFMADD231PS(src, x, acc)
		return
	}
	f.widen(src, tmp)
	VFMADD231PS(tmp, x, acc)
}

// products is everything behind a product of floats. In all of it the partial
// sum of lane l of one row and vector is a chain of fused multiply-adds over
// groups of 8, in order; sum8 then adds the 8 lanes. So results do not depend on
// how many rows and vectors are computed together.
func products() {
	for _, f := range formats {
		rows(f)
	}
	tile()
	sumTile()
}

// sum8 adds up the 8 lanes of each of 8 registers, ((0+1)+(2+3))+((4+5)+(6+7)),
// into the lanes of the first.
func sum8(a []VecVirtual) VecVirtual {
	for i := 0; i < 8; i += 2 {
		VHADDPS(a[i+1], a[i], a[i])
	}
	VHADDPS(a[2], a[0], a[0])
	VHADDPS(a[6], a[4], a[4])
	VPERM2F128(Imm(0x31), a[4], a[0], a[1])
	VPERM2F128(Imm(0x20), a[4], a[0], a[0])
	VADDPS(a[1], a[0], a[0])
	return a[0]
}

// sum1 adds up the lanes of one register in the order of sum8.
func sum1(a VecVirtual) {
	high := XMM()
	VHADDPS(a, a, a)
	VHADDPS(a, a, a)
	VEXTRACTF128(Imm(1), a, high)
	VADDPS(high, a.AsX(), a.AsX())
}

// rows multiplies one vector with many rows, 8 at a time: 8 chains hide the
// latency of the multiply-add.
func rows(f format) {
	name := "rows" + f.name
	function(name, fmt.Sprintf("func(dst, x *float32, w *%s, stride, rows, groups int)", f.ctype),
		name+" sets dst[j] to x times row j of w, for j < rows. A row is groups groups of 8 elements; stride is in bytes.")
	dst, w, stride, n := arg("dst"), arg("w"), arg("stride"), arg("rows")
	s3, s5, s7 := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, s3)
	LEAQ(Mem{Base: stride, Index: stride, Scale: 4}, s5)
	LEAQ(Mem{Base: s3, Index: stride, Scale: 4}, s7)
	x, p, k := GP64(), GP64(), GP64()
	start := func() {
		MOVQ(w, p)
		Load(Param("x"), x)
		Load(Param("groups"), k)
	}

	Label(name + "Eight")
	CMPQ(n, Imm(8))
	JL(LabelRef(name + "One"))
	acc := ymms(8)
	for _, a := range acc {
		VXORPS(a, a, a)
	}
	start()
	v, tmp := YMM(), YMM()
	loop(name+"EightLoop", k, func() {
		VMOVUPS(Mem{Base: x}, v)
		for i, m := range []Mem{
			{Base: p},
			{Base: p, Index: stride, Scale: 1},
			{Base: p, Index: stride, Scale: 2},
			{Base: p, Index: s3, Scale: 1},
			{Base: p, Index: stride, Scale: 4},
			{Base: p, Index: s5, Scale: 1},
			{Base: p, Index: s3, Scale: 2},
			{Base: p, Index: s7, Scale: 1},
		} {
			f.fma(m, v, acc[i], tmp)
		}
		ADDQ(Imm(32), x)
		ADDQ(Imm(uint64(8*f.bytes)), p)
	})
	VMOVUPS(sum8(acc), Mem{Base: dst})
	ADDQ(Imm(32), dst)
	LEAQ(Mem{Base: w, Index: stride, Scale: 8}, w)
	SUBQ(Imm(8), n)
	JMP(LabelRef(name + "Eight"))

	Label(name + "One")
	TESTQ(n, n)
	JZ(LabelRef(name + "End"))
	VXORPS(acc[0], acc[0], acc[0])
	start()
	loop(name+"OneLoop", k, func() {
		VMOVUPS(Mem{Base: x}, v)
		f.fma(Mem{Base: p}, v, acc[0], tmp)
		ADDQ(Imm(32), x)
		ADDQ(Imm(uint64(8*f.bytes)), p)
	})
	sum1(acc[0])
	VMOVSS(acc[0].AsX(), Mem{Base: dst})
	ADDQ(Imm(4), dst)
	ADDQ(stride, w)
	DECQ(n)
	JMP(LabelRef(name + "One"))
	Label(name + "End")
	done()
}

// tileRows x tileTokens products are kept in registers; with 3 vectors and a
// row that is all 16 of them.
const tileRows, tileTokens = 4, 3

// tile continues the partial sums of 4 rows and 3 vectors, which stay in memory
// between calls so that long rows can be taken a cacheable part at a time.
func tile() {
	function("tileF32", "func(acc *float32, accStride int, w0, w1, w2, w3, x0, x1, x2 *float32, groups int)",
		"tileF32 adds the products of 4 rows w and 3 vectors x, groups groups of 8 elements each, to the 8 partial sums of each pair: those of row i and vector t start at acc + t*accStride + 32*i bytes.")
	acc, stride := arg("acc"), arg("accStride")
	var w, x [4]Register
	for i := range tileRows {
		w[i] = arg(fmt.Sprintf("w%d", i))
	}
	for t := range tileTokens {
		x[t] = arg(fmt.Sprintf("x%d", t))
	}
	n := arg("groups")
	sums := ymms(tileRows * tileTokens)
	at := func(i, t int) Mem {
		m := Mem{Base: acc, Disp: 32 * i}
		if t > 0 {
			m.Index, m.Scale = stride, uint8(t)
		}
		return m
	}
	for t := range tileTokens {
		for i := range tileRows {
			VMOVUPS(at(i, t), sums[t*tileRows+i])
		}
	}
	k := GP64()
	XORQ(k, k)
	vx, vw := ymms(tileTokens), YMM()
	loop("tileF32Loop", n, func() {
		for t := range tileTokens {
			VMOVUPS(Mem{Base: x[t], Index: k, Scale: 1}, vx[t])
		}
		for i := range tileRows {
			VMOVUPS(Mem{Base: w[i], Index: k, Scale: 1}, vw)
			for t := range tileTokens {
				VFMADD231PS(vw, vx[t], sums[t*tileRows+i])
			}
		}
		ADDQ(Imm(32), k)
	})
	for t := range tileTokens {
		for i := range tileRows {
			VMOVUPS(sums[t*tileRows+i], at(i, t))
		}
	}
	done()
}

// sumTile ends what tile began.
func sumTile() {
	function("sumLanes", "func(dst, acc *float32, n int)",
		"sumLanes sets dst[i] to the sum of the 8 partial sums acc[8*i:], for i < n; n is a multiple of 8.")
	dst, acc, n := arg("dst"), arg("acc"), arg("n")
	SHRQ(Imm(3), n)
	v := ymms(8)
	loop("sumLanesLoop", n, func() {
		for i := range v {
			VMOVUPS(Mem{Base: acc, Disp: 32 * i}, v[i])
		}
		VMOVUPS(sum8(v), Mem{Base: dst})
		ADDQ(U32(256), acc)
		ADDQ(Imm(32), dst)
	})
	done()
}
