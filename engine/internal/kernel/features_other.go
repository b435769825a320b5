//go:build noasm || !(amd64 || arm64)

package kernel

// Features names what of this processor the kernels use: nothing, plain loops run.
func Features() []string { return nil }
