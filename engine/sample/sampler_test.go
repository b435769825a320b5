package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	inf  = float32(math.Inf(1))
	ninf = float32(math.Inf(-1))
	nan  = float32(math.NaN())
)

func TestGreedy(t *testing.T) {
	for _, test := range []struct {
		name   string
		p      Params
		logits []float32
		accept []int32
		want   int32
	}{
		{name: "highest", logits: []float32{1, 3, 2}, want: 1},
		{name: "tie: lowest id", logits: []float32{1, 3, 3}, want: 1},
		{name: "NaN first", logits: []float32{nan, 1, 2}, want: 2},
		{name: "NaN last", logits: []float32{5, nan}, want: 0},
		{name: "only NaN", logits: []float32{nan, nan}, want: 0},
		{name: "all minus infinity", logits: []float32{ninf, ninf, ninf}, want: 0},
		{name: "plus infinity", logits: []float32{1, inf, inf}, want: 1},
		{name: "no logits", want: 0},
		{name: "negative temperature", p: Params{Temperature: -1}, logits: []float32{1, 2}, want: 1},
		{name: "NaN temperature", p: Params{Temperature: nan}, logits: []float32{1, 2}, want: 1},
		{name: "repeat divides a positive", p: Params{RepeatPenalty: 2}, logits: []float32{3, 2}, accept: []int32{0}, want: 1},
		{name: "repeat multiplies a negative", p: Params{RepeatPenalty: 2}, logits: []float32{-1, -1.5}, accept: []int32{0}, want: 1},
		{name: "repeat counts a token once", p: Params{RepeatPenalty: 1.2}, logits: []float32{3, 2.2}, accept: []int32{0, 0, 0}, want: 0},
		{name: "presence counts a token once", p: Params{PresencePenalty: 0.5}, logits: []float32{3, 2.2}, accept: []int32{0, 0, 0}, want: 0},
		{name: "presence", p: Params{PresencePenalty: 1}, logits: []float32{3, 2.2}, accept: []int32{0}, want: 1},
		{name: "frequency counts each", p: Params{FrequencyPenalty: 0.3}, logits: []float32{3, 2.2}, accept: []int32{0, 0, 0}, want: 1},
		{name: "frequency below", p: Params{FrequencyPenalty: 0.3}, logits: []float32{3, 2.2}, accept: []int32{0, 0}, want: 0},
		{name: "negative frequency lifts", p: Params{FrequencyPenalty: -1}, logits: []float32{3, 2.2}, accept: []int32{1}, want: 1},
		{name: "repeat 0 is none", p: Params{RepeatPenalty: 0, PresencePenalty: 1}, logits: []float32{3, 1}, accept: []int32{0}, want: 0},
		{name: "foreign ids are ignored", p: Params{PresencePenalty: 9}, logits: []float32{3, 1}, accept: []int32{-1, 2, math.MaxInt32}, want: 0},
		{name: "window forgets", p: Params{PresencePenalty: 9, PenaltyWindow: 2}, logits: []float32{3, 1, 0}, accept: []int32{0, 2, 2}, want: 0},
		{name: "window of all remembers", p: Params{PresencePenalty: 9, PenaltyWindow: -1}, logits: []float32{3, 1, 0}, accept: append(make([]int32, 1), slices.Repeat([]int32{2}, 500)...), want: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New(test.p, len(test.logits))
			for _, id := range test.accept {
				s.Accept(id)
			}
			if got := s.Sample(test.logits); got != test.want {
				t.Errorf("got token %d, want %d", got, test.want)
			}
		})
	}
}

// TestDefaultWindow checks that 0 means 64: the 64th last token still counts,
// the 65th does not.
func TestDefaultWindow(t *testing.T) {
	s := New(Params{PresencePenalty: 9}, 3)
	s.Accept(0)
	logits := []float32{3, 1, 0}
	for i := range 64 {
		if got := s.Sample(logits); got != 1 {
			t.Fatalf("after %d more tokens: got %d, want 1 (token 0 is in the window)", i, got)
		}
		s.Accept(2)
	}
	if got := s.Sample(logits); got != 0 {
		t.Errorf("after 64 more tokens: got %d, want 0 (token 0 left the window)", got)
	}
}

