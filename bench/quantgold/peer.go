package main

import (
	"fmt"
	"unsafe"

	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/jupiterrider/ffi"
)

// peer is llama.cpp's library of formats.
type peer struct{ lib loader.Lib }

// loadPeer loads it from the folder that YZMA_LIB names.
func loadPeer() (*peer, error) {
	lib, err := loader.LoadLibrary("", "ggml-base")
	if err != nil {
		return nil, fmt.Errorf("quantgold: loading llama.cpp from the folder in YZMA_LIB: %w", err)
	}
	return &peer{lib}, nil
}

// row calls a function void f(const void *from, void *to, int64_t n), which is
// what all of ggml's row conversions look like.
func (p *peer) row(symbol string, from, to unsafe.Pointer, n int) error {
	f, err := p.lib.Prep(symbol, &ffi.TypeVoid, &ffi.TypePointer, &ffi.TypePointer, &ffi.TypeSint64)
	if err != nil {
		return fmt.Errorf("quantgold: finding %s: %w", symbol, err)
	}
	count := int64(n)
	f.Call(nil, unsafe.Pointer(&from), unsafe.Pointer(&to), unsafe.Pointer(&count))
	return nil
}

// dequantise decodes blocks.
func (p *peer) dequantise(f format, blocks []byte) ([]float32, error) {
	y := make([]float32, len(blocks)/f.bytes*f.weights)
	if len(y) == 0 {
		return y, nil
	}
	if f.symbol == "" { // a float already
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&y[0])), 4*len(y)), blocks)
		return y, nil
	}
	return y, p.row(f.symbol, unsafe.Pointer(&blocks[0]), unsafe.Pointer(&y[0]), len(y))
}

// quantiseRow quantises activations.
func (p *peer) quantiseRow(a activation, x []float32) ([]byte, error) {
	blocks := make([]byte, len(x)/a.block*a.bytes)
	return blocks, p.row(a.symbol, unsafe.Pointer(&x[0]), unsafe.Pointer(&blocks[0]), len(x))
}
