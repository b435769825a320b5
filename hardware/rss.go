package hardware

import (
	"fmt"
	"io/fs"
	"strings"
)

// statusPeakRSS reads the peak resident set, in bytes, from proc/self/status.
// Its "kB" is 1024 bytes (proc_pid_status(5), VmHWM). Pages of mapped files
// count while they are resident, as a model's weights do.
func statusPeakRSS(root fs.FS) (int64, error) {
	status, err := fs.ReadFile(root, "proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("hardware: reading peak memory use: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		value, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		var kib int64
		if _, err := fmt.Sscanf(value, "%d kB", &kib); err != nil {
			return 0, fmt.Errorf("hardware: proc/self/status: VmHWM is %q, want \"N kB\"", strings.TrimSpace(value))
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("hardware: proc/self/status has no VmHWM line")
}
