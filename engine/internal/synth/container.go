package synth

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"scout/engine/quant"
)

// key is one metadata entry.
type key struct {
	name  string
	value any // uint16, uint32, int32, float32, bool, string, []string, []int32 or []float32
}

// file is the contents of one GGUF file, version 3, little-endian.
type file struct {
	keys    []key
	tensors []tensor
}

// Facts of the GGUF format.
const (
	magic     = "GGUF"
	version   = 3
	alignment = 32 // the default, which files need not state
)

// GGUF's numbers for the kinds of values.
const (
	kindUint16  = 2
	kindUint32  = 4
	kindInt32   = 5
	kindFloat32 = 6
	kindBool    = 7
	kindString  = 8
	kindArray   = 9
)

// header gathers the bytes before the tensors. Writing to it cannot fail.
type header struct{ bytes.Buffer }

func (h *header) u16(v uint16)  { h.Write(binary.LittleEndian.AppendUint16(nil, v)) }
func (h *header) u32(v uint32)  { h.Write(binary.LittleEndian.AppendUint32(nil, v)) }
func (h *header) u64(v uint64)  { h.Write(binary.LittleEndian.AppendUint64(nil, v)) }
func (h *header) text(s string) { h.u64(uint64(len(s))); h.WriteString(s) }

func (h *header) key(k key) error {
	h.text(k.name)
	switch v := k.value.(type) {
	case uint16:
		h.u32(kindUint16)
		h.u16(v)
	case uint32:
		h.u32(kindUint32)
		h.u32(v)
	case int32:
		h.u32(kindInt32)
		h.u32(uint32(v))
	case float32:
		h.u32(kindFloat32)
		h.u32(math.Float32bits(v))
	case bool:
		h.u32(kindBool)
		h.WriteByte(map[bool]byte{true: 1}[v])
	case string:
		h.u32(kindString)
		h.text(v)
	case []string:
		h.array(kindString, len(v))
		for _, s := range v {
			h.text(s)
		}
	case []int32:
		h.array(kindInt32, len(v))
		for _, n := range v {
			h.u32(uint32(n))
		}
	case []float32:
		h.array(kindFloat32, len(v))
		for _, x := range v {
			h.u32(math.Float32bits(x))
		}
	default:
		return fmt.Errorf("metadata key %s has a value of type %T", k.name, v)
	}
	return nil
}

func (h *header) array(kind uint32, n int) {
	h.u32(kindArray)
	h.u32(kind)
	h.u64(uint64(n))
}

// info writes a tensor's entry in the table. Dimensions go innermost first.
func (h *header) info(t tensor, offset uint64) {
	h.text(t.name)
	h.u32(uint32(len(t.shape)))
	for i := len(t.shape) - 1; i >= 0; i-- {
		h.u64(uint64(t.shape[i]))
	}
	h.u32(uint32(t.typ))
	h.u64(offset)
}

// padding is how many zero bytes bring n to a multiple of the alignment.
func padding(n int) int { return (alignment - n%alignment) % alignment }

func (f file) write(to io.Writer, seed uint64, fast bool) error {
	var h header
	h.WriteString(magic)
	h.u32(version)
	h.u64(uint64(len(f.tensors)))
	h.u64(uint64(len(f.keys)))
	for _, k := range f.keys {
		if err := h.key(k); err != nil {
			return err
		}
	}
	offset := 0
	for _, t := range f.tensors {
		h.info(t, uint64(offset))
		offset += t.size() + padding(t.size())
	}
	h.Write(make([]byte, padding(h.Len())))
	w := bufio.NewWriterSize(to, 1<<20)
	if _, err := w.Write(h.Bytes()); err != nil {
		return err
	}
	for _, t := range f.tensors {
		if err := t.write(w, newRandom(seed, t.name), fast); err != nil {
			return fmt.Errorf("tensor %s: %w", t.name, err)
		}
		if _, err := w.Write(make([]byte, padding(t.size()))); err != nil {
			return err
		}
	}
	return w.Flush()
}

// poolBlocks is how many blocks are repeated in a large tensor of a fast file.
// It is prime, so that the rows of a matrix do not begin alike.
const poolBlocks = 65521

// write writes the tensor's data.
func (t tensor) write(w io.Writer, r *random, fast bool) error {
	total, size := t.blocks(), t.typ.BlockBytes()
	pool := make([]byte, min(total, poolBlocks)*size)
	for done := 0; done < total; {
		b := pool[:min(total-done, poolBlocks)*size]
		if done == 0 || !fast || t.add != nil {
			t.fill(b, r, done)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		done += len(b) / size
	}
	return nil
}

// fill writes blocks from number first on.
func (t tensor) fill(b []byte, r *random, first int) {
	switch t.typ {
	case quant.F32, quant.F16, quant.BF16:
		fillFloats(b, r, t, first)
	default:
		fillBlocks(b, r, t.typ, t.sd)
	}
}
