package hardware

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// look finds what holds a folder. Windows tells drives of the network from others;
// what kind the others are is left unknown.
func (d *Drive) look(folder, system string) {
	d.FileSystem = system
	volume := filepath.VolumeName(folder)
	at, err := windows.UTF16PtrFromString(volume + `\`)
	if err != nil || volume == "" {
		return
	}
	d.Device = volume
	d.from("the path", "device")
	if windows.GetDriveType(at) == windows.DRIVE_REMOTE {
		d.Kind = "network"
		d.from("GetDriveType", "kind")
	}
}
