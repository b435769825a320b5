package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// mostBlockQueries is how many queries are multiplied with sixteen keys in blocks
// at a time.
const mostBlockQueries = 8

// blocked is a type of blocks as keys. The 16 bytes or 32 of two rows, eight
// apart, become 64 unsigned bytes, larger by bias than the weights are.
type blocked struct {
	name string
	size int
	bias int
	// constants makes what load needs; load makes the bytes from two rows.
	constants func() []VecVirtual
	load      func(low, high Mem, constants []VecVirtual) VecVirtual
}

var blockKeys = []blocked{
	{"Q80", 34, 128, signs, func(low, high Mem, c []VecVirtual) VecVirtual {
		v := ZMM()
		VMOVDQU8(low, v.AsY())
		VINSERTI32X8(Imm(1), high, v, v)
		VPXORD(c[0], v, v)
		return v
	}},
	{"Q40", 18, 8, shifts, func(low, high Mem, c []VecVirtual) VecVirtual {
		v := ZMM()
		VMOVDQU8(low, v.AsX())
		VINSERTI32X4(Imm(1), high, v.AsY(), v.AsY())
		// Each row twice: its lower nibbles, then its upper ones.
		VSHUFI64X2(Imm(0x50), v, v, v)
		VPSRLVD(c[0], v, v)
		VPANDD(c[1], v, v)
		return v
	}},
}

// signs flips the top bit of each byte.
func signs() []VecVirtual {
	v := ZMM()
	VPBROADCASTD(words("wideSigns", 0x80808080), v)
	return []VecVirtual{v}
}

// shifts moves every other 128 bits by a nibble, and masks nibbles.
func shifts() []VecVirtual {
	v := []VecVirtual{ZMM(), ZMM()}
	VMOVDQU32(words("wideShifts", 0, 0, 0, 0, 4, 4, 4, 4, 0, 0, 0, 0, 4, 4, 4, 4), v[0])
	VPBROADCASTD(words("wideNibbles", 0x0f0f0f0f), v[1])
	return v
}

// words is 32-bit words in memory.
func words(name string, w ...uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i, x := range w {
		DATA(4*i, U32(x))
	}
	return m
}

// rowOrder is which row lane i of a register belongs to: what transpose leaves.
var rowOrder = []uint32{0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15}

// blockScores are the products of queries of 8 bits and keys in blocks: exact
// sums of integers, then the float operations of doc.go, each on its own.
func blockScores() {
	order := words("wideRowOrder", rowOrder...)
	inverse := make([]uint32, 16)
	for i, r := range rowOrder {
		inverse[r] = uint32(i)
	}
	back := words("wideRowsBack", inverse...)
	for _, b := range blockKeys {
		b.scores(order, back)
	}
}

func (b blocked) scores(order, back Mem) {
	name := "scoreWide" + b.name
	TEXT(name, attr.NOSPLIT, "func(dst *float32, ldd int, k *byte, stride, sixteens, blocks int, q *int8, d *float32, sums *int16, queries int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s sets dst_i[j] to query i times row j of k, for j < 16*sixteens and i < queries, with 0 < sixteens and 0 < queries <= %d. Rows and queries are blocks blocks long, 0 < blocks; ldd, from each query's dst to the next, and stride, from each row to the next, are in bytes.", name, mostBlockQueries))
	queries := Load(Param("queries"), GP64())
	constants := b.constants()
	// Where the scales of the sixteen rows are, in the order of the lanes.
	at, stride := ZMM(), GP64()
	Load(Param("stride"), stride)
	VPBROADCASTD(stride.As32(), at)
	VPMULLD(order, at, at)
	bias := ZMM()
	VPBROADCASTD(words(name+"Bias", uint32(uint16(-b.bias))), bias)
	label := func(what string, n int) string { return fmt.Sprintf("%s%d", what, n) }
	for n := 1; n < mostBlockQueries; n++ {
		CMPQ(queries, Imm(uint64(n)))
		JEQ(LabelRef(label("queries", n)))
	}
	for n := mostBlockQueries; n > 0; n-- {
		Label(label("queries", n))
		acc := make([]VecVirtual, n)
		for i := range acc {
			acc[i] = ZMM()
			VPXORD(acc[i], acc[i], acc[i])
		}
		k, q, d, sums, left := Load(Param("k"), GP64()), Load(Param("q"), GP64()), Load(Param("d"), GP64()), Load(Param("sums"), GP64()), Load(Param("blocks"), GP64())
		Label(label("block", n))
		columns := b.transposed(k, stride, constants)
		scale := rowScales(k, at)
		blocks := Load(Param("blocks"), GP64())
		qi, di, si := GP64(), GP64(), GP64()
		MOVQ(q, qi)
		MOVQ(d, di)
		MOVQ(sums, si)
		for i := range n {
			sum, term := ZMM(), ZMM()
			VPBROADCASTW(Mem{Base: si}, sum)
			VPMADDWD(bias, sum, sum)
			for c, column := range columns {
				VPDPBUSD_BCST(Mem{Base: qi, Disp: 4 * c}, column, sum)
			}
			VCVTDQ2PS(sum, sum)
			VMULPS_BCST(Mem{Base: di}, scale, term)
			VMULPS(sum, term, term)
			VADDPS(term, acc[i], acc[i])
			if i+1 < n {
				// A query has 32 bytes, a scale and a sum a block.
				step := GP64()
				MOVQ(blocks, step)
				SHLQ(Imm(5), step)
				ADDQ(step, qi)
				LEAQ(Mem{Base: di, Index: blocks, Scale: 4}, di)
				LEAQ(Mem{Base: si, Index: blocks, Scale: 2}, si)
			}
		}
		ADDQ(Imm(uint64(b.size)), k)
		ADDQ(Imm(32), q)
		ADDQ(Imm(4), d)
		ADDQ(Imm(2), sums)
		DECQ(left)
		JNZ(LabelRef(label("block", n)))
		dst, ldd, rows := Load(Param("dst"), GP64()), Load(Param("ldd"), GP64()), ZMM()
		VMOVDQU32(back, rows)
		for i := range n {
			VPERMPS(acc[i], rows, acc[i])
			if i == 0 {
				VMOVUPS(acc[i], Mem{Base: dst})
				continue
			}
			ADDQ(ldd, dst)
			VMOVUPS(acc[i], Mem{Base: dst})
		}
		// To the next sixteen rows.
		first := Load(Param("dst"), GP64())
		ADDQ(Imm(64), first)
		Store(first, Param("dst"))
		row := Load(Param("k"), GP64())
		sixteen := GP64()
		MOVQ(stride, sixteen)
		SHLQ(Imm(4), sixteen)
		ADDQ(sixteen, row)
		Store(row, Param("k"))
		sixteens := Load(Param("sixteens"), GP64())
		DECQ(sixteens)
		Store(sixteens, Param("sixteens"))
		JNZ(LabelRef(label("queries", n)))
		VZEROUPPER()
		RET()
	}
}

