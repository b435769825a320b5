package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"scout/engine/internal/synth"
)

// TestTokenizerKeys refuses files whose tokenizer would have to be guessed: a key
// that is missing or of another kind than it should be.
func TestTokenizerKeys(t *testing.T) {
	sound := synth.Bytes(synth.Shape{Layers: 4, Hidden: 32, Heads: 2, KVHeads: 1, HeadDim: 16, FF: 32, Experts: 2, Vocab: 300})
	openModel(t, sound, Options{})
	const prefix = "tokenizer.ggml."
	for _, c := range []struct {
		name, key string
		bend      func(data []byte, value int) // value is where the value's type begins
		want      string
	}{
		{"no token types", "token_type", rename, "token_type is missing"},
		{"no merges", "merges", rename, "merges is missing"},
		{"token types as floats", "token_type", func(b []byte, v int) { b[v+4] = 6 }, "token_type"},
		{"add_bos_token as a number", "add_bos_token", func(b []byte, v int) { b[v] = 0 }, "add_bos_token"},
		{"an end of turn beyond all ids", "eos_token_id", func(b []byte, v int) { binary.LittleEndian.PutUint32(b[v+4:], 0xfffffffb) }, "eos_token_id"},
	} {
		data := bytes.Clone(sound)
		at := bytes.Index(data, []byte(prefix+c.key))
		if at < 0 {
			t.Fatalf("%s: no such key", c.key)
		}
		c.bend(data, at+len(prefix+c.key))
		_, err := OpenEmbedded(context.Background(), "test.gguf", data, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want one line with %q", c.name, err, c.want)
		}
	}
}

// rename takes a key away by changing the last letter of its name.
func rename(data []byte, value int) { data[value-1] = 'X' }
