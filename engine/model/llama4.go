package model

import (
	"math"

	"scout/engine/kvcache"
	"scout/engine/tensor"
)

// Llama 4 (Scout and Maverick), text. Decoder only, grouped-query attention,
// SwiGLU, a mixture of experts with one shared and one routed expert a token.
// Source: the model authors' reference code and the common Python modelling
// library; the facts that GGUF files do not store are those of llama.cpp's
// loader, which most files were made for.
//
// Easy to get wrong:
//
//   - The router's sigmoid multiplies the expert's input, not its output; the
//     shared expert's input is not scaled. The expert is chosen by raw logits.
//   - Every fourth block (3, 7, ...) is global: no RoPE, no QK norm, full causal
//     attention, query times a temperature that grows with position. The others
//     are local: RoPE, then QK norm without weights, attention inside aligned
//     chunks of 8192 positions. A chunk is not a sliding window: position 8192 sees
//     only itself there, in decoding as in prefill.
//   - The temperature uses position+1.
//   - Maverick (128 experts) has no QK norm. A file may say otherwise by use_qk_norm.
//   - feed_forward_length is the dense width; experts have their own key.
//   - A block is a mixture of experts when its router is there, not by a formula.
//   - rope_freqs divides the angles. Scout has it, Maverick does not.

// Facts of the architecture that files made by the usual converters leave out.
const (
	llama4Chunk       = 8192
	llama4GlobalEvery = 4
	llama4TempFloor   = 8192
	llama4TempScale   = 0.1
	maverickExperts   = 128
)

func llama4Config(h *header) Config {
	c := h.common()
	c.Vocabulary = h.vocabulary()
	c.FF = h.countOr("feed_forward_length", c.Width, maxWidth)
	c.Experts = h.zeroOr("expert_count", 0, maxExperts)
	c.ExpertsUsed = h.zeroOr("expert_used_count", min(1, c.Experts), maxExpertsUsed)
	c.ExpertFF = h.countOr("expert_feed_forward_length", c.FF, maxWidth)
	if c.ExpertsUsed > c.Experts {
		h.fail("expert_used_count", "is %d, want at most the %d experts", c.ExpertsUsed, c.Experts)
	}
	h.experts(c)
	c.QKNorm = h.boolOr("use_qk_norm", c.Experts != maverickExperts)
	// Which blocks have no RoPE was fixed in training and is in no file; which ones
	// see only their chunk can be said. No file is known that tells them apart.
	if n := h.countOr("attention.sliding_window_pattern", llama4GlobalEvery, maxLayers); n != llama4GlobalEvery {
		h.unsupported("attention.sliding_window_pattern", "is %d, want %d, every fourth block global", n, llama4GlobalEvery)
	}
	// attention.scale is not read: some writers put the temperature's 0.1 there.
	c.AttentionScale = float32(1 / math.Sqrt(float64(c.HeadDim)))
	// A window of zero marks the small dense derivatives: no chunks, RoPE
	// everywhere. Any other value means the trained chunk length, unless the file
	// names a chunk size.
	c.Chunk = h.countOr("attention.chunk_size", llama4Chunk, math.MaxInt32)
	if h.zeroOr("attention.sliding_window", llama4Chunk, math.MaxInt32) == 0 {
		c.Chunk = 0
	}
	c.RopeBaseLocal = c.RopeBase
	if c.Chunk > 0 {
		c.RopeBaseLocal = h.floatOr("rope.freq_base_swa", c.RopeBase)
	}
	return c
}

// local says whether block l attends inside its chunk, with RoPE.
func (c Config) local(l int) bool { return c.Chunk == 0 || (l+1)%llama4GlobalEvery != 0 }

func buildLlama4(b *builder) {
	b.g.On(tensor.CPU, -1)
	x := b.g.Embed(b.weight("token_embd.weight", b.Vocabulary, b.Width))
	factors := b.floats("rope_freqs.weight", b.HeadDim/2)
	for l := range b.Layers {
		at := b.place.layer(l)
		b.g.On(at.Attention, l)
		h := b.g.RMSNorm(x, b.weight(block(l, "attn_norm.weight"), b.Width), b.RMSEps, b.Width)
		x = b.g.Add(x, b.llama4Attention(l, h, factors, at.Attention))
		if l == b.Layers-1 {
			x = b.g.Select(x) // the rest is wanted only where logits are
		}
		b.g.On(at.Dense, l)
		n := b.g.RMSNorm(x, b.weight(block(l, "ffn_norm.weight"), b.Width), b.RMSEps, b.Width)
		if b.has(block(l, "ffn_gate_inp.weight")) {
			x = b.add(x, b.llama4Experts(l, n, at)...)
		} else {
			x = b.g.Add(x, b.g.FFN(n, b.ffn(l, "", b.FF)))
		}
	}
	b.head(x)
}

// llama4Attention is attention of block l over h [tokens, width], with its
// output projection.
func (b *builder) llama4Attention(l int, h tensor.Value, factors []float32, d tensor.Device) tensor.Value {
	wq, wk, wv := b.qkv(l)
	q, k, v := b.g.MatMul(h, wq, nil), b.g.MatMul(h, wk, nil), b.g.MatMul(h, wv, nil)
	chunk := 0
	if b.local(l) {
		chunk = b.Chunk
		r := tensor.RoPE{HeadDim: b.HeadDim, Base: b.RopeBaseLocal, Factors: factors}
		q, k = b.g.RoPE(q, r), b.g.RoPE(k, r)
		if b.QKNorm {
			q, k = b.g.RMSNorm(q, nil, b.RMSEps, b.HeadDim), b.g.RMSNorm(k, nil, b.RMSEps, b.HeadDim)
		}
	} else {
		q = b.g.Temper(q, tensor.Temper{Floor: llama4TempFloor, Offset: 1, Scale: llama4TempScale})
	}
	b.cache = append(b.cache, kvcache.Layer{KVHeads: b.KVHeads, HeadDim: b.HeadDim, Chunk: chunk, Device: d})
	o := b.g.Attend(q, k, v, tensor.Attend{
		Layer: l, Heads: b.Heads, KVHeads: b.KVHeads, HeadDim: b.HeadDim,
		Scale: b.AttentionScale, Chunk: chunk,
	})
	return b.g.MatMul(o, b.weight(block(l, "attn_output.weight"), b.Width, b.Heads*b.HeadDim), nil)
}

// llama4Experts is the routed experts of block l, a term per device, and the
// shared one. The terms are to be added to the residual stream in this order.
func (b *builder) llama4Experts(l int, n tensor.Value, at LayerPlacement) []tensor.Value {
	routes, ok := b.route(l, n, tensor.SigmoidInput)
	if !ok {
		return nil
	}
	// The shared expert comes first in the graph: where a GPU has it and the CPU the
	// routed ones, the two run at the same time.
	shared := b.g.FFN(n, b.ffn(l, "_shexp", b.ExpertFF))
	return append(b.routed(l, n, routes, at, tensor.SigmoidInput), shared)
}
