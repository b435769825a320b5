package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// mostQueries is how many queries are multiplied with eight keys at a time: a
// register holds the 8 partial sums of a query and a key, next to those of the
// next key.
const mostQueries = 6

// scores are the products of queries and keys, with the bits of the AVX2 version:
// the partial sum of a lane is a chain of fused multiply-adds over groups of 8
// elements in order, and the 8 are added up as sum8 does.
func scores() {
	pairKeys()
	order := evenOdd()
	score("F16", "func(dst *float32, ldd int, q *float32, ldq int, k *uint16, stride, eights, groups, queries int)",
		"row j of k, half floats stride bytes apart", order, keysF16)
	score("Pairs", "func(dst *float32, ldd int, q *float32, ldq int, k *float32, stride, eights, groups, queries int)",
		"key j of k as pairKeys leaves them, each pair stride bytes from the last", order, keysPaired)
}

// keys is where a function finds eight keys.
type keys struct {
	start func()                    // the arguments are loaded
	load  func(pair int) VecVirtual // the next 8 elements of a pair
	step  func()                    // 8 elements on
	next  func(groups Register)     // at the end of eight keys: to the next ones
}

func keysF16() keys {
	k, stride := Load(Param("k"), GP64()), Load(Param("stride"), GP64())
	three, high, ahead := GP64(), GP64(), GP64()
	rows := []Mem{
		{Base: k}, {Base: k, Index: stride, Scale: 1}, {Base: k, Index: stride, Scale: 2}, {Base: k, Index: three, Scale: 1},
		{Base: high}, {Base: high, Index: stride, Scale: 1}, {Base: high, Index: stride, Scale: 2}, {Base: high, Index: three, Scale: 1},
	}
	return keys{
		start: func() {
			LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
			LEAQ(Mem{Base: k, Index: stride, Scale: 4}, high)
			LEAQ(Mem{Base: k, Index: stride, Scale: 8}, ahead)
		},
		load: func(pair int) VecVirtual {
			v := ZMM()
			VMOVDQU8(rows[2*pair], v.AsX())
			VINSERTI32X4(Imm(1), rows[2*pair+1], v.AsY(), v.AsY())
			VCVTPH2PS(v.AsY(), v)
			return v
		},
		step: func() {
			// 8 elements of eight rows are 128 bytes of the next eight rows.
			PREFETCHT0(Mem{Base: ahead})
			PREFETCHT0(Mem{Base: ahead, Disp: 64})
			ADDQ(I32(128), ahead)
			ADDQ(Imm(16), k)
			ADDQ(Imm(16), high)
		},
		next: func(groups Register) {
			// Back to the start of the rows, and eight rows on.
			back := GP64()
			MOVQ(groups, back)
			SHLQ(Imm(4), back)
			SUBQ(back, k)
			LEAQ(Mem{Base: k, Index: stride, Scale: 8}, k)
			LEAQ(Mem{Base: k, Index: stride, Scale: 4}, high)
			LEAQ(Mem{Base: k, Index: stride, Scale: 8}, ahead)
		},
	}
}

func keysPaired() keys {
	k, stride, three := Load(Param("k"), GP64()), Load(Param("stride"), GP64()), GP64()
	pairs := []Mem{{Base: k}, {Base: k, Index: stride, Scale: 1}, {Base: k, Index: stride, Scale: 2}, {Base: k, Index: three, Scale: 1}}
	return keys{
		start: func() { LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three) },
		load: func(pair int) VecVirtual {
			v := ZMM()
			VMOVUPS(pairs[pair], v)
			return v
		},
		step: func() { ADDQ(Imm(64), k) },
		next: func(groups Register) {
			back := GP64()
			MOVQ(groups, back)
			SHLQ(Imm(6), back)
			SUBQ(back, k)
			LEAQ(Mem{Base: k, Index: stride, Scale: 4}, k)
		},
	}
}

