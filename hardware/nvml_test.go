package hardware

import (
	"strings"
	"testing"
)

// fakeCard is what a fake library knows of a card. Zero figures are not supported.
type fakeCard struct {
	name    string
	memory  nvmlMemory
	pci     nvmlPCI
	figures [nvmlFigures]uint32
	clock   uint32
	lost    bool
}

// fakeNVML answers as the library does: 3 is NVML_ERROR_NOT_SUPPORTED, 15
// NVML_ERROR_GPU_IS_LOST.
func fakeNVML(driver string, cards ...fakeCard) (n *nvml, stopped *int) {
	stopped = new(int)
	number := func(x uint32, to *uint32) uint32 {
		if x == 0 {
			return 3
		}
		*to = x
		return 0
	}
	return &nvml{
		init:          func() uint32 { return 0 },
		shutdown:      func() uint32 { *stopped++; return 0 },
		driverVersion: func(b []byte) uint32 { copy(b, driver); return 0 },
		count:         func(n *uint32) uint32 { *n = uint32(len(cards)); return 0 },
		device: func(i uint32, handle *uintptr) uint32 {
			if cards[i].lost {
				return 15
			}
			*handle = uintptr(i)
			return 0
		},
		name: func(d uintptr, b []byte) uint32 { copy(b, cards[d].name); return 0 },
		memory: func(d uintptr, m *nvmlMemory) uint32 {
			if *m = cards[d].memory; m.total == 0 {
				return 3
			}
			return 0
		},
		address:  func(d uintptr, p *nvmlPCI) uint32 { *p = cards[d].pci; return 0 },
		figure:   func(which nvmlFigure, d uintptr, n *uint32) uint32 { return number(cards[d].figures[which], n) },
		maxClock: func(d uintptr, clock uint32, mhz *uint32) uint32 { return number(cards[d].clock, mhz) },
	}, stopped
}

func TestNVML(t *testing.T) {
	const mib = 1 << 20
	card := fakeCard{
		name: "NVIDIA GeForce RTX 4090", memory: nvmlMemory{total: 24564 * mib, free: 24077 * mib, used: 100 * mib},
		pci: nvmlPCI{bus: 1, ids: 0x268410de}, clock: 10501,
		figures: [nvmlFigures]uint32{nvmlGeneration: 1, nvmlLanes: 16, nvmlMostGeneration: 4, nvmlMostLanes: 16, nvmlBusWidth: 384, nvmlDisplay: 1},
	}
	spark := fakeCard{name: "NVIDIA GB10", pci: nvmlPCI{domain: 15, bus: 1, ids: 0x2e1210de}}
	n, stopped := fakeNVML("550.90.07", card, fakeCard{lost: true}, spark)
	got, err := n.gpus()
	if err == nil || !strings.Contains(err.Error(), "card 2 of 3") || *stopped != 1 {
		t.Errorf("got error %v, stopped %d times", err, *stopped)
	}
	if len(got) != 2 {
		t.Fatalf("got %d cards, want the two that are there", len(got))
	}
	want := []string{
		"NVIDIA GeForce RTX 4090|discrete|0000:01:00.0|10de:2684|nvidia 550.90.07|25757220864 used 510656512 free 25246564352 shared 0|PCIe 4.0 x16 now PCIe 1.0 x16|screen",
		"NVIDIA GB10|unified|000f:01:00.0|10de:2e12|nvidia 550.90.07|0 used 0 free 0 shared 0|unknown now unknown|",
	}
	for i, g := range got {
		if oneLine(g) != want[i] {
			t.Errorf("got\n%s\nwant\n%s", oneLine(g), want[i])
		}
		checkSources(t, g)
	}
	if got[0].Bandwidth != 1008.096e9 || got[1].Bandwidth != 0 {
		t.Errorf("bandwidth: got %v and %v, want 1008.096e9 and none", got[0].Bandwidth, got[1].Bandwidth)
	}
}

// TestNVMLFails expects an error of one line, and no call after a failed start.
func TestNVMLFails(t *testing.T) {
	n, stopped := fakeNVML("1")
	n.init = func() uint32 { return 9 } // NVML_ERROR_DRIVER_NOT_LOADED
	n.count = func(*uint32) uint32 { t.Error("counted after a failed start"); return 0 }
	if got, err := n.gpus(); err == nil || len(got) != 0 || *stopped != 0 {
		t.Errorf("got %v, %v, stopped %d times", got, err, *stopped)
	}
	n, _ = fakeNVML("1")
	n.count = func(*uint32) uint32 { return 999 }
	if _, err := n.gpus(); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

// TestNVMLNonsense gives sizes and texts that no card has.
func TestNVMLNonsense(t *testing.T) {
	card := fakeCard{
		name: strings.Repeat("x", 500), memory: nvmlMemory{total: 1 << 63, free: 5},
		pci: nvmlPCI{bus: 99999}, clock: 1 << 31, figures: [nvmlFigures]uint32{nvmlMostGeneration: 77, nvmlMostLanes: 3, nvmlBusWidth: 1 << 30},
	}
	n, _ := fakeNVML(strings.Repeat("9", 500), card)
	got, err := n.gpus()
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	if g := got[0]; g.Name != "" || g.PCI != "" || g.Total != 0 || g.Bandwidth != 0 || g.Link != (PCILink{}) || g.DriverVersion != "" {
		t.Errorf("got %+v", g)
	}
}

// TestNVMLMeetsSysfs merges what both say of the laptop's card.
func TestNVMLMeetsSysfs(t *testing.T) {
	card := fakeCard{name: "NVIDIA GeForce RTX 4060 Laptop GPU", memory: nvmlMemory{total: 8188 << 20, free: 7800 << 20}, pci: nvmlPCI{bus: 1, ids: 0x28e010de}}
	n, _ := fakeNVML("550.90.07", card)
	cards, err := n.gpus()
	if err != nil {
		t.Fatal(err)
	}
	got := MergeGPUs(sysfsGPUs(machineFiles(t, "nvidia-laptop")), cards)
	want := "NVIDIA GeForce RTX 4060 Laptop GPU|discrete|0000:01:00.0|10de:28e0|nvidia 550.90.07|8585740288 used 406847488 free 8178892800 shared 0|PCIe 4.0 x8 now PCIe 1.0 x8|"
	if len(got) != 2 || oneLine(got[1]) != want || !got[1].FreeKnown() || got[1].Sources["free_bytes"] != "NVML" {
		t.Errorf("got %+v, want\n%s", got, want)
	}
}
