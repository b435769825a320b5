package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ahead is how many blocks are prefetched before their use: of each row, about
// 800 bytes, with which all formats come near the speed of plain reading.
func (f format) ahead() int { return (800 + f.bytes - 1) / f.bytes }

// rows is the product of one or two vectors of activations with groups of eight
// rows, read where they are. Lane i of a vector register is row i in the end: the
// sum over the blocks is a chain of float operations that must be kept apart.
func rows(f format, vectors int) {
	name, what := "rows"+f.name, "product of row j of w and the activations q, for j < 8*groups"
	if vectors == 2 {
		name, what = "rowsTwo"+f.name, "product of row j of w and the first of two vectors of activations, dst[stride2+j] to that with the second, "+
			"for j < 8*groups. Block by block, the activations of the second follow those of the first, and so do their scales and sums"
		function(name, "func(dst *float32, stride2 int, w *byte, stride int, q *int8, d *float32, sums *int16, blocks, groups int)",
			name+" sets dst[j] to the "+what+". Rows are stride bytes apart.")
	} else {
		function(name, "func(dst *float32, w *byte, stride int, q *int8, d *float32, sums *int16, blocks, groups int)",
			name+" sets dst[j] to the "+what+". Rows are stride bytes apart.")
	}
	r := eight{low: arg("w"), high: GP64(), stride: arg("stride"), three: GP64()}
	LEAQ(Mem{Base: r.stride, Index: r.stride, Scale: 2}, r.three)
	f.openBook()

	Label("group")
	acc := ymms(vectors)
	for _, v := range acc {
		zero(v)
	}
	q, d, sums, left := arg("q"), arg("d"), arg("sums"), arg("blocks")
	LEAQ(Mem{Base: r.low, Index: r.stride, Scale: 4}, r.high)
	Label("block")
	f.prefetch(r, left)
	isum, imin := f.sums(r, q, sums, vectors)
	f.term(r, d, sums, isum, imin, acc)
	ADDQ(U32(uint32(f.bytes)), r.low)
	ADDQ(U32(uint32(f.bytes)), r.high)
	if f.small() {
		ADDQ(Imm(32), q)
		ADDQ(Imm(2), sums)
	} else {
		ADDQ(U32(uint32(vectors*superQ)), q)
		ADDQ(Imm(uint64(vectors*superSumsBytes)), sums)
	}
	ADDQ(Imm(uint64(4*vectors)), d)
	DECQ(left)
	JNZ(LabelRef("block"))
	dst := arg("dst")
	VMOVUPS(acc[0], Mem{Base: dst})
	if vectors == 2 {
		VMOVUPS(acc[1], Mem{Base: dst, Index: arg("stride2"), Scale: 4})
	}
	ADDQ(Imm(32), dst)
	Store(dst, Param("dst"))
	// At the end of row 0 now; seven rows on.
	LEAQ(Mem{Base: r.low, Index: r.stride, Scale: 4}, r.low)
	ADDQ(r.three, r.low)
	groups := arg("groups")
	DECQ(groups)
	Store(groups, Param("groups"))
	JNZ(LabelRef("group"))
	done()
}

// What a block of 256 weights meets: so many bytes of activations, and of their
// sums.
const (
	superQ         = 256
	superSumsBytes = 32
)

// small says that blocks have 32 weights.
func (f format) small() bool { return f.bytes < 40 }

// prefetch asks for the blocks some way ahead, which are in the next eight rows
// near the end of a row.
func (f format) prefetch(r eight, left Register) {
	p, next := GP64(), GP64()
	LEAQ(Mem{Base: r.low, Disp: f.ahead() * f.bytes}, p)
	LEAQ(Mem{Base: p, Index: r.stride, Scale: 4}, next)
	ADDQ(r.three, next)
	CMPQ(left, Imm(uint64(f.ahead())))
	CMOVQLE(next, p)
	e := eight{p, next, r.stride, r.three}
	LEAQ(Mem{Base: p, Index: r.stride, Scale: 4}, next)
	for i := range 8 {
		for off := 0; off < f.bytes; off += 64 {
			PREFETCHT0(e.row(i, off))
		}
	}
}

