package gguf

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapFile maps the first size bytes of a file read-only. The mapping object is
// closed at once: the view keeps it alive.
func mapFile(file *os.File, size int64) ([]byte, error) {
	object, err := windows.CreateFileMapping(windows.Handle(file.Fd()), nil, windows.PAGE_READONLY, uint32(size>>32), uint32(size), nil)
	if err != nil {
		return nil, os.NewSyscallError("CreateFileMapping", err)
	}
	addr, err := windows.MapViewOfFile(object, windows.FILE_MAP_READ, 0, 0, uintptr(size))
	if err != nil {
		windows.CloseHandle(object)
		return nil, os.NewSyscallError("MapViewOfFile", err)
	}
	// The address is no Go memory, so the collector does not mind where the
	// pointer comes from; vet wants it read through a pointer to be sure of it.
	data := unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), int(size))
	if err := windows.CloseHandle(object); err != nil {
		windows.UnmapViewOfFile(addr)
		return nil, os.NewSyscallError("CloseHandle", err)
	}
	return data, nil
}

// unmapFile undoes mapFile.
func unmapFile(data []byte) error {
	err := windows.UnmapViewOfFile(uintptr(unsafe.Pointer(unsafe.SliceData(data))))
	return os.NewSyscallError("UnmapViewOfFile", err)
}

// adviseMapping does nothing: Windows takes no such advice for file views.
func adviseMapping([]byte, Access) error { return nil }
