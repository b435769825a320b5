package tensor

import "scout/engine/quant"

// Weight is one tensor of a model file: read-only, in the file's own format.
//
// A Weight says where its bytes are mapped, not where they will be used: matrices
// are looked at by backends only. Model code passes Weights around as names with a
// shape.
type Weight struct {
	Name  string
	Type  quant.Type
	Shape []int  // outermost first: [out, in] for a matrix, [expert, out, in] for a stack of experts
	Data  []byte // row-major, rows of Type.RowBytes(in) bytes
	Place string // file and byte offset, for error messages
}

// In is the length of a row: the width a matrix multiplies.
func (w *Weight) In() int { return w.Shape[len(w.Shape)-1] }

// Out is the number of rows of one matrix.
func (w *Weight) Out() int {
	if len(w.Shape) < 2 {
		return 1
	}
	return w.Shape[len(w.Shape)-2]
}

// Slab is matrix i of a stack [n, out, in] as the bytes of its rows.
func (w *Weight) Slab(i int) []byte {
	n := w.Out() * w.Type.RowBytes(w.In())
	return w.Data[i*n : (i+1)*n : (i+1)*n]
}
