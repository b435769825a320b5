//go:build unix

package disk

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Why tells the causes apart.
func Why(err error) Cause {
	is := func(errnos ...error) bool {
		for _, e := range errnos {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case is(unix.ENOSPC, unix.EDQUOT):
		return Full
	case is(unix.EROFS):
		return ReadOnly
	case is(unix.EIO, unix.ENXIO, unix.ENODEV):
		return Broken
	case is(unix.EFBIG):
		return TooLarge
	case is(unix.ENAMETOOLONG):
		return TooLong
	case is(fs.ErrPermission):
		return Denied
	}
	return Other
}
