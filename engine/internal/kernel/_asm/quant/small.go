package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A smallKernel multiplies a tile of 32-weight blocks with vectors of
// activations, four at a time. It is to such blocks what superKernel is to
// others; every block has its own float term.
type smallKernel struct {
	name   string
	sum    int
	signed bool
	vnni   bool
	min    minimum // bias: the tile's bias; minima: the tile's Min
}

var smallKernels = []smallKernel{
	{name: "blocksSum8", sum: 8, min: bias},
	{name: "blocksSum8Min", sum: 8, min: minima},
	{name: "blocksSum4", sum: 4, min: bias},
	{name: "blocksSum4Min", sum: 4, min: minima},
	{name: "blocksSigned", signed: true},
}

// Working memory: for each of four vectors the scales, float32, of 8 blocks; then
// the sums, int32; then 8 registers.
const (
	blocksD    = tileScratch
	blocksSums = blocksD + 4*32
	blocksAcc  = blocksSums + 4*32
)

func (k smallKernel) generate() {
	function(k.name, "func(c *float32, tile *byte, q *int8, d *float32, sums *int16, cols, n, blocks int)",
		k.name+" adds the products of blocks blocks of a tile, at most 8, and of as many activations of each of n vectors to c[vector][16]. Vectors are cols apart in q; d and sums are those of the first activation. c has room for a multiple of four vectors. Weights are "+
			k.limits()+".")
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
	k.gather(tile, v)
	w, f, s, blocks := GP64(), GP64(), GP64(), arg("blocks")
	MOVQ(tile, w)
	MOVQ(tile, f)
	MOVQ(tile, s)
	Label("blocks")
	acc := ymms(8)
	switch {
	case k.vnni:
		sumVNNI(w, 0, 8, v, k.signed, acc)
	case k.signed:
		k.sumSigned(w, v, acc)
	default:
		k.sumUnsigned(w, tile, v, acc)
	}
	k.finish(c, f, s, acc)
	ADDQ(U32(8*tileWStep), w)
	ADDQ(Imm(64), f)
	ADDQ(Imm(4), s)
	v.advance(32)
	DECQ(blocks)
	JNZ(LabelRef("blocks"))
	ADDQ(U32(4*64), c)
	MOVQ(next, v.q[0])
	SUBQ(Imm(4), v.left)
	JG(LabelRef("vectors"))
	done()
}

// limits documents the weights the kernel takes.
func (k smallKernel) limits() string {
	switch {
	case k.signed:
		return "-128 to 127"
	case k.vnni:
		return "0 to 255"
	case k.sum == 8:
		return "0 to 16"
	}
	return "0 to 32"
}

// gather puts what belongs to the blocks of four vectors in working memory.
func (k smallKernel) gather(tile Register, v vectors) {
	d, s, n, factor := GP64(), GP64(), GP64(), YMM()
	if k.min == bias {
		VPBROADCASTD(Mem{Base: tile, Disp: tileBias}, factor)
	}
	for t, q := range v.q {
		beside(d, "d", q, 0, smallD)
		if k.min != none {
			beside(s, "sums", q, 0, smallSums)
		}
		Load(Param("blocks"), n)
		some, end := fmt.Sprintf("someBlocks%d", t), fmt.Sprintf("gathered%d", t)
		CMPQ(n, Imm(8))
		JNE(LabelRef(some))
		x := YMM()
		VMOVUPS(Mem{Base: d}, x)
		VMOVUPS(x, Mem{Base: tile, Disp: blocksD + 32*t})
		if k.min != none {
			VPMOVSXWD(Mem{Base: s}, x)
			if k.min == bias {
				VPMULLD(factor, x, x)
			}
			VMOVDQU(x, Mem{Base: tile, Disp: blocksSums + 32*t})
		}
		JMP(LabelRef(end))
		Label(some)
		k.gatherSome(tile, d, s, n, t)
		Label(end)
	}
}

// gatherSome is gather of n blocks of vector t; there may be nothing after them.
func (k smallKernel) gatherSome(tile, d, s, n Register, t int) {
	to, x := GP64(), GP32()
	MOVQ(tile, to)
	label := fmt.Sprintf("gather%d", t)
	Label(label)
	MOVL(Mem{Base: d}, x)
	MOVL(x, Mem{Base: to, Disp: blocksD + 32*t})
	ADDQ(Imm(4), d)
	if k.min != none {
		MOVWLSX(Mem{Base: s}, x)
		if k.min == bias {
			IMULL(Mem{Base: tile, Disp: tileBias}, x)
		}
		MOVL(x, Mem{Base: to, Disp: blocksSums + 32*t})
		ADDQ(Imm(2), s)
	}
	ADDQ(Imm(4), to)
	DECQ(n)
	JNZ(LabelRef(label))
}

// sumUnsigned leaves the integer sums of a block in acc.
func (k smallKernel) sumUnsigned(w, tile Register, v vectors, acc []VecVirtual) {
	tmp := ymms(6)
	ones := repeated("words01", 1, 0)
	for g := range 8 {
		unsignedStep(w, g, v, g%k.sum == 0, acc, tmp)
		if (g+1)%k.sum != 0 {
			continue
		}
		for i, a := range acc {
			VPMADDWD(ones, a, a)
			at := Mem{Base: tile, Disp: blocksAcc + 32*i}
			if g >= k.sum {
				VPADDD(at, a, a)
			} else if k.sum < 8 {
				VMOVDQU(a, at)
			}
		}
	}
}

// sumSigned is sumUnsigned for signed weights.
func (k smallKernel) sumSigned(w Register, v vectors, acc []VecVirtual) {
	ones := repeated("words01", 1, 0)
	for g := range 8 {
		exactStep(w, g, v, true, g == 0, acc, [2]Mem{ones, ones})
	}
}

// finish adds the terms of a block to c.
func (k smallKernel) finish(c, f, s Register, acc []VecVirtual) {
	d, sum := YMM(), YMM()
	for t := range 4 {
		VBROADCASTSS(Mem{Base: s, Disp: blocksD + 32*t}, d)
		if k.min != none {
			VPBROADCASTD(Mem{Base: s, Disp: blocksSums + 32*t}, sum)
		}
		if k.min == minima {
			VCVTDQ2PS(sum, sum)
		}
		for h := range 2 {
			x := acc[2*t+h]
			if k.min == bias {
				VPADDD(sum, x, x)
			}
			VCVTDQ2PS(x, x)
			scaled(Mem{Base: f, Disp: tileBlockD + 32*h}, d, x)
			if k.min == minima {
				m := YMM()
				VMULPS(Mem{Base: f, Disp: tileBlockMin + 32*h}, d, m)
				VMULPS(sum, m, m)
				VADDPS(m, x, x)
			}
			at := Mem{Base: c, Disp: 64*t + 32*h}
			VADDPS(at, x, x)
			VMOVUPS(x, at)
		}
	}
}
