package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// quantize turns activations into 8-bit integers, with the rounding of package
// quant.
func quantize() {
	absolute := words32("floatAbsolute", 1<<31-1)
	one := constant("expOne", 1)
	limit := floats32("quantLimit", 127)
	minus := floats32("quantMinus", -127)
	flip := words32("quantFlip", 0x80808080)
	order := words32("quantOrder", 0, 4, 1, 5, 2, 6, 3, 7)
	quantizeQ8_0(absolute, one, limit, flip, order)
	quantizeQ8_K(absolute, one, minus, flip, order)
}

// pack32 turns 4 registers of 8 integers into 32 bytes in order.
func pack32(v []VecVirtual, order VecVirtual) VecVirtual {
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	VPERMD(v[0], order, v[0])
	return v[0]
}

// sumBytes leaves in each 64-bit lane of the result the sum of its 8 signed
// bytes of q plus 1024: the instruction adds unsigned bytes, so 128 is added to
// each.
func sumBytes(q, zero VecVirtual, flip Mem) VecVirtual {
	s := YMM()
	VPXOR(flip, q, s)
	VPSADBW(zero, s, s)
	return s
}

func quantizeQ8_0(absolute, one, limit, flip, order Mem) {
	function("quantizeQ8_0Vector", "func(q *int8, d *float32, sums *int16, x *float32, blocks int)",
		"quantizeQ8_0Vector is quant.QuantizeQ8_0 of blocks blocks of 32.")
	q, d, sums, x, n := arg("q"), arg("d"), arg("sums"), arg("x"), arg("blocks")
	abs, ord, zero := YMM(), YMM(), YMM()
	VMOVUPS(absolute, abs)
	VMOVDQU(order, ord)
	VPXOR(zero, zero, zero)
	half, ones := YMM(), YMM()
	most := constant("quantMost", 127.5)
	VMOVUPS(constant("quantHalf", 0.5), half)
	VMOVUPS(one, ones)
	loop("quantizeQ8_0Loop", n, func() {
		v := ymms(4)
		top, t := YMM(), YMM()
		for i := range v {
			VMOVUPS(Mem{Base: x, Disp: 32 * i}, v[i])
		}
		VXORPS(top, top, top)
		for _, r := range v {
			VANDPS(abs, r, t)
			VMAXPS(top, t, top) // in this order a NaN is passed over
		}
		foldMax(top)
		scale, inverse, h := XMM(), YMM(), XMM()
		VDIVSS(limit, top.AsX(), scale)
		VCVTPS2PH(Imm(0), scale, h)
		VCVTPH2PS(h, h)
		VMOVSS(h, Mem{Base: d})
		// 1/d, or 0 if d is 0.
		VDIVSS(scale, ones.AsX(), inverse.AsX())
		VCMPSS(Imm(4), zero.AsX(), scale, scale)
		VANDPS(scale, inverse.AsX(), inverse.AsX())
		VBROADCASTSS(inverse.AsX(), inverse)
		for _, r := range v {
			VMULPS(inverse, r, r)
			dropUnfit(r, abs, most, t)
			roundAway(r, abs, half, ones, top, t)
		}
		b := pack32(v, ord)
		VMOVDQU(b, Mem{Base: q})
		s := sumBytes(b, zero, flip)
		VEXTRACTI128(Imm(1), s, t.AsX())
		VPADDQ(t.AsX(), s.AsX(), s.AsX())
		VPSHUFD(Imm(0x4e), s.AsX(), t.AsX())
		VPADDQ(t.AsX(), s.AsX(), s.AsX())
		sum := GP64()
		VMOVQ(s.AsX(), sum)
		SUBQ(U32(32*128), sum)
		MOVW(sum.As16(), Mem{Base: sums})
		ADDQ(Imm(32), q)
		ADDQ(Imm(4), d)
		ADDQ(Imm(2), sums)
		SUBQ(I32(-128), x)
	})
	done()
}

// dropUnfit clears the lanes of v that do not fit 8 bits: see limitQ8 of package
// quant.
func dropUnfit(v, abs VecVirtual, most Mem, t VecVirtual) {
	VANDPS(abs, v, t)
	VCMPPS(Imm(17), most, t, t) // less, false for NaN
	VANDPS(t, v, v)
}

