package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// A super512 is a superKernel for AVX-512 with VNNI: 16 rows in one register,
// eight vectors of activations at a time. VPDPBUSD adds four products in 32 bits,
// so weights may be any bytes; signed ones get a bias of 128.
type super512 struct {
	name   string
	wide   bool
	signed bool
	// short says that the products of 16 weights fit in 16 bits when added: weights
	// are 16 at most. One instruction multiplies them with the scale then.
	short bool
	min   minimum
}

var super512s = []super512{
	{name: "tile8ShortMinWide", wide: true, short: true, min: minima},
	{name: "tile8MinWide", wide: true, min: minima},
	{name: "tile8ShortMin", short: true, min: minima},
	{name: "tile8Short", short: true, min: bias},
	{name: "tile8", min: bias},
	{name: "tile8Wide", wide: true, min: bias},
	{name: "tile8SignedWide", wide: true, signed: true, min: bias},
}

// zmms is n fresh vector registers.
func zmms(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = ZMM()
	}
	return v
}

// clear512 clears registers.
func clear512(v []VecVirtual) {
	for _, x := range v {
		i, err := x86.VPXORD(x, x, x)
		if err != nil {
			panic(err)
		}
		i.CancellingInputs = true // the allocator does not know this one
		Instruction(i)
	}
}

// constant512 is a register with a repeated 32-bit constant.
func constant512(x uint32) VecVirtual {
	r, v := GP32(), ZMM()
	MOVL(U32(x), r)
	VPBROADCASTD(r, v)
	return v
}

// strided is the addressing of eight things that are stride bytes apart.
func strided(first Register, stride Register) eight {
	r := eight{low: first, high: GP64(), stride: stride, three: GP64()}
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, r.three)
	LEAQ(Mem{Base: first, Index: stride, Scale: 4}, r.high)
	return r
}

// besides is what belongs to the eight vectors from q on in another array, as in
// beside.
func besides(array string, q, cols Register, done, shift int) eight {
	p, stride := GP64(), GP64()
	beside(p, array, q, done, shift)
	MOVQ(cols, stride)
	SHRQ(Imm(uint64(shift)), stride)
	return strided(p, stride)
}

func (k super512) generate() {
	top := "0 to 255"
	switch {
	case k.signed:
		top = "-128 to 127, the bias is for 128 more"
	case k.short:
		top = "0 to 16"
	}
	function(k.name, "func(c *float32, tile *byte, q *int8, d *float32, sums *int16, cols, n, blocks int)",
		fmt.Sprintf("%s is as tileSum1, for n that is a multiple of 8. Weights are %s.", k.name, top))
	tile, n := arg("tile"), arg("n")
	q := strided(arg("q"), arg("cols"))
	Label("vectors")
	acc := zmms(8)
	if k.min == bias {
		k.products(tile, besides("sums", q.low, q.stride, 0, superSums), acc)
	} else {
		clear512(acc)
	}
	w, s := GP64(), GP64()
	MOVQ(tile, w)
	MOVQ(tile, s)
	times("columns", 8, func() {
		k.columns(w, s, q, acc)
		ADDQ(U32(8*tileWStep), w)
		if k.wide {
			ADDQ(Imm(tileSStep), s)
		} else {
			ADDQ(U32(2*tileSStep), s)
		}
		ADDQ(Imm(32), q.low)
		ADDQ(Imm(32), q.high)
	})
	k.finish(tile, q, acc)
	// Past the block of vector 0 now; eight vectors on.
	SUBQ(U32(256), q.low)
	LEAQ(Mem{Base: q.low, Index: q.stride, Scale: 8}, q.low)
	LEAQ(Mem{Base: q.low, Index: q.stride, Scale: 4}, q.high)
	SUBQ(Imm(8), n)
	JG(LabelRef("vectors"))
	done()
}

// columns adds the products of 32 columns to acc.
func (k super512) columns(w, s Register, q eight, acc []VecVirtual) {
	sum := [2][]VecVirtual{zmms(8), zmms(8)}
	clear512(sum[0])
	clear512(sum[1])
	var flip VecVirtual
	if k.signed {
		flip = constant512(0x80808080)
	}
	products(w, flip, q, sum)
	k.scale(s, sum, acc)
}

