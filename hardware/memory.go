package hardware

import (
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v4/mem"
)

// Memory is this machine's main memory, or the part of it that this process is
// granted: by its control groups, or by a limit on its addresses.
type Memory struct {
	Total     int64  // bytes
	Available int64  // bytes that can be had without swapping
	Source    string // what Available rests on
}

// ReadMemory looks at the memory now.
func ReadMemory() (Memory, error) { return readMemory(cgroupLimits(os.DirFS("/"))) }

// readMemory reads the system's figures and cuts them to what is granted.
func readMemory(limits limits) (Memory, error) {
	v, err := mem.VirtualMemory()
	if err != nil {
		return Memory{}, fmt.Errorf("hardware: reading memory sizes: %w", err)
	}
	m := Memory{Total: int64(v.Total), Available: int64(v.Available), Source: "the system"}
	return limitMemory(m, limits, addressLimit()), nil
}

// processLimit is a limit on the addresses of this process, and how many of them it
// has. Mapped weights take addresses as everything does.
type processLimit struct {
	addresses, used int64
	known           bool // there is a limit
}

// limitMemory cuts the machine's memory to what is left of it for this process.
func limitMemory(m Memory, l limits, p processLimit) Memory {
	if l.memoryBytes > 0 {
		m.Total = min(m.Total, l.memoryBytes)
		if l.memoryRoom < m.Available {
			m.Available, m.Source = max(0, l.memoryRoom), "the control group"
		}
	}
	if p.known {
		m.Total = min(m.Total, p.addresses)
		if room := max(0, p.addresses-p.used); room < m.Available {
			m.Available, m.Source = room, "the limit on addresses (ulimit -v)"
		}
	}
	return m
}
