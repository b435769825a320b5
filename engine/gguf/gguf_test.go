package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scout/engine/gguf/gguftest"
	"scout/engine/quant"
)

// small is a file with a value of every type and tensors of several types and
// shapes.
func small() *gguftest.Builder {
	b := &gguftest.Builder{Alignment: 64}
	b.Key("general.architecture", "llama4")
	b.Key("u8", uint8(200)).Key("i8", int8(-100)).Key("u16", uint16(60000)).Key("i16", int16(-30000))
	b.Key("u32", uint32(4e9)).Key("i32", int32(-2e9)).Key("u64", uint64(1<<63)).Key("i64", int64(-1<<62))
	b.Key("f32", float32(0.5)).Key("f64", -2.5).Key("bool", true).Key("empty", "").Key("text", "naïve\x00\n")
	b.Key("strings", []string{"a", "", "ĠĠ", "<|eot|>"}).Key("bools", []bool{true, false})
	b.Key("bytes", []uint8{1, 2, 255}).Key("ints", []int32{-1, 0, 1}).Key("floats", []float32{0.5, 1.5}).Key("none", []uint64{})
	b.Tensor(gguftest.Tensor{Name: "token_embd.weight", Type: quant.Q8_0, Shape: []int{3, 64}})
	b.Tensor(gguftest.Tensor{Name: "blk.0.ffn_up_exps.weight", Type: quant.Q4_K, Shape: []int{2, 3, 256}})
	b.Tensor(gguftest.Tensor{Name: "output_norm.weight", Type: quant.F32, Shape: []int{5}})
	b.Tensor(gguftest.Tensor{Name: "v.patch_embedding.weight", Type: quant.F16, Shape: []int{2, 3, 4, 5}})
	return b
}

