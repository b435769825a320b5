//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Products of many vectors. A weightTile is 8 rows by 256 columns with the bytes
// of 4 columns of 4 rows in one register, so that SDOT by one word of
// activations gives a lane to each row and nothing needs adding up across lanes.
// It is multiplied with 4 vectors at a time.
//
// Instructions for 32 columns of 8 rows and 4 vectors, 1024 products, all
// counted: 95 in multiply32, 114 in multiply16, 130 in multiplySmall and 164 in
// multiplySmallMin; 64 of them are SDOT. Minima of multiply32 and multiply16 and
// the floats take 200 to 300 for 256 columns. To interleave takes 12 for 128
// weights.

// What a tile has where, and the size of a packedRow.
#define TILESCALES 2048
#define TILEMINS 2560
#define TILED 2816
#define PACKEDROW 360

// DOTJ multiplies columns 4*j to 4*j+3 of the 16 in V0 to V3, one vector each,
// with the weights of 4 rows in V4+j and of the next 4 in V8+j. The products of
// vector t are in V12+2*t, V13+2*t.
#define DOTJ(j) \
	SDOTE(j, 0, (j)+4, 12) \
	SDOTE(j, 0, (j)+8, 13) \
	SDOTE(j, 1, (j)+4, 14) \
	SDOTE(j, 1, (j)+8, 15) \
	SDOTE(j, 2, (j)+4, 16) \
	SDOTE(j, 2, (j)+8, 17) \
	SDOTE(j, 3, (j)+4, 18) \
	SDOTE(j, 3, (j)+8, 19)

// COLUMNS16 does so with the next 16 columns: weights at R9, activations at R10
// to R13.
#define COLUMNS16 \
	VLD1.P 64(R9), [V4.B16, V5.B16, V6.B16, V7.B16] \
	VLD1.P 64(R9), [V8.B16, V9.B16, V10.B16, V11.B16] \
	FMOVQ.P 16(R10), F0 \
	FMOVQ.P 16(R11), F1 \
	FMOVQ.P 16(R12), F2 \
	FMOVQ.P 16(R13), F3 \
	DOTJ(0) \
	DOTJ(1) \
	DOTJ(2) \
	DOTJ(3)

#define ZERO12TO19 \
	VMOVI $0, V12.B16 \
	VMOVI $0, V13.B16 \
	VMOVI $0, V14.B16 \
	VMOVI $0, V15.B16 \
	VMOVI $0, V16.B16 \
	VMOVI $0, V17.B16 \
	VMOVI $0, V18.B16 \
	VMOVI $0, V19.B16

// SCALE adds to V20 to V27 the products in V12 to V19 times scales e of the
// rows, at R15.
#define SCALE(e) \
	FMOVQ (16*e)(R15), F28 \
	FMOVQ (64+16*e)(R15), F29 \
	MLA4(28, 12, 20) \
	MLA4(29, 13, 21) \
	MLA4(28, 14, 22) \
	MLA4(29, 15, 23) \
	MLA4(28, 16, 24) \
	MLA4(29, 17, 25) \
	MLA4(28, 18, 26) \
	MLA4(29, 19, 27)

#define SCALED16(e) \
	ZERO12TO19 \
	COLUMNS16 \
	SCALE(e)

#define SCALED32(e) \
	ZERO12TO19 \
	COLUMNS16 \
	COLUMNS16 \
	SCALE(e)

// MINPAIR adds the products of sums g and g+1 of each vector, in V0 to V3, and
// of the minima of the rows, in p and p+4, to V12 to V19.
#define MINPAIR(g, p) \
	SMLALE(g, 0, p, 12) \
	SMLALE(g, 0, (p)+4, 13) \
	SMLALE(g, 1, p, 14) \
	SMLALE(g, 1, (p)+4, 15) \
	SMLALE(g, 2, p, 16) \
	SMLALE(g, 2, (p)+4, 17) \
	SMLALE(g, 3, p, 18) \
	SMLALE(g, 3, (p)+4, 19) \
	SMLALE2((g)+1, 0, p, 12) \
	SMLALE2((g)+1, 0, (p)+4, 13) \
	SMLALE2((g)+1, 1, p, 14) \
	SMLALE2((g)+1, 1, (p)+4, 15) \
	SMLALE2((g)+1, 2, p, 16) \
	SMLALE2((g)+1, 2, (p)+4, 17) \
	SMLALE2((g)+1, 3, p, 18) \
	SMLALE2((g)+1, 3, (p)+4, 19)

