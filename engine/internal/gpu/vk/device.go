//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import (
	"fmt"
	"time"
	"unsafe"
)

// Device is a VkDevice with its entry points.
type Device struct {
	Handle DeviceHandle
	procs  deviceProcs
}

// NewDevice makes a device with one queue of a family. features is the head of a
// chain of feature structures.
func (in *Instance) NewDevice(d PhysicalDevice, family uint32, extensions []string, features *Features2) (*Device, error) {
	priority := float32(1)
	queue := &DeviceQueueCreateInfo{SType: TypeDeviceQueueCreateInfo, QueueFamilyIndex: family, QueueCount: 1, PQueuePriorities: &priority}
	info := &DeviceCreateInfo{
		SType: TypeDeviceCreateInfo, PNext: P(features), QueueCreateInfoCount: 1, PQueueCreateInfos: queue,
		EnabledExtensionCount: uint32(len(extensions)), PpEnabledExtensionNames: cStrings(extensions),
	}
	v := &Device{}
	if r := call(in.procs.CreateDevice, uintptr(d), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&v.Handle))); r < 0 {
		return nil, fmt.Errorf("vk: making a device: %w", r)
	}
	return v, fill(&v.procs, func(name string) uintptr {
		return instanceProc(in.procs.GetDeviceProcAddr, uintptr(v.Handle), name)
	})
}

// Destroy ends the device, whose objects must be gone.
func (v *Device) Destroy() { call(v.procs.DestroyDevice, uintptr(v.Handle), 0) }

// Queue is queue 0 of a family.
func (v *Device) Queue(family uint32) (q Queue) {
	call(v.procs.GetDeviceQueue, uintptr(v.Handle), uintptr(family), 0, uintptr(unsafe.Pointer(&q)))
	return q
}

// WaitIdle waits until nothing runs.
func (v *Device) WaitIdle() error { return Check(call(v.procs.DeviceWaitIdle, uintptr(v.Handle))) }

// create calls an entry point that makes one object of a structure.
func (v *Device) create(f uintptr, info unsafe.Pointer) (h Handle, err error) {
	r := call(f, uintptr(v.Handle), uintptr(info), 0, uintptr(unsafe.Pointer(&h)))
	return h, Check(r)
}

// destroy calls an entry point that frees one object; none is no object.
func (v *Device) destroy(f uintptr, h Handle) {
	if h != 0 {
		call(f, uintptr(v.Handle), uintptr(h), 0)
	}
}

// CreateBuffer makes a buffer without memory.
func (v *Device) CreateBuffer(info *BufferCreateInfo) (Handle, error) {
	return v.create(v.procs.CreateBuffer, P(info))
}

// DestroyBuffer frees a buffer.
func (v *Device) DestroyBuffer(h Handle) { v.destroy(v.procs.DestroyBuffer, h) }

// BufferRequirements says what memory a buffer needs.
func (v *Device) BufferRequirements(h Handle) (m MemoryRequirements) {
	call(v.procs.GetBufferMemoryRequirements, uintptr(v.Handle), uintptr(h), uintptr(unsafe.Pointer(&m)))
	return m
}

// Allocate takes memory.
func (v *Device) Allocate(info *MemoryAllocateInfo) (Handle, error) {
	return v.create(v.procs.AllocateMemory, P(info))
}

// Free gives memory back, mapped or not.
func (v *Device) Free(h Handle) { v.destroy(v.procs.FreeMemory, h) }

// Bind gives a buffer its memory, from the first byte on.
func (v *Device) Bind(buffer, memory Handle) error {
	return Check(call(v.procs.BindBufferMemory, uintptr(v.Handle), uintptr(buffer), uintptr(memory), 0))
}

// Map is the first n bytes of memory that the host can see. They are the driver's
// and end with Free.
func (v *Device) Map(memory Handle, n int) ([]byte, error) {
	var p unsafe.Pointer // an address of the driver, never of Go's heap
	r := call(v.procs.MapMemory, uintptr(v.Handle), uintptr(memory), 0, ^uintptr(0), 0, uintptr(unsafe.Pointer(&p)))
	if r < 0 {
		return nil, r
	}
	return unsafe.Slice((*byte)(p), n), nil
}

