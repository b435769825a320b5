// Command attnq8 writes the AVX2 assembly that decodes cached values of 8 and 4
// bits:
//
//	go run ./attnq8 -out ../attention_q8_amd64.s -stubs ../attention_q8_stubs_amd64.go -pkg kernel
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	Constraint(buildtags.Not("noasm"))
	widenQ80()
	widenQ40()
	Generate()
}

// widen is a function that decodes blocks of size bytes, 0 < blocks. body gets
// where a block and its 32 floats are, and the block's scale in every lane.
func widen(name, doc string, size int, prepare func(), body func(src, dst Register, d VecVirtual)) {
	TEXT(name, attr.NOSPLIT, "func(dst *float32, src *byte, blocks int)")
	Pragma("noescape")
	Doc(doc)
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("blocks"), GP64())
	prepare()
	Label("block")
	d := YMM()
	VPBROADCASTW(Mem{Base: src}, d.AsX())
	VCVTPH2PS(d.AsX(), d)
	body(src, dst, d)
	ADDQ(Imm(uint64(size)), src)
	SUBQ(I32(-128), dst)
	DECQ(n)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// store writes d times the 8 integers of v.
func store(v, d VecVirtual, dst Mem) {
	VCVTDQ2PS(v, v)
	VMULPS(d, v, v)
	VMOVUPS(v, dst)
}

func widenQ80() {
	widen("widenQ80", "widenQ80 decodes blocks blocks of Q8_0, at least one.", 34, func() {}, func(src, dst Register, d VecVirtual) {
		for i := range 4 {
			v := YMM()
			VPMOVSXBD(Mem{Base: src, Disp: 2 + 8*i}, v)
			store(v, d, Mem{Base: dst, Disp: 32 * i})
		}
	})
}

func widenQ40() {
	mask, eight := XMM(), XMM()
	widen("widenQ40", "widenQ40 decodes blocks blocks of Q4_0, at least one.", 18, func() {
		VMOVDQU(repeated("widenNibble", 0x0f), mask)
		VMOVDQU(repeated("widenEight", 8), eight)
	}, func(src, dst Register, d VecVirtual) {
		// Weight j in the lower half of byte j, weight j+16 in the upper.
		low, high := XMM(), XMM()
		VMOVDQU(Mem{Base: src, Disp: 2}, low)
		VPSRLW(Imm(4), low, high)
		for i, x := range []VecVirtual{low, high} {
			VPAND(mask, x, x)
			VPSUBB(eight, x, x)
			v, w := YMM(), YMM()
			VPMOVSXBD(x, v)
			store(v, d, Mem{Base: dst, Disp: 64 * i})
			VPSRLDQ(Imm(8), x, x)
			VPMOVSXBD(x, w)
			store(w, d, Mem{Base: dst, Disp: 64*i + 32})
		}
	})
}

// repeated is a constant of 16 equal bytes.
func repeated(name string, b byte) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 2 {
		DATA(8*i, U64(uint64(b)*0x0101010101010101))
	}
	return m
}