// MINS8 does so with 8 sums and the minima at R14.
#define MINS8 \
	VLD1.P 64(R14), [V4.B16, V5.B16, V6.B16, V7.B16] \
	VLD1.P 64(R14), [V8.B16, V9.B16, V10.B16, V11.B16] \
	MINPAIR(0, 4) \
	MINPAIR(2, 5) \
	MINPAIR(4, 6) \
	MINPAIR(6, 7)

// SUMPAIRS loads the 16 sums of vector t, at R4, as 8 sums of 32.
#define SUMPAIRS(V) \
	VLD1 (R4), [V4.H8, V5.H8] \
	VADDP V5.H8, V4.H8, V.H8 \
	ADD R20, R4

// MINS32 and MINS16 leave the products of minima and sums in V12 to V19.
#define MINS32 \
	ZERO12TO19 \
	MOVD R6, R4 \
	SUMPAIRS(V0) \
	SUMPAIRS(V1) \
	SUMPAIRS(V2) \
	SUMPAIRS(V3) \
	ADD $TILEMINS, R1, R14 \
	MINS8

#define MINS16 \
	ZERO12TO19 \
	ADD $TILEMINS, R1, R14 \
	MOVD R6, R4 \
	ADD R20, R4, R5 \
	ADD R20, R5, R22 \
	ADD R20, R22, R23 \
	FMOVQ.P 16(R4), F0 \
	FMOVQ.P 16(R5), F1 \
	FMOVQ.P 16(R22), F2 \
	FMOVQ.P 16(R23), F3 \
	MINS8 \
	FMOVQ (R4), F0 \
	FMOVQ (R5), F1 \
	FMOVQ (R22), F2 \
	FMOVQ (R23), F3 \
	MINS8

// TERM adds a block to the results of vector t, whose activations have the scale
// in lane 0 of t: (D*d)*isum, or with TERMMIN (D*d)*isum - (DMin*d)*imin, every
// operation rounded.
#define TERM(t) \
	VLD1 (R0), [V8.S4, V9.S4] \
	FMUL4E(0, t, 28, 4) \
	FMUL4E(0, t, 29, 5) \
	SCVTF4((t)*2+20, 6) \
	SCVTF4((t)*2+21, 7) \
	FMUL4(6, 4, 4) \
	FMUL4(7, 5, 5) \
	FADD4(4, 8, 8) \
	FADD4(5, 9, 9) \
	VST1.P [V8.S4, V9.S4], 32(R0)

#define TERMMIN(t) \
	VLD1 (R0), [V8.S4, V9.S4] \
	FMUL4E(0, t, 28, 4) \
	FMUL4E(0, t, 29, 5) \
	SCVTF4((t)*2+20, 6) \
	SCVTF4((t)*2+21, 7) \
	FMUL4(6, 4, 4) \
	FMUL4(7, 5, 5) \
	FMUL4E(0, t, 30, 6) \
	FMUL4E(0, t, 31, 7) \
	SCVTF4((t)*2+12, 10) \
	SCVTF4((t)*2+13, 11) \
	FMUL4(10, 6, 6) \
	FMUL4(11, 7, 7) \
	FSUB4(6, 4, 4) \
	FSUB4(7, 5, 5) \
	FADD4(4, 8, 8) \
	FADD4(5, 9, 9) \
	VST1.P [V8.S4, V9.S4], 32(R0)

// MULTIPLY is the body of multiply16 and multiply32. chunks times four scales
// are a block.
#define MULTIPLY(SCALED, chunks, MINS) \
	MOVD c+0(FP), R0 \
	MOVD tile+8(FP), R1 \
	MOVD q+16(FP), R2 \
	MOVD d+24(FP), R3 \
	MOVD sums+32(FP), R6 \
	MOVD cols+40(FP), R7 \
	MOVD quads+48(FP), R8 \
	LSR $6, R7, R19 \
	LSR $3, R7, R20 \
quad: \
	MOVD R1, R9 \
	MOVD R2, R10 \
	ADD R7, R10, R11 \
	ADD R7, R11, R12 \
	ADD R7, R12, R13 \
	ADD R7, R13, R2 \
	ADD $TILESCALES, R1, R15 \
	MOVD $chunks, R14 \
	VMOVI $0, V20.B16 \
	VMOVI $0, V21.B16 \
	VMOVI $0, V22.B16 \
	VMOVI $0, V23.B16 \
	VMOVI $0, V24.B16 \
	VMOVI $0, V25.B16 \
	VMOVI $0, V26.B16 \
	VMOVI $0, V27.B16 \
