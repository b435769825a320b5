package hardware

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// block adds a block device to a file system of sysfs: its number, its disk if it is
// a partition, and what the disk's folder has.
func block(root fstest.MapFS, number, name, disk string, has map[string]string) {
	root["sys/dev/block/"+number+"/uevent"] = &fstest.MapFile{Data: []byte("MAJOR=1\nDEVNAME=" + name + "\nDEVTYPE=x\n")}
	dir := "sys/block/" + name
	if disk != "" {
		dir = "sys/block/" + disk
		root[dir+"/"+name+"/partition"] = &fstest.MapFile{Data: []byte("1")}
	}
	root["sys/class/block/"+name+"/uevent"] = root["sys/dev/block/"+number+"/uevent"]
	root[dir+"/size"] = &fstest.MapFile{Data: []byte("1")}
	for file, text := range has {
		root[dir+"/"+file] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
}

func link(root fstest.MapFS, from, to string) {
	root[from] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
}

// server is a machine with every kind of disk.
func server() fstest.MapFS {
	root := files(map[string]string{"proc/self/mountinfo": `21 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
22 21 0:20 / /proc rw - proc proc rw
30 21 259:3 / /home rw shared:5 - ext4 /dev/nvme0n1p3 rw
31 30 259:9 / /home/old rw - ext4 /dev/nvme1n1 rw
32 30 259:11 / /home/gone rw - ext4 /dev/nvme2n1 rw
33 21 0:44 /@data /data rw shared:9 - btrfs /dev/mapper/vault-data rw,subvolid=257
34 21 0:50 / /mnt/share\040one rw - nfs4 server:/export rw
35 21 0:51 / /mnt/host rw - virtiofs host rw
36 21 0:52 / /tmp rw - tmpfs tmpfs rw
37 21 254:1 / /vm rw - xfs /dev/vda1 rw
38 21 8:33 / /media/stick rw - vfat /dev/sdc1 rw
39 21 8:17 / /media/disk rw - ext4 /dev/sdb1 rw
40 21 8:48 / /media/disk rw - ext4 /dev/sdd rw
41 21 179:1 / /boot rw - ext4 /dev/mmcblk0p1 rw
42 21 8:64 / /cloud rw - ext4 /dev/sde rw
43 21 9:0 / /raid rw - ext4 /dev/md0 rw
44 21 7:0 / /snap rw - squashfs /dev/loop0 ro
47 21 253:9 / /loop rw - ext4 /dev/mapper/loop rw
45 21 259:13 / /fabric rw - ext4 /dev/nvme3n1 rw
nonsense
46 21
`})
	gen := func(speed, width string) map[string]string {
		return map[string]string{"device/device/current_link_speed": speed, "device/device/current_link_width": width, "device/transport": "pcie"}
	}
	block(root, "8:2", "sda2", "sda", map[string]string{"queue/rotational": "0", "device/vendor": "ATA", "device/model": "Samsung SSD 870"})
	block(root, "259:3", "nvme0n1p3", "nvme0n1", gen("16.0 GT/s PCIe", "4"))
	block(root, "259:9", "nvme1n1", "", gen("8.0 GT/s PCIe", "2"))
	block(root, "259:11", "nvme2n1", "", map[string]string{"device/model": "Amazon Elastic Block Store"})
	block(root, "259:13", "nvme3n1", "", map[string]string{"device/transport": "tcp"})
	block(root, "253:0", "dm-0", "", map[string]string{"dm/name": "vault-data", "slaves/dm-1/x": "", "queue/rotational": "0"})
	block(root, "253:1", "dm-1", "", map[string]string{"dm/name": "crypt", "slaves/sdb1/x": ""})
	block(root, "253:9", "dm-9", "", map[string]string{"slaves/dm-9/x": ""}) // made of itself
	block(root, "254:1", "vda1", "vda", map[string]string{"queue/rotational": "1"})
	block(root, "8:33", "sdc1", "", nil)
	delete(root, "sys/block/sdc1/size")
	root["sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/host6/block/sdc/sdc1/partition"] = &fstest.MapFile{}
	root["sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/host6/block/sdc/queue/rotational"] = &fstest.MapFile{Data: []byte("0\n")}
	link(root, "sys/block/sdc", "../devices/pci0000:00/0000:00:14.0/usb2/2-1/host6/block/sdc")
	block(root, "8:17", "sdb1", "sdb", map[string]string{"queue/rotational": "1"})
	block(root, "8:48", "sdd", "", map[string]string{"queue/rotational": "0"})
	block(root, "179:1", "mmcblk0p1", "mmcblk0", nil)
	block(root, "8:64", "sde", "", map[string]string{"queue/rotational": "1", "device/vendor": "QEMU    ", "device/model": "QEMU HARDDISK"})
	block(root, "9:0", "md0", "", map[string]string{"slaves/nvme0n1p3/x": "", "slaves/sda2/x": ""})
	block(root, "7:0", "loop0", "", map[string]string{"queue/rotational": "0"})
	return root
}

func TestSysfsDrive(t *testing.T) {
	root := server()
	tests := []struct {
		folder, device, system, kind string
		bandwidth                    float64 // GB/s
	}{
		{"/usr", "sda2", "ext4", "sata", 0.5},
		{"/home/me/models", "nvme0n1p3", "ext4", "nvme4", 6},
		{"/homes", "sda2", "ext4", "sata", 0.5},
		{"/home/old", "nvme1n1", "ext4", "nvme", 1.5754}, // two lanes
		{"/home/gone", "nvme2n1", "ext4", "virtual", 0.125},
		{"/data/x", "dm-0", "btrfs", "hdd", 0.15}, // encrypted, on a disk that turns
		{"/mnt/share one/models", "", "nfs4", "network", 0.11},
		{"/mnt/host", "", "virtiofs", "virtual", 0.125},
		{"/tmp", "", "tmpfs", "", 0},
		{"/vm", "vda1", "xfs", "virtual", 0.125},
		{"/media/stick", "sdc1", "vfat", "usb", 0.4},
		{"/media/disk", "sdd", "ext4", "sata", 0.5}, // mounted over sdb1
		{"/boot", "mmcblk0p1", "ext4", "mmc", 0.09},
		{"/cloud", "sde", "ext4", "virtual", 0.125},
		{"/raid", "md0", "ext4", "sata", 0.5}, // the slower of two
		{"/loop", "dm-9", "ext4", "", 0},
		{"/snap", "loop0", "squashfs", "", 0},
		{"/fabric", "nvme3n1", "ext4", "network", 0.11},
	}
	for _, test := range tests {
		var d Drive
		d.sysfsDrive(root, test.folder)
		d.expect()
		if d.Device != test.device || d.FileSystem != test.system || d.Kind != test.kind || d.Bandwidth/1e9 < test.bandwidth*0.999 || d.Bandwidth/1e9 > test.bandwidth*1.001 {
			t.Errorf("%s: got %q %q %q at %.4f GB/s, want %q %q %q at %v", test.folder, d.Device, d.FileSystem, d.Kind, d.Bandwidth/1e9, test.device, test.system, test.kind, test.bandwidth)
		}
		for figure, there := range map[string]bool{"device": d.Device != "", "file_system": true, "kind": d.Kind != "", "bandwidth_bytes_s": d.Bandwidth > 0} {
			if (d.Sources[figure] != "") != there {
				t.Errorf("%s: the source of %s is %q", test.folder, figure, d.Sources[figure])
			}
		}
	}
	var d Drive
	if d.sysfsDrive(fstest.MapFS{}, "/home"); d.Device != "" || d.Kind != "" {
		t.Errorf("no files: got %+v", d)
	}
}

// TestFindDrive looks at the disk of the test: it has a size, and a folder that is
// not there lies where the one above does.
func TestFindDrive(t *testing.T) {
	here := t.TempDir()
	d, err := FindDrive(filepath.Join(here, "not", "there"))
	if err != nil || d.Total <= 0 || d.Free < 0 || d.Free > d.Total {
		t.Fatalf("got %+v, %v", d, err)
	}
	same, err := FindDrive(here)
	if err != nil || same.Device != d.Device || same.Total != d.Total {
		t.Errorf("got %+v, %v, want the disk of %+v", same, err, d)
	}
	file := filepath.Join(here, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FindDrive(filepath.Join(here, "a\x00b")); err == nil {
		t.Error("a name that cannot be: got no error")
	}
}

func TestDiskutilKind(t *testing.T) {
	list := func(bus, solid string) string {
		return "<dict>\n\t<key>BusProtocol</key>\n\t<string>" + bus + "</string>\n\t<key>SolidState</key>\n\t<" + solid + "/>\n</dict>\n"
	}
	tests := []struct{ list, want string }{
		{list("Apple Fabric", "true"), "nvme"}, {list("PCI-Express", "true"), "nvme"}, {list("SATA", "false"), "hdd"},
		{list("SATA", "true"), "sata"}, {list("USB", "false"), "hdd"}, {list("USB", "true"), "usb"}, {"", ""}, {"<key>SolidState</key>", ""},
	}
	for _, test := range tests {
		if got := diskutilKind(test.list); got != test.want {
			t.Errorf("%q: got %q, want %q", test.list, got, test.want)
		}
	}
}

// FuzzSysfsDrive reads whatever mountinfo may hold.
func FuzzSysfsDrive(f *testing.F) {
	f.Add("30 21 259:3 / /home rw shared:5 - ext4 /dev/nvme0n1p3 rw\n", "/home/me")
	f.Add("30 21 8:2/../.. / / - btrfs /dev/mapper/vault-data", "/")
	f.Add("1 2 3 4 /\\0400\\9 - a b\n - \n", "/ 0")
	root := server()
	f.Fuzz(func(t *testing.T, mounts, folder string) {
		own := fstest.MapFS{"proc/self/mountinfo": &fstest.MapFile{Data: []byte(mounts)}}
		for _, name := range []string{"sys/dev/block/259:3/uevent", "sys/block/nvme0n1/size", "sys/block/nvme0n1/nvme0n1p3/partition", "sys/class/block/dm-0/uevent", "sys/block/dm-0/dm/name", "sys/block/dm-0/slaves/dm-1/x"} {
			own[name] = root[name]
		}
		var d Drive
		d.sysfsDrive(own, folder)
		d.expect()
		if _, err := FindDisk(d.Kind); d.Kind != "" && err != nil || d.Bandwidth < 0 {
			t.Errorf("got %+v", d)
		}
	})
}
