package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// softmax is the passes over a row of scores, 16 at a time.
func softmax() {
	scaleMax()
	expSum()
}

// float is a constant for every lane.
func float(name string, x float32) Mem { return words(name, math.Float32bits(x)) }

func scaleMax() {
	TEXT("scaleMaxWide", attr.NOSPLIT, "func(x *float32, s float32, sixteens int) float32")
	Pragma("noescape")
	Doc("scaleMaxWide multiplies x, sixteens sixteens of elements, with s and returns the largest product. 0 < sixteens.")
	x, n := Load(Param("x"), GP64()), Load(Param("sixteens"), GP64())
	s, top, v := ZMM(), ZMM(), ZMM()
	addr, err := Param("s").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(addr.Addr, s)
	VBROADCASTSS(float("wideLowest", float32(math.Inf(-1))), top)
	Label("scaleMax")
	VMULPS(Mem{Base: x}, s, v)
	VMOVUPS(v, Mem{Base: x})
	VMAXPS(v, top, top)
	ADDQ(Imm(64), x)
	DECQ(n)
	JNZ(LabelRef("scaleMax"))
	half := ZMM()
	VEXTRACTF64X4(Imm(1), top, half.AsY())
	VMAXPS(half.AsY(), top.AsY(), top.AsY())
	VEXTRACTF128(Imm(1), top.AsY(), half.AsX())
	VMAXPS(half.AsX(), top.AsX(), top.AsX())
	VPERMILPS(Imm(0x4e), top.AsX(), half.AsX())
	VMAXPS(half.AsX(), top.AsX(), top.AsX())
	VPERMILPS(Imm(0xb1), top.AsX(), half.AsX())
	VMAXPS(half.AsX(), top.AsX(), top.AsX())
	Store(top.AsX(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// exp replaces x by its exponential: exp of exp.go, step by step, but for the last.
// There 2^k is multiplied in two steps, of which only the second rounds, as the one
// step here does.
func exp(x, low, high VecVirtual, poly []VecVirtual, log2e, round, ln2High, ln2Low, one VecVirtual) {
	k, t, p := ZMM(), ZMM(), ZMM()
	VMAXPS(x, low, x)
	VMINPS(x, high, x)
	VMULPS(log2e, x, k)
	VADDPS(round, k, k)
	VSUBPS(round, k, k)
	VMULPS(ln2High, k, t)
	VSUBPS(t, x, x)
	VMULPS(ln2Low, k, t)
	VSUBPS(t, x, x)
	VMULPS(x, poly[0], p)
	for i, c := range poly[1:] {
		if i > 0 {
			VMULPS(x, p, p)
		}
		VADDPS(c, p, p)
	}
	VMULPS(x, x, t)
	VMULPS(t, p, p)
	VADDPS(x, p, p)
	VADDPS(one, p, p)
	VSCALEFPS(k, p, x)
}

func expSum() {
	TEXT("expSumWide", attr.NOSPLIT, "func(lanes *float64, x *float32, max float32, sixteens int)")
	Pragma("noescape")
	Doc("expSumWide replaces x by exp(x-max), sixteens sixteens of elements, and adds element i to the partial sum i%8. 0 < sixteens.")
	lanes, x, n := Load(Param("lanes"), GP64()), Load(Param("x"), GP64()), Load(Param("sixteens"), GP64())
	broadcast := func(m Mem) VecVirtual {
		v := ZMM()
		VBROADCASTSS(m, v)
		return v
	}
	addr, err := Param("max").Resolve()
	if err != nil {
		panic(err)
	}
	top := broadcast(addr.Addr)
	low, high := broadcast(float("wideExpLowest", -104)), broadcast(float("wideExpHighest", 89))
	log2e, round := broadcast(float("wideExpLog2e", 1.44269504088896341)), broadcast(float("wideExpRounding", 1.5*(1<<23)))
	ln2High, ln2Low := broadcast(float("wideExpLn2High", 0.693359375)), broadcast(float("wideExpLn2Low", -2.12194440054690583e-4))
	one := broadcast(float("wideExpOne", 1))
	poly := []VecVirtual{
		broadcast(float("wideExpPoly4", 0.00138145401768)), broadcast(float("wideExpPoly3", 0.00836874510894)),
		broadcast(float("wideExpPoly2", 0.0416683907835)), broadcast(float("wideExpPoly1", 0.16666520399)),
		broadcast(float("wideExpPoly0", 0.499999934321)),
	}
	sum := ZMM()
	VMOVUPD(Mem{Base: lanes}, sum)
	Label("expSum")
	v, d := ZMM(), ZMM()
	VMOVUPS(Mem{Base: x}, v)
	VSUBPS(top, v, v)
	exp(v, low, high, poly, log2e, round, ln2High, ln2Low, one)
	VMOVUPS(v, Mem{Base: x})
	VCVTPS2PD(v.AsY(), d)
	VADDPD(d, sum, sum)
	VEXTRACTF64X4(Imm(1), v, v.AsY())
	VCVTPS2PD(v.AsY(), d)
	VADDPD(d, sum, sum)
	ADDQ(Imm(64), x)
	DECQ(n)
	JNZ(LabelRef("expSum"))
	VMOVUPD(sum, Mem{Base: lanes})
	VZEROUPPER()
	RET()
}
