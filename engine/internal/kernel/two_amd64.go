//go:build !noasm

package kernel

// matMulTwo is matMul of two vectors, t0 and the next: rows are read where they
// are, once. The matrix has at least 8.
func (f *quantFormat) matMulTwo(dst []float32, ldd int, m *Matrix, r0, r1 int, a *Acts, t0 int, s *Scratch) {
	t := s.inTurn(a, t0)
	step := max(callBytes/m.Type.RowBytes(m.Cols)&^7, 8)
	for r := r0; r < r1; r += step {
		n := min(step, r1-r)
		f.vectors(dst[t0*ldd+r:], ldd, m, r, n, t)
	}
}

// twoVectors is activations of two vectors, block by block in turn.
type twoVectors struct {
	q    []int8
	d    []float32
	sums []int16
	left [2][8]float32 // results of rows that are fewer than eight
}

// inTurn is vectors t and t+1 of a.
func (s *Scratch) inTurn(a *Acts, t int) *twoVectors {
	two := &s.two
	two.q, two.d, two.sums = resized(two.q, 2*a.Cols), resized(two.d, 2*a.Cols/256), resized(two.sums, 2*a.Cols/16)
	blocks := a.Cols / 256
	for v := range 2 {
		for b := range blocks {
			from, to := (t+v)*blocks+b, 2*b+v
			copy(two.q[256*to:][:256], a.Q[256*from:])
			copy(two.sums[16*to:][:16], a.Sums[16*from:])
			two.d[to] = a.D[from]
		}
	}
	return two
}

// vectors sets dst[r] and dst[ldd+r] to the products of n rows from r on and of both
// vectors. It is a call that the garbage collector can stop before.
//
//go:noinline
func (f *quantFormat) vectors(dst []float32, ldd int, m *Matrix, r, n int, t *twoVectors) {
	size, blocks := m.Type.RowBytes(m.Cols), m.Cols/256
	_ = dst[ldd+n-1]
	if n >= 8 {
		f.rowsTwo(&dst[0], ldd, &m.Data[r*size], size, &t.q[0], &t.d[0], &t.sums[0], blocks, n/8)
	}
	if n%8 == 0 {
		return
	}
	// Eight rows that include what is left.
	from := max(r+n-8, 0)
	f.rowsTwo(&t.left[0][0], 8, &m.Data[from*size], size, &t.q[0], &t.d[0], &t.sums[0], blocks, 1)
	for v := range t.left {
		copy(dst[v*ldd+n&^7:v*ldd+n], t.left[v][r+n&^7-from:])
	}
}
