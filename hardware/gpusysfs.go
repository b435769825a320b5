package hardware

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// PCI's numbers of who made a device (pcisig.com; the file pci.ids).
const (
	vendorAMD    = 0x1002
	vendorNVIDIA = 0x10de
	vendorIntel  = 0x8086
)

// screenVendors make controllers that show a picture and compute nothing, or what
// virtual machines take for one.
var screenVendors = map[uint16]string{
	0x1a03: "ASPEED", 0x102b: "Matrox", 0x1af4: "virtio", 0x1b36: "QXL", 0x15ad: "VMware",
	0x80ee: "VirtualBox", 0x1234: "Bochs", 0x1013: "Cirrus", 0x1414: "Hyper-V",
}

// mostGPUs is more than one machine has; mostEntries, of what a folder of sysfs has.
const (
	mostGPUs    = 64
	mostEntries = 4096
)

// sysfsGPUs lists the GPUs that Linux shows: every display controller of the PCI
// bus, and what else has a card under sys/class/drm. It reads small text files and
// opens no device. Formats: the kernel's Documentation/gpu/amdgpu/driver-misc.rst
// for mem_info_*, and Documentation/ABI/testing/sysfs-bus-pci.
func sysfsGPUs(root fs.FS) []GPU {
	var all []GPU
	for _, address := range names(root, "sys/bus/pci/devices") {
		dir := "sys/bus/pci/devices/" + address
		if g, ok := pciGPU(root, dir, address); ok && len(all) < mostGPUs {
			all = append(all, g)
		}
	}
	for _, card := range names(root, "sys/class/drm") {
		if n, ok := strings.CutPrefix(card, "card"); !ok || strings.Contains(n, "-") {
			continue // a socket, or a node of another kind
		}
		place, _ := fs.ReadLink(root, "sys/class/drm/"+card) // without one, it is looked at
		if slices.ContainsFunc(all, func(g GPU) bool { return g.PCI != "" && strings.Contains(place, "/"+g.PCI+"/") }) {
			continue // listed already
		}
		if g, ok := otherGPU(root, "sys/class/drm/"+card); ok && len(all) < mostGPUs {
			all = append(all, g)
		}
	}
	return all
}

// names is what a folder has, in order; nothing if it cannot be read.
func names(root fs.FS, dir string) []string {
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil
	}
	var all []string
	for _, e := range entries[:min(len(entries), mostEntries)] {
		all = append(all, e.Name())
	}
	return all
}

// pciGPU is the GPU in a folder of the bus, if the device is one.
func pciGPU(root fs.FS, dir, address string) (GPU, bool) {
	class, vendor := readHex(root, dir+"/class"), uint16(readHex(root, dir+"/vendor"))
	switch kind := class >> 8; {
	case kind == 0x0300, kind == 0x0302, kind == 0x0380: // VGA, 3D and other display controllers
	case kind == 0x1200 && vendor == vendorAMD: // MI300 and later say processing accelerator
	default:
		return GPU{}, false
	}
	g := GPU{PCI: address, VendorID: vendor, DeviceID: uint16(readHex(root, dir+"/device"))}
	g.from("/sys/bus/pci", "pci", "vendor_id", "device_id")
	g.setDriver(root, dir)
	g.setName(root, dir)
	g.Display = hasScreen(root, dir+"/drm")
	g.Kind = g.kindOf(root, dir)
	g.from("/sys/bus/pci and a table of numbers", "kind")
	if g.Kind == Virtual {
		return g, true
	}
	g.readSysfsMemory(root, dir)
	if g.Kind == Discrete {
		g.setLinks(root, dir)
	}
	return g, true
}

