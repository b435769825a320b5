//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// hasAVX2 says whether the CPU and the operating system run the AVX2 versions:
// every x86 core since Haswell (2013) and Zen (2017) does.
var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C
