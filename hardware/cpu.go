package hardware

import (
	"fmt"
	"math"
	"runtime"

	"github.com/shirou/gopsutil/v4/cpu"
)

// CPU counts what can run threads.
type CPU struct {
	Model    string // as the system names it; "" when unknown
	Logical  int    // hardware threads of the machine
	Physical int    // cores of the machine; 0 when unknown
	Usable   int    // hardware threads this process may keep busy, at least 1
}

// readCPU counts processors. Usable takes in the affinity mask, which
// runtime.NumCPU honours on Linux and Windows, and the control group's quota.
func readCPU(limits limits) (CPU, error) {
	affinity := runtime.NumCPU()
	c := CPU{Logical: affinity, Usable: usableCPUs(affinity, limits.cpus)}
	var err error
	if n, e := cpu.Counts(true); e == nil && n > 0 {
		c.Logical = n
	}
	if n, e := cpu.Counts(false); e == nil {
		c.Physical = n
	} else {
		err = fmt.Errorf("hardware: counting cores: %w", e)
	}
	if infos, e := cpu.Info(); e == nil && len(infos) > 0 {
		c.Model = infos[0].ModelName
	}
	return c, err
}

// usableCPUs is how many threads can run at once when affinity allows that
// many processors and the quota is that many processors' worth of time (0: no
// quota). A quota of 1.5 keeps two threads busy for part of each period.
func usableCPUs(affinity int, quota float64) int {
	n := affinity
	if quota > 0 {
		n = min(n, int(math.Ceil(quota)))
	}
	return max(n, 1)
}
