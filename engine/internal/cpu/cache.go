package cpu

import (
	"fmt"

	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// cache is the key/value storage of one sequence on the host.
type cache struct {
	layers []cacheLayer
	cells  int  // most cells of any layer
	blocks bool // some layer keeps blocks
}

// cacheLayer is one layer's keys and values: [KVHeads, Cells, HeadDim] each, so
// that one head's keys are read in a straight line. Only the slices of the element
// type in use are there; rows of 8 and 4 bits are blocks of the weight type that
// rounds so. Fresh cells are untouched pages of the operating system, so room that
// is never used costs no memory.
type cacheLayer struct {
	spec     tensor.CacheLayer
	k16, v16 []uint16
	k32, v32 []float32
	kq, vq   []byte // blocks
}

// NewCache allocates the layers of spec that belong to device d.
func (b *Backend) NewCache(spec tensor.CacheSpec, d tensor.Device) (tensor.Cache, error) {
	c := &cache{layers: make([]cacheLayer, len(spec))}
	for i, s := range spec {
		if s.Device != d {
			continue
		}
		if err := c.layers[i].allocate(s); err != nil {
			return nil, fmt.Errorf("cpu: cache of layer %d: %w", i, err)
		}
		c.cells = max(c.cells, s.Cells)
		c.blocks = c.blocks || c.layers[i].kq != nil
	}
	return c, nil
}

func (l *cacheLayer) allocate(s tensor.CacheLayer) error {
	l.spec = s
	n := s.KVHeads * s.Cells
	switch s.Type {
	case tensor.KVF16:
		l.k16, l.v16 = make([]uint16, n*s.HeadDim), make([]uint16, n*s.HeadDim)
	case tensor.KVF32:
		l.k32, l.v32 = make([]float32, n*s.HeadDim), make([]float32, n*s.HeadDim)
	case tensor.KVQ8_0, tensor.KVQ4_0:
		if s.HeadDim%s.Type.Block() != 0 {
			return fmt.Errorf("a head has %d elements, want a multiple of %d for %v", s.HeadDim, s.Type.Block(), s.Type)
		}
		size := n * s.Type.RowBytes(s.HeadDim)
		l.kq, l.vq = make([]byte, size), make([]byte, size)
	default:
		return fmt.Errorf("element type %d is unknown", s.Type)
	}
	return nil
}

// Close lets the memory go.
func (c *cache) Close() error {
	c.layers = nil
	return nil
}

// store keeps the key and the value of KV head h, [HeadDim] each, at position p.
func (l *cacheLayer) store(p, h int, k, v []float32) {
	d := l.spec.HeadDim
	row := h*l.spec.Cells + p%l.spec.Cells
	switch l.spec.Type {
	case tensor.KVF16:
		kernel.ToF16(l.k16[row*d:(row+1)*d], k)
		kernel.ToF16(l.v16[row*d:(row+1)*d], v)
	case tensor.KVF32:
		copy(l.k32[row*d:(row+1)*d], k)
		copy(l.v32[row*d:(row+1)*d], v)
	default:
		t, size := l.spec.Type.Format(), l.spec.Type.RowBytes(d)
		kernel.QuantizeBlocks(t, l.kq[row*size:], k)
		kernel.QuantizeBlocks(t, l.vq[row*size:], v)
	}
}

// scores writes dst[i*ldd+j] = q_i . key j for queries q [n, HeadDim] and the
// keys of KV head h at positions from..from+keys-1, which lie in consecutive
// cells. A cache of blocks takes the queries from rounded instead.
func (l *cacheLayer) scores(dst []float32, ldd int, q []float32, rounded *kernel.Acts, h, from, keys int, s *kernel.Scratch) {
	d, cell := l.spec.HeadDim, from%l.spec.Cells
	row := h*l.spec.Cells + cell
	switch l.spec.Type {
	case tensor.KVF16:
		kernel.ScoresManyF16(dst, ldd, q, d, l.k16[row*d:(row+keys)*d], d, keys, s)
	case tensor.KVF32:
		kernel.ScoresManyF32(dst, ldd, q, d, l.k32[row*d:(row+keys)*d], d, keys, s)
	default:
		// Up to 16 rows, the kernels' favourite, though those past keys are not used.
		rows := min(max(keys, 16), l.spec.Cells-cell)
		kernel.ScoresBlocks(dst, ldd, rounded, l.matrix(l.kq, row, rows), keys, s)
	}
}

// accumulate adds the values at those positions to the sums o [n, HeadDim], the
// i-th weighted by p[i*ldp+j].
func (l *cacheLayer) accumulate(o, p []float32, ldp, h, from, keys int, s *kernel.Scratch) {
	d, row := l.spec.HeadDim, h*l.spec.Cells+from%l.spec.Cells
	switch l.spec.Type {
	case tensor.KVF16:
		kernel.AccumManyF16(o, d, p, ldp, l.v16[row*d:(row+keys)*d], d, keys, s)
	case tensor.KVF32:
		kernel.AccumManyF32(o, d, p, ldp, l.v32[row*d:(row+keys)*d], d, keys, s)
	default:
		kernel.AccumBlocks(o, p, ldp, l.matrix(l.vq, row, keys), s)
	}
}

// matrix is rows of keys or values from row on.
func (l *cacheLayer) matrix(data []byte, row, rows int) kernel.Matrix {
	t, size := l.spec.Type.Format(), l.spec.Type.RowBytes(l.spec.HeadDim)
	return kernel.Matrix{Type: t, Rows: rows, Cols: l.spec.HeadDim, Data: data[row*size : (row+rows)*size]}
}
