package kernel

import "scout/engine/quant"

// Matrix is a weight matrix where its file is mapped.
type Matrix struct {
	Type quant.Type
	Rows int    // outputs
	Cols int    // inputs, a multiple of the type's block
	Data []byte // Rows rows of Type.RowBytes(Cols) bytes
}

// row is the bytes of row r.
func (m *Matrix) row(r int) []byte {
	n := m.Type.RowBytes(m.Cols)
	return m.Data[r*n : (r+1)*n : (r+1)*n]
}

// Scratch is the working memory of one worker. The zero value is ready; a
// Scratch must not be used by two calls at the same time. It grows to what the
// largest call needed and is reused.
type Scratch struct {
	floats [2][]float32
	bytes  [4][]byte
	super  quant.Super
	small  quant.Small
	two    twoVectors
}

// float is buffer i as n floats of undefined content.
func (s *Scratch) float(i, n int) []float32 {
	s.floats[i] = resized(s.floats[i], n)
	return s.floats[i]
}

// byte is buffer i as n bytes of undefined content.
func (s *Scratch) byte(i, n int) []byte {
	s.bytes[i] = resized(s.bytes[i], n)
	return s.bytes[i]
}

// quantKernel is one implementation of the products of a weight type.
type quantKernel struct {
	// dot has MatMul's contract for matrices of one type, with activations already
	// of the type's form. nil means there is none.
	dot func(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch)
	// packed has MatMulPacked's contract; nil means that packing gains nothing.
	packed func(dst []float32, ldd int, m *Matrix, r0, r1 int, a *Acts, t0, t1, tile int, s *Scratch)
}

// quantised is the kernel MatMul uses for each type; a type without one goes to
// the generic code.
var quantised [64]quantKernel

// quantVersions lists, by name, every quantised kernel that can run on this
// machine, for tests. The generic version is not in it: it is what the others
// are compared with.
var quantVersions = map[string]*[64]quantKernel{}

// registerQuant adds a kernel for type t and makes it the one in use. Arch
// files call it in init when the CPU has what the kernel needs, the best version
// last.
func registerQuant(version string, t quant.Type, k quantKernel) {
	if quantVersions[version] == nil {
		quantVersions[version] = new([64]quantKernel)
	}
	quantVersions[version][t] = k
	quantised[t] = k
}

// MatMul computes dst[t*ldd+r] = row r of m times activation vector t of a, for
// r0 <= r < r1 and t0 <= t < t1. Indices are absolute: a range of rows or tokens
// is a share of one product, and the result of each row and token does not
// depend on the ranges. r0 must be a multiple of 16 and a of form
// FormOf(m.Type), both m.Cols long. Calls for different ranges may run at the
// same time, each with its own Scratch.
func MatMul(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	if r0 >= r1 || t0 >= t1 {
		return
	}
	// What assembly relies on, checked once.
	_ = dst[(t1-1)*ldd+r1-1]
	_ = m.row(r1 - 1)
	if a.Cols != m.Cols || a.Rows < t1 || a.Form != FormOf(m.Type) {
		panic("kernel: activations do not fit the matrix")
	}
	switch {
	case a.Form == FormF32:
		best.matMul(dst, ldd, m, r0, r1, a, t0, t1, s)
	case quantised[m.Type].dot != nil:
		quantised[m.Type].dot(dst, ldd, m, r0, r1, a, t0, t1, s)
	case a.Form == FormQ8_0:
		matMulSmall(dst, ldd, m, r0, r1, a, t0, t1, s)
	default:
		matMulSuper(dst, ldd, m, r0, r1, a, t0, t1, s)
	}
}

// MatMulPacked is MatMul for vectors t0 to t1-1 that are packed from tile on, 16 a
// tile, and for which Packs was true.
func MatMulPacked(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1, tile int, s *Scratch) {
	if r0 >= r1 || t0 >= t1 {
		return
	}
	_ = dst[(t1-1)*ldd+r1-1]
	_ = m.row(r1 - 1)
	packed := quantised[m.Type].packed
	if a.Cols != m.Cols || a.Rows < t1 || a.Form != FormOf(m.Type) || packed == nil {
		panic("kernel: packed activations do not fit the matrix")
	}
	_ = a.packed[(tile+Tiles(t1-t0))*a.Cols/256*packBytes+63]
	packed(dst, ldd, &m, r0, r1, a, t0, t1, tile, s)
}
