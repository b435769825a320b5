//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import "fmt"

// Result is a VkResult. The negative ones are errors.
type Result int32

// The results that this program tells apart.
const (
	Success                Result = 0
	NotReady               Result = 1
	Timeout                Result = 2
	ErrOutOfHostMemory     Result = -1
	ErrOutOfDeviceMemory   Result = -2
	ErrInitializationFails Result = -3
	ErrDeviceLost          Result = -4
	ErrMemoryMapFailed     Result = -5
	ErrLayerNotPresent     Result = -6
	ErrExtensionNotPresent Result = -7
	ErrFeatureNotPresent   Result = -8
	ErrIncompatibleDriver  Result = -9
	ErrTooManyObjects      Result = -10
)

var resultNames = map[Result]string{
	NotReady: "not ready", Timeout: "timeout",
	ErrOutOfHostMemory: "out of host memory", ErrOutOfDeviceMemory: "out of device memory",
	ErrInitializationFails: "the driver could not be initialised", ErrDeviceLost: "the device is lost",
	ErrMemoryMapFailed: "memory could not be mapped", ErrLayerNotPresent: "the layer is not installed",
	ErrExtensionNotPresent: "the extension is not there", ErrFeatureNotPresent: "the feature is not there",
	ErrIncompatibleDriver: "no driver for Vulkan is installed", ErrTooManyObjects: "too many objects",
}

// Error is what the result means.
func (r Result) Error() string {
	if s, ok := resultNames[r]; ok {
		return s
	}
	return fmt.Sprintf("Vulkan result %d", int32(r))
}

// Check is r as an error, nil where it is none.
func Check(r Result) error {
	if r < 0 {
		return r
	}
	return nil
}

// resultOf takes a VkResult out of a register, whose upper half is undefined.
func resultOf(r uintptr) Result { return Result(int32(uint32(r))) }
