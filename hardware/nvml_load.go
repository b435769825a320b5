//go:build (linux || windows) && (amd64 || arm64) && !nogpu

package hardware

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// nvmlGPUs lists NVIDIA's cards. Without the driver there is no library, which is
// no error: found is false.
func nvmlGPUs() (all []GPU, found bool, err error) {
	library, err := openNVML()
	if err != nil {
		return nil, false, nil
	}
	n, err := bindNVML(func(name string) (uintptr, error) { return nvmlSymbol(library, name) })
	if err != nil {
		return nil, true, err
	}
	all, err = n.gpus()
	return all, true, err
}

// bindNVML finds the functions. All of them have been there since the driver 418 of
// 2019.
func bindNVML(find func(name string) (uintptr, error)) (*nvml, error) {
	var missing error
	symbol := func(name string) uintptr {
		at, err := find(name)
		if err != nil || at == 0 {
			missing = fmt.Errorf("hardware: NVML has no %s", name)
		}
		return at
	}
	var (
		start, stop     = symbol("nvmlInit_v2"), symbol("nvmlShutdown")
		driver, count   = symbol("nvmlSystemGetDriverVersion"), symbol("nvmlDeviceGetCount_v2")
		device, name    = symbol("nvmlDeviceGetHandleByIndex_v2"), symbol("nvmlDeviceGetName")
		memory, address = symbol("nvmlDeviceGetMemoryInfo"), symbol("nvmlDeviceGetPciInfo_v3")
		maxClock        = symbol("nvmlDeviceGetMaxClockInfo")
		figures         [nvmlFigures]uintptr
	)
	for i, name := range nvmlFigureNames {
		figures[i] = symbol(name)
	}
	if missing != nil {
		return nil, missing
	}
	return &nvml{
		init:     func() uint32 { return nvmlCall(start) },
		shutdown: func() uint32 { return nvmlCall(stop) },
		driverVersion: func(b []byte) uint32 {
			return nvmlCall(driver, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)-1))
		},
		count: func(n *uint32) uint32 { return nvmlCall(count, uintptr(unsafe.Pointer(n))) },
		device: func(i uint32, handle *uintptr) uint32 {
			return nvmlCall(device, uintptr(i), uintptr(unsafe.Pointer(handle)))
		},
		name: func(d uintptr, b []byte) uint32 {
			return nvmlCall(name, d, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)-1)) // the last byte stays zero
		},
		memory: func(d uintptr, m *nvmlMemory) uint32 {
			return nvmlCall(memory, d, uintptr(unsafe.Pointer(m)))
		},
		address: func(d uintptr, p *nvmlPCI) uint32 { return nvmlCall(address, d, uintptr(unsafe.Pointer(p))) },
		figure: func(which nvmlFigure, d uintptr, n *uint32) uint32 {
			return nvmlCall(figures[which], d, uintptr(unsafe.Pointer(n)))
		},
		maxClock: func(d uintptr, clock uint32, mhz *uint32) uint32 {
			return nvmlCall(maxClock, d, uintptr(clock), uintptr(unsafe.Pointer(mhz)))
		},
	}, nil
}

// nvmlCall calls a function that gives nvmlReturn_t, whose 32 bits are all that
// counts of the result.
//
//go:uintptrescapes
func nvmlCall(function uintptr, args ...uintptr) uint32 {
	r, _, _ := purego.SyscallN(function, args...)
	return uint32(r)
}
