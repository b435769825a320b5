package synth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"scout/engine/gguf"
	"scout/engine/quant"
)

// tiny is a small shape of every type's rows.
var tiny = Shape{Layers: 5, Hidden: 256, Heads: 2, KVHeads: 1, HeadDim: 128, FF: 256, Experts: 2, MoEStep: 2, Vocab: 300}

// TestVectorsAreOfTheseModels fails when a change here makes other models than
// those that the stored logits belong to. Then run bench/vectors.
func TestVectorsAreOfTheseModels(t *testing.T) {
	vs, err := ReadVectors("../../../testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		sum := sha256.Sum256(Bytes(v.Shape))
		if got := hex.EncodeToString(sum[:]); got != v.SHA256 {
			t.Errorf("%s: the model's SHA-256 is %s, want %s", v.Name, got, v.SHA256)
		}
		for l, e := range v.Experts {
			if len(e) != len(v.IDs) {
				t.Errorf("%s: layer %d has experts of %d ids, want %d", v.Name, l, len(e), len(v.IDs))
			}
		}
	}
}

// TestBytesDoNotChange holds the bytes of each type against a recorded sum, so
// that a platform that computes something else is noticed.
func TestBytesDoNotChange(t *testing.T) {
	s := Shape{Layers: 1, Hidden: 256, Heads: 1, KVHeads: 1, HeadDim: 256, FF: 256, Experts: 1, Vocab: 300}
	for _, typ := range quant.Types() {
		s.Quant, s.Types = typ, map[string]quant.Type{"token_embd": quant.F32}
		sum := sha256.Sum256(Bytes(s))
		if got := hex.EncodeToString(sum[:6]); got != recorded[typ] {
			t.Errorf("%v: sum begins with %s, want %s", typ, got, recorded[typ])
		}
	}
}

// recorded are the first bytes of the sums.
var recorded = map[quant.Type]string{
	quant.F32:    "92127b2e9616",
	quant.F16:    "2ecf3804c847",
	quant.Q4_0:   "3d842805dc1c",
	quant.Q4_1:   "990adc3f841a",
	quant.Q5_0:   "85fe36d14c62",
	quant.Q5_1:   "26cab2464729",
	quant.Q8_0:   "40c8f9127d00",
	quant.Q2_K:   "d0efcb99b450",
	quant.Q3_K:   "f7b1fd497f65",
	quant.Q4_K:   "caae3fa2d586",
	quant.Q5_K:   "d80768094fae",
	quant.Q6_K:   "3c856d7c1384",
	quant.IQ2XXS: "94c3a623b72e",
	quant.IQ2XS:  "4fe34a8f726f",
	quant.IQ3XXS: "9f77d5ae9bc1",
	quant.IQ1S:   "72663b7a6935",
	quant.IQ4NL:  "074a8c90a70c",
	quant.IQ3S:   "600db2d0449d",
	quant.IQ2S:   "8e8c843bfae7",
	quant.IQ4XS:  "0bdbaf7cbcf6",
	quant.IQ1M:   "ad818cc0ca29",
	quant.BF16:   "e5a7113cd37d",
	quant.TQ1_0:  "00832be57632",
	quant.TQ2_0:  "879b8d318f97",
	quant.MXFP4:  "57af5e91fefa",
}

func TestFileIsReadable(t *testing.T) {
	for _, s := range []Shape{
		tiny,
		{Quant: quant.Q4_K, Down: quant.Q6_K, RopeFreqs: true, Types: map[string]quant.Type{"blk.1.attn_k.weight": quant.Q8_0, "attn_k": quant.Q5_0}},
		{Arch: "llama", Tied: true},
		{Arch: "qwen2"},
		{Arch: "qwen2vl"},
	} {
		s = s.Resolved()
		f, err := gguf.Parse("synthetic", Bytes(s))
		if err != nil {
			t.Errorf("%s: %v", s.Arch, err)
			continue
		}
		var want []string
		for _, w := range s.tensors() {
			want = append(want, w.name)
			got, ok := f.Tensor(w.name)
			if !ok || got.Type != w.typ || !reflect.DeepEqual(got.Shape, w.shape) || len(got.Data) != w.size() {
				t.Errorf("%s: tensor %s is %v %v with %d bytes, want %v %v with %d", s.Arch, w.name, got.Type, got.Shape, len(got.Data), w.typ, w.shape, w.size())
			}
		}
		if got := len(f.Tensors()); got != len(want) {
			t.Errorf("%s: %d tensors, want %d", s.Arch, got, len(want))
		}
		if v, ok := f.Uint(s.Arch + ".block_count"); !ok || v != uint64(s.Layers) {
			t.Errorf("%s: block_count is %d, want %d", s.Arch, v, s.Layers)
		}
		if v, ok := f.Strings("tokenizer.ggml.tokens"); !ok || len(v) != s.Vocab {
			t.Errorf("%s: %d tokens, want %d", s.Arch, len(v), s.Vocab)
		}
	}
}