func TestHotWithoutChoice(t *testing.T) {
	for _, test := range []struct {
		name   string
		logits []float32
		want   int32
	}{
		{"all minus infinity", []float32{ninf, nan, ninf}, 0},
		{"plus infinity", []float32{1, nan, inf, inf}, 2},
		{"one left", []float32{ninf, nan, -1e38}, 2},
		{"far apart", []float32{math.MaxFloat32, -math.MaxFloat32}, 0},
		{"none", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, p := range []Params{
				{Temperature: 1},
				{Temperature: 1e-30, TopP: 0.5},
				{Temperature: math.MaxFloat32 / 2, TopK: 1, MinP: 1},
			} {
				if test.name == "far apart" && p.Temperature > 1 && p.TopK == 0 {
					continue
				}
				if got := New(p, len(test.logits)).Sample(test.logits); got != test.want {
					t.Errorf("%+v: got %d, want %d", p, got, test.want)
				}
			}
		})
	}
}

// TestOrder pins the documented order: top-p looks at the distribution before
// temperature. Tempered first, token 1 would survive too.
func TestOrder(t *testing.T) {
	logits := []float32{2, 0, 0, 0} // token 0 has probability 0.71, at temperature 10 0.29
	s := New(Params{Temperature: 10, TopP: 0.7, Seed: 1}, 4)
	for range 200 {
		if got := s.Sample(logits); got != 0 {
			t.Fatalf("got token %d, want 0 only", got)
		}
	}
}

// TestStream pins the tokens of a seed. They were written down on linux/amd64
// and must never change, on any platform.
func TestStream(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	logits := make([]float32, 1000)
	for i := range logits {
		logits[i] = float32(rng.IntN(4000))/256 - 8
	}
	want := []int32{568, 62, 855, 477, 262, 26, 308, 341, 81, 248, 688, 688, 821, 568, 331, 796}
	p := Params{Temperature: 0.8, TopK: 200, TopP: 0.95, MinP: 0.01, RepeatPenalty: 1.1, FrequencyPenalty: 0.1, Seed: 1234}
	s := New(p, len(logits))
	run := func() (ids []int32) {
		for range 16 {
			id := s.Sample(logits)
			s.Accept(id)
			ids = append(ids, id)
		}
		return ids
	}
	if got := run(); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	s.Reset()
	if got := run(); !slices.Equal(got, want) {
		t.Errorf("after Reset: got %v\nwant %v", got, want)
	}
	p.Seed++
	s = New(p, len(logits))
	if got := run(); slices.Equal(got, want) {
		t.Error("another seed gave the same tokens")
	}
}

func TestSampleDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	logits := randomLogits(rng, 5000)
	for _, p := range []Params{
		{},
		{Temperature: 1},
		{Temperature: 1, TopK: 40, TopP: 0.9, MinP: 0.05},
		{Temperature: 1, TopP: 0.9, RepeatPenalty: 1.1, PenaltyWindow: -1},
		{RepeatPenalty: 1.1},
	} {
		s := New(p, len(logits))
		s.Accept(s.Sample(logits))
		s.Sample(logits)
		if n := testing.AllocsPerRun(20, func() { s.Accept(s.Sample(logits)) }); n != 0 {
			t.Errorf("%+v: %v allocations a token, want 0", p, n)
		}
	}
}

func TestLogProbs(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for trial := range 300 {
		logits := randomLogits(rng, 1+rng.IntN(200))
		want := reference(Params{Temperature: 1}, logits, nil)
		n := rng.IntN(12)
		got := TopLogProbs(logits, n)
		if len(got) != min(n, len(want)) {
			t.Fatalf("trial %d: got %d tokens, want %d", trial, len(got), min(n, len(want)))
		}
		for i, g := range got {
			w := math.Log(want[i].prob)
			if g.ID != want[i].id || math.Abs(float64(g.LogProb)-w) > 1e-5*(1+math.Abs(w)) {
				t.Fatalf("trial %d, rank %d: got %v, want {%d %g}", trial, i, g, want[i].id, w)
			}
			if lp := LogProb(logits, g.ID); lp != g.LogProb {
				t.Fatalf("trial %d: LogProb(%d) = %g, TopLogProbs says %g", trial, g.ID, lp, g.LogProb)
			}
		}
	}
}

