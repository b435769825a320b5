package main

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/jupiterrider/ffi"
)

// tensor is the head of struct ggml_tensor as ggml.h lays it out. Only fields
// that are read have names.
type tensor struct {
	_    int32      // type
	_    uintptr    // buffer
	ne   [4]int64   // elements, innermost first
	nb   [4]uintptr // strides in bytes
	_    int32      // op
	_    [16]int32  // op_params
	_    int32      // flags
	_    [10]uintptr
	_    uintptr        // view_src
	_    uintptr        // view_offs
	data unsafe.Pointer // the tensors of a CPU backend are ordinary memory
	name [64]byte
}

// label is the tensor's name.
func (t *tensor) label() string {
	n := slices.Index(t.name[:], 0)
	if n < 0 {
		n = len(t.name)
	}
	return string(t.name[:n])
}

// appendRows copies the rows of a matrix whose rows may be further apart than
// they are long.
func appendRows[E float32 | int32](rows [][]E, t *tensor) [][]E {
	for i := range t.ne[1] {
		row := unsafe.Slice((*E)(unsafe.Add(t.data, uintptr(i)*t.nb[1])), t.ne[0])
		rows = append(rows, slices.Clone(row))
	}
	return rows
}

// tensorCheck compares type tensor with what the library's own accessors say,
// since nothing else would notice that another build lays it out differently.
type tensorCheck struct{ name, data, elements, bytes ffi.Fun }

func newTensorCheck() (c tensorCheck, err error) {
	lib, err := loader.LoadLibrary("", "ggml-base")
	if err != nil {
		return c, fmt.Errorf("peer: loading ggml's accessors: %w", err)
	}
	for _, f := range []struct {
		name   string
		fun    *ffi.Fun
		result *ffi.Type
	}{
		{"ggml_get_name", &c.name, &ffi.TypePointer},
		{"ggml_get_data", &c.data, &ffi.TypePointer},
		{"ggml_nelements", &c.elements, &ffi.TypeSint64},
		{"ggml_nbytes", &c.bytes, &ffi.TypeUint64},
	} {
		if *f.fun, err = lib.Prep(f.name, f.result, &ffi.TypePointer); err != nil {
			return c, fmt.Errorf("peer: finding %s: %w", f.name, err)
		}
	}
	return c, nil
}

// run checks one tensor of 4-byte elements.
func (c tensorCheck) run(t *tensor) error {
	p := unsafe.Pointer(t)
	var name, data unsafe.Pointer
	var elements int64
	var bytes uint64
	c.name.Call(unsafe.Pointer(&name), unsafe.Pointer(&p))
	c.data.Call(unsafe.Pointer(&data), unsafe.Pointer(&p))
	c.elements.Call(unsafe.Pointer(&elements), unsafe.Pointer(&p))
	c.bytes.Call(unsafe.Pointer(&bytes), unsafe.Pointer(&p))
	// What ggml_nbytes means for a strided view: from the first byte to the last.
	want := uint64(4)
	for i, n := range t.ne {
		want += uint64(n-1) * uint64(t.nb[i])
	}
	if name != unsafe.Pointer(&t.name) || data != t.data || elements != t.ne[0]*t.ne[1]*t.ne[2]*t.ne[3] || bytes != want {
		return fmt.Errorf("peer: tensor %q: this llama.cpp lays out ggml_tensor differently, -routes needs another version", t.label())
	}
	return nil
}
