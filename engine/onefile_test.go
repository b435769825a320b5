package engine

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"scout/engine/gguf"
	"scout/engine/gguf/gguftest"
)

// TestOneFile holds a model with its tower inside, under the names and keys of such
// files (spec of the Ollama registry's Scout), against the same two in files of
// their own: pictures become the same embeddings and the answers are the same.
func TestOneFile(t *testing.T) {
	text, tower := demoFiles(t)
	one := openModel(t, oneFile(t, text, tower), Options{})
	two := seeing(t, Options{})
	if one.eyes == nil || !one.Info().Vision {
		t.Fatalf("the tower inside is not found; warnings are %q", one.Info().Warnings)
	}
	for _, picture := range []*Image{pictureFile(t, "01-red-circle.png"), drawn(t, "large.png", 448, 224, 1)} {
		conv := asking("What is in the picture?", picture)
		a, b := answerAll(t, newSequence(t, one), conv), answerAll(t, newSequence(t, two), conv)
		if a.text != b.text || a.text == "" {
			t.Errorf("%s: one file says %q, two say %q", picture.Name, a.text, b.text)
		}
		got, _ := one.eyes.cache.Get(mustPlace(t, one, conv).key)
		want, _ := two.eyes.cache.Get(mustPlace(t, two, conv).key)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: embeddings of the tower inside differ from those of the same tower outside", picture.Name)
		}
	}
}

// oneFile is a model's file and a tower's as one.
func oneFile(t *testing.T, text, tower []byte) []byte {
	t.Helper()
	names := strings.NewReplacer(
		"v.class_embd", "v.class_embedding", "v.patch_embd", "v.patch_embedding", "v.position_embd.weight", "v.positional_embedding_vlm",
		"v.pre_ln", "v.layernorm_pre", "v.post_ln", "v.layernorm_post", ".ln1.", ".attn_norm.", ".ln2.", ".ffn_norm.", ".attn_out.", ".attn_output.",
		".ffn_up.", ".mlp.fc1.", ".ffn_down.", ".mlp.fc2.",
		"mm.model.mlp.1.", "v.vision_adapter.mlp.fc1.", "mm.model.mlp.2.", "v.vision_adapter.mlp.fc2.", "mm.model.fc.", "mm.linear_1.")
	keys := strings.NewReplacer("clip.vision.attention.layer_norm_epsilon", "llama4.vision.layer_norm_epsilon", "clip.vision.", "llama4.vision.")
	var b gguftest.Builder
	for _, kv := range rawKeys(t, text) {
		b.Key(kv.name, kv.value)
	}
	for _, kv := range rawKeys(t, tower) {
		if strings.HasPrefix(kv.name, "clip.vision.") {
			b.Key(keys.Replace(kv.name), kv.value)
		}
	}
	b.Key("llama4.vision.rope.freq_base", float32(10000)).Key("llama4.vision.pixel_shuffle_ratio", float32(0.5))
	for i, data := range [][]byte{text, tower} {
		f, err := gguf.Parse("part.gguf", data)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, tensor := range f.Tensors() {
			name := tensor.Name
			if i == 1 {
				name = names.Replace(name)
			}
			b.Tensor(gguftest.Tensor{Name: name, Type: tensor.Type, Shape: tensor.Shape, Data: tensor.Data})
		}
	}
	return b.Build(t).Bytes
}

type rawKey struct {
	name  string
	value gguftest.Raw
}

// rawKeys is the metadata of a sound file, values as the file has them.
func rawKeys(t *testing.T, file []byte) (all []rawKey) {
	t.Helper()
	u32 := func(at int) int { return int(binary.LittleEndian.Uint32(file[at:])) }
	u64 := func(at int) int { return int(binary.LittleEndian.Uint64(file[at:])) }
	// The sizes of GGUF's value types by number; 8 is a string and 9 an array.
	sizes := map[int]int{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
	var end func(kind, at int) int
	end = func(kind, at int) int {
		switch kind {
		case 8:
			return at + 8 + u64(at)
		case 9:
			element, n := u32(at), u64(at+4)
			at += 12
			for range n {
				at = end(element, at)
			}
			return at
		}
		return at + sizes[kind]
	}
	at := 24
	for range u64(16) {
		name := string(file[at+8 : at+8+u64(at)])
		at += 8 + len(name)
		kind := u32(at)
		to := end(kind, at+4)
		all = append(all, rawKey{name, gguftest.Raw{Type: uint32(kind), Bytes: file[at+4 : to]}})
		at = to
	}
	return all
}
