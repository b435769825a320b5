//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"fmt"
	"strings"
	"sync"

	"scout/engine/internal/gpu/vk"
)

// instance is the process's, alive while somebody uses it.
var instance struct {
	sync.Mutex
	users  int
	in     *vk.Instance
	layers []string     // for tests: validation
	debug  func(string) // for tests: what the layers say
	quiet  func()       // ends the messages
}

// acquire gets the instance, which release gives back.
func acquire() (*vk.Instance, error) {
	i := &instance
	i.Lock()
	defer i.Unlock()
	if i.in == nil {
		in, err := vk.NewInstance(i.layers, i.debug != nil)
		if err != nil {
			return nil, fmt.Errorf("gpu: %w", err)
		}
		i.in = in
		if i.debug != nil {
			if i.quiet, err = in.Messages(i.debug); err != nil {
				return nil, fmt.Errorf("gpu: %w", err)
			}
		}
	}
	i.users++
	return i.in, nil
}

func release() {
	i := &instance
	i.Lock()
	defer i.Unlock()
	if i.users--; i.users == 0 {
		if i.quiet != nil {
			i.quiet()
		}
		i.in.Destroy()
		i.in, i.quiet = nil, nil
	}
}

// physical is a device that can compute, as it was found.
type physical struct {
	info       Info
	handle     vk.PhysicalDevice
	family     uint32 // of the queue
	limits     vk.PhysicalDeviceLimits
	most       uint64 // bytes of one allocation
	memory     vk.PhysicalDeviceMemoryProperties
	budget     bool // VK_EXT_memory_budget
	extensions map[string]bool
}

// List finds the devices of this machine that can compute, in the driver's order.
// The list may be empty; an error says why nothing could be asked.
func List() ([]Info, error) {
	in, err := acquire()
	if err != nil {
		return nil, err
	}
	defer release()
	found, err := probe(in)
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, p := range found {
		list = append(list, p.info)
	}
	return list, nil
}

func probe(in *vk.Instance) ([]*physical, error) {
	handles, err := in.PhysicalDevices()
	if err != nil {
		return nil, fmt.Errorf("gpu: looking for devices: %w", err)
	}
	var found []*physical
	for _, h := range handles {
		if p := look(in, h); p != nil {
			p.info.Index = len(found)
			found = append(found, p)
		}
	}
	return found, nil
}

const (
	extBudget   = "VK_EXT_memory_budget"
	extPCI      = "VK_EXT_pci_bus_info"
	extPortable = "VK_KHR_portability_subset"
)

// look asks one device, nil if it is too old or cannot compute. Structures that
// its version or extensions do not know are not chained.
func look(in *vk.Instance, h vk.PhysicalDevice) *physical {
	props := &vk.PhysicalDeviceProperties2{SType: vk.TypeProperties2}
	in.Properties(h, props)
	if props.Properties.APIVersion < vk.Version12 {
		return nil
	}
	p := &physical{handle: h, extensions: in.Extensions(h)}
	v11 := &vk.Vulkan11Properties{SType: vk.TypeVulkan11Properties}
	v12 := &vk.Vulkan12Properties{SType: vk.TypeVulkan12Properties}
	pci := &vk.PCIBusInfo{SType: vk.TypePCIBusInfo}
	props.PNext, v11.PNext = vk.P(v11), vk.P(v12)
	if p.extensions[extPCI] {
		v12.PNext = vk.P(pci)
	}
	in.Properties(h, props)
	var ok bool
	if p.family, ok = computeFamily(in.QueueFamilies(h)); !ok {
		return nil
	}
	p.limits, p.most = props.Properties.Limits, v11.MaxMemoryAllocationSize
	name, version := v12.Driver()
	p.info = Info{
		Name: props.Properties.Name(), Vendor: vendor(props.Properties.VendorID), Kind: kind(props.Properties.DeviceType),
		Driver: strings.TrimSpace(name + " " + version), Version: vk.VersionText(props.Properties.APIVersion),
	}
	if p.extensions[extPCI] {
		p.info.PCI = fmt.Sprintf("%04x:%02x:%02x.%d", pci.Domain, pci.Bus, pci.Device, pci.Function)
	}
	p.budget = p.extensions[extBudget]
	p.refresh(in)
	return p
}

// computeFamily prefers queues that only compute: the others may be busy with a
// screen.
func computeFamily(families []vk.QueueFamilyProperties) (family uint32, ok bool) {
	for i, f := range families {
		if f.QueueFlags&vk.QueueCompute == 0 || f.QueueCount == 0 {
			continue
		}
		if !ok || f.QueueFlags&vk.QueueGraphics == 0 {
			family, ok = uint32(i), true
		}
		if f.QueueFlags&vk.QueueGraphics == 0 {
			break
		}
	}
	return family, ok
}

// refresh asks anew for heaps and budgets, which change as others use the device.
func (p *physical) refresh(in *vk.Instance) {
	budget := &vk.MemoryBudget{SType: vk.TypeMemoryBudget}
	m := &vk.PhysicalDeviceMemoryProperties2{SType: vk.TypeMemoryProperties2}
	if p.budget {
		m.PNext = vk.P(budget)
	}
	in.Memory(p.handle, m)
	p.memory = m.Props
	p.info.Heaps = nil
	for i, h := range m.Props.MemoryHeaps[:m.Props.MemoryHeapCount] {
		p.info.Heaps = append(p.info.Heaps, Heap{
			Size: h.Size, Budget: budget.Budget[i], Used: budget.Usage[i], DeviceLocal: h.Flags&vk.HeapDeviceLocal != 0,
		})
	}
}

func kind(t uint32) Kind {
	switch t {
	case vk.DeviceDiscrete:
		return Discrete
	case vk.DeviceIntegrated:
		return Integrated
	case vk.DeviceVirtual:
		return Virtual
	case vk.DeviceCPU:
		return Software
	}
	return Other
}

// vendor is the name of a maker, by its number in the PCI list or in Vulkan's
// registry.
func vendor(id uint32) string {
	switch id {
	case 0x10de:
		return "NVIDIA"
	case 0x1002, 0x1022:
		return "AMD"
	case 0x8086:
		return "Intel"
	case 0x106b:
		return "Apple"
	case 0x13b5:
		return "ARM"
	case 0x5143:
		return "Qualcomm"
	case 0x1010:
		return "Imagination"
	case 0x10005:
		return "Mesa"
	}
	return fmt.Sprintf("vendor %#x", id)
}
