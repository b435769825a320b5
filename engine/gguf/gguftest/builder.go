// Package gguftest writes small GGUF files for tests: sound ones, and through
// the places it remembers of every field, broken ones.
//
// It knows the format on its own and shares no code with package gguf, so that
// the two check each other.
package gguftest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"scout/engine/quant"
)

// Builder collects the contents of one file. The zero value is an empty file of
// version 3.
type Builder struct {
	Version   uint32 // 0 stands for 3
	Alignment uint32 // 0 stands for 32 without a general.alignment key

	keys    []key
	tensors []Tensor
}

type key struct {
	name  string
	value any
}

// Tensor is a tensor to be written.
type Tensor struct {
	Name  string
	Type  quant.Type
	Shape []int  // outermost first, at most 4 dimensions
	Data  []byte // nil stands for the right number of bytes, filled with a pattern
}

// Raw is a metadata value with its type number and bytes as given, for values
// that no sound file has.
type Raw struct {
	Type  uint32
	Bytes []byte
}

// Key adds a metadata key. The value is a bool, a string, a sized number (uint8
// to float64), a slice of one of these, or Raw. It returns b.
func (b *Builder) Key(name string, value any) *Builder {
	b.keys = append(b.keys, key{name, value})
	return b
}

// Tensor adds a tensor. It returns b.
func (b *Builder) Tensor(t Tensor) *Builder {
	b.tensors = append(b.tensors, t)
	return b
}

// Split adds the keys of part no (from 0) of a set of count files that hold
// tensors in all. It returns b.
func (b *Builder) Split(no, count, tensors int) *Builder {
	return b.Key("split.no", uint16(no)).Key("split.count", uint16(count)).Key("split.tensors.count", int32(tensors))
}

// Image is a written file and where its fields are.
type Image struct {
	Bytes  []byte
	Header int // bytes before the padding that comes before the data section

	marks []mark
	tb    testing.TB
}

// mark says where a field is. The parts of its name are joined only when it is
// looked for: large files have many.
type mark struct {
	prefix, field string
	at            int
}

// At is the offset of a field:
//
//	"magic", "version", "tensor count", "key count"
//	"key NAME length|name|type|value", and of an array "element type|count|values";
//	the value of a string begins with its length
//	"tensor NAME length|name|dims|dim 0|dim 1|...|type|offset|data", dim 0 being the innermost
func (m *Image) At(field string) int {
	m.tb.Helper()
	for _, k := range slices.Backward(m.marks) { // of two fields of the same name the last
		if rest, ok := strings.CutPrefix(field, k.prefix); ok && rest == k.field {
			return k.at
		}
	}
	m.tb.Fatalf("gguftest: no field %q", field)
	return 0
}

// Put overwrites the bytes at a field with a uint32, a uint64, a string or
// bytes. It returns m.
func (m *Image) Put(field string, v any) *Image {
	m.tb.Helper()
	b, err := encode(v)
	if s, ok := v.(string); ok {
		b, err = []byte(s), nil
	}
	if err != nil {
		m.tb.Fatalf("gguftest: put %s: %v", field, err)
	}
	copy(m.Bytes[m.At(field):], b)
	return m
}

// Write puts the file into dir under a name and returns its path.
func (m *Image) Write(dir, name string) string {
	m.tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, m.Bytes, 0o600); err != nil {
		m.tb.Fatalf("gguftest: %v", err)
	}
	return path
}

// Build writes the file. The test fails if the builder cannot.
func (b *Builder) Build(tb testing.TB) *Image {
	tb.Helper()
	w := &writer{image: &Image{tb: tb}, alignment: 32}
	keys := b.keys
	if b.Alignment != 0 {
		keys = append([]key{{"general.alignment", b.Alignment}}, keys...)
		w.alignment = int(b.Alignment)
	}
	version := b.Version
	if version == 0 {
		version = 3
	}
	w.mark("magic").raw([]byte("GGUF"))
	w.mark("version").number(version)
	w.mark("tensor count").number(uint64(len(b.tensors)))
	w.mark("key count").number(uint64(len(keys)))
	for _, k := range keys {
		w.key(k)
	}
	w.tensors(b.tensors)
	w.image.Bytes = w.out.Bytes()
	return w.image
}

// writer writes the fields of a file and remembers where they are.
type writer struct {
	image     *Image
	out       bytes.Buffer
	alignment int
	prefix    string // of the fields being written, such as "key NAME "
}

func (w *writer) mark(field string) *writer {
	w.image.marks = append(w.image.marks, mark{w.prefix, field, w.out.Len()})
	return w
}

func (w *writer) raw(b []byte) { w.out.Write(b) }

func (w *writer) number(v any) {
	b, err := encode(v)
	if err != nil {
		w.image.tb.Fatalf("gguftest: %s%v", w.prefix, err)
	}
	w.raw(b)
}

func (w *writer) name(s string) {
	w.mark("length").number(uint64(len(s)))
	w.mark("name").raw([]byte(s))
}

func (w *writer) key(k key) {
	w.image.tb.Helper()
	w.prefix = "key " + k.name + " "
	defer func() { w.prefix = "" }()
	w.name(k.name)
	w.mark("type")
	if r, ok := k.value.(Raw); ok {
		w.number(r.Type)
		w.mark("value").raw(r.Bytes)
		return
	}
	v := reflect.ValueOf(k.value)
	if v.IsValid() && v.Kind() == reflect.Slice {
		w.array(v)
		return
	}
	w.number(w.typeOf(reflect.TypeOf(k.value)))
	w.mark("value").number(k.value)
}

