package engine

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/gguf/gguftest"
	"scout/engine/quant"
)

// forwardShape is a model for the forward pass of forward_test.go: small, with the
// odd sizes and rare options that published models do not have.
type forwardShape struct {
	arch                               string
	layers, width, heads, kvHeads, dim int
	expertFF, denseFF, experts, used   int
	vocabulary, chunk, moeEvery        int
	qkNorm, fused, tied, factors       bool
	bias, outputBias                   bool
}

const (
	forwardEps   = 1e-5
	forwardTheta = 10000
)

// forwardModel is such a model with its weights, as numbers and as a file.
type forwardModel struct {
	forwardShape
	weights map[string][]float64
	file    gguftest.Builder
	r       *rand.Rand
}

func newForwardModel(s forwardShape, seed uint64) *forwardModel {
	m := &forwardModel{forwardShape: s, weights: map[string][]float64{}, r: rand.New(rand.NewPCG(seed, 77))}
	m.writeKeys()
	m.writeTokenizer()
	m.matrix("token_embd.weight", s.vocabulary, s.width)
	m.vector("output_norm.weight", s.width, 1, .2)
	if !s.tied {
		m.matrix("output.weight", s.vocabulary, s.width)
	}
	if s.factors {
		m.vector("rope_freqs.weight", s.dim/2, 5, .7)
	}
	for l := range s.layers {
		m.writeAttention(fmt.Sprintf("blk.%d.", l))
		m.writeFFN(fmt.Sprintf("blk.%d.", l), s.experts > 0 && (l+1)%s.moeEvery == 0)
	}
	return m
}

func (m *forwardModel) bytes(t testing.TB) []byte { return m.file.Build(t).Bytes }

func (m *forwardModel) writeKeys() {
	key := func(name string, v any) { m.file.Key(m.arch+"."+name, v) }
	m.file.Key("general.architecture", m.arch)
	for name, v := range map[string]int{
		"block_count": m.layers, "context_length": 4096, "embedding_length": m.width, "feed_forward_length": m.denseFF,
		"attention.head_count": m.heads, "attention.head_count_kv": m.kvHeads, "attention.key_length": m.dim, "vocab_size": m.vocabulary,
	} {
		key(name, uint32(v))
	}
	key("attention.layer_norm_rms_epsilon", float32(forwardEps))
	key("rope.freq_base", float32(forwardTheta))
	if m.experts > 0 {
		key("expert_count", uint32(m.experts))
		key("expert_used_count", uint32(m.used))
	}
	if m.arch != "llama4" {
		return
	}
	key("expert_feed_forward_length", uint32(m.expertFF))
	key("use_qk_norm", m.qkNorm)
	if m.chunk == 0 {
		key("attention.sliding_window", uint32(0))
	} else {
		key("attention.chunk_size", uint32(m.chunk))
	}
}

func (m *forwardModel) writeTokenizer() {
	var tokens []string
	next := rune(256) // the bytes that are no printable character follow one another from here
	for b := rune(0); b < 256; b++ {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE {
			tokens = append(tokens, string(b))
			continue
		}
		tokens = append(tokens, string(next))
		next++
	}
	types := make([]int32, m.vocabulary)
	for i := range types {
		types[i] = 1
		if i >= 256 {
			types[i] = 3
			tokens = append(tokens, fmt.Sprintf("<|%d|>", i))
		}
	}
	m.file.Key("tokenizer.ggml.model", "gpt2").Key("tokenizer.ggml.pre", "llama4").
		Key("tokenizer.ggml.tokens", tokens).Key("tokenizer.ggml.token_type", types).Key("tokenizer.ggml.merges", []string{"t h"})
}

func (m *forwardModel) writeAttention(p string) {
	nq, nk := m.heads*m.dim, m.kvHeads*m.dim
	m.vector(p+"attn_norm.weight", m.width, 1, .2)
	if m.fused {
		m.matrix(p+"attn_qkv.weight", nq+2*nk, m.width)
	} else {
		m.matrix(p+"attn_q.weight", nq, m.width)
		m.matrix(p+"attn_k.weight", nk, m.width)
		m.matrix(p+"attn_v.weight", nk, m.width)
	}
	m.matrix(p+"attn_output.weight", m.width, nq)
	if m.bias {
		m.vector(p+"attn_q.bias", nq, 0, .3)
		m.vector(p+"attn_k.bias", nk, 0, .3)
		m.vector(p+"attn_v.bias", nk, 0, .3)
	}
	if m.outputBias {
		m.vector(p+"attn_output.bias", m.width, 0, .3)
	}
}

func (m *forwardModel) writeFFN(p string, experts bool) {
	m.vector(p+"ffn_norm.weight", m.width, 1, .2)
	if !experts {
		m.matrix(p+"ffn_gate.weight", m.denseFF, m.width)
		m.matrix(p+"ffn_up.weight", m.denseFF, m.width)
		m.matrix(p+"ffn_down.weight", m.width, m.denseFF)
		return
	}
	m.tensor(p+"ffn_gate_inp.weight", quant.F32, 0, 3/math.Sqrt(float64(m.width)), m.experts, m.width)
	m.matrix(p+"ffn_gate_exps.weight", m.experts, m.expertFF, m.width)
	m.matrix(p+"ffn_up_exps.weight", m.experts, m.expertFF, m.width)
	m.matrix(p+"ffn_down_exps.weight", m.experts, m.width, m.expertFF)
	if m.arch == "llama4" {
		m.matrix(p+"ffn_gate_shexp.weight", m.expertFF, m.width)
		m.matrix(p+"ffn_up_shexp.weight", m.expertFF, m.width)
		m.matrix(p+"ffn_down_shexp.weight", m.width, m.expertFF)
	}
}

func (m *forwardModel) vector(name string, n int, mean, sd float64) {
	m.tensor(name, quant.F32, mean, sd, n)
}

// matrix is in a float type by chance.
func (m *forwardModel) matrix(name string, shape ...int) {
	typ := []quant.Type{quant.F32, quant.F16, quant.BF16}[m.r.IntN(3)]
	m.tensor(name, typ, 0, 1/math.Sqrt(float64(shape[len(shape)-1])), shape...)
}

func (m *forwardModel) tensor(name string, typ quant.Type, mean, sd float64, shape ...int) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	var data []byte
	for range n {
		x := float32(mean + sd*m.r.NormFloat64())
		switch typ {
		case quant.F16:
			h := quant.F32ToF16(x)
			data, x = binary.LittleEndian.AppendUint16(data, h), quant.F16ToF32(h)
		case quant.BF16:
			h := quant.F32ToBF16(x)
			data, x = binary.LittleEndian.AppendUint16(data, h), quant.BF16ToF32(h)
		default:
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
		m.weights[name] = append(m.weights[name], float64(x))
	}
	m.file.Tensor(gguftest.Tensor{Name: name, Type: typ, Shape: shape, Data: data})
}
