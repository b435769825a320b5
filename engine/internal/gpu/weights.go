//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"fmt"
	"unsafe"

	"scout/engine/internal/gpu/vk"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// blockMost is how large a block of weights gets, unless one tensor is larger:
// large enough that a model is a few hundred allocations of the thousands that
// drivers allow, and small enough to find room in a memory that others use too.
const blockMost = 256 << 20

// weights collects the tensors of a program and brings them to the device.
type weights struct {
	d       *device
	blocks  []*block
	tensors []*upload
	known   map[weightKey]*region
	bytes   int64 // of the tensors
}

// weightKey tells tensors apart by where their bytes are, and stacks by which
// experts are wanted.
type weightKey struct {
	data    *byte
	n       int
	experts string
	decoded bool
}

// upload is one tensor on its way.
type upload struct {
	region *region
	parts  [][]byte // put behind one another
}

// matrix is the region of w as the file has it. For a stack only the given
// experts are brought over, in that order; nil means all.
func (w *weights) matrix(t *tensor.Weight, experts []int) (*region, error) {
	parts := [][]byte{t.Data}
	if experts != nil {
		parts = nil
		for _, e := range experts {
			parts = append(parts, t.Slab(e))
		}
	}
	return w.add(weightKey{unsafe.SliceData(t.Data), len(t.Data), fmt.Sprint(experts), false}, t.Name, parts)
}

// vector is a small weight as float32 numbers.
func (w *weights) vector(t *tensor.Weight) (*region, error) {
	numbers := make([]float32, t.In())
	quant.Dequantize(t.Type, numbers, t.Data[:t.Type.RowBytes(t.In())])
	return w.add(weightKey{unsafe.SliceData(t.Data), len(t.Data), "", true}, t.Name, [][]byte{bytesOf(numbers)})
}

// words is a table of the program's own.
func (w *weights) words(name string, table []uint32) (*region, error) {
	return w.add(weightKey{data: (*byte)(vk.P(&table[0])), n: len(table)}, name, [][]byte{bytesOf(table)})
}

func (w *weights) add(k weightKey, name string, parts [][]byte) (*region, error) {
	if r, ok := w.known[k]; ok {
		return r, nil
	}
	n := uint64(0)
	for _, p := range parts {
		n += uint64(len(p))
	}
	if n == 0 {
		return nil, fmt.Errorf("tensor %s has no bytes", name)
	}
	if err := w.d.fits(name, n); err != nil {
		return nil, err
	}
	// A decoder may look at the word behind the last byte.
	r := &region{size: (n + 7) / 4 * 4}
	w.known[k] = r
	w.tensors = append(w.tensors, &upload{r, parts})
	w.bytes += int64(n)
	return r, nil
}

// load allocates and fills everything. On an error nothing stays.
func (w *weights) load() error {
	if err := w.d.room("the weights placed on it take", uint64(w.bytes)); err != nil {
		return err
	}
	if err := w.allocate(); err != nil {
		return errors.Join(err, w.free())
	}
	u := &uploader{d: w.d}
	err := w.fill(u)
	if err := errors.Join(err, u.close()); err != nil {
		return errors.Join(err, w.free())
	}
	for _, t := range w.tensors {
		t.parts = nil
	}
	return nil
}

// allocate makes blocks of at most blockMost, in the order of the tensors.
func (w *weights) allocate() error {
	a := &arena{d: w.d}
	flush := func() error {
		b, err := a.allocate(forWeights, nearDevice)
		if b != nil {
			w.blocks = append(w.blocks, b)
		}
		a = &arena{d: w.d}
		return err
	}
	for _, t := range w.tensors {
		if a.size > 0 && w.d.align(a.size)+t.region.size > blockMost {
			if err := flush(); err != nil {
				return err
			}
		}
		a.put(t.region)
	}
	return flush()
}

func (w *weights) fill(u *uploader) error {
	for _, t := range w.tensors {
		at := uint64(0)
		for _, p := range t.parts {
			if err := u.write(t.region, at, p); err != nil {
				return err
			}
			at += uint64(len(p))
		}
	}
	return nil
}

// free gives the memory back.
func (w *weights) free() error {
	for _, b := range w.blocks {
		b.free()
	}
	w.blocks = nil
	return nil
}

// bytesOf is the memory of numbers.
func bytesOf[T uint32 | float32](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
}
