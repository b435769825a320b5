package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate reserves what the file lacks of its first size bytes. Where the
// file system cannot, nothing is reserved and that is no error.
func allocate(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	lacks := size - info.Size()
	if lacks <= 0 {
		return nil
	}
	store := unix.Fstore_t{
		Flags:   unix.F_ALLOCATEALL,
		Posmode: unix.F_PEOFPOSMODE,
		Length:  lacks,
	}
	err = unix.FcntlFstore(f.Fd(), unix.F_PREALLOCATE, &store)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}
