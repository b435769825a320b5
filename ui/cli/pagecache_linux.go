package cli

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The look at what of a file is in memory: so many windows of so many bytes.
const (
	cacheWindows = 64
	cacheWindow  = 256 << 10
)

// cachedShare is about how much of some files the system has in memory, from 0 to 1;
// negative if it does not say. A look at some windows of a file is enough, and reads
// nothing.
func cachedShare(files []string) float64 {
	in, seen := 0, 0
	for _, name := range files {
		a, b, ok := cachedPages(name)
		if !ok {
			return -1
		}
		in, seen = in+a, seen+b
	}
	if seen == 0 {
		return -1
	}
	return float64(in) / float64(seen)
}

// cachedPages counts the pages of a file that are in memory, of those looked at.
func cachedPages(name string) (in, seen int, ok bool) {
	// Of files that others own and that cannot be written, mincore calls every page
	// present (mincore(2), since Linux 5.2).
	if unix.Access(name, unix.W_OK) != nil {
		return 0, 0, false
	}
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || info.Size() != int64(int(info.Size())) {
		return 0, 0, false
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, 0, false
	}
	defer unix.Munmap(data)
	page := os.Getpagesize()
	pages := make([]byte, cacheWindow/page+1)
	step := max(cacheWindow, len(data)/cacheWindows/page*page)
	for at := 0; at < len(data); at += step {
		part := data[at:min(at+cacheWindow, len(data))]
		n := (len(part) + page - 1) / page
		_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&part[0])), uintptr(len(part)), uintptr(unsafe.Pointer(&pages[0])))
		if errno != 0 {
			return 0, 0, false
		}
		for _, p := range pages[:n] {
			in += int(p & 1)
		}
		seen += n
	}
	return in, seen, true
}
