//go:build !noasm

package kernel

// Features names what of this processor the kernels use, in the field's words.
func Features() []string {
	if hasDotProd {
		return []string{"NEON", "dot product"}
	}
	return []string{"NEON"}
}
