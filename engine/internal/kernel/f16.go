package kernel

import "scout/engine/quant"

// ToF16 rounds src to half precision, to nearest even; too large becomes Inf.
// The lengths must be equal.
func ToF16(dst []uint16, src []float32) { best.toF16(dst[:len(src)], src) }

// FromF16 widens src, exactly. The lengths must be equal.
func FromF16(dst []float32, src []uint16) { best.fromF16(dst[:len(src)], src) }

func toF16Generic(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = quant.F32ToF16(v)
	}
}

func fromF16Generic(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, h := range src {
		dst[i] = quant.F16ToF32(h)
	}
}
