package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"scout/engine/kvcache"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// builder writes a model's graph. It keeps the first thing that was wrong with
// the file; the methods below then return harmless values, so that an
// architecture reads as its paper and the error comes out once, from Build.
type builder struct {
	Config
	g     *tensor.Graph
	src   Source
	place *Placement
	cache []kvcache.Layer
	err   error
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("model: "+format, args...)
	}
}

// has says whether the file has a tensor.
func (b *builder) has(name string) bool { _, ok := b.src(name); return ok }

// weight is the tensor name, which must have the given shape, outermost first.
func (b *builder) weight(name string, shape ...int) *tensor.Weight {
	w, ok := b.src(name)
	switch {
	case !ok:
		b.fail("tensor %s is missing, want shape %v", name, shape)
	case !slices.Equal(w.Shape, shape):
		b.fail("tensor %s at %s has shape %v, want %v", name, w.Place, w.Shape, shape)
	case !w.Type.Decodes():
		if b.err == nil {
			b.err = &UnsupportedError{fmt.Sprintf("tensor %s at %s is of type %v, which this program cannot run", name, w.Place, w.Type)}
		}
	default:
		return w
	}
	return &tensor.Weight{Name: name, Type: quant.F32, Shape: shape}
}

// maybe is weight for a tensor that may be absent: nil then.
func (b *builder) maybe(name string, shape ...int) *tensor.Weight {
	if !b.has(name) {
		return nil
	}
	return b.weight(name, shape...)
}

// rows is a part of the rows of matrix w, as a matrix of its own.
func rows(w *tensor.Weight, name string, from, n int) *tensor.Weight {
	size := w.Type.RowBytes(w.In())
	part := &tensor.Weight{Name: name, Type: w.Type, Shape: []int{n, w.In()}, Place: w.Place}
	if w.Data != nil {
		part.Data = w.Data[from*size : (from+n)*size]
	}
	return part
}

// floats is a small F32 vector of the file as numbers, nil when it is absent.
func (b *builder) floats(name string, n int) []float32 {
	w := b.maybe(name, n)
	if w == nil || w.Data == nil {
		return nil
	}
	if w.Type != quant.F32 {
		b.fail("tensor %s at %s is of type %v, want F32", name, w.Place, w.Type)
		return nil
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(w.Data[4*i:]))
		if !(out[i] > 0) {
			b.fail("tensor %s at %s holds %v at index %d, want positive numbers", name, w.Place, out[i], i)
		}
	}
	return out
}

// qkv is the three projections of layer l, from three tensors or from one fused
// one whose rows are q, k, v in turn.
func (b *builder) qkv(l int) (q, k, v *tensor.Weight) {
	nq, nk := b.Heads*b.HeadDim, b.KVHeads*b.HeadDim
	if name := block(l, "attn_qkv.weight"); b.has(name) {
		w := b.weight(name, nq+2*nk, b.Width)
		return rows(w, name, 0, nq), rows(w, name, nq, nk), rows(w, name, nq+nk, nk)
	}
	return b.weight(block(l, "attn_q.weight"), nq, b.Width),
		b.weight(block(l, "attn_k.weight"), nk, b.Width),
		b.weight(block(l, "attn_v.weight"), nk, b.Width)
}

// block is the name of a tensor of block l.
func block(l int, name string) string { return fmt.Sprintf("blk.%d.%s", l, name) }

// head ends the graph: norm, then the output matrix, which is the token
// embedding when the file has none of its own.
func (b *builder) head(x tensor.Value) {
	b.g.On(b.place.output(), -1)
	x = b.g.RMSNorm(x, b.weight("output_norm.weight", b.Width), b.RMSEps, b.Width)
	w := b.maybe("output.weight", b.Vocabulary, b.Width)
	if w == nil {
		w = b.weight("token_embd.weight", b.Vocabulary, b.Width)
	}
	b.g.Result = b.g.MatMul(x, w, nil)
}

// add sums values that may be computed on different devices.
func (b *builder) add(x tensor.Value, more ...tensor.Value) tensor.Value {
	for _, y := range more {
		x = b.g.Add(x, y)
	}
	return x
}

// ffn is the weights of a gated feed-forward network of width ff in block l;
// suffix tells a shared expert from a dense one.
func (b *builder) ffn(l int, suffix string, ff int) tensor.FFN {
	return tensor.FFN{
		Gate: b.weight(block(l, "ffn_gate"+suffix+".weight"), ff, b.Width),
		Up:   b.weight(block(l, "ffn_up"+suffix+".weight"), ff, b.Width),
		Down: b.weight(block(l, "ffn_down"+suffix+".weight"), b.Width, ff),
	}
}

// route is the router of block l over n. It fails for a router without experts.
func (b *builder) route(l int, n tensor.Value, gating tensor.Gating) (routes tensor.Value, ok bool) {
	name := block(l, "ffn_gate_inp.weight")
	if b.Experts == 0 || b.ExpertsUsed == 0 {
		b.fail("tensor %s is a router, but %s.expert_count is %d and expert_used_count is %d", name, b.Architecture, b.Experts, b.ExpertsUsed)
		return 0, false
	}
	logits := b.g.MatMul(n, b.weight(name, b.Experts, b.Width), nil)
	return b.g.Route(logits, tensor.Route{TopK: b.ExpertsUsed, Gating: gating}), true
}

// routed is the routed experts of block l, a term per device that has some.
func (b *builder) routed(l int, n, routes tensor.Value, at LayerPlacement, gating tensor.Gating) []tensor.Value {
	f := tensor.ExpertFFN{
		Gate:   b.weight(block(l, "ffn_gate_exps.weight"), b.Experts, b.ExpertFF, b.Width),
		Up:     b.weight(block(l, "ffn_up_exps.weight"), b.Experts, b.ExpertFF, b.Width),
		Down:   b.weight(block(l, "ffn_down_exps.weight"), b.Experts, b.Width, b.ExpertFF),
		Gating: gating,
	}
	var terms []tensor.Value
	devices, groups := at.expertGroups(b.Experts)
	for i, d := range devices {
		f.Experts = groups[i]
		b.g.On(d, l)
		terms = append(terms, b.g.ExpertFFN(n, routes, f))
	}
	b.g.On(at.Dense, l)
	return terms
}
