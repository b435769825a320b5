//go:build !noasm

package kernel

import "scout/engine/quant"

// cachedRows is how many rows of n elements of the given size are taken in one
// call of assembly.
func cachedRows(n, size int) int { return max(callBytes/max(n*size, 1)&^7, 8) }

func scoresF16NEON(dst, q []float32, k []uint16, stride int) {
	n := len(q) &^ 7
	if n == 0 {
		scoresF16Generic(dst, q, k, stride)
		return
	}
	step := cachedRows(n, 2)
	for j := 0; j < len(dst); j += step {
		scoreRowsF16(dst[j:min(j+step, len(dst))], q, k[j*stride:], stride)
	}
}

// scoreRowsF16 is scoresF16 of few keys, of at least 8 elements. It is a call
// that the garbage collector can stop before.
//
//go:noinline
func scoreRowsF16(dst, q []float32, k []uint16, stride int) {
	n := len(q) &^ 7
	rowsF16(&dst[0], &q[0], &k[0], 2*stride, len(dst), n/8)
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

func scoresF32NEON(dst, q, k []float32, stride int) {
	n := len(q) &^ 7
	if n == 0 {
		scoresF32Generic(dst, q, k, stride)
		return
	}
	step := cachedRows(n, 4)
	for j := 0; j < len(dst); j += step {
		scoreRowsF32(dst[j:min(j+step, len(dst))], q, k[j*stride:], stride)
	}
}

// scoreRowsF32 is scoreRowsF16 for keys of single precision.
//
//go:noinline
func scoreRowsF32(dst, q, k []float32, stride int) {
	n := len(q) &^ 7
	rowsF32(&dst[0], &q[0], &k[0], 4*stride, len(dst), n/8)
	if n == len(q) {
		return
	}
	for j := range dst {
		dst[j] += dotTail(q[n:], k[j*stride+n:][:len(q)-n])
	}
}

func accumF16NEON(o, p []float32, v []uint16, stride int) {
	n := len(o) &^ 7
	step := cachedRows(n, 2)
	for j := 0; j < len(p); j += step {
		accumRowsF16(o, p[j:min(j+step, len(p))], v[j*stride:], stride)
	}
}

// accumRowsF16 is accumF16 of few values. It is a call that the garbage
// collector can stop before.
//
//go:noinline
func accumRowsF16(o, p []float32, v []uint16, stride int) {
	n := len(o) &^ 7
	if n > 0 {
		accumF16(&o[0], &p[0], &v[0], 2*stride, len(p), n/8)
	}
	if n < len(o) {
		accumF16Generic(o[n:], p, v[n:], stride)
	}
}

func accumF32NEON(o, p, v []float32, stride int) {
	n := len(o) &^ 7
	step := cachedRows(n, 4)
	for j := 0; j < len(p); j += step {
		accumRowsF32(o, p[j:min(j+step, len(p))], v[j*stride:], stride)
	}
}

// accumRowsF32 is accumRowsF16 for values of single precision.
//
//go:noinline
func accumRowsF32(o, p, v []float32, stride int) {
	n := len(o) &^ 7
	if n > 0 {
		accumF32(&o[0], &p[0], &v[0], 4*stride, len(p), n/8)
	}
	if n < len(o) {
		accumF32Generic(o[n:], p, v[n:], stride)
	}
}

// manyBlock is how many keys or values are taken at a time: widened, those of
// 128 elements are 16 KiB, within a first-level cache.
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

func scoresManyF16NEON(dst []float32, ldd int, q []float32, dim int, k []uint16, stride, keys int, s *Scratch) {
	if len(q) == dim || dim%8 != 0 {
		for i := range len(q) / dim {
			scoresF16NEON(dst[i*ldd:][:keys], q[i*dim:][:dim], k, stride)
		}
		return
	}
	for j := 0; j < keys; j += manyBlock {
		n := min(manyBlock, keys-j)
		scoreBlock(dst[j:], ldd, q, dim, widened(k[j*stride:], stride, dim, n, s), dim, n)
	}
}

func scoresManyF32NEON(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int, _ *Scratch) {
	if len(q) == dim || dim%8 != 0 {
		for i := range len(q) / dim {
			scoresF32NEON(dst[i*ldd:][:keys], q[i*dim:][:dim], k, stride)
		}
		return
	}
	for j := 0; j < keys; j += manyBlock {
		scoreBlock(dst[j:], ldd, q, dim, k[j*stride:], stride, min(manyBlock, keys-j))
	}
}

// scoreBlock is scoresMany of few keys in single precision. It is a call that
// the garbage collector can stop before.
//
//go:noinline
func scoreBlock(dst []float32, ldd int, q []float32, dim int, k []float32, stride, keys int) {
	queries := len(q) / dim
	if keys >= 4 {
		for i := 0; i < queries; i += 3 {
			// In an incomplete three the last query is repeated.
			i1, i2 := min(i+1, queries-1), min(i+2, queries-1)
			scoreTriples(&dst[i*ldd], &dst[i1*ldd], &dst[i2*ldd], &q[i*dim], &q[i1*dim], &q[i2*dim], &k[0], 4*stride, keys/4, dim/8)
		}
	}
	if j := keys &^ 3; j < keys {
		for i := range queries {
			rowsF32(&dst[i*ldd+j], &q[i*dim], &k[j*stride], 4*stride, keys-j, dim/8)
		}
	}
}

func accumManyF16NEON(o []float32, dim int, p []float32, ldp int, v []uint16, stride, values int, s *Scratch) {
	if len(o) == dim || dim%8 != 0 {
		for i := range len(o) / dim {
			accumF16NEON(o[i*dim:][:dim], p[i*ldp:][:values], v, stride)
		}
		return
	}
	for j := 0; j < values; j += manyBlock {
		n := min(manyBlock, values-j)
		accumBlock(o, dim, p[j:], ldp, widened(v[j*stride:], stride, dim, n, s), dim, n)
	}
}

func accumManyF32NEON(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int, _ *Scratch) {
	if len(o) == dim || dim%8 != 0 {
		for i := range len(o) / dim {
			accumF32NEON(o[i*dim:][:dim], p[i*ldp:][:values], v, stride)
		}
		return
	}
	for j := 0; j < values; j += manyBlock {
		accumBlock(o, dim, p[j:], ldp, v[j*stride:], stride, min(manyBlock, values-j))
	}
}

// accumBlock is accumMany of few values in single precision. It is a call that
// the garbage collector can stop before.
//
//go:noinline
func accumBlock(o []float32, dim int, p []float32, ldp int, v []float32, stride, values int) {
	last := len(o)/dim - 1
	for i := 0; i <= last; i += 4 {
		// In an incomplete four the last sum is repeated: every copy of it starts from
		// the same numbers and ends with the same.
		i1, i2, i3 := min(i+1, last), min(i+2, last), min(i+3, last)
		accumQuads(&o[i*dim], &o[i1*dim], &o[i2*dim], &o[i3*dim], &p[i*ldp], &p[i1*ldp], &p[i2*ldp], &p[i3*ldp], &v[0], 4*stride, values, dim/8)
	}
}
