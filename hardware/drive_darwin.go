package hardware

import (
	"context"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// diskutilTime is how long diskutil may take: it wakes sleeping disks.
const diskutilTime = 3 * time.Second

// look finds what holds a folder, by the system's own tool for disks.
func (d *Drive) look(folder, system string) {
	d.FileSystem = system
	if d.Kind = kindOfSystem(system); d.Kind != "" {
		d.from("the file system", "kind")
		return
	}
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return
	}
	device := unix.ByteSliceToString(s.Mntfromname[:])
	ctx, stop := context.WithTimeout(context.Background(), diskutilTime)
	defer stop()
	out, err := exec.CommandContext(ctx, "/usr/sbin/diskutil", "info", "-plist", device).Output()
	if err != nil {
		return
	}
	d.Device = device
	d.from("statfs", "device")
	if d.Kind = diskutilKind(string(out)); d.Kind != "" {
		d.from("diskutil info", "kind")
	}
}
