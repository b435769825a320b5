package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"scout/engine/gguf/gguftest"
	"scout/engine/quant"
)

// maxAllocation is what reading a bad file may cost at the most.
const maxAllocation = 64 << 20

// corruption is a change to the small file, and the error it must give.
type corruption struct {
	name        string
	change      func(img *gguftest.Image)
	at          string // the field that the error points at
	plus        int    // bytes after that field
	unsupported bool   // *UnsupportedError instead of *FormatError
	want        string // all of the message after the offset
}

func put(field string, v any) func(*gguftest.Image) {
	return func(img *gguftest.Image) { img.Put(field, v) }
}

// cutAt cuts the file plus bytes into a field.
func cutAt(field string, plus int) func(*gguftest.Image) {
	return func(img *gguftest.Image) { img.Bytes = img.Bytes[:img.At(field)+plus] }
}

const (
	tokens = "tensor token_embd.weight "
	expert = "tensor blk.0.ffn_up_exps.weight "
	norm   = "tensor output_norm.weight "
)

var corruptions = []corruption{
	{name: "wrong magic", change: put("magic", "OOPS"), at: "magic", want: `magic is "OOPS", want "GGUF"`},
	{name: "lower-case magic", change: put("magic", "gguf"), at: "magic", want: `magic is "gguf", want "GGUF"`},
	{name: "a web page", change: put("magic", "<!DOCTYPE"), at: "magic", want: `magic is "<!DO", want "GGUF": a web page`},
	{name: "version 0", change: put("version", uint32(0)), at: "version", want: `version is 0, want 2 or 3`},
	{name: "version 1", change: put("version", uint32(1)), at: "version", unsupported: true, want: `version is 1, which is obsolete, want 2 or 3`},
	{name: "version 4", change: put("version", uint32(4)), at: "version", unsupported: true, want: `version is 4, want 2 or 3`},
	{name: "big-endian", change: put("version", uint32(3<<24)), at: "version", unsupported: true, want: `the file is big-endian (version reads 0x03000000), want little-endian`},

	{name: "tensor count 2^64-1", change: put("tensor count", uint64(math.MaxUint64)), at: "tensor count", want: `tensor count is 18446744073709551615, want at most`},
	{name: "key count 2^63", change: put("key count", uint64(1<<63)), at: "key count", want: `key count is 9223372036854775808, want at most`},
	{name: "one key too many", change: put("key count", uint64(22)), at: tokens + "length", plus: 8 + 17 + 4 + 2, want: `tensor 1: name has 844424930131968 bytes, want at most 64`},
	{name: "one tensor too many", change: put("tensor count", uint64(5)), at: "tensor v.patch_embedding.weight offset", plus: 8, want: `tensor 5: name is empty, want 1 to 64 bytes`},

	{name: "empty key", change: put("key u8 length", uint64(0)), at: "key u8 length", want: `key 3: name is empty, want 1 to 65535 bytes`},
	{name: "key of 2^63 bytes", change: put("key u8 length", uint64(1<<63)), at: "key u8 length", want: `key 3: name has 9223372036854775808 bytes, want at most 65535`},
	{name: "key past the end", change: put("key u8 length", uint64(60000)), at: "key u8 name", want: `key 3: name needs 60000 bytes, want at most`},
	{name: "line break in a key", change: put("key text name", "te\nt"), at: "key text name", plus: 2, want: `key 15: name "te\nt" has "\n" in it, want printable UTF-8`},
	{name: "escape in a key", change: put("key text name", "\x1b[2J"), at: "key text name", want: `key 15: name "\x1b[2J" has "\x1b" in it`},
	{name: "broken UTF-8 in a key", change: put("key text name", "te\xfft"), at: "key text name", plus: 2, want: `key 15: name "te\xfft" has "\xff" in it`},
	{name: "same key twice", change: put("key u16 name", "u32"), at: "key u32 length", want: `key "u32": is there twice, want once (first value at byte `},
	{name: "unknown value type", change: put("key u32 type", uint32(13)), at: "key u32 type", want: `key "u32": value has type 13, want 0 to 12`},
	{name: "value type 2^32-1", change: put("key u32 type", uint32(math.MaxUint32)), at: "key u32 type", want: `key "u32": value has type 4294967295, want 0 to 12`},
	{name: "string of 2^63 bytes", change: put("key text value", uint64(1<<63)), at: "key text value", plus: 8, want: `key "text": string value needs 9223372036854775808 bytes, want at most`},
	{name: "string of 2^64-1 bytes", change: put("key text value", uint64(math.MaxUint64)), at: "key text value", plus: 8, want: `key "text": string value needs 18446744073709551615 bytes, want at most`},
	{name: "array of arrays", change: put("key ints element type", uint32(9)), at: "key ints element type", unsupported: true, want: `key "ints": value is an array of arrays, want an array of plain values`},
	{name: "unknown element type", change: put("key ints element type", uint32(77)), at: "key ints element type", want: `key "ints": elements have type 77, want 0 to 12`},
	{name: "array of 2^40 values", change: put("key ints count", uint64(1<<40)), at: "key ints count", want: `key "ints": array length is 1099511627776, want at most`},
	{name: "array whose size overflows", change: put("key ints count", uint64(1<<62)), at: "key ints count", want: `key "ints": array length is 4611686018427387904, want at most`},
	{name: "strings of 2^61 values", change: put("key strings count", uint64(1<<61)), at: "key strings count", want: `key "strings": array length is 2305843009213693952, want at most`},
	{name: "string in an array of 2^63 bytes", change: put("key strings values", uint64(1<<63)), at: "key strings values", plus: 8, want: `key "strings": string 0 of 4 needs 9223372036854775808 bytes, want at most`},
	{name: "alignment 3", change: put("key general.alignment value", uint32(3)), at: "key general.alignment value", want: `key "general.alignment" is 3, want a power of two from 8 to 1048576`},
	{name: "alignment 0", change: put("key general.alignment value", uint32(0)), at: "key general.alignment value", want: `key "general.alignment" is 0, want a power of two`},
	{name: "alignment 4", change: put("key general.alignment value", uint32(4)), at: "key general.alignment value", want: `key "general.alignment" is 4, want a power of two`},
	{name: "alignment 24", change: put("key general.alignment value", uint32(24)), at: "key general.alignment value", want: `key "general.alignment" is 24, want a power of two`},
	{name: "alignment 2^31", change: put("key general.alignment value", uint32(1<<31)), at: "key general.alignment value", want: `key "general.alignment" is 2147483648, want a power of two`},
	{name: "alignment of another kind", change: put("key general.alignment type", uint32(6)), at: "key general.alignment type", want: `key "general.alignment" is f32 9e-44, want an unsigned integer`},

	{name: "empty tensor name", change: put(norm+"length", uint64(0)), at: norm + "length", want: `tensor 3: name is empty, want 1 to 64 bytes`},
	{name: "long tensor name", change: put(norm+"length", uint64(65)), at: norm + "length", want: `tensor 3: name has 65 bytes, want at most 64`},
	{name: "line break in a tensor name", change: put(norm+"name", "\r"), at: norm + "name", want: `tensor 3: name "\rutput_norm.weight" has "\r" in it`},
	{name: "5 dimensions", change: put(expert+"dims", uint32(5)), at: expert + "dims", want: `tensor "blk.0.ffn_up_exps.weight": has 5 dimensions, want at most 4`},
	{name: "2^32-1 dimensions", change: put(expert+"dims", uint32(math.MaxUint32)), at: expert + "dims", want: `tensor "blk.0.ffn_up_exps.weight": has 4294967295 dimensions, want at most 4`},
	{name: "dimension 0", change: put(expert+"dim 1", uint64(0)), at: expert + "dim 1", want: `tensor "blk.0.ffn_up_exps.weight": dimension 1 is 0, want 1 to`},
	{name: "negative dimension", change: put(expert+"dim 1", int64(-1)), at: expert + "dim 1", want: `tensor "blk.0.ffn_up_exps.weight": dimension 1 is 18446744073709551615, want 1 to`},
	{name: "overflowing dimensions", change: put(expert+"dim 2", uint64(1<<60)), at: expert + "dim 2", want: `tensor "blk.0.ffn_up_exps.weight": dimension 2 is 1152921504606846976, which makes the number of weights overflow`},
	{name: "product 2^63", change: put(expert+"dim 1", uint64(1<<54)), at: expert + "dim 2", want: `tensor "blk.0.ffn_up_exps.weight": dimension 2 is 2, which makes the number of weights overflow`},
	{name: "product that wraps to 0", change: put(expert+"dim 2", uint64(1<<56)), at: expert + "dim 2", want: `tensor "blk.0.ffn_up_exps.weight": dimension 2 is 72057594037927936, which makes`},
	{name: "overflowing size", change: put(norm+"dim 0", uint64(1<<62)), at: norm + "type", want: `tensor "output_norm.weight": has 4611686018427387904 weights of type F32, which overflow`},
	{name: "larger than the file", change: put(norm+"dim 0", uint64(1<<40)), at: norm + "offset", want: `tensor "output_norm.weight": has 4398046511104 bytes at offset 1152 of the data section, want them within its`},
	{name: "retired type", change: put(norm+"type", uint32(4)), at: norm + "type", unsupported: true, want: `tensor "output_norm.weight": type is 4, want a type of the ggml type table`},
	{name: "unknown type", change: put(norm+"type", uint32(99)), at: norm + "type", unsupported: true, want: `tensor "output_norm.weight": type is 99, want a type of the ggml type table (0 to `},
	{name: "type 2^32-1", change: put(norm+"type", uint32(math.MaxUint32)), at: norm + "type", unsupported: true, want: `tensor "output_norm.weight": type is 4294967295, want`},
	{name: "rows of no whole block", change: put(norm+"type", uint32(quant.Q8_0)), at: norm + "type", want: `tensor "output_norm.weight": has rows of 5 weights of type Q8_0, want a multiple of 32`},
	{name: "offset off the alignment", change: put(norm+"offset", uint64(1153)), at: norm + "offset", want: `tensor "output_norm.weight": offset is 1153, want a multiple of the alignment 64`},
	{name: "offset 2^64-64", change: put(norm+"offset", uint64(math.MaxUint64-63)), at: norm + "offset", want: `tensor "output_norm.weight": has 20 bytes at offset 18446744073709551552 of the data section, want them within`},
	{name: "end that wraps", change: put(expert+"offset", uint64(math.MaxUint64-63)), at: expert + "offset", want: `tensor "blk.0.ffn_up_exps.weight": has 864 bytes at offset 18446744073709551552 of the data section, want them within`},
	{name: "offset past the end", change: put(norm+"offset", uint64(1<<20)), at: norm + "offset", want: `tensor "output_norm.weight": has 20 bytes at offset 1048576 of the data section, want them within`},
	{name: "overlap", change: put(expert+"offset", uint64(192)), at: expert + "offset", want: `tensor "blk.0.ffn_up_exps.weight": offset is 192, want at least 204, the end of tensor "token_embd.weight" before it`},
	{name: "out of order", change: put(norm+"offset", uint64(0)), at: norm + "offset", want: `tensor "output_norm.weight": offset is 0, want at least 1120, the end of tensor "blk.0.ffn_up_exps.weight" before it`},

	{name: "cut in the magic", change: cutAt("magic", 3), at: "magic", want: `magic needs 4 bytes, want at most 3 (the rest of the file)`},
	{name: "cut in the version", change: cutAt("version", 1), at: "version", want: `version needs 4 bytes, want at most 1`},
	{name: "cut in the tensor count", change: cutAt("tensor count", 7), at: "tensor count", want: `tensor count needs 8 bytes, want at most 7`},
	{name: "cut in the key count", change: cutAt("key count", 0), at: "tensor count", want: `tensor count is 4, want at most 0 (0 bytes are left)`},
	{name: "cut in the keys", change: cutAt("key text type", 2), at: "key text type", want: `key "text": value type needs 4 bytes, want at most 2`},
	{name: "cut in an array", change: cutAt("key floats values", 7), at: "key floats count", want: `key "floats": array length is 2, want at most 1 (7 bytes are left)`},
	{name: "cut in an array of strings", change: cutAt("key strings values", 33), at: "key strings values", plus: 29, want: `key "strings": length of string 3 of 4 needs 8 bytes, want at most 4`},
	{name: "cut before the tensors", change: cutAt(tokens+"length", 4), at: tokens + "length", want: `tensor count is 4, want at most 0 (4 bytes are left for the tensor table)`},
	{name: "cut in the tensors", change: cutAt("tensor v.patch_embedding.weight offset", 4), at: "tensor v.patch_embedding.weight offset", want: `tensor "v.patch_embedding.weight": tensor offset needs 8 bytes, want at most 4`},
	{name: "cut before the data", change: cutAt(tokens+"data", 0), at: tokens + "offset", want: `tensor "token_embd.weight": has 204 bytes at offset 0 of the data section, want them within its 0 bytes`},
	{name: "cut in the data", change: cutAt("tensor v.patch_embedding.weight data", 239), at: "tensor v.patch_embedding.weight offset", want: `tensor "v.patch_embedding.weight": has 240 bytes at offset 1216 of the data section, want them within its 1455 bytes`},
}

func TestCorruptFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range corruptions {
		t.Run(c.name, func(t *testing.T) {
			img := small().Build(t)
			c.change(img)
			path := img.Write(dir, "bad.gguf")
			allocated := allocatedBy(func() {
				f, err := Open(path)
				if err == nil {
					f.Close()
					t.Fatal("no error")
				}
				c.check(t, err, path, int64(img.At(c.at)+c.plus))
			})
			if allocated > maxAllocation {
				t.Errorf("%d bytes allocated, want at most %d", allocated, maxAllocation)
			}
		})
	}
}

func (c corruption) check(t *testing.T, err error, path string, offset int64) {
	t.Helper()
	var broken *FormatError
	var unsupported *UnsupportedError
	switch {
	case c.unsupported && (!errors.As(err, &unsupported) || unsupported.Path != path || unsupported.Offset != offset):
		t.Errorf("got %T %v, want *UnsupportedError at byte %d", err, err, offset)
	case !c.unsupported && (!errors.As(err, &broken) || broken.Path != path || broken.Offset != offset):
		t.Errorf("got %T %v, want *FormatError at byte %d", err, err, offset)
	}
	if prefix := fmt.Sprintf("gguf: %s: byte %d: %s", path, offset, c.want); !strings.HasPrefix(err.Error(), prefix) {
		t.Errorf("got  %s\nwant %s", err, prefix)
	}
	oneLine(t, err)
}

