package kernel

import (
	"encoding/binary"
	"math"

	"scout/engine/quant"
)

// matMulSuper is the definition of a product with 256-weight blocks. A block is
// unpacked once and multiplied with every token; dst holds the sums meanwhile.
func matMulSuper(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	blocks := m.Cols / 256
	size := m.Type.BlockBytes()
	w := &s.super
	for r := r0; r < r1; r++ {
		row := m.row(r)
		for t := t0; t < t1; t++ {
			dst[t*ldd+r] = 0
		}
		for b := range blocks {
			quant.UnpackSuper(m.Type, w, row[b*size:(b+1)*size])
			for t := t0; t < t1; t++ {
				at := t*blocks + b
				isum, imin := superDot(w, (*[256]int8)(a.Q[at*256:]), (*[16]int16)(a.Sums[at*16:]))
				d := a.D[at]
				// Each product is converted, so that no architecture fuses it with the
				// subtraction.
				pos := float32(float32(w.D*d) * float32(isum))
				neg := float32(float32(w.DMin*d) * float32(imin))
				dst[t*ldd+r] += float32(pos - neg)
			}
		}
	}
}

// superDot is the two integer sums of one block: isum = sum S*Q*q, imin = sum
// M*sums. Neither can overflow: the largest is Q6_K's 256*128*32*127.
func superDot(w *quant.Super, q *[256]int8, sums *[16]int16) (isum, imin int32) {
	for u := range 16 {
		wq := (*[16]int8)(w.Q[16*u:])
		aq := (*[16]int8)(q[16*u:])
		var sum int32
		for i := range 16 {
			sum += int32(wq[i]) * int32(aq[i])
		}
		isum += int32(w.S[u]) * sum
		imin += int32(w.M[u]) * int32(sums[u])
	}
	return isum, imin
}

// matMulSmall is the definition of a product with 32-weight blocks, W = D*Q +
// Min: each block adds (D*d)*float32(sum Q*q) + (Min*d)*float32(sum q), every
// operation rounded on its own.
func matMulSmall(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	blocks := m.Cols / 32
	size := m.Type.BlockBytes()
	w := &s.small
	for r := r0; r < r1; r++ {
		row := m.row(r)
		for t := t0; t < t1; t++ {
			dst[t*ldd+r] = 0
		}
		for b := range blocks {
			quant.UnpackSmall(m.Type, w, row[b*size:(b+1)*size])
			for t := t0; t < t1; t++ {
				at := t*blocks + b
				q := (*[32]int8)(a.Q[at*32:])
				var isum int32
				for i := range 32 {
					isum += int32(w.Q[i]) * int32(q[i])
				}
				d := a.D[at]
				dot := float32(float32(w.D*d) * float32(isum))
				minimum := float32(float32(w.Min*d) * float32(a.Sums[at]))
				dst[t*ldd+r] += float32(dot + minimum)
			}
		}
	}
}

// matMulFloatGeneric widens each row once and multiplies it with every token.
func matMulFloatGeneric(dst []float32, ldd int, m Matrix, r0, r1 int, a *Acts, t0, t1 int, s *Scratch) {
	w := s.float(0, m.Cols)
	for r := r0; r < r1; r++ {
		widen(m.Type, w, m.row(r))
		for t := t0; t < t1; t++ {
			dst[t*ldd+r] = dotGeneric(w, a.F[t*m.Cols:(t+1)*m.Cols])
		}
	}
}

// widen turns a row of float weights, little-endian as in the file, into
// float32. It is exact.
func widen(t quant.Type, dst []float32, row []byte) {
	switch t {
	case quant.F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(row[4*i:]))
		}
	case quant.F16:
		for i := range dst {
			dst[i] = quant.F16ToF32(binary.LittleEndian.Uint16(row[2*i:]))
		}
	case quant.BF16:
		for i := range dst {
			dst[i] = quant.BF16ToF32(binary.LittleEndian.Uint16(row[2*i:]))
		}
	}
}