chunk: \
	SCALED(0) \
	SCALED(1) \
	SCALED(2) \
	SCALED(3) \
	ADD $128, R15 \
	SUBS $1, R14 \
	BNE chunk \
	MOVD mins+56(FP), R4 \
	CBZ R4, unsummed \
	MINS \
unsummed: \
	ADD R20<<2, R6, R6 \
	ADD $TILED, R1, R14 \
	VLD1 (R14), [V28.S4, V29.S4, V30.S4, V31.S4] \
	FMOVS (R3), F0 \
	ADD R19, R3 \
	FMOVS (R3), F1 \
	ADD R19, R3 \
	FMOVS (R3), F2 \
	ADD R19, R3 \
	FMOVS (R3), F3 \
	ADD R19, R3 \
	MOVD mins+56(FP), R4 \
	CBZ R4, without \
	TERMMIN(0) \
	TERMMIN(1) \
	TERMMIN(2) \
	TERMMIN(3) \
	B next \
without: \
	TERM(0) \
	TERM(1) \
	TERM(2) \
	TERM(3) \
next: \
	SUBS $1, R8 \
	BNE quad \
	RET

// BLOCKTERM adds a block of 32 to the results of vector t, in V20+2*t and
// V21+2*t; BLOCKTERMMIN does so with minima.
#define BLOCKTERM(t) \
	FMUL4E(0, t, 28, 4) \
	FMUL4E(0, t, 29, 5) \
	SCVTF4((t)*2+12, 6) \
	SCVTF4((t)*2+13, 7) \
	FMUL4(6, 4, 4) \
	FMUL4(7, 5, 5) \
	FADD4(4, (t)*2+20, (t)*2+20) \
	FADD4(5, (t)*2+21, (t)*2+21)

#define BLOCKTERMMIN(t, R) \
	MOVH.P 2(R), R14 \
	SCVTFWS R14, F10 \
	FMUL4E(0, t, 28, 4) \
	FMUL4E(0, t, 29, 5) \
	SCVTF4((t)*2+12, 6) \
	SCVTF4((t)*2+13, 7) \
	FMUL4(6, 4, 4) \
	FMUL4(7, 5, 5) \
	FMUL4E(0, t, 30, 6) \
	FMUL4E(0, t, 31, 7) \
	FMUL4E(0, 10, 6, 6) \
	FMUL4E(0, 10, 7, 7) \
	FADD4(6, 4, 4) \
	FADD4(7, 5, 5) \
	FADD4(4, (t)*2+20, (t)*2+20) \
	FADD4(5, (t)*2+21, (t)*2+21)

#define BLOCKTERMS \
	BLOCKTERM(0) \
	BLOCKTERM(1) \
	BLOCKTERM(2) \
	BLOCKTERM(3)

#define BLOCKTERMSMIN \
	FMOVQ 256(R15), F30 \
	FMOVQ 320(R15), F31 \
	BLOCKTERMMIN(0, R4) \
	BLOCKTERMMIN(1, R5) \
	BLOCKTERMMIN(2, R25) \
	BLOCKTERMMIN(3, R26)

// MULTIPLYSMALL is the body of multiplySmall and multiplySmallMin. R15 is at
// the scales of the next block, which come in fours, R16 counts them.
#define MULTIPLYSMALL(TERMS) \
	MOVD c+0(FP), R0 \
	MOVD tile+8(FP), R1 \
	MOVD q+16(FP), R2 \
	MOVD d+24(FP), R3 \
	MOVD sums+32(FP), R6 \
	MOVD cols+40(FP), R7 \
	MOVD quads+48(FP), R8 \
	LSR $3, R7, R19 \
	LSR $4, R7, R20 \
quad: \
	MOVD R1, R9 \
	MOVD R2, R10 \
	ADD R7, R10, R11 \
	ADD R7, R11, R12 \
	ADD R7, R12, R13 \
	ADD R7, R13, R2 \
	MOVD R3, R21 \
	ADD R19, R21, R22 \
	ADD R19, R22, R23 \
	ADD R19, R23, R24 \
	ADD R19, R24, R3 \
	MOVD R6, R4 \
	ADD R20, R4, R5 \
	ADD R20, R5, R25 \
	ADD R20, R25, R26 \
	ADD R20, R26, R6 \
	ADD $TILESCALES, R1, R15 \
	MOVD $0, R16 \
	MOVD R0, R14 \
	VLD1.P 64(R14), [V20.S4, V21.S4, V22.S4, V23.S4] \
	VLD1 (R14), [V24.S4, V25.S4, V26.S4, V27.S4] \
