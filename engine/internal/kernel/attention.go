package kernel

import "scout/engine/quant"

// ScoresF16 computes dst[j] = q . k[j*stride : j*stride+len(q)] for every j of
// dst: one query against len(dst) cached keys of half precision. dst[j] does not
// depend on len(dst).
func ScoresF16(dst, q []float32, k []uint16, stride int) {
	if len(dst) == 0 {
		return
	}
	best.scoresF16(dst, q, k[:(len(dst)-1)*stride+len(q)], stride)
}

// ScoresF32 is ScoresF16 for keys of single precision.
func ScoresF32(dst, q, k []float32, stride int) {
	if len(dst) == 0 {
		return
	}
	best.scoresF32(dst, q, k[:(len(dst)-1)*stride+len(q)], stride)
}

// AccumF16 adds to o the cached values weighted by p: o += p[j] *
// v[j*stride : j*stride+len(o)], for every j of p in order. Adding the terms of
// p in two calls gives the same bits as in one.
func AccumF16(o, p []float32, v []uint16, stride int) {
	if len(p) == 0 {
		return
	}
	best.accumF16(o, p, v[:(len(p)-1)*stride+len(o)], stride)
}

// AccumF32 is AccumF16 for values of single precision.
func AccumF32(o, p, v []float32, stride int) {
	if len(p) == 0 {
		return
	}
	best.accumF32(o, p, v[:(len(p)-1)*stride+len(o)], stride)
}

// ScoresManyF16 is ScoresF16 of several queries against the same keys, bit for
// bit, and faster from two on: dst[i*ldd+j] = q_i . key j, for j < keys. q is
// [queries, dim].
func ScoresManyF16(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int, s *Scratch) {
	n := len(q) / dim
	if n == 0 || keys == 0 {
		return
	}
	_ = dst[(n-1)*ldd+keys-1]
	best.scoresManyF16(dst, ldd, q[:n*dim], dim, k[:(keys-1)*stride+dim], stride, keys, s)
}

// ScoresManyF32 is ScoresManyF16 for keys of single precision.
func ScoresManyF32(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int, s *Scratch) {
	n := len(q) / dim
	if n == 0 || keys == 0 {
		return
	}
	_ = dst[(n-1)*ldd+keys-1]
	best.scoresManyF32(dst, ldd, q[:n*dim], dim, k[:(keys-1)*stride+dim], stride, keys, s)
}

// AccumManyF16 is AccumF16 of several sums over the same values, bit for bit,
// and faster from two on: o_i += p[i*ldp+j] * value j, for j < values. o is
// [sums, dim].
func AccumManyF16(o []float32, dim int, p []float32, ldp int, v []uint16, stride, values int, s *Scratch) {
	n := len(o) / dim
	if n == 0 || values == 0 {
		return
	}
	_ = p[(n-1)*ldp+values-1]
	best.accumManyF16(o[:n*dim], dim, p, ldp, v[:(values-1)*stride+dim], stride, values, s)
}

// AccumManyF32 is AccumManyF16 for values of single precision.
func AccumManyF32(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int, s *Scratch) {
	n := len(o) / dim
	if n == 0 || values == 0 {
		return
	}
	_ = p[(n-1)*ldp+values-1]
	best.accumManyF32(o[:n*dim], dim, p, ldp, v[:(values-1)*stride+dim], stride, values, s)
}

func scoresManyF16Generic(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int, _ *Scratch) {
	for i := range len(q) / dim {
		scoresF16Generic(dst[i*ldd:][:keys], q[i*dim:][:dim], k, stride)
	}
}

func scoresManyF32Generic(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int, _ *Scratch) {
	for i := range len(q) / dim {
		scoresF32Generic(dst[i*ldd:][:keys], q[i*dim:][:dim], k, stride)
	}
}

func accumManyF16Generic(o []float32, dim int, p []float32, ldp int, v []uint16, stride, values int, _ *Scratch) {
	for i := range len(o) / dim {
		accumF16Generic(o[i*dim:][:dim], p[i*ldp:][:values], v, stride)
	}
}

func accumManyF32Generic(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int, _ *Scratch) {
	for i := range len(o) / dim {
		accumF32Generic(o[i*dim:][:dim], p[i*ldp:][:values], v, stride)
	}
}

func scoresF16Generic(dst, q []float32, k []uint16, stride int) {
	for j := range dst {
		dst[j] = dotF16Generic(q, k[j*stride:])
	}
}

// dotF16Generic is dotGeneric with b widened.
func dotF16Generic(a []float32, b []uint16) float32 {
	b = b[:len(a)]
	n := len(a) &^ 7
	var s [8]float32
	for i := 0; i < n; i += 8 {
		x, y := (*[8]float32)(a[i:]), (*[8]uint16)(b[i:])
		for l := range 8 {
			s[l] += float32(x[l] * quant.F16ToF32(y[l]))
		}
	}
	sum := ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
	if n == len(a) {
		return sum
	}
	var tail float32
	for i := n; i < len(a); i++ {
		tail += float32(a[i] * quant.F16ToF32(b[i]))
	}
	return sum + tail
}

func scoresF32Generic(dst, q, k []float32, stride int) {
	for j := range dst {
		dst[j] = dotGeneric(q, k[j*stride:][:len(q)])
	}
}

func accumF16Generic(o, p []float32, v []uint16, stride int) {
	for j, w := range p {
		row := v[j*stride:][:len(o)]
		for i, h := range row {
			o[i] += float32(w * quant.F16ToF32(h))
		}
	}
}

func accumF32Generic(o, p, v []float32, stride int) {
	for j, w := range p {
		axpyGeneric(o, w, v[j*stride:][:len(o)])
	}
}
