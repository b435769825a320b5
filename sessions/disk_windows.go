package sessions

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes a lock of the file. Windows keeps others from reading what is
// locked, so one byte is, far behind any content.
func lockFile(f *os.File, alone bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if alone {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	at := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &at)
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return errLocked
	case err != nil:
		return os.NewSyscallError("LockFileEx", err)
	}
	return nil
}

// syncDir does nothing: Windows has no call for it, and its file system logs
// names by itself.
func (rootDisk) syncDir(string) error { return nil }
