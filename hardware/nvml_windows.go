//go:build (amd64 || arm64) && !nogpu

package hardware

import "golang.org/x/sys/windows"

// openNVML looks in the system's folder only, where the driver puts it: a library
// of that name beside a document must not be run.
func openNVML() (uintptr, error) {
	h, err := windows.LoadLibraryEx("nvml.dll", 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32)
	return uintptr(h), err
}

func nvmlSymbol(library uintptr, name string) (uintptr, error) {
	return windows.GetProcAddress(windows.Handle(library), name)
}
