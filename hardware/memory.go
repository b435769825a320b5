package hardware

import (
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v4/mem"
)

// Memory is this machine's main memory, or the part of it that the control
// group grants this process.
type Memory struct {
	Total     int64 // bytes
	Available int64 // bytes that can be had without swapping
}

// ReadMemory looks at the memory now.
func ReadMemory() (Memory, error) { return readMemory(cgroupLimits(os.DirFS("/"))) }

// readMemory reads the system's figures and cuts them to the control group's.
func readMemory(limits limits) (Memory, error) {
	v, err := mem.VirtualMemory()
	if err != nil {
		return Memory{}, fmt.Errorf("hardware: reading memory sizes: %w", err)
	}
	return limitMemory(Memory{Total: int64(v.Total), Available: int64(v.Available)}, limits), nil
}

// limitMemory cuts the machine's memory to what a control group leaves of it.
func limitMemory(m Memory, limits limits) Memory {
	if limits.memoryBytes <= 0 {
		return m
	}
	m.Total = min(m.Total, limits.memoryBytes)
	m.Available = max(0, min(m.Available, limits.memoryBytes-limits.memoryUsedBytes))
	return m
}
