package gpu

import "scout/engine/quant"

// runs lists the weight types that shaders/decode.glsl knows.
var runs = map[quant.Type]bool{
	quant.F32: true, quant.F16: true, quant.BF16: true,
	quant.Q4_0: true, quant.Q4_1: true, quant.Q5_0: true, quant.Q5_1: true, quant.Q8_0: true,
	quant.Q2_K: true, quant.Q3_K: true, quant.Q4_K: true, quant.Q5_K: true, quant.Q6_K: true,
	quant.IQ4NL: true, quant.IQ4XS: true, quant.MXFP4: true,
}

// Runs says whether a GPU can multiply with weights of type t as they are. The
// others belong on the CPU.
func Runs(t quant.Type) bool { return runs[t] }

// RunsNamed is Runs for the type of that name; there may be none.
func RunsNamed(name string) bool {
	for t := range runs {
		if t.String() == name {
			return true
		}
	}
	return false
}
