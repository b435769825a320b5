package hardware

import (
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v4/host"
)

// System is the operating system and its version, as "debian 12.7, Linux
// 6.1.0-18-amd64". It names nobody: the host's name is left out.
func System() string {
	var parts []string
	if platform, _, version, err := host.PlatformInformation(); err == nil && platform != "" {
		parts = append(parts, strings.TrimSpace(platform+" "+version))
	}
	name := map[string]string{"linux": "Linux", "darwin": "Darwin", "windows": "Windows"}[runtime.GOOS]
	if kernel, err := host.KernelVersion(); err == nil && kernel != "" {
		parts = append(parts, name+" "+kernel)
	}
	if len(parts) == 0 {
		return runtime.GOOS
	}
	return strings.Join(parts, ", ")
}
