package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// elementwise is what needs no more than a load, an operation and a store per
// 8 elements.
func elementwise() {
	each8("addVectors", "func(dst, a, b *float32, groups int)", "addVectors sets dst to a + b, groups groups of 8 elements.",
		[]string{"dst", "a", "b"}, nil, func(p []Register, _ VecVirtual) {
			v := YMM()
			VMOVUPS(Mem{Base: p[1]}, v)
			VADDPS(Mem{Base: p[2]}, v, v)
			VMOVUPS(v, Mem{Base: p[0]})
		})
	each8("scaleVector", "func(dst, x *float32, s float32, groups int)", "scaleVector sets dst to s*x, groups groups of 8 elements.",
		[]string{"dst", "x"}, broadcast("s"), func(p []Register, s VecVirtual) {
			v := YMM()
			VMULPS(Mem{Base: p[1]}, s, v)
			VMOVUPS(v, Mem{Base: p[0]})
		})
	each8("scaleMulVector", "func(dst, x, w *float32, s float32, groups int)",
		"scaleMulVector sets dst to s*x*w, rounded after each product, groups groups of 8 elements.",
		[]string{"dst", "x", "w"}, broadcast("s"), func(p []Register, s VecVirtual) {
			v := YMM()
			VMULPS(Mem{Base: p[1]}, s, v)
			VMULPS(Mem{Base: p[2]}, v, v)
			VMOVUPS(v, Mem{Base: p[0]})
		})
	each8("axpyVector", "func(dst, x *float32, s float32, groups int)",
		"axpyVector adds s*x to dst, the product rounded first, groups groups of 8 elements.",
		[]string{"dst", "x"}, broadcast("s"), func(p []Register, s VecVirtual) {
			v := YMM()
			VMULPS(Mem{Base: p[1]}, s, v)
			VADDPS(Mem{Base: p[0]}, v, v)
			VMOVUPS(v, Mem{Base: p[0]})
		})
	maximum()
}

// broadcast is a setup that puts a scalar argument in every lane.
func broadcast(name string) func() VecVirtual {
	return func() VecVirtual {
		v := YMM()
		m, err := Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		VBROADCASTSS(m.Addr, v)
		return v
	}
}

// each8 is a function that walks float vectors 8 elements at a time.
func each8(name, signature, doc string, pointers []string, setup func() VecVirtual, body func(p []Register, s VecVirtual)) {
	function(name, signature, doc)
	var p []Register
	for _, a := range pointers {
		p = append(p, arg(a))
	}
	n := arg("groups")
	var s VecVirtual
	if setup != nil {
		s = setup()
	}
	loop(name+"Loop", n, func() {
		body(p, s)
		for _, r := range p {
			ADDQ(Imm(32), r)
		}
	})
	done()
}

// maximum keeps 4 registers of maxima, so that the latency of one does not
// limit the speed.
func maximum() {
	function("maxVector", "func(x *float32, groups int) float32", "maxVector is the largest of groups groups of 8 floats, -Inf of none.")
	x, n := arg("x"), arg("groups")
	v := ymms(4)
	inf := floats32("negativeInfinity", float32(math.Inf(-1)))
	for i := range v {
		VMOVUPS(inf, v[i])
	}
	quads := GP64()
	MOVQ(n, quads)
	SHRQ(Imm(2), quads)
	loop("maxVectorQuads", quads, func() {
		for i := range v {
			VMAXPS(Mem{Base: x, Disp: 32 * i}, v[i], v[i])
		}
		ADDQ(U32(128), x)
	})
	ANDQ(Imm(3), n)
	loop("maxVectorLoop", n, func() {
		VMAXPS(Mem{Base: x}, v[0], v[0])
		ADDQ(Imm(32), x)
	})
	VMAXPS(v[1], v[0], v[0])
	VMAXPS(v[3], v[2], v[2])
	VMAXPS(v[2], v[0], v[0])
	foldMax(v[0])
	Store(v[0].AsX(), ReturnIndex(0))
	done()
}

