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
	min    minimum // bias: the tile's bias; minima: the tile's Min
}

var smallKernels = []smallKernel{
	{name: "blocksSum8", sum: 8, min: bias},
	{name: "blocksSum8Min", sum: 8, min: minima},
	{name: "blocksSum4", sum: 4, min: bias},
	{name: "blocksSum4Min", sum: 4, min: minima},
	{name: "blocksSigned", sum: 1, signed: true},
}

// Working memory: for each block, the scales, float32, and the sums, int32, of
// four vectors; then 8 registers.
const (
	blocksD    = tileScratch
	blocksSums = blocksD + 16
	blocksAcc  = tileScratch + 8*64
)

func (k smallKernel) generate() {
	function(k.name, "func(c *float32, tile *byte, q *int8, d *float32, sums *int16, cols, n, blocks int)",
		k.name+" adds the products of blocks blocks of a tile, at most 8, and of as many activations of each of n vectors to c[vector][16]. Vectors are cols apart in q; d and sums are those of the first activation. c has room for a multiple of four vectors. Weights are "+
			map[int]string{8: "0 to 16", 4: "0 to 32", 1: "-128 to 127"}[k.sum]+".")
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
	w, s, blocks := GP64(), GP64(), arg("blocks")
	MOVQ(tile, w)
	MOVQ(tile, s)
	Label("blocks")
	acc := ymms(8)
	if k.sum == 1 {
		k.sumSigned(w, v, acc)
	} else {
		k.sumUnsigned(w, tile, v, acc)
	}
	k.finish(c, s, acc)
	ADDQ(U32(8*tileWStep), w)
	ADDQ(Imm(64), s)
	v.advance(32)
	DECQ(blocks)
	JNZ(LabelRef("blocks"))
	ADDQ(U32(4*64), c)
	MOVQ(next, v.q[0])
	SUBQ(Imm(4), v.left)
	JG(LabelRef("vectors"))
	done()
}

// gather puts what belongs to the blocks of four vectors side by side.
func (k smallKernel) gather(tile Register, v vectors) {
	d, s, to, n, x := GP64(), GP64(), GP64(), GP64(), GP32()
	for t, q := range v.q {
		beside(d, "d", q, 0, smallD)
		if k.min != none {
			beside(s, "sums", q, 0, smallSums)
		}
		MOVQ(tile, to)
		Load(Param("blocks"), n)
		label := fmt.Sprintf("gather%d", t)
		Label(label)
		MOVL(Mem{Base: d}, x)
		MOVL(x, Mem{Base: to, Disp: blocksD + 4*t})
		ADDQ(Imm(4), d)
		if k.min != none {
			MOVWLSX(Mem{Base: s}, x)
			if k.min == bias {
				IMULL(Mem{Base: tile, Disp: tileBias}, x)
			}
			MOVL(x, Mem{Base: to, Disp: blocksSums + 4*t})
			ADDQ(Imm(2), s)
		}
		ADDQ(Imm(64), to)
		DECQ(n)
		JNZ(LabelRef(label))
	}
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
func (k smallKernel) finish(c, s Register, acc []VecVirtual) {
	d, sum := YMM(), YMM()
	for t := range 4 {
		VBROADCASTSS(Mem{Base: s, Disp: blocksD + 4*t}, d)
		if k.min != none {
			VPBROADCASTD(Mem{Base: s, Disp: blocksSums + 4*t}, sum)
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
			scaled(Mem{Base: s, Disp: tileBlockD + 32*h}, d, x)
			if k.min == minima {
				m := YMM()
				VMULPS(Mem{Base: s, Disp: tileBlockMin + 32*h}, d, m)
				VMULPS(sum, m, m)
				VADDPS(m, x, x)
			}
			at := Mem{Base: c, Disp: 64*t + 32*h}
			VADDPS(at, x, x)
			VMOVUPS(x, at)
		}
	}
}
