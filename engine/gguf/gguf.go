// Package gguf reads GGUF model files, versions 2 and 3, little-endian, single
// or split over several files.
//
// A file is mapped into memory read-only and never copied: a tensor's bytes are
// a slice of the mapping, and metadata values stay in the mapping until they
// are asked for. Opening a file therefore costs one walk over its header.
//
//	magic "GGUF", version, counts | key, type, value ... | name, dims, type, offset ... | padding | tensor data
//
// Every length, count, dimension and offset is checked against the bytes that
// are there before anything is allocated for it, so a damaged or hostile file
// gives a *FormatError or an *UnsupportedError and nothing else. The layout is
// that of the ggml project's gguf.md; where that document and its readers
// differ, the stricter rule is used.
//
// The dimensions in a file run from the innermost to the outermost. They are
// turned round here, once: every Shape in this program is outermost first.
package gguf

import (
	"fmt"
	"slices"
	"strings"

	"scout/engine/quant"
)

// Tensor is one tensor of a file.
type Tensor struct {
	Name   string
	Type   quant.Type
	Shape  []int  // outermost first; at least one dimension, each at least 1
	Data   []byte // row-major blocks of Type, in the mapping: read-only, gone after File.Close
	Path   string // the file the tensor is in, one of File.Paths
	Offset int64  // of Data in that file, in bytes
}

// Elements is the number of weights in the tensor.
func (t Tensor) Elements() int64 {
	n := int64(1)
	for _, d := range t.Shape {
		n *= int64(d)
	}
	return n
}

// Bytes is the size of the tensor's data, also where only a header was read.
func (t Tensor) Bytes() int64 {
	return t.Elements() / int64(t.Type.BlockSize()) * int64(t.Type.BlockBytes())
}

// File is an open model: one file, or all parts of a split set.
//
// Its methods may be called from several goroutines at once, except Close,
// which must come after all of them and after the last use of any Tensor.Data.
type File struct {
	parts   []*part
	tensors []Tensor
	byName  map[string]int // index into tensors
}

// Open maps the file at path. Of a split set (NAME-00001-of-0000N.gguf) any
// part may be named: all of them are opened, the metadata being that of part 1.
//
// A file that breaks the format gives a *FormatError, one that is sound but of
// a kind this package does not read an *UnsupportedError, and a refusal of the
// operating system is wrapped.
func Open(path string) (*File, error) {
	p, err := openPart(path)
	if err != nil {
		return nil, err
	}
	return openSet(p)
}

// Parse reads a file that is already in memory, such as an embedded one. The
// name stands for a path in errors. The bytes are kept, not copied: they must
// not change while the File is in use. A part of a split set is refused.
func Parse(name string, data []byte) (*File, error) {
	p, err := newPart(name, data)
	if err != nil {
		return nil, err
	}
	set, err := p.splitKeys()
	if err != nil {
		return nil, err
	}
	if set.count > 1 {
		return nil, p.unsupported(set.at, "part %d of a set of %d files, want a whole model", set.no+1, set.count)
	}
	return merge([]*part{p}, set)
}

// Close unmaps the file. Every Tensor.Data becomes invalid: reading it ends the
// program. Strings that were returned before stay valid. Closing again does
// nothing.
func (f *File) Close() error {
	parts := f.parts
	f.parts, f.tensors, f.byName = nil, nil, nil
	return closeParts(parts)
}

// Path is the file that was opened; of a split set, its first part. It is ""
// after Close.
func (f *File) Path() string {
	if len(f.parts) == 0 {
		return ""
	}
	return f.parts[0].path
}

// Paths lists the files of the model in the order of their parts.
func (f *File) Paths() []string {
	paths := make([]string, len(f.parts))
	for i, p := range f.parts {
		paths[i] = p.path
	}
	return paths
}

// Size is the number of bytes mapped, over all parts.
func (f *File) Size() int64 {
	var n int64
	for _, p := range f.parts {
		n += int64(len(p.data))
	}
	return n
}

// Version is the format version of the file, 2 or 3; 0 after Close.
func (f *File) Version() int {
	if len(f.parts) == 0 {
		return 0
	}
	return int(f.parts[0].version)
}

// Tensors lists the tensors of all parts in file order. The slice is the
// caller's; the shapes in it are shared and must not be changed.
func (f *File) Tensors() []Tensor { return slices.Clone(f.tensors) }

// Tensor finds a tensor by name.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Tensor{}, false
	}
	return f.tensors[i], true
}

// Require finds a tensor that must be there, with the given shape (outermost
// first; -1 accepts any size of that dimension) and a type whose weights can be
// used. No shape at all accepts every shape. The error names the file, the
// tensor, its offset, what was found and what was wanted.
func (f *File) Require(name string, shape ...int) (Tensor, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return Tensor{}, &FormatError{f.Path(), -1, fmt.Sprintf("tensor %q is missing, want %s", name, shapeText(shape))}
	}
	if len(shape) > 0 && !shapeMatches(t.Shape, shape) {
		return Tensor{}, &FormatError{t.Path, t.Offset, fmt.Sprintf("tensor %q has shape %s, want %s", name, shapeText(t.Shape), shapeText(shape))}
	}
	if !t.Type.Decodes() {
		return Tensor{}, &UnsupportedError{t.Path, t.Offset, fmt.Sprintf("tensor %q has type %s, want a type with weights that can be used", name, t.Type)}
	}
	return t, nil
}

func shapeMatches(got, want []int) bool {
	return slices.EqualFunc(got, want, func(g, w int) bool { return w == g || w == -1 })
}

// shapeText writes a shape as [2, 3], and a free dimension as "any".
func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "a tensor"
	}
	s := make([]string, len(shape))
	for i, d := range shape {
		s[i] = fmt.Sprint(d)
		if d == -1 {
			s[i] = "any"
		}
	}
	return "[" + strings.Join(s, ", ") + "]"
}
