package kernel

import "math"

// Dot is the sum of a[i]*b[i]. The lengths must be equal.
//
// Element i of the whole groups of 8 goes to partial sum i%8; the partial sums
// are added in pairs, as a tree; what is left over is summed in order and added
// last. MatMul of float weights, ScoresF16 and ScoresF32 are this function.
func Dot(a, b []float32) float32 { return best.dot(a, b[:len(a)]) }

func dotGeneric(a, b []float32) float32 {
	b = b[:len(a)]
	n := len(a) &^ 7
	var s [8]float32
	for i := 0; i < n; i += 8 {
		x, y := (*[8]float32)(a[i:]), (*[8]float32)(b[i:])
		s[0] += float32(x[0] * y[0])
		s[1] += float32(x[1] * y[1])
		s[2] += float32(x[2] * y[2])
		s[3] += float32(x[3] * y[3])
		s[4] += float32(x[4] * y[4])
		s[5] += float32(x[5] * y[5])
		s[6] += float32(x[6] * y[6])
		s[7] += float32(x[7] * y[7])
	}
	sum := ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
	if n == len(a) {
		return sum
	}
	return sum + dotTail(a[n:], b[n:])
}

// dotTail is the sum of a[i]*b[i] in order, for the elements after the last
// whole group of 8.
func dotTail(a, b []float32) float32 {
	var sum float32
	for i := range a {
		sum += float32(a[i] * b[i])
	}
	return sum
}

// Add computes dst[i] = a[i] + b[i]. The lengths must be equal; dst may be a or
// b.
func Add(dst, a, b []float32) { best.add(dst, a[:len(dst)], b[:len(dst)]) }

func addGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Scale computes dst[i] *= s.
func Scale(dst []float32, s float32) { best.scale(dst, s) }

func scaleGeneric(dst []float32, s float32) {
	for i := range dst {
		dst[i] *= s
	}
}

// Axpy computes dst[i] += s*x[i], the product rounded before the sum. The
// lengths must be equal.
func Axpy(dst []float32, s float32, x []float32) { best.axpy(dst, s, x[:len(dst)]) }

func axpyGeneric(dst []float32, s float32, x []float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += float32(s * x[i])
	}
}

// Max is the largest of x, -Inf if x is empty. x must hold no NaN.
func Max(x []float32) float32 { return best.max(x) }

func maxGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

// ScaleMax is Scale and then Max: scores and the largest of them.
func ScaleMax(x []float32, s float32) float32 { return best.scaleMax(x, s) }

func scaleMaxGeneric(x []float32, s float32) float32 {
	scaleGeneric(x, s)
	return maxGeneric(x)
}

// RMSNorm computes dst[i] = x[i] / sqrt(mean(x^2) + eps) * w[i], with the mean
// in float64 and the division as a product with the reciprocal, rounded to
// float32. The lengths must be equal; w may be nil for all ones; dst may be x.
func RMSNorm(dst, x, w []float32, eps float32) {
	if len(x) == 0 {
		return
	}
	if w != nil {
		w = w[:len(x)]
	}
	best.rmsNorm(dst[:len(x)], x, w, eps)
}

// squareLanes is how many partial sums a sum of squares has: element i goes to
// sum i%squareLanes. Squares of float32 are exact in float64.
const squareLanes = 16

func rmsNormGeneric(dst, x, w []float32, eps float32) {
	var lanes [squareLanes]float64
	addSquares(&lanes, x)
	normalise(dst, x, w, rmsScale(&lanes, len(x), eps))
}

// addSquares adds the squares of x, which starts at a multiple of squareLanes,
// to the partial sums.
func addSquares(lanes *[squareLanes]float64, x []float32) {
	for i, v := range x {
		lanes[i%squareLanes] += float64(v) * float64(v)
	}
}

// rmsScale is 1/sqrt(mean + eps) of n squares summed in lanes.
func rmsScale(lanes *[squareLanes]float64, n int, eps float32) float32 {
	for step := squareLanes / 2; step > 0; step /= 2 {
		for i := range step {
			lanes[i] += lanes[i+step]
		}
	}
	return float32(1 / math.Sqrt(lanes[0]/float64(n)+float64(eps)))
}

// normalise computes dst = x*scale*w, rounding after each product.
func normalise(dst, x, w []float32, scale float32) {
	dst = dst[:len(x)]
	if w == nil {
		for i, v := range x {
			dst[i] = v * scale
		}
		return
	}
	w = w[:len(x)]
	for i, v := range x {
		dst[i] = float32(v*scale) * w[i]
	}
}

// SiLUMul computes dst[i] = silu(gate[i]) * up[i], silu(g) = g / (1 + exp(-g)).
// The lengths must be equal; dst may be gate or up.
func SiLUMul(dst, gate, up []float32) { best.siluMul(dst, gate[:len(dst)], up[:len(dst)]) }

func siluMulGeneric(dst, gate, up []float32) {
	gate, up = gate[:len(dst)], up[:len(dst)]
	for i, g := range gate {
		dst[i] = float32(g/(1+exp(-g))) * up[i]
	}
}

// Rope rotates the pairs of one head by angles whose cosines and sines are
// given, [len(x)/2]: pair i is x[2i], x[2i+1], or x[i], x[i+len(x)/2] with
// halves.
func Rope(x, cos, sin []float32, halves bool) {
	n := len(x) / 2
	if halves {
		best.ropeHalves(x[:2*n], cos[:n], sin[:n])
	} else {
		best.ropePairs(x[:2*n], cos[:n], sin[:n])
	}
}

func ropePairsGeneric(x, cos, sin []float32) {
	sin = sin[:len(cos)]
	x = x[:2*len(cos)]
	for i, c := range cos {
		a, b := x[2*i], x[2*i+1]
		x[2*i] = float32(a*c) - float32(b*sin[i])
		x[2*i+1] = float32(b*c) + float32(a*sin[i])
	}
}

func ropeHalvesGeneric(x, cos, sin []float32) {
	rotate(x[:len(cos)], x[len(cos):], cos, sin)
}

// rotate turns the pairs low[i], high[i].
func rotate(low, high, cos, sin []float32) {
	low, high, sin = low[:len(cos)], high[:len(cos)], sin[:len(cos)]
	for i, c := range cos {
		a, b := low[i], high[i]
		low[i] = float32(a*c) - float32(b*sin[i])
		high[i] = float32(b*c) + float32(a*sin[i])
	}
}
