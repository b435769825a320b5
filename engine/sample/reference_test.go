package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// candidate is a token of the reference, which sorts everything.
type candidate struct {
	id    int32
	logit float32
	prob  float64
}

// reference computes the distribution Sample draws from the plain way: sort,
// softmax with math.Exp, cut, repeat. counts holds the penalty window.
func reference(p Params, logits []float32, window []int32) []candidate {
	p = p.sane()
	counts := map[int32]int{}
	for _, id := range window {
		counts[id]++
	}
	var c []candidate
	for i, l := range logits {
		if n := counts[int32(i)]; n > 0 && p.penalises() {
			if l > 0 {
				l /= p.RepeatPenalty
			} else {
				l *= p.RepeatPenalty
			}
			l -= float32(float32(n) * p.FrequencyPenalty)
			l -= p.PresencePenalty
		}
		if l == l && !math.IsInf(float64(l), -1) {
			c = append(c, candidate{id: int32(i), logit: l})
		}
	}
	sort.SliceStable(c, func(i, j int) bool { return c[i].logit > c[j].logit })
	if p.TopK > 0 && p.TopK < len(c) {
		c = c[:p.TopK]
	}
	softmax(c, 1)
	if p.TopP < 1 {
		var sum float64
		for i := range c {
			if sum += c[i].prob; sum >= float64(p.TopP) {
				c = c[:i+1]
				break
			}
		}
	}
	if p.MinP > 0 {
		n := sort.Search(len(c), func(i int) bool { return c[i].prob < float64(p.MinP)*c[0].prob })
		c = c[:n]
	}
	softmax(c, float64(p.Temperature))
	return c
}

func softmax(c []candidate, temperature float64) {
	var sum float64
	for i := range c {
		c[i].prob = math.Exp((float64(c[i].logit) - float64(c[0].logit)) / temperature)
		sum += c[i].prob
	}
	for i := range c {
		c[i].prob /= sum
	}
}

// randomLogits are n logits of a shape models give: most far down, a few high,
// with ties, and now and then a NaN or an infinity.
func randomLogits(rng *rand.Rand, n int) []float32 {
	logits := make([]float32, n)
	spread := 1 + 6*rng.Float64()
	for i := range logits {
		logits[i] = float32(rng.NormFloat64() * spread)
		switch rng.IntN(40) {
		case 0:
			logits[i] = float32(math.Round(float64(logits[i])))
		case 1:
			logits[i] = logits[rng.IntN(i+1)]
		case 2:
			logits[i] = float32(math.NaN())
		case 3:
			logits[i] = float32(math.Inf(-1))
		case 4:
			logits[i] = float32(math.Copysign(0, float64(rng.IntN(2)*2-1)))
		}
	}
	return logits
}

// randomParams switches every step on half of the time.
func randomParams(rng *rand.Rand, n int) Params {
	p := Params{Temperature: 0.1 + 2*rng.Float32(), Seed: rng.Uint64()}
	if rng.IntN(2) == 0 {
		p.TopK = 1 + rng.IntN(n+3)
	}
	if rng.IntN(2) == 0 {
		p.TopP = rng.Float32()
	}
	if rng.IntN(2) == 0 {
		p.MinP = rng.Float32() * rng.Float32()
	}
	if rng.IntN(2) == 0 {
		p.RepeatPenalty = 0.8 + rng.Float32()
		p.PresencePenalty = rng.Float32()
		p.FrequencyPenalty = rng.Float32()*2 - 1
		p.PenaltyWindow = rng.IntN(20) - 1
	}
	return p
}

// windowOf is what the penalties look at after the tokens of history.
func windowOf(p Params, history []int32) []int32 {
	n := p.sane().PenaltyWindow
	if n < 0 || n > len(history) {
		n = len(history)
	}
	return history[len(history)-n:]
}

// TestSurvivorsMatchReference compares, for random logits and parameters, the
// candidates left to draw from and their probabilities with the reference.
func TestSurvivorsMatchReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for trial := range 3000 {
		n := 1 + rng.IntN(300)
		p := randomParams(rng, n)
		logits := randomLogits(rng, n)
		s := New(p, n)
		var history []int32
		for range rng.IntN(30) {
			id := int32(rng.IntN(n))
			history = append(history, id)
			s.Accept(id)
		}
		before := slices.Clone(logits)
		got := s.Sample(logits)
		want := reference(p, logits, windowOf(p, history))
		if !sameBits(before, logits) {
			t.Fatalf("trial %d: Sample changed the logits", trial)
		}
		if len(want) == 0 {
			if got != 0 {
				t.Fatalf("trial %d: got token %d with no token possible, want 0", trial, got)
			}
			continue
		}
		checkSurvivors(t, trial, p, s, want)
		if !slices.Contains(s.ids, got) {
			t.Fatalf("trial %d: drew %d, not among the survivors %v", trial, got, s.ids)
		}
	}
}

