package hardware

import (
	"errors"
	"os"

	"github.com/shirou/gopsutil/v4/mem"
)

// Machine is what is known about the computer this process runs on.
type Machine struct {
	ID     string // tells machines apart by what their speed hangs on: MachineID
	CPU    CPU
	Memory Memory
}

// Snapshot looks at the machine now. What could be read is filled in even when
// there is an error, which then names what could not.
func Snapshot() (Machine, error) {
	limits := cgroupLimits(os.DirFS("/"))
	cpu, cpuErr := readCPU(limits)
	memory, memoryErr := readMemory(limits)
	whole := memory.Total
	if v, err := mem.VirtualMemory(); err == nil {
		whole = int64(v.Total) // without the limits, which may differ tomorrow
	}
	return Machine{ID: MachineID(cpu, whole), CPU: cpu, Memory: memory}, errors.Join(cpuErr, memoryErr)
}
