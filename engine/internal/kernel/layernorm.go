package kernel

import "math"

// normLanes is how many float64 partial sums the sums of LayerNorm have: element
// i goes to sum i%normLanes.
const normLanes = 8

// LayerNorm computes dst[i] = (x[i] - mean) / sqrt(variance + eps) * w[i] + b[i].
// Mean and variance, the biased one, are sums in float64; what follows is rounded
// to float32 at each step, the division being a product with the reciprocal. The
// lengths must be equal; dst may be x.
func LayerNorm(dst, x, w, b []float32, eps float32) {
	n := len(x)
	if n == 0 {
		return
	}
	best.layerNorm(dst[:n], x, w[:n], b[:n], eps)
}

func layerNormGeneric(dst, x, w, b []float32, eps float32) {
	var lanes [normLanes]float64
	addUp(&lanes, x)
	mean := normTotal(&lanes) / float64(len(x))
	lanes = [normLanes]float64{}
	addDeviations(&lanes, x, mean)
	centre(dst, x, w, b, float32(mean), deviationScale(&lanes, len(x), eps))
}

// addUp adds x, which starts at a multiple of normLanes, to the partial sums.
func addUp(lanes *[normLanes]float64, x []float32) {
	for i, v := range x {
		lanes[i%normLanes] += float64(v)
	}
}

// addDeviations adds the squares of x - mean.
func addDeviations(lanes *[normLanes]float64, x []float32, mean float64) {
	for i, v := range x {
		d := float64(v) - mean
		lanes[i%normLanes] += float64(d * d)
	}
}

func normTotal(s *[normLanes]float64) float64 {
	return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}

// deviationScale is 1/sqrt(variance + eps) of n squares summed in lanes.
func deviationScale(lanes *[normLanes]float64, n int, eps float32) float32 {
	return float32(1 / math.Sqrt(normTotal(lanes)/float64(n)+float64(eps)))
}

// centre computes dst = (x-mean)*scale*w + b, rounding after each step.
func centre(dst, x, w, b []float32, mean, scale float32) {
	dst, w, b = dst[:len(x)], w[:len(x)], b[:len(x)]
	for i, v := range x {
		dst[i] = float32(float32((v-mean)*scale)*w[i]) + b[i]
	}
}
