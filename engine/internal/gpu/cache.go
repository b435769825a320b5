//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"fmt"

	"scout/engine/tensor"
)

// cache is the key/value storage of one sequence on a device. Command lists name
// its buffers, so it owns those that were recorded for it.
type cache struct {
	b      *backend
	layers []cacheLayer // by layer of the spec
	blocks []*block
	lists  map[listKey]*lists
	closed bool
}

// cacheLayer is one layer's keys and values: [Cells, KVHeads, HeadDim] each, as
// kv.glsl has it.
type cacheLayer struct {
	spec     tensor.CacheLayer
	k, v     *region
	scalesAt uint32 // word where the scales of blocks begin
}

var errClosed = errors.New("gpu: the cache is closed")

// NewCache allocates the layers of spec that belong to device d.
func (b *backend) NewCache(spec tensor.CacheSpec, d tensor.Device) (tensor.Cache, error) {
	c := &cache{b: b, layers: make([]cacheLayer, len(spec)), lists: map[listKey]*lists{}}
	need := uint64(0)
	for _, s := range spec {
		if s.Device == d {
			need += uint64(s.Bytes())
		}
	}
	if err := b.d.room("the cache of a sequence takes", need); err != nil {
		return nil, err
	}
	for i, s := range spec {
		if s.Device != d {
			continue
		}
		if err := c.allocate(i, s); err != nil {
			return nil, errors.Join(fmt.Errorf("gpu: cache of layer %d: %w", i, err), c.Close())
		}
	}
	b.caches[c] = true
	return c, nil
}

// allocate makes the storage of one layer, all zeros or not: cells are written
// before they are read.
func (c *cache) allocate(i int, s tensor.CacheLayer) error {
	if s.Type > tensor.KVQ4_0 {
		return fmt.Errorf("element type %d is unknown", s.Type)
	}
	width := s.KVHeads * s.HeadDim
	if s.HeadDim%s.Type.Block() != 0 || width%2 != 0 {
		return fmt.Errorf("%d heads of %d elements do not fit a %v cache", s.KVHeads, s.HeadDim, s.Type)
	}
	l := cacheLayer{spec: s}
	n := uint64(s.Cells) * uint64(width)
	var bytes uint64
	switch s.Type {
	case tensor.KVF32:
		bytes = 4 * n
	case tensor.KVF16:
		bytes = 2 * n
	case tensor.KVQ8_0:
		l.scalesAt, bytes = uint32(n/4), n+n/8
	case tensor.KVQ4_0:
		l.scalesAt, bytes = uint32(n/8), n/2+n/8
	}
	if err := c.b.d.fits("of keys", bytes); err != nil {
		return err
	}
	a := &arena{d: c.b.d}
	l.k, l.v = a.take(bytes), a.take(bytes)
	b, err := a.allocate(forKV, nearDevice)
	if err != nil {
		return err
	}
	c.blocks = append(c.blocks, b)
	c.layers[i] = l
	return nil
}

// Close waits until nothing uses the storage and frees it.
func (c *cache) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	delete(c.b.caches, c)
	err := c.b.d.idle()
	for _, l := range c.lists {
		l.free()
	}
	for _, b := range c.blocks {
		b.free()
	}
	if errors.Is(err, ErrLost) {
		return nil
	}
	return err
}
