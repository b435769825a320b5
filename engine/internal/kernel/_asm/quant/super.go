package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A minimum is what a kernel does with the M table of a tile: it adds the
// products of M and the sums of activations to the products of weights (bias), or
// subtracts DMin times them (minima).
type minimum int

const (
	none minimum = iota
	bias
	minima
)

// A superKernel multiplies a tile of 256-weight blocks with vectors of
// activations, four at a time.
//
// Weights are unsigned bytes. VPMADDUBSW adds two products in 16 bits; sum of
// those are added before they are multiplied with their scale and widened to 32
// bits. So the largest weight must be at most 32767/(2*127*sum): 16, 32, 64, 129
// for sums of 8, 4, 2, 1. A signed kernel takes signed bytes and moves the sign to
// the activations; its sum is 1. Activations are -127 to 127.
type superKernel struct {
	name   string
	sum    int
	wide   bool // scales and minima are of 32 weights, not 16
	signed bool
	vnni   bool // see avxvnni.go
	min    minimum
}

var superKernels = []superKernel{
	{name: "tileSum8MinWide", sum: 8, wide: true, min: minima},
	{name: "tileSum4MinWide", sum: 4, wide: true, min: minima},
	{name: "tileSum4Min", sum: 4, min: minima},
	{name: "tileSum4Wide", sum: 4, wide: true, min: bias},
	{name: "tileSum4", sum: 4, min: bias},
	{name: "tileSum2", sum: 2, min: bias},
	{name: "tileSum1Wide", sum: 1, wide: true, min: bias},
	{name: "tileSum1", sum: 1, min: bias},
	{name: "tileSignedWide", sum: 1, wide: true, signed: true},
}

// vectors is the addressing of four vectors of activations. Of fewer, the last
// is repeated.
type vectors struct {
	q          [4]Register // the next activations
	cols, left Register    // stride; vectors not done
}

// start makes the four pointers from that of the first.
func (v *vectors) start() {
	next := GP64()
	for t := 1; t < 4; t++ {
		MOVQ(v.q[t-1], v.q[t])
		LEAQ(Mem{Base: v.q[t-1], Index: v.cols, Scale: 1}, next)
		CMPQ(v.left, Imm(uint64(t)))
		CMOVQGT(next, v.q[t])
	}
}

// advance moves all pointers n activations on.
func (v *vectors) advance(n int) {
	for _, q := range v.q {
		ADDQ(Imm(uint64(n)), q)
	}
}

// beside points p to what belongs to activations q in another array: it has one
// byte for 1<<shift bytes of activations. The first of both are arguments.
func beside(p Register, array string, q Register, done, shift int) {
	first := GP64()
	Load(Param("q"), first)
	MOVQ(q, p)
	SUBQ(first, p)
	if done > 0 {
		SUBQ(U32(uint32(done)), p)
	}
	SARQ(Imm(uint64(shift)), p)
	Load(Param(array), first)
	ADDQ(first, p)
}

// Shifts for beside: bytes of activations per byte of scales or sums.
const (
	superD, superSums = 6, 3
	smallD, smallSums = 3, 4
)

func (k superKernel) generate() {
	function(k.name, "func(c *float32, tile *byte, q *int8, d *float32, sums *int16, cols, n, blocks int)",
		k.name+" adds the products of a tile and of 256 activations of each of n vectors to c[vector][16]. Vectors are cols apart in q; d and sums are those of the first activation. c has room for a multiple of four vectors; blocks is 1. "+k.limits())
	c, tile := arg("c"), arg("tile")
	v := vectors{cols: arg("cols"), left: arg("n")}
	for i := range v.q {
		v.q[i] = GP64()
	}
	Load(Param("q"), v.q[0])
	next := GP64()

	Label("vectors")
	LEAQ(Mem{Base: v.q[0], Index: v.cols, Scale: 4}, next)
	v.start()
	acc := ymms(8) // vector t, half h: t*2+h
	start := func(i int, s VecVirtual) { VMOVDQU(s, sumAt(tile, i)) }
	if k.sum == 1 {
		start = func(i int, s VecVirtual) { acc[i] = s }
	}
	k.startSums(tile, v, start)
	switch {
	case k.vnni:
		k.sumsVNNI(tile, v, acc)
	case k.sum == 1:
		k.sumsInRegisters(tile, v, acc)
	case k.sum == 2:
		k.sumsOfTwo(tile, v, acc)
	default:
		k.sumsInMemory(tile, v, acc)
	}
	k.finish(c, tile, v, acc)
	ADDQ(U32(4*64), c)
	MOVQ(next, v.q[0])
	SUBQ(Imm(4), v.left)
	JG(LabelRef("vectors"))
	done()
}

// limits documents the weights the kernel takes.
func (k superKernel) limits() string {
	s := map[int]string{8: "0 to 16", 4: "0 to 32", 2: "0 to 64", 1: "0 to 129"}[k.sum]
	switch {
	case k.signed:
		s = "-128 to 127"
	case k.vnni:
		s = "0 to 255"
	}
	scales := "16"
	if k.wide {
		scales = "32"
	}
	return fmt.Sprintf("Weights are %s, S and M are of %s, M is %s.", s, scales,
		[...]string{"unused", "a bias", "a minimum"}[k.min])
}

