//go:build !noasm

package kernel

// The functions of this file do whole groups in assembly and leave the rest to
// the generic code, which computes the same bits. They take a vector in one
// call: the longest, a row of logits, is less than 1 MB.

func addAVX2(dst, a, b []float32) {
	n := len(dst) &^ 7
	if n > 0 {
		addVectors(&dst[0], &a[0], &b[0], n/8)
	}
	addGeneric(dst[n:], a[n:], b[n:])
}

func scaleAVX2(dst []float32, s float32) {
	n := len(dst) &^ 7
	if n > 0 {
		scaleVector(&dst[0], &dst[0], s, n/8)
	}
	scaleGeneric(dst[n:], s)
}

func axpyAVX2(dst []float32, s float32, x []float32) {
	n := len(dst) &^ 7
	if n > 0 {
		axpyVector(&dst[0], &x[0], s, n/8)
	}
	axpyGeneric(dst[n:], s, x[n:])
}

func maxAVX2(x []float32) float32 {
	n := len(x) &^ 7
	m := maxGeneric(x[n:])
	if n > 0 {
		m = max(m, maxVector(&x[0], n/8))
	}
	return m
}

func scaleMaxAVX2(x []float32, s float32) float32 {
	scaleAVX2(x, s)
	return maxAVX2(x)
}

func expSumAVX2(x []float32, max float32) float32 {
	var lanes [expLanes]float64
	n := len(x) &^ 7
	if n > 0 {
		expSumVector(&lanes[0], &x[0], max, n/8)
	}
	addExp(&lanes, x[n:], max)
	return expTotal(&lanes)
}

func rmsNormAVX2(dst, x, w []float32, eps float32) {
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

func siluMulAVX2(dst, gate, up []float32) {
	n := len(dst) &^ 7
	if n > 0 {
		siluMulVector(&dst[0], &gate[0], &up[0], n/8)
	}
	siluMulGeneric(dst[n:], gate[n:], up[n:])
}

func ropePairsAVX2(x, cos, sin []float32) {
	n := len(cos) &^ 3
	if n > 0 {
		ropePairsVector(&x[0], &cos[0], &sin[0], n/4)
	}
	ropePairsGeneric(x[2*n:], cos[n:], sin[n:])
}

func ropeHalvesAVX2(x, cos, sin []float32) {
	n := len(cos) &^ 7
	low, high := x[:len(cos)], x[len(cos):]
	if n > 0 {
		ropeHalvesVector(&low[0], &high[0], &cos[0], &sin[0], n/8)
	}
	rotate(low[n:], high[n:], cos[n:], sin[n:])
}

func toF16AVX2(dst []uint16, src []float32) {
	n := len(src) &^ 7
	if n > 0 {
		toF16Vector(&dst[0], &src[0], n/8)
	}
	toF16Generic(dst[n:], src[n:])
}

func fromF16AVX2(dst []float32, src []uint16) {
	n := len(src) &^ 7
	if n > 0 {
		fromF16Vector(&dst[0], &src[0], n/8)
	}
	fromF16Generic(dst[n:], src[n:])
}

func quantizeQ8_0AVX2(q []int8, d []float32, sums []int16, x []float32) {
	if n := len(x) / 32; n > 0 {
		quantizeQ8_0Vector(&q[:32*n][0], &d[:n][0], &sums[:n][0], &x[0], n)
	}
}

func quantizeQ8_KAVX2(q []int8, d []float32, sums []int16, x []float32) {
	if n := len(x) / 256; n > 0 {
		quantizeQ8_KVector(&q[:256*n][0], &d[:n][0], &sums[:16*n][0], &x[0], n)
	}
}