func (w *writer) array(v reflect.Value) {
	w.image.tb.Helper()
	w.number(uint32(9))
	w.mark("element type").number(w.typeOf(v.Type().Elem()))
	w.mark("count").number(uint64(v.Len()))
	w.mark("values")
	if b, ok := v.Interface().([]byte); ok { // as the loop would, but fast
		w.raw(b)
		return
	}
	for i := range v.Len() {
		w.number(v.Index(i).Interface())
	}
}

// typeNumbers are those of gguf.md, "gguf_metadata_value_type".
var typeNumbers = map[reflect.Kind]uint32{
	reflect.Uint8: 0, reflect.Int8: 1, reflect.Uint16: 2, reflect.Int16: 3, reflect.Uint32: 4, reflect.Int32: 5,
	reflect.Float32: 6, reflect.Bool: 7, reflect.String: 8, reflect.Uint64: 10, reflect.Int64: 11, reflect.Float64: 12,
}

func (w *writer) typeOf(t reflect.Type) uint32 {
	w.image.tb.Helper()
	if t != nil {
		if n, ok := typeNumbers[t.Kind()]; ok {
			return n
		}
	}
	w.image.tb.Fatalf("gguftest: %sno metadata type for a Go %v", w.prefix, t)
	return 0
}

// dimFields name the dimensions of a tensor, the innermost first.
var dimFields = [...]string{"dim 0", "dim 1", "dim 2", "dim 3"}

// tensors writes the table, the padding and the data section.
func (w *writer) tensors(tensors []Tensor) {
	w.image.tb.Helper()
	offset := 0
	data := make([][]byte, len(tensors))
	for i, t := range tensors {
		w.prefix = "tensor " + t.Name + " "
		if len(t.Shape) > len(dimFields) {
			w.image.tb.Fatalf("gguftest: tensor %q has shape %v, want at most 4 dimensions", t.Name, t.Shape)
		}
		w.name(t.Name)
		w.mark("dims").number(uint32(len(t.Shape)))
		for j, d := range slices.Backward(t.Shape) {
			w.mark(dimFields[len(t.Shape)-1-j]).number(uint64(d))
		}
		w.mark("type").number(uint32(t.Type))
		w.mark("offset").number(uint64(offset))
		data[i] = w.data(t)
		offset += w.padded(len(data[i]))
	}
	w.prefix = ""
	w.image.Header = w.out.Len()
	for i, t := range tensors {
		w.raw(make([]byte, w.padded(w.out.Len())-w.out.Len()))
		w.mark("tensor " + t.Name + " data").raw(data[i])
	}
}

func (w *writer) padded(n int) int { return (n + w.alignment - 1) / w.alignment * w.alignment }

// data is that of t, or a pattern in its place. Data of another length than the
// shape asks for fails the test.
func (w *writer) data(t Tensor) []byte {
	w.image.tb.Helper()
	elements := uint64(1)
	for _, d := range t.Shape {
		over, product := bits.Mul64(elements, uint64(d))
		if d < 1 || over != 0 {
			w.image.tb.Fatalf("gguftest: tensor %q has shape %v", t.Name, t.Shape)
		}
		elements = product
	}
	if !t.Type.Known() || elements%uint64(t.Type.BlockSize()) != 0 {
		w.image.tb.Fatalf("gguftest: tensor %q has %d weights of %s", t.Name, elements, t.Type)
	}
	size := int(elements) / t.Type.BlockSize() * t.Type.BlockBytes()
	if t.Data == nil {
		t.Data = make([]byte, size)
		for i := range t.Data {
			t.Data[i] = byte('0' + (i*7+len(t.Name))%75) // printable, for short seeds of fuzz tests
		}
	}
	if len(t.Data) != size {
		w.image.tb.Fatalf("gguftest: tensor %q has %d bytes of data, want %d", t.Name, len(t.Data), size)
	}
	return t.Data
}

// encode is the form of a value in a file.
func encode(v any) ([]byte, error) {
	le := binary.LittleEndian
	switch v := v.(type) {
	case bool:
		if v {
			return []byte{1}, nil
		}
		return []byte{0}, nil
	case string:
		return append(le.AppendUint64(nil, uint64(len(v))), v...), nil
	case []byte:
		return v, nil
	case uint8:
		return []byte{v}, nil
	case int8:
		return []byte{byte(v)}, nil
	case uint16:
		return le.AppendUint16(nil, v), nil
	case int16:
		return le.AppendUint16(nil, uint16(v)), nil
	case uint32:
		return le.AppendUint32(nil, v), nil
	case int32:
		return le.AppendUint32(nil, uint32(v)), nil
	case uint64:
		return le.AppendUint64(nil, v), nil
	case int64:
		return le.AppendUint64(nil, uint64(v)), nil
	case float32:
		return le.AppendUint32(nil, math.Float32bits(v)), nil
	case float64:
		return le.AppendUint64(nil, math.Float64bits(v)), nil
	}
	return nil, fmt.Errorf("no encoding for a Go %T", v)
}
