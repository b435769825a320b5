package cpu

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// reserve is n zero bytes of the operating system's, aligned to a page. A page
// costs memory from when it is first written to; the system promises all of them
// at once, so that it refuses here what it could not keep.
func reserve(n int) ([]byte, error) {
	addr, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, os.NewSyscallError("VirtualAlloc", err)
	}
	// The address is no Go memory, so the collector does not mind where the pointer
	// comes from; vet wants it read through a pointer to be sure of it.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), n), nil
}

// release gives back what reserve gave.
func release(b []byte) error {
	err := windows.VirtualFree(uintptr(unsafe.Pointer(unsafe.SliceData(b))), 0, windows.MEM_RELEASE)
	return os.NewSyscallError("VirtualFree", err)
}