// TestTypesOfFullNamesWin: a type by full name counts before one by kind.
func TestTypesOfFullNamesWin(t *testing.T) {
	s := Shape{Quant: quant.Q4_K, Types: map[string]quant.Type{"blk.1.attn_k.weight": quant.Q8_0, "attn_k": quant.Q5_0}}.Resolved()
	want := map[string]quant.Type{"blk.0.attn_k.weight": quant.Q5_0, "blk.1.attn_k.weight": quant.Q8_0, "blk.1.attn_q.weight": quant.Q4_K}
	for _, w := range s.tensors() {
		if typ, ok := want[w.name]; ok && w.typ != typ {
			t.Errorf("%s is %v, want %v", w.name, w.typ, typ)
		}
	}
}

// TestWeightsHaveTheWantedSize decodes a matrix of each type. Its mean must be
// near zero and its deviation near 1/sqrt(inputs).
func TestWeightsHaveTheWantedSize(t *testing.T) {
	const n = 1 << 18
	for _, typ := range quant.Types() {
		w := tensor{name: "w", shape: []int{n / 256, 256}, typ: typ, sd: 1.0 / 16}
		var b bytes.Buffer
		if err := w.write(&b, newRandom(1, w.name), false); err != nil {
			t.Fatal(err)
		}
		x := make([]float32, n)
		quant.Dequantize(typ, x, b.Bytes())
		mean, deviation := moments(x)
		if math.Abs(mean) > 0.1*w.sd {
			t.Errorf("%v: mean is %.4f deviations", typ, mean/w.sd)
		}
		if r := deviation / w.sd; r < 0.95 || r > 1.05 {
			t.Errorf("%v: deviation is %.3f times the wanted one", typ, r)
		}
	}
}

func moments(x []float32) (mean, deviation float64) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	mean = sum / float64(len(x))
	return mean, math.Sqrt(squares/float64(len(x)) - mean*mean)
}

// TestTensorsAreIndependent: more layers change no weight of the first ones.
func TestTensorsAreIndependent(t *testing.T) {
	a, b := tiny, tiny
	b.Layers, b.RopeFreqs = 7, true
	fa, fb := parse(t, a), parse(t, b)
	for _, x := range fa.Tensors() {
		if y, ok := fb.Tensor(x.Name); !ok || !bytes.Equal(x.Data, y.Data) {
			t.Errorf("%s differs", x.Name)
		}
	}
	c := tiny
	c.Seed = 2
	fc := parse(t, c)
	x, _ := fa.Tensor("output.weight")
	if y, _ := fc.Tensor("output.weight"); bytes.Equal(x.Data, y.Data) {
		t.Error("another seed gives the same weights")
	}
}

