package hardware

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shirou/gopsutil/v4/disk"
)

// Drive is where a folder of this machine lies. Sizes are bytes, rates bytes per
// second; what is not known is zero.
type Drive struct {
	Folder     string `json:"folder"`           // what was asked about
	Device     string `json:"device,omitempty"` // what holds it, as the system calls it
	FileSystem string `json:"file_system,omitempty"`
	// Kind is one of DiskKinds; empty if it is not known.
	Kind      string  `json:"kind,omitempty"`
	Total     int64   `json:"total_bytes,omitempty"`
	Free      int64   `json:"free_bytes,omitempty"` // that this user may fill
	Bandwidth float64 `json:"bandwidth_bytes_s,omitempty"`

	// Sources says for each figure, by its name in JSON, where it came from.
	Sources map[string]string `json:"sources,omitempty"`
}

func (d *Drive) from(source string, figures ...string) {
	if d.Sources == nil {
		d.Sources = map[string]string{}
	}
	for _, f := range figures {
		d.Sources[f] = source
	}
}

// FindDrive says where a folder lies. A folder that is not there yet lies where the
// nearest one above it does. It may hang where a server that holds the folder does:
// ProbeApart asks in a process of its own.
func FindDrive(folder string) (Drive, error) {
	d := Drive{Folder: folder}
	real, err := nearestFolder(folder)
	if err != nil {
		return d, err
	}
	usage, err := disk.Usage(real)
	if err != nil {
		return d, fmt.Errorf("hardware: reading the space of %s: %w", folder, err)
	}
	if total, free := int64(usage.Total), int64(usage.Free); total > 0 && free >= 0 && free <= total {
		d.Total, d.Free = total, free
		d.from("the file system", "total_bytes", "free_bytes")
	}
	d.look(real, usage.Fstype)
	d.expect()
	return d, nil
}

// expect fills in what disks of its kind usually reach.
func (d *Drive) expect() {
	row, err := FindDisk(d.Kind)
	if err != nil || d.Bandwidth > 0 && d.Bandwidth <= row.Bandwidth {
		return // unknown, or a slower link is on the way
	}
	d.Bandwidth = row.Bandwidth
	d.from("usual for "+row.Name+": "+row.Source, "bandwidth_bytes_s")
}

// nearestFolder is the folder without links, or the first above it that exists.
func nearestFolder(folder string) (string, error) {
	at, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("hardware: looking for the disk of %s: %w", folder, err)
	}
	for {
		real, err := filepath.EvalSymlinks(at)
		switch up := filepath.Dir(at); {
		case err == nil:
			return real, nil
		case !errors.Is(err, os.ErrNotExist) || up == at:
			return "", fmt.Errorf("hardware: looking for the disk of %s: %w", folder, err)
		default:
			at = up
		}
	}
}

// networkSystems are file systems whose files lie on another machine, and hostSystems
// those whose files lie on the machine that this one runs in.
var (
	networkSystems = map[string]bool{
		"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "smbfs": true, "afpfs": true, "webdav": true, "fuse.sshfs": true,
		"ceph": true, "fuse.ceph": true, "glusterfs": true, "fuse.glusterfs": true, "lustre": true, "afs": true, "fuse.rclone": true, "fuse.s3fs": true,
	}
	hostSystems = map[string]bool{"9p": true, "virtiofs": true, "vboxsf": true, "fuse.vmhgfs-fuse": true, "drvfs": true}
)

// kindOfSystem is the kind of disk that a file system says by itself.
func kindOfSystem(system string) string {
	switch {
	case networkSystems[system]:
		return "network"
	case hostSystems[system]:
		return "virtual"
	}
	return ""
}