// readHex is the number of a file such as "0x1002".
func readHex(root fs.FS, name string) uint32 {
	n, err := strconv.ParseUint(strings.TrimPrefix(readText(root, name), "0x"), 16, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// ueventField is the value of a line KEY=value of a device's uevent.
func ueventField(root fs.FS, dir, key string) string {
	for line := range strings.Lines(readText(root, dir+"/uevent")) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && k == key {
			return v
		}
	}
	return ""
}

// setDriver notes the driver, and its version: the module's own, or else the
// kernel's, of which drivers of the tree are a part.
func (g *GPU) setDriver(root fs.FS, dir string) {
	if g.Driver = ueventField(root, dir, "DRIVER"); g.Driver == "" {
		return
	}
	g.from("/sys, uevent", "driver")
	if v := readText(root, "sys/module/"+path.Base(g.Driver)+"/version"); v != "" {
		g.DriverVersion = v
		g.from("/sys/module", "driver_version")
	} else if v := readText(root, "proc/sys/kernel/osrelease"); v != "" {
		g.DriverVersion = "Linux " + v
		g.from("/proc/sys/kernel/osrelease", "driver_version")
	}
}

// kindOf tells cards from GPUs that share main memory. Nothing in sysfs says it:
// Intel's are part of the processor exactly where their address is 00:02.0, AMD's
// where their number is one of a processor.
func (g *GPU) kindOf(root fs.FS, dir string) GPUKind {
	switch {
	case g.VendorID == vendorNVIDIA:
		return Discrete
	case g.VendorID == vendorIntel && strings.HasSuffix(g.PCI, ":00:02.0"):
		return Integrated
	case g.VendorID == vendorIntel:
		return Discrete
	case g.VendorID == vendorAMD && isAPU(g.DeviceID):
		return Integrated
	case g.VendorID == vendorAMD:
		return Discrete
	case screenVendors[g.VendorID] != "" || !computes(root, dir+"/drm"):
		return Virtual
	}
	return Discrete
}

// apus are the numbers of AMD's GPUs that are part of a processor, as the kernel's
// table amdgpu_drv.c and the file pci.ids have them.
var apus = []uint16{
	0x15dd, 0x15d8, // Raven, Picasso
	0x1636, 0x164c, 0x1638, 0x15e7, // Renoir, Lucienne, Cezanne, Barcelo
	0x163f, 0x1435, // Van Gogh, which is the Steam Deck's
	0x164d, 0x1681, // Rembrandt
	0x164e, 0x13c0, 0x1506, // Raphael, Granite Ridge, Mendocino
	0x15bf, 0x15c8, 0x1900, 0x1901, // Phoenix, Hawk Point
	0x150e, 0x1586, 0x1114, // Strix, Strix Halo, Krackan
	0x9870, 0x9874, 0x9875, 0x9876, 0x9877, 0x98e4, // Carrizo, Stoney
	0x130a, 0x130c, 0x130f, 0x1313, 0x1315, 0x131c, // Kaveri, the usual ones
	0x74a0, // MI300A
}

// isAPU says whether AMD's GPU of that number is part of a processor.
func isAPU(device uint16) bool { return slices.Contains(apus, device) }

// computes says whether a card has a node that programs may compute through.
func computes(root fs.FS, drm string) bool {
	return slices.ContainsFunc(names(root, drm), func(n string) bool { return strings.HasPrefix(n, "renderD") })
}

// hasScreen says whether a screen hangs on one of the card's sockets.
func hasScreen(root fs.FS, drm string) bool {
	for _, card := range names(root, drm) {
		if !strings.HasPrefix(card, "card") {
			continue
		}
		for _, socket := range names(root, drm+"/"+card) {
			if strings.HasPrefix(socket, card+"-") && readText(root, path.Join(drm, card, socket, "status")) == "connected" {
				return true
			}
		}
	}
	return false
}

// readSysfsMemory reads what amdgpu says of memory, or Intel's xe. The other
// drivers say nothing here.
func (g *GPU) readSysfsMemory(root fs.FS, dir string) {
	vram, vramUsed := readSize(root, dir+"/mem_info_vram_total"), readSize(root, dir+"/mem_info_vram_used")
	switch {
	case vram > 0 && g.Kind == Integrated:
		// Its own memory is a part of main memory that was set aside; GTT is what
		// it may have of the rest.
		shared, sharedUsed := readSize(root, dir+"/mem_info_gtt_total"), readSize(root, dir+"/mem_info_gtt_used")
		if shared <= 0 || sharedUsed < 0 || shared > mostMemory {
			shared, sharedUsed = 0, 0
		}
		g.setMemory(vram+shared, vramUsed+sharedUsed, "amdgpu, mem_info_vram_* and mem_info_gtt_*")
		if shared > 0 {
			g.Shared = shared
			g.from("amdgpu, mem_info_gtt_total", "shared_bytes")
		}
	case vram > 0:
		g.setMemory(vram, vramUsed, "amdgpu, mem_info_vram_*")
	case g.Driver == "xe":
		var total int64
		for _, tile := range names(root, dir) {
			if strings.HasPrefix(tile, "tile") {
				total += max(0, readSize(root, dir+"/"+tile+"/physical_vram_size_bytes"))
			}
		}
		g.setMemory(total, -1, "xe, physical_vram_size_bytes")
	}
}

// readSize is the number of bytes in a file, decimal or 0x and hexadecimal; -1 if
// there is none.
func readSize(root fs.FS, name string) int64 {
	n, err := strconv.ParseInt(readText(root, name), 0, 64)
	if err != nil || n < 0 || n > mostMemory {
		return -1
	}
	return n
}

// setLinks finds the narrowest link between the processor and the card. Big cards
// have bridges of their own, behind which their link always says it is fast: what
// counts is the slot, so every link on the way is asked. A link is as good as the
// worse of its ends. Cards slow their link down while they rest, so that what is now
// tells little.
func (g *GPU) setLinks(root fs.FS, dir string) {
	way := []string{dir} // from the card upwards; every second step is inside a bridge
	if target, err := fs.ReadLink(root, dir); err == nil {
		for p := path.Dir(path.Join(path.Dir(dir), target)); isAddress(path.Base(p)); p = path.Dir(p) {
			way = append(way, p)
		}
	}
	for i := 0; i < len(way); i += 2 {
		far := way[min(i+1, len(way)-1)]
		g.Link = narrowest(g.Link, worse(readLink(root, way[i], "max"), readLink(root, far, "max")))
		g.LinkNow = narrowest(g.LinkNow, worse(readLink(root, way[i], "current"), readLink(root, far, "current")))
	}
	if g.Link.rate() > 0 {
		g.from("/sys, max_link_speed and max_link_width", "link")
	}
	if g.LinkNow.rate() > 0 {
		g.from("/sys, current_link_speed and current_link_width", "link_now")
	}
}

// isAddress says whether a folder's name is an address on the bus: 0000:03:00.0.
func isAddress(name string) bool {
	return len(name) >= 12 && strings.Count(name, ":") == 2 && strings.Count(name, ".") == 1
}

// otherGPU is a card that is on no PCI bus, as of systems on a chip.
func otherGPU(root fs.FS, dir string) (GPU, bool) {
	device := dir + "/device"
	if ueventField(root, device, "PCI_SLOT_NAME") != "" || readHex(root, device+"/class")>>16 == 3 {
		return GPU{}, false // of the bus, listed there
	}
	g := GPU{Kind: Virtual}
	g.setDriver(root, device)
	if g.Driver == "" {
		return GPU{}, false
	}
	if computes(root, device+"/drm") && g.Driver != "vkms" {
		g.Kind = Integrated // nothing but a PCI card has memory of its own
	}
	g.Name = fmt.Sprintf("GPU of driver %s", g.Driver)
	g.Display = hasScreen(root, device+"/drm")
	g.from("/sys/class/drm", "name", "kind")
	return g, true
}