func parse(t *testing.T, s Shape) *gguf.File {
	t.Helper()
	f, err := gguf.Parse("synthetic", Bytes(s))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPartsHoldTheWhole(t *testing.T) {
	s := tiny
	whole := parse(t, s)
	s.Split = 3
	prefix := filepath.Join(t.TempDir(), "m")
	for i := range s.Split {
		f, err := os.Create(PartName(prefix, i, s.Split))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(WritePart(f, s, i), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	f, err := gguf.Open(PartName(prefix, 1, s.Split))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, x := range f.Tensors() {
		if y, ok := whole.Tensor(x.Name); !ok || !bytes.Equal(x.Data, y.Data) {
			t.Errorf("%s is not that of the whole", x.Name)
		}
	}
	if got, want := len(f.Tensors()), len(whole.Tensors()); got != want {
		t.Errorf("%d tensors in the parts, want %d", got, want)
	}
	if err := WritePart(new(bytes.Buffer), s, 3); err == nil {
		t.Error("part 3 of 3, counted from 0, was written")
	}
	if err := Write(new(bytes.Buffer), s); err == nil {
		t.Error("a split shape was written as one file")
	}
}

func TestFastRepeatsItsPool(t *testing.T) {
	w := tensor{name: "w", shape: []int{3 * poolBlocks / 8, 8 * 32}, typ: quant.Q8_0, sd: 1}
	var fast, slow bytes.Buffer
	for b, f := range map[*bytes.Buffer]bool{&fast: true, &slow: false} {
		if err := w.write(b, newRandom(1, w.name), f); err != nil {
			t.Fatal(err)
		}
		if b.Len() != w.size() {
			t.Errorf("fast %v: %d bytes, want %d", f, b.Len(), w.size())
		}
	}
	n := poolBlocks * 34
	if !bytes.Equal(fast.Bytes()[:n], fast.Bytes()[n:2*n]) || !bytes.Equal(fast.Bytes()[:n], slow.Bytes()[:n]) {
		t.Error("the pool is not repeated, or is another one")
	}
	if bytes.Equal(slow.Bytes()[:n], slow.Bytes()[n:2*n]) {
		t.Error("blocks are repeated without being asked for")
	}
}

// TestDecisiveRoutesByToken applies the router to embeddings as the first layer
// sees them, without its norm.
func TestDecisiveRoutesByToken(t *testing.T) {
	s := Shape{Hidden: 64, HeadDim: 32, FF: 32, Experts: 16, Decisive: true}.Resolved()
	f := parse(t, s)
	embedding, router := floats(f, "token_embd.weight"), floats(f, "blk.2.ffn_gate_inp.weight")
	for token := range s.Vocab {
		x := embedding[token*s.Hidden : (token+1)*s.Hidden]
		best, second := math.Inf(-1), math.Inf(-1)
		var expert int
		for e := range s.Experts {
			var logit float64
			for j, v := range x {
				logit += float64(v) * float64(router[e*s.Hidden+j])
			}
			if logit > best {
				best, second, expert = logit, best, e
			} else {
				second = max(second, logit)
			}
		}
		if expert != token%s.Experts || best-second < 0.5 {
			t.Errorf("token %d goes to expert %d by %.2f, want expert %d by a wide margin", token, expert, best-second, token%s.Experts)
		}
	}
}

func floats(f *gguf.File, name string) []float32 {
	x, _ := f.Tensor(name)
	y := make([]float32, len(x.Data)/4)
	quant.Dequantize(x.Type, y, x.Data)
	return y
}

func TestShapeSurvivesJSON(t *testing.T) {
	s := Shape{Quant: quant.IQ3XXS, Down: quant.Q6_K, Output: quant.BF16, Types: map[string]quant.Type{"attn_k": quant.MXFP4}, Seed: 1<<64 - 1}.Resolved()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"quant":"IQ3_XXS"`) {
		t.Errorf("types are not stored by name: %s", b)
	}
	var got Shape
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, s) {
		t.Errorf("got %+v, want %+v", got, s)
	}
	if err := json.Unmarshal([]byte(`{"quant":"Q9_9"}`), &got); err == nil {
		t.Error("an unknown type was taken")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Shape
		want string // in the message
	}{
		{"architecture", Shape{Arch: "gpt2"}, `"gpt2"`},
		{"layers", Shape{Layers: -1}, "layers is -1"},
		{"vocabulary", Shape{Vocab: 100}, "vocab is 100"},
		{"heads", Shape{Heads: 5}, "multiple of the 2"},
		{"odd head", Shape{HeadDim: 33}, "even"},
		{"rows", Shape{Hidden: 96, Quant: quant.Q4_K}, "multiple of 256"},
		{"experts' rows", Shape{FF: 48, Quant: quant.Q8_0}, "ffn_down_exps"},
		{"activations' type", Shape{Quant: quant.Q8_1}, "Q8_1"},
		{"no such tensor", Shape{Types: map[string]quant.Type{"attn_w": quant.F16}}, "attn_w"},
		{"decisive quantised", Shape{Decisive: true, Quant: quant.Q8_0}, "float type"},
		{"decisive llama", Shape{Arch: "llama", Decisive: true}, "only llama4"},
		{"qwen2 width", Shape{Arch: "qwen2", Hidden: 128}, "product"},
		{"theta", Shape{RopeTheta: -1}, "rope_theta"},
		{"parts", Shape{Split: -2}, "split is -2"},
	} {
		err := Write(new(bytes.Buffer), c.s)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
	if err := (Shape{}).Resolved().Validate(); err != nil {
		t.Errorf("the default shape: %v", err)
	}
}

// TestHalf holds the conversion against the exact value of every half-precision
// number and of the points half way between two.
func TestHalf(t *testing.T) {
	for h := range 0x7c00 {
		v := float64(quant.F16ToF32(uint16(h)))
		next := float64(quant.F16ToF32(uint16(h + 1)))
		if h == 0x7bff {
			next = 65536 // what an 11th bit of exponent would have given
		}
		middle := (v + next) / 2
		even := uint16(h + h&1)
		for _, c := range []struct {
			in   float64
			want uint16
		}{{v, uint16(h)}, {-v, uint16(h) | 0x8000}, {middle, even}, {-middle, even | 0x8000},
			{middle - (next-v)/64, uint16(h)}, {middle + (next-v)/64, uint16(h + 1)}} {
			if c.in == 0 {
				continue // float64 loses the sign of -0 here
			}
			if got := half(c.in); got != c.want {
				t.Fatalf("half(%g) is %#x, want %#x", c.in, got, c.want)
			}
		}
	}
}

func TestNormalIsNormal(t *testing.T) {
	r := newRandom(3, "normal")
	const n = 1 << 17
	var inside int
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.normal())
		if math.Abs(float64(x[i])) < 1 {
			inside++
		}
	}
	mean, deviation := moments(x)
	if math.Abs(mean) > 0.01 || math.Abs(deviation-1) > 0.01 {
		t.Errorf("mean %.4f and deviation %.4f, want 0 and 1", mean, deviation)
	}
	if share := float64(inside) / n; math.Abs(share-0.683) > 0.01 {
		t.Errorf("%.3f lie within one deviation, want 0.683", share)
	}
}

func TestPartName(t *testing.T) {
	if got := PartName("dir/m", 1, 12); got != "dir/m-00002-of-00012.gguf" {
		t.Error(got)
	}
}

func TestReadVectorsRefuses(t *testing.T) {
	if _, err := ReadVectors(t.TempDir()); err == nil {
		t.Error("an empty folder gave vectors")
	}
}
