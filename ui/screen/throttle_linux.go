package screen

import (
	"os"
	"strconv"
	"strings"
)

// throttled is how often the processor was slowed down for its heat since the system
// began, where its driver says so (Intel's do).
func throttled() (times int64, ok bool) {
	data, err := os.ReadFile("/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count")
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}