// rowScales is the scales of sixteen rows as floats.
func rowScales(k Register, at VecVirtual) VecVirtual {
	v, all := ZMM(), K()
	VPXORD(v, v, v)
	KXNORW(all, all, all)
	VPGATHERDD(Mem{Base: k, Index: at, Scale: 1}, all, v)
	VPMOVDW(v, v.AsY())
	VCVTPH2PS(v.AsY(), v)
	return v
}

// transposed is eight registers of four columns each of sixteen rows' next block.
func (b blocked) transposed(k, stride Register, constants []VecVirtual) []VecVirtual {
	three, five, seven, high := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	LEAQ(Mem{Base: stride, Index: stride, Scale: 4}, five)
	LEAQ(Mem{Base: three, Index: stride, Scale: 4}, seven)
	LEAQ(Mem{Base: k, Index: stride, Scale: 8}, high)
	row := func(base Register, i int) Mem {
		m := Mem{Base: base, Disp: 2}
		switch i {
		case 1, 2, 4:
			m.Index, m.Scale = stride, uint8(i)
		case 3, 6:
			m.Index, m.Scale = three, uint8(i/3)
		case 5:
			m.Index, m.Scale = five, 1
		case 7:
			m.Index, m.Scale = seven, 1
		}
		return m
	}
	z := make([]VecVirtual, 8)
	for i := range z {
		z[i] = b.load(row(k, i), row(high, i), constants)
	}
	// Ask for the same block of the next sixteen rows.
	for range 2 {
		LEAQ(Mem{Base: high, Index: stride, Scale: 8}, high)
		for i := range z {
			PREFETCHT0(row(high, i))
		}
	}
	// Pairs of rows, then fours, within 128 bits.
	t := make([]VecVirtual, 8)
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = ZMM(), ZMM()
		VPUNPCKLDQ(z[i+1], z[i], t[i])
		VPUNPCKHDQ(z[i+1], z[i], t[i+1])
	}
	u := make([]VecVirtual, 8)
	for i := 0; i < 8; i += 4 {
		for h := range 2 {
			u[i+2*h], u[i+2*h+1] = ZMM(), ZMM()
			VPUNPCKLQDQ(t[i+2+h], t[i+h], u[i+2*h])
			VPUNPCKHQDQ(t[i+2+h], t[i+h], u[i+2*h+1])
		}
	}
	// u[c] is columns c and c+4 of rows 0 to 3 and 8 to 11, u[4+c] of the others.
	w := make([]VecVirtual, 8)
	for c := range 4 {
		w[c], w[c+4] = ZMM(), ZMM()
		VSHUFI32X4(Imm(0x88), u[4+c], u[c], w[c])
		VSHUFI32X4(Imm(0xdd), u[4+c], u[c], w[c+4])
	}
	return w
}
