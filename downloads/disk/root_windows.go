package disk

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// freeBytes asks the volume that path lies on; quotas count.
func freeBytes(path string) (int64, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, &fs.PathError{Op: "GetDiskFreeSpaceEx", Path: path, Err: err}
	}
	return int64(free), nil
}

// allocatedBytes is not asked for: the caller counts what it has written.
func allocatedBytes(fs.FileInfo) int64 { return -1 }

// fsctlSetSparse marks a file as sparse (winioctl.h).
const fsctlSetSparse = 0x000900c4

// allocate makes the file sparse, so that a write far into it does not first
// fill all before it with zeros. Nothing is reserved: the space is checked
// before and while it is filled.
func allocate(f *os.File, _ int64) error {
	var returned uint32
	err := windows.DeviceIoControl(windows.Handle(f.Fd()), fsctlSetSparse, nil, 0, nil, 0, &returned, nil)
	if errors.Is(err, windows.ERROR_INVALID_FUNCTION) || errors.Is(err, windows.ERROR_NOT_SUPPORTED) {
		return nil
	}
	return err
}

// lockedByte is where the lock lies, far behind what the file holds: Windows
// would keep others from reading locked bytes.
const lockedByte = 1 << 30

// tryLock locks one byte of the file for this handle.
func tryLock(f *os.File) (bool, error) {
	overlapped := windows.Overlapped{Offset: lockedByte}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &overlapped)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return false, nil
	}
	return false, err
}

// syncFolder does nothing: a rename is durable with the volume's journal, and
// a folder's handle cannot be flushed without write access to it.
func syncFolder(*os.File) error { return nil }

// retrySharing does the work again for a second while a virus scanner or an
// indexer has the file open.
func retrySharing(work func() error) error {
	var err error
	for range 20 {
		err = work()
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}
