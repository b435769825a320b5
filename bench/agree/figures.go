package main

import "math"

// figures are how far two sets of logits are apart. Means are over the
// compared positions only.
type figures struct {
	compared  int
	near, far float64 // largest difference below and from position coarse on
	meanKL    float64 // of llama.cpp's distribution from the other one, in nats
	missed    int     // positions with another best token, unless llama.cpp has the two close together
	invalid   int     // logits that are not finite
}

// measure compares logits [tokens, vocabulary], of which the first token is at
// position start, up to token compared.
func measure(want, got []float32, tokens, compared, start int) figures {
	f := figures{compared: compared}
	vocab := len(want) / tokens
	for i := range compared {
		w, g := want[i*vocab:(i+1)*vocab], got[i*vocab:(i+1)*vocab]
		d := difference(w, g, &f.invalid)
		if start+i < coarse {
			f.near = max(f.near, d)
		} else {
			f.far = max(f.far, d)
		}
		f.meanKL += divergence(w, g) / float64(compared)
		if w[best(w)]-w[best(g)] >= closeMargin {
			f.missed++
		}
	}
	return f
}

// top1 is the share of compared positions with the same best token.
func (f figures) top1() float64 { return 1 - float64(f.missed)/float64(max(f.compared, 1)) }

// difference is the largest difference of two rows. It counts values of the
// second that are not finite.
func difference(want, got []float32, invalid *int) float64 {
	var d float64
	for i, w := range want {
		x := math.Abs(float64(w) - float64(got[i]))
		if math.IsNaN(x) || math.IsInf(x, 0) {
			*invalid++
			continue
		}
		d = max(d, x)
	}
	return d
}

// divergence is the Kullback-Leibler divergence of the distribution of got from
// that of want: sum of p log(p/q).
func divergence(want, got []float32) float64 {
	lw, lg := logSum(want), logSum(got)
	var kl float64
	for i, w := range want {
		p := float64(w) - lw
		kl += math.Exp(p) * (p - (float64(got[i]) - lg))
	}
	return max(kl, 0) // rounding can leave it a little below
}

// logSum is the logarithm of the sum of exponentials.
func logSum(x []float32) float64 {
	top := float64(x[best(x)])
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

// best is the index of the largest value, the first of several.
func best(x []float32) int {
	b := 0
	for i, v := range x {
		if v > x[b] {
			b = i
		}
	}
	return b
}
