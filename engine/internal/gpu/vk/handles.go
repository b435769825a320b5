//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import "unsafe"

// Handles. Dispatchable ones are pointers of the loader, the others 64-bit numbers.
type (
	// InstanceHandle is a VkInstance.
	InstanceHandle uintptr
	// PhysicalDevice is a VkPhysicalDevice.
	PhysicalDevice uintptr
	// DeviceHandle is a VkDevice.
	DeviceHandle uintptr
	// Queue is a VkQueue.
	Queue uintptr
	// CommandBuffer is a VkCommandBuffer.
	CommandBuffer uintptr
	// Handle is any handle that is not dispatchable.
	Handle uint64
)

// P is a pointer in a structure: of type unsafe.Pointer, so that what it points to
// is kept.
type P = unsafe.Pointer

// Structure types, VK_STRUCTURE_TYPE_*.
const (
	TypeApplicationInfo               = 0
	TypeInstanceCreateInfo            = 1
	TypeDeviceQueueCreateInfo         = 2
	TypeDeviceCreateInfo              = 3
	TypeSubmitInfo                    = 4
	TypeMemoryAllocateInfo            = 5
	TypeSemaphoreCreateInfo           = 9
	TypeBufferCreateInfo              = 12
	TypeShaderModuleCreateInfo        = 16
	TypePipelineCacheCreateInfo       = 17
	TypePipelineShaderStageCreateInfo = 18
	TypeComputePipelineCreateInfo     = 29
	TypePipelineLayoutCreateInfo      = 30
	TypeDescriptorSetLayoutCreateInfo = 32
	TypeDescriptorPoolCreateInfo      = 33
	TypeDescriptorSetAllocateInfo     = 34
	TypeWriteDescriptorSet            = 35
	TypeCommandPoolCreateInfo         = 39
	TypeCommandBufferAllocateInfo     = 40
	TypeCommandBufferBeginInfo        = 42
	TypeMemoryBarrier                 = 46
	TypeVulkan11Features              = 49
	TypeVulkan11Properties            = 50
	TypeVulkan12Features              = 51
	TypeVulkan12Properties            = 52
	TypeFeatures2                     = 1000059000
	TypeProperties2                   = 1000059001
	TypeMemoryProperties2             = 1000059006
	TypeDebugUtilsMessengerCreateInfo = 1000128004
	TypeSemaphoreTypeCreateInfo       = 1000207002
	TypeTimelineSemaphoreSubmitInfo   = 1000207003
	TypeSemaphoreWaitInfo             = 1000207004
	TypePCIBusInfo                    = 1000212000
	TypeMemoryBudget                  = 1000237000
)

// Versions, flags and kinds, with Vulkan's values.
const (
	Version12 = 1<<22 | 2<<12
	Version13 = 1<<22 | 3<<12

	DeviceIntegrated = 1
	DeviceDiscrete   = 2
	DeviceVirtual    = 3
	DeviceCPU        = 4

	HeapDeviceLocal = 1

	MemoryDeviceLocal  = 1
	MemoryHostVisible  = 2
	MemoryHostCoherent = 4
	MemoryHostCached   = 8

	BufferTransferSrc = 0x1
	BufferTransferDst = 0x2
	BufferStorage     = 0x20
	BufferIndirect    = 0x100

	QueueGraphics = 1
	QueueCompute  = 2

	DescriptorStorageBuffer = 7
	StageCompute            = 0x20

	PoolResetCommandBuffer = 2
	CommandSimultaneousUse = 4

	AccessIndirectRead  = 0x1
	AccessShaderRead    = 0x20
	AccessShaderWrite   = 0x40
	AccessTransferRead  = 0x800
	AccessTransferWrite = 0x1000
	AccessHostRead      = 0x2000
	AccessHostWrite     = 0x4000

	PipeIndirect = 0x2
	PipeCompute  = 0x800
	PipeTransfer = 0x1000
	PipeHost     = 0x4000

	SemaphoreTimeline = 1

	WholeSize = ^uint64(0)
)