func checkSurvivors(t *testing.T, trial int, p Params, s *Sampler, want []candidate) {
	t.Helper()
	slices.SortFunc(want, func(a, b candidate) int { return int(a.id) - int(b.id) })
	ids := make([]int32, len(want))
	for i, c := range want {
		ids[i] = c.id
	}
	if !slices.Equal(s.ids, ids) {
		t.Fatalf("trial %d, %+v: survivors\n got %v\nwant %v", trial, p, s.ids, ids)
	}
	var total float64
	for _, w := range s.mass {
		total += w
	}
	for i, c := range want {
		if got := s.mass[i] / total; math.Abs(got-c.prob) > 1e-12 {
			t.Fatalf("trial %d: probability of %d: got %g, want %g", trial, c.id, got, c.prob)
		}
	}
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// TestDistribution draws many tokens and compares their frequencies with the
// reference by Pearson's chi-square. The seeds are fixed, so the test is too;
// a sampler that is off by a few percent fails it.
func TestDistribution(t *testing.T) {
	const draws = 40000
	logits := []float32{2, 1.5, 1, 1, 0.5, 0, -0.5, -1, float32(math.NaN()), float32(math.Inf(-1))}
	for _, test := range []struct {
		name string
		p    Params
	}{
		{"temperature 1", Params{Temperature: 1}},
		{"hot", Params{Temperature: 2.5}},
		{"cold", Params{Temperature: 0.4}},
		{"top-k", Params{Temperature: 1, TopK: 3}},
		{"top-p", Params{Temperature: 0.7, TopP: 0.8}},
		{"min-p", Params{Temperature: 1.3, MinP: 0.2}},
		{"all", Params{Temperature: 1.1, TopK: 6, TopP: 0.9, MinP: 0.1, RepeatPenalty: 1.2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.p.Seed = 42
			s := New(test.p, len(logits))
			s.Accept(1)
			want := reference(test.p, logits, []int32{1})
			counts := map[int32]int{}
			for range draws {
				counts[s.Sample(logits)]++
			}
			var chi2 float64
			total := 0
			for _, c := range want {
				e := c.prob * draws
				d := float64(counts[c.id]) - e
				chi2 += d * d / e
				total += counts[c.id]
			}
			if total != draws {
				t.Errorf("%d of %d draws fell outside the survivors", draws-total, draws)
			}
			// The 99.9% quantile for k degrees of freedom is below k + 3.1 sqrt(2k) + 8.
			k := float64(len(want) - 1)
			if limit := k + 3.1*math.Sqrt(2*k) + 8; chi2 > limit {
				t.Errorf("chi-square %.1f, want at most %.1f; counts %v", chi2, limit, counts)
			}
		})
	}
}

// TestTopKByRadix compares the selection for a large top-k with the heap's.
func TestTopKByRadix(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for trial := range 2000 {
		logits := randomLogits(rng, 2+rng.IntN(200))
		s := New(Params{Temperature: 1}, len(logits))
		s.gather(logits)
		if len(s.ids) < 2 {
			continue
		}
		k := 1 + rng.IntN(len(s.ids)-1)
		var want []int32
		for _, r := range mostLikely(nil, logits, k) {
			want = append(want, r.id)
		}
		slices.Sort(want)
		s.topK(k)
		if !slices.Equal(s.ids, want) {
			t.Fatalf("trial %d, k %d:\n got %v\nwant %v", trial, k, s.ids, want)
		}
	}
}

// TestTopPOfLightTokens has all the weight in tokens that are each next to
// nothing, in a vocabulary of Llama 4's size.
func TestTopPOfLightTokens(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	logits := make([]float32, 202048)
	for i := range logits {
		logits[i] = -10 - rng.Float32()
	}
	logits[1000] = 0
	p := Params{Temperature: 1, TopP: 0.5}
	s := New(p, len(logits))
	s.Sample(logits)
	want := reference(p, logits, nil)
	if len(want) < 1000 {
		t.Fatalf("the nucleus has %d tokens, too few for this test", len(want))
	}
	checkSurvivors(t, 0, p, s, want)
}
