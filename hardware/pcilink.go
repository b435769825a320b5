package hardware

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// PCILink is how a device hangs on the bus.
type PCILink struct {
	Generation int `json:"generation,omitempty"`
	Lanes      int `json:"lanes,omitempty"`
}

// generations are the rates of a lane, in 10^9 transfers per second, by generation
// from 1 on (PCI Express Base Specification 6.0, 1.2).
var generations = []float64{2.5, 5, 8, 16, 32, 64}

// linkShare is how much of a link's rate copies reach: packets have headers, and
// 25 GB/s of the 31.5 of PCIe 4.0 x16 are what measurements of copying give.
const linkShare = 0.8

// Bandwidth is what copies over the link reach, in bytes per second; 0 if the link
// is unknown.
func (l PCILink) Bandwidth() float64 { return linkShare * l.rate() }

// rate is the bytes per second of the link after its coding: 8 of 10 bits carry
// data up to generation 2, 128 of 130 from there.
func (l PCILink) rate() float64 {
	if l.Generation < 1 || l.Generation > len(generations) || l.Lanes < 1 {
		return 0
	}
	coding := 128.0 / 130
	if l.Generation <= 2 {
		coding = 0.8
	}
	return generations[l.Generation-1] * 1e9 / 8 * float64(l.Lanes) * coding
}

// String is the link as data sheets write it.
func (l PCILink) String() string {
	if l.Generation == 0 {
		return "unknown"
	}
	return fmt.Sprintf("PCIe %d.0 x%d", l.Generation, l.Lanes)
}

// readLink is the link of a PCI device of sysfs: which is "current" or "max".
// Its files are like "16.0 GT/s PCIe" and "16", and "Unknown" and "255" or "0"
// where there is none (the kernel's Documentation/ABI/testing/sysfs-bus-pci).
func readLink(root fs.FS, dir, which string) PCILink {
	speed, _, _ := strings.Cut(readText(root, dir+"/"+which+"_link_speed"), " ")
	rate, err := strconv.ParseFloat(speed, 64)
	lanes := parseInt(readText(root, dir+"/"+which+"_link_width"))
	if err != nil || lanes < 1 || lanes > 32 {
		return PCILink{}
	}
	for i, g := range generations {
		if rate == g {
			return PCILink{Generation: i + 1, Lanes: int(lanes)}
		}
	}
	return PCILink{}
}

// worse is what two ends agree on; an end that says nothing agrees to all.
func worse(a, b PCILink) PCILink {
	if a.rate() == 0 || b.rate() == 0 {
		return narrowest(a, b)
	}
	return PCILink{Generation: min(a.Generation, b.Generation), Lanes: min(a.Lanes, b.Lanes)}
}

// narrowest is the slower of two links; an unknown one does not count.
func narrowest(a, b PCILink) PCILink {
	switch {
	case a.rate() == 0:
		return b
	case b.rate() == 0 || a.rate() <= b.rate():
		return a
	}
	return b
}
