package hardware

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// mount is a line of proc/self/mountinfo.
type mount struct {
	number, system, source string // major:minor, file system, what is mounted
}

// sysfsDrive finds the disk of a folder, of which folder is the path without links.
// Formats: the manual page proc_pid_mountinfo(5), and the kernel's
// Documentation/ABI/stable/sysfs-block.
func (d *Drive) sysfsDrive(root fs.FS, folder string) {
	m, ok := mountOf(root, folder)
	if !ok {
		return
	}
	d.FileSystem = m.system
	d.from("/proc/self/mountinfo", "file_system")
	if d.Kind = kindOfSystem(m.system); d.Kind != "" {
		d.from("the file system", "kind")
		return
	}
	name := ueventField(root, "sys/dev/block/"+m.number, "DEVNAME")
	if name == "" { // file systems over several disks have a number of their own
		name = blockName(root, m.source)
	}
	if name == "" {
		return
	}
	d.Device = name
	d.from("/proc/self/mountinfo", "device")
	d.blockKind(root, name)
}

// mountOf is what is mounted where a folder lies: the last mount, of the longest
// path, that the folder is in.
func mountOf(root fs.FS, folder string) (m mount, ok bool) {
	longest := -1
	eachLine(root, "proc/self/mountinfo", func(line string) bool {
		before, after, cut := strings.Cut(line, " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !cut || len(fields) < 5 || len(rest) < 2 {
			return true
		}
		at := path.Clean(unescapeMount(fields[4]))
		if inside := at == "/" || folder == at || strings.HasPrefix(folder, at+"/"); inside && len(at) >= longest {
			longest, m, ok = len(at), mount{number: fields[2], system: rest[0], source: unescapeMount(rest[1])}, true
		}
		return true
	})
	return m, ok && !strings.ContainsAny(m.number, "/.")
}

// unescapeMount turns \040 and its like back into what they stand for.
func unescapeMount(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// blockName is the block device that a path such as /dev/mapper/home is; "" if it
// is none.
func blockName(root fs.FS, device string) string {
	name, ok := strings.CutPrefix(device, "/dev/")
	if !ok {
		return ""
	}
	mapped, isMapped := strings.CutPrefix(name, "mapper/")
	for _, block := range names(root, "sys/class/block") {
		if block == name || isMapped && readText(root, "sys/block/"+block+"/dm/name") == mapped {
			return block
		}
	}
	return ""
}

// deepestStack is how many layers of mapped devices are looked through.
const deepestStack = 8

// blockKind finds the kind of a block device: of a partition that of its disk, of a
// device made of others that of the slowest.
func (d *Drive) blockKind(root fs.FS, name string) {
	kinds := diskKinds(root, name, deepestStack)
	if len(kinds) == 0 {
		return
	}
	slowest := slices.MinFunc(kinds, func(a, b Drive) int {
		a.expect()
		b.expect()
		switch {
		case a.Bandwidth < b.Bandwidth:
			return -1
		case a.Bandwidth > b.Bandwidth:
			return 1
		}
		return 0
	})
	d.Kind, d.Bandwidth = slowest.Kind, slowest.Bandwidth
	d.from("/sys/block/"+slowest.Device, "kind")
	if d.Bandwidth > 0 {
		d.from("the link, /sys/block/"+slowest.Device, "bandwidth_bytes_s")
	}
}

// diskKinds is the kinds of the disks below a block device.
func diskKinds(root fs.FS, name string, layers int) []Drive {
	if layers == 0 || name == "" || strings.ContainsAny(name, "/.") {
		return nil
	}
	if _, err := fs.Stat(root, "sys/block/"+name); err != nil { // a partition
		for _, disk := range names(root, "sys/block") {
			if _, err := fs.Stat(root, "sys/block/"+disk+"/"+name); err == nil {
				return diskKinds(root, disk, layers-1)
			}
		}
		return nil
	}
	var all []Drive
	for _, below := range names(root, "sys/block/"+name+"/slaves") {
		all = append(all, diskKinds(root, below, layers-1)...)
	}
	if len(all) > 0 {
		return all
	}
	if kind, bandwidth := diskKind(root, name); kind != "" {
		return []Drive{{Device: name, Kind: kind, Bandwidth: bandwidth}}
	}
	return nil
}

// virtualModels is what disks that are volumes of another machine call themselves.
var virtualModels = []string{"amazon elastic block", "google persistentdisk", "nvme_card-pd", "msft", "virtual disk", "virtual_disk", "qemu", "vmware", "vbox"}

// diskKind is the kind of one disk, and what its link lets through if it is known.
func diskKind(root fs.FS, name string) (kind string, link float64) {
	dir := "sys/block/" + name
	says := strings.ToLower(readText(root, dir+"/device/vendor") + " " + readText(root, dir+"/device/model"))
	place, _ := fs.ReadLink(root, dir) // without one, it hangs on no bus that matters
	switch {
	case strings.HasPrefix(name, "vd") || strings.HasPrefix(name, "xvd") ||
		slices.ContainsFunc(virtualModels, func(m string) bool { return strings.Contains(says, m) }):
		return "virtual", 0
	case strings.HasPrefix(name, "nvme"):
		return nvmeKind(root, dir)
	case strings.HasPrefix(name, "mmcblk"):
		return "mmc", 0
	case !strings.HasPrefix(name, "sd") && !strings.HasPrefix(name, "hd"):
		return "", 0 // loop, zram: what is below them is not known
	case readText(root, dir+"/queue/rotational") == "1":
		return "hdd", 0
	case strings.Contains(place, "/usb"):
		return "usb", 0
	}
	return "sata", 0
}

// nvmeKind is the kind of an NVMe disk by its link, or network where it is reached
// by one.
func nvmeKind(root fs.FS, dir string) (kind string, bandwidth float64) {
	if t := readText(root, dir+"/device/transport"); t != "" && t != "pcie" {
		return "network", 0
	}
	link := readLink(root, dir+"/device/device", "current")
	switch {
	case link.Generation >= 5:
		return "nvme5", link.Bandwidth()
	case link.Generation == 4:
		return "nvme4", link.Bandwidth()
	}
	return "nvme", link.Bandwidth()
}