block: \
	ZERO12TO19 \
	COLUMNS16 \
	COLUMNS16 \
	FMOVS.P 4(R21), F0 \
	FMOVS.P 4(R22), F1 \
	FMOVS.P 4(R23), F2 \
	FMOVS.P 4(R24), F3 \
	FMOVQ (R15), F28 \
	FMOVQ 64(R15), F29 \
	TERMS \
	ADD $16, R15 \
	ADD $1, R16 \
	TST $3, R16 \
	BNE same \
	ADD $64, R15 \
same: \
	MOVD blocks+56(FP), R14 \
	CMP R14, R16 \
	BNE block \
	VST1.P [V20.S4, V21.S4, V22.S4, V23.S4], 64(R0) \
	VST1.P [V24.S4, V25.S4, V26.S4, V27.S4], 64(R0) \
	SUBS $1, R8 \
	BNE quad \
	RET

// LOADROWS loads 16 bytes of each of the 8 rows at R2 to R9.
#define LOADROWS \
	FMOVQ.P 16(R2), F0 \
	FMOVQ.P 16(R3), F1 \
	FMOVQ.P 16(R4), F2 \
	FMOVQ.P 16(R5), F3 \
	FMOVQ.P 16(R6), F4 \
	FMOVQ.P 16(R7), F5 \
	FMOVQ.P 16(R8), F6 \
	FMOVQ.P 16(R9), F7

// func interleave(tile *weightTile, rows *packedRow)
TEXT ·interleave(SB), NOSPLIT, $0-16
	MOVD tile+0(FP), R0
	MOVD rows+8(FP), R2
	ADD  $PACKEDROW, R2, R3
	ADD  $PACKEDROW, R3, R4
	ADD  $PACKEDROW, R4, R5
	ADD  $PACKEDROW, R5, R6
	ADD  $PACKEDROW, R6, R7
	ADD  $PACKEDROW, R7, R8
	ADD  $PACKEDROW, R8, R9
	MOVD $20, R10

words:
	// Weights, then scales: words of four rows side by side.
	LOADROWS
	VST4.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST4.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS   $1, R10
	BNE    words

	// Minima are half words.
	LOADROWS
	VST4.P [V0.H8, V1.H8, V2.H8, V3.H8], 64(R0)
	VST4.P [V4.H8, V5.H8, V6.H8, V7.H8], 64(R0)
	LOADROWS
	VST4.P [V0.H8, V1.H8, V2.H8, V3.H8], 64(R0)
	VST4.P [V4.H8, V5.H8, V6.H8, V7.H8], 64(R0)

	// D and DMin are pairs.
	FMOVD (R2), F0
	VLD1  (R3), V0.D[1]
	FMOVD (R4), F1
	VLD1  (R5), V1.D[1]
	FMOVD (R6), F2
	VLD1  (R7), V2.D[1]
	FMOVD (R8), F3
	VLD1  (R9), V3.D[1]
	VUZP1 V1.S4, V0.S4, V4.S4
	VUZP1 V3.S4, V2.S4, V5.S4
	VUZP2 V1.S4, V0.S4, V6.S4
	VUZP2 V3.S4, V2.S4, V7.S4
	VST1  [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	RET

// func multiply16(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, mins int)
TEXT ·multiply16(SB), NOSPLIT, $0-64
	MULTIPLY(SCALED16, 4, MINS16)

// func multiply32(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, mins int)
TEXT ·multiply32(SB), NOSPLIT, $0-64
	MULTIPLY(SCALED32, 2, MINS32)

// func multiplySmall(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, blocks int)
TEXT ·multiplySmall(SB), NOSPLIT, $0-64
	MULTIPLYSMALL(BLOCKTERMS)

// func multiplySmallMin(c *float32, tile *weightTile, q *int8, d *float32, sums *int16, cols, quads, blocks int)
TEXT ·multiplySmallMin(SB), NOSPLIT, $0-64
	MULTIPLYSMALL(BLOCKTERMSMIN)
