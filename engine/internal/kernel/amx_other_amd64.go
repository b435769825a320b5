//go:build !noasm && !linux

package kernel

// useAMX says no: how a process asks for the tile registers was tried on Linux
// only.
func useAMX() bool { return false }
