//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"fmt"

	"scout/engine/internal/gpu/vk"
)

// listKey says what lists are recorded for.
type listKey struct {
	p       *program
	segment int
	kind    int // one or many
}

// lists are a segment, recorded: handed over in turn as often as one likes.
type lists struct {
	d      *device
	pool   vk.Handle // of descriptor sets
	chunks []chunk
}

// chunk is one command list. A run can be given up between two of them, and what
// one sends can be read while the next runs.
type chunk struct {
	list     vk.CommandBuffer
	submit   *vk.Submission
	sends    []*value
	receives []*value
	value    uint64 // on the timeline, of the last run
}

// nodesAtATime is how many operations of a graph a chunk for many rows has: few, so
// that a long prompt can be given up soon and no chunk blocks a screen for long.
const nodesAtATime = 4

// free gives everything back. Nothing of it may be running.
func (l *lists) free() {
	if l.d.hung {
		return
	}
	for _, c := range l.chunks {
		l.d.v.FreeCommandBuffer(l.d.pool, c.list)
	}
	l.d.v.DestroyDescriptorPool(l.pool)
	l.chunks, l.pool = nil, 0
}

// recorder writes the command lists of a segment.
type recorder struct {
	p     *program
	c     *cache // may be nil
	kind  int
	out   *lists
	list  vk.CommandBuffer // being recorded, 0 if none
	first int              // node that the list began with

	read, written map[int]bool // storages touched since the last barrier
}

// record makes the lists of a segment for a cache.
func (p *program) record(s *segment, kind int, c *cache) (_ *lists, err error) {
	d := p.d
	r := &recorder{p: p, c: c, kind: kind, out: &lists{d: d}, read: map[int]bool{}, written: map[int]bool{}}
	defer func() {
		if err != nil {
			r.out.free()
		}
	}()
	n := uint32(len(s.ops))
	r.out.pool, err = d.v.CreateDescriptorPool(&vk.DescriptorPoolCreateInfo{
		SType: vk.TypeDescriptorPoolCreateInfo, MaxSets: n, PoolSizeCount: 1,
		PPoolSizes: &vk.DescriptorPoolSize{Type: vk.DescriptorStorageBuffer, Count: n * bindings},
	})
	if err != nil {
		return nil, d.failed("making a descriptor pool", err)
	}
	// A list ends behind what the host waits for, and in lists for many rows after a
	// few nodes.
	last := lastSend(s)
	for i := range s.ops {
		o := &s.ops[i]
		if err := r.dispatch(o); err != nil {
			return nil, fmt.Errorf("gpu: recording %s: %w", o.name, err)
		}
		more := i+1 < len(s.ops)
		if more && (i == last || kind == many && s.ops[i+1].node-r.first >= nodesAtATime) {
			if err := r.end(); err != nil {
				return nil, err
			}
		}
	}
	return r.out, r.end()
}

// lastSend is the last dispatch of a segment that the host waits for.
func lastSend(s *segment) int {
	for i := len(s.ops) - 1; i >= 0; i-- {
		if s.ops[i].sends != nil {
			return i
		}
	}
	return -1
}

// begin starts a list. What lists before it wrote is made visible to it.
func (r *recorder) begin(node int) (err error) {
	d := r.p.d
	if r.list, err = d.v.AllocateCommandBuffer(d.pool); err != nil {
		return d.failed("making a command list", err)
	}
	r.out.chunks = append(r.out.chunks, chunk{list: r.list, submit: d.v.NewSubmission(d.queue, r.list, d.timeline)})
	if err := d.v.Begin(r.list); err != nil {
		return d.failed("recording", err)
	}
	r.first = node
	r.barrier()
	return nil
}

func (r *recorder) chunk() *chunk { return &r.out.chunks[len(r.out.chunks)-1] }

// barrier makes all writes visible to what follows.
func (r *recorder) barrier() {
	r.p.d.v.Barrier(r.list, vk.PipeCompute, vk.AccessShaderWrite, vk.PipeCompute, vk.AccessShaderRead|vk.AccessShaderWrite)
	clear(r.read)
	clear(r.written)
}

