package sample

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A Sampler chooses tokens of one sequence. It is for one goroutine at a time.
type Sampler struct {
	p       Params
	rng     rand.PCG
	history *history // nil when nothing is penalised

	work     []float32 // penalised logits
	ids      []int32   // the candidates, ascending
	logits   []float32 // their logits
	mass     []float64 // their weights
	heap     []ranked  // of a small top-k
	selector selector
}

// New returns a sampler for logits of this many tokens.
func New(p Params, vocabulary int) *Sampler {
	s := &Sampler{p: p.sane()}
	if p.penalises() && vocabulary > 0 {
		s.history = newHistory(vocabulary, s.p.PenaltyWindow)
	}
	s.seed()
	return s
}

// seed starts the generator's stream anew.
func (s *Sampler) seed() {
	const stream = 0x9e3779b97f4a7c15 // any constant; this one is 2^64 over the golden ratio
	s.rng.Seed(s.p.Seed, stream)
}

// Accept tells the sampler that a token joined the sequence, whoever chose it;
// the penalties look at these. Ids outside the vocabulary count for nothing.
func (s *Sampler) Accept(id int32) {
	if s.history != nil {
		s.history.add(id)
	}
}

// Reset brings the sampler back to the state New left it in.
func (s *Sampler) Reset() {
	if s.history != nil {
		s.history.reset()
	}
	s.seed()
}

// Sample chooses a token. logits: [vocabulary], only read. NaN counts as minus
// infinity; when no logit is above minus infinity, or there are none, the
// answer is 0. Equal logits are told apart by the lower id. Sample allocates
// nothing after the first call with logits of this length.
func (s *Sampler) Sample(logits []float32) int32 {
	if s.history != nil && len(s.history.seen) > 0 {
		s.work = append(s.work[:0], logits...)
		s.history.penalise(s.work, s.p)
		logits = s.work
	}
	best, top := argmax(logits)
	if s.p.Temperature == 0 {
		return best
	}
	u := s.uniform() // drawn even when one token is left: the stream keeps step with the tokens
	if math.IsInf(float64(top), 0) {
		return best
	}
	s.gather(logits)
	if s.p.TopP < 1 || s.p.MinP > 0 {
		s.weigh(top, 1)
		if s.p.TopP < 1 {
			s.topP(float64(s.p.TopP))
		}
		if s.p.MinP > 0 {
			s.minP(float64(s.p.MinP))
		}
	}
	total := s.weigh(top, float64(s.p.Temperature))
	return s.draw(u * total)
}

// argmax returns the most likely token and its logit, minus infinity if there
// is none.
func argmax(logits []float32) (int32, float32) {
	best, top := 0, float32(math.Inf(-1))
	for i, l := range logits {
		if l > top {
			best, top = i, l
		}
	}
	return int32(best), top
}

// uniform returns a multiple of 2^-53 in [0, 1).
func (s *Sampler) uniform() float64 {
	return float64(s.rng.Uint64()>>11) / (1 << 53)
}

// heapTopK is the largest top-k that a heap finds faster than a radix selection.
const heapTopK = 1024

// gather makes every token with a chance a candidate, or the TopK most likely
// of them.
func (s *Sampler) gather(logits []float32) {
	if cap(s.ids) < len(logits) {
		s.ids = make([]int32, len(logits))
		s.logits = make([]float32, len(logits))
		s.mass = make([]float64, len(logits))
		s.heap = make([]ranked, 0, min(s.p.TopK, heapTopK, len(logits)))
	}
	if k := s.p.TopK; k > 0 && k <= heapTopK && k < len(logits) {
		s.gatherTopK(logits, k)
		return
	}
	ids, kept := s.ids[:len(logits)], s.logits[:len(logits)]
	n := 0
	for i, l := range logits {
		if l > float32(math.Inf(-1)) { // false for NaN
			ids[n], kept[n] = int32(i), l
			n++
		}
	}
	s.ids, s.logits = ids[:n], kept[:n]
	if k := s.p.TopK; k > 0 && k < n {
		s.topK(k)
	}
}

// gatherTopK makes the k most likely tokens candidates.
func (s *Sampler) gatherTopK(logits []float32, k int) {
	s.heap = mostLikely(s.heap[:0], logits, k)
	slices.SortFunc(s.heap, func(a, b ranked) int { return int(a.id) - int(b.id) })
	s.ids, s.logits = s.ids[:0], s.logits[:0]
	for _, r := range s.heap {
		s.ids, s.logits = append(s.ids, r.id), append(s.logits, r.logit)
	}
}

// weigh sets mass[i] to exp((logit - top) / temperature), which is 1 for the
// most likely candidate, and returns the sum.
func (s *Sampler) weigh(top float32, temperature float64) float64 {
	s.mass = s.mass[:len(s.logits)]
	inverse := 1 / temperature
	var total float64
	for i, l := range s.logits {
		w := expNeg((float64(l) - float64(top)) * inverse)
		s.mass[i] = w
		total += w
	}
	return total
}

// topK keeps the k candidates with the highest logits.
func (s *Sampler) topK(k int) {
	s.mass = s.mass[:0]
	key, rest := s.selector.threshold(s.logits, nil, float64(k))
	s.cut(key, rest)
}

// topP keeps the fewest candidates with the highest logits whose share of the
// weight is at least p.
func (s *Sampler) topP(p float64) {
	// Most tokens of a real distribution weigh next to nothing. If the others
	// reach p without them, the selection need not look at them.
	const negligible = 1.0 / (1 << 14)
	var total, heavy float64
	for _, w := range s.mass {
		total += w
		if w >= negligible {
			heavy += w
		}
	}
	target := p * total
	if heavy > target {
		s.minP(negligible)
	}
	key, rest := s.selector.threshold(s.logits, s.mass, target)
	s.cut(key, rest)
}

// cut keeps the candidates above key, and of those at key the first ones until
// they weigh rest (1 each when no weights are set). It keeps their order.
func (s *Sampler) cut(key uint32, rest float64) {
	n := 0
	for i, l := range s.logits {
		b := orderedBits(l)
		if b < key || b == key && rest <= 0 {
			continue
		}
		w := 1.0
		if len(s.mass) > 0 {
			w = s.mass[i]
			s.mass[n] = w
		}
		if b == key {
			rest -= w
		}
		s.ids[n], s.logits[n] = s.ids[i], l
		n++
	}
	s.keep(n)
}

// minP keeps the candidates with at least p of the highest weight, which is 1.
func (s *Sampler) minP(p float64) {
	n := 0
	for i, w := range s.mass {
		if w >= p {
			s.ids[n], s.logits[n], s.mass[n] = s.ids[i], s.logits[i], w
			n++
		}
	}
	s.keep(n)
}

func (s *Sampler) keep(n int) {
	s.ids, s.logits = s.ids[:n], s.logits[:n]
	s.mass = s.mass[:min(n, len(s.mass))]
}

// draw returns the candidate in whose share of the weight x falls.
func (s *Sampler) draw(x float64) int32 {
	last := int32(0)
	for i, w := range s.mass {
		if w == 0 {
			continue // a weight that vanished must not win by rounding
		}
		last = s.ids[i]
		if x < w {
			break
		}
		x -= w
	}
	return last
}
