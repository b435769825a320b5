package hardware

import (
	"fmt"
	"strings"
)

// Disk is a kind of disk with what sequential reads of it usually reach. A disk of
// this machine is a Drive.
type Disk struct {
	Name      string
	Bandwidth float64 // bytes per second
	Source    string
}

// disks are conservative: sustained reads of drives that are not new, not the
// figure on the box.
var disks = []Disk{
	{"hdd", 150e6, "usual sustained reads of 7200 rpm drives"},
	{"sata", 500e6, "SATA 3.0's 6 Gbit/s less its coding"},
	{"nvme", 3.0e9, "PCIe 3.0 x4: 3.5 GB/s by data sheets"},
	{"nvme4", 6.0e9, "PCIe 4.0 x4: 7 GB/s by data sheets"},
	{"nvme5", 10e9, "PCIe 5.0 x4: 12 to 14 GB/s by data sheets"},
	{"usb", 400e6, "USB 3.0's 5 Gbit/s less its coding and protocol"},
	{"mmc", 90e6, "the UHS-I bus of SD cards: 104 MB/s"},
	{"network", 110e6, "Ethernet's 1 Gbit/s less its headers"},
	{"virtual", 125e6, "the least that volumes of AWS (EBS gp3) are sold with"},
}

// DiskKinds lists the names that FindDisk knows.
func DiskKinds() []string {
	var names []string
	for _, d := range disks {
		names = append(names, d.Name)
	}
	return names
}

// FindDisk gives the kind of disk of that name.
func FindDisk(name string) (Disk, error) {
	for _, d := range disks {
		if strings.EqualFold(d.Name, name) {
			return d, nil
		}
	}
	return Disk{}, fmt.Errorf("hardware: no kind of disk is called %q, want one of %s", name, strings.Join(DiskKinds(), ", "))
}
