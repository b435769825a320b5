package kernel

import "scout/engine/quant"

// Form is the representation of activations that a kind of weight is
// multiplied with.
type Form uint8

// FormF32 is plain floats, for float weights. FormQ8_0 is 8-bit integers with a
// scale per 32, for 32-weight blocks. FormQ8_K is 8-bit integers with a scale
// per 256, for 256-weight blocks.
const (
	FormF32 Form = iota
	FormQ8_0
	FormQ8_K
)

// String is the name of the form.
func (f Form) String() string { return [...]string{"F32", "Q8_0", "Q8_K"}[f] }

// FormOf is the form of activations that weights of type t multiply with.
func FormOf(t quant.Type) Form {
	switch t.BlockSize() {
	case 32:
		return FormQ8_0
	case 256:
		return FormQ8_K
	}
	return FormF32
}

// block and group are the numbers of activations that share a scale (D) and a
// sum (Sums).
func (f Form) block() int { return [...]int{1, 32, 256}[f] }
func (f Form) group() int { return [...]int{1, 32, 16}[f] }

// Acts is a batch of activation vectors in the form some matrix wants. The zero
// value is empty; Resize makes room, Set fills a row.
type Acts struct {
	Form Form
	Rows int // vectors, normally one a token
	Cols int // length of each; a multiple of the form's block

	F    []float32 // [Rows, Cols], FormF32 only
	Q    []int8    // [Rows, Cols], the quantised forms only
	D    []float32 // [Rows, Cols/32] or [Rows, Cols/256]: activation i is D*Q[i]
	Sums []int16   // [Rows, Cols/32] or [Rows, Cols/16]: sums of 32 (FormQ8_0) or 16 (FormQ8_K) of Q

	packed []byte // see Pack
}

// Resize makes a hold rows vectors of cols activations, of undefined content.
// Memory is reused where it is large enough.
func (a *Acts) Resize(form Form, rows, cols int) {
	a.Form, a.Rows, a.Cols = form, rows, cols
	n := rows * cols
	if form == FormF32 {
		a.F = resized(a.F, n)
		a.Q, a.D, a.Sums = a.Q[:0], a.D[:0], a.Sums[:0]
		return
	}
	a.F = a.F[:0]
	a.Q = resized(a.Q, n)
	a.D = resized(a.D, n/form.block())
	a.Sums = resized(a.Sums, n/form.group())
}

// resized is a slice of n elements in the memory of s if that is enough.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Set stores x, Cols long, as vector row. Different rows may be set at the same
// time by different goroutines.
func (a *Acts) Set(row int, x []float32) { a.SetPart(row, 0, x[:a.Cols]) }

// SetPart stores x as the elements of vector row from one on, whose number must be
// a multiple of the form's block, as the length of x must be. Different parts may
// be set at the same time by different goroutines; together they are what Set does.
func (a *Acts) SetPart(row, from int, x []float32) {
	if a.Form == FormF32 {
		copy(a.F[row*a.Cols+from:][:len(x)], x)
		return
	}
	at, block, group := row*a.Cols+from, a.Form.block(), a.Form.group()
	q, d, sums := a.Q[at:][:len(x)], a.D[at/block:][:len(x)/block], a.Sums[at/group:][:len(x)/group]
	if a.Form == FormQ8_0 {
		best.quantizeQ8_0(q, d, sums, x)
	} else {
		best.quantizeQ8_K(q, d, sums, x)
	}
}