// sums is the integer sums of a block of the eight rows, for each vector: of the
// products of weights, and of minima if there are any.
func (f format) sums(r eight, q, sums Register, vectors int) (isum, imin []VecVirtual) {
	if f.small() {
		var v [4]VecVirtual
		for n := range v {
			v[n] = f.products(r.pair(n), q, nil, make([]VecVirtual, 1))[0]
		}
		return []VecVirtual{joinedSums(v)}, nil
	}
	s32 := make([]VecVirtual, vectors)
	if f.wide && (f.mins || f.biased()) {
		for i := range s32 {
			s32[i] = sums32(sums, i)
		}
	}
	// A loop over the pairs, for the size of the code.
	const all = 4 * 32
	local := AllocLocal(2 * all * vectors)
	at := GP64()
	XORQ(at, at)
	Label("pair")
	local.Index, local.Scale = at, 1
	f.sumPair(r.pair(0), q, sums, s32, func(v int) Mem { return local.Offset(2 * all * v) }, func(v int) Mem { return local.Offset(2*all*v + all) })
	ADDQ(r.stride, r.low)
	ADDQ(r.stride, r.high)
	ADDQ(Imm(32), at)
	CMPQ(at, U32(all))
	JLT(LabelRef("pair"))
	MOVQ(r.low, r.high) // it is there now
	SUBQ(r.three, r.low)
	SUBQ(r.stride, r.low)
	local.Index = nil
	for v := range vectors {
		isum = append(isum, joinedSums(loaded(local.Offset(2*all*v))))
		if f.mins {
			imin = append(imin, joinedSums(loaded(local.Offset(2*all*v+all))))
		}
	}
	return isum, imin
}

// biased says that the weights have a bias when rows multiplies them.
func (f format) biased() bool { return f.bias != 0 && !f.signs && !f.signed }

// sumPair stores the integer sums of a pair of rows, four a lane, for each vector.
func (f format) sumPair(p pair, q, sums Register, s32 []VecVirtual, isum, imin func(v int) Mem) {
	var scales, minima []VecVirtual
	if f.scales != nil {
		scales, minima = f.scales(p)
	}
	start := make([]VecVirtual, len(s32))
	for v := range s32 {
		if f.mins {
			VMOVDQU(dotSums(minima, sums, v, s32[v]), imin(v))
		}
		if f.biased() {
			start[v] = f.biases(scales, sums, v, s32[v])
		}
	}
	for v, x := range f.products(p, q, scales, start) {
		VMOVDQU(x, isum(v))
	}
}

// loaded is four vectors in memory.
func loaded(m Mem) (v [4]VecVirtual) {
	for i := range v {
		v[i] = YMM()
		VMOVDQU(m.Offset(32*i), v[i])
	}
	return v
}

// joinedSums adds up the 4 elements of each lane: the sums of the lanes of v[i]
// become elements i and i+4.
func joinedSums(v [4]VecVirtual) VecVirtual {
	VPHADDD(v[1], v[0], v[0])
	VPHADDD(v[3], v[2], v[2])
	VPHADDD(v[2], v[0], v[0])
	return v[0]
}

// sums32 is the 8 sums of 32 activations of a vector, as int16 in both lanes, from
// those of 16.
func sums32(p Register, vector int) VecVirtual {
	v := YMM()
	VMOVDQU(Mem{Base: p, Disp: superSumsBytes * vector}, v)
	VPMADDWD(repeated("words01", 1, 0), v, v)
	VPACKSSDW(v, v, v)
	VPERMQ(Imm(0x88), v, v)
	return v
}

// dotSums is the products of int16 vectors, one or two, and the sums of
// activations of a vector: of 32 from s32, or of 16 from memory.
func dotSums(v []VecVirtual, sums Register, vector int, s32 VecVirtual) VecVirtual {
	t := ymms(2)
	if s32 != nil {
		VPMADDWD(s32, v[0], t[0])
		return t[0]
	}
	for i := range t {
		VBROADCASTI128(Mem{Base: sums, Disp: superSumsBytes*vector + 16*i}, t[i])
		VPMADDWD(v[i], t[i], t[i])
	}
	VPADDD(t[1], t[0], t[0])
	return t[0]
}

// biases is what the bias of the weights added too much.
func (f format) biases(scales []VecVirtual, sums Register, vector int, s32 VecVirtual) VecVirtual {
	if scales == nil {
		one := YMM()
		VMOVDQU(repeated("words01", 1, 0), one)
		scales = []VecVirtual{one, one}
	}
	v := dotSums(scales, sums, vector, s32)
	if n := log2(f.bias); n >= 0 {
		VPSLLD(Imm(uint64(n)), v, v)
	} else {
		VPMULLD(repeated(fmt.Sprintf("dwords%02x", f.bias), byte(f.bias), 0, 0, 0), v, v)
	}
	return v
}

// log2 is the exponent of a power of two, -1 of other numbers.
func log2(x int) int {
	for n := range 8 {
		if x == 1<<n {
			return n
		}
	}
	return -1
}

