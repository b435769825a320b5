package model

import (
	"math"

	"scout/engine/kvcache"
	"scout/engine/tensor"
)

// Llama 2 and 3, Mistral and Mixtral ("llama"), and Qwen 2 and 2.5 ("qwen2"):
// the decoder-only transformer of "LLaMA: Open and Efficient Foundation Language
// Models", arXiv:2302.13971, with grouped-query attention; Mixtral's experts are
// those of arXiv:2401.04088.
//
// Easy to get wrong:
//
//   - GGUF stores Llama's q and k rows permuted, so that RoPE rotates neighbours
//     (2i, 2i+1). Qwen's are as trained: pairs (i, i+d/2).
//   - The head dimension is key_length, not width/heads: Mistral Nemo has 128 where
//     the quotient is 160.
//   - Llama 3.1's scaled RoPE is the tensor rope_freqs, not a metadata key.
//   - Qwen has biases on q, k and v and none on the output projection.
//   - Mixtral takes the softmax over all experts, renormalises the chosen ones and
//     weights their outputs; Llama 4 does none of that.
//   - Small models have no output matrix: it is the token embedding.

func llamaConfig(h *header) Config {
	c := h.common()
	c.Vocabulary = h.vocabulary()
	c.FF = h.count("feed_forward_length", maxWidth)
	c.Experts = h.zeroOr("expert_count", 0, maxExperts)
	c.ExpertsUsed = h.zeroOr("expert_used_count", 0, maxExpertsUsed)
	if c.ExpertsUsed > c.Experts {
		h.fail("expert_used_count", "is %d, want at most the %d experts", c.ExpertsUsed, c.Experts)
	}
	c.ExpertFF = c.FF
	h.experts(c)
	c.AttentionScale = h.floatOr("attention.scale", float32(1/math.Sqrt(float64(c.HeadDim))))
	return c
}

func buildLlama(b *builder) { b.llama(tensor.Interleaved) }

func buildQwen2(b *builder) { b.llama(tensor.Halves) }

// llama is the graph of both families.
func (b *builder) llama(pairs tensor.Pairing) {
	b.g.On(tensor.CPU, -1)
	x := b.g.Embed(b.weight("token_embd.weight", b.Vocabulary, b.Width))
	rope := tensor.RoPE{HeadDim: b.HeadDim, Pairs: pairs, Base: b.RopeBase, Factors: b.floats("rope_freqs.weight", b.HeadDim/2)}
	for l := range b.Layers {
		at := b.place.layer(l)
		b.g.On(at.Attention, l)
		h := b.g.RMSNorm(x, b.weight(block(l, "attn_norm.weight"), b.Width), b.RMSEps, b.Width)
		x = b.g.Add(x, b.llamaAttention(l, h, rope, at.Attention))
		if l == b.Layers-1 {
			x = b.g.Select(x) // the rest is wanted only where logits are
		}
		b.g.On(at.Dense, l)
		n := b.g.RMSNorm(x, b.weight(block(l, "ffn_norm.weight"), b.Width), b.RMSEps, b.Width)
		if b.has(block(l, "ffn_gate_inp.weight")) {
			x = b.add(x, b.mixtralExperts(l, n, at)...)
		} else {
			x = b.g.Add(x, b.g.FFN(n, b.ffn(l, "", b.FF)))
		}
	}
	b.head(x)
}

func (b *builder) llamaAttention(l int, h tensor.Value, rope tensor.RoPE, d tensor.Device) tensor.Value {
	wq, wk, wv := b.qkv(l)
	nq, nk := b.Heads*b.HeadDim, b.KVHeads*b.HeadDim
	q := b.g.RoPE(b.g.MatMul(h, wq, b.maybe(block(l, "attn_q.bias"), nq)), rope)
	k := b.g.RoPE(b.g.MatMul(h, wk, b.maybe(block(l, "attn_k.bias"), nk)), rope)
	v := b.g.MatMul(h, wv, b.maybe(block(l, "attn_v.bias"), nk))
	b.cache = append(b.cache, kvcache.Layer{KVHeads: b.KVHeads, HeadDim: b.HeadDim, Device: d})
	o := b.g.Attend(q, k, v, tensor.Attend{
		Layer: l, Heads: b.Heads, KVHeads: b.KVHeads, HeadDim: b.HeadDim, Scale: b.AttentionScale,
	})
	return b.g.MatMul(o, b.weight(block(l, "attn_output.weight"), b.Width, nq), b.maybe(block(l, "attn_output.bias"), b.Width))
}

// mixtralExperts is the routed experts of block l, a term per device.
func (b *builder) mixtralExperts(l int, n tensor.Value, at LayerPlacement) []tensor.Value {
	routes, ok := b.route(l, n, tensor.SoftmaxOutput)
	if !ok {
		return nil
	}
	return b.routed(l, n, routes, at, tensor.SoftmaxOutput)
}
