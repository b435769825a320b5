//go:build (amd64 || arm64) && !nogpu

package vk

import "golang.org/x/sys/windows"

// openLibrary looks in the system's folder only, where drivers put the loader:
// a library of that name beside a document must not be run.
func openLibrary(name string) (uintptr, error) {
	h, err := windows.LoadLibraryEx(name, 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32)
	return uintptr(h), err
}

func symbol(library uintptr, name string) (uintptr, error) {
	return windows.GetProcAddress(windows.Handle(library), name)
}
