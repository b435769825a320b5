package engine

import (
	"fmt"
	"math"

	"scout/engine/gguf"
	"scout/engine/tokenizer"
)

// metadata is a file's header as package model reads it.
type metadata struct{ *gguf.File }

// Len is the number of elements of an array value.
func (m metadata) Len(key string) (int, bool) {
	if s, ok := m.StringArray(key); ok {
		return s.Len(), true
	}
	v, ok := m.Ints(key)
	return len(v), ok
}

// newTokenizer reads the tokenizer keys of a file. A key of the wrong kind is an
// error and not the same as an absent one: a tokenizer that is put together from
// half of its keys splits text in another way than the model was trained with, and
// nothing would show it but bad answers.
func newTokenizer(f *gguf.File) (*tokenizer.Tokenizer, error) {
	k := tokenizerKeys{f: f}
	c := tokenizer.Config{
		Model: k.text("model"), Pre: k.text("pre"), Tokens: k.list("tokens"),
		BOS: k.id("bos_token_id"), EOS: k.id("eos_token_id"), EOT: k.id("eot_token_id"), EOM: k.id("eom_token_id"),
		Pad: k.id("padding_token_id"),
	}
	// Kinds other than byte pairs are refused by the tokenizer, by name.
	if c.Model == "gpt2" {
		k.require("merges", "token_type")
	}
	c.Merges = k.list("merges")
	if types := k.numbers("token_type"); types != nil {
		c.Types = make([]int32, len(types))
		for i, t := range types {
			c.Types[i] = int32(t)
		}
	}
	if k.has("add_bos_token", gguf.KindBool) {
		add, _ := f.Bool(tokenizerPrefix + "add_bos_token")
		c.AddBOS = &add
	}
	if k.err != nil {
		return nil, k.err
	}
	return tokenizer.New(c)
}

const tokenizerPrefix = "tokenizer.ggml."

// tokenizerKeys reads keys and keeps the first thing wrong.
type tokenizerKeys struct {
	f   *gguf.File
	err error
}

// has says whether a key is there; it must then be of the given kind.
func (k *tokenizerKeys) has(key string, kind gguf.Kind) bool {
	if !k.f.Has(tokenizerPrefix + key) {
		return false
	}
	err := k.f.Expect(tokenizerPrefix+key, kind)
	if err != nil && k.err == nil {
		k.err = err
	}
	return err == nil
}

func (k *tokenizerKeys) require(keys ...string) {
	for _, key := range keys {
		if !k.f.Has(tokenizerPrefix+key) && k.err == nil {
			k.err = fmt.Errorf("key %s is missing, and without it text cannot be split as the model was trained", tokenizerPrefix+key)
		}
	}
}

func (k *tokenizerKeys) text(key string) string {
	if !k.has(key, gguf.KindString) {
		return ""
	}
	s, _ := k.f.String(tokenizerPrefix + key)
	return s
}

func (k *tokenizerKeys) list(key string) tokenizer.Texts {
	if !k.has(key, gguf.KindStrings) {
		return nil
	}
	s, _ := k.f.StringArray(tokenizerPrefix + key)
	return s
}

func (k *tokenizerKeys) numbers(key string) []int64 {
	if !k.has(key, gguf.KindInts) {
		return nil
	}
	v, _ := k.f.Ints(tokenizerPrefix + key)
	return v
}

// id is a token id, -1 for none.
func (k *tokenizerKeys) id(key string) int32 {
	if !k.has(key, gguf.KindUint) {
		return -1
	}
	v, _ := k.f.Uint(tokenizerPrefix + key)
	if v > math.MaxInt32 && k.err == nil {
		k.err = fmt.Errorf("key %s at %s is %d, want a token id", tokenizerPrefix+key, k.f.Place(tokenizerPrefix+key), v)
	}
	return int32(v)
}
