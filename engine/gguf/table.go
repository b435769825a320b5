package gguf

import (
	"math"
	"math/bits"
	"slices"

	"scout/engine/quant"
)

// placement is what the tensor table says of where a tensor lies.
type placement struct {
	offset, size uint64 // bytes, the offset from the start of the data section
	at           int    // where the table says so, for errors
}

// readTensors reads the tensor table of n entries and finds the data of each.
func (c *cursor) readTensors(n int) error {
	if fit := c.left() / minTensorBytes; uint64(n) > fit && !c.goesOn() {
		return c.invalid(c.off, "tensor count is %d, want at most %d (%d bytes are left for the tensor table)", n, fit, c.left())
	}
	alignment, err := c.p.alignment()
	if err != nil {
		return err
	}
	c.p.tensors = make([]Tensor, 0, n)
	places := make([]placement, 0, n)
	seen := make(map[string]int, n)
	for i := range n {
		c.kind, c.index, c.name = "tensor", i+1, ""
		at := c.off
		t, place, err := c.readTensor()
		if err != nil {
			return err
		}
		if first, ok := seen[t.Name]; ok {
			return c.invalid(at, "is there twice, want once (tensors %d and %d of %d)", first+1, i+1, n)
		}
		seen[t.Name] = i
		c.p.tensors = append(c.p.tensors, t)
		places = append(places, place)
	}
	start := (uint64(c.off) + alignment - 1) / alignment * alignment
	return c.placeTensors(places, start, alignment)
}

// readTensor reads one entry of the tensor table.
func (c *cursor) readTensor() (Tensor, placement, error) {
	t := Tensor{Path: c.p.path}
	var place placement
	var err error
	if t.Name, err = c.identifier("name", maxNameBytes); err != nil {
		return t, place, err
	}
	c.name = t.Name
	if t.Shape, err = c.readShape(); err != nil {
		return t, place, err
	}
	at := c.off
	number, err := c.u32("tensor type")
	if err != nil {
		return t, place, err
	}
	t.Type = quant.Type(number)
	if !t.Type.Known() {
		return t, place, c.unsupported(at, "type is %d, want a type of the ggml type table (0 to %d, some retired)", number, uint32(lastType))
	}
	if place.size, err = c.tensorBytes(at, t); err != nil {
		return t, place, err
	}
	place.at = c.off
	place.offset, err = c.u64("tensor offset")
	return t, place, err
}

// lastType is the highest type number this package can measure.
var lastType = func() quant.Type {
	last := quant.Type(0)
	for t := range quant.Type(256) {
		if t.Known() {
			last = t
		}
	}
	return last
}()

// readShape reads the dimensions of a tensor and turns them outermost first. A
// tensor without dimensions is one number, which is the shape [1].
func (c *cursor) readShape() ([]int, error) {
	at := c.off
	n, err := c.u32("dimension count")
	if err != nil {
		return nil, err
	}
	if n > maxDims {
		return nil, c.invalid(at, "has %d dimensions, want at most %d", n, maxDims)
	}
	if n == 0 {
		return []int{1}, nil
	}
	shape := make([]int, n)
	product := uint64(1)
	for i := range shape {
		at := c.off
		d, err := c.u64("dimension")
		if err != nil {
			return nil, err
		}
		if d == 0 || d > math.MaxInt {
			return nil, c.invalid(at, "dimension %d is %d, want 1 to %d", i, d, math.MaxInt)
		}
		var over uint64
		if over, product = bits.Mul64(product, d); over != 0 || product > math.MaxInt64 {
			return nil, c.invalid(at, "dimension %d is %d, which makes the number of weights overflow, want a product of at most %d", i, d, int64(math.MaxInt64))
		}
		shape[i] = int(d)
	}
	slices.Reverse(shape)
	return shape, nil
}

// tensorBytes is the size of the data of t, whose type the table gives at at.
func (c *cursor) tensorBytes(at int, t Tensor) (uint64, error) {
	row, block := t.Shape[len(t.Shape)-1], t.Type.BlockSize()
	if row%block != 0 {
		return 0, c.invalid(at, "has rows of %d weights of type %s, want a multiple of %d", row, t.Type, block)
	}
	over, size := bits.Mul64(uint64(t.Elements())/uint64(block), uint64(t.Type.BlockBytes()))
	if over != 0 || size > math.MaxInt64 {
		return 0, c.invalid(at, "has %d weights of type %s, which overflow, want at most %d bytes", t.Elements(), t.Type, int64(math.MaxInt64))
	}
	return size, nil
}

// placeTensors finds the data of every tensor in the data section, which begins
// at byte start. Gaps are allowed, overlaps and another order are not.
func (c *cursor) placeTensors(places []placement, start, alignment uint64) error {
	size := uint64(max(int64(len(c.p.data)), c.p.whole))
	end := uint64(0) // of the tensor before, from the start of the data section
	for i, place := range places {
		t := &c.p.tensors[i]
		c.name = t.Name
		if place.offset%alignment != 0 {
			return c.invalid(place.at, "offset is %d, want a multiple of the alignment %d", place.offset, alignment)
		}
		if place.offset < end {
			return c.invalid(place.at, "offset is %d, want at least %d, the end of tensor %q before it", place.offset, end, c.p.tensors[i-1].Name)
		}
		room := size - min(size, start)
		if place.offset > room || place.size > room-place.offset {
			return c.invalid(place.at, "has %d bytes at offset %d of the data section, want them within its %d bytes (it begins at byte %d, the file ends at %d)",
				place.size, place.offset, room, start, size)
		}
		end = place.offset + place.size
		from, to := start+place.offset, start+end
		t.Offset = int64(from)
		if c.p.whole == 0 {
			t.Data = c.p.data[from:to:to]
		}
	}
	return nil
}

// alignment is that of the data section.
func (p *part) alignment() (uint64, error) {
	i, ok := p.byKey[alignmentKey]
	if !ok {
		return defaultAlignment, nil
	}
	e := &p.entries[i]
	n, ok := asUint(p, e)
	if !ok {
		return 0, p.wrongKind(e, KindUint)
	}
	// gguf.md asks for a multiple of 8, its readers for a power of two.
	if bits.OnesCount64(n) != 1 || n < 8 || n > maxAlignment {
		return 0, p.invalid(e.off, "key %q is %d, want a power of two from 8 to %d", alignmentKey, n, maxAlignment)
	}
	return n, nil
}
