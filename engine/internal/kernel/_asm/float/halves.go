package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// halves converts to and from 16-bit floats.
func halves() {
	function("toF16Vector", "func(dst *uint16, src *float32, groups int)",
		"toF16Vector rounds groups groups of 8 floats to half precision, to nearest even.")
	dst, src, n := arg("dst"), arg("src"), arg("groups")
	v := YMM()
	loop("toF16Loop", n, func() {
		VMOVUPS(Mem{Base: src}, v)
		VCVTPS2PH(Imm(0), v, Mem{Base: dst})
		ADDQ(Imm(32), src)
		ADDQ(Imm(16), dst)
	})
	done()

	for _, f := range formats[1:] {
		name := "from" + f.name + "Vector"
		function(name, "func(dst *float32, src *uint16, groups int)", name+" widens groups groups of 8 elements.")
		dst, src, n := arg("dst"), arg("src"), arg("groups")
		v := YMM()
		loop(name+"Loop", n, func() {
			f.widen(Mem{Base: src}, v)
			VMOVUPS(v, Mem{Base: dst})
			ADDQ(Imm(16), src)
			ADDQ(Imm(32), dst)
		})
		done()
	}
}