// products is the sums of products of the weights of two rows, 4 a lane, for each
// vector. less, if there is one, is subtracted.
func (f format) products(p pair, q Register, scales, less []VecVirtual) (total []VecVirtual) {
	s := make([]scaledSum, len(less))
	for v := range s {
		s[v] = scaledSum{f: f, scales: scales, less: less[v]}
	}
	for _, st := range f.steps {
		if st.lookup != nil {
			v, signs := st.lookup(p)
			for i := range v {
				x := YMM()
				VBROADCASTI128(Mem{Base: q, Disp: 16 * (st.u + i)}, x)
				if f.signs {
					VPSIGNB(signs[i], x, x)
				}
				VPMADDUBSW(x, v[i], x)
				s[0].add(st.u+i, x)
			}
			continue
		}
		raw := make([]VecVirtual, len(st.raw))
		for i, load := range st.raw {
			raw[i] = load(p)
		}
		for _, o := range st.out {
			w := o.make(raw)
			for v := range s {
				s[v].add(o.u, f.product(w, Mem{Base: q, Disp: superQ*v + 16*o.u}))
			}
		}
	}
	for v := range s {
		s[v].flush()
		total = append(total, s[v].total)
	}
	return total
}

// A scaledSum adds products in 16 bits while they fit and have the same scale,
// then in 32 bits.
type scaledSum struct {
	f          format
	scales     []VecVirtual
	less       VecVirtual // subtracted from the first
	total, sum VecVirtual
	first, n   int // weights and number of the products in sum
}

// add adds the products of weights u, and takes over their register.
func (s *scaledSum) add(u int, v VecVirtual) {
	if s.sum != nil && (s.n == s.f.most() || s.f.scaleOf(u) != s.f.scaleOf(s.first)) {
		s.flush()
	}
	if s.sum == nil {
		s.sum, s.first = v, u
	} else {
		VPADDW(v, s.sum, s.sum)
	}
	s.n++
}

// flush adds sum, scaled, to total.
func (s *scaledSum) flush() {
	s.f.scale(s.first, s.scales, s.sum)
	switch {
	case s.total != nil:
		VPADDD(s.sum, s.total, s.total)
	case s.less != nil:
		s.total = s.sum
		VPSUBD(s.less, s.total, s.total)
	default:
		s.total = s.sum
	}
	s.sum, s.n = nil, 0
}

// scaleOf is the number of the scale of weights u.
func (f format) scaleOf(u int) int {
	switch {
	case f.scales == nil:
		return 0
	case f.wide:
		return u / 2
	}
	return u
}

// scale multiplies v with the scale of weights u and widens it to 32 bits.
func (f format) scale(u int, scales []VecVirtual, v VecVirtual) {
	if scales == nil {
		VPMADDWD(repeated("words01", 1, 0), v, v)
		return
	}
	n := f.scaleOf(u)
	i := byte(2 * (n % 8))
	s := YMM()
	VPSHUFB(repeated(fmt.Sprintf("word%d", n%8), i, i+1), scales[n/8], s)
	VPMADDWD(s, v, v)
}

// product is weights times 16 activations, added in pairs.
func (f format) product(v VecVirtual, q Mem) VecVirtual {
	x, y := YMM(), YMM()
	VBROADCASTI128(q, x)
	if f.signed {
		VPSIGNB(v, x, x)
		VPABSB(v, y)
		VPMADDUBSW(x, y, x)
	} else {
		VPMADDUBSW(x, v, x)
	}
	return x
}

// term adds the terms of a block to acc, by vector.
func (f format) term(r eight, d, sums Register, isum, imin, acc []VecVirtual) {
	if f.small() {
		f.smallTerm(r, d, sums, isum[0], acc[0])
		return
	}
	D, min := f.factors(r)
	for v := range acc {
		x, y := YMM(), YMM()
		VBROADCASTSS(Mem{Base: d, Disp: 4 * v}, x)
		VCVTDQ2PS(isum[v], isum[v])
		VMULPS(x, D, y)
		VMULPS(isum[v], y, y)
		if min != nil {
			VMULPS(x, min, x)
			VCVTDQ2PS(imin[v], imin[v])
			VMULPS(imin[v], x, x)
			VSUBPS(x, y, y)
		}
		VADDPS(y, acc[v], acc[v])
	}
}

// smallTerm is term for blocks of 32 weights.
func (f format) smallTerm(r eight, d, sums Register, isum, acc VecVirtual) {
	if f.bias != 0 {
		b := YMM()
		VPBROADCASTW(Mem{Base: sums}, b)
		VPMADDWD(repeated(fmt.Sprintf("bias%02x", f.bias), byte(-f.bias), 0xff, 0, 0), b, b)
		VPADDD(b, isum, isum)
	}
	x := YMM()
	VBROADCASTSS(Mem{Base: d}, x)
	D, min := f.factors(r)
	VCVTDQ2PS(isum, isum)
	VMULPS(x, D, D)
	VMULPS(isum, D, D)
	if min != nil {
		VMULPS(x, min, min)
		imin := YMM()
		VPBROADCASTW(Mem{Base: sums}, imin)
		VPMADDWD(repeated("even01", 1, 0, 0, 0), imin, imin)
		VCVTDQ2PS(imin, imin)
		VMULPS(imin, min, min)
		VADDPS(min, D, D)
	}
	VADDPS(D, acc, acc)
}