// oneLine checks that an error can be shown anywhere.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || len(s) > 1000 {
		t.Errorf("not one printable line of at most 1000 bytes: %q", s)
	}
}

// TestSmallFileIsSound shows that the corruptions are what is wrong with the
// corrupt files.
func TestSmallFileIsSound(t *testing.T) {
	if _, err := Parse("m", small().Build(t).Bytes); err != nil {
		t.Error(err)
	}
}

func TestTensorNamedTwice(t *testing.T) {
	b := new(gguftest.Builder)
	b.Tensor(gguftest.Tensor{Name: "a", Type: quant.F32, Shape: []int{8}})
	b.Tensor(gguftest.Tensor{Name: "b", Type: quant.F32, Shape: []int{8}})
	img := b.Build(t).Put("tensor b name", "a")
	_, err := Parse("m", img.Bytes)
	want := fmt.Sprintf(`gguf: m: byte %d: tensor "a": is there twice, want once (tensors 1 and 2 of 2)`, img.At("tensor b length"))
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestCutAnywhere cuts a file at every byte: the header and the data are needed
// whole.
func TestCutAnywhere(t *testing.T) {
	img := small().Build(t)
	for n := range img.Bytes {
		data := bytes.Clone(img.Bytes[:n])
		_, err := Parse("m", data)
		if err == nil {
			t.Fatalf("cut at byte %d of %d: no error", n, len(img.Bytes))
		}
		var broken *FormatError
		if !errors.As(err, &broken) || broken.Offset < 0 || broken.Offset > int64(n) {
			t.Fatalf("cut at byte %d: %T %v", n, err, err)
		}
		oneLine(t, err)
	}
	path := filepath.Join(t.TempDir(), "cut.gguf")
	for n := 0; n < len(img.Bytes); n += 97 { // through a mapping, whose end is not that of a page
		if err := os.WriteFile(path, img.Bytes[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := Open(path); err == nil {
			f.Close()
			t.Fatalf("cut at byte %d of %d: Open gives no error", n, len(img.Bytes))
		}
	}
}

// TestAnyByteChanged changes every byte of a file in several ways. Some changes
// make another sound file; none may panic, or cost more memory than a bad file
// may.
func TestAnyByteChanged(t *testing.T) {
	img := small().Build(t)
	data := img.Bytes
	changes := []func(byte) byte{
		func(b byte) byte { return ^b }, func(byte) byte { return 0 }, func(byte) byte { return 0xff },
		func(b byte) byte { return b ^ 1 }, func(b byte) byte { return b ^ 0x80 }, func(b byte) byte { return b + 1 },
	}
	var most uint64
	sound := 0
	for i := range data {
		if i >= img.Header && i%61 != 0 {
			continue // the data is not looked at
		}
		was := data[i]
		for _, change := range changes {
			data[i] = change(was)
			most = max(most, allocatedBy(func() {
				f, err := Parse("m", data)
				if err != nil {
					oneLine(t, err)
					return
				}
				sound++
				readAll(t, f)
			}))
		}
		data[i] = was
	}
	if most > maxAllocation {
		t.Errorf("up to %d bytes allocated, want at most %d", most, maxAllocation)
	}
	if sound == 0 || sound == len(data)*len(changes) {
		t.Errorf("%d changes left a sound file: the test changes nothing, or everything", sound)
	}
}

// readAll reads everything a sound file has, and checks that it is within it.
func readAll(t *testing.T, f *File) {
	t.Helper()
	for _, key := range f.Keys() {
		if !f.Has(key) {
			t.Errorf("key %q is listed but not there", key)
		}
		kinds := 0
		for kind := KindUint; kind <= KindFloats; kind++ {
			err := f.Expect(key, kind)
			if err == nil {
				kinds++
				continue
			}
			oneLine(t, err)
		}
		if kinds > 3 {
			t.Errorf("key %q is of %d kinds", key, kinds)
		}
	}
	end := map[string]int64{}
	for _, x := range f.Tensors() {
		if x.Offset < end[x.Path] || x.Offset+int64(len(x.Data)) > f.Size() || len(x.Shape) < 1 || len(x.Shape) > 4 {
			t.Errorf("tensor %q of shape %v lies at %d, %d bytes", x.Name, x.Shape, x.Offset, len(x.Data))
		}
		end[x.Path] = x.Offset + int64(len(x.Data))
		if n := x.Elements(); n < 1 || int64(len(x.Data)) != n/int64(x.Type.BlockSize())*int64(x.Type.BlockBytes()) {
			t.Errorf("tensor %q of shape %v and type %s has %d bytes", x.Name, x.Shape, x.Type, len(x.Data))
		}
		if y, ok := f.Tensor(x.Name); !ok || y.Offset != x.Offset {
			t.Errorf("tensor %q is listed but not found", x.Name)
		}
	}
}

// TestManyEntries holds the largest headers that are accepted, and those just
// above them, to the memory a header may cost.
func TestManyEntries(t *testing.T) {
	for _, c := range []struct {
		name          string
		keys, tensors int
		want          string
	}{
		{"most keys", maxKeys, 0, ""},
		{"most tensors", 0, maxTensors, ""},
		{"a key too many", maxKeys + 1, 0, "byte 16: key count is 65537, want at most 65536"},
		{"a tensor too many", 0, maxTensors + 1, "byte 8: tensor count is 65537, want at most 65536"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := new(gguftest.Builder)
			for i := range c.keys {
				b.Key(fmt.Sprintf("a.key.of.usual.length.%05d", i), uint8(1))
			}
			for i := range c.tensors {
				b.Tensor(gguftest.Tensor{Name: fmt.Sprintf("blk.0.ffn_up_exps.%05d.weight.as.long.as.a.name.may.be.in.a.file", i)[:64], Type: quant.I8, Shape: []int{1, 1, 1, 1}})
			}
			img := b.Build(t)
			allocated := allocatedBy(func() {
				_, err := Parse("m", img.Bytes)
				if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			})
			t.Logf("%d bytes allocated", allocated)
			if allocated > maxAllocation {
				t.Errorf("%d bytes allocated, want at most %d", allocated, maxAllocation)
			}
		})
	}
	t.Run("long keys", func(t *testing.T) {
		b := new(gguftest.Builder)
		for i := range 200 {
			b.Key(strings.Repeat("k", maxKeyBytes-5)+fmt.Sprintf("%05d", i), uint8(1))
		}
		img := b.Build(t)
		allocated := allocatedBy(func() {
			if _, err := Parse("m", img.Bytes); err == nil || !strings.Contains(err.Error(), "names of keys take") {
				t.Errorf("got %v", err)
			}
		})
		if allocated > maxAllocation {
			t.Errorf("%d bytes allocated, want at most %d", allocated, maxAllocation)
		}
	})
	t.Run("long array", func(t *testing.T) {
		img := new(gguftest.Builder).Key("a", make([]uint8, maxArray+1)).Build(t)
		if _, err := Parse("m", img.Bytes); err == nil || !strings.Contains(err.Error(), `key "a": array length is 16777217, want at most 16777216`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("long header", func(t *testing.T) {
		data := make([]byte, maxHeaderBytes+1<<20) // never touched: costs address space
		img := new(gguftest.Builder).Key("a", "").Build(t).Put("key a value", uint64(maxHeaderBytes))
		copy(data, img.Bytes)
		want := `key "a": string value needs 268435456 bytes, want at most 268435411 (the rest of a header of 268435456 bytes)`
		if _, err := Parse("m", data); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		img = new(gguftest.Builder).Key("a", []string{""}).Build(t).Put("key a values", uint64(maxHeaderBytes))
		copy(data, img.Bytes)
		want = `key "a": string 0 of 1 needs 268435456 bytes, want at most 268435399 (the rest of a header of 268435456 bytes)`
		if _, err := Parse("m", data); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}
