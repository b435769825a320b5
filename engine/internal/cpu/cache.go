package cpu

import (
	"fmt"

	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// cache is the key/value storage of one sequence on the host.
type cache struct {
	layers []cacheLayer
	cells  int // most cells of any layer
}

// cacheLayer is one layer's keys and values: [KVHeads, Cells, HeadDim] each, so
// that one head's keys are read in a straight line. Of the two element types only
// the one in use has slices. Fresh cells are untouched pages of the operating
// system, so room that is never used costs no memory.
type cacheLayer struct {
	spec     tensor.CacheLayer
	k16, v16 []uint16
	k32, v32 []float32
}

// NewCache allocates the layers of spec that belong to device d.
func (b *Backend) NewCache(spec tensor.CacheSpec, d tensor.Device) (tensor.Cache, error) {
	c := &cache{layers: make([]cacheLayer, len(spec))}
	for i, s := range spec {
		if s.Device != d {
			continue
		}
		l, n := &c.layers[i], s.KVHeads*s.Cells*s.HeadDim
		l.spec = s
		c.cells = max(c.cells, s.Cells)
		switch s.Type {
		case tensor.KVF16:
			l.k16, l.v16 = make([]uint16, n), make([]uint16, n)
		case tensor.KVF32:
			l.k32, l.v32 = make([]float32, n), make([]float32, n)
		default:
			return nil, fmt.Errorf("cpu: cache type %d is unknown", s.Type)
		}
	}
	return c, nil
}

// Close lets the memory go.
func (c *cache) Close() error {
	c.layers = nil
	return nil
}

// store keeps one token's keys and values, [KVHeads, HeadDim] each, at position p.
func (l *cacheLayer) store(p int, k, v []float32) {
	d := l.spec.HeadDim
	for h := range l.spec.KVHeads {
		at := (h*l.spec.Cells + p%l.spec.Cells) * d
		if l.spec.Type == tensor.KVF16 {
			kernel.ToF16(l.k16[at:at+d], k[h*d:(h+1)*d])
			kernel.ToF16(l.v16[at:at+d], v[h*d:(h+1)*d])
			continue
		}
		copy(l.k32[at:at+d], k[h*d:(h+1)*d])
		copy(l.v32[at:at+d], v[h*d:(h+1)*d])
	}
}

// scores writes dst[i*ldd+j] = q_i . key j for queries q [n, HeadDim] and the
// keys of KV head h at positions from..from+keys-1, which lie in consecutive cells.
func (l *cacheLayer) scores(dst []float32, ldd int, q []float32, h, from, keys int, s *kernel.Scratch) {
	d := l.spec.HeadDim
	at, n := (h*l.spec.Cells+from%l.spec.Cells)*d, keys*d
	if l.spec.Type == tensor.KVF16 {
		kernel.ScoresManyF16(dst, ldd, q, d, l.k16[at:at+n], d, keys, s)
		return
	}
	kernel.ScoresManyF32(dst, ldd, q, d, l.k32[at:at+n], d, keys, s)
}

// accumulate adds the values at those positions to the sums o [n, HeadDim], the
// i-th weighted by p[i*ldp+j].
func (l *cacheLayer) accumulate(o, p []float32, ldp, h, from, keys int, s *kernel.Scratch) {
	d := l.spec.HeadDim
	at, n := (h*l.spec.Cells+from%l.spec.Cells)*d, keys*d
	if l.spec.Type == tensor.KVF16 {
		kernel.AccumManyF16(o, d, p, ldp, l.v16[at:at+n], d, keys, s)
		return
	}
	kernel.AccumManyF32(o, d, p, ldp, l.v32[at:at+n], d, keys, s)
}
