//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"fmt"

	"scout/engine/internal/gpu/vk"
)

// use is what memory is for.
type use int

const (
	forWeights use = iota
	forKV
	forCompute
)

// place is where memory should lie.
type place int

const (
	nearDevice place = iota
	fromHost         // written by the host, read by the device
	toHost           // written by the device, read by the host
)

// block is one buffer with memory of its own, out of which regions are cut.
type block struct {
	d      *device
	use    use
	buffer vk.Handle
	memory vk.Handle
	size   uint64 // of the buffer
	taken  uint64 // of the driver's memory
	data   []byte // mapped, nil if the host cannot see it
}

// region is a part of a block.
type region struct {
	block     *block
	off, size uint64
}

// bytes is the region as the host sees it, nil where it does not.
func (r *region) bytes() []byte {
	if r.block.data == nil {
		return nil
	}
	return r.block.data[r.off : r.off+r.size : r.off+r.size]
}

// memoryTypes lists the types to try, best first.
func (d *device) memoryTypes(allowed uint32, p place) (types []uint32) {
	const visible = vk.MemoryHostVisible | vk.MemoryHostCoherent
	var want []uint32
	switch p {
	case nearDevice:
		want = []uint32{vk.MemoryDeviceLocal, 0}
		if d.info.Kind == Integrated || d.info.Kind == Software { // it is the host's memory anyway
			want = []uint32{vk.MemoryDeviceLocal | visible, vk.MemoryDeviceLocal, 0}
		}
	case fromHost:
		want = []uint32{vk.MemoryDeviceLocal | visible, visible}
	case toHost:
		want = []uint32{visible | vk.MemoryHostCached, visible}
	}
	seen := uint32(0)
	for _, w := range want {
		for t := range d.memory.MemoryTypeCount {
			if allowed>>t&1 != 0 && seen>>t&1 == 0 && d.memory.MemoryTypes[t].PropertyFlags&w == w {
				seen |= 1 << t
				types = append(types, t)
			}
		}
	}
	return types
}

// newBlock allocates size bytes.
func (d *device) newBlock(size uint64, u use, p place) (*block, error) {
	what := fmt.Sprintf("allocating %d bytes", size)
	if err := d.check("allocate"); err != nil {
		return nil, err
	}
	if d.most > 0 && size > d.most {
		return nil, fmt.Errorf("gpu: %s: %s: the driver gives at most %d at a time: %w", d.info.Name, what, d.most, ErrMemory)
	}
	b := &block{d: d, use: u, size: size}
	var err error
	b.buffer, err = d.v.CreateBuffer(&vk.BufferCreateInfo{
		SType: vk.TypeBufferCreateInfo, Size: size,
		Usage: vk.BufferStorage | vk.BufferTransferSrc | vk.BufferTransferDst | vk.BufferIndirect,
	})
	if err != nil {
		return nil, d.failed(what, err)
	}
	needs := d.v.BufferRequirements(b.buffer)
	err = vk.ErrOutOfDeviceMemory
	visible := false
	for _, t := range d.memoryTypes(needs.MemoryTypeBits, p) {
		b.memory, err = d.v.Allocate(&vk.MemoryAllocateInfo{SType: vk.TypeMemoryAllocateInfo, AllocationSize: needs.Size, MemoryTypeIndex: t})
		if err == nil {
			visible = d.memory.MemoryTypes[t].PropertyFlags&(vk.MemoryHostVisible|vk.MemoryHostCoherent) == vk.MemoryHostVisible|vk.MemoryHostCoherent
			break
		}
	}
	if err == nil {
		b.taken = needs.Size
		d.bytes[u].Add(int64(b.taken))
		err = d.v.Bind(b.buffer, b.memory)
	}
	if err == nil && visible && !(p == nearDevice && d.staged) {
		b.data, err = d.v.Map(b.memory, int(size))
	}
	if err != nil {
		b.free()
		return nil, d.failed(what, err)
	}
	return b, nil
}

// free gives the memory back. Nothing may use it any more; none is freed twice.
func (b *block) free() {
	if b == nil {
		return
	}
	if b.d.hung {
		return
	}
	b.d.v.DestroyBuffer(b.buffer)
	b.d.v.Free(b.memory)
	b.d.bytes[b.use].Add(-int64(b.taken))
	*b = block{d: b.d, use: b.use}
}

// align rounds an offset up to where a region may begin: what the device asks
// for, and 64 bytes, so that words never straddle regions.
func (d *device) align(off uint64) uint64 {
	a := max(d.limits.MinStorageBufferOffsetAlignment, 64)
	return (off + a - 1) / a * a
}

// arena collects regions for one block that is allocated when all are known.
type arena struct {
	d       *device
	regions []*region
	size    uint64
}

// take makes a region of n bytes, whole words.
func (a *arena) take(n uint64) *region {
	r := &region{size: max((n+3)/4*4, 4)}
	a.put(r)
	return r
}

// put finds a place for a region of known size.
func (a *arena) put(r *region) {
	r.off = a.d.align(a.size)
	a.size = r.off + r.size
	a.regions = append(a.regions, r)
}

// allocate makes the block, nil where nothing was taken.
func (a *arena) allocate(u use, p place) (*block, error) {
	if a.size == 0 {
		return nil, nil
	}
	b, err := a.d.newBlock(a.size, u, p)
	if err != nil {
		return nil, err
	}
	for _, r := range a.regions {
		r.block = b
	}
	return b, nil
}

// fits says whether n bytes can be bound as one tensor.
func (d *device) fits(name string, n uint64) error {
	if most := uint64(d.limits.MaxStorageBufferRange); n > most {
		return fmt.Errorf("tensor %s takes %d bytes, %s can use at most %d as one", name, n, d.info.Name, most)
	}
	return nil
}

// room compares what is about to be taken with what is free, so that a model that
// does not fit is refused before a driver begins to swap. Where the driver makes no
// guess, all is free but what this device has taken.
func (d *device) room(what string, n uint64) error {
	d.refresh(d.in)
	free := d.info.Free()
	if !d.budget {
		taken := uint64(d.bytes[forWeights].Load() + d.bytes[forKV].Load() + d.bytes[forCompute].Load())
		free -= min(taken, free)
	}
	if n > free {
		return fmt.Errorf("gpu: %s: %s %d MiB, %d MiB are free there: %w", d.info.Name, what, n>>20, free>>20, ErrMemory)
	}
	return nil
}
