package hardware

import (
	"math"
	"strconv"
	"strings"
)

// registryAdapter is what the Windows registry has of a display adapter.
type registryAdapter struct {
	description, version string
	device               string // pci\ven_10de&dev_2684&subsys_...
	memory               uint64 // its own, in bytes
}

// gpu is the GPU that an adapter is, if it is one: adapters of remote desktops are
// on no bus.
func (a registryAdapter) gpu() (GPU, bool) {
	id := strings.ToLower(a.device)
	vendor, device := hexAfter(id, "ven_"), hexAfter(id, "dev_")
	if !strings.HasPrefix(id, `pci\`) || vendor == 0 {
		return GPU{}, false
	}
	g := GPU{Kind: Discrete, VendorID: vendor, DeviceID: device, DriverVersion: a.version}
	g.from("the registry", "vendor_id", "device_id", "kind")
	if a.version != "" {
		g.from("the registry", "driver_version")
	}
	g.nameIt(a.description, "the registry")
	switch {
	case screenVendors[vendor] != "":
		g.Kind = Virtual
	case vendor == vendorIntel && !strings.Contains(strings.ToLower(a.description), "arc"),
		vendor == vendorAMD && isAPU(device):
		g.Kind = Integrated // what it calls its memory is a part of main memory
	}
	if g.Kind == Discrete {
		g.setMemory(int64(min(a.memory, math.MaxInt64)), -1, "the registry")
	}
	return g, true
}

// hexAfter is the four hexadecimal digits that follow a prefix.
func hexAfter(s, prefix string) uint16 {
	_, rest, ok := strings.Cut(s, prefix)
	if !ok || len(rest) < 4 {
		return 0
	}
	n, err := strconv.ParseUint(rest[:4], 16, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}
