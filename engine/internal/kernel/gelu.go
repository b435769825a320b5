package kernel

// gelu(x) = x Phi(x) = max(x, 0) - z q(z) with z = |x| and q(z) = erfc(z/sqrt(2))/2,
// the tail of the normal distribution. With t = 1/(1 + geluRate z), which is
// between 0 and 1, q(z) is t P(t) exp(-z*z/2): the form of Hastings ("Approximations
// for Digital Computers", 1955; Abramowitz and Stegun 7.1.26). geluPoly is P of
// degree 8, highest power first, fitted by Remez' exchange so that the largest
// relative error of q for z up to 14.5, 1.4e-8, is least; geluRate is the best in
// steps of 0.005.
const (
	geluRate = 0.265
	geluMost = 16 // q is 0 in float32 from 14.5 on
)

var geluPoly = [...]float32{
	0.03062448218, -0.1433006776, 0.2159504456, -0.114286489, 0.1365549523,
	0.06089501777, 0.1025550895, 0.1052667786, 0.1057403974,
}

// GELU computes dst[i] = x[i] * Phi(x[i]), the exact Gaussian error linear unit,
// within 2e-7 * max(1, |x|). The lengths must be equal; dst may be x.
func GELU(dst, x []float32) { best.gelu(dst, x[:len(dst)]) }

func geluGeneric(dst, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = gelu(v)
	}
}

// gelu takes every step as vector units do, so that assembly gives the same bits.
func gelu(x float32) float32 {
	z, positive := x, float32(0)
	if x > 0 {
		positive = x
	} else {
		z = -x
	}
	if z > geluMost {
		z = geluMost
	}
	t := 1 / (1 + float32(z*geluRate))
	p := geluPoly[0]
	for _, c := range geluPoly[1:] {
		p = float32(p*t) + c
	}
	q := float32(p*t) * exp(float32(float32(z*z)*-0.5))
	return positive - float32(z*q)
}
