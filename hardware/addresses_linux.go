package hardware

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// addressLimit reads RLIMIT_AS, and of proc/self/statm the pages that the process
// has addresses for (proc_pid_statm(5)).
func addressLimit() processLimit {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_AS, &r); err != nil || r.Cur > uint64(mostMemory) {
		return processLimit{}
	}
	p := processLimit{addresses: int64(r.Cur), known: true}
	var pages int64
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if _, err := fmt.Sscan(string(text), &pages); err == nil {
			p.used = pages * int64(os.Getpagesize())
		}
	}
	return p
}
