//go:build !noasm

package kernel

// Every count below is at least 1. Strides are in bytes.

// rowsF32 sets dst[j] to x times row j of w, for j < rows. A row is groups
// groups of 8 elements.
//
//go:noescape
func rowsF32(dst, x *float32, w *float32, stride, rows, groups int)

// rowsF16 is rowsF32 for weights of half precision.
//
//go:noescape
func rowsF16(dst, x *float32, w *uint16, stride, rows, groups int)

// rowsBF16 is rowsF32 for bfloat16 weights.
//
//go:noescape
func rowsBF16(dst, x *float32, w *uint16, stride, rows, groups int)

// tileF32 adds the products of 4 rows w and 3 vectors x, groups groups of 8
// elements each, to the 8 partial sums of each pair: those of row i and vector t
// start at acc + t*accStride + 32*i bytes.
//
//go:noescape
func tileF32(acc *float32, accStride int, w0, w1, w2, w3, x0, x1, x2 *float32, groups int)

// sumLanes sets dst[i] to the sum of the 8 partial sums acc[8*i:], for i <
// 4*quads.
//
//go:noescape
func sumLanes(dst, acc *float32, quads int)

// scoreTriples sets dst0[j], dst1[j] and dst2[j] to q0, q1 and q2 times row j of
// k, for j < 4*quads. A row is groups groups of 8 elements.
//
//go:noescape
func scoreTriples(dst0, dst1, dst2, q0, q1, q2, k *float32, stride, quads, groups int)

// accumF32 adds p[j] times row j of v to o, for j < n. A row is groups groups of
// 8 elements.
//
//go:noescape
func accumF32(o, p, v *float32, stride, n, groups int)

// accumF16 is accumF32 for values of half precision.
//
//go:noescape
func accumF16(o, p *float32, v *uint16, stride, n, groups int)

// accumQuads is accumF32 of four sums over the same values. Two sums may be the
// same one, with the same weights.
//
//go:noescape
func accumQuads(o0, o1, o2, o3, p0, p1, p2, p3, v *float32, stride, n, groups int)

// addVectors sets dst to a + b, groups groups of 8 elements.
//
//go:noescape
func addVectors(dst, a, b *float32, groups int)

// scaleVector sets dst to s*x, groups groups of 8 elements.
//
//go:noescape
func scaleVector(dst, x *float32, s float32, groups int)

// scaleMulVector sets dst to s*x*w, rounded after each product, groups groups of
// 8 elements.
//
//go:noescape
func scaleMulVector(dst, x, w *float32, s float32, groups int)

// axpyVector adds s*x to dst, the product rounded first, groups groups of 8
// elements.
//
//go:noescape
func axpyVector(dst, x *float32, s float32, groups int)

// maxVector is the largest of groups groups of 8 floats. +0 is larger than -0.
//
//go:noescape
func maxVector(x *float32, groups int) float32

// sumSquares adds the squares of x, groups groups of 16 elements, to 16 partial
// sums: element i to sum i%16.
//
//go:noescape
func sumSquares(lanes *float64, x *float32, groups int)

// ropePairsVector rotates the pairs x[2i], x[2i+1] by the angles i, groups groups
// of 4 pairs.
//
//go:noescape
func ropePairsVector(x, cos, sin *float32, groups int)

// ropeHalvesVector rotates the pairs low[i], high[i] by the angles i, groups
// groups of 4 pairs.
//
//go:noescape
func ropeHalvesVector(low, high, cos, sin *float32, groups int)

// expSumVector replaces x by exp(x-max), groups groups of 8 elements, and adds
// element i to the partial sum i%8.
//
//go:noescape
func expSumVector(lanes *float64, x *float32, max float32, groups int)

// siluMulVector sets dst to gate/(1+exp(-gate))*up, groups groups of 8 elements.
//
//go:noescape
func siluMulVector(dst, gate, up *float32, groups int)

// toF16Vector rounds groups groups of 8 floats to half precision, to nearest
// even.
//
//go:noescape
func toF16Vector(dst *uint16, src *float32, groups int)

// fromF16Vector widens groups groups of 8 elements.
//
//go:noescape
func fromF16Vector(dst *float32, src *uint16, groups int)

// fromBF16Vector widens groups groups of 8 elements.
//
//go:noescape
func fromBF16Vector(dst *float32, src *uint16, groups int)

// quantizeQ8_0Vector is quant.QuantizeQ8_0 of blocks blocks of 32.
//
//go:noescape
func quantizeQ8_0Vector(q *int8, d *float32, sums *int16, x *float32, blocks int)

// quantizeQ8_KVector is quant.QuantizeQ8_K of blocks blocks of 256.
//
//go:noescape
func quantizeQ8_KVector(q *int8, d *float32, sums *int16, x *float32, blocks int)
