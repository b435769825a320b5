// Command encoder writes the AVX2 assembly of what encoders of pictures have
// beside matrix products and attention:
//
//	go run ./encoder -out ../encoder_amd64.s -stubs ../encoder_stubs_amd64.go -pkg kernel
//
// Every function works on whole groups of 8 elements; the Go callers do what is
// left over. Each step is one of the Go versions in gelu.go, exp.go and
// layernorm.go, so that the bits are the same.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	Constraint(buildtags.Not("noasm"))
	gelu()
	sums()
	centre()
	Generate()
}

// function starts a leaf function without a frame.
func function(name, signature, doc string) {
	TEXT(name, attr.NOSPLIT, signature)
	Pragma("noescape")
	Doc(doc)
}

// arg is an argument in a general register.
func arg(name string) Register { return Load(Param(name), GP64()) }

// loop runs body n times, n in a register that is counted down; zero times if
// n is 0. Then the function ends.
func loop(label string, n Register, body, after func()) {
	TESTQ(n, n)
	JZ(LabelRef(label + "Done"))
	Label(label + "Loop")
	body()
	DECQ(n)
	JNZ(LabelRef(label + "Loop"))
	Label(label + "Done")
	after()
	VZEROUPPER()
	RET()
}

// broadcast is a float argument in every lane.
func broadcast(name string, to VecVirtual) {
	a, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(a.Addr, to)
}

var constants = map[string]Mem{}

// words is a constant of 8 equal 32-bit words in memory, defined the first time it
// is asked for.
func words(name string, w uint32) Mem {
	name = "encoder" + name
	if m, ok := constants[name]; ok {
		return m
	}
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(4*i, U32(w))
	}
	constants[name] = m
	return m
}

func floats(name string, x float32) Mem { return words(name, math.Float32bits(x)) }

// steps multiplies and adds in turn, each rounded: p = p*x + c for every c.
func steps(p, x VecVirtual, coefficients []Mem) {
	for _, c := range coefficients {
		VMULPS(x, p, p)
		VADDPS(c, p, p)
	}
}

// exp replaces x, which is not above 0, by its exponential: exp of exp.go without
// the bound above.
func exp(x VecVirtual) {
	shifted, k, t, p, low := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVUPS(floats("ExpLowest", -104), low)
	VMAXPS(x, low, x) // x where it is not a number
	VMULPS(floats("Log2e", 1.44269504088896341), x, shifted)
	VADDPS(floats("Rounding", 1.5*(1<<23)), shifted, shifted)
	VSUBPS(floats("Rounding", 1.5*(1<<23)), shifted, k)
	VMULPS(floats("Ln2High", 0.693359375), k, t)
	VSUBPS(t, x, x)
	VMULPS(floats("Ln2Low", -2.12194440054690583e-4), k, t)
	VSUBPS(t, x, x)
	VMOVUPS(floats("ExpPoly4", 0.00138145401768), p)
	steps(p, x, []Mem{
		floats("ExpPoly3", 0.00836874510894), floats("ExpPoly2", 0.0416683907835),
		floats("ExpPoly1", 0.16666520399), floats("ExpPoly0", 0.499999934321),
	})
	VMULPS(x, x, t)
	VMULPS(t, p, p)
	VADDPS(x, p, p)
	VADDPS(floats("One", 1), p, p)
	VPSUBD(floats("Rounding", 1.5*(1<<23)), shifted, shifted)
	VPSRAD(Imm(1), shifted, t)
	VPSUBD(t, shifted, shifted)
	VPADDD(words("Bias", 127), t, t)
	VPADDD(words("Bias", 127), shifted, shifted)
	VPSLLD(Imm(23), t, t)
	VPSLLD(Imm(23), shifted, shifted)
	VMULPS(t, p, p)
	VMULPS(shifted, p, x)
}

