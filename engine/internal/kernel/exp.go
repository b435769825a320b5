package kernel

import "math"

// The constants of exp. ln2High = 355/512 has 9 significant bits, so that its
// product with any integer exp meets is exact; ln2High + ln2Low differs from
// ln 2 by less than 2e-12.
const (
	expMin   = -104 // exp is 0 below: half the smallest denormal is exp(-103.97)
	expMax   = 89   // exp is +Inf above: the largest float32 is exp(88.72)
	log2e    = 1.44269504088896341
	ln2High  = 0.693359375
	ln2Low   = -2.12194440054690583e-4
	expRound = 1.5 * (1 << 23) // adding it rounds to an integer, half to even
)

// expPoly are the coefficients of P in exp(r) = 1 + r + r*r*P(r), highest power
// first: the polynomial of degree 4 whose largest relative error, 3.1e-9, is
// least over |r| <= ln(2)/2. A unit in the last place is 6e-8 or more.
var expPoly = [...]float32{0.00138145401768, 0.00836874510894, 0.0416683907835, 0.16666520399, 0.499999934321}

// exp is e to the power x, within 2 units in the last place; 0 for -Inf, +Inf
// for large x, NaN for NaN. Every step is an operation that vector units round
// the same way, so that assembly gives the same bits.
func exp(x float32) float32 {
	if x < expMin {
		x = expMin
	}
	if x > expMax {
		x = expMax
	}
	shifted := float32(x*log2e) + expRound
	k := shifted - expRound
	r := x - float32(k*ln2High)
	r -= float32(k * ln2Low)
	p := expPoly[0]
	for _, c := range expPoly[1:] {
		p = float32(p*r) + c
	}
	e := float32(float32(p*float32(r*r))+r) + 1
	// 2^k is multiplied in two steps, so that neither factor leaves the range of
	// normal floats and the last product rounds once, to a denormal or Inf.
	n := int32(math.Float32bits(shifted)) - int32(math.Float32bits(expRound))
	half := n >> 1
	e *= math.Float32frombits(uint32(half+127) << 23)
	return e * math.Float32frombits(uint32(n-half+127)<<23)
}

// expLanes is how many float64 partial sums ExpSum has: element i goes to sum
// i%expLanes.
const expLanes = 8

// ExpSum replaces x[i] by exp(x[i]-max) and returns their sum, added up in
// float64. max must be at least the largest x[i], and finite.
func ExpSum(x []float32, max float32) (sum float32) { return best.expSum(x, max) }

func expSumGeneric(x []float32, max float32) float32 {
	var lanes [expLanes]float64
	addExp(&lanes, x, max)
	return expTotal(&lanes)
}

// addExp replaces x[i], whose first element is a multiple of expLanes, by
// exp(x[i]-max) and adds it to the partial sums.
func addExp(lanes *[expLanes]float64, x []float32, max float32) {
	for i, v := range x {
		e := exp(v - max)
		x[i] = e
		lanes[i%expLanes] += float64(e)
	}
}

func expTotal(s *[expLanes]float64) float32 {
	return float32(((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])))
}
