//go:build !noasm

package kernel

// The functions for formats with codebooks; see quant_stubs_arm64.go.

// rowsIQ1S is rowsQ4K for IQ1_S.
//
//go:noescape
func rowsIQ1S(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackIQ1S is unpackQ4K for IQ1_S.
//
//go:noescape
func unpackIQ1S(row *packedRow, w *byte, stride, n int)

// rowsIQ1M is rowsQ4K for IQ1_M.
//
//go:noescape
func rowsIQ1M(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackIQ1M is unpackQ4K for IQ1_M.
//
//go:noescape
func unpackIQ1M(row *packedRow, w *byte, stride, n int)

// rowsIQ2XXS is rowsQ4K for IQ2_XXS.
//
//go:noescape
func rowsIQ2XXS(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackIQ2XXS is unpackQ4K for IQ2_XXS.
//
//go:noescape
func unpackIQ2XXS(row *packedRow, w *byte, stride, n int)

// rowsIQ2XS is rowsQ4K for IQ2_XS.
//
//go:noescape
func rowsIQ2XS(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackIQ2XS is unpackQ4K for IQ2_XS.
//
//go:noescape
func unpackIQ2XS(row *packedRow, w *byte, stride, n int)

// rowsIQ2S is rowsQ4K for IQ2_S.
//
//go:noescape
func rowsIQ2S(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackIQ2S is unpackQ4K for IQ2_S.
//
//go:noescape
func unpackIQ2S(row *packedRow, w *byte, stride, n int)

// rowsIQ3XXS is rowsQ4K for IQ3_XXS.
//
//go:noescape
func rowsIQ3XXS(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackIQ3XXS is unpackQ4K for IQ3_XXS.
//
//go:noescape
func unpackIQ3XXS(row *packedRow, w *byte, stride, n int)

// rowsIQ3S is rowsQ4K for IQ3_S.
//
//go:noescape
func rowsIQ3S(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)

// unpackIQ3S is unpackQ4K for IQ3_S.
//
//go:noescape
func unpackIQ3S(row *packedRow, w *byte, stride, n int)
