//go:build !noasm

package kernel

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// hasDotProd says whether the CPU has SDOT (FEAT_DotProd). NEON itself is part
// of every 64-bit Arm processor that Go runs on. All of Apple's since the M1
// have it, but macOS 11 and 12 do not tell.
var hasDotProd = cpu.ARM64.HasASIMDDP || runtime.GOOS == "darwin"
