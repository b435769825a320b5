package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// unpack fills a tile from 16 rows of blocks: one block a row of 256 weights, or
// up to 8 of 32.
func unpack(f format) {
	name := "tile" + f.name
	doc := "the block of each of 16 rows; blocks is 1"
	if f.small() {
		doc = "blocks blocks, at most 8, of each of 16 rows"
	}
	function(name, "func(tile, w *byte, stride int, next *byte, blocks int)", name+" unpacks "+doc+", into a tile. Rows are stride bytes apart. It prefetches as much from next on.")
	tile, w := arg("tile"), arg("w")
	r := eight{low: GP64(), high: GP64(), stride: arg("stride"), three: GP64()}
	LEAQ(Mem{Base: r.stride, Index: r.stride, Scale: 2}, r.three)
	f.openBook()
	next := eight{low: arg("next"), high: r.high, stride: r.stride, three: r.three}
	times("half", 2, func() {
		LEAQ(Mem{Base: next.low, Index: r.stride, Scale: 4}, r.high)
		for i := range 8 {
			for off := 0; off < f.unpacked(); off += 64 {
				PREFETCHT0(next.row(i, off))
			}
		}
		LEAQ(Mem{Base: r.high, Index: r.stride, Scale: 4}, next.low)
		MOVQ(w, r.low)
		LEAQ(Mem{Base: w, Index: r.stride, Scale: 4}, r.high)
		LEAQ(Mem{Base: w, Index: r.stride, Scale: 8}, w)
		if f.small() {
			f.unpackSmall(tile, r)
		} else {
			f.unpackSuper(tile, r)
		}
		ADDQ(Imm(32), tile)
	})
	done()
}

// unpacked is how many bytes of a row unpack reads at most.
func (f format) unpacked() int {
	if f.small() {
		return 8 * f.bytes
	}
	return f.bytes
}

// unpackSuper unpacks a block of eight rows.
func (f format) unpackSuper(tile Register, r eight) {
	f.unpackScales(tile, r)
	d, min := f.factors(r)
	VMOVUPS(d, Mem{Base: tile, Disp: tileD})
	if min != nil {
		VMOVUPS(min, Mem{Base: tile, Disp: tileDMin})
	}
	f.unpackWeights(tile, tile, r)
}

// unpackSmall unpacks the blocks of eight rows.
func (f format) unpackSmall(tile Register, r eight) {
	weights, factors, blocks := GP64(), GP64(), arg("blocks")
	MOVQ(tile, weights)
	MOVQ(tile, factors)
	Label("block")
	d, min := f.factors(r)
	VMOVUPS(d, Mem{Base: factors, Disp: tileBlockD})
	if min != nil {
		VMOVUPS(min, Mem{Base: factors, Disp: tileBlockMin})
	}
	f.unpackWeights(tile, weights, r)
	ADDQ(Imm(uint64(f.bytes)), r.low)
	ADDQ(Imm(uint64(f.bytes)), r.high)
	ADDQ(U32(8*tileWStep), weights)
	ADDQ(Imm(64), factors)
	DECQ(blocks)
	JNZ(LabelRef("block"))
}

// unpackWeights stores the weights of a block of eight rows.
func (f format) unpackWeights(tile, weights Register, r eight) {
	if f.steps[0].lookup != nil {
		f.unpackLooked(tile, r)
		return
	}
	for _, s := range f.steps {
		raw := make([][4]VecVirtual, len(s.raw)) // by 4 columns, in registers or memory
		parked := len(s.raw) > 2
		at := func(i, j int) Mem { return Mem{Base: tile, Disp: tileScratch + 32*(4*i+j)} }
		for i, load := range s.raw {
			for n := range 4 {
				raw[i][n] = load(r.pair(n))
			}
			raw[i] = transposed(raw[i])
			if parked {
				for j, v := range raw[i] {
					VMOVDQU(v, at(i, j))
				}
			}
		}
		for j := range 4 {
			v := make([]VecVirtual, len(s.raw))
			for i := range v {
				if parked {
					v[i] = YMM()
					VMOVDQU(at(i, j), v[i])
				} else {
					v[i] = raw[i][j]
				}
			}
			for _, o := range s.out {
				VMOVDQU(o.make(v), Mem{Base: weights, Disp: tileW + tileWStep*(4*o.u+j)})
			}
		}
	}
}

