package sample

import "math"

// ranked is an entry of a heap whose root is the least likely.
type ranked struct {
	id    int32
	logit float32
}

func (a ranked) before(b ranked) bool {
	return a.logit > b.logit || a.logit == b.logit && a.id < b.id
}

// mostLikely returns the n most likely tokens that have a chance, as a heap
// built in h.
func mostLikely(h []ranked, logits []float32, n int) []ranked {
	least := float32(math.Inf(-1)) // no token at or below it gets in, NaN neither
	for i, l := range logits {
		if !(l > least) {
			continue
		}
		h = push(h, n, ranked{int32(i), l})
		if len(h) == n {
			least = h[0].logit // an equal one would have a higher id, and lose
		}
	}
	return h
}

// push adds r to a heap of at most n entries, or puts it in the place of the
// least likely one if it is more likely than that.
func push(h []ranked, n int, r ranked) []ranked {
	if len(h) < n {
		h = append(h, r)
		for i := len(h) - 1; i > 0; {
			parent := (i - 1) / 2
			if h[i].before(h[parent]) {
				break
			}
			h[i], h[parent] = h[parent], h[i]
			i = parent
		}
		return h
	}
	if !r.before(h[0]) {
		return h
	}
	h[0] = r
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h[least].before(h[c]) {
				least = c
			}
		}
		if least == i {
			return h
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
