package hardware

import (
	"os"

	"golang.org/x/sys/unix"
)

// openUncached opens a file past the page cache, or, where its file system cannot do
// that, has the cache drop what it keeps of the file.
func openUncached(file string) (*os.File, string, error) {
	if f, err := os.OpenFile(file, os.O_RDONLY|unix.O_DIRECT, 0); err == nil {
		if _, err := f.ReadAt(alignedBuffer(diskAlign), 0); err == nil { // some refuse only this
			return f, "O_DIRECT", nil
		}
		f.Close()
	}
	drop := func(f *os.File) error { return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
	return openCached(file, drop, "after the cache dropped the file")
}
