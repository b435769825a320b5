package hardware

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// GPUKind says whose memory a GPU computes in.
type GPUKind string

// The kinds of GPUs.
const (
	Discrete   GPUKind = "discrete" // memory of its own, behind a link
	Integrated GPUKind = "unified"  // main memory, shared with the processor
	Virtual    GPUKind = "virtual"  // a screen's controller, of a virtual machine or a server: computes nothing
)

// GPU is a graphics processor of this machine. Sizes are bytes, rates bytes per
// second; a figure that no source gave is zero.
type GPU struct {
	Name          string  `json:"name"`
	Kind          GPUKind `json:"kind"`
	PCI           string  `json:"pci,omitempty"`       // domain:bus:device.function; empty when it is on no bus
	VendorID      uint16  `json:"vendor_id,omitempty"` // PCI's numbers
	DeviceID      uint16  `json:"device_id,omitempty"`
	Driver        string  `json:"driver,omitempty"`
	DriverVersion string  `json:"driver_version,omitempty"`

	// Total is the memory that it computes in: its own, or the part of main memory
	// that the system lets it have. Free is what nobody uses of it; it is known
	// only if Used is too, which tells a full GPU from an unknown one.
	Total int64 `json:"total_bytes,omitempty"`
	Used  int64 `json:"used_bytes,omitempty"`
	Free  int64 `json:"free_bytes,omitempty"`
	// Shared is the part of Total that is main memory, of a unified GPU.
	Shared int64 `json:"shared_bytes,omitempty"`

	Bandwidth float64 `json:"bandwidth_bytes_s,omitempty"`
	TFLOPS    float64 `json:"tflops,omitempty"` // products in half precision
	Link      PCILink `json:"link,omitzero"`    // the narrowest on the way from the processor
	LinkNow   PCILink `json:"link_now,omitzero"`
	Display   bool    `json:"display,omitempty"` // a screen hangs on it

	// Sources says for each figure, by its name in JSON, where it came from.
	Sources map[string]string `json:"sources,omitempty"`
}

// FreeKnown says whether Free is a figure or the absence of one.
func (g GPU) FreeKnown() bool { return g.Sources["free_bytes"] != "" }

// from notes where figures came from.
func (g *GPU) from(source string, figures ...string) {
	if g.Sources == nil {
		g.Sources = map[string]string{}
	}
	for _, f := range figures {
		g.Sources[f] = source
	}
}

// setMemory notes the size of the memory and how much of it is used. Sizes that
// contradict each other are no figures.
func (g *GPU) setMemory(total, used int64, source string) {
	if total <= 0 || total > mostMemory {
		return
	}
	g.Total = total
	g.from(source, "total_bytes")
	if used < 0 || used > total {
		return
	}
	g.Used, g.Free = used, total-used
	g.from(source, "used_bytes", "free_bytes")
}

// mostMemory is more than any machine has: a larger figure is an error.
const mostMemory = int64(1) << 50

// MergeGPUs adds what a second source knows to a list: a GPU of the same address
// on the bus, or of the same numbers or name where an address is missing, gets the
// figures it lacks; others are appended. The lists stay as they are.
func MergeGPUs(base, more []GPU) []GPU {
	merged := slices.Clone(base)
	taken := make([]bool, len(base)) // a GPU of base answers to one of more: two equal cards are two
	for _, m := range more {
		i := slices.IndexFunc(merged[:len(taken)], func(g GPU) bool { return m.PCI != "" && g.PCI == m.PCI })
		if i < 0 && m.PCI == "" {
			for j, g := range merged[:len(taken)] {
				if !taken[j] && g.sameModel(m) {
					i = j
					break
				}
			}
		}
		if i < 0 {
			merged = append(merged, m)
			continue
		}
		taken[i] = true
		merged[i] = merged[i].fill(m)
	}
	return merged
}

// sameModel compares two GPUs of which one has no address.
func (g GPU) sameModel(m GPU) bool {
	if g.VendorID != 0 && m.VendorID != 0 && g.DeviceID != 0 && m.DeviceID != 0 {
		return g.VendorID == m.VendorID && g.DeviceID == m.DeviceID
	}
	return plainName(g.Name) != "" && plainName(g.Name) == plainName(m.Name)
}

