package hardware

import "strings"

// appleGPU is the GPU of an Apple processor: it shares main memory, of which it may
// have the limit that the person set, or else about two thirds of 36 GB and less and
// three quarters of more. That is what Metal's recommendedMaxWorkingSetSize says on
// such machines; it is not asked here, for that takes a framework.
func appleGPU(processor string, memory, wiredLimitMB int64) (GPU, bool) {
	if !strings.HasPrefix(processor, "Apple") || memory <= 0 || memory > mostMemory {
		return GPU{}, false // cards of Intel Macs are not looked for
	}
	g := GPU{Name: processor, Kind: Integrated, Driver: "Metal"}
	g.from("sysctl machdep.cpu.brand_string", "name", "kind", "driver")
	share, source := memory/4*3, "3/4 of hw.memsize, as Metal recommends above 36 GB"
	if memory <= 36<<30 {
		share, source = memory/3*2, "2/3 of hw.memsize, as Metal recommends up to 36 GB"
	}
	if limit := wiredLimitMB << 20; wiredLimitMB > 0 && limit <= memory {
		share, source = limit, "sysctl iogpu.wired_limit_mb"
	}
	g.Total, g.Shared = share, share
	g.from(source, "total_bytes", "shared_bytes")
	return g, true
}
