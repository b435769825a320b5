package engine

import (
	"scout/engine/gguf"
	"scout/engine/tokenizer"
)

// metadata is a file's header as package model reads it.
type metadata struct{ *gguf.File }

// Len is the number of elements of an array value.
func (m metadata) Len(key string) (int, bool) {
	if s, ok := m.Strings(key); ok {
		return len(s), true
	}
	v, ok := m.Ints(key)
	return len(v), ok
}

// newTokenizer reads the tokenizer keys of a file.
func newTokenizer(f *gguf.File) (*tokenizer.Tokenizer, error) {
	text := func(key string) string { s, _ := f.String("tokenizer.ggml." + key); return s }
	list := func(key string) []string { s, _ := f.Strings("tokenizer.ggml." + key); return s }
	id := func(key string) int32 {
		if v, ok := f.Uint("tokenizer.ggml." + key); ok && v < 1<<31 {
			return int32(v)
		}
		return -1
	}
	c := tokenizer.Config{
		Model: text("model"), Pre: text("pre"), Tokens: list("tokens"), Merges: list("merges"),
		BOS: id("bos_token_id"), EOS: id("eos_token_id"), EOT: id("eot_token_id"), EOM: id("eom_token_id"), Pad: id("padding_token_id"),
	}
	types, _ := f.Ints("tokenizer.ggml.token_type")
	for _, t := range types {
		c.Types = append(c.Types, int32(t))
	}
	if add, ok := f.Bool("tokenizer.ggml.add_bos_token"); ok {
		c.AddBOS = &add
	}
	return tokenizer.New(c)
}
