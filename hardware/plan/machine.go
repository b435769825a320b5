package plan

import "fmt"

// Machine is where a model is to run. Sizes are bytes, rates per second.
type Machine struct {
	Name string
	RAM  RAM
	GPUs []GPU
	Disk Disk

	Cores    int      // that compute; 0: unknown, which limits nothing
	CPUFlops float64  // what the cores together reach in products of quantized weights; 0: unknown
	Kernels  *Kernels // the same by type, and for generating; nil: unknown
}

// RAM is main memory. In a machine with unified memory it is the GPU's too.
type RAM struct {
	Total, Free int64
	Bandwidth   float64
	Measured    bool    // Bandwidth was measured here and is not a data sheet's
	Unified     bool    // a GPU computes in it, with CPUFlops; no core limits its bandwidth
	Share       float64 // of Total that may be used; 0: all. Systems limit what a GPU may have of unified memory.
}

// GPU is a graphics card with memory of its own.
type GPU struct {
	Name        string
	Total, Free int64
	Bandwidth   float64
	Flops       float64 // products in half precision; 0: unknown
	Link        float64 // copying from main memory
	Display     bool    // a screen hangs on it
}

// Disk is where the file lies.
type Disk struct {
	Name      string
	Bandwidth float64 // sequential reads; 0: unknown, so nothing is streamed
}

// Device is a place for a part of a model: RAM, or the GPU numbered from 1.
type Device int

// The main memory, where the processor computes.
const CPU Device = 0

// mostGPUs keeps the search small; no single machine has more cards.
const mostGPUs = 16

// Margins: what is left alone on every device. placement.md 4.2 of the project's
// studies has the reports of users they come from.
const (
	gib = 1 << 30
	mib = 1 << 20

	gpuMargin     = 1 * gib // the driver's own needs and fragmentation
	displayMargin = 1 * gib // a desktop with a browser
	ramMargin     = 4 * gib // other programs, until the next look; at most a quarter of a small machine
)

// Margin is how much of a device's free memory a plan leaves alone.
func (m Machine) Margin(d Device) int64 {
	if d == CPU {
		return max(min(ramMargin, m.RAM.Total/4), m.RAM.Total/10)
	}
	g := m.GPUs[d-1]
	n := int64(gpuMargin)
	if g.Display {
		n += displayMargin
	}
	if d > 1 {
		n += g.Total / 20 // further cards are never filled evenly
	}
	return n
}

// Budget is how much a plan may use of a device, never more than is free.
func (m Machine) Budget(d Device) int64 {
	free := m.RAM.Free
	if d != CPU {
		free = m.GPUs[d-1].Free
	} else if m.RAM.Share > 0 {
		// The limit is a margin by itself.
		return max(0, min(free-m.RAM.Total/20, int64(m.RAM.Share*float64(m.RAM.Total))))
	}
	return max(0, free-m.Margin(d))
}

// DeviceName is what people call a device.
func (m Machine) DeviceName(d Device) string {
	switch {
	case d != CPU:
		return m.GPUs[d-1].Name
	case m.RAM.Unified:
		return "unified memory"
	}
	return "RAM"
}

// check refuses what cannot be a machine.
func (m Machine) check() error {
	bad := func(what string, got any) error { return fmt.Errorf("plan: machine %q: %s is %v", m.Name, what, got) }
	if m.RAM.Total <= 0 || m.RAM.Free < 0 || m.RAM.Free > m.RAM.Total || m.RAM.Total > mostBytes {
		return bad("memory", fmt.Sprintf("%d of %d free", m.RAM.Free, m.RAM.Total))
	}
	if !(m.RAM.Bandwidth > 0) || m.RAM.Bandwidth > 1e15 {
		return bad("memory bandwidth", m.RAM.Bandwidth)
	}
	if m.RAM.Share < 0 || m.RAM.Share > 1 || m.Cores < 0 || m.CPUFlops < 0 || m.Disk.Bandwidth < 0 {
		return bad("share of memory, cores, their speed or the disk's", fmt.Sprint(m.RAM.Share, m.Cores, m.CPUFlops, m.Disk.Bandwidth))
	}
	if len(m.GPUs) > mostGPUs {
		return bad("number of GPUs", len(m.GPUs))
	}
	for _, g := range m.GPUs {
		if g.Total <= 0 || g.Free < 0 || g.Free > g.Total || g.Total > mostBytes || !(g.Bandwidth > 0) || g.Flops < 0 || g.Link < 0 {
			return bad("GPU "+g.Name, fmt.Sprintf("%d of %d bytes free, %v bytes/s", g.Free, g.Total, g.Bandwidth))
		}
	}
	return nil
}
