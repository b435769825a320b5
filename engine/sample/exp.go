package sample

import "math"

// exp2Table holds 2^(i/32). Square roots and products are exactly rounded by
// IEEE 754, so the table has the same bits everywhere.
var exp2Table = func() (t [32]float64) {
	root := 2.0
	t[0] = 1
	for step := 16; step > 0; step /= 2 {
		root = math.Sqrt(root) // 2^(step/32)
		for i := step; i < 32; i += 2 * step {
			t[i] = t[i-step] * root
		}
	}
	return t
}()

// expNeg returns e^x for x <= 0 with a relative error below 1e-14, and 0 where
// that is no normal number. Its bits are the same on every platform: every
// product is rounded by a conversion before it is added, which forbids fused
// multiply-add (Go specification, "Floating-point operators").
//
// Method: x = (32 k + i) ln2/32 + r with |r| <= ln2/64, so that
// e^x = 2^k 2^(i/32) e^r, and e^r by its Taylor series to the fifth power.
func expNeg(x float64) float64 {
	const (
		perLn2 = 32 / math.Ln2
		// ln2/32 in two parts; the first has 32 trailing zero bits, so its
		// product with n is exact.
		ln2Hi = 6.93147180369123816490e-01 / 32
		ln2Lo = 1.90821492927058770002e-10 / 32
		// Adding this leaves the nearest integer in the low bits.
		toInt = 3 << 51
		// Below this the result is no normal number.
		lowest = -708
	)
	if !(x >= lowest) {
		return 0
	}
	shifted := float64(x*perLn2) + toInt
	n := shifted - toInt
	r := x - float64(n*ln2Hi) - float64(n*ln2Lo)
	r2 := r * r
	// 1 + r + r^2 (1/2 + r/6) + r^4 (1/24 + r/120)
	high := float64(r2*(1.0/24+float64(r*(1.0/120)))) + (0.5 + float64(r*(1.0/6)))
	p := 1 + (r + float64(r2*high))
	k := int(int32(math.Float64bits(shifted)))
	scale := math.Float64frombits(uint64(1023+k>>5) << 52)
	return exp2Table[k&31] * p * scale
}
