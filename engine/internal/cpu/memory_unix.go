//go:build unix

package cpu

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// noHugePage is Linux's MADV_NOHUGEPAGE, <asm-generic/mman-common.h>.
const noHugePage = 15

// reserve is n zero bytes of the operating system's, aligned to a page. A page
// costs memory from when it is first written to.
func reserve(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil && runtime.GOOS == "linux" {
		// Where huge pages are given out unasked, the first token would cost 2 MiB for
		// each head of each layer. That a kernel does not know of them is no error.
		_ = unix.Madvise(b, noHugePage)
	}
	return b, err
}

// release gives back what reserve gave.
func release(b []byte) error { return unix.Munmap(b) }
