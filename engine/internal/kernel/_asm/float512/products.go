package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pairs of rows and mostVectors vectors are multiplied at a time: 24 registers of
// sums, 4 of weights and the vectors' broadcasts.
const (
	pairs       = 4
	mostVectors = 6
)

// A format is how the weights of a product are stored. All widen exactly.
type format struct {
	name  string // suffix of function names
	ctype string // Go type of an element
	bytes int    // size of one
}

var formats = []format{{"F32", "float32", 4}, {"F16", "uint16", 2}, {"BF16", "uint16", 2}}

// pair loads 8 elements of one row and then of another as 16 floats.
func (f format) pair(a, b Mem, v VecVirtual) {
	switch f.name {
	case "F32":
		VMOVUPS(a, v.AsY())
		VINSERTF32X8(Imm(1), b, v, v)
		return
	}
	VMOVDQU8(a, v.AsX())
	VINSERTI32X4(Imm(1), b, v.AsY(), v.AsY())
	if f.name == "F16" {
		VCVTPH2PS(v.AsY(), v)
		return
	}
	VPMOVZXWD(v.AsY(), v)
	VPSLLD(Imm(16), v, v)
}

// pairRows widens eight rows for tile.
func (f format) pairRows() {
	name := "pairRows" + f.name
	function(name, fmt.Sprintf("func(dst *float32, w *%s, stride, groups int)", f.ctype),
		name+" widens groups groups of 8 elements of eight rows, stride bytes apart: 8 elements of row 0, those of row 1 and so on to row 7, then the next 8 of each. It asks for the same elements of the next eight rows.")
	dst, w, stride, groups := arg("dst"), arg("w"), arg("stride"), arg("groups")
	three, high, ahead, far := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	LEAQ(Mem{Base: w, Index: stride, Scale: 4}, high)
	LEAQ(Mem{Base: w, Index: stride, Scale: 8}, ahead)
	LEAQ(Mem{Base: ahead, Index: stride, Scale: 4}, far)
	rows := func(low, high Register) []Mem {
		return []Mem{
			{Base: low}, {Base: low, Index: stride, Scale: 1}, {Base: low, Index: stride, Scale: 2}, {Base: low, Index: three, Scale: 1},
			{Base: high}, {Base: high, Index: stride, Scale: 1}, {Base: high, Index: stride, Scale: 2}, {Base: high, Index: three, Scale: 1},
		}
	}
	from, next := rows(w, high), rows(ahead, far)
	widen := func(n int) {
		for g := range n {
			for p := range pairs {
				v := ZMM()
				at := 8 * f.bytes * g
				f.pair(from[2*p].Offset(at), from[2*p+1].Offset(at), v)
				VMOVUPS(v, Mem{Base: dst, Disp: 64 * (pairs*g + p)})
			}
		}
		for _, r := range []Register{w, high, ahead, far} {
			ADDQ(Imm(uint64(8*f.bytes*n)), r)
		}
		ADDQ(U32(uint32(64*pairs*n)), dst)
	}
	// As many groups as a line of memory has.
	line := 64 / (8 * f.bytes)
	lines := GP64()
	MOVQ(groups, lines)
	SHRQ(Imm(uint64(line/2)), lines) // line is 2 or 4
	ANDQ(Imm(uint64(line-1)), groups)
	loop(name+"Line", lines, func() {
		for _, m := range next {
			PREFETCHT1(m)
		}
		widen(line)
	})
	loop(name+"Group", groups, func() { widen(1) })
	done()
}

// packVectors puts vectors side by side for tile.
func packVectors() {
	function("packVectors", "func(dst, x *float32, stride, groups, vectors int)",
		fmt.Sprintf("packVectors copies groups groups of 8 elements of vectors vectors, stride bytes apart: 8 elements of each, then the next 8 of each. 0 < vectors <= %d.", mostVectors))
	dst, x, stride, groups, n := arg("dst"), arg("x"), arg("stride"), arg("groups"), arg("vectors")
	high, three := GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	LEAQ(Mem{Base: x, Index: stride, Scale: 4}, high)
	from := []Mem{
		{Base: x}, {Base: x, Index: stride, Scale: 1}, {Base: x, Index: stride, Scale: 2}, {Base: x, Index: three, Scale: 1},
		{Base: high}, {Base: high, Index: stride, Scale: 1},
	}
	label := func(n int) string { return fmt.Sprintf("packVectors%d", n) }
	switchOn(n, mostVectors, label)
	for n := mostVectors; n > 0; n-- {
		Label(label(n))
		loop(label(n)+"Group", groups, func() {
			v := make([]VecVirtual, n)
			for i := range v {
				v[i] = YMM()
				VMOVUPS(from[i], v[i])
			}
			for i := range v {
				VMOVUPS(v[i], Mem{Base: dst, Disp: 32 * i})
			}
			ADDQ(Imm(32), x)
			ADDQ(Imm(32), high)
			ADDQ(Imm(uint64(32*n)), dst)
		})
		done()
	}
}