// scale adds the two sums, times their scales, to acc.
func (k super512) scale(s Register, sum [2][]VecVirtual, acc []VecVirtual) {
	scale := zmms(2)
	at := func(h int) Mem { return Mem{Base: s, Disp: tileS + h*tileSStep} }
	if k.short {
		lower := constant512(0xffff)
		for h := range sum {
			if h > 0 && k.wide {
				scale[h] = scale[0]
				break
			}
			VPANDD(at(h), lower, scale[h])
		}
		for t := range acc {
			for h := range sum {
				VPDPWSSD(scale[h], sum[h][t], acc[t])
			}
		}
		return
	}
	if k.wide {
		for t := range acc {
			VPADDD(sum[1][t], sum[0][t], sum[0][t])
		}
	}
	for h := range sum {
		if h > 0 && k.wide {
			break
		}
		VPSRAD(Imm(16), at(h), scale[h])
		for t := range acc {
			VPMULLD(scale[h], sum[h][t], sum[h][t])
			VPADDD(sum[h][t], acc[t], acc[t])
		}
	}
}

// products sets acc to the products of M and of the sums of activations.
func (k super512) products(tile Register, sums eight, acc []VecVirtual) {
	at, pairs := sums.row, 8
	if k.wide {
		pairs = 4
		one := YMM()
		VMOVDQU(repeated("words01", 1, 0), one)
		v, w := YMM(), YMM()
		for t := range acc {
			VPMADDWD(sums.row(t, 0), one, v)
			VEXTRACTI128(Imm(1), v, w.AsX())
			VPACKSSDW(w.AsX(), v.AsX(), v.AsX())
			VMOVDQU(v.AsX(), Mem{Base: tile, Disp: tileScratch + 16*t})
		}
		at = func(t, off int) Mem { return Mem{Base: tile, Disp: tileScratch + 16*t + off} }
	}
	clear512(acc)
	m := ZMM()
	for p := range pairs {
		VMOVDQU32(Mem{Base: tile, Disp: tileM + tileMStep*p}, m)
		for t := range acc {
			VPDPWSSD_BCST(at(t, 4*p), m, acc[t])
		}
	}
}

// finish adds the terms of the block to c. q is past it.
func (k super512) finish(tile Register, q eight, acc []VecVirtual) {
	mins := zmms(8)
	if k.min == minima {
		k.products(tile, besides("sums", q.low, q.stride, 256, superSums), mins)
	}
	d := besides("d", q.low, q.stride, 256, superD)
	c := arg("c")
	factor, least, f := ZMM(), ZMM(), ZMM()
	VMOVUPS(Mem{Base: tile, Disp: tileD}, factor)
	if k.min == minima {
		VMOVUPS(Mem{Base: tile, Disp: tileDMin}, least)
	}
	for t, x := range acc {
		VCVTDQ2PS(x, x)
		VMULPS_BCST(d.row(t, 0), factor, f)
		VMULPS(f, x, x)
		if k.min == minima {
			VCVTDQ2PS(mins[t], mins[t])
			VMULPS_BCST(d.row(t, 0), least, f)
			VMULPS(f, mins[t], mins[t])
			VSUBPS(mins[t], x, x)
		}
		at := Mem{Base: c, Disp: 64 * t}
		VADDPS(at, x, x)
		VMOVUPS(x, at)
	}
	ADDQ(U32(8*64), c)
	Store(c, Param("c"))
}

// A small512 is a smallKernel for AVX-512 with VNNI.
type small512 struct {
	name   string
	signed bool
	min    minimum
}

var small512s = []small512{
	{name: "blocks8", min: bias},
	{name: "blocks8Min", min: minima},
	{name: "blocks8Signed", signed: true, min: bias},
}

// Working memory: for each vector the scales, float32, of 8 blocks; then the
// sums, int32.
const (
	blocks8D    = tileScratch
	blocks8Sums = blocks8D + 8*32
)

