package hardware

import (
	"os"

	"golang.org/x/sys/unix"
)

// openUncached opens a file whose reads leave nothing in the cache; what was there
// before is still used.
func openUncached(file string) (*os.File, string, error) {
	drop := func(f *os.File) error {
		_, err := unix.FcntlInt(f.Fd(), unix.F_NOCACHE, 1)
		return err
	}
	return openCached(file, drop, "F_NOCACHE")
}
