package cpu

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// usableCores is the number of cores that have a hardware thread in this process's
// affinity mask, and 0 if that is unknown.
func usableCores() int {
	var mask unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mask); err != nil {
		return 0
	}
	return coresIn("/sys/devices/system/cpu", mask.IsSet, 64*len(mask))
}

// coresIn counts the cores of the hardware threads below most that are allowed, by
// what the system says in dir (Documentation/ABI/stable/sysfs-devices-system-cpu):
// threads of a core have the same siblings. It is 0 if one of them says nothing.
func coresIn(dir string, allowed func(thread int) bool, most int) int {
	cores := map[string]bool{}
	for i := range most {
		if !allowed(i) {
			continue
		}
		siblings, err := os.ReadFile(filepath.Join(dir, "cpu"+strconv.Itoa(i), "topology", "thread_siblings_list"))
		if err != nil {
			return 0
		}
		cores[strings.TrimSpace(string(siblings))] = true
	}
	return len(cores)
}
