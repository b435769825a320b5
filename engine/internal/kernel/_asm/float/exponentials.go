package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// expConstants are those of exp.go, 8 lanes each, in memory; the bounds are
// loaded because the order of operands decides what a NaN becomes.
type expConstants struct {
	low, high            VecVirtual
	log2e, round         Mem
	ln2High, ln2Low, one Mem
	bias                 Mem
	poly                 []Mem
}

var expMem = map[string]Mem{}

// constant defines a constant the first time it is asked for.
func constant(name string, x float32) Mem {
	if _, ok := expMem[name]; !ok {
		expMem[name] = floats32(name, x)
	}
	return expMem[name]
}

func loadExpConstants() expConstants {
	c := expConstants{
		low: YMM(), high: YMM(),
		log2e:   constant("expLog2e", 1.44269504088896341),
		round:   constant("expRounding", 1.5*(1<<23)),
		ln2High: constant("expLn2High", 0.693359375),
		ln2Low:  constant("expLn2Low", -2.12194440054690583e-4),
		one:     constant("expOne", 1),
		poly: []Mem{
			constant("expPoly4", 0.00138145401768),
			constant("expPoly3", 0.00836874510894),
			constant("expPoly2", 0.0416683907835),
			constant("expPoly1", 0.16666520399),
			constant("expPoly0", 0.499999934321),
		},
	}
	if _, ok := expMem["expBias"]; !ok {
		expMem["expBias"] = words32("expBias", 127)
	}
	c.bias = expMem["expBias"]
	VMOVUPS(constant("expLowest", -104), c.low)
	VMOVUPS(constant("expHighest", 89), c.high)
	return c
}

// exp replaces x by its exponential: exp of exp.go, step by step.
func (c expConstants) exp(x VecVirtual) {
	shifted, k, t, p := YMM(), YMM(), YMM(), YMM()
	VMAXPS(x, c.low, x)
	VMINPS(x, c.high, x)
	VMULPS(c.log2e, x, shifted)
	VADDPS(c.round, shifted, shifted)
	VSUBPS(c.round, shifted, k)
	VMULPS(c.ln2High, k, t)
	VSUBPS(t, x, x)
	VMULPS(c.ln2Low, k, t)
	VSUBPS(t, x, x)
	VMOVUPS(c.poly[0], p)
	for _, m := range c.poly[1:] {
		VMULPS(x, p, p)
		VADDPS(m, p, p)
	}
	VMULPS(x, x, t)
	VMULPS(t, p, p)
	VADDPS(x, p, p)
	VADDPS(c.one, p, p)
	VPSUBD(c.round, shifted, shifted)
	VPSRAD(Imm(1), shifted, t)
	VPSUBD(t, shifted, shifted)
	VPADDD(c.bias, t, t)
	VPADDD(c.bias, shifted, shifted)
	VPSLLD(Imm(23), t, t)
	VPSLLD(Imm(23), shifted, shifted)
	VMULPS(t, p, p)
	VMULPS(shifted, p, x)
}

func exponentials() {
	expSum()
	siluMul()
}

func expSum() {
	function("expSumVector", "func(lanes *float64, x *float32, max float32, groups int)",
		"expSumVector replaces x by exp(x-max), groups groups of 8 elements, and adds element i to the partial sum i%8.")
	lanes, x, n := arg("lanes"), arg("x"), arg("groups")
	top := broadcast("max")()
	c := loadExpConstants()
	low, high, t := YMM(), YMM(), YMM()
	VMOVUPD(Mem{Base: lanes}, low)
	VMOVUPD(Mem{Base: lanes, Disp: 32}, high)
	loop("expSumLoop", n, func() {
		v := YMM()
		VMOVUPS(Mem{Base: x}, v)
		VSUBPS(top, v, v)
		c.exp(v)
		VMOVUPS(v, Mem{Base: x})
		VCVTPS2PD(v.AsX(), t)
		VADDPD(t, low, low)
		VEXTRACTF128(Imm(1), v, v.AsX())
		VCVTPS2PD(v.AsX(), t)
		VADDPD(t, high, high)
		ADDQ(Imm(32), x)
	})
	VMOVUPD(low, Mem{Base: lanes})
	VMOVUPD(high, Mem{Base: lanes, Disp: 32})
	done()
}

func siluMul() {
	function("siluMulVector", "func(dst, gate, up *float32, groups int)",
		"siluMulVector sets dst to gate/(1+exp(-gate))*up, groups groups of 8 elements.")
	dst, gate, up, n := arg("dst"), arg("gate"), arg("up"), arg("groups")
	c := loadExpConstants()
	sign := words32("floatSign", 1<<31)
	loop("siluMulLoop", n, func() {
		g, e := YMM(), YMM()
		VMOVUPS(Mem{Base: gate}, g)
		VXORPS(sign, g, e)
		c.exp(e)
		VADDPS(c.one, e, e)
		VDIVPS(e, g, g)
		VMULPS(Mem{Base: up}, g, g)
		VMOVUPS(g, Mem{Base: dst})
		ADDQ(Imm(32), gate)
		ADDQ(Imm(32), up)
		ADDQ(Imm(32), dst)
	})
	done()
}