func gelu() {
	function("geluVector", "func(dst, x *float32, groups int)", "geluVector sets dst to gelu(x), groups groups of 8 elements.")
	dst, from, n := arg("dst"), arg("x"), arg("groups")
	loop("gelu", n, func() {
		x, z, t, p, e, limit, zero := YMM(), YMM(), YMM(), YMM(), YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: from}, x)
		VANDPS(words("Magnitude", 1<<31-1), x, z)
		VMOVUPS(floats("GELUMost", 16), limit)
		VMINPS(z, limit, z) // z where it is not a number
		VMULPS(floats("GELURate", 0.265), z, t)
		VADDPS(floats("One", 1), t, t)
		VMOVUPS(floats("One", 1), e)
		VDIVPS(t, e, t)
		VMOVUPS(floats("GELUPoly8", 0.03062448218), p)
		steps(p, t, []Mem{
			floats("GELUPoly7", -0.1433006776), floats("GELUPoly6", 0.2159504456), floats("GELUPoly5", -0.114286489),
			floats("GELUPoly4", 0.1365549523), floats("GELUPoly3", 0.06089501777), floats("GELUPoly2", 0.1025550895),
			floats("GELUPoly1", 0.1052667786), floats("GELUPoly0", 0.1057403974),
		})
		VMULPS(t, p, p)
		VMULPS(z, z, e)
		VMULPS(floats("MinusHalf", -0.5), e, e)
		exp(e)
		VMULPS(e, p, p)
		VMULPS(p, z, z)
		VXORPS(zero, zero, zero)
		VMAXPS(zero, x, x) // zero where x is not a number
		VSUBPS(z, x, x)
		VMOVUPS(x, Mem{Base: dst})
		ADDQ(Imm(32), from)
		ADDQ(Imm(32), dst)
	}, func() {})
}

// sums is the two of a norm: of elements, and of squares about their mean.
func sums() {
	for _, f := range []struct{ name, signature, doc string }{
		{"addUpVector", "func(lanes *float64, x *float32, groups int)", "addUpVector adds element i of x, groups groups of 8, to the partial sum i%8."},
		{"addDeviationsVector", "func(lanes *float64, x *float32, mean float64, groups int)", "addDeviationsVector adds the square of x-mean to the partial sum i%8, for element i of x, groups groups of 8."},
	} {
		function(f.name, f.signature, f.doc)
		lanes, x, n := arg("lanes"), arg("x"), arg("groups")
		squares := f.name == "addDeviationsVector"
		mean := YMM()
		if squares {
			m := XMM()
			Load(Param("mean"), m)
			VBROADCASTSD(m, mean)
		}
		var sum, v [2]VecVirtual
		for i := range sum {
			sum[i], v[i] = YMM(), YMM()
			VMOVUPD(Mem{Base: lanes, Disp: 32 * i}, sum[i])
		}
		loop(f.name, n, func() {
			for i := range v {
				VCVTPS2PD(Mem{Base: x, Disp: 16 * i}, v[i])
				if squares {
					VSUBPD(mean, v[i], v[i])
					VMULPD(v[i], v[i], v[i])
				}
				VADDPD(v[i], sum[i], sum[i])
			}
			ADDQ(Imm(32), x)
		}, func() {
			for i := range sum {
				VMOVUPD(sum[i], Mem{Base: lanes, Disp: 32 * i})
			}
		})
	}
}

func centre() {
	function("centreVector", "func(dst, x, w, b *float32, mean, scale float32, groups int)",
		"centreVector sets dst to (x-mean)*scale*w + b, groups groups of 8 elements.")
	dst, x, w, b, n := arg("dst"), arg("x"), arg("w"), arg("b"), arg("groups")
	mean, scale := YMM(), YMM()
	broadcast("mean", mean)
	broadcast("scale", scale)
	loop("centre", n, func() {
		v := YMM()
		VMOVUPS(Mem{Base: x}, v)
		VSUBPS(mean, v, v)
		VMULPS(scale, v, v)
		VMULPS(Mem{Base: w}, v, v)
		VADDPS(Mem{Base: b}, v, v)
		VMOVUPS(v, Mem{Base: dst})
		for _, p := range []Register{x, w, b, dst} {
			ADDQ(Imm(32), p)
		}
	}, func() {})
}
