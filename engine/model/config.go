package model

import (
	"errors"
	"fmt"
	"math"
)

// Config is the hyper-parameters of a model, the union over architectures.
type Config struct {
	Architecture  string
	Layers        int
	Width         int // residual stream
	Heads         int
	KVHeads       int
	HeadDim       int
	FF            int // dense feed-forward width
	ExpertFF      int // width of a routed and of a shared expert
	Experts       int
	ExpertsUsed   int
	Vocabulary    int
	ContextLength int // positions the model was made for
	RMSEps        float32
	RopeBase      float32

	AttentionScale float32 // of scores; 1/sqrt(HeadDim) unless the file says otherwise

	// Llama 4 only.
	RopeBaseLocal float32 // RoPE base of the blocks that have RoPE
	Chunk         int     // chunk length of local attention; 0: every layer is global and uses RoPE
	QKNorm        bool
}

// The largest values that are taken for sane: no published model comes near
// them. They keep products of two or three of them inside int64, and the
// activations of a batch, which follow from them and not from the size of the
// file, below a few GB.
const (
	maxLayers = 1 << 12
	maxWidth  = 1 << 17
	maxVocab  = 1 << 24

	maxExperts     = 1 << 12
	maxExpertsUsed = 1 << 6 // picking costs its square times the number of experts, for every token
)

// header reads keys below a prefix and remembers the first thing wrong.
type header struct {
	md     Metadata
	prefix string
	err    error
}

func (h *header) fail(key, format string, args ...any) {
	if h.err == nil {
		h.err = errors.New("model: " + h.about(key, format, args...))
	}
}

// unsupported is fail for a key that is well formed and asks for what this
// program cannot do.
func (h *header) unsupported(key, format string, args ...any) {
	if h.err == nil {
		h.err = &UnsupportedError{h.about(key, format, args...)}
	}
}

// about is a sentence about a key, with the place of its value.
func (h *header) about(key, format string, args ...any) string {
	at := ""
	if place := h.md.Place(h.prefix + key); place != "" {
		at = " at " + place
	}
	return fmt.Sprintf("key %s%s %s", h.prefix+key, at, fmt.Sprintf(format, args...))
}

// count reads a required whole number from 1 to limit.
func (h *header) count(key string, limit int) int {
	if !h.md.Has(h.prefix + key) {
		h.fail(key, "is missing")
		return 1
	}
	return h.countOr(key, 1, limit)
}

// countOr is count with a value for a missing key.
func (h *header) countOr(key string, missing, limit int) int {
	if !h.md.Has(h.prefix + key) {
		return missing
	}
	v, ok := h.md.Uint(h.prefix + key)
	if !ok {
		h.fail(key, "is not a whole number")
		return missing
	}
	if v < 1 || v > uint64(limit) {
		h.fail(key, "is %d, want 1 to %d", v, limit)
		return missing
	}
	return int(v)
}

// zeroOr is countOr where zero is a value of its own.
func (h *header) zeroOr(key string, missing, limit int) int {
	if v, ok := h.md.Uint(h.prefix + key); ok && v == 0 {
		return 0
	}
	return h.countOr(key, missing, limit)
}

// float reads a required positive finite number.
func (h *header) float(key string) float32 {
	if !h.md.Has(h.prefix + key) {
		h.fail(key, "is missing")
		return 1
	}
	return h.floatOr(key, 1)
}

func (h *header) floatOr(key string, missing float32) float32 {
	if !h.md.Has(h.prefix + key) {
		return missing
	}
	v, ok := h.md.Float(h.prefix + key)
	if !ok {
		h.fail(key, "is not a number")
		return missing
	}
	if !(v > 0) || math.IsInf(v, 0) {
		h.fail(key, "is %v, want a positive number", v)
		return missing
	}
	return float32(v)
}

func (h *header) boolOr(key string, missing bool) bool {
	if !h.md.Has(h.prefix + key) {
		return missing
	}
	v, ok := h.md.Bool(h.prefix + key)
	if !ok {
		h.fail(key, "is not a bool")
	}
	return v
}

// vocabulary is the size of the vocabulary: its own key, or the number of
// tokens, which every file has.
func (h *header) vocabulary() int {
	if h.md.Has(h.prefix + "vocab_size") {
		return h.count("vocab_size", maxVocab)
	}
	n, ok := h.md.Len("tokenizer.ggml.tokens")
	if !ok || n < 1 || n > maxVocab {
		h.fail("vocab_size", "is missing, and so is a list of tokens")
		return 1
	}
	return n
}

// common reads what every decoder-only transformer has.
func (h *header) common() Config {
	c := Config{
		Layers:        h.count("block_count", maxLayers),
		Width:         h.count("embedding_length", maxWidth),
		Heads:         h.count("attention.head_count", maxWidth),
		ContextLength: h.count("context_length", math.MaxInt32),
		RMSEps:        h.float("attention.layer_norm_rms_epsilon"),
		RopeBase:      h.float("rope.freq_base"),
	}
	c.KVHeads = h.countOr("attention.head_count_kv", c.Heads, maxWidth)
	c.HeadDim = h.countOr("attention.key_length", c.Width/c.Heads, maxWidth)
	if v := h.countOr("attention.value_length", c.HeadDim, maxWidth); v != c.HeadDim {
		h.fail("attention.value_length", "is %d, want %d, the key length", v, c.HeadDim)
	}
	if c.Heads%c.KVHeads != 0 {
		h.fail("attention.head_count_kv", "is %d, want a divisor of the %d heads", c.KVHeads, c.Heads)
	}
	if c.HeadDim == 0 || c.HeadDim%2 != 0 {
		h.fail("attention.key_length", "is %d, want an even number", c.HeadDim)
	}
	if n := c.Heads * c.HeadDim; n > maxWidth {
		h.fail("attention.head_count", "is %d, with heads of %d: want a product of at most %d", c.Heads, c.HeadDim, maxWidth)
	}
	if r := h.countOr("rope.dimension_count", c.HeadDim, maxWidth); r != c.HeadDim {
		h.fail("rope.dimension_count", "is %d, want %d, the head dimension", r, c.HeadDim)
	}
	h.noRopeScaling()
	return c
}

// noRopeScaling refuses the ways to scale RoPE that metadata can ask for; leaving
// them out would give wrong answers. Llama 3's way is none of them: converters
// write it as the tensor rope_freqs.
func (h *header) noRopeScaling() {
	if key := "rope.scaling.type"; h.md.Has(h.prefix + key) {
		if s, ok := h.md.String(h.prefix + key); !ok {
			h.fail(key, "is not a text")
		} else if s != "none" {
			h.unsupported(key, "is %q, which this program cannot run", s)
		}
	}
	// A factor without a type means linear scaling to other readers.
	for _, key := range []string{"rope.scaling.factor", "rope.scale_linear"} {
		if !h.md.Has(h.prefix + key) {
			continue
		}
		if v, ok := h.md.Float(h.prefix + key); !ok {
			h.fail(key, "is not a number")
		} else if v != 0 && v != 1 {
			h.unsupported(key, "is %v, and this program cannot scale RoPE", v)
		}
	}
}

// experts checks that what a token's experts take together is sane.
func (h *header) experts(c Config) {
	if wide := max(c.ExpertFF, c.Width); c.ExpertsUsed*wide > 4*maxWidth {
		h.fail("expert_used_count", "is %d, with rows of %d: want a product of at most %d", c.ExpertsUsed, wide, 4*maxWidth)
	}
}