func (k small512) generate() {
	top := "0 to 255"
	if k.signed {
		top = "-128 to 127, the bias is for 128 more"
	}
	function(k.name, "func(c *float32, tile *byte, q *int8, d *float32, sums *int16, cols, n, blocks int)",
		fmt.Sprintf("%s is as blocksSum4, for n that is a multiple of 8. Weights are %s.", k.name, top))
	tile, n := arg("tile"), arg("n")
	q := strided(arg("q"), arg("cols"))
	Label("vectors")
	k.gather(tile, q)
	c := arg("c")
	acc := zmms(8)
	for t, x := range acc {
		VMOVUPS(Mem{Base: c, Disp: 64 * t}, x)
	}
	w, s, f, left := GP64(), GP64(), GP64(), arg("blocks")
	MOVQ(tile, w)
	MOVQ(tile, s)
	MOVQ(tile, f)
	Label("blocks")
	k.block(w, s, f, q, acc)
	ADDQ(U32(8*tileWStep), w)
	ADDQ(Imm(4), s)
	ADDQ(Imm(64), f)
	ADDQ(Imm(32), q.low)
	ADDQ(Imm(32), q.high)
	DECQ(left)
	JNZ(LabelRef("blocks"))
	for t, x := range acc {
		VMOVUPS(x, Mem{Base: c, Disp: 64 * t})
	}
	ADDQ(U32(8*64), c)
	Store(c, Param("c"))
	columns := GP64()
	Load(Param("blocks"), columns)
	SHLQ(Imm(5), columns)
	SUBQ(columns, q.low)
	LEAQ(Mem{Base: q.low, Index: q.stride, Scale: 8}, q.low)
	LEAQ(Mem{Base: q.low, Index: q.stride, Scale: 4}, q.high)
	SUBQ(Imm(8), n)
	JG(LabelRef("vectors"))
	done()
}

// gather puts what belongs to the blocks of eight vectors in working memory.
func (k small512) gather(tile Register, q eight) {
	// A bit for each block that there is.
	bits, mask := GP64(), K()
	MOVQ(I32(-1), bits)
	blocks := GP64()
	Load(Param("blocks"), blocks)
	BZHIQ(blocks, bits, bits)
	KMOVB(bits.As32(), mask)
	factor := YMM()
	if k.min == bias {
		VPBROADCASTD(Mem{Base: tile, Disp: tileBias}, factor)
	}
	d, sums := besides("d", q.low, q.stride, 0, smallD), besides("sums", q.low, q.stride, 0, smallSums)
	for t := range 8 {
		v := YMM()
		VMOVUPS_Z(d.row(t, 0), mask, v)
		VMOVUPS(v, Mem{Base: tile, Disp: blocks8D + 32*t})
		VPMOVSXWD_Z(sums.row(t, 0), mask, v)
		if k.min == bias {
			VPMULLD(factor, v, v)
		} else {
			VCVTDQ2PS(v, v)
		}
		VMOVDQU(v, Mem{Base: tile, Disp: blocks8Sums + 32*t})
	}
}

// block adds the terms of a block to acc.
func (k small512) block(w, s, f Register, q eight, acc []VecVirtual) {
	sum := [2][]VecVirtual{zmms(8), zmms(8)}
	clear512(sum[0])
	clear512(sum[1])
	var flip VecVirtual
	if k.signed {
		flip = constant512(0x80808080)
	}
	products(w, flip, q, sum)
	factor, least, x, y := ZMM(), ZMM(), ZMM(), ZMM()
	VMOVUPS(Mem{Base: f, Disp: tileBlockD}, factor)
	if k.min == minima {
		VMOVUPS(Mem{Base: f, Disp: tileBlockMin}, least)
	}
	for t := range acc {
		v := sum[0][t]
		d, n := Mem{Base: s, Disp: blocks8D + 32*t}, Mem{Base: s, Disp: blocks8Sums + 32*t}
		VPADDD(sum[1][t], v, v)
		if k.min == bias {
			VPADDD_BCST(n, v, v)
		}
		VCVTDQ2PS(v, v)
		VMULPS_BCST(d, factor, x)
		VMULPS(x, v, v)
		if k.min == minima {
			VMULPS_BCST(d, least, y)
			VMULPS_BCST(n, y, y)
			VADDPS(y, v, v)
		}
		VADDPS(v, acc[t], acc[t])
	}
}

// products adds the products of 32 columns from w on and of eight vectors to two
// sums for each vector, which keeps the multipliers busy. flip is added to the
// weights without carry if there is one.
func products(w Register, flip VecVirtual, q eight, sum [2][]VecVirtual) {
	x := zmms(2)
	for g := range 4 {
		for h := range sum {
			at := Mem{Base: w, Disp: tileWStep * (g + 4*h)}
			if flip != nil {
				VPXORD(at, flip, x[h])
			} else {
				VMOVDQU32(at, x[h])
			}
		}
		for t := range 8 {
			for h := range sum {
				VPDPBUSD_BCST(q.row(t, 4*(g+4*h)), x[h], sum[h][t])
			}
		}
	}
}
