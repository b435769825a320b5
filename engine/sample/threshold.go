package sample

import "math"

// orderedBits maps a float32 that is no NaN to a uint32 with the same order.
// Both zeros map to the same number.
func orderedBits(f float32) uint32 {
	if f == 0 {
		return 1 << 31
	}
	b := math.Float32bits(f)
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

// digits of the radix selection: 11, 11 and 10 bits of orderedBits, highest first.
var digits = [3]struct{ shift, bits uint }{{21, 11}, {10, 11}, {0, 10}}

// selector finds thresholds. Its histogram is reused.
type selector struct {
	mass [1 << 11]float64
}

// threshold returns the highest key such that the tokens at or above it weigh
// at least target together, and what is left of target after all tokens above
// it. mass[i] is the weight of token i; a nil mass weighs every token 1. When
// all tokens together weigh less than target, as rounding may have it for a
// target near their sum, it returns the lowest key there is.
//
// It is a radix selection: one pass sums the weight of each value of the
// highest digit, which finds the digit of the threshold, and two more passes
// settle the lower digits among the tokens that share it.
func (s *selector) threshold(logits []float32, mass []float64, target float64) (key uint32, rest float64) {
	rest = target
	var prefix, mask uint32
	for _, d := range digits {
		n := uint32(1) << d.bits
		hist := s.mass[:n]
		clear(hist)
		for i, l := range logits {
			b := orderedBits(l)
			if b&mask != prefix {
				continue
			}
			w := 1.0
			if mass != nil {
				w = mass[i]
			}
			hist[b>>d.shift&(n-1)] += w
		}
		lowest := uint32(0)
		for lowest < n-1 && hist[lowest] == 0 {
			lowest++
		}
		digit := n - 1
		for digit > lowest && hist[digit] < rest {
			rest -= hist[digit]
			digit--
		}
		prefix |= digit << d.shift
		mask |= (n - 1) << d.shift
	}
	return prefix, rest
}