// end closes the list that is being recorded, if any. The host can see what it wrote.
func (r *recorder) end() error {
	if r.list == 0 {
		return nil
	}
	d := r.p.d
	d.v.Barrier(r.list, vk.PipeCompute, vk.AccessShaderWrite, vk.PipeHost, vk.AccessHostRead)
	err := d.v.End(r.list)
	r.list = 0
	return d.failed("recording", err)
}

// dispatch records one operation.
func (r *recorder) dispatch(o *op) error {
	d := r.p.d
	key := pipelineKey{o.shader, o.consts}
	if o.tiled > 0 && r.kind == many {
		key.consts[o.tileAt] = o.tiled
	}
	push := o.push
	if o.cache != nil {
		l, err := r.layer(o.cache.layer)
		if err != nil {
			return err
		}
		key.consts[1] = uint32(l.spec.Type)
		push = append([]uint32(nil), push...)
		push[o.cache.cellsAt], push[o.cache.cellsAt+1] = uint32(l.spec.Cells), l.scalesAt
	}
	pipeline, err := d.pipeline(key)
	if err != nil {
		return err
	}
	if r.list == 0 {
		if err := r.begin(o.node); err != nil {
			return err
		}
	}
	set, err := r.bind(o)
	if err != nil {
		return err
	}
	r.order(o)
	d.v.BindPipeline(r.list, pipeline)
	d.v.BindDescriptorSet(r.list, d.layout, set)
	d.v.PushConstants(r.list, d.layout, push)
	if r.kind == many {
		d.v.DispatchIndirect(r.list, r.p.batch.block.buffer, r.p.batch.off+4*uint64(o.indirect))
	} else {
		d.v.Dispatch(r.list, o.x, o.grids[one].count(1, 1), o.z)
	}
	if o.receives != nil {
		r.chunk().receives = append(r.chunk().receives, o.receives)
	}
	if o.sends != nil {
		r.chunk().sends = append(r.chunk().sends, o.sends)
	}
	return nil
}

// layer is the cache's storage for a layer.
func (r *recorder) layer(i int) (*cacheLayer, error) {
	if r.c == nil || i >= len(r.c.layers) || r.c.layers[i].k == nil {
		return nil, fmt.Errorf("gpu: the cache has no layer %d on %s", i, r.p.d.info.Name)
	}
	return &r.c.layers[i], nil
}

// order puts a barrier before a dispatch that touches what one since the last
// barrier wrote, or writes what one read.
func (r *recorder) order(o *op) {
	for _, b := range o.binds {
		if b.id != 0 && (r.written[b.id] || b.written && r.read[b.id]) {
			r.barrier()
			break
		}
	}
	for _, b := range o.binds {
		if b.id != 0 && b.written {
			r.written[b.id] = true
		} else if b.id != 0 {
			r.read[b.id] = true
		}
	}
}

// bind makes the descriptor set of a dispatch. A binding that is not used gets the
// batch's words, since a set must be whole.
func (r *recorder) bind(o *op) (vk.Handle, error) {
	d := r.p.d
	set, err := d.v.AllocateDescriptorSet(r.out.pool, &d.setLayout)
	if err != nil {
		return 0, d.failed("making a descriptor set", err)
	}
	var buffers [bindings]vk.DescriptorBufferInfo
	var writes [bindings]vk.WriteDescriptorSet
	for i, b := range o.binds {
		at := b.region
		if b.cache != noCache {
			l := &r.c.layers[o.cache.layer]
			at = l.k
			if b.cache == cacheValues {
				at = l.v
			}
		}
		if at == nil {
			at = r.p.batch
		}
		if at.block == nil {
			return 0, errors.New("gpu: a region was never allocated") // a bug of this package
		}
		buffers[i] = vk.DescriptorBufferInfo{Buffer: at.block.buffer, Offset: at.off, Range: at.size}
		writes[i] = vk.WriteDescriptorSet{
			SType: vk.TypeWriteDescriptorSet, DstSet: set, DstBinding: uint32(i), DescriptorCount: 1,
			DescriptorType: vk.DescriptorStorageBuffer, PBufferInfo: &buffers[i],
		}
	}
	d.v.UpdateDescriptorSets(writes[:])
	return set, nil
}