// CreateShaderModule takes SPIR-V.
func (v *Device) CreateShaderModule(code []uint32) (Handle, error) {
	return v.create(v.procs.CreateShaderModule, P(&ShaderModuleCreateInfo{
		SType: TypeShaderModuleCreateInfo, CodeSize: uint64(4 * len(code)), PCode: &code[0],
	}))
}

// DestroyShaderModule frees a module; pipelines made of it stay.
func (v *Device) DestroyShaderModule(h Handle) { v.destroy(v.procs.DestroyShaderModule, h) }

// CreatePipelineCache begins with data of an earlier one, which drivers check;
// it may be empty.
func (v *Device) CreatePipelineCache(data []byte) (Handle, error) {
	return v.create(v.procs.CreatePipelineCache, P(&PipelineCacheCreateInfo{
		SType: TypePipelineCacheCreateInfo, InitialDataSize: uint64(len(data)), PInitialData: unsafe.SliceData(data),
	}))
}

// PipelineCacheData is what to begin the next cache with.
func (v *Device) PipelineCacheData(h Handle) ([]byte, error) {
	var n uint64
	r := call(v.procs.GetPipelineCacheData, uintptr(v.Handle), uintptr(h), uintptr(unsafe.Pointer(&n)), 0)
	if r < 0 || n == 0 {
		return nil, Check(r)
	}
	data := make([]byte, n)
	r = call(v.procs.GetPipelineCacheData, uintptr(v.Handle), uintptr(h), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&data[0])))
	return data[:n], Check(r)
}

// DestroyPipelineCache frees a cache; pipelines stay.
func (v *Device) DestroyPipelineCache(h Handle) { v.destroy(v.procs.DestroyPipelineCache, h) }

// CreateComputePipeline compiles; cache may be 0.
func (v *Device) CreateComputePipeline(cache Handle, info *ComputePipelineCreateInfo) (h Handle, err error) {
	r := call(v.procs.CreateComputePipelines, uintptr(v.Handle), uintptr(cache), 1, uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&h)))
	return h, Check(r)
}

// DestroyPipeline frees a pipeline.
func (v *Device) DestroyPipeline(h Handle) { v.destroy(v.procs.DestroyPipeline, h) }

// CreatePipelineLayout says what pipelines are given.
func (v *Device) CreatePipelineLayout(info *PipelineLayoutCreateInfo) (Handle, error) {
	return v.create(v.procs.CreatePipelineLayout, P(info))
}

// DestroyPipelineLayout frees a layout.
func (v *Device) DestroyPipelineLayout(h Handle) { v.destroy(v.procs.DestroyPipelineLayout, h) }

// CreateDescriptorSetLayout says what sets hold.
func (v *Device) CreateDescriptorSetLayout(info *DescriptorSetLayoutCreateInfo) (Handle, error) {
	return v.create(v.procs.CreateDescriptorSetLayout, P(info))
}

// DestroyDescriptorSetLayout frees a layout.
func (v *Device) DestroyDescriptorSetLayout(h Handle) {
	v.destroy(v.procs.DestroyDescriptorSetLayout, h)
}

// CreateDescriptorPool makes room for sets.
func (v *Device) CreateDescriptorPool(info *DescriptorPoolCreateInfo) (Handle, error) {
	return v.create(v.procs.CreateDescriptorPool, P(info))
}

// DestroyDescriptorPool frees a pool with its sets.
func (v *Device) DestroyDescriptorPool(h Handle) { v.destroy(v.procs.DestroyDescriptorPool, h) }

// AllocateDescriptorSet takes one set from a pool.
func (v *Device) AllocateDescriptorSet(pool Handle, layout *Handle) (set Handle, err error) {
	info := &DescriptorSetAllocateInfo{SType: TypeDescriptorSetAllocateInfo, DescriptorPool: pool, DescriptorSetCount: 1, PSetLayouts: layout}
	r := call(v.procs.AllocateDescriptorSets, uintptr(v.Handle), uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&set)))
	return set, Check(r)
}

