package catalogue

import (
	"math"
	"slices"
	"strings"
	"testing"

	"scout/engine/quant"
	"scout/hardware/plan"
)

func facts(t *testing.T, model, quantization string) plan.Facts {
	t.Helper()
	m, _, ok := Find(model)
	if !ok {
		t.Fatalf("no model %s", model)
	}
	q, ok := m.Quant(quantization)
	if !ok {
		t.Fatalf("%s has no %s", model, quantization)
	}
	f, err := m.Facts(q)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// parts adds up the components of Scout as placement.md's table does.
func parts(f plan.Facts) (attention, shared, routed, embedding, output int64) {
	const width, routerAndNorm = 5120, 4*5120*16 + 4*5120
	for _, l := range f.Layers {
		attention += l.Attention - 4*width
		shared += l.Dense - routerAndNorm
		routed += l.Experts
	}
	return attention, shared, routed, f.Embedding, f.Output - 4*width - 4*64
}

// TestScoutSizes holds the arithmetic against the sizes that llama.cpp's quantizer
// gives for a file of Scout's shape (placement.md 3.1), in bytes and GB.
func TestScoutSizes(t *testing.T) {
	f := facts(t, "llama4:scout", "Q4_K_M")
	if got, want := float64(f.Weights())/(1<<20), 62319.56; math.Abs(got-want) > 0.005 {
		t.Errorf("Q4_K_M: got %.2f MiB, want %.2f", got, want)
	}
	tests := []struct {
		quant                                              string
		attention, shared, routed, embedding, output, file float64
		perToken                                           float64
	}{
		{"Q4_K_M", 1.731, 3.657, 58.511, 0.582, 0.849, 65.35, 9.91},
		{"Q5_K_M", 2.093, 4.286, 68.577, 0.711, 0.849, 76.53, 11.53},
		{"Q8_0", 3.209, 6.417, 102.677, 1.099, 1.099, 114.52, 17.16},
		{"F16", 6.040, 12.08, 193.27, 2.069, 2.069, 215.55, 32.29},
	}
	for _, test := range tests {
		f := facts(t, "llama4:scout", test.quant)
		a, s, r, e, o := parts(f)
		for _, c := range []struct {
			name string
			got  int64
			want float64
			unit float64
		}{{"attention", a, test.attention, 0.001}, {"shared", s, test.shared, 0.01}, {"routed", r, test.routed, 0.01},
			{"embedding", e, test.embedding, 0.001}, {"output", o, test.output, 0.001}, {"file", f.Weights(), test.file, 0.01},
			{"per token", f.PerToken(), test.perToken, 0.01}} {
			if got := float64(c.got) / 1e9; math.Abs(got-c.want) > c.unit {
				t.Errorf("%s %s: got %.4f GB, want %.3f", test.quant, c.name, got, c.want)
			}
		}
	}
}

// TestPublishedSizes holds computed sizes against published files, whose headers
// add some MB.
func TestPublishedSizes(t *testing.T) {
	tests := []struct {
		model, quant string
		want         float64 // GB, as the repository shows it
		within       float64
	}{
		{"llama3.3:70b", "Q4_K_M", 42.52, 0.002},
		{"llama3.3:70b", "Q5_K_M", 49.95, 0.002},
		{"qwen2.5-vl:7b", "Q4_K_M", 4.68, 0.005},
		{"qwen2.5:7b", "Q8_0", 8.10, 0.005},
		{"pixtral:12b", "Q8_0", 13.02, 0.005},
		{"pixtral:12b", "Q6_K", 10.06, 0.005},
		{"llama3.1:8b", "Q4_K_M", 4.92, 0.005},
		{"llama3.1:8b", "Q8_0", 8.54, 0.005},
		{"llama3.2:3b", "Q4_K_M", 2.02, 0.006},
		{"llama3.2:3b", "Q8_0", 3.42, 0.005},
		{"llama4:scout", "Q6_K", 82.35 * 1.073741824, 0.01},
		{"llama4:scout", "Q8_0", 106.65 * 1.073741824, 0.001},
		{"llama4:maverick", "Q8_0", 426, 0.01},
		{"qwen2.5-vl:72b", "Q4_K_M", 47.4, 0.005},
	}
	for _, test := range tests {
		f := facts(t, test.model, test.quant)
		if got := float64(f.Weights()) / 1e9; math.Abs(got/test.want-1) > test.within {
			t.Errorf("%s %s: got %.3f GB, published are %.3f", test.model, test.quant, got, test.want)
		}
	}
}

// TestWeightTypes holds the formats' sizes against the engine's.
func TestWeightTypes(t *testing.T) {
	seen := 0
	for _, typ := range quant.Types() {
		if w, ok := weightTypes[typ.String()]; ok {
			seen++
			if w.weights != int64(typ.BlockSize()) || w.bytes != int64(typ.BlockBytes()) {
				t.Errorf("%v: got %+v, want %d weights in %d bytes", typ, w, typ.BlockSize(), typ.BlockBytes())
			}
		}
	}
	if seen != len(weightTypes) {
		t.Errorf("%d of %d types are the engine's", seen, len(weightTypes))
	}
}

func TestCatalogueIsWhole(t *testing.T) {
	models, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"llama4:scout", "llama4:maverick", "llama3.3:70b", "qwen2.5-vl:7b", "qwen2.5-vl:72b", "pixtral:12b", "llama3.2-vision:11b"} {
		if !slices.Contains(Names(), want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, m := range models {
		if m.Purpose == "" || m.Instead == "" || m.Commercial == "" || m.Get == "" || m.LicenseURL == "" || len(m.Strengths) == 0 || len(m.Weaknesses) == 0 {
			t.Errorf("%s: an answer is missing", m.Name)
		}
		ranks := 0
		for _, q := range m.Quants {
			if q.Rank <= ranks {
				t.Errorf("%s %s: rank %d does not rise", m.Name, q.Name, q.Rank)
			}
			if q.Quality == "" {
				t.Errorf("%s %s: no word on quality", m.Name, q.Name)
			}
			ranks = q.Rank
			f, err := m.Facts(q)
			if err != nil {
				t.Error(err)
			}
			if q.Like != "" && math.Abs(float64(f.Weights()-q.Bytes)) > 1e5 {
				t.Errorf("%s %s: the parts add up to %d, published are %d", m.Name, q.Name, f.Weights(), q.Bytes)
			}
		}
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		name, model, quant string
		ok                 bool
	}{
		{"llama4:scout", "llama4:scout", "", true},
		{"LLAMA4:Scout", "llama4:scout", "", true},
		{"llama4:scout:Q4_K_M", "llama4:scout", "Q4_K_M", true},
		{"llama4:scout@q8_0", "llama4:scout", "q8_0", true},
		{"llama4:scouting", "", "", false},
		{"", "", "", false},
	}
	for _, test := range tests {
		m, q, ok := Find(test.name)
		if m.Name != test.model || q != test.quant || ok != test.ok {
			t.Errorf("%q: got %q, %q, %v", test.name, m.Name, q, ok)
		}
	}
	m, _, _ := Find("llama4:scout")
	if q, ok := m.Quant("ud-q2_k_xl"); !ok || q.Name != "UD-Q2_K_XL" {
		t.Errorf("got %v %v", q, ok)
	}
	if !m.Runs([]string{"llama4"}) || m.Runs([]string{"llama"}) {
		t.Error("what runs is what the engine has a graph for")
	}
}

func TestParseRefuses(t *testing.T) {
	good := "[[model]]\nname=\"a\"\nrepository=\"r\"\nlicense=\"l\"\ncontext=1\n[model.shape]\nlayers=1\nwidth=256\nheads=1\nkv_heads=1\nhead_dim=64\nff=256\nvocabulary=256\n[[model.quant]]\nname=\"Q8_0\"\n"
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, from, to, want string }{
		{"unknown key", "context=1", "context=1\nmemory=3", "memory"},
		{"no shape", "width=256", "width=-1", "shape"},
		{"no licence", "license=\"l\"", "", "licence"},
		{"unknown recipe without a size", "Q8_0", "IQ9", "size"},
		{"a size below the fixed parts", "name=\"Q8_0\"", "name=\"IQ9\"\nbytes=-4\nlike=\"Q8_0\"", "size"},
		{"not TOML", "[[model]]", "[[model", "toml"},
		{"twice", "[[model]]\nname=\"a\"", good + "[[model]]\nname=\"a\"", "twice"},
	}
	for _, test := range tests {
		_, err := parse(strings.Replace(good, test.from, test.to, 1))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line with %q", test.name, err, test.want)
		}
	}
}
