package synth

import (
	"fmt"
	"strings"
)

// preTokenizers are the architectures and how each splits text.
var preTokenizers = map[string]string{
	"llama4": "llama4", "llama": "llama-bpe", "qwen2": "qwen2", "qwen2vl": "qwen2",
}

// metadata is what readers must know to load the model.
func (s Shape) metadata() []key {
	a := s.Arch + "."
	keys := []key{
		{"general.architecture", s.Arch}, {"general.name", "synthetic"},
		{a + "block_count", uint32(s.Layers)}, {a + "context_length", uint32(s.Context)},
		{a + "embedding_length", uint32(s.Hidden)}, {a + "feed_forward_length", uint32(s.DenseFF)},
		{a + "attention.head_count", uint32(s.Heads)}, {a + "attention.head_count_kv", uint32(s.KVHeads)},
		{a + "attention.key_length", uint32(s.HeadDim)}, {a + "attention.value_length", uint32(s.HeadDim)},
		{a + "attention.layer_norm_rms_epsilon", float32(1e-5)},
		{a + "rope.freq_base", float32(s.RopeTheta)}, {a + "rope.dimension_count", uint32(s.HeadDim)},
		{a + "vocab_size", uint32(s.Vocab)},
	}
	switch s.Arch {
	case "llama4":
		keys = append(keys, key{a + "expert_count", uint32(s.Experts)}, key{a + "expert_used_count", uint32(1)},
			key{a + "expert_feed_forward_length", uint32(s.FF)}, key{a + "interleave_moe_layer_step", uint32(s.MoEStep)})
		if s.NoChunks {
			keys = append(keys, key{a + "attention.sliding_window", uint32(0)})
		}
		if s.Chunk > 0 {
			keys = append(keys, key{a + "attention.chunk_size", uint32(s.Chunk)})
		}
		if s.OneFile {
			// The scale is the temperature's and not that of the scores.
			keys = append(keys, key{a + "use_qk_norm", true}, key{a + "attention.scale", float32(0.1)})
			keys = append(keys, s.tower().oneFileKeys()...)
		}
	case "qwen2vl":
		// Shares of time, height and width in the pairs of a head, as in the published models.
		keys = append(keys, key{a + "rope.dimension_sections",
			[]int32{int32(s.HeadDim / 8), int32(s.HeadDim * 3 / 16), int32(s.HeadDim * 3 / 16), 0}})
	}
	return append(keys, s.tokenizer()...)
}

// specials are the last tokens of every vocabulary, the first two those of Llama 4.
var specials = []string{
	"<|begin_of_text|>", "<|end_of_text|>", "<|header_start|>", "<|header_end|>", "<|eom|>", "<|eot|>", "<|step|>",
	"<|image_start|>", "<|image_end|>", "<|image|>", "<|patch|>", "<|tile_x_separator|>", "<|tile_y_separator|>",
	"<|python_start|>", "<|python_end|>", "<|finetune_right_pad|>",
}

// merges are a few pairs that English text has, so that the tokenizer has work.
var merges = []string{"t h", "th e", "Ġ t", "Ġ a", "i n", "e r", "o n", "Ġt he", "a n", "r e"}

// smallestVocabulary holds the bytes, the merges and the specials.
var smallestVocabulary = 256 + len(merges) + len(specials)

// Kinds of tokens in tokenizer.ggml.token_type.
const (
	ordinary = 1
	control  = 3
)

// tokenizer is a byte-level BPE vocabulary: bytes, merges, unused tokens up to
// the wanted size, specials.
func (s Shape) tokenizer() []key {
	tokens := byteTokens()
	for _, m := range merges {
		tokens = append(tokens, strings.ReplaceAll(m, " ", ""))
	}
	types := make([]int32, s.Vocab)
	for i := range types {
		types[i] = ordinary
		if i >= len(tokens) {
			types[i] = control
		}
	}
	bos := s.Vocab - len(specials)
	for i := len(tokens); i < bos; i++ {
		tokens = append(tokens, fmt.Sprintf("<|reserved_special_token_%d|>", i))
	}
	tokens = append(tokens, specials...)
	return []key{
		{"tokenizer.ggml.model", "gpt2"}, {"tokenizer.ggml.pre", preTokenizers[s.Arch]},
		{"tokenizer.ggml.tokens", tokens}, {"tokenizer.ggml.token_type", types}, {"tokenizer.ggml.merges", merges},
		{"tokenizer.ggml.bos_token_id", uint32(bos)}, {"tokenizer.ggml.eos_token_id", uint32(bos + 5)},
		{"tokenizer.ggml.add_bos_token", true},
	}
}

// byteTokens are the runes that stand for the bytes 0 to 255 in a byte-level
// vocabulary (GPT-2's table): printable Latin-1 for itself, the others from
// U+0100 on in order.
func byteTokens() []string {
	var tokens []string
	next := rune(0x100)
	for b := rune(0); b < 256; b++ {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			tokens = append(tokens, string(b))
			continue
		}
		tokens = append(tokens, string(next))
		next++
	}
	return tokens
}
