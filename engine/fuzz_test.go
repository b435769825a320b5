package engine

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"scout/engine/internal/synth"
)

// FuzzOpen changes bytes of a sound model's header, opens what comes out, and
// runs a token if it can be opened. Whatever the bytes are, there is an answer or
// a one-line error, and no panic.
//
// The input is a list of changes, three bytes each: where (little-endian) and
// what to.
func FuzzOpen(f *testing.F) {
	sound := synth.Bytes(synth.Shape{Layers: 4, Hidden: 32, Heads: 2, KVHeads: 1, HeadDim: 16, FF: 32, Experts: 2, Vocab: 300, Context: 64})
	f.Add([]byte{})
	for _, name := range []string{
		"general.architecture", "llama4.block_count", "llama4.embedding_length", "llama4.attention.head_count", "llama4.context_length",
		"llama4.expert_count", "llama4.rope.freq_base", "tokenizer.ggml.tokens", "tokenizer.ggml.bos_token_id", "blk.0.attn_q.weight", "blk.3.ffn_gate_exps.weight",
	} {
		at := bytes.Index(sound, []byte(name))
		if at < 0 || at > 1<<16-64 {
			f.Fatalf("%s is at byte %d of the header", name, at)
		}
		for _, past := range []int{0, len(name), len(name) + 4, len(name) + 5, len(name) + 8, len(name) + 12} {
			f.Add([]byte{byte(at + past), byte((at + past) >> 8), 0xff})
			f.Add([]byte{byte(at + past), byte((at + past) >> 8), 0})
		}
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		data := bytes.Clone(sound)
		for ; len(changes) >= 3; changes = changes[3:] {
			if at := int(changes[0]) | int(changes[1])<<8; at < len(data) {
				data[at] = changes[2]
			}
		}
		m, err := OpenEmbedded(context.Background(), "fuzz.gguf", data, Options{Threads: 1, Context: 16})
		if err != nil {
			if strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("the error has more than one line: %q", err)
			}
			return
		}
		defer m.Close()
		s, err := m.NewSequence()
		if err != nil {
			return
		}
		defer s.Close()
		for _, err := range s.Generate(context.Background(), []Message{{Role: User, Content: "in <|eot|>"}}, Sampling{MaxTokens: 2}) {
			if err != nil && strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("the error has more than one line: %q", err)
			}
		}
	})
}
