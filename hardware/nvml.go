package hardware

import (
	"bytes"
	"fmt"
	"unsafe"
)

// nvml is NVIDIA's management library, as far as it is used here, behind functions
// so that the logic is tested without it. Each gives nvmlReturn_t, 0 for success.
// What they do is said in NVIDIA's "NVML API Reference Guide".
type nvml struct {
	init          func() uint32                                                // nvmlInit_v2
	shutdown      func() uint32                                                // nvmlShutdown
	driverVersion func(version []byte) uint32                                  // nvmlSystemGetDriverVersion
	count         func(n *uint32) uint32                                       // nvmlDeviceGetCount_v2
	device        func(index uint32, handle *uintptr) uint32                   // nvmlDeviceGetHandleByIndex_v2
	name          func(device uintptr, name []byte) uint32                     // nvmlDeviceGetName
	memory        func(device uintptr, memory *nvmlMemory) uint32              // nvmlDeviceGetMemoryInfo
	address       func(device uintptr, pci *nvmlPCI) uint32                    // nvmlDeviceGetPciInfo_v3
	figure        func(which nvmlFigure, device uintptr, n *uint32) uint32     // one of the calls that give a number
	maxClock      func(device uintptr, clock uint32, megahertz *uint32) uint32 // nvmlDeviceGetMaxClockInfo
}

// nvmlFigure is a call that gives one number of a device.
type nvmlFigure int

const (
	nvmlGeneration nvmlFigure = iota
	nvmlLanes
	nvmlMostGeneration
	nvmlMostLanes
	nvmlBusWidth
	nvmlDisplay
	nvmlFigures
)

// nvmlFigureNames are their symbols.
var nvmlFigureNames = [nvmlFigures]string{
	"nvmlDeviceGetCurrPcieLinkGeneration", "nvmlDeviceGetCurrPcieLinkWidth", "nvmlDeviceGetMaxPcieLinkGeneration",
	"nvmlDeviceGetMaxPcieLinkWidth", "nvmlDeviceGetMemoryBusWidth", "nvmlDeviceGetDisplayActive",
}

// nvmlMemory is nvmlMemory_t: bytes.
type nvmlMemory struct{ total, free, used uint64 }

// nvmlPCI is nvmlPciInfo_t of version 3.
type nvmlPCI struct {
	legacy              [16]byte
	domain, bus, device uint32
	ids                 uint32 // the device's number in the upper half, its maker's in the lower
	subsystem           uint32
	address             [32]byte
}

// nvmlMemoryClock is NVML_CLOCK_MEM.
const nvmlMemoryClock = 2

// gpus asks for every card. A figure that a card does not give stays unknown; cards
// that share the processor's memory have none of their own to tell of.
func (n *nvml) gpus() (all []GPU, err error) {
	if r := n.init(); r != 0 {
		return nil, fmt.Errorf("hardware: NVML: starting: error %d", r)
	}
	defer n.shutdown()
	var count uint32
	if r := n.count(&count); r != 0 {
		return nil, fmt.Errorf("hardware: NVML: counting cards: error %d", r)
	}
	version := make([]byte, 81) // NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE and one
	if n.driverVersion(version) != 0 {
		version = nil
	}
	for i := range min(count, mostGPUs) {
		var handle uintptr
		if r := n.device(i, &handle); r != 0 {
			err = fmt.Errorf("hardware: NVML: card %d of %d: error %d", i+1, count, r)
			continue // a card that fell off the bus does not hide the others
		}
		g := n.gpu(handle)
		if v := cString(version); v != "" {
			g.Driver, g.DriverVersion = "nvidia", v
			g.from("NVML", "driver", "driver_version")
		}
		all = append(all, g)
	}
	return all, err
}

// gpu asks for one card.
func (n *nvml) gpu(handle uintptr) GPU {
	g := GPU{Kind: Discrete, VendorID: vendorNVIDIA}
	g.from("NVML", "kind", "vendor_id")
	name := make([]byte, 97) // NVML_DEVICE_NAME_V2_BUFFER_SIZE and one
	if n.name(handle, name) == 0 {
		g.nameIt(cString(name), "NVML")
	}
	var pci nvmlPCI
	if n.address(handle, &pci) == 0 && pci.domain <= 0xffff && pci.bus <= 0xff && pci.device <= 0x1f {
		g.PCI = fmt.Sprintf("%04x:%02x:%02x.0", pci.domain, pci.bus, pci.device)
		g.DeviceID = uint16(pci.ids >> 16)
		g.from("NVML", "pci", "device_id")
	}
	var m nvmlMemory
	switch {
	case n.memory(handle, &m) != 0 || m.total == 0:
		g.Kind = Integrated
	case m.total <= uint64(mostMemory) && m.free <= m.total:
		g.setMemory(int64(m.total), int64(m.total-m.free), "NVML") // what the driver keeps is not free
	}
	if g.Kind == Discrete {
		g.Link = n.link(handle, nvmlMostGeneration, nvmlMostLanes, "link", &g)
		g.LinkNow = n.link(handle, nvmlGeneration, nvmlLanes, "link_now", &g)
	}
	n.memorySpeed(handle, &g)
	g.Display = n.number(nvmlDisplay, handle) == 1
	return g
}

// link is a link of which NVML gives the two figures.
func (n *nvml) link(handle uintptr, generation, lanes nvmlFigure, figure string, g *GPU) PCILink {
	l := PCILink{Generation: int(n.number(generation, handle)), Lanes: int(n.number(lanes, handle))}
	if l.rate() == 0 {
		return PCILink{}
	}
	g.from("NVML", figure)
	return l
}

// memorySpeed is what a data sheet would say: the clock, twice a cycle, over the
// width of the bus. An RTX 4090's 10,501 MHz and 384 bits make 1,008 GB/s.
func (n *nvml) memorySpeed(handle uintptr, g *GPU) {
	var megahertz uint32
	bits := n.number(nvmlBusWidth, handle)
	if n.maxClock(handle, nvmlMemoryClock, &megahertz) != 0 || megahertz == 0 || megahertz > 1e5 || bits == 0 || bits > 1<<16 {
		return
	}
	g.Bandwidth = 2 * float64(megahertz) * 1e6 * float64(bits) / 8
	g.from("NVML, memory clock and bus width", "bandwidth_bytes_s")
}

// number is one figure; 0 if the card does not give it.
func (n *nvml) number(which nvmlFigure, handle uintptr) uint32 {
	var x uint32
	if n.figure(which, handle, &x) != 0 {
		return 0
	}
	return x
}

// cString is the text before the first zero byte; "" if there is none, since then
// the text was cut.
func cString(b []byte) string {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return ""
	}
	return string(b[:i])
}

// The layout is C's: five numbers of 32 bits between 16 and 32 bytes of text.
var _ [68]byte = [unsafe.Sizeof(nvmlPCI{})]byte{}
