package hardware

import (
	"fmt"
	"syscall"
)

// PeakRSS is the most memory this process has had resident so far, in bytes.
// Darwin's getrusage counts ru_maxrss in bytes.
func PeakRSS() (int64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("hardware: reading peak memory use: %w", err)
	}
	return usage.Maxrss, nil
}
