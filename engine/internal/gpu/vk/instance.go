//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import (
	"fmt"
	"unsafe"
)

// Instance is a VkInstance with its entry points.
type Instance struct {
	Handle  InstanceHandle
	Version uint32 // of the loader
	Debug   bool   // VK_EXT_debug_utils is on
	procs   instanceProcs
}

const (
	extPortability = "VK_KHR_portability_enumeration"
	extDebugUtils  = "VK_EXT_debug_utils"
)

// NewInstance opens the loader and makes an instance of Vulkan 1.2 or 1.3. layers
// are switched on where they are installed; the others are an error. debug asks
// for messages, see Instance.Messages.
func NewInstance(layers []string, debug bool) (*Instance, error) {
	getProc, err := load()
	if err != nil {
		return nil, err
	}
	in := &Instance{Version: 1 << 22}
	if p := instanceProc(getProc, 0, "vkEnumerateInstanceVersion"); p != 0 {
		call(p, uintptr(unsafe.Pointer(&in.Version)))
	}
	if in.Version < Version12 {
		return nil, fmt.Errorf("vk: the Vulkan loader is of version %s, want 1.2 or later: update the graphics driver", VersionText(in.Version))
	}
	have := instanceExtensions(getProc)
	var extensions []string
	var flags uint32
	if have[extPortability] { // a driver like MoltenVK behind the loader is listed only then
		extensions, flags = append(extensions, extPortability), 1
	}
	if debug && have[extDebugUtils] {
		extensions, in.Debug = append(extensions, extDebugUtils), true
	}
	app := &ApplicationInfo{SType: TypeApplicationInfo, PApplicationName: cString("scout"), APIVersion: min(in.Version, Version13)}
	info := &InstanceCreateInfo{
		SType: TypeInstanceCreateInfo, Flags: flags, PApplicationInfo: app,
		EnabledLayerCount: uint32(len(layers)), PpEnabledLayerNames: cStrings(layers),
		EnabledExtensionCount: uint32(len(extensions)), PpEnabledExtensionNames: cStrings(extensions),
	}
	create := instanceProc(getProc, 0, "vkCreateInstance")
	if create == 0 {
		return nil, fmt.Errorf("vk: %w: the library has no vkCreateInstance", ErrNoLoader)
	}
	if r := call(create, uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&in.Handle))); r < 0 {
		return nil, fmt.Errorf("vk: making an instance: %w", r)
	}
	return in, fill(&in.procs, func(name string) uintptr { return instanceProc(getProc, uintptr(in.Handle), name) })
}

// instanceExtensions are those of the loader.
func instanceExtensions(getProc uintptr) map[string]bool {
	p := instanceProc(getProc, 0, "vkEnumerateInstanceExtensionProperties")
	if p == 0 {
		return nil
	}
	var n uint32
	call(p, 0, uintptr(unsafe.Pointer(&n)), 0)
	list := make([]ExtensionProperties, n+1)
	call(p, 0, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&list[0])))
	return namesOf(list[:n])
}

func namesOf(list []ExtensionProperties) map[string]bool {
	m := map[string]bool{}
	for i := range list {
		m[text(list[i].Name[:])] = true
	}
	return m
}

// Layers lists the layers that are installed, such as the validation layer.
func Layers() (map[string]bool, error) {
	getProc, err := load()
	if err != nil {
		return nil, err
	}
	p := instanceProc(getProc, 0, "vkEnumerateInstanceLayerProperties")
	if p == 0 {
		return nil, nil
	}
	var n uint32
	call(p, uintptr(unsafe.Pointer(&n)), 0)
	list := make([]LayerProperties, n+1)
	call(p, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&list[0])))
	m := map[string]bool{}
	for i := range list[:n] {
		m[text(list[i].Name[:])] = true
	}
	return m, nil
}

// VersionText is a packed version as people write it.
func VersionText(v uint32) string {
	return fmt.Sprintf("%d.%d.%d", v>>22&0x7f, v>>12&0x3ff, v&0xfff)
}

// Destroy ends the instance, whose devices must be gone.
func (in *Instance) Destroy() { call(in.procs.DestroyInstance, uintptr(in.Handle), 0) }

// PhysicalDevices lists the devices.
func (in *Instance) PhysicalDevices() ([]PhysicalDevice, error) {
	var n uint32
	r := call(in.procs.EnumeratePhysicalDevices, uintptr(in.Handle), uintptr(unsafe.Pointer(&n)), 0)
	if r < 0 || n == 0 {
		return nil, Check(r)
	}
	list := make([]PhysicalDevice, n)
	r = call(in.procs.EnumeratePhysicalDevices, uintptr(in.Handle), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&list[0])))
	return list[:n], Check(r)
}

// Extensions are those of a device.
func (in *Instance) Extensions(d PhysicalDevice) map[string]bool {
	var n uint32
	call(in.procs.EnumerateDeviceExtensionProperties, uintptr(d), 0, uintptr(unsafe.Pointer(&n)), 0)
	list := make([]ExtensionProperties, n+1)
	call(in.procs.EnumerateDeviceExtensionProperties, uintptr(d), 0, uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&list[0])))
	return namesOf(list[:n])
}

// Properties fills p and what is chained to it.
func (in *Instance) Properties(d PhysicalDevice, p *PhysicalDeviceProperties2) {
	call(in.procs.GetPhysicalDeviceProperties2, uintptr(d), uintptr(unsafe.Pointer(p)))
}

// Features fills f and what is chained to it.
func (in *Instance) Features(d PhysicalDevice, f *Features2) {
	call(in.procs.GetPhysicalDeviceFeatures2, uintptr(d), uintptr(unsafe.Pointer(f)))
}

// Memory fills m and what is chained to it.
func (in *Instance) Memory(d PhysicalDevice, m *PhysicalDeviceMemoryProperties2) {
	call(in.procs.GetPhysicalDeviceMemoryProperties2, uintptr(d), uintptr(unsafe.Pointer(m)))
}

// QueueFamilies lists a device's kinds of queues.
func (in *Instance) QueueFamilies(d PhysicalDevice) []QueueFamilyProperties {
	var n uint32
	call(in.procs.GetPhysicalDeviceQueueFamilyProperties, uintptr(d), uintptr(unsafe.Pointer(&n)), 0)
	list := make([]QueueFamilyProperties, n+1)
	call(in.procs.GetPhysicalDeviceQueueFamilyProperties, uintptr(d), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&list[0])))
	return list[:n]
}

// Name is the device's.
func (p *PhysicalDeviceProperties) Name() string { return text(p.DeviceName[:]) }

// Driver is the driver's name and version, as it tells them.
func (p *Vulkan12Properties) Driver() (name, version string) {
	return text(p.DriverName[:]), text(p.DriverInfo[:])
}
