package hardware

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestDevices(t *testing.T) {
	rows, err := Devices()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 60 {
		t.Errorf("the table has %d rows, want at least 60", len(rows))
	}
	// A few whose figures are known by heart.
	tests := []struct {
		name              string
		kind              DeviceKind
		memory, bandwidth float64
	}{
		{"RTX 4090", Card, 24, 1008}, {"RTX 3090", Card, 24, 936}, {"H100 SXM", Card, 80, 3350}, {"RX 7900 XTX", Card, 24, 960},
		{"Apple M4 Max", Unified, 128, 546}, {"Ryzen AI Max+ 395", Unified, 128, 256}, {"dual-channel DDR5-5600", MainMemory, 0, 89.6},
		{"12-channel DDR5-6400", MainMemory, 0, 614.4},
	}
	for _, test := range tests {
		d, err := FindDevice(test.name, Card, Unified, MainMemory)
		if err != nil || d.Kind != test.kind || d.Memory != test.memory || d.Bandwidth != test.bandwidth {
			t.Errorf("%s: got %+v, %v", test.name, d, err)
		}
	}
}

func TestFindDevice(t *testing.T) {
	for _, name := range []string{"rtx4090", "NVIDIA GeForce RTX 4090", "RTX-4090", "  rtx 4090 "} {
		if d, err := FindDevice(name, Card); err != nil || d.Name != "RTX 4090" {
			t.Errorf("%q: got %q, %v", name, d.Name, err)
		}
	}
	tests := []struct {
		name string
		want string // among the nearest
	}{{"4090", "RTX 4090"}, {"RTX 4099", "RTX 4090"}, {"RTX 5090 Ti", "RTX 5090"}, {"7900", "RX 7900 XTX"}, {"M4 Max", ""}, {"H100", "H100 SXM"}, {strings.Repeat("x", 1000), ""}, {"", ""}}
	for _, test := range tests {
		_, err := FindDevice(test.name, Card)
		var unknown *UnknownDeviceError
		if !errors.As(err, &unknown) || len(unknown.Nearest) != nearestRows || test.want != "" && !slices.Contains(unknown.Nearest, test.want) {
			t.Errorf("%q: got %v, want %q among the nearest", test.name, err, test.want)
		}
	}
	if d, err := FindDevice("M4 Max", Unified); err != nil || d.Name != "Apple M4 Max" {
		t.Errorf("got %q, %v", d.Name, err)
	}
}

func TestParseDevicesRefuses(t *testing.T) {
	good := "[[row]]\nname=\"A\"\nkind=\"card\"\nmemory=8\nbandwidth=100\nlink=12\nsource=\"its maker\"\n"
	if _, err := parseDevices(good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{"bandwidth=100", "bandwidth=-1"}, {"bandwidth=100", "bandwidth=nan"}, {"memory=8", "memory=0"}, {"\"card\"", "\"cart\""},
		{"source=\"its maker\"", ""}, {"link=12", "link=0"}, {"memory=8", "memory=8\nprice=3"}, {"[[row]]", "[[row"}, {"[[row]]\nname=\"A\"", good + "[[row]]\nname=\"a\""}, {good, ""}} {
		if _, err := parseDevices(strings.Replace(good, change[0], change[1], 1)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q for %q: got %v, want one line of error", change[1], change[0], err)
		}
	}
}

func TestFindDisk(t *testing.T) {
	if d, err := FindDisk("NVMe"); err != nil || d.Bandwidth != 3e9 {
		t.Errorf("got %+v, %v", d, err)
	}
	if _, err := FindDisk("floppy"); err == nil || !strings.Contains(err.Error(), "nvme4") {
		t.Errorf("got %v, want the kinds that there are", err)
	}
}