func TestParseReadsEveryField(t *testing.T) {
	b := small()
	for _, version := range []uint32{2, 3} {
		b.Version = version
		img := b.Build(t)
		f, err := Parse("m.gguf", img.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if f.Version() != int(version) || f.Path() != "m.gguf" || f.Size() != int64(len(img.Bytes)) {
			t.Errorf("version %d path %q size %d, want %d m.gguf %d", f.Version(), f.Path(), f.Size(), version, len(img.Bytes))
		}
		if got := f.Keys(); len(got) != 21 || got[0] != "general.alignment" || got[1] != "general.architecture" || got[20] != "none" {
			t.Errorf("keys %q", got)
		}
		var names []string
		for _, x := range f.Tensors() {
			names = append(names, x.Name)
			at := img.At("tensor " + x.Name + " data")
			if x.Path != "m.gguf" || x.Offset != int64(at) || x.Offset%64 != 0 {
				t.Errorf("%s at %s %d, want m.gguf %d, a multiple of 64", x.Name, x.Path, x.Offset, at)
			}
			if want := int(x.Elements()) / x.Type.BlockSize() * x.Type.BlockBytes(); len(x.Data) != want || cap(x.Data) != want {
				t.Errorf("%s has %d bytes, capacity %d, want %d", x.Name, len(x.Data), cap(x.Data), want)
			}
			if !bytes.Equal(x.Data, img.Bytes[at:at+len(x.Data)]) {
				t.Errorf("%s: other bytes than written", x.Name)
			}
		}
		if want := []string{"token_embd.weight", "blk.0.ffn_up_exps.weight", "output_norm.weight", "v.patch_embedding.weight"}; !slices.Equal(names, want) {
			t.Errorf("tensors %q, want %q", names, want)
		}
		y, ok := f.Tensor("blk.0.ffn_up_exps.weight")
		if !ok || y.Type != quant.Q4_K || !slices.Equal(y.Shape, []int{2, 3, 256}) || y.Elements() != 1536 {
			t.Errorf("stack of experts: %v %v %v", ok, y.Type, y.Shape)
		}
		if _, ok := f.Tensor("v"); ok {
			t.Error("a tensor that is not there was found")
		}
	}
}

func TestTensorWithoutDimensionsIsOneNumber(t *testing.T) {
	b := new(gguftest.Builder)
	b.Tensor(gguftest.Tensor{Name: "s", Type: quant.F32, Shape: nil, Data: []byte{1, 2, 3, 4}})
	f, err := Parse("m", b.Build(t).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := f.Tensor("s"); !slices.Equal(s.Shape, []int{1}) || len(s.Data) != 4 {
		t.Errorf("shape %v, %d bytes, want [1], 4", s.Shape, len(s.Data))
	}
}

func TestEveryKnownTypeIsMeasured(t *testing.T) {
	b := new(gguftest.Builder)
	var types []quant.Type
	for typ := range quant.Type(64) {
		if typ.Known() {
			types = append(types, typ)
			b.Tensor(gguftest.Tensor{Name: typ.String(), Type: typ, Shape: []int{3, 512}})
		}
	}
	f, err := Parse("m", b.Build(t).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(types) < 25 || len(f.Tensors()) != len(types) {
		t.Errorf("%d tensors of %d types", len(f.Tensors()), len(types))
	}
	for _, x := range f.Tensors() {
		if want := 3 * x.Type.RowBytes(512); len(x.Data) != want {
			t.Errorf("%s has %d bytes, want %d", x.Name, len(x.Data), want)
		}
	}
}

func TestGapsBetweenTensorsAreAccepted(t *testing.T) {
	b := new(gguftest.Builder)
	b.Tensor(gguftest.Tensor{Name: "a", Type: quant.F32, Shape: []int{8}})
	b.Tensor(gguftest.Tensor{Name: "b", Type: quant.F32, Shape: []int{8}})
	img := b.Build(t)
	img.Put("tensor b offset", uint64(96))
	img.Bytes = append(img.Bytes, make([]byte, 64)...)
	f, err := Parse("m", img.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := f.Tensor("a")
	if b, _ := f.Tensor("b"); b.Offset != a.Offset+96 {
		t.Errorf("b at %d, want %d", b.Offset, a.Offset+96)
	}
}

func TestHeaderAlone(t *testing.T) {
	// A vocabulary file, or part 1 of a split set, may have no tensors and no padding.
	f, err := Parse("m", new(gguftest.Builder).Key("a", uint8(1)).Build(t).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors()) != 0 || !f.Has("a") {
		t.Errorf("%d tensors, has a: %t", len(f.Tensors()), f.Has("a"))
	}
}

func TestOpenMapsAndCloses(t *testing.T) {
	path := small().Build(t).Write(t.TempDir(), "m.gguf")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []Access{AccessSequential, AccessRandom, AccessSoon, AccessNormal} {
		if err := f.Advise(a); err != nil {
			t.Errorf("advise %d: %v", a, err)
		}
	}
	words, _ := f.Strings("strings")
	text, _ := f.String("text")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if want := []string{"a", "", "ĠĠ", "<|eot|>"}; !slices.Equal(words, want) || text != "naïve\x00\n" {
		t.Errorf("after Close: %q %q", words, text)
	}
	if f.Has("text") || f.Keys() != nil || len(f.Tensors()) != 0 || f.Path() != "" || f.Version() != 0 || f.Size() != 0 || len(f.Paths()) != 0 {
		t.Error("a closed file has contents")
	}
	if _, ok := f.String("text"); ok {
		t.Error("a closed file has a value")
	}
	if err := f.Reader("").Err(); err != nil {
		t.Error(err)
	}
	if _, err := f.Require("output_norm.weight"); err == nil {
		t.Error("a closed file has a tensor")
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.gguf")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"no path", "", "gguf: open: the path is empty, want a file"},
		{"a directory", dir, "gguf: " + dir + ": is a directory, want a GGUF file"},
		{"an empty file", empty, "gguf: " + empty + ": byte 0: the file is empty, want a GGUF file"},
		{"no file", filepath.Join(dir, "absent.gguf"), "gguf: stat " + filepath.Join(dir, "absent.gguf") + ": "},
		{"a line break in the name", dir + "/a\nb", "gguf: stat " + strconv.Quote(dir+"/a\nb") + ": "},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Open(c.path)
			if err == nil {
				f.Close()
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %q, want %q", err, c.want)
			}
			oneLine(t, err)
		})
	}
	if _, err := Open(filepath.Join(dir, "absent.gguf")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := Parse("a\nb", []byte("OOPS")); err == nil || err.Error() != `gguf: "a\nb": byte 0: magic is "OOPS", want "GGUF"` {
		t.Errorf("name with a line break: %v", err)
	}
	if _, err := Parse("embedded", nil); err == nil {
		t.Error("no bytes: no error")
	}
}

// TestSampleModel opens the model that is embedded in the program: written by
// other tools than ours.
func TestSampleModel(t *testing.T) {
	f, err := Open("../../testdata/models/tiny-scout-Q8_0.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := f.Reader("llama4")
	got := []any{
		r.Uint("block_count"), r.Count("embedding_length", 1, 1<<20), r.Float("rope.freq_base"),
		float32(r.Float("attention.layer_norm_rms_epsilon")), r.Counts("attention.head_count_kv", 5, 1, 8),
		r.IntOr("attention.sliding_window", -1), r.Uint("vocab_size"),
	}
	want := []any{uint64(5), 256, 500000.0, float32(1e-5), []int{2, 2, 2, 2, 2}, int64(-1), uint64(1024)}
	if r.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v, error %v", got, want, r.Err())
	}
	tk := f.Reader("tokenizer.ggml")
	tokens, types, merges := tk.Strings("tokens"), tk.Ints("token_type"), tk.Strings("merges")
	if tk.Err() != nil || len(tokens) != 1024 || len(types) != 1024 || len(merges) != 743 || !tk.Bool("add_bos_token") {
		t.Errorf("%d tokens, %d types, %d merges, error %v", len(tokens), len(types), len(merges), tk.Err())
	}
	if got := tokens[tk.Uint("bos_token_id")]; got != "<|begin_of_text|>" {
		t.Errorf("BOS is %q", got)
	}
	if name, _ := f.String("general.name"); name != "Tiny Scout" || f.Version() != 3 || f.Size() != 6714592 {
		t.Errorf("name %q, version %d, size %d", name, f.Version(), f.Size())
	}
	if template, ok := f.String("tokenizer.chat_template"); !ok || !strings.HasPrefix(template, "{{- bos_token }}\n") {
		t.Errorf("template %.20q", template)
	}
	up, err := f.Require("blk.4.ffn_up_exps.weight", 4, 256, 256)
	if err != nil || up.Type != quant.Q8_0 || up.Offset != 6366432 || len(up.Data) != 278528 {
		t.Errorf("%v: %s at %d, %d bytes", err, up.Type, up.Offset, len(up.Data))
	}
	var elements int64
	for _, x := range f.Tensors() {
		elements += x.Elements()
	}
	if len(f.Tensors()) != 69 || elements != 6266640 {
		t.Errorf("%d tensors with %d weights, want 69 with 6266640", len(f.Tensors()), elements)
	}
}

func TestSampleProjector(t *testing.T) {
	f, err := Open("../../testdata/models/mmproj-tiny-scout.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := f.Reader("clip")
	got := []any{r.Bool("has_vision_encoder"), r.String("projector_type"), r.Uint("vision.image_size"), r.Floats("vision.image_mean")}
	want := []any{true, "llama4", uint64(112), []float64{0.5, 0.5, 0.5}}
	if r.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v, error %v", got, want, r.Err())
	}
	if x, err := f.Require("v.patch_embd.weight", 96, 588); err != nil || x.Type != quant.F16 || len(f.Tensors()) != 58 {
		t.Errorf("%v: %s, %d tensors", err, x.Type, len(f.Tensors()))
	}
}

// TestVisionInside opens the other layout: text and vision in one file.
func TestVisionInside(t *testing.T) {
	b := new(gguftest.Builder).Key("general.architecture", "llama4").Key("llama4.vision.block_count", uint32(1))
	b.Tensor(gguftest.Tensor{Name: "token_embd.weight", Type: quant.Q4_K, Shape: []int{4, 256}})
	b.Tensor(gguftest.Tensor{Name: "mm.linear_1.weight", Type: quant.F16, Shape: []int{256, 8}})
	b.Tensor(gguftest.Tensor{Name: "v.patch_embedding.weight", Type: quant.F32, Shape: []int{8, 3, 14, 14}})
	f, err := Open(b.Build(t).Write(t.TempDir(), "one.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Require("v.patch_embedding.weight", 8, 3, 14, 14); err != nil {
		t.Error(err)
	}
	if _, err := f.Require("mm.linear_1.weight", 256, 8); err != nil {
		t.Error(err)
	}
}

// TestOpenCopiesNoArrays holds Open to what it promises: a header with a large
// vocabulary costs no memory for it, and reading the vocabulary two allocations.
func TestOpenCopiesNoArrays(t *testing.T) {
	img := vocabulary(t, 100_000)
	allocated := allocatedBy(func() {
		if _, err := Parse("m", img.Bytes); err != nil {
			t.Fatal(err)
		}
	})
	if allocated > 16<<10 {
		t.Errorf("Parse allocates %d bytes, want at most 16384", allocated)
	}
	f, err := Parse("m", img.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(3, func() {
		if v, ok := f.Strings("tokenizer.ggml.tokens"); !ok || len(v) != 100_000 || v[99_999] != "token99999" {
			t.Fatal("wrong tokens")
		}
	})
	if n > 8 {
		t.Errorf("Strings makes %g allocations, want at most 8", n)
	}
}

// vocabulary is a file with n tokens.
func vocabulary(tb testing.TB, n int) *gguftest.Image {
	tokens, types := make([]string, n), make([]int32, n)
	for i := range tokens {
		tokens[i] = fmt.Sprintf("token%d", i)
	}
	return new(gguftest.Builder).Key("tokenizer.ggml.tokens", tokens).Key("tokenizer.ggml.token_type", types).Build(tb)
}

// allocatedBy is the number of bytes that fn allocates, freed or not.
func allocatedBy(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func BenchmarkOpenScoutHeader(b *testing.B) {
	// As large as that of Scout: 202,048 tokens and 439,802 merges, 628 tensors.
	img := vocabulary(b, 202_048+439_802)
	path := img.Write(b.TempDir(), "m.gguf")
	b.SetBytes(int64(len(img.Bytes)))
	for b.Loop() {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

func BenchmarkStrings(b *testing.B) {
	f, err := Parse("m", vocabulary(b, 202_048).Bytes)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f.Strings("tokenizer.ggml.tokens")
	}
}
