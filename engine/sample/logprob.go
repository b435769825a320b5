package sample

import (
	"math"
	"slices"
)

// Scored is a token with the natural logarithm of its probability.
type Scored struct {
	ID      int32
	LogProb float32
}

// LogProb returns the natural logarithm of a token's probability under the
// softmax of the logits as they are: no penalty, truncation or temperature.
// It is minus infinity for a token with a logit of NaN or minus infinity and
// for an id outside the vocabulary. A logit of plus infinity takes all the
// probability; several share it.
func LogProb(logits []float32, id int32) float32 {
	if id < 0 || int(id) >= len(logits) {
		return float32(math.Inf(-1))
	}
	top, logZ := logSum(logits)
	return logProb(logits[id], top, logZ)
}

// TopLogProbs returns the n most likely tokens, most likely first, the lower id
// first among equals. There are fewer when fewer tokens have a chance.
func TopLogProbs(logits []float32, n int) []Scored {
	if n <= 0 {
		return nil
	}
	top, logZ := logSum(logits)
	h := mostLikely(make([]ranked, 0, min(n, len(logits))), logits, n)
	slices.SortFunc(h, func(a, b ranked) int {
		if a.before(b) {
			return -1
		}
		return 1 // ids differ, so no two are equal
	})
	scored := make([]Scored, len(h))
	for i, r := range h {
		scored[i] = Scored{r.id, logProb(r.logit, top, logZ)}
	}
	return scored
}

// logSum returns the highest logit and the logarithm of the sum of
// exp(logit - highest); for an infinite highest logit, of the count of those
// that equal it.
func logSum(logits []float32) (top float32, logZ float64) {
	_, top = argmax(logits)
	var sum float64
	for _, l := range logits {
		switch {
		case l == top:
			sum++
		case l < top && !math.IsInf(float64(top), 0): // false for NaN
			sum += expNeg(float64(l) - float64(top))
		}
	}
	return top, math.Log(sum)
}

func logProb(l, top float32, logZ float64) float32 {
	switch {
	case l == top && !math.IsInf(float64(top), -1):
		return float32(-logZ)
	case l < top && !math.IsInf(float64(top), 1):
		return float32(float64(l) - float64(top) - logZ)
	}
	return float32(math.Inf(-1))
}
