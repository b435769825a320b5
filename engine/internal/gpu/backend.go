//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"fmt"

	"scout/engine/quant"
	"scout/engine/tensor"
)

// backend is an opened device as the contract wants it. One goroutine uses it at
// a time.
type backend struct {
	d        *device
	programs map[*program]bool
	caches   map[*cache]bool
}

var _ Backend = (*backend)(nil)

// Open opens device index of List, a logical device of its own each time. Close
// frees it, with all programs and caches.
func Open(index int) (Backend, error) {
	d, err := openDevice(index)
	if err != nil {
		return nil, err
	}
	return &backend{d: d, programs: map[*program]bool{}, caches: map[*cache]bool{}}, nil
}

// Name is the device's.
func (b *backend) Name() string { return b.d.info.Name }

// Bytes is what is allocated now.
func (b *backend) Bytes() Bytes {
	n := &b.d.bytes
	return Bytes{Weights: n[forWeights].Load(), KV: n[forKV].Load(), Compute: n[forCompute].Load()}
}

// Close frees the device and everything on it.
func (b *backend) Close() error {
	var errs []error
	for c := range b.caches {
		errs = append(errs, c.Close())
	}
	for p := range b.programs {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, b.d.close())...)
}

// What the shaders have room for.
const (
	mostHeadDim = 256 // attend.comp
	mostExperts = 512 // group.comp
)

// Supports names the weight type or the size that there is no shader for.
func (b *backend) Supports(op tensor.Op) error {
	var types []*tensor.Weight
	switch o := op.(type) {
	case tensor.Embed:
		types = append(types, o.W)
	case tensor.AddRows:
		types = append(types, o.W)
	case tensor.MatMul:
		types = append(types, o.W)
	case tensor.FFN:
		types = append(types, o.Gate, o.Up, o.Down)
	case tensor.ExpertFFN:
		types = append(types, o.Gate, o.Up, o.Down)
		if n := o.Gate.Shape[0]; n > mostExperts {
			return fmt.Errorf("gpu: %T has %d experts, want at most %d", op, n, mostExperts)
		}
	case tensor.Attend:
		if o.HeadDim > mostHeadDim || o.KVHeads*o.HeadDim%2 != 0 {
			return fmt.Errorf("gpu: %T has %d heads of %d elements, want at most %d and an even number in all", op, o.KVHeads, o.HeadDim, mostHeadDim)
		}
	case tensor.AttendSpan:
		if o.HeadDim > mostHeadDim {
			return fmt.Errorf("gpu: %T has heads of %d elements, want at most %d", op, o.HeadDim, mostHeadDim)
		}
	}
	for _, w := range types {
		if !Runs(w.Type) {
			return fmt.Errorf("gpu: %T: tensor %s is of type %v, for which the GPU has no shader: place it on the CPU", op, w.Name, w.Type)
		}
	}
	for _, w := range vectors(op) {
		if w != nil && !w.Type.Decodes() {
			return fmt.Errorf("gpu: %T: tensor %s is of type %v, which has no decoder", op, w.Name, w.Type)
		}
	}
	return nil
}

// vectors are the small weights, which the host decodes.
func vectors(op tensor.Op) []*tensor.Weight {
	switch o := op.(type) {
	case tensor.RMSNorm:
		return []*tensor.Weight{o.W}
	case tensor.LayerNorm:
		return []*tensor.Weight{o.W, o.Bias}
	case tensor.MatMul:
		return []*tensor.Weight{o.Bias}
	}
	return nil
}

// typeOf is the number that shaders know a type by.
func typeOf(t quant.Type) uint32 { return uint32(t) }