// roundAway replaces v by the nearest integers, halves away from zero.
func roundAway(v, abs, half, ones, t, u VecVirtual) {
	VROUNDPS(Imm(3), v, t) // towards zero
	VSUBPS(t, v, u)        // exact
	VANDPS(abs, u, u)
	VCMPPS(Imm(13), half, u, u) // at least one half
	VANDPS(ones, u, u)
	// The step away from zero has the sign of v.
	VANDNPS(v, abs, v)
	VORPS(v, u, u)
	VADDPS(u, t, t)
	VCVTPS2DQ(t, v)
}

func quantizeQ8_K(absolute, one, minus, flip, order Mem) {
	function("quantizeQ8_KVector", "func(q *int8, d *float32, sums *int16, x *float32, blocks int)",
		"quantizeQ8_KVector is quant.QuantizeQ8_K of blocks blocks of 256.")
	q, d, sums, x, n := arg("q"), arg("d"), arg("sums"), arg("x"), arg("blocks")
	abs, ord, zero := YMM(), YMM(), YMM()
	VMOVUPS(absolute, abs)
	VMOVDQU(order, ord)
	VPXOR(zero, zero, zero)
	most := constant("quantMost", 127.5)
	loop("quantizeQ8_KLoop", n, func() {
		top, extreme := largest(x, abs)
		// The element of the largest magnitude becomes -127.
		scale, t := YMM(), XMM()
		VMOVSS(minus, t)
		VDIVSS(extreme, t, scale.AsX())
		VMOVSS(one, t)
		VDIVSS(scale.AsX(), t, t)
		// A block of zeros has scales 0.
		mask := XMM()
		VCMPSS(Imm(4), zero.AsX(), top.AsX(), mask)
		VANDPS(mask, t, t)
		VANDPS(mask, scale.AsX(), scale.AsX())
		VMOVSS(t, Mem{Base: d})
		VBROADCASTSS(scale.AsX(), scale)
		u := YMM()
		for g := range 8 {
			v := ymms(4)
			for i := range v {
				VMULPS(Mem{Base: x, Disp: 128*g + 32*i}, scale, v[i])
				dropUnfit(v[i], abs, most, u)
				VCVTPS2DQ(v[i], v[i])
			}
			b := pack32(v, ord)
			VMOVDQU(b, Mem{Base: q, Disp: 32 * g})
			s := sumBytes(b, zero, flip)
			VPSHUFD(Imm(0x4e), s, v[1])
			VPADDQ(v[1], s, s)
			VEXTRACTI128(Imm(1), s, v[1].AsX())
			for i, half := range []VecVirtual{s, v[1]} {
				sum := GP64()
				VMOVQ(half.AsX(), sum)
				SUBQ(U32(16*128), sum)
				MOVW(sum.As16(), Mem{Base: sums, Disp: 4*g + 2*i})
			}
		}
		ADDQ(U32(256), q)
		ADDQ(Imm(4), d)
		ADDQ(Imm(32), sums)
		ADDQ(U32(1024), x)
	})
	done()
}

// largest finds the largest magnitude of the 256 floats at x and the first
// element that has it, each in lane 0.
func largest(x Register, abs VecVirtual) (top, extreme VecVirtual) {
	top, extreme = YMM(), XMM()
	t := YMM()
	VXORPS(top, top, top)
	for i := range 32 {
		VANDPS(Mem{Base: x, Disp: 32 * i}, abs, t)
		VMAXPS(top, t, top) // in this order a NaN is passed over
	}
	foldMax(top)
	VBROADCASTSS(top.AsX(), top)
	at, mask := GP64(), GP32()
	XORQ(at, at)
	Label("largestFind")
	VANDPS(Mem{Base: x, Index: at, Scale: 1}, abs, t)
	VCMPPS(Imm(0), top, t, t)
	VMOVMSKPS(t, mask)
	TESTL(mask, mask)
	JNZ(LabelRef("largestFound"))
	ADDQ(Imm(32), at)
	CMPQ(at, U32(1024))
	JL(LabelRef("largestFind"))
	// Only NaNs: any element will do.
	XORQ(at, at)
	MOVL(U32(1), mask)
	Label("largestFound")
	BSFL(mask, mask)
	LEAQ(Mem{Base: at, Index: mask.As64(), Scale: 4}, at)
	VMOVSS(Mem{Base: x, Index: at, Scale: 1}, extreme)
	return top, extreme
}