// fill takes from m the figures that g lacks, with where they came from.
func (g GPU) fill(m GPU) GPU {
	sources := maps.Clone(m.Sources)
	maps.Copy(sources, g.Sources) // g's own figures keep their source
	if sources == nil {
		sources = maps.Clone(g.Sources)
	}
	g.Sources = sources
	g.Kind = cmp.Or(g.Kind, m.Kind)
	g.Name = cmp.Or(g.Name, m.Name)
	g.PCI = cmp.Or(g.PCI, m.PCI)
	g.VendorID, g.DeviceID = cmp.Or(g.VendorID, m.VendorID), cmp.Or(g.DeviceID, m.DeviceID)
	g.Driver, g.DriverVersion = cmp.Or(g.Driver, m.Driver), cmp.Or(g.DriverVersion, m.DriverVersion)
	switch {
	case g.Total == 0:
		g.Total, g.Used, g.Free, g.Shared = m.Total, m.Used, m.Free, m.Shared
	case g.Used == 0 && g.Free == 0 && m.Used+m.Free > 0:
		// Sizes of one source belong together.
		g.Total, g.Used, g.Free = m.Total, m.Used, m.Free
		for _, figure := range []string{"total_bytes", "used_bytes", "free_bytes"} {
			g.Sources[figure] = m.Sources[figure]
		}
	}
	g.Bandwidth, g.TFLOPS = cmp.Or(g.Bandwidth, m.Bandwidth), cmp.Or(g.TFLOPS, m.TFLOPS)
	g.Link, g.LinkNow = cmp.Or(g.Link, m.Link), cmp.Or(g.LinkNow, m.LinkNow)
	g.Display = g.Display || m.Display
	return g
}

// fromTable fills in what data sheets say of a GPU of that name.
func (g *GPU) fromTable() {
	d, ok := knownGPU(g.Name, g.Total, g.Kind)
	if !ok {
		return
	}
	source := "devices.toml, " + d.Name + ": " + d.Source
	if g.Total == 0 && g.Kind == Discrete {
		g.Total = int64(d.Memory * (1 << 30))
		g.from(source, "total_bytes")
	}
	if g.Bandwidth == 0 {
		g.Bandwidth = d.Bandwidth * 1e9
		g.from(source, "bandwidth_bytes_s")
	}
	if g.TFLOPS == 0 && d.TFLOPS > 0 {
		g.TFLOPS = d.TFLOPS
		g.from(source, "tflops")
	}
}

// driverWords are what drivers add to the name that a card is sold under.
var driverWords = strings.NewReplacer("(r)", "", "(tm)", "", " generation", "", " gpu", "", " graphics", "", "-sxm4-", " ", "-pcie-", " ")

// driverNames are rows of the table under the names that drivers give them.
var driverNames = map[string]string{
	plainName("H100 80GB HBM3"):                                   "H100 SXM",
	plainName("H100 PCIe"):                                        "H100 PCIe",
	plainName("RTX PRO 6000 Blackwell Workstation Edition"):       "RTX PRO 6000 Blackwell",
	plainName("RTX PRO 6000 Blackwell Max-Q Workstation Edition"): "RTX PRO 6000 Blackwell",
	plainName("RTX PRO 6000 Blackwell Server Edition"):            "RTX PRO 6000 Blackwell",
	plainName("Tesla V100-SXM2-32GB"):                             "V100 32GB",
	plainName("Tesla V100-PCIE-32GB"):                             "V100 32GB",
	plainName("8060S"):                                            "Ryzen AI Max+ 395",
}

// knownGPU is the row of the table for a GPU by the name that a driver gives it.
// Cards that are sold with two sizes of memory have the size in their row's name.
func knownGPU(name string, total int64, kind GPUKind) (Device, bool) {
	rows, err := Devices()
	if err != nil || name == "" {
		return Device{}, false
	}
	words := driverWords.Replace(strings.ToLower(name))
	plain := plainName(words)
	if known, ok := driverNames[plain]; ok {
		plain = plainName(known)
	}
	if plain == "" {
		return Device{}, false
	}
	for _, d := range rows {
		if d.Kind == MainMemory || (d.Kind == Card) != (kind == Discrete) {
			continue
		}
		row := plainName(d.Name)
		// The driver keeps a little for itself, so sizes agree within a tenth.
		near := total > 0 && float64(total) > 0.9*d.Memory*(1<<30) && float64(total) < 1.1*d.Memory*(1<<30)
		size, isSize := strings.CutPrefix(row, plain)
		if row == plain || near && isSize && strings.HasSuffix(size, "gb") && digits(size)+"gb" == size {
			return d, true
		}
	}
	return Device{}, false
}
