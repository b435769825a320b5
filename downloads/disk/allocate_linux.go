package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate reserves the first size bytes. Where the file system cannot (NFS,
// FAT), nothing is reserved and that is no error.
func allocate(f *os.File, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return nil
		}
		return err
	}
}