// UpdateDescriptorSets writes sets that no running list uses.
func (v *Device) UpdateDescriptorSets(writes []WriteDescriptorSet) {
	if len(writes) > 0 {
		call(v.procs.UpdateDescriptorSets, uintptr(v.Handle), uintptr(len(writes)), uintptr(unsafe.Pointer(&writes[0])), 0, 0)
	}
}

// CreateCommandPool makes room for command lists of a queue family, each of
// which can be recorded anew.
func (v *Device) CreateCommandPool(family uint32) (Handle, error) {
	return v.create(v.procs.CreateCommandPool, P(&CommandPoolCreateInfo{
		SType: TypeCommandPoolCreateInfo, Flags: PoolResetCommandBuffer, QueueFamilyIndex: family,
	}))
}

// DestroyCommandPool frees a pool with its lists.
func (v *Device) DestroyCommandPool(h Handle) { v.destroy(v.procs.DestroyCommandPool, h) }

// CreateTimeline makes a timeline semaphore at 0.
func (v *Device) CreateTimeline() (Handle, error) {
	kind := &SemaphoreTypeCreateInfo{SType: TypeSemaphoreTypeCreateInfo, SemaphoreType: SemaphoreTimeline}
	return v.create(v.procs.CreateSemaphore, P(&SemaphoreCreateInfo{SType: TypeSemaphoreCreateInfo, PNext: P(kind)}))
}

// DestroySemaphore frees a semaphore.
func (v *Device) DestroySemaphore(h Handle) { v.destroy(v.procs.DestroySemaphore, h) }

// Submission is a command list that is handed to a queue any number of times. It
// signals a timeline, and handing it over allocates nothing.
type Submission struct {
	value    uint64
	timeline TimelineSemaphoreSubmitInfo
	info     SubmitInfo
	list     CommandBuffer
	signals  Handle
	call     Call
}

// NewSubmission prepares list for q; it signals the semaphore.
func (v *Device) NewSubmission(q Queue, list CommandBuffer, semaphore Handle) *Submission {
	s := &Submission{list: list, signals: semaphore}
	s.timeline = TimelineSemaphoreSubmitInfo{SType: TypeTimelineSemaphoreSubmitInfo, SigCount: 1, PSigValues: &s.value}
	s.info = SubmitInfo{
		SType: TypeSubmitInfo, PNext: P(&s.timeline), CommandBufferCount: 1, PCommandBuffers: &s.list,
		SignalSemaphoreCount: 1, PSignalSemaphores: &s.signals,
	}
	s.call = Call{f: v.procs.QueueSubmit, args: []uintptr{uintptr(q), 1, uintptr(unsafe.Pointer(&s.info)), 0}, keep: s}
	return s
}

// Submit hands the list over; value is what the timeline will have when it is
// done, higher than any before.
func (s *Submission) Submit(value uint64) error {
	s.value = value
	return Check(s.call.Do())
}

// Waiter waits for a timeline without allocating.
type Waiter struct {
	value     uint64
	semaphore Handle
	info      SemaphoreWaitInfo
	call      Call
}

// NewWaiter is one for a timeline semaphore; a call of Wait takes at most slice.
func (v *Device) NewWaiter(semaphore Handle, slice time.Duration) *Waiter {
	w := &Waiter{semaphore: semaphore}
	w.info = SemaphoreWaitInfo{SType: TypeSemaphoreWaitInfo, SemaphoreCount: 1, PSemaphores: &w.semaphore, PValues: &w.value}
	w.call = Call{f: v.procs.WaitSemaphores, args: []uintptr{uintptr(v.Handle), uintptr(unsafe.Pointer(&w.info)), uintptr(slice)}, keep: w}
	return w
}

// Wait returns when the timeline has reached value, or Timeout.
func (w *Waiter) Wait(value uint64) Result {
	w.value = value
	return w.call.Do()
}
