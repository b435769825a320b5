package disk

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
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
	case is(windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED):
		return Full
	case is(windows.ERROR_WRITE_PROTECT):
		return ReadOnly
	case is(windows.ERROR_IO_DEVICE, windows.ERROR_CRC, windows.ERROR_NOT_READY, windows.ERROR_GEN_FAILURE):
		return Broken
	case is(windows.ERROR_FILE_TOO_LARGE):
		return TooLarge
	case is(windows.ERROR_FILENAME_EXCED_RANGE, windows.ERROR_BUFFER_OVERFLOW):
		return TooLong
	case is(fs.ErrPermission):
		return Denied
	}
	return Other
}
