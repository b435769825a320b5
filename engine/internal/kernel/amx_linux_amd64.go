//go:build !noasm

package kernel

import (
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// The kernel saves the tile registers only of processes that asked for it (Linux,
// Documentation/arch/x86/xstate.rst).
const (
	archReqXCompPerm  = 0x1023
	xfeatureXTileData = 18
)

// useAMX says whether AMX can be used, and asks the kernel that it may be.
func useAMX() bool {
	if !cpu.X86.HasAMXTile || !cpu.X86.HasAMXInt8 {
		return false
	}
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archReqXCompPerm, xfeatureXTileData, 0)
	return errno == 0
}