// score is a function with a loop for each number of queries.
func score(name, signature, about string, evenOdd Mem, open func() keys) {
	TEXT("scoreWide"+name, attr.NOSPLIT, signature)
	Pragma("noescape")
	Doc(fmt.Sprintf("scoreWide%s sets dst_i[j] to q_i times %s, for j < 8*eights and i < queries, with 0 < eights and 0 < queries <= %d. A key is groups groups of 8 elements, 0 < groups; ldd and ldq, from each query to the next, are in bytes.",
		name, about, mostQueries))
	dst, ldd, ldq := Load(Param("dst"), GP64()), Load(Param("ldd"), GP64()), Load(Param("ldq"), GP64())
	keys := open()
	keys.start()
	three, order := GP64(), ZMM()
	LEAQ(Mem{Base: ldq, Index: ldq, Scale: 2}, three)
	VMOVDQU32(evenOdd, order.AsY())
	queries := Load(Param("queries"), GP64())
	label := func(what string, n int) string { return fmt.Sprintf("%s%d", what, n) }
	for n := 1; n < mostQueries; n++ {
		CMPQ(queries, Imm(uint64(n)))
		JEQ(LabelRef(label("queries", n)))
	}
	for n := mostQueries; n > 0; n-- {
		Label(label("queries", n))
		acc := make([]VecVirtual, 4*n)
		for i := range acc {
			acc[i] = ZMM()
			VPXORD(acc[i], acc[i], acc[i])
		}
		q, far, left := Load(Param("q"), GP64()), GP64(), Load(Param("groups"), GP64())
		LEAQ(Mem{Base: q, Index: ldq, Scale: 1}, far)
		at := []Mem{{Base: q}, {Base: far}, {Base: q, Index: ldq, Scale: 2}, {Base: q, Index: three, Scale: 1}, {Base: q, Index: ldq, Scale: 4}, {Base: far, Index: ldq, Scale: 4}}
		Label(label("group", n))
		var k [4]VecVirtual
		for p := range k {
			k[p] = keys.load(p)
		}
		for i := range n {
			x := ZMM()
			VBROADCASTF32X8(at[i], x)
			for p := range k {
				VFMADD231PS(k[p], x, acc[4*i+p])
			}
		}
		keys.step()
		ADDQ(Imm(32), q)
		ADDQ(Imm(32), far)
		DECQ(left)
		JNZ(LabelRef(label("group", n)))
		to := GP64()
		MOVQ(dst, to)
		for i := range n {
			sum := sumPairs(acc[4*i:4*i+4], order)
			VMOVUPS(sum.AsY(), Mem{Base: to})
			if i+1 < n {
				ADDQ(ldd, to)
			}
		}
		ADDQ(Imm(32), dst)
		keys.next(Load(Param("groups"), GP64()))
		eights := Load(Param("eights"), GP64())
		DECQ(eights)
		Store(eights, Param("eights"))
		JNZ(LabelRef(label("queries", n)))
		VZEROUPPER()
		RET()
	}
}

// sumPairs adds up the lanes of four registers with two keys each: the first half
// of the result is the sums of the eight keys in order.
func sumPairs(a []VecVirtual, order VecVirtual) VecVirtual {
	// Neighbours within 128 bits: a's first, then b's.
	add := func(a, b VecVirtual) VecVirtual {
		odd := ZMM()
		VSHUFPS(Imm(0xdd), b, a, odd)
		VSHUFPS(Imm(0x88), b, a, a)
		VADDPS(odd, a, a)
		return a
	}
	// The four lanes: even keys, elements 0 to 3 and 4 to 7; odd keys, the same.
	v := add(add(a[0], a[1]), add(a[2], a[3]))
	high := ZMM()
	VSHUFF32X4(Imm(0xdd), v, v, high)
	VSHUFF32X4(Imm(0x88), v, v, v)
	VADDPS(high.AsY(), v.AsY(), v.AsY())
	VPERMPS(v.AsY(), order.AsY(), v.AsY())
	return v
}

// evenOdd puts four even keys and four odd ones in order.
func evenOdd() Mem {
	m := GLOBL("wideEvenOdd", attr.RODATA|attr.NOPTR)
	for i, x := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(x))
	}
	return m
}

// pairKeys widens keys for scoreWidePairs.
func pairKeys() {
	TEXT("pairKeysF16", attr.NOSPLIT, "func(dst *float32, k *uint16, stride, pairs, groups int)")
	Pragma("noescape")
	Doc("pairKeysF16 widens 2*pairs keys, half floats stride bytes apart: each 8 elements of a key followed by those of the next. A key is groups groups of 8 elements, 0 < groups and 0 < pairs.")
	dst, k, stride, pairs := Load(Param("dst"), GP64()), Load(Param("k"), GP64()), Load(Param("stride"), GP64()), Load(Param("pairs"), GP64())
	Label("pair")
	p, left, v := GP64(), Load(Param("groups"), GP64()), ZMM()
	MOVQ(k, p)
	Label("group")
	VMOVDQU8(Mem{Base: p}, v.AsX())
	VINSERTI32X4(Imm(1), Mem{Base: p, Index: stride, Scale: 1}, v.AsY(), v.AsY())
	VCVTPH2PS(v.AsY(), v)
	VMOVUPS(v, Mem{Base: dst})
	ADDQ(Imm(16), p)
	ADDQ(Imm(64), dst)
	DECQ(left)
	JNZ(LabelRef("group"))
	LEAQ(Mem{Base: k, Index: stride, Scale: 2}, k)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	VZEROUPPER()
	RET()
}
