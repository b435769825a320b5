package hardware

import (
	"bufio"
	"cmp"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// setName finds what a PCI device is called: by its driver, or in the lists of
// names that systems carry.
func (g *GPU) setName(root fs.FS, dir string) {
	if maker := screenVendors[g.VendorID]; maker != "" {
		g.Name = maker + " display"
		g.from("PCI vendor number", "name")
		return
	}
	for line := range strings.Lines(readText(root, "proc/driver/nvidia/gpus/"+g.PCI+"/information")) {
		if model, ok := strings.CutPrefix(line, "Model:"); ok {
			g.nameIt(strings.TrimSpace(model), "/proc/driver/nvidia")
		}
	}
	if g.Name == "" {
		g.nameIt(readText(root, dir+"/product_name"), "amdgpu, product_name")
	}
	if g.Name == "" && g.VendorID == vendorAMD {
		revision := readHex(root, dir+"/revision")
		g.nameIt(amdName(root, g.DeviceID, revision), "libdrm's amdgpu.ids")
	}
	for _, list := range []string{"usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids"} {
		if g.Name == "" {
			g.nameIt(pciName(root, list, g.VendorID, g.DeviceID), "pci.ids")
		}
	}
	if g.Name == "" {
		maker := map[uint16]string{vendorAMD: "AMD", vendorNVIDIA: "NVIDIA", vendorIntel: "Intel"}[g.VendorID]
		g.nameIt(fmt.Sprintf("%s GPU %04x:%04x", cmp.Or(maker, "unnamed"), g.VendorID, g.DeviceID), "PCI numbers")
	}
}

// longestName bounds what is taken for a name.
const longestName = 100

// nameIt takes a name, if it is one: of characters that can be seen.
func (g *GPU) nameIt(name, source string) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > longestName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return
	}
	g.Name = name
	g.from(source, "name")
}

// amdName looks a card up in libdrm's list, of which a line is
// "744C,\tC8,\tAMD Radeon RX 7900 XTX": number, revision, name.
func amdName(root fs.FS, device uint16, revision uint32) string {
	found := ""
	eachLine(root, "usr/share/libdrm/amdgpu.ids", func(line string) bool {
		fields := strings.SplitN(line, ",", 3)
		if len(fields) == 3 && strings.EqualFold(strings.TrimSpace(fields[0]), fmt.Sprintf("%04X", device)) &&
			strings.EqualFold(strings.TrimSpace(fields[1]), fmt.Sprintf("%02X", revision)) {
			found = fields[2]
		}
		return found == ""
	})
	return found
}

// pciName looks a device up in a list of PCI names: makers at the start of a line,
// their devices after a tab, as "\t2684  AD102 [GeForce RTX 4090]". What is in
// brackets is the name in shops.
func pciName(root fs.FS, list string, vendor, device uint16) string {
	maker, found := "", ""
	eachLine(root, list, func(line string) bool {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != '\t':
			if maker != "" {
				return false // past its devices
			}
			if name, ok := strings.CutPrefix(line, fmt.Sprintf("%04x", vendor)); ok {
				maker = strings.TrimSpace(name)
			}
		case maker != "":
			if name, ok := strings.CutPrefix(line[1:], fmt.Sprintf("%04x", device)); ok {
				found = strings.TrimSpace(name)
				return false
			}
		}
		return true
	})
	if found == "" {
		return ""
	}
	if _, shop, ok := strings.Cut(found, "["); ok {
		found = strings.TrimSuffix(shop, "]")
	}
	first, _, _ := strings.Cut(maker, " ")
	if _, short, ok := strings.Cut(maker, "["); ok { // Advanced Micro Devices, Inc. [AMD/ATI]
		first, _, _ = strings.Cut(strings.TrimSuffix(short, "]"), "/")
	}
	return first + " " + found
}

// eachLine gives the lines of a file until visit is false.
func eachLine(root fs.FS, name string, visit func(line string) bool) {
	f, err := root.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() && visit(lines.Text()) {
	}
}
