//go:build !noasm

package kernel

//go:generate go -C _asm run ./encoder -out ../encoder_amd64.s -stubs ../encoder_stubs_amd64.go -pkg kernel

func geluAVX2(dst, x []float32) {
	n := len(x) &^ 7
	if n > 0 {
		geluVector(&dst[0], &x[0], n/8)
	}
	geluGeneric(dst[n:], x[n:])
}

func layerNormAVX2(dst, x, w, b []float32, eps float32) {
	n := len(x) &^ 7
	if n == 0 {
		layerNormGeneric(dst, x, w, b, eps)
		return
	}
	var lanes [normLanes]float64
	addUpVector(&lanes[0], &x[0], n/8)
	addUp(&lanes, x[n:])
	mean := normTotal(&lanes) / float64(len(x))
	lanes = [normLanes]float64{}
	addDeviationsVector(&lanes[0], &x[0], mean, n/8)
	addDeviations(&lanes, x[n:], mean)
	scale := deviationScale(&lanes, len(x), eps)
	centreVector(&dst[0], &x[0], &w[0], &b[0], float32(mean), scale, n/8)
	centre(dst[n:], x[n:], w[n:], b[n:], float32(mean), scale)
}
