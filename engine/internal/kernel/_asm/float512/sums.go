package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// mostSums sums of mostColumns registers each are kept.
const mostSums, mostColumns = 4, 6

// accumulate has a loop for each number of sums and of registers a sum takes.
func accumulate() {
	function("accumColumns", "func(o *float32, ldo int, p *float32, ldp int, v *float32, stride, n, sums, columns int, last uint16)",
		fmt.Sprintf("accumColumns adds p_i[j] times row j of v to o_i, for j < n and i < sums, with 0 < n and 0 < sums <= %d. "+
			"A row is columns registers, 0 < columns <= %d, of which the last has the lanes of last. ldo, ldp and stride, from each sum and row to the next, are in bytes.", mostSums, mostColumns))
	o, ldo, p, ldp, v, stride, n, sums, columns := arg("o"), arg("ldo"), arg("p"), arg("ldp"), arg("v"), arg("stride"), arg("n"), arg("sums"), arg("columns")
	mask, lanes := K(), GP32()
	Load(Param("last"), lanes.As16())
	KMOVW(lanes, mask)
	three := GP64()
	LEAQ(Mem{Base: ldp, Index: ldp, Scale: 2}, three)
	weights := []Mem{{Base: p}, {Base: p, Index: ldp, Scale: 1}, {Base: p, Index: ldp, Scale: 2}, {Base: p, Index: three, Scale: 1}}
	forSums := func(s int) string { return fmt.Sprintf("accumSums%d", s) }
	switchOn(sums, mostSums, forSums)
	for s := mostSums; s > 0; s-- {
		Label(forSums(s))
		label := func(c int) string { return fmt.Sprintf("%sColumns%d", forSums(s), c) }
		switchOn(columns, mostColumns, label)
		for c := mostColumns; c > 0; c-- {
			Label(label(c))
			acc := zmms(s * c)
			at := GP64()
			each := func(whole func(m Mem, r VecVirtual), part func(m Mem, r VecVirtual)) {
				MOVQ(o, at)
				for i := range s {
					for j := range c - 1 {
						whole(Mem{Base: at, Disp: 64 * j}, acc[i*c+j])
					}
					part(Mem{Base: at, Disp: 64 * (c - 1)}, acc[i*c+c-1])
					if i+1 < s {
						ADDQ(ldo, at)
					}
				}
			}
			load := func(m Mem, r VecVirtual) { VMOVUPS(m, r) }
			loadLast := func(m Mem, r VecVirtual) { VMOVUPS_Z(m, mask, r) }
			each(load, loadLast)
			Label(label(c) + "Row")
			x := zmms(c)
			for j := range c - 1 {
				load(Mem{Base: v, Disp: 64 * j}, x[j])
			}
			loadLast(Mem{Base: v, Disp: 64 * (c - 1)}, x[c-1])
			for i := range s {
				w := ZMM()
				VBROADCASTSS(weights[i], w)
				for j := range c {
					VFMADD231PS(x[j], w, acc[i*c+j])
				}
			}
			ADDQ(Imm(4), p)
			ADDQ(stride, v)
			DECQ(n)
			JNZ(LabelRef(label(c) + "Row"))
			each(func(m Mem, r VecVirtual) { VMOVUPS(r, m) }, func(m Mem, r VecVirtual) { VMOVUPS(r, mask, m) })
			done()
		}
	}
}
