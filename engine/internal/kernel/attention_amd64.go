//go:build !noasm

package kernel

import "scout/engine/quant"

// cachedRows is how many rows of n elements of the given size are taken in one
// call of assembly.
func cachedRows(n, size int) int { return max(callBytes/max(n*size, 1)&^7, 8) }

func scoresF16AVX2(dst, q []float32, k []uint16, stride int) {
	n := len(q) &^ 7
	if n == 0 {
		scoresF16Generic(dst, q, k, stride)
		return
	}
	step := cachedRows(n, 2)
	for j := 0; j < len(dst); j += step {
		rowsF16(&dst[j], &q[0], &k[j*stride], 2*stride, min(step, len(dst)-j), n/8)
	}
	if n == len(q) {
		return
	}
	for j := range dst {
		var tail float32
		for i := n; i < len(q); i++ {
			tail += float32(q[i] * quant.F16ToF32(k[j*stride+i]))
		}
		dst[j] += tail
	}
}

func scoresF32AVX2(dst, q, k []float32, stride int) {
	n := len(q) &^ 7
	if n == 0 {
		scoresF32Generic(dst, q, k, stride)
		return
	}
	step := cachedRows(n, 4)
	for j := 0; j < len(dst); j += step {
		rowsF32(&dst[j], &q[0], &k[j*stride], 4*stride, min(step, len(dst)-j), n/8)
	}
	if n == len(q) {
		return
	}
	for j := range dst {
		dst[j] += dotTail(q[n:], k[j*stride+n:][:len(q)-n])
	}
}

func accumF16AVX2(o, p []float32, v []uint16, stride int) {
	n := len(o) &^ 7
	if n > 0 {
		step := cachedRows(n, 2)
		for j := 0; j < len(p); j += step {
			accumF16(&o[0], &p[j], &v[j*stride], 2*stride, min(step, len(p)-j), n/8)
		}
	}
	if n < len(o) {
		accumF16Generic(o[n:], p, v[n:], stride)
	}
}

func accumF32AVX2(o, p, v []float32, stride int) {
	n := len(o) &^ 7
	if n > 0 {
		step := cachedRows(n, 4)
		for j := 0; j < len(p); j += step {
			accumF32(&o[0], &p[j], &v[j*stride], 4*stride, min(step, len(p)-j), n/8)
		}
	}
	if n < len(o) {
		accumF32Generic(o[n:], p, v[n:], stride)
	}
}

// manyBlock is how many keys or values are taken at a time: widened, those of
// 128 elements are 16 KiB, half of a first-level cache.
const manyBlock = 32

// widened is n rows of dim elements of half precision as float32, one after
// the other. dim is a multiple of 8.
func widened(rows []uint16, stride, dim, n int, s *Scratch) []float32 {
	w := s.float(0, n*dim)
	for j := range n {
		fromF16Vector(&w[j*dim], &rows[j*stride], dim/8)
	}
	return w
}

func scoresManyF16AVX2(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int, s *Scratch) {
	if len(q) == dim || dim%8 != 0 {
		for i := range len(q) / dim {
			scoresF16AVX2(dst[i*ldd:][:keys], q[i*dim:][:dim], k, stride)
		}
		return
	}
	for j := 0; j < keys; j += manyBlock {
		n := min(manyBlock, keys-j)
		scoreBlock(dst[j:], ldd, q, dim, widened(k[j*stride:], stride, dim, n, s), dim, n)
	}
}

func scoresManyF32AVX2(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int, _ *Scratch) {
	if len(q) == dim || dim%8 != 0 {
		for i := range len(q) / dim {
			scoresF32AVX2(dst[i*ldd:][:keys], q[i*dim:][:dim], k, stride)
		}
		return
	}
	for j := 0; j < keys; j += manyBlock {
		scoreBlock(dst[j:], ldd, q, dim, k[j*stride:], stride, min(manyBlock, keys-j))
	}
}

// scoreBlock is scoresMany of few keys in single precision.
func scoreBlock(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int) {
	queries := len(q) / dim
	for i := 0; i < queries; i += 2 {
		// An odd query out is paired with itself.
		i1 := min(i+1, queries-1)
		scorePairs(&dst[i*ldd], &dst[i1*ldd], &q[i*dim], &q[i1*dim], &k[0], 4*stride, keys/4, dim/8)
	}
	if j := keys &^ 3; j < keys {
		for i := range queries {
			rowsF32(&dst[i*ldd+j], &q[i*dim], &k[j*stride], 4*stride, keys-j, dim/8)
		}
	}
}

func accumManyF16AVX2(o []float32, dim int, p []float32, ldp int, v []uint16, stride, values int, s *Scratch) {
	if len(o) == dim || dim%8 != 0 {
		for i := range len(o) / dim {
			accumF16AVX2(o[i*dim:][:dim], p[i*ldp:][:values], v, stride)
		}
		return
	}
	for j := 0; j < values; j += manyBlock {
		n := min(manyBlock, values-j)
		accumBlock(o, dim, p[j:], ldp, widened(v[j*stride:], stride, dim, n, s), dim, n)
	}
}

func accumManyF32AVX2(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int, _ *Scratch) {
	if len(o) == dim || dim%8 != 0 {
		for i := range len(o) / dim {
			accumF32AVX2(o[i*dim:][:dim], p[i*ldp:][:values], v, stride)
		}
		return
	}
	for j := 0; j < values; j += manyBlock {
		accumBlock(o, dim, p[j:], ldp, v[j*stride:], stride, min(manyBlock, values-j))
	}
}

// accumBlock is accumMany of few values in single precision.
func accumBlock(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int) {
	sums := len(o) / dim
	for i := 0; i < sums; i += 2 {
		i1 := min(i+1, sums-1)
		accumPairs(&o[i*dim], &o[i1*dim], &p[i*ldp], &p[i1*ldp], &v[0], 4*stride, values, dim/8)
	}
}
