//go:build unix

package gguf

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes of a file read-only. Bytes that the file
// loses afterwards cannot be read: see File.Guard.
func mapFile(file *os.File, size int64) ([]byte, error) {
	return unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

// unmapFile undoes mapFile.
func unmapFile(data []byte) error { return unix.Munmap(data) }

// adviseMapping passes Advise on.
func adviseMapping(data []byte, a Access) error {
	advice := unix.MADV_NORMAL
	switch a {
	case AccessSequential:
		advice = unix.MADV_SEQUENTIAL
	case AccessRandom:
		advice = unix.MADV_RANDOM
	case AccessSoon:
		advice = unix.MADV_WILLNEED
	}
	return unix.Madvise(data, advice)
}
