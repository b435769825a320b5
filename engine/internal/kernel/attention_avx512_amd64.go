//go:build !noasm

package kernel

// The passes over a row of scores, 16 at a time, with the bits of the generic code.

func scaleMaxAVX512(x []float32, s float32) float32 {
	n := len(x) &^ 15
	m := scaleMaxGeneric(x[n:], s)
	if n > 0 {
		m = max(m, scaleMaxWide(&x[0], s, n/16))
	}
	return m
}

func expSumAVX512(x []float32, max float32) float32 {
	var lanes [expLanes]float64
	n := len(x) &^ 15
	if n > 0 {
		expSumWide(&lanes[0], &x[0], max, n/16)
	}
	addExp(&lanes, x[n:], max)
	return expTotal(&lanes)
}
