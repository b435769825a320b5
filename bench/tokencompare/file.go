package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// writeGGUF writes a file of a vocabulary and no weights, which llama.cpp loads
// as such.
func (v *vocabulary) writeGGUF(path string) error {
	const (
		arch = "llama"
		u32  = 4
		i32  = 5
		f32  = 6
		str  = 8
		list = 9
	)
	var b bytes.Buffer
	put := func(values ...any) {
		for _, x := range values {
			text, isText := x.(string)
			if isText {
				x = uint64(len(text))
			}
			binary.Write(&b, binary.LittleEndian, x) //nolint:errcheck // a Buffer takes all
			b.WriteString(text)
		}
	}
	keys := uint64(0)
	body := func(values ...any) { keys++; put(values...) }
	body("general.architecture", uint32(str), arch)
	for _, k := range []struct {
		key   string
		value uint32
	}{{"context_length", 4096}, {"embedding_length", 64}, {"feed_forward_length", 64}, {"block_count", 4}, {"attention.head_count", 2}} {
		body(arch+"."+k.key, uint32(u32), k.value)
	}
	body(arch+".attention.layer_norm_rms_epsilon", uint32(f32), math.Float32bits(1e-5))
	body("tokenizer.ggml.model", uint32(str), "gpt2")
	body("tokenizer.ggml.pre", uint32(str), v.Pre)
	for _, k := range []struct {
		key   string
		texts []string
	}{{"tokens", v.Tokens}, {"merges", v.Merges}} {
		body("tokenizer.ggml."+k.key, uint32(list), uint32(str), uint64(len(k.texts)))
		for _, t := range k.texts {
			put(t)
		}
	}
	body("tokenizer.ggml.token_type", uint32(list), uint32(i32), uint64(len(v.Types)), v.Types)
	for _, k := range []struct {
		key string
		id  int32
	}{{"bos", v.BOS}, {"eos", v.EOS}} {
		if k.id >= 0 {
			body("tokenizer.ggml."+k.key+"_token_id", uint32(u32), uint32(k.id))
		}
	}
	data := slices.Clone(b.Bytes())
	b.Reset()
	put([]byte("GGUF"), uint32(3), uint64(0), keys, data)
	return os.WriteFile(path, b.Bytes(), 0o666)
}

// write writes the vocabulary as JSON after a first line that says where it
// comes from, compressed.
func (v *vocabulary) write(path string) error {
	return writeCompressed(path, func(w *bufio.Writer) error { return json.NewEncoder(w).Encode(v) })
}

func writeCompressed(path string, body func(*bufio.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(z)
	fmt.Fprintln(w, generated)
	if err := body(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}
