//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import (
	"fmt"
	"reflect"

	"github.com/ebitengine/purego"
)

// instanceProcs are the entry points that belong to an instance, by the name of
// the Vulkan function without its prefix.
type instanceProcs struct {
	DestroyInstance, EnumeratePhysicalDevices, GetPhysicalDeviceProperties2,
	GetPhysicalDeviceFeatures2, GetPhysicalDeviceMemoryProperties2,
	GetPhysicalDeviceQueueFamilyProperties, EnumerateDeviceExtensionProperties,
	CreateDevice, GetDeviceProcAddr uintptr
	CreateDebugUtilsMessengerEXT, DestroyDebugUtilsMessengerEXT uintptr `optional:"yes"`
}

// deviceProcs are the entry points of a device, found without the loader's
// detour.
type deviceProcs struct {
	DestroyDevice, GetDeviceQueue, DeviceWaitIdle,
	CreateBuffer, DestroyBuffer, GetBufferMemoryRequirements, AllocateMemory, FreeMemory, BindBufferMemory, MapMemory,
	CreateShaderModule, DestroyShaderModule, CreateComputePipelines, DestroyPipeline,
	CreatePipelineCache, DestroyPipelineCache, GetPipelineCacheData,
	CreatePipelineLayout, DestroyPipelineLayout, CreateDescriptorSetLayout, DestroyDescriptorSetLayout,
	CreateDescriptorPool, DestroyDescriptorPool, AllocateDescriptorSets, UpdateDescriptorSets,
	CreateCommandPool, DestroyCommandPool, AllocateCommandBuffers, FreeCommandBuffers, BeginCommandBuffer, EndCommandBuffer,
	CmdBindPipeline, CmdBindDescriptorSets, CmdPushConstants, CmdDispatch, CmdDispatchIndirect,
	CmdPipelineBarrier, CmdCopyBuffer, CmdFillBuffer,
	QueueSubmit, CreateSemaphore, DestroySemaphore, WaitSemaphores uintptr
}

// fill looks up every field of procs, a pointer to a structure of entry points.
func fill(procs any, get func(name string) uintptr) error {
	v := reflect.ValueOf(procs).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		p := get("vk" + f.Name)
		if p == 0 && f.Tag.Get("optional") == "" {
			return fmt.Errorf("vk: the driver lacks vk%s", f.Name)
		}
		v.Field(i).SetUint(uint64(p))
	}
	return nil
}

// cStrings is a C array of strings, nil for none.
func cStrings(names []string) **byte {
	if len(names) == 0 {
		return nil
	}
	b := make([]*byte, len(names))
	for i, s := range names {
		b[i] = cString(s)
	}
	return &b[0]
}

// call calls f, which returns a VkResult. What its arguments point to stays alive
// and in place until f returns, if the conversions stand in the call.
//
//go:uintptrescapes
func call(f uintptr, args ...uintptr) Result {
	r, _, _ := purego.SyscallN(f, args...)
	return resultOf(r)
}

// Call is a call whose arguments stay the same: made once, it costs no allocation
// later. What the arguments point to must outlive it and not move, which holds
// for everything on Go's heap.
type Call struct {
	f    uintptr
	args []uintptr
	keep any // what args point to
}

// Do calls.
func (c *Call) Do() Result {
	r, _, _ := purego.SyscallN(c.f, c.args...)
	return resultOf(r)
}
