package gguf

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"scout/engine/gguf/gguftest"
	"scout/engine/quant"
)

// values is a file for the getters, parsed.
func values(t *testing.T) (*File, *gguftest.Image) {
	t.Helper()
	b := small().Key("nan", math.NaN()).Key("inf", []float32{float32(math.Inf(1))}).Key("x.n", uint32(7)).Key("x.list", []int32{1, 2, 3})
	b.Key("big", uint64(1<<53+1)).Key("bigs", []uint64{1, 1 << 63})
	img := b.Build(t)
	f, err := Parse("m.gguf", img.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return f, img
}

func TestGettersConvertEveryWidth(t *testing.T) {
	f, _ := values(t)
	type result struct {
		v  any
		ok bool
	}
	uints := func(k string) result { v, ok := f.Uint(k); return result{v, ok} }
	ints := func(k string) result { v, ok := f.Int(k); return result{v, ok} }
	floats := func(k string) result { v, ok := f.Float(k); return result{v, ok} }
	for _, c := range []struct {
		get  func(string) result
		name string
		key  string
		want result
	}{
		{uints, "Uint", "u8", result{uint64(200), true}},
		{uints, "Uint", "u16", result{uint64(60000), true}},
		{uints, "Uint", "u32", result{uint64(4e9), true}},
		{uints, "Uint", "u64", result{uint64(1 << 63), true}},
		{uints, "Uint", "i8", result{uint64(0), false}},
		{uints, "Uint", "f32", result{uint64(0), false}},
		{uints, "Uint", "bool", result{uint64(0), false}},
		{uints, "Uint", "ints", result{uint64(0), false}},
		{uints, "Uint", "absent", result{uint64(0), false}},
		{ints, "Int", "i8", result{int64(-100), true}},
		{ints, "Int", "i16", result{int64(-30000), true}},
		{ints, "Int", "i32", result{int64(-2e9), true}},
		{ints, "Int", "i64", result{int64(-1 << 62), true}},
		{ints, "Int", "u32", result{int64(4e9), true}},
		{ints, "Int", "u64", result{int64(0), false}},
		{floats, "Float", "f32", result{0.5, true}},
		{floats, "Float", "f64", result{-2.5, true}},
		{floats, "Float", "i16", result{-30000.0, true}},
		{floats, "Float", "big", result{0.0, false}},
		{floats, "Float", "nan", result{0.0, false}},
		{floats, "Float", "text", result{0.0, false}},
	} {
		if got := c.get(c.key); got != c.want {
			t.Errorf("%s(%s) is %v, want %v", c.name, c.key, got, c.want)
		}
	}
}

func TestGettersReadTextAndArrays(t *testing.T) {
	f, _ := values(t)
	if v, ok := f.String("text"); !ok || v != "naïve\x00\n" {
		t.Errorf("text: %q %t", v, ok)
	}
	if v, ok := f.String("empty"); !ok || v != "" {
		t.Errorf("empty: %q %t", v, ok)
	}
	if _, ok := f.String("strings"); ok {
		t.Error("an array of strings is a string")
	}
	if v, ok := f.Bool("bool"); !ok || !v {
		t.Errorf("bool: %t %t", v, ok)
	}
	if _, ok := f.Bool("u8"); ok {
		t.Error("a u8 is a bool")
	}
	if v, ok := f.Strings("strings"); !ok || !slices.Equal(v, []string{"a", "", "ĠĠ", "<|eot|>"}) {
		t.Errorf("strings: %q %t", v, ok)
	}
	if v, ok := f.Ints("bytes"); !ok || !slices.Equal(v, []int64{1, 2, 255}) {
		t.Errorf("bytes: %v %t", v, ok)
	}
	if v, ok := f.Ints("ints"); !ok || !slices.Equal(v, []int64{-1, 0, 1}) {
		t.Errorf("ints: %v %t", v, ok)
	}
	if v, ok := f.Ints("none"); !ok || v == nil || len(v) != 0 {
		t.Errorf("none: %v %t", v, ok)
	}
	if _, ok := f.Ints("bigs"); ok {
		t.Error("2^63 fits an int64")
	}
	if v, ok := f.Floats("floats"); !ok || !slices.Equal(v, []float64{0.5, 1.5}) {
		t.Errorf("floats: %v %t", v, ok)
	}
	if v, ok := f.Floats("ints"); !ok || !slices.Equal(v, []float64{-1, 0, 1}) {
		t.Errorf("ints as floats: %v %t", v, ok)
	}
	if v, ok := f.Floats("inf"); !ok || !math.IsInf(v[0], 1) {
		t.Errorf("inf: %v %t", v, ok)
	}
	for _, key := range []string{"strings", "bools", "u8", "bigs"} {
		if _, ok := f.Floats(key); ok {
			t.Errorf("%s is an array of numbers", key)
		}
	}
}

func TestExpectTellsWrongFromAbsent(t *testing.T) {
	f, img := values(t)
	kinds := []Kind{KindUint, KindInt, KindFloat, KindBool, KindString, KindStrings, KindInts, KindFloats}
	right := map[string][]Kind{
		"u8": {KindUint, KindInt, KindFloat}, "i32": {KindInt, KindFloat}, "u64": {KindUint}, "big": {KindUint, KindInt},
		"f32": {KindFloat}, "nan": nil, "bool": {KindBool}, "text": {KindString}, "strings": {KindStrings},
		"ints": {KindInts, KindFloats}, "floats": {KindFloats}, "bools": nil, "absent": kinds,
	}
	for key, ok := range right {
		for _, kind := range kinds {
			err := f.Expect(key, kind)
			if (err == nil) != slices.Contains(ok, kind) {
				t.Errorf("%s as %s: %v", key, kind, err)
			}
			if err == nil {
				continue
			}
			var broken *FormatError
			if !errors.As(err, &broken) || broken.Offset != int64(img.At("key "+key+" type")) || !strings.HasSuffix(err.Error(), "want "+kind.String()) {
				t.Errorf("%s as %s: %v", key, kind, err)
			}
		}
	}
}

func TestReaderKeepsTheFirstError(t *testing.T) {
	f, img := values(t)
	at := func(key string) string {
		return "gguf: m.gguf: byte " + strconv.Itoa(img.At("key "+key+" type")) + ": "
	}
	for _, c := range []struct {
		name string
		read func(r *Reader) any
		want string
	}{
		{"missing", func(r *Reader) any { return r.Uint("head_count") }, `gguf: m.gguf: key "x.head_count" is missing, want an unsigned integer`},
		{"missing string", func(r *Reader) any { return r.String("s") }, `gguf: m.gguf: key "x.s" is missing, want a string`},
		{"wrong kind", func(r *Reader) any { return r.StringOr("n", "d") }, at("x.n") + `key "x.n" is u32 7, want a string`},
		{"wrong array", func(r *Reader) any { return r.Floats("n") }, at("x.n") + `key "x.n" is u32 7, want an array of numbers`},
		{"out of range", func(r *Reader) any { return r.Count("n", 1, 6) }, at("x.n") + `key "x.n" is 7, want 1 to 6`},
		{"out of range or absent", func(r *Reader) any { return r.CountOr("n", 8, 9, 8) }, at("x.n") + `key "x.n" is 7, want 8 to 9`},
		{"wrong length", func(r *Reader) any { return r.Counts("list", 4, 0, 9) }, at("x.list") + `key "x.list" is an array of 3 i32, want one integer or an array of 4`},
		{"one out of range", func(r *Reader) any { return r.Counts("list", 3, 0, 2) }, at("x.list") + `key "x.list" is an array of 3 i32, of which number 2 is 3, want 0 to 2`},
		{"missing counts", func(r *Reader) any { return r.Counts("none", 3, 0, 2) }, `gguf: m.gguf: key "x.none" is missing, want an integer up to 2^63-1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.Reader("x")
			v := c.read(r)
			if r.Err() == nil || r.Err().Error() != c.want {
				t.Errorf("got %v, want %s", r.Err(), c.want)
			}
			if !reflect.ValueOf(v).IsZero() {
				t.Errorf("value is %v, want zero", v)
			}
			first := r.Err()
			rest := []any{r.Uint("n"), r.UintOr("a", 1), r.IntOr("a", 1), r.CountOr("a", 1, 2, 1), r.BoolOr("a", true), r.StringOr("a", "b"), r.FloatOr("a", 1)}
			for i, v := range rest {
				if !reflect.ValueOf(v).IsZero() {
					t.Errorf("read %d after an error is %v, want zero", i, v)
				}
			}
			if r.Err() != first {
				t.Errorf("error became %v", r.Err())
			}
		})
	}
}

func TestReaderReadsAndDefaults(t *testing.T) {
	f, _ := values(t)
	r := f.Reader("x.")
	got := []any{
		r.Uint("n"), r.UintOr("a", 1), r.Int("n"), r.IntOr("a", -1), r.Float("n"), r.FloatOr("a", 0.5), r.BoolOr("a", true),
		r.StringOr("a", "d"), r.StringsOr("a", []string{"d"}), r.IntsOr("list", nil), r.FloatsOr("a", nil),
		r.Count("n", 7, 7), r.CountOr("a", 1, 2, 99), r.Counts("n", 2, 0, 9), r.Counts("list", 3, 1, 3), r.Has("n"), r.Has("a"),
	}
	want := []any{
		uint64(7), uint64(1), int64(7), int64(-1), 7.0, 0.5, true,
		"d", []string{"d"}, []int64{1, 2, 3}, []float64(nil),
		7, 99, []int{7, 7}, []int{1, 2, 3}, true, false,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	all := f.Reader("")
	if all.Bool("bool") != true || all.String("text") == "" || len(all.Strings("strings")) != 4 || all.Err() != nil {
		t.Errorf("without a prefix: %v", all.Err())
	}
	if r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestRequire(t *testing.T) {
	b := small().Tensor(gguftest.Tensor{Name: "ids", Type: quant.I32, Shape: []int{3}})
	path := b.Build(t).Write(t.TempDir(), "m.gguf")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := f.Require("blk.0.ffn_up_exps.weight", 2, -1, 256)
	if err != nil || x.Elements() != 1536 {
		t.Errorf("%v: %v", err, x.Shape)
	}
	if _, err := f.Require("output_norm.weight"); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		name  string
		shape []int
		want  string
	}{
		{"output.weight", []int{3, 64}, `gguf: ` + path + `: tensor "output.weight" is missing, want [3, 64]`},
		{"blk.0.ffn_up_exps.weight", []int{2, -1, 128}, `gguf: ` + path + `: byte ` + strconv.Itoa(int(x.Offset)) + `: tensor "blk.0.ffn_up_exps.weight" has shape [2, 3, 256], want [2, any, 128]`},
		{"blk.0.ffn_up_exps.weight", []int{3, 256}, `has shape [2, 3, 256], want [3, 256]`},
	} {
		_, err := f.Require(c.name, c.shape...)
		var broken *FormatError
		if !errors.As(err, &broken) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	var unsupported *UnsupportedError
	if _, err := f.Require("ids", 3); !errors.As(err, &unsupported) || !strings.Contains(err.Error(), `tensor "ids" has type I32, want`) {
		t.Errorf("ids: %v", err)
	}
}
