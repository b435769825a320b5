//go:build !noasm

package kernel

// Every count below is at least 1. Strides are in bytes.

// rowsQ4K sets dst[j] to the product of row j of w and the activations q, with
// their scales and sums, for j < rows.
//
//go:noescape
func rowsQ4K(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ5K is rowsQ4K for Q5_K.
//
//go:noescape
func rowsQ5K(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ6K is rowsQ4K for Q6_K.
//
//go:noescape
func rowsQ6K(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ3K is rowsQ4K for Q3_K.
//
//go:noescape
func rowsQ3K(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ2K is rowsQ4K for Q2_K.
//
//go:noescape
func rowsQ2K(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// rowsIQ4XS is rowsQ4K for IQ4_XS.
//
//go:noescape
func rowsIQ4XS(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackQ4K stores the block at w and those of the next n-1 rows.
//
//go:noescape
func unpackQ4K(row *packedRow, w *byte, stride, n int)

// unpackQ5K is unpackQ4K for Q5_K.
//
//go:noescape
func unpackQ5K(row *packedRow, w *byte, stride, n int)

// unpackQ6K is unpackQ4K for Q6_K.
//
//go:noescape
func unpackQ6K(row *packedRow, w *byte, stride, n int)

// unpackQ3K is unpackQ4K for Q3_K.
//
//go:noescape
func unpackQ3K(row *packedRow, w *byte, stride, n int)

// unpackQ2K is unpackQ4K for Q2_K.
//
//go:noescape
func unpackQ2K(row *packedRow, w *byte, stride, n int)

// unpackIQ4XS is unpackQ4K for IQ4_XS.
//
//go:noescape
func unpackIQ4XS(row *packedRow, w *byte, stride, n int)

// dotGroups is the sum over 16 groups u of s[u] times the product of 16 weights
// and 16 activations.
//
//go:noescape
func dotGroups(w *int8, s *int16, q *int8) int32

// rowsQ40 sets dst[j] to the product of row j of w and the activations q, with
// their scales and sums, for j < 4*quads.
//
//go:noescape
func rowsQ40(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ41 is rowsQ40 for Q4_1.
//
//go:noescape
func rowsQ41(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ50 is rowsQ40 for Q5_0.
//
//go:noescape
func rowsQ50(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ51 is rowsQ40 for Q5_1.
//
//go:noescape
func rowsQ51(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)

// rowsQ80 is rowsQ40 for Q8_0.
//
//go:noescape
func rowsQ80(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)

// rowsIQ4NL is rowsQ40 for IQ4_NL.
//
//go:noescape
func rowsIQ4NL(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)

// rowsMXFP4 is rowsQ40 for MXFP4.
//
//go:noescape
func rowsMXFP4(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)

// unpackQ40 stores the blocks from w on, at most 8, and those of the next n-1
// rows.
//
//go:noescape
func unpackQ40(row *packedRow, w *byte, stride, n, blocks int)

// unpackQ41 is unpackQ40 for Q4_1.
//
//go:noescape
func unpackQ41(row *packedRow, w *byte, stride, n, blocks int)

// unpackQ50 is unpackQ40 for Q5_0.
//
//go:noescape
func unpackQ50(row *packedRow, w *byte, stride, n, blocks int)

// unpackQ51 is unpackQ40 for Q5_1.
//
//go:noescape
func unpackQ51(row *packedRow, w *byte, stride, n, blocks int)

// unpackQ80 is unpackQ40 for Q8_0.
//
//go:noescape
func unpackQ80(row *packedRow, w *byte, stride, n, blocks int)

// unpackIQ4NL is unpackQ40 for IQ4_NL.
//
//go:noescape
func unpackIQ4NL(row *packedRow, w *byte, stride, n, blocks int)

// unpackMXFP4 is unpackQ40 for MXFP4.
//
//go:noescape
func unpackMXFP4(row *packedRow, w *byte, stride, n, blocks int)

// interleave makes a tile of 8 rows.
//
//go:noescape
func interleave(tile *weightTile, rows *packedRow)

// multiply16 adds to c[vector][8] the products of a tile of 256-weight blocks
// and 4*quads vectors. q, d and sums are those of the first vector's block; the
// vectors have cols activations. Scales and minima are of 16 weights; mins says
// whether there are minima.
//
//go:noescape
func multiply16(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, mins int)

// multiply32 is multiply16 with scales and minima of 32 weights.
//
//go:noescape
func multiply32(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, mins int)

// multiplySmall does so with up to 8 blocks of 32 weights without minima.
//
//go:noescape
func multiplySmall(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, blocks int)

// multiplySmallMin is multiplySmall with minima.
//
//go:noescape
func multiplySmallMin(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, blocks int)
