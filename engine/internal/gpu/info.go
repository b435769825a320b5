package gpu

import (
	"errors"

	"scout/engine/tensor"
)

// Kind is what sort of device it is.
type Kind string

// The kinds. A discrete GPU has memory of its own; an integrated one shares the
// host's; software is a processor that plays one, which no plan should choose.
const (
	Discrete   Kind = "discrete"
	Integrated Kind = "integrated"
	Virtual    Kind = "virtual"
	Software   Kind = "software"
	Other      Kind = "other"
)

// Heap is one memory of a device.
type Heap struct {
	Size        uint64 // bytes
	Budget      uint64 // how much this process may use in all, as the driver guesses; 0 where it does not say
	Used        uint64 // by this process, where Budget is known
	DeviceLocal bool   // near the GPU
}

// Info is what is known of a device.
type Info struct {
	Index   int // in List
	Name    string
	Vendor  string
	Kind    Kind
	Driver  string // name and version
	Version string // of Vulkan
	PCI     string // domain:bus:device.function, empty where the driver does not say
	Heaps   []Heap
}

// Total is the bytes of the device's own memory; of an integrated one they are
// the host's.
func (i Info) Total() (n uint64) {
	for _, h := range i.Heaps {
		if h.DeviceLocal {
			n += h.Size
		}
	}
	return n
}

// Free is how many bytes this process may still take there: the driver's guess,
// or all of them where it makes none.
func (i Info) Free() (n uint64) {
	for _, h := range i.Heaps {
		if h.DeviceLocal {
			n += h.free()
		}
	}
	return n
}

func (h Heap) free() uint64 {
	if h.Budget == 0 {
		return h.Size
	}
	return h.Budget - min(h.Used, h.Budget)
}

// Bytes is what is allocated on a device, as the driver counts it.
type Bytes struct {
	Weights int64
	KV      int64
	Compute int64 // activations, and what passes between host and device
}

// Total is the sum.
func (b Bytes) Total() int64 { return b.Weights + b.KV + b.Compute }

// Backend is a device that runs graphs.
type Backend interface {
	tensor.Backend
	// Bytes is what is allocated now.
	Bytes() Bytes
}

// ErrOff is returned where the program was built without GPUs, by the tag nogpu
// or for a system that this package does not know.
var ErrOff = errors.New("gpu: this build of the program has no GPU support")

// ErrLost says that a device stopped answering or went away. Everything on it is
// gone; each later call fails at once.
var ErrLost = errors.New("the GPU is lost")

// ErrMemory says that a device has too little memory left.
var ErrMemory = errors.New("out of GPU memory")
