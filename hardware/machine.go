package hardware

import (
	"errors"
	"os"
)

// Machine is what is known about the computer this process runs on.
type Machine struct {
	CPU    CPU
	Memory Memory
}

// Snapshot looks at the machine now. What could be read is filled in even when
// there is an error, which then names what could not.
func Snapshot() (Machine, error) {
	limits := cgroupLimits(os.DirFS("/"))
	cpu, cpuErr := readCPU(limits)
	memory, memoryErr := readMemory(limits)
	return Machine{CPU: cpu, Memory: memory}, errors.Join(cpuErr, memoryErr)
}
