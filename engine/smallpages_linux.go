package engine

import "golang.org/x/sys/unix"

// smallPages is memory in pages as small as those that files are mapped with: reading
// weights is not to look faster than it will be.
func smallPages(n int) (b []byte, release func() error, err error) {
	b, err = unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, err
	}
	unix.Madvise(b, unix.MADV_NOHUGEPAGE) // a kernel without large pages knows no such advice
	return b, func() error { return unix.Munmap(b) }, nil
}
