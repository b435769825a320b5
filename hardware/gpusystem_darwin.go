package hardware

import (
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// systemGPUs lists the GPU of an Apple processor.
func systemGPUs(fs.FS) ([]GPU, error) {
	processor, err := unix.Sysctl("machdep.cpu.brand_string")
	if err != nil {
		return nil, fmt.Errorf("hardware: reading machdep.cpu.brand_string: %w", err)
	}
	memory, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return nil, fmt.Errorf("hardware: reading hw.memsize: %w", err)
	}
	limit, _ := unix.SysctlUint32("iogpu.wired_limit_mb") // which older systems do not have
	if g, ok := appleGPU(processor, int64(memory), int64(limit)); ok {
		return []GPU{g}, nil
	}
	return nil, nil
}
