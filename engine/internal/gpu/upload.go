//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"scout/engine/internal/gpu/vk"
)

// stagingBytes is the room of one of the two buffers that weights go through on
// their way to memory which the host cannot see.
const stagingBytes = 16 << 20

// uploader copies bytes to the device. While one of its buffers is on the way the
// other is filled.
type uploader struct {
	d     *device
	slots [2]stagingSlot
	next  int
}

type stagingSlot struct {
	block *block
	list  vk.CommandBuffer
	sent  uint64 // on the timeline
}

// write copies data to r from byte at on. Reading data may fault where it is a
// file that was cut; the caller guards.
func (u *uploader) write(r *region, at uint64, data []byte) error {
	if to := r.bytes(); to != nil {
		copy(to[at:], data)
		return nil
	}
	for len(data) > 0 {
		n := min(len(data), stagingBytes)
		if err := u.send(r, at, data[:n]); err != nil {
			return err
		}
		data, at = data[n:], at+uint64(n)
	}
	return nil
}

// send copies at most stagingBytes.
func (u *uploader) send(r *region, at uint64, data []byte) (err error) {
	s := &u.slots[u.next]
	u.next = 1 - u.next
	if s.block == nil {
		if s.block, err = u.d.newBlock(stagingBytes, forCompute, fromHost); err != nil {
			return err
		}
		if s.list, err = u.d.v.AllocateCommandBuffer(u.d.pool); err != nil {
			return u.d.failed("uploading weights", err)
		}
	}
	if err := u.d.wait(s.sent); err != nil {
		return err
	}
	copy(s.block.data, data)
	v := u.d.v
	if err := v.Begin(s.list); err != nil {
		return u.d.failed("uploading weights", err)
	}
	v.Copy(s.list, s.block.buffer, r.block.buffer, vk.BufferCopy{Src: 0, Dst: r.off + at, Size: uint64((len(data) + 3) / 4 * 4)})
	v.Barrier(s.list, vk.PipeTransfer, vk.AccessTransferWrite, vk.PipeCompute|vk.PipeTransfer, vk.AccessShaderRead|vk.AccessTransferWrite)
	if err := v.End(s.list); err != nil {
		return u.d.failed("uploading weights", err)
	}
	s.sent, err = u.d.submit(v.NewSubmission(u.d.queue, s.list, u.d.timeline))
	return err
}

// close waits for what is on the way and frees the buffers.
func (u *uploader) close() error {
	err := u.d.idle()
	for i := range u.slots {
		s := &u.slots[i]
		if s.list != 0 && !u.d.hung {
			u.d.v.FreeCommandBuffer(u.d.pool, s.list)
		}
		s.block.free()
	}
	return err
}