// sumAt is where the integer sums of one vector and half are kept.
func sumAt(tile Register, i int) Mem { return Mem{Base: tile, Disp: tileScratch + 32*i} }

// startSums gives the 8 integer sums their first values.
func (k superKernel) startSums(tile Register, v vectors, set func(i int, s VecVirtual)) {
	if k.min != bias {
		for i := range 8 {
			s := YMM()
			zero(s)
			set(i, s)
		}
		return
	}
	p := GP64()
	for t, q := range v.q {
		beside(p, "sums", q, 0, superSums)
		for h, s := range k.minima(tile, p) {
			set(2*t+h, s)
		}
	}
}

// minima is the sum of the products of M and of the sums of activations at p,
// for the two halves.
func (k superKernel) minima(tile, p Register) (sums [2]VecVirtual) {
	pairs, x := 8, VecVirtual(nil)
	if k.wide {
		pairs, x = 4, sums32(p, 0)
	}
	s, t := YMM(), YMM()
	for i := range pairs {
		if k.wide {
			VPSHUFD(Imm(uint64(0x55*i)), x, s)
		} else {
			VPBROADCASTD(Mem{Base: p, Disp: 4 * i}, s)
		}
		for h := range sums {
			m := Mem{Base: tile, Disp: tileM + tileMStep*i + 32*h}
			if i == 0 {
				sums[h] = YMM()
				VPMADDWD(m, s, sums[h])
			} else {
				VPMADDWD(m, s, t)
				VPADDD(t, sums[h], sums[h])
			}
		}
	}
	return sums
}

// scaleAt is the scales of 4 columns number g of 8, from the scales of 32 on.
func (k superKernel) scaleAt(s Register, g, half int) Mem {
	at := 32 * half
	if !k.wide {
		at += g / 4 * tileSStep
	}
	return Mem{Base: s, Disp: tileS + at}
}

// unique is a label that is not taken in this function yet.
func unique(label string) string {
	labels++
	return fmt.Sprintf("%s%d", label, labels)
}

var labels int

// by32 runs body for each 32 columns, with pointers into the weights and the
// scales, and moves the pointers q to activations.
func (k superKernel) by32(tile Register, q []Register, body func(w, s Register)) {
	w, s := GP64(), GP64()
	MOVQ(tile, w)
	MOVQ(tile, s)
	times(unique("columns"), 8, func() {
		body(w, s)
		ADDQ(U32(8*tileWStep), w)
		if k.wide {
			ADDQ(Imm(tileSStep), s)
		} else {
			ADDQ(U32(2*tileSStep), s)
		}
		for _, p := range q {
			ADDQ(Imm(32), p)
		}
	})
}

// sumsInMemory adds up in acc, in 16 bits, and from there to memory. acc has the
// integer sums at the end.
func (k superKernel) sumsInMemory(tile Register, v vectors, acc []VecVirtual) {
	tmp := ymms(6)
	k.by32(tile, v.q[:], func(w, s Register) {
		for g := range 8 {
			unsignedStep(w, g, v, g%k.sum == 0, acc, tmp)
			if (g+1)%k.sum == 0 {
				for i, a := range acc {
					VPMADDWD(k.scaleAt(s, g, i%2), a, a)
					VPADDD(sumAt(tile, i), a, a)
					VMOVDQU(a, sumAt(tile, i))
				}
			}
		}
	})
}

// sumsOfTwo is for sums so short that memory would be the bottleneck: it does two
// vectors at a time, whose sums fit in registers.
func (k superKernel) sumsOfTwo(tile Register, v vectors, acc []VecVirtual) {
	for pass := range 2 {
		sums, q := acc[4*pass:4*pass+4], v.q[2*pass:2*pass+2]
		for i, a := range sums {
			VMOVDQU(sumAt(tile, 4*pass+i), a)
		}
		k.by32(tile, q, func(w, s Register) {
			scale, two := ymms(2), ymms(4)
			for g := range 8 {
				if g%4 == 0 {
					VMOVDQU(k.scaleAt(s, g, 0), scale[0])
					VMOVDQU(k.scaleAt(s, g, 1), scale[1])
				}
				stepOfTwo(w, g, q, two)
				if g%2 == 0 {
					continue
				}
				for i, x := range two {
					VPMADDWD(scale[i%2], x, x)
					VPADDD(x, sums[i], sums[i])
				}
			}
		})
		for i, a := range sums {
			VMOVDQU(a, sumAt(tile, 4*pass+i))
		}
	}
	for i, a := range acc {
		VMOVDQU(sumAt(tile, i), a)
	}
}

// stepOfTwo is unsignedStep for two vectors. It sets the sums where g is even.
func stepOfTwo(w Register, g int, q []Register, sums []VecVirtual) {
	w0, w1, b, t := YMM(), YMM(), YMM(), YMM()
	weights(w, g, w0, w1)
	for i, p := range q {
		VPBROADCASTD(Mem{Base: p, Disp: 4 * g}, b)
		if g%2 == 0 {
			VPMADDUBSW(b, w0, sums[2*i])
			VPMADDUBSW(b, w1, sums[2*i+1])
			continue
		}
		VPMADDUBSW(b, w0, t)
		VPMADDUBSW(b, w1, b)
		VPADDW(t, sums[2*i], sums[2*i])
		VPADDW(b, sums[2*i+1], sums[2*i+1])
	}
}

