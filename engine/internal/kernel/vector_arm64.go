//go:build !noasm

package kernel

// The functions of this file do whole groups in assembly and leave the rest to
// the generic code, which computes the same bits. They take a vector in one
// call: the longest, a row of logits, is less than 1 MB.

func addNEON(dst, a, b []float32) {
	n := len(dst) &^ 7
	if n > 0 {
		addVectors(&dst[0], &a[0], &b[0], n/8)
	}
	addGeneric(dst[n:], a[n:], b[n:])
}

func scaleNEON(dst []float32, s float32) {
	n := len(dst) &^ 7
	if n > 0 {
		scaleVector(&dst[0], &dst[0], s, n/8)
	}
	scaleGeneric(dst[n:], s)
}

func axpyNEON(dst []float32, s float32, x []float32) {
	n := len(dst) &^ 7
	if n > 0 {
		axpyVector(&dst[0], &x[0], s, n/8)
	}
	axpyGeneric(dst[n:], s, x[n:])
}

func maxNEON(x []float32) float32 {
	n := len(x) &^ 7
	m := maxGeneric(x[n:])
	if n > 0 {
		m = max(m, maxVector(&x[0], n/8))
	}
	if m == 0 {
		return maxGeneric(x) // whether it is +0 or -0 depends on the order
	}
	return m
}

func scaleMaxNEON(x []float32, s float32) float32 {
	scaleNEON(x, s)
	return maxNEON(x)
}

func expSumNEON(x []float32, max float32) float32 {
	var lanes [expLanes]float64
	n := len(x) &^ 7
	if n > 0 {
		expSumVector(&lanes[0], &x[0], max, n/8)
	}
	addExp(&lanes, x[n:], max)
	return expTotal(&lanes)
}

func rmsNormNEON(dst, x, w []float32, eps float32) {
	var lanes [squareLanes]float64
	n := len(x) &^ (squareLanes - 1)
	if n > 0 {
		sumSquares(&lanes[0], &x[0], n/squareLanes)
	}
	addSquares(&lanes, x[n:])
	scale := rmsScale(&lanes, len(x), eps)
	if n > 0 {
		if w == nil {
			scaleVector(&dst[0], &x[0], scale, n/8)
		} else {
			scaleMulVector(&dst[0], &x[0], &w[0], scale, n/8)
			w = w[n:]
		}
	}
	normalise(dst[n:], x[n:], w, scale)
}

func siluMulNEON(dst, gate, up []float32) {
	n := len(dst) &^ 7
	if n > 0 {
		siluMulVector(&dst[0], &gate[0], &up[0], n/8)
	}
	siluMulGeneric(dst[n:], gate[n:], up[n:])
}

func ropePairsNEON(x, cos, sin []float32) {
	n := len(cos) &^ 3
	if n > 0 {
		ropePairsVector(&x[0], &cos[0], &sin[0], n/4)
	}
	ropePairsGeneric(x[2*n:], cos[n:], sin[n:])
}

func ropeHalvesNEON(x, cos, sin []float32) {
	n := len(cos) &^ 3
	low, high := x[:len(cos)], x[len(cos):]
	if n > 0 {
		ropeHalvesVector(&low[0], &high[0], &cos[0], &sin[0], n/4)
	}
	rotate(low[n:], high[n:], cos[n:], sin[n:])
}

func toF16NEON(dst []uint16, src []float32) {
	n := len(src) &^ 7
	if n > 0 {
		toF16Vector(&dst[0], &src[0], n/8)
	}
	toF16Generic(dst[n:], src[n:])
}

func fromF16NEON(dst []float32, src []uint16) {
	n := len(src) &^ 7
	if n > 0 {
		fromF16Vector(&dst[0], &src[0], n/8)
	}
	fromF16Generic(dst[n:], src[n:])
}

func quantizeQ8_0NEON(q []int8, d []float32, sums []int16, x []float32) {
	if n := len(x) / 32; n > 0 {
		quantizeQ8_0Vector(&q[:32*n][0], &d[:n][0], &sums[:n][0], &x[0], n)
	}
}

func quantizeQ8_KNEON(q []int8, d []float32, sums []int16, x []float32) {
	if n := len(x) / 256; n > 0 {
		quantizeQ8_KVector(&q[:256*n][0], &d[:n][0], &sums[:16*n][0], &x[0], n)
	}
}
