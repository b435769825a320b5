// Package synth writes GGUF files with random weights in the shape of a real
// architecture: small ones for tests, large ones for speed. Nothing in it
// knows how a model is computed or a block decoded, so that a mistake there
// cannot hide here.
//
// A file depends on its Shape and on nothing else: all arithmetic is done in
// integers or in single float64 operations, so every platform writes the same
// bytes. Each tensor has a random stream of its own, seeded by its name: adding
// a tensor changes no other.
//
// Weights have zero mean and a standard deviation of 1/sqrt(inputs), so that
// activations keep their size through the layers and logits have a deviation
// of about 1. Norm weights are 1 with a deviation of 0.2: a missing norm shows.
package synth

import (
	"bytes"
	"fmt"
	"io"
)

// Write writes the model as one file.
func Write(w io.Writer, s Shape) error {
	if s.Split > 1 {
		return fmt.Errorf("synth: writing one file of a shape that is split into %d parts", s.Split)
	}
	return WritePart(w, s, 0)
}

// Bytes is the file that Write writes, for tests whose shapes are part of their
// source. Like regexp.MustCompile it panics when the shape is not valid, since
// then the test itself is wrong.
func Bytes(s Shape) []byte {
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// WritePart writes one part, counted from 0, of a model that is split into
// s.Split of them. The first part holds the metadata of the whole. Tensors are
// spread evenly, so with more parts than tensors some parts hold none.
func WritePart(w io.Writer, s Shape, part int) error {
	s = s.Resolved()
	if err := s.Validate(); err != nil {
		return err
	}
	if part < 0 || part >= s.Split {
		return fmt.Errorf("synth: writing part %d of %d", part, s.Split)
	}
	all := s.tensors()
	f := file{tensors: all[part*len(all)/s.Split : (part+1)*len(all)/s.Split]}
	if part == 0 {
		f.keys = s.metadata()
	}
	if s.Split > 1 {
		f.keys = append(f.keys, key{"split.no", uint16(part)}, key{"split.count", uint16(s.Split)},
			key{"split.tensors.count", int32(len(all))})
	}
	if err := f.write(w, s.Seed, s.Fast); err != nil {
		return fmt.Errorf("synth: writing part %d of %d: %w", part+1, s.Split, err)
	}
	return nil
}

// PartName is the name that readers expect of a part, counted from 0. The
// prefix is the path without ".gguf".
func PartName(prefix string, part, parts int) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, part+1, parts)
}
