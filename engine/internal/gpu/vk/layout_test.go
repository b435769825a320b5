//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// structures are all that pass between Go and a driver.
var structures = []any{
	ApplicationInfo{}, InstanceCreateInfo{}, ExtensionProperties{}, LayerProperties{}, PhysicalDeviceLimits{},
	PhysicalDeviceProperties{}, PhysicalDeviceProperties2{}, Vulkan11Properties{}, Vulkan12Properties{}, MemoryType{},
	MemoryHeap{}, PhysicalDeviceMemoryProperties{}, PhysicalDeviceMemoryProperties2{}, MemoryBudget{}, PCIBusInfo{},
	Features{}, Features2{}, Vulkan11Features{}, Vulkan12Features{}, QueueFamilyProperties{}, DeviceQueueCreateInfo{},
	DeviceCreateInfo{}, DebugUtilsMessengerCreateInfo{}, DebugUtilsMessengerCallbackData{},
	BufferCreateInfo{}, MemoryRequirements{}, MemoryAllocateInfo{}, BufferCopy{},
	ShaderModuleCreateInfo{}, PipelineCacheCreateInfo{}, SpecializationMapEntry{}, SpecializationInfo{},
	PipelineShaderStageCreateInfo{}, ComputePipelineCreateInfo{}, PushConstantRange{}, PipelineLayoutCreateInfo{},
	DescriptorSetLayoutBinding{}, DescriptorSetLayoutCreateInfo{}, DescriptorPoolSize{}, DescriptorPoolCreateInfo{},
	DescriptorSetAllocateInfo{}, DescriptorBufferInfo{}, WriteDescriptorSet{},
	CommandPoolCreateInfo{}, CommandBufferAllocateInfo{}, CommandBufferBeginInfo{}, MemoryBarrier{}, SubmitInfo{},
	SemaphoreCreateInfo{}, SemaphoreTypeCreateInfo{}, TimelineSemaphoreSubmitInfo{}, SemaphoreWaitInfo{},
}

// TestLayout holds sizes and offsets against what testdata/layout.c printed.
func TestLayout(t *testing.T) {
	data, err := os.ReadFile("testdata/layout.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uintptr{}
	for line := range strings.Lines(string(data)) {
		var name string
		var n uintptr
		if _, err := fmt.Sscan(line, &name, &n); err != nil {
			t.Fatalf("testdata/layout.txt: %q: %v", line, err)
		}
		want[name] = n
	}
	check := func(name string, got uintptr) {
		if n, ok := want[name]; ok && got != n {
			t.Errorf("%s is at %d, in C at %d", name, got, n)
		}
		delete(want, name)
	}
	for _, s := range structures {
		typ := reflect.TypeOf(s)
		if _, ok := want[typ.Name()]; !ok {
			t.Errorf("testdata/layout.txt does not know %s", typ.Name())
		}
		check(typ.Name(), typ.Size())
		for i := range typ.NumField() {
			check(typ.Name()+"."+typ.Field(i).Name, typ.Field(i).Offset)
		}
	}
	for name := range want {
		t.Errorf("testdata/layout.txt has %s, which no structure here has", name)
	}
}
