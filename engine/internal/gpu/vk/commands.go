//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package vk

import "unsafe"

// AllocateCommandBuffer takes a list from a pool.
func (v *Device) AllocateCommandBuffer(pool Handle) (c CommandBuffer, err error) {
	info := &CommandBufferAllocateInfo{SType: TypeCommandBufferAllocateInfo, CommandPool: pool, Count: 1}
	r := call(v.procs.AllocateCommandBuffers, uintptr(v.Handle), uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&c)))
	return c, Check(r)
}

// FreeCommandBuffer gives a list back, which must not be running.
func (v *Device) FreeCommandBuffer(pool Handle, c CommandBuffer) {
	call(v.procs.FreeCommandBuffers, uintptr(v.Handle), uintptr(pool), 1, uintptr(unsafe.Pointer(&c)))
}

// Begin starts recording a list that may be submitted again while it runs.
func (v *Device) Begin(c CommandBuffer) error {
	info := &CommandBufferBeginInfo{SType: TypeCommandBufferBeginInfo, Flags: CommandSimultaneousUse}
	return Check(call(v.procs.BeginCommandBuffer, uintptr(c), uintptr(unsafe.Pointer(info))))
}

// End ends recording.
func (v *Device) End(c CommandBuffer) error {
	return Check(call(v.procs.EndCommandBuffer, uintptr(c)))
}

const bindCompute = 1

// BindPipeline chooses what Dispatch runs.
func (v *Device) BindPipeline(c CommandBuffer, pipeline Handle) {
	call(v.procs.CmdBindPipeline, uintptr(c), bindCompute, uintptr(pipeline))
}

// BindDescriptorSet chooses the buffers.
func (v *Device) BindDescriptorSet(c CommandBuffer, layout, set Handle) {
	call(v.procs.CmdBindDescriptorSets, uintptr(c), bindCompute, uintptr(layout), 0, 1, uintptr(unsafe.Pointer(&set)), 0, 0)
}

// PushConstants sets the first words of the push constants.
func (v *Device) PushConstants(c CommandBuffer, layout Handle, words []uint32) {
	if len(words) > 0 {
		call(v.procs.CmdPushConstants, uintptr(c), uintptr(layout), StageCompute, 0, uintptr(4*len(words)), uintptr(unsafe.Pointer(&words[0])))
	}
}

// Dispatch runs x*y*z workgroups.
func (v *Device) Dispatch(c CommandBuffer, x, y, z uint32) {
	call(v.procs.CmdDispatch, uintptr(c), uintptr(x), uintptr(y), uintptr(z))
}

// DispatchIndirect runs as many workgroups as three words of a buffer say.
func (v *Device) DispatchIndirect(c CommandBuffer, buffer Handle, offset uint64) {
	call(v.procs.CmdDispatchIndirect, uintptr(c), uintptr(buffer), uintptr(offset))
}

// Barrier orders all accesses of kind before from earlier stages and those of
// kind after in later ones.
func (v *Device) Barrier(c CommandBuffer, fromStages, before, toStages, after uint32) {
	b := &MemoryBarrier{SType: TypeMemoryBarrier, SrcAccessMask: before, DstAccessMask: after}
	call(v.procs.CmdPipelineBarrier, uintptr(c), uintptr(fromStages), uintptr(toStages), 0, 1, uintptr(unsafe.Pointer(b)), 0, 0, 0, 0)
}

// Copy copies a part of a buffer.
func (v *Device) Copy(c CommandBuffer, from, to Handle, region BufferCopy) {
	call(v.procs.CmdCopyBuffer, uintptr(c), uintptr(from), uintptr(to), 1, uintptr(unsafe.Pointer(&region)))
}

// Fill writes one word over a part of a buffer.
func (v *Device) Fill(c CommandBuffer, buffer Handle, offset, size uint64, word uint32) {
	call(v.procs.CmdFillBuffer, uintptr(c), uintptr(buffer), uintptr(offset), uintptr(size), uintptr(word))
}
