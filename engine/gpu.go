package engine

import (
	"fmt"
	"slices"
	"unsafe"

	"scout/engine/internal/gpu"
	"scout/engine/tensor"
)

// Device is a GPU that this program could run on.
type (
	Device     = gpu.Info
	DeviceKind = gpu.Kind
	DeviceHeap = gpu.Heap
)

// The kinds of devices. No plan chooses a software one by itself.
const (
	DiscreteGPU   = gpu.Discrete
	IntegratedGPU = gpu.Integrated
	VirtualGPU    = gpu.Virtual
	SoftwareGPU   = gpu.Software
	OtherGPU      = gpu.Other
)

// What can be wrong with GPUs.
var (
	ErrNoGPUSupport = gpu.ErrOff    // this build has none
	ErrGPULost      = gpu.ErrLost   // it stopped answering
	ErrGPUMemory    = gpu.ErrMemory // it has too little memory left
)

// Devices lists the GPUs of this machine, software ones too, in the driver's order.
// The list may be empty; an error says why nothing could be asked, such as that no
// driver is installed. A driver that crashes takes the process with it.
func Devices() ([]Device, error) { return gpu.List() }

// RunsOnGPU says whether a GPU can run weights of a type, by its name as
// Info.Types has it. The others have to be placed on the CPU.
func RunsOnGPU(typeName string) bool {
	return gpu.RunsNamed(typeName)
}

// GPUSplit says how much of a model goes to GPUs.
type GPUSplit struct {
	// Layers counts from the model's end, the output first: 1 is the output alone,
	// and all of them one more than the model has blocks. More mean all.
	Layers int
	// Experts is the share of the routed experts of these layers that goes along, 0
	// to 1; the rest stays in RAM.
	Experts float64
	// Devices is how many GPUs share the layers, in runs of about the same length; 0
	// means one.
	Devices int
}

// Placement is the split for a model; nil where nothing goes to a GPU.
func (s GPUSplit) Placement(info Info) *Placement {
	n := min(s.Layers, info.Layers+1)
	if n <= 0 {
		return nil
	}
	devices := max(s.Devices, 1)
	first := info.Layers + 1 - n
	deviceOf := func(l int) tensor.Device { return tensor.Device(1 + (l-first)*devices/n) }
	p := &Placement{Layers: make([]LayerPlacement, info.Layers), Output: deviceOf(info.Layers)}
	for l := first; l < info.Layers; l++ {
		d := deviceOf(l)
		p.Layers[l] = LayerPlacement{Attention: d, Dense: d}
		if share := min(max(s.Experts, 0), 1); share > 0 {
			p.Layers[l].Experts = slices.Repeat([]tensor.Device{d}, int(share*float64(info.Experts)+0.5))
		}
	}
	return p
}

// DeviceMemory is what is allocated on a GPU now, to the byte.
type DeviceMemory struct {
	Name    string
	Weights int64
	KV      int64 // of all sequences
	Compute int64
}

// Devices says what is allocated on each GPU that the placement names, in the order
// of its numbers.
func (m *Model) Devices() (list []DeviceMemory) {
	m.placed.Lock()
	defer m.placed.Unlock()
	for _, g := range m.gpus {
		n := g.Bytes()
		list = append(list, DeviceMemory{Name: g.Name(), Weights: n.Weights, KV: n.KV, Compute: n.Compute})
	}
	return list
}

// openGPUs opens the devices that the graph names and that are not there yet.
func (m *Model) openGPUs(o Options) error {
	var wanted []tensor.Device
	for _, n := range m.model.Graph.Nodes {
		if n.Device != tensor.CPU && m.backends[n.Device] == nil && !slices.Contains(wanted, n.Device) {
			wanted = append(wanted, n.Device)
		}
	}
	slices.Sort(wanted)
	for _, d := range wanted {
		index, err := deviceIndex(o.GPUs, d)
		if err != nil {
			return fmt.Errorf("engine: the placement names device %d: %w", d, err)
		}
		b, err := gpu.Open(index)
		if err != nil {
			return fmt.Errorf("engine: the placement names device %d: %w", d, err)
		}
		m.backends[d] = b
		m.gpus = append(m.gpus, b)
	}
	if len(wanted) > 0 {
		m.away = bytesAway(m.model.Graph)
	}
	return nil
}

// bytesAway is the bytes of the matrices that no operation on the CPU reads.
func bytesAway(g *tensor.Graph) (n int64) {
	type part struct {
		w      *byte
		expert int // -1: all of it
	}
	here, there := map[part]bool{}, map[part]int64{}
	for _, node := range g.Nodes {
		add := func(w *tensor.Weight, expert int, data []byte) {
			p := part{unsafe.SliceData(w.Data), expert}
			if node.Device == tensor.CPU {
				here[p] = true
			} else {
				there[p] = int64(len(data))
			}
		}
		switch op := node.Op.(type) {
		case tensor.Embed:
			add(op.W, -1, op.W.Data)
		case tensor.MatMul:
			add(op.W, -1, op.W.Data)
		case tensor.FFN:
			for _, w := range []*tensor.Weight{op.Gate, op.Up, op.Down} {
				add(w, -1, w.Data)
			}
		case tensor.ExpertFFN:
			for _, w := range []*tensor.Weight{op.Gate, op.Up, op.Down} {
				for e := range w.Shape[0] {
					if op.Experts == nil || slices.Contains(op.Experts, e) {
						add(w, e, w.Slab(e))
					}
				}
			}
		}
	}
	for p, bytes := range there {
		if !here[p] {
			n += bytes
		}
	}
	return n
}

// deviceIndex is which of Devices() a device of a placement is; see Options.GPUs.
func deviceIndex(chosen []int, d tensor.Device) (int, error) {
	i := int(d) - 1
	if chosen != nil {
		if i < 0 || i >= len(chosen) {
			return 0, fmt.Errorf("%d GPUs are chosen", len(chosen))
		}
		return chosen[i], nil
	}
	list, err := gpu.List()
	if err != nil {
		return 0, err
	}
	all := len(list)
	list = slices.DeleteFunc(list, func(g gpu.Info) bool { return g.Kind == gpu.Software })
	if i < 0 || i >= len(list) {
		err := fmt.Errorf("this machine has %d GPUs with a driver for Vulkan", len(list))
		if software := all - len(list); software > 0 {
			err = fmt.Errorf("%w, and %d devices in software, which are used only where their number is given", err, software)
		}
		return 0, err
	}
	return list[i].Index, nil
}