// sumsInRegisters adds up in acc, in 32 bits.
func (k superKernel) sumsInRegisters(tile Register, v vectors, acc []VecVirtual) {
	k.by32(tile, v.q[:], func(w, s Register) {
		for g := range 8 {
			exactStep(w, g, v, k.signed, false, acc, [2]Mem{k.scaleAt(s, g, 0), k.scaleAt(s, g, 1)})
		}
	})
}

// weights loads the two halves of 4 columns, number g from w on.
func weights(w Register, g int, w0, w1 VecVirtual) {
	VMOVDQU(Mem{Base: w, Disp: tileWStep * g}, w0)
	VMOVDQU(Mem{Base: w, Disp: tileWStep*g + 32}, w1)
}

// unsignedStep adds to acc the products of 4 columns, in 16 bits, or sets acc to
// them.
func unsignedStep(w Register, g int, v vectors, set bool, acc, tmp []VecVirtual) {
	w0, w1, t0, t1, b0, b1 := tmp[0], tmp[1], tmp[2], tmp[3], tmp[4], tmp[5]
	weights(w, g, w0, w1)
	for t := 0; t < 4; t += 2 {
		VPBROADCASTD(Mem{Base: v.q[t], Disp: 4 * g}, b0)
		VPBROADCASTD(Mem{Base: v.q[t+1], Disp: 4 * g}, b1)
		a := acc[2*t : 2*t+4]
		if set {
			VPMADDUBSW(b0, w0, a[0])
			VPMADDUBSW(b0, w1, a[1])
			VPMADDUBSW(b1, w0, a[2])
			VPMADDUBSW(b1, w1, a[3])
			continue
		}
		// Four products, then four sums, is faster than in turns.
		VPMADDUBSW(b0, w0, t0)
		VPMADDUBSW(b0, w1, b0)
		VPMADDUBSW(b1, w0, t1)
		VPMADDUBSW(b1, w1, b1)
		VPADDW(t0, a[0], a[0])
		VPADDW(b0, a[1], a[1])
		VPADDW(t1, a[2], a[2])
		VPADDW(b1, a[3], a[3])
	}
}

// exactStep adds to acc the products of 4 columns times scale, in 32 bits, or
// sets acc to them.
func exactStep(w Register, g int, v vectors, signed, set bool, acc []VecVirtual, scale [2]Mem) {
	w0, w1, b, t0 := YMM(), YMM(), YMM(), YMM()
	weights(w, g, w0, w1)
	a0, a1 := w0, w1
	if signed {
		a0, a1 = YMM(), YMM()
		VPABSB(w0, a0)
		VPABSB(w1, a1)
	}
	for t := range 4 {
		VPBROADCASTD(Mem{Base: v.q[t], Disp: 4 * g}, b)
		if signed {
			VPSIGNB(w0, b, t0)
			VPSIGNB(w1, b, b)
			VPMADDUBSW(t0, a0, t0)
			VPMADDUBSW(b, a1, b)
		} else {
			VPMADDUBSW(b, a0, t0)
			VPMADDUBSW(b, a1, b)
		}
		if set {
			VPMADDWD(scale[0], t0, acc[2*t])
			VPMADDWD(scale[1], b, acc[2*t+1])
			continue
		}
		VPMADDWD(scale[0], t0, t0)
		VPMADDWD(scale[1], b, b)
		VPADDD(t0, acc[2*t], acc[2*t])
		VPADDD(b, acc[2*t+1], acc[2*t+1])
	}
}

// finish adds the terms of the block to c. The pointers of v are past it.
func (k superKernel) finish(c, tile Register, v vectors, acc []VecVirtual) {
	p, d := GP64(), YMM()
	for t, q := range v.q {
		var mins [2]VecVirtual
		if k.min == minima {
			beside(p, "sums", q, 256, superSums)
			mins = k.minima(tile, p)
		}
		beside(p, "d", q, 256, superD)
		VBROADCASTSS(Mem{Base: p}, d)
		for h := range 2 {
			x := acc[2*t+h]
			VCVTDQ2PS(x, x)
			scaled(Mem{Base: tile, Disp: tileD + 32*h}, d, x)
			if k.min == minima {
				VCVTDQ2PS(mins[h], mins[h])
				scaled(Mem{Base: tile, Disp: tileDMin + 32*h}, d, mins[h])
				VSUBPS(mins[h], x, x)
			}
			at := Mem{Base: c, Disp: 64*t + 32*h}
			VADDPS(at, x, x)
			VMOVUPS(x, at)
		}
	}
}

// scaled multiplies x by s*d, rounded first.
func scaled(s Mem, d, x VecVirtual) {
	f := YMM()
	VMULPS(s, d, f)
	VMULPS(f, x, x)
}
