//go:build !noasm

package kernel

// Features names what of this processor the kernels use, in the field's words. None
// means that the plain loops run.
func Features() (names []string) {
	if hasAVX2 {
		names = append(names, "AVX2")
	}
	if hasAVXVNNI {
		names = append(names, "AVX-VNNI")
	}
	if hasAVX512 {
		names = append(names, "AVX-512 VNNI")
		if useAMX() {
			names = append(names, "AMX")
		}
	}
	return names
}