// unpackLooked stores the weights of steps that look them up: first all of one
// pair, then each 16 of all pairs.
func (f format) unpackLooked(tile Register, r eight) {
	to, stop := GP64(), GP64()
	MOVQ(tile, to)
	LEAQ(Mem{Base: tile, Disp: 4 * 32}, stop)
	Label("pair")
	for _, s := range f.steps {
		v, signs := s.lookup(r.pair(0))
		for i := range v {
			if f.signs {
				VPSIGNB(signs[i], v[i], v[i])
				VPADDB(repeated(fmt.Sprintf("bytes%02x", f.bias), byte(f.bias)), v[i], v[i])
			}
			VMOVDQU(v[i], Mem{Base: to, Disp: tileScratch + 4*32*(s.u+i)})
		}
	}
	ADDQ(r.stride, r.low)
	ADDQ(r.stride, r.high)
	ADDQ(Imm(32), to)
	CMPQ(to, stop)
	JLT(LabelRef("pair"))

	from := GP64()
	MOVQ(tile, from)
	MOVQ(tile, to)
	times("weights", 16, func() {
		for j, x := range transposed(loaded(Mem{Base: from, Disp: tileScratch})) {
			VMOVDQU(x, Mem{Base: to, Disp: tileW + tileWStep*j})
		}
		ADDQ(U32(4*32), from)
		ADDQ(U32(4*tileWStep), to)
	})
}

// transposed is the 4 by 4 matrix of 32-bit elements in each lane of v
// transposed: from 16 bytes of rows i and i+4, i < 4, to 4 bytes of 8 rows.
func transposed(v [4]VecVirtual) [4]VecVirtual {
	t := ymms(4)
	VPUNPCKLDQ(v[1], v[0], t[0])
	VPUNPCKHDQ(v[1], v[0], t[1])
	VPUNPCKLDQ(v[3], v[2], t[2])
	VPUNPCKHDQ(v[3], v[2], t[3])
	w := ymms(4)
	VPUNPCKLQDQ(t[2], t[0], w[0])
	VPUNPCKHQDQ(t[2], t[0], w[1])
	VPUNPCKLQDQ(t[3], t[1], w[2])
	VPUNPCKHQDQ(t[3], t[1], w[3])
	return [4]VecVirtual(w)
}

// unpackScales stores the scales and the minima or biases of a block of eight
// rows.
func (f format) unpackScales(tile Register, r eight) {
	if f.scales == nil {
		f.storeOnes(tile)
		return
	}
	// All of one pair, then each of all pairs.
	at := func(i, n int) Mem { return Mem{Base: tile, Disp: tileScratch + 32*(4*i+n)} }
	scales, all := 0, 0
	for n := range 4 {
		s, m := f.scales(r.pair(n))
		scales, all = len(s), len(s)+len(m)
		for i, v := range append(s, m...) {
			VMOVDQU(v, at(i, n))
		}
	}
	for i := range all {
		v := loaded(at(i, 0))
		if i >= scales {
			storePairs(tile, i-scales, v)
			continue
		}
		storeScales(tile, i, v)
		if f.bias != 0 {
			factor := repeated(fmt.Sprintf("words%02x", -f.bias&0xff), byte(-f.bias), 0xff)
			for n := range v {
				VPMULLW(factor, v[n], v[n])
			}
			storePairs(tile, i, v)
		}
	}
}

// storeScales stores scales 8*i to 8*i+7, given as int16 by pair: each twice
// beside that of the next row.
func storeScales(tile Register, i int, v [4]VecVirtual) {
	low, high := ymms(2), ymms(2)
	VPUNPCKLWD(v[1], v[0], low[0])
	VPUNPCKLWD(v[3], v[2], low[1])
	VPUNPCKHWD(v[1], v[0], high[0])
	VPUNPCKHWD(v[3], v[2], high[1])
	four, two := YMM(), YMM()
	for half, t := range [][]VecVirtual{low, high} {
		for part := range 2 {
			if part == 0 {
				VPUNPCKLDQ(t[1], t[0], four) // scales s and s+1 of 4 rows
			} else {
				VPUNPCKHDQ(t[1], t[0], four)
			}
			at := Mem{Base: tile, Disp: tileS + tileSStep*(8*i+4*half+2*part)}
			VPUNPCKLWD(four, four, two)
			VMOVDQU(two, at)
			VPUNPCKHWD(four, four, two)
			VMOVDQU(two, at.Offset(tileSStep))
		}
	}
}

// storePairs stores minima or biases 8*i to 8*i+7, given as int16 by pair.
func storePairs(tile Register, i int, v [4]VecVirtual) {
	for p, x := range transposed(v) {
		VMOVDQU(x, Mem{Base: tile, Disp: tileM + tileMStep*(4*i+p)})
	}
}

// storeOnes stores scales of 1 and biases.
func (f format) storeOnes(tile Register) {
	one, less := YMM(), YMM()
	VMOVDQU(repeated("words01", 1, 0), one)
	VMOVDQU(repeated(fmt.Sprintf("words%02x", -f.bias&0xff), byte(-f.bias), 0xff), less)
	for u := range 16 {
		VMOVDQU(one, Mem{Base: tile, Disp: tileS + tileSStep*u})
	}
	for p := range 8 {
		VMOVDQU(less, Mem{Base: tile, Disp: tileM + tileMStep*p})
	}
}
