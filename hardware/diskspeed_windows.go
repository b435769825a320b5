package hardware

import (
	"os"

	"golang.org/x/sys/windows"
)

// openUncached opens a file past the system's cache.
func openUncached(file string) (*os.File, string, error) {
	fail := func(err error) (*os.File, string, error) {
		return nil, "", &os.PathError{Op: "open", Path: file, Err: err}
	}
	name, err := windows.UTF16PtrFromString(file)
	if err != nil {
		return fail(err)
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_NO_BUFFERING, 0)
	if err != nil {
		return fail(err)
	}
	return os.NewFile(uintptr(h), file), "FILE_FLAG_NO_BUFFERING", nil
}