// tile has a loop for each number of vectors.
func tile() {
	function("tileWide", "func(dst *float32, ldd int, acc, w, x, next *float32, groups, vectors, part int)",
		fmt.Sprintf("tileWide multiplies eight rows w, as pairRows leaves them, with vectors vectors x, as packVectors does, 0 < vectors <= %d and 0 < groups. "+
			"The partial sums of a long product are at acc, 64 floats a vector: they are read unless bit 0 of part is set, for the first part of it; "+
			"with bit 1, for the last, the sums go to dst, 8 for each vector, ldd bytes apart, and else back to acc. "+
			"16 floats a group from next on are asked for.", mostVectors))
	acc, w, x, next, groups, n, part := arg("acc"), arg("w"), arg("x"), arg("next"), arg("groups"), arg("vectors"), arg("part")
	order := evenOdd()
	label := func(n int) string { return fmt.Sprintf("tileWide%d", n) }
	switchOn(n, mostVectors, label)
	for n := mostVectors; n > 0; n-- {
		Label(label(n))
		sums := zmms(pairs * n)
		for _, s := range sums {
			VPXORD(s, s, s)
		}
		TESTQ(U32(1), part)
		JNZ(LabelRef(label(n) + "Begin"))
		for i, s := range sums {
			VMOVUPS(Mem{Base: acc, Disp: 64 * i}, s)
		}
		Label(label(n) + "Begin")
		weights := zmms(pairs)
		Label(label(n) + "Group")
		for p, v := range weights {
			VMOVUPS(Mem{Base: w, Disp: 64 * p}, v)
		}
		for i := range n {
			v := ZMM()
			VBROADCASTF32X8(Mem{Base: x, Disp: 32 * i}, v)
			for p := range pairs {
				VFMADD231PS(weights[p], v, sums[pairs*i+p])
			}
		}
		PREFETCHT1(Mem{Base: next})
		ADDQ(Imm(64), next)
		ADDQ(U32(64*pairs), w)
		ADDQ(Imm(uint64(32*n)), x)
		DECQ(groups)
		JNZ(LabelRef(label(n) + "Group"))
		TESTQ(U32(2), part)
		JNZ(LabelRef(label(n) + "End"))
		for i, s := range sums {
			VMOVUPS(s, Mem{Base: acc, Disp: 64 * i})
		}
		done()
		Label(label(n) + "End")
		dst, ldd, by := arg("dst"), arg("ldd"), ZMM()
		VMOVDQU32(order, by.AsY())
		for i := range n {
			sum := sumPairs(sums[pairs*i:pairs*i+pairs], by)
			VMOVUPS(sum.AsY(), Mem{Base: dst})
			if i+1 < n {
				ADDQ(ldd, dst)
			}
		}
		done()
	}
}

// sumPairs adds up the lanes of four registers with two rows each: the first half
// of the result is the sums of the eight rows in order.
func sumPairs(a []VecVirtual, order VecVirtual) VecVirtual {
	// Neighbours within 128 bits: a's first, then b's.
	add := func(a, b VecVirtual) VecVirtual {
		odd := ZMM()
		VSHUFPS(Imm(0xdd), b, a, odd)
		VSHUFPS(Imm(0x88), b, a, a)
		VADDPS(odd, a, a)
		return a
	}
	// The four lanes: even rows, elements 0 to 3 and 4 to 7; odd rows, the same.
	v := add(add(a[0], a[1]), add(a[2], a[3]))
	high := ZMM()
	VSHUFF32X4(Imm(0xdd), v, v, high)
	VSHUFF32X4(Imm(0x88), v, v, v)
	VADDPS(high.AsY(), v.AsY(), v.AsY())
	VPERMPS(v.AsY(), order.AsY(), v.AsY())
	return v
}

// evenOdd puts four even rows and four odd ones in order.
func evenOdd() Mem {
	m := GLOBL("tileEvenOdd", attr.RODATA|attr.NOPTR)
	for i, x := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(x))
	}
	return m
}
