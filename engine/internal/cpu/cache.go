package cpu

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"scout/engine/internal/kernel"
	"scout/engine/tensor"
)

// cache is the key/value storage of one sequence on the host.
type cache struct {
	layers []cacheLayer
	cells  int  // most cells of any layer
	blocks bool // some layer keeps blocks
	closed bool
}

// cacheLayer is one layer's keys and values: [KVHeads, Cells, HeadDim] each, so
// that one head's keys are read in a straight line. Only the slices of the element
// type in use are there; rows of 8 and 4 bits are blocks of the weight type that
// rounds so. They are the operating system's memory and not the heap's: room that
// is never used costs none, and a refusal is an error, where the heap would end the
// program.
type cacheLayer struct {
	spec     tensor.CacheLayer
	memory   []byte // keys, then values
	k16, v16 []uint16
	k32, v32 []float32
	kq, vq   []byte // blocks
}

// errClosed is for a cache that is used after Close.
var errClosed = errors.New("cpu: the cache is closed")

// NewCache allocates the layers of spec that belong to device d.
func (b *Backend) NewCache(spec tensor.CacheSpec, d tensor.Device) (tensor.Cache, error) {
	c := &cache{layers: make([]cacheLayer, len(spec))}
	for i, s := range spec {
		if s.Device != d {
			continue
		}
		if err := c.layers[i].allocate(s); err != nil {
			return nil, errors.Join(fmt.Errorf("cpu: cache of layer %d: %w", i, err), c.Close())
		}
		c.cells = max(c.cells, s.Cells)
		c.blocks = c.blocks || c.layers[i].kq != nil
	}
	return c, nil
}

func (l *cacheLayer) allocate(s tensor.CacheLayer) error {
	if s.Type > tensor.KVQ4_0 {
		return fmt.Errorf("element type %d is unknown", s.Type)
	}
	if s.HeadDim%s.Type.Block() != 0 {
		return fmt.Errorf("a head has %d elements, want a multiple of %d for %v", s.HeadDim, s.Type.Block(), s.Type)
	}
	over, size := bits.Mul64(uint64(s.KVHeads)*uint64(s.Type.RowBytes(s.HeadDim)), uint64(s.Cells))
	if over != 0 || size > math.MaxInt/2 {
		return fmt.Errorf("%d heads of %d elements at %d positions are more than any memory holds; lower the context", s.KVHeads, s.HeadDim, s.Cells)
	}
	if l.spec = s; size == 0 {
		return nil
	}
	// Values begin on a page, like keys: what reads them in wide pieces likes that.
	const page = 4096
	at := (int(size) + page - 1) / page * page
	var err error
	if l.memory, err = reserve(at + int(size)); err != nil {
		return fmt.Errorf("the system has no %.1f GiB for keys and values of %d positions (%w); lower the context", float64(2*size)/(1<<30), s.Cells, err)
	}
	k, v := l.memory[:size:size], l.memory[at:]
	switch s.Type {
	case tensor.KVF16:
		l.k16, l.v16 = numbers[uint16](k), numbers[uint16](v)
	case tensor.KVF32:
		l.k32, l.v32 = numbers[float32](k), numbers[float32](v)
	default:
		l.kq, l.vq = k, v
	}
	return nil
}

// numbers is memory of whole numbers, aligned to a page, as these.
func numbers[T uint16 | float32](b []byte) []T {
	var one T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(one)))
}

// Close gives the memory back. Closing again does nothing; a run with a closed
// cache is an error.
func (c *cache) Close() error {
	var errs []error
	for i := range c.layers {
		if b := c.layers[i].memory; b != nil {
			c.layers[i] = cacheLayer{}
			errs = append(errs, release(b))
		}
	}
	c.layers, c.closed = nil, true
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cpu: freeing a cache: %w", err)
	}
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