// foldMax leaves the largest lane of v in lane 0.
func foldMax(v VecVirtual) {
	t := XMM()
	VEXTRACTF128(Imm(1), v, t)
	VMAXPS(t, v.AsX(), v.AsX())
	VPERMILPS(Imm(0x4e), v.AsX(), t)
	VMAXPS(t, v.AsX(), v.AsX())
	VPERMILPS(Imm(0xb1), v.AsX(), t)
	VMAXPS(t, v.AsX(), v.AsX())
}

// norm is the sum of squares, in the order of addSquares.
func norm() {
	function("sumSquares", "func(lanes *float64, x *float32, groups int)",
		"sumSquares adds the squares of x, groups groups of 16 elements, to 16 partial sums: element i to sum i%16.")
	lanes, x, n := arg("lanes"), arg("x"), arg("groups")
	acc, v := ymms(4), ymms(4)
	for i := range acc {
		VMOVUPD(Mem{Base: lanes, Disp: 32 * i}, acc[i])
	}
	loop("sumSquaresLoop", n, func() {
		for i := range acc {
			VCVTPS2PD(Mem{Base: x, Disp: 16 * i}, v[i])
			// The square is exact in float64, so fusing changes nothing.
			VFMADD231PD(v[i], v[i], acc[i])
		}
		ADDQ(Imm(64), x)
	})
	for i := range acc {
		VMOVUPD(acc[i], Mem{Base: lanes, Disp: 32 * i})
	}
	done()
}

// rope rotates pairs: a*c - b*s and b*c + a*s, every operation rounded.
func rope() {
	ropePairs()
	ropeHalves()
}

func ropePairs() {
	function("ropePairsVector", "func(x, cos, sin *float32, groups int)",
		"ropePairsVector rotates the pairs x[2i], x[2i+1] by the angles i, groups groups of 4 pairs.")
	x, cos, sin, n := arg("x"), arg("cos"), arg("sin"), arg("groups")
	twice := YMM()
	VMOVDQU(words32("eachTwice", 0, 0, 1, 1, 2, 2, 3, 3), twice)
	v, c, s, swapped := YMM(), YMM(), YMM(), YMM()
	loop("ropePairsLoop", n, func() {
		VMOVUPS(Mem{Base: x}, v)
		VMOVUPS(Mem{Base: cos}, c.AsX())
		VMOVUPS(Mem{Base: sin}, s.AsX())
		VPERMPS(c, twice, c)
		VPERMPS(s, twice, s)
		VPERMILPS(Imm(0xb1), v, swapped)
		VMULPS(c, v, v)
		VMULPS(s, swapped, swapped)
		VADDSUBPS(swapped, v, v)
		VMOVUPS(v, Mem{Base: x})
		ADDQ(Imm(32), x)
		ADDQ(Imm(16), cos)
		ADDQ(Imm(16), sin)
	})
	done()
}

func ropeHalves() {
	each8("ropeHalvesVector", "func(low, high, cos, sin *float32, groups int)",
		"ropeHalvesVector rotates the pairs low[i], high[i] by the angles i, groups groups of 8 pairs.",
		[]string{"low", "high", "cos", "sin"}, nil, func(p []Register, _ VecVirtual) {
			a, b, c, s, t := YMM(), YMM(), YMM(), YMM(), YMM()
			VMOVUPS(Mem{Base: p[0]}, a)
			VMOVUPS(Mem{Base: p[1]}, b)
			VMOVUPS(Mem{Base: p[2]}, c)
			VMOVUPS(Mem{Base: p[3]}, s)
			VMULPS(s, b, t)
			VMULPS(c, b, b)
			VMULPS(a, s, s)
			VMULPS(a, c, a)
			VSUBPS(t, a, a)
			VADDPS(s, b, b)
			VMOVUPS(a, Mem{Base: p[0]})
			VMOVUPS(b, Mem{Base: p[1]})
		})
}
