package hardware

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// machineFiles is the files of a machine in testdata: an archive of text files, in
// which "name -> target" is a symbolic link.
func machineFiles(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", "machines", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	root := fstest.MapFS{}
	for _, f := range a.Files {
		if link, target, ok := strings.Cut(f.Name, " -> "); ok {
			root[link] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		root[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return root
}

// TestSysfsGPUs reads whole machines and compares every figure.
func TestSysfsGPUs(t *testing.T) {
	tests := []struct {
		machine string
		want    []string
	}{
		{"amd-desktop", []string{
			"AMD Radeon RX 7900 XTX|discrete|0000:03:00.0|1002:744c|amdgpu Linux 6.8.0-45-generic|25753026560 used 1300000000 free 24453026560 shared 0|PCIe 3.0 x8 now PCIe 1.0 x8|screen",
			"AMD Radeon Graphics|unified|0000:0f:00.0|1002:164e|amdgpu Linux 6.8.0-45-generic|34091302912 used 30000000 free 34061302912 shared 33554432000|unknown now unknown|",
		}},
		{"amd-apu", []string{
			"AMD Radeon 8060S Graphics|unified|0000:c2:00.0|1002:1586|amdgpu 6.12.12|118648471552 used 400000000 free 118248471552 shared 118111600640|unknown now unknown|",
		}},
		{"intel-igpu", []string{
			"Intel Iris Xe Graphics|unified|0000:00:02.0|8086:46a6|i915 Linux 6.1.0-18-amd64|0 used 0 free 0 shared 0|unknown now unknown|screen",
		}},
		{"nvidia-laptop", []string{
			"Intel GPU 8086:a7a0|unified|0000:00:02.0|8086:a7a0|i915 |0 used 0 free 0 shared 0|unknown now unknown|screen",
			"NVIDIA GeForce RTX 4060 Laptop GPU|discrete|0000:01:00.0|10de:28e0|nvidia 550.90.07|0 used 0 free 0 shared 0|PCIe 4.0 x8 now PCIe 1.0 x8|",
		}},
		{"virtual-machine", []string{
			"virtio display|virtual|0000:00:01.0|1af4:1050|virtio-pci |0 used 0 free 0 shared 0|unknown now unknown|",
			"Bochs display|virtual|0000:00:05.0|1234:1111| |0 used 0 free 0 shared 0|unknown now unknown|",
		}},
		{"arc-server", []string{
			"ASPEED display|virtual|0000:04:00.0|1a03:2000|ast |0 used 0 free 0 shared 0|unknown now unknown|screen",
			"Intel Arc B580|discrete|0000:05:00.0|8086:e20b|xe |12784238592 used 0 free 0 shared 0|unknown now unknown|",
			"Intel Arc A750|discrete|0000:06:00.0|8086:56a1|i915 |0 used 0 free 0 shared 0|unknown now unknown|",
			"AMD Instinct MI300X OAM|discrete|0000:07:00.0|1002:74a1| |206141652992 used 300000000 free 205841652992 shared 0|unknown now unknown|",
		}},
		{"raspberry-pi", []string{
			"GPU of driver v3d|unified||0000:0000|v3d |0 used 0 free 0 shared 0|unknown now unknown|",
			"GPU of driver vc4-drm|virtual||0000:0000|vc4-drm |0 used 0 free 0 shared 0|unknown now unknown|screen",
		}},
		{"nonsense", []string{
			"AMD GPU 1002:744c|discrete|0000:01:00.0|1002:744c|../../../etc/passwd |4096 used 0 free 0 shared 0|unknown now unknown|",
			"AMD GPU 1002:0000|discrete|0000:03:00.0|1002:0000| |0 used 0 free 0 shared 0|unknown now unknown|",
		}},
	}
	for _, test := range tests {
		t.Run(test.machine, func(t *testing.T) {
			var got []string
			for _, g := range sysfsGPUs(machineFiles(t, test.machine)) {
				got = append(got, oneLine(g))
				checkSources(t, g)
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
	if got := sysfsGPUs(fstest.MapFS{}); len(got) != 0 {
		t.Errorf("no files: got %v", got)
	}
}

// oneLine is every figure of a GPU.
func oneLine(g GPU) string {
	screen := ""
	if g.Display {
		screen = "screen"
	}
	return fmt.Sprintf("%s|%s|%s|%04x:%04x|%s %s|%d used %d free %d shared %d|%s now %s|%s", g.Name, g.Kind, g.PCI, g.VendorID, g.DeviceID,
		g.Driver, g.DriverVersion, g.Total, g.Used, g.Free, g.Shared, g.Link, g.LinkNow, screen)
}

// checkSources expects a source for every figure that is there, and none for one
// that is not.
func checkSources(t *testing.T, g GPU) {
	t.Helper()
	for figure, there := range map[string]bool{
		"name": g.Name != "", "kind": g.Kind != "", "pci": g.PCI != "", "driver": g.Driver != "", "driver_version": g.DriverVersion != "",
		"total_bytes": g.Total != 0, "free_bytes": g.Used != 0, "used_bytes": g.Used != 0, "shared_bytes": g.Shared != 0,
		"link": g.Link.rate() != 0, "link_now": g.LinkNow.rate() != 0, "bandwidth_bytes_s": g.Bandwidth != 0, "tflops": g.TFLOPS != 0,
	} {
		if (g.Sources[figure] != "") != there {
			t.Errorf("%s: %s is there: %v; its source is %q", g.Name, figure, there, g.Sources[figure])
		}
	}
}

func TestFromTable(t *testing.T) {
	const gib = 1 << 30
	tests := []struct {
		name  string
		kind  GPUKind
		total int64
		want  float64 // GB/s
	}{
		{"NVIDIA GeForce RTX 4090", Discrete, 24564 << 20, 1008},
		{"NVIDIA GeForce RTX 4060 Laptop GPU", Discrete, 0, 256},
		{"NVIDIA GeForce RTX 4060 Ti", Discrete, 16380 << 20, 288},
		{"NVIDIA GeForce RTX 3080", Discrete, 10240 << 20, 760},
		{"NVIDIA GeForce RTX 3080", Discrete, 12288 << 20, 912},
		{"NVIDIA GeForce RTX 4060 Ti", Discrete, 0, 0}, // which of the two is not known
		{"NVIDIA H100 80GB HBM3", Discrete, 81559 << 20, 3350},
		{"NVIDIA A100-SXM4-80GB", Discrete, 81920 << 20, 2039},
		{"NVIDIA RTX 6000 Ada Generation", Discrete, 49140 << 20, 960},
		{"NVIDIA L4", Discrete, 23034 << 20, 300},
		{"NVIDIA L", Discrete, 23034 << 20, 0},
		{"Tesla T4", Discrete, 15360 << 20, 320},
		{"AMD Radeon RX 7900 XTX", Discrete, 25753026560, 960},
		{"Intel(R) Arc(TM) A770 Graphics", Discrete, 16 * gib, 560},
		{"AMD Radeon 8060S Graphics", Integrated, 0, 256},
		{"Apple M4 Max", Integrated, 0, 546},
		{"Apple M4 Max", Discrete, 0, 0},
		{"dual-channel DDR5-5600", Integrated, 0, 0},
		{"", Discrete, 24 * gib, 0},
		{"AMD", Discrete, 24 * gib, 0},
	}
	for _, test := range tests {
		g := GPU{Name: test.name, Kind: test.kind, Total: test.total}
		g.fromTable()
		if g.Bandwidth != test.want*1e9 {
			t.Errorf("%s with %d MiB: got %v, want %v GB/s", test.name, test.total>>20, g.Bandwidth, test.want)
		}
		if (g.Bandwidth > 0) != strings.Contains(g.Sources["bandwidth_bytes_s"], "devices.toml") {
			t.Errorf("%s: source is %q", test.name, g.Sources["bandwidth_bytes_s"])
		}
	}
	g := GPU{Name: "RTX 4060 Laptop", Kind: Discrete}
	if g.fromTable(); g.Total != 8*gib || g.FreeKnown() {
		t.Errorf("got a size of %d, free known: %v", g.Total, g.FreeKnown())
	}
}

func TestMergeGPUs(t *testing.T) {
	base := []GPU{
		{Name: "one", Kind: Discrete, PCI: "0000:01:00.0", VendorID: 1, DeviceID: 2, Sources: map[string]string{"name": "a"}},
		{Name: "two", Kind: Discrete, PCI: "0000:02:00.0", VendorID: 1, DeviceID: 2, Total: 100, Used: 40, Free: 60, Sources: map[string]string{"total_bytes": "a", "free_bytes": "a"}},
	}
	more := []GPU{
		{Name: "deux", PCI: "0000:02:00.0", Total: 90, Used: 0, Free: 90, Bandwidth: 7, Sources: map[string]string{"name": "b", "total_bytes": "b", "free_bytes": "b", "bandwidth_bytes_s": "b"}},
		{Name: "un", VendorID: 1, DeviceID: 2, Total: 50, Used: 10, Free: 40, Sources: map[string]string{"total_bytes": "b", "free_bytes": "b"}}, // without an address: the one that is left
		{Name: "three", PCI: "0000:03:00.0"},
	}
	got := MergeGPUs(base, more)
	if len(got) != 3 || got[2].Name != "three" {
		t.Fatalf("got %+v", got)
	}
	if g := got[1]; g.Name != "two" || g.Total != 100 || g.Free != 60 || g.Bandwidth != 7 || g.Sources["total_bytes"] != "a" || g.Sources["bandwidth_bytes_s"] != "b" {
		t.Errorf("the second: got %+v", g)
	}
	if g := got[0]; g.Name != "one" || g.Total != 50 || g.Free != 40 || g.Sources["free_bytes"] != "b" || g.Sources["name"] != "a" {
		t.Errorf("the first: got %+v", g)
	}
	if base[0].Total != 0 || base[0].Sources["free_bytes"] != "" || more[1].Sources["name"] != "" {
		t.Error("the lists were changed")
	}
	// Two equal cards without addresses stay two.
	twin := GPU{Name: "twin", Kind: Discrete}
	if got := MergeGPUs([]GPU{twin, twin}, []GPU{twin, twin, twin}); len(got) != 3 {
		t.Errorf("twins: got %d, want 3", len(got))
	}
}

func TestPCILink(t *testing.T) {
	tests := []struct {
		link PCILink
		want float64 // GB/s before headers
	}{{PCILink{3, 16}, 15.754}, {PCILink{4, 16}, 31.508}, {PCILink{1, 1}, 0.25}, {PCILink{2, 4}, 2}, {PCILink{}, 0}, {PCILink{9, 16}, 0}, {PCILink{4, -1}, 0}}
	for _, test := range tests {
		if got := test.link.rate() / 1e9; got < test.want-0.001 || got > test.want+0.001 {
			t.Errorf("%v: got %.3f, want %.3f GB/s", test.link, got, test.want)
		}
	}
	if got := (PCILink{4, 16}).Bandwidth(); got < 24e9 || got > 26e9 {
		t.Errorf("copies over PCIe 4.0 x16: got %v, want about 25 GB/s", got)
	}
}

// TestLinkBehindBridges has a card whose own link is of four fast lanes, behind a
// bridge with sixteen slow ones: both are as fast, and what is inside the bridge is no
// link of four slow lanes.
func TestLinkBehindBridges(t *testing.T) {
	const top = "sys/devices/pci0000:00/0000:00:01.1"
	root := files(map[string]string{})
	for dir, speedAndWidth := range map[string][2]string{
		top:                                {"8.0 GT/s PCIe", "16"},
		top + "/0000:01:00.0":              {"8.0 GT/s PCIe", "16"},
		top + "/0000:01:00.0/0000:02:00.0": {"32.0 GT/s PCIe", "4"},
		top + "/0000:01:00.0/0000:02:00.0/0000:03:00.0": {"32.0 GT/s PCIe", "4"},
	} {
		root[dir+"/max_link_speed"] = &fstest.MapFile{Data: []byte(speedAndWidth[0])}
		root[dir+"/max_link_width"] = &fstest.MapFile{Data: []byte(speedAndWidth[1])}
	}
	link(root, "sys/bus/pci/devices/0000:03:00.0", "../../../devices/pci0000:00/0000:00:01.1/0000:01:00.0/0000:02:00.0/0000:03:00.0")
	var g GPU
	if g.setLinks(root, "sys/bus/pci/devices/0000:03:00.0"); g.Link != (PCILink{5, 4}) {
		t.Errorf("got %v, want PCIe 5.0 x4", g.Link)
	}
}

func TestPCIName(t *testing.T) {
	root := files(map[string]string{"ids": "# list\n8086  Intel Corporation\n\t46a6  Alder Lake [Iris]\n\t\t103c 46a8  no device\n8087  Intel Corp.\n\t46a7  of another maker\n10de  NVIDIA Corporation\n\t2684  AD102\n"})
	for _, test := range []struct {
		vendor, device uint16
		want           string
	}{{0x8086, 0x46a6, "Intel Iris"}, {0x8086, 0x46a7, ""}, {0x8086, 0x46a8, ""}, {0x10de, 0x2684, "NVIDIA AD102"}, {0x1002, 1, ""}} {
		if got := pciName(root, "ids", test.vendor, test.device); got != test.want {
			t.Errorf("%04x:%04x: got %q, want %q", test.vendor, test.device, got, test.want)
		}
	}
}

// FuzzSysfsGPUs reads whatever a driver may write.
func FuzzSysfsGPUs(f *testing.F) {
	f.Add("0x030000", "0x1002", "DRIVER=amdgpu", "1024", "16.0 GT/s PCIe", "1002  AMD [AMD/ATI]\n\t744c  Navi [RX]")
	f.Add("0x120000", "0x10de", "DRIVER=\n=", "-1", "Unknown", "744C,\tC8,\tx")
	f.Fuzz(func(t *testing.T, class, vendor, uevent, size, speed, ids string) {
		dir := "sys/bus/pci/devices/0000:03:00.0/"
		root := fstest.MapFS{}
		for name, text := range map[string]string{
			dir + "class": class, dir + "vendor": vendor, dir + "device": "0x744c", dir + "revision": "0xc8", dir + "uevent": uevent, dir + "product_name": size,
			dir + "mem_info_vram_total": size, dir + "mem_info_vram_used": speed, dir + "max_link_speed": speed, dir + "max_link_width": size,
			"usr/share/hwdata/pci.ids": ids, "usr/share/libdrm/amdgpu.ids": ids,
		} {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		for _, g := range sysfsGPUs(root) {
			g.fromTable()
			if g.Name == "" || len(g.Name) > longestName || strings.ContainsFunc(g.Name, func(r rune) bool { return r < ' ' }) {
				t.Errorf("name is %q", g.Name)
			}
			if g.Total < 0 || g.Total > mostMemory || g.Free < 0 || g.Free > g.Total || g.Link.rate() < 0 {
				t.Errorf("got %s", oneLine(g))
			}
		}
	})
}