func TestLogProbEdges(t *testing.T) {
	half := float32(-math.Ln2)
	for _, test := range []struct {
		name   string
		logits []float32
		id     int32
		want   float32
	}{
		{"certain", []float32{4}, 0, 0},
		{"even", []float32{4, 4}, 1, half},
		{"NaN", []float32{4, nan}, 1, ninf},
		{"beside NaN", []float32{4, nan}, 0, 0},
		{"minus infinity", []float32{4, ninf}, 1, ninf},
		{"all minus infinity", []float32{ninf, ninf}, 0, ninf},
		{"plus infinity", []float32{inf, 3, inf}, 0, half},
		{"beside plus infinity", []float32{inf, 3, inf}, 1, ninf},
		{"negative id", []float32{1}, -1, ninf},
		{"id beyond", []float32{1}, 1, ninf},
		{"empty", nil, 0, ninf},
	} {
		if got := LogProb(test.logits, test.id); got != test.want {
			t.Errorf("%s: got %g, want %g", test.name, got, test.want)
		}
	}
	if got := TopLogProbs([]float32{nan, ninf}, 3); len(got) != 0 {
		t.Errorf("tokens without a chance: got %v, want none", got)
	}
}

// TestExpNeg compares with math.Exp over the whole range.
func TestExpNeg(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 200000 {
		x := -rng.Float64() * math.Pow(10, float64(rng.IntN(8)-4))
		if rng.IntN(2) == 0 {
			x = -rng.Float64() * 708
		}
		got, want := expNeg(x), math.Exp(x)
		if x < -708 {
			want = 0
		}
		if math.Abs(got-want) > 1e-14*want {
			t.Fatalf("expNeg(%g) = %g, want %g (relative error %g)", x, got, want, (got-want)/want)
		}
	}
	for x, want := range map[float64]float64{0: 1, math.Inf(-1): 0, -1e300: 0, -708.5: 0} {
		if got := expNeg(x); got != want {
			t.Errorf("expNeg(%g) = %g, want %g", x, got, want)
		}
	}
	if got := math.Float64bits(expNeg(-1)); got != 0x3fd78b56362cef38 {
		t.Errorf("expNeg(-1) has bits %#x, want those of every other platform", got)
	}
}

// BenchmarkSample is one token of Llama 4's vocabulary.
func BenchmarkSample(b *testing.B) {
	const vocabulary = 202048
	rng := rand.New(rand.NewPCG(11, 11))
	logits := make([]float32, vocabulary)
	for i := range logits {
		logits[i] = float32(rng.NormFloat64() * 3)
	}
	for _, bench := range []struct {
		name string
		p    Params
	}{
		{"greedy", Params{}},
		{"temperature", Params{Temperature: 0.6}},
		{"topk40", Params{Temperature: 0.6, TopK: 40}},
		{"topp0.9", Params{Temperature: 0.6, TopP: 0.9}},
		{"minp0.05", Params{Temperature: 0.6, MinP: 0.05}},
		{"all", Params{Temperature: 0.6, TopK: 40, TopP: 0.9, MinP: 0.05, RepeatPenalty: 1.1}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := New(bench.p, vocabulary)
			s.Sample(logits)
			b.ReportAllocs()
			for b.Loop() {
				s.Accept(s.Sample(logits))
			}
		})
	}
	b.Run("toplogprobs20", func(b *testing.B) {
		for b.Loop() {
			TopLogProbs(logits, 20)
		}
	})
}

// TestHugePenaltyWindow is a window longer than any sequence: all tokens count,
// and no room is made for what never comes.
func TestHugePenaltyWindow(t *testing.T) {
	p := Params{RepeatPenalty: 2, PenaltyWindow: 1 << 50}
	huge := New(p, 100)
	p.PenaltyWindow = -1
	all := New(p, 100)
	logits := make([]float32, 100)
	for i := range logits {
		logits[i] = float32(100 - i)
	}
	for range 200 {
		a, b := huge.Sample(logits), all.Sample(logits)
		if a != b {
			t.Fatalf("token is %d, with all tokens counting %d", a, b)
		}
		huge.Accept(a)
		all.Accept(b)
	}
}
