//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"
#include "super_arm64.h"

// The formats whose weights are rows of a codebook, of 8 weights or 4, with
// signs. See super_arm64.h. The codebook is at R20, the signs of 7 bits at R21.
//
// Instructions for 256 weights of one vector, all counted: IQ1_S 250, IQ1_M 314,
// IQ2_XXS 259, IQ2_XS 286, IQ2_S 316, IQ3_XXS 370, IQ3_S 471. To store a block:
// 215, 263, 224, 235, 265, 335 and 436.

// What the bits of a byte are compared with, in 8 bytes each: each bit in turn,
// or bit 3 and bit 7; which of two bytes that is; and the shifts of the scales of
// IQ1_M.
DATA bits<>+0(SB)/8, $0x8040201008040201
DATA bits<>+8(SB)/8, $0x8040201008040201
DATA bits<>+16(SB)/8, $0x0000000000000000
DATA bits<>+24(SB)/8, $0x0101010101010101
DATA bits<>+32(SB)/8, $0x0808080808080808
DATA bits<>+40(SB)/8, $0x8080808080808080
DATA bits<>+48(SB)/8, $0xFFF7FFFAFFFD0000
DATA bits<>+56(SB)/8, $0xFFF7FFFAFFFD0000
GLOBL bits<>(SB), RODATA|NOPTR, $64

// ROWS8 loads rows R14 and R15 of 8 weights, ROWS4 the rows of 4 weights whose
// numbers are the bytes of R13.
#define ROWS8(F, V) \
	FMOVD (R20)(R14<<3), F \
	ADD R15<<3, R20, R15 \
	VLD1 (R15), V.D[1]

#define ROWS4(F, V) \
	UBFX $0, R13, $8, R14 \
	FMOVS (R20)(R14<<2), F \
	UBFX $8, R13, $8, R15 \
	ADD R15<<2, R20, R15 \
	VLD1 (R15), V.S[1] \
	UBFX $16, R13, $8, R14 \
	ADD R14<<2, R20, R14 \
	VLD1 (R14), V.S[2] \
	LSR $24, R13, R15 \
	ADD R15<<2, R20, R15 \
	VLD1 (R15), V.S[3]

// NEGATE changes the signs where S has ones.
#define NEGATE(V, S) \
	VEOR S.B16, V.B16, V.B16 \
	VSUB S.B16, V.B16, V.B16

// SIGNS7 does so by 7 bits of R from bit at on, and the 7 bits after them.
#define SIGNS7(V, R, at) \
	UBFX $(at), R, $7, R14 \
	UBFX $((at)+7), R, $7, R15 \
	FMOVD (R21)(R14<<3), F8 \
	ADD R15<<3, R21, R15 \
	VLD1 (R15), V8.D[1] \
	NEGATE(V, V8)

// SIGNS8 does so by the first two bytes of S, which it moves to the end.
#define SIGNS8(V, S) \
	VTBL V31.B16, [S.B16], V8.B16 \
	VCMTST V30.B16, V8.B16, V8.B16 \
	VEXT $2, S.B16, S.B16, S.B16 \
	NEGATE(V, V8)

// SCALEBY makes the half float in R14 a float and multiplies it with F.
#define SCALEBY(F) \
	FMOVS R14, F27 \
	FCVTHS F27, F27 \
	FMULS F, F27, F27

#define SETUP2XXS \
	MOVD $·bookIQ2XXS(SB), R20 \
	MOVD $·signsOf7(SB), R21 \
	MOVD $1, R14 \
	VDUP R14, V31.S4 \
	FMOVS $0.125, F30

#define SCALES2XXS \
	MOVHU.P 2(R8), R14 \
	SCALEBY(F30) \
	ADD $32, R8, R13 \
	VLD2 (R8), [V12.S4, V13.S4] \
	VLD2 (R13), [V14.S4, V15.S4] \
	VUSHR $28, V13.S4, V16.S4 \
	VUSHR $28, V15.S4, V17.S4 \
	VADD V16.S4, V16.S4, V16.S4 \
	VADD V17.S4, V17.S4, V17.S4 \
	VORR V31.B16, V16.B16, V16.B16 \
	VORR V31.B16, V17.B16, V17.B16

#define GROUP2XXS(F, V, G, W) \
	MOVD.P 8(R8), R13 \
	UBFX $0, R13, $8, R14 \
	UBFX $8, R13, $8, R15 \
	ROWS8(F, V) \
	SIGNS7(V, R13, 32) \
	UBFX $16, R13, $8, R14 \
	UBFX $24, R13, $8, R15 \
	ROWS8(G, W) \
	SIGNS7(W, R13, 46)

#define HALF2XXS \
	GROUP2XXS(F0, V0, F1, V1) \
	GROUP2XXS(F2, V2, F3, V3) \
	GROUP2XXS(F4, V4, F5, V5) \
	GROUP2XXS(F6, V6, F7, V7)

#define SETUP2XS \
	MOVD $·bookIQ2XS(SB), R20 \
	MOVD $·signsOf7(SB), R21 \
	VMOVI $1, V28.B16 \
	VMOVI $0x0f, V29.B16 \
	FMOVS $0.125, F30

// NIBBLESCALES leaves the scales of 16 weights, 2*x+1 for each nibble x of the 8
// bytes in V20.
#define NIBBLESCALES \
	VUSHR $4, V20.B16, V21.B16 \
	VAND V29.B16, V20.B16, V20.B16 \
	VZIP1 V21.B16, V20.B16, V20.B16 \
	VADD V20.B16, V20.B16, V20.B16 \
	VORR V28.B16, V20.B16, V20.B16 \
	WIDENSCALES

#define SCALES2XS \
	FMOVD 66(R8), F20 \
	MOVHU.P 2(R8), R14 \
	SCALEBY(F30) \
	NIBBLESCALES

#define PAIR2XS(F, V) \
	MOVWU.P 4(R8), R13 \
	UBFX $0, R13, $9, R14 \
	UBFX $16, R13, $9, R15 \
	ROWS8(F, V) \
	UBFX $9, R13, $7, R14 \
	LSR $25, R13, R15 \
	FMOVD (R21)(R14<<3), F8 \
	ADD R15<<3, R21, R15 \
	VLD1 (R15), V8.D[1] \
	NEGATE(V, V8)

#define HALF2XS \
	PAIR2XS(F0, V0) \
	PAIR2XS(F1, V1) \
	PAIR2XS(F2, V2) \
	PAIR2XS(F3, V3) \
	PAIR2XS(F4, V4) \
	PAIR2XS(F5, V5) \
	PAIR2XS(F6, V6) \
	PAIR2XS(F7, V7)

#define SETUPSIGNS8 \
	MOVD $bits<>(SB), R14 \
	VLD1 (R14), [V30.B16, V31.B16]

#define SETUP2S \
	MOVD $·bookIQ2S(SB), R20 \
	SETUPSIGNS8

// The signs are in V28 and V29, whose place the constants of the scales take
// meanwhile.
#define SCALES2S \
	VMOVI $1, V28.B16 \
	VMOVI $0x0f, V29.B16 \
	FMOVS $0.125, F12 \
	FMOVD 74(R8), F20 \
	ADD $66, R8, R22 \
	ADD $34, R8, R13 \
	MOVHU.P 2(R8), R14 \
	SCALEBY(F12) \
	NIBBLESCALES \
	VLD1 (R13), [V28.B16, V29.B16]

// PAIRHIGH loads rows whose upper two bits are in R13 from bit at on.
#define PAIRHIGH(F, V, at) \
	MOVBU.P 1(R8), R14 \
	MOVBU.P 1(R8), R15 \
	UBFX $(at), R13, $2, R16 \
	UBFX $((at)+2), R13, $2, R17 \
	ORR R16<<8, R14, R14 \
	ORR R17<<8, R15, R15 \
	ROWS8(F, V)

#define GROUP2S(F, V, G, W, S) \
	MOVBU.P 1(R22), R13 \
	PAIRHIGH(F, V, 0) \
	SIGNS8(V, S) \
	PAIRHIGH(G, W, 4) \
	SIGNS8(W, S)

#define FIRST2S \
	GROUP2S(F0, V0, F1, V1, V28) \
	GROUP2S(F2, V2, F3, V3, V28) \
	GROUP2S(F4, V4, F5, V5, V28) \
	GROUP2S(F6, V6, F7, V7, V28)

#define SECOND2S \
	GROUP2S(F0, V0, F1, V1, V29) \
	GROUP2S(F2, V2, F3, V3, V29) \
	GROUP2S(F4, V4, F5, V5, V29) \
	GROUP2S(F6, V6, F7, V7, V29)

#define SETUP3XXS \
	MOVD $·bookIQ3XXS(SB), R20 \
	MOVD $·signsOf7(SB), R21 \
	MOVD $1, R14 \
	VDUP R14, V31.S4 \
	FMOVS $0.25, F30

#define SCALES3XXS \
	ADD $66, R8, R22 \
	MOVHU.P 2(R8), R14 \
	SCALEBY(F30) \
	VLD1 (R22), [V16.S4, V17.S4] \
	VUSHR $28, V16.S4, V16.S4 \
	VUSHR $28, V17.S4, V17.S4 \
	VADD V16.S4, V16.S4, V16.S4 \
	VADD V17.S4, V17.S4, V17.S4 \
	VORR V31.B16, V16.B16, V16.B16 \
	VORR V31.B16, V17.B16, V17.B16

#define GROUP3XXS(F, V, G, W) \
	MOVWU.P 4(R22), R16 \
	MOVWU.P 4(R8), R13 \
	ROWS4(F, V) \
	SIGNS7(V, R16, 0) \
	MOVWU.P 4(R8), R13 \
	ROWS4(G, W) \
	SIGNS7(W, R16, 14)

#define HALF3XXS \
	GROUP3XXS(F0, V0, F1, V1) \
	GROUP3XXS(F2, V2, F3, V3) \
	GROUP3XXS(F4, V4, F5, V5) \
	GROUP3XXS(F6, V6, F7, V7)

#define SETUP3S \
	MOVD $·bookIQ3S(SB), R20 \
	SETUPSIGNS8

// The nibbles of 4 bytes are scales of 32 weights.
#define SCALES3S \
	VMOVI $1, V28.B16 \
	VMOVI $0x0f, V29.B16 \
	FMOVS 106(R8), F20 \
	ADD $66, R8, R22 \
	ADD $74, R8, R13 \
	MOVHU.P 2(R8), R14 \
	FMOVS R14, F27 \
	FCVTHS F27, F27 \
	VUSHR $4, V20.B16, V21.B16 \
	VAND V29.B16, V20.B16, V20.B16 \
	VZIP1 V21.B16, V20.B16, V20.B16 \
	VADD V20.B16, V20.B16, V20.B16 \
	VORR V28.B16, V20.B16, V20.B16 \
	VUXTL V20.B8, V20.H8 \
	VUXTL V20.H4, V16.S4 \
	VUXTL2 V20.H8, V17.S4 \
	VLD1 (R13), [V28.B16, V29.B16]

// ROWS4HIGH loads rows of 4 weights whose bits 8 are in R16 from bit at on.
#define ROWS4HIGH(F, V, at) \
	MOVWU.P 4(R8), R13 \
	UBFX $0, R13, $8, R14 \
	UBFX $(at), R16, $1, R17 \
	ORR R17<<8, R14, R14 \
	FMOVS (R20)(R14<<2), F \
	UBFX $8, R13, $8, R15 \
	UBFX $((at)+1), R16, $1, R17 \
	ORR R17<<8, R15, R15 \
	ADD R15<<2, R20, R15 \
	VLD1 (R15), V.S[1] \
	UBFX $16, R13, $8, R14 \
	UBFX $((at)+2), R16, $1, R17 \
	ORR R17<<8, R14, R14 \
	ADD R14<<2, R20, R14 \
	VLD1 (R14), V.S[2] \
	LSR $24, R13, R15 \
	UBFX $((at)+3), R16, $1, R17 \
	ORR R17<<8, R15, R15 \
	ADD R15<<2, R20, R15 \
	VLD1 (R15), V.S[3]

#define GROUP3S(F, V, G, W, S) \
	MOVBU.P 1(R22), R16 \
	ROWS4HIGH(F, V, 0) \
	SIGNS8(V, S) \
	ROWS4HIGH(G, W, 4) \
	SIGNS8(W, S)

#define FIRST3S \
	GROUP3S(F0, V0, F1, V1, V28) \
	GROUP3S(F2, V2, F3, V3, V28) \
	GROUP3S(F4, V4, F5, V5, V28) \
	GROUP3S(F6, V6, F7, V7, V28)

#define SECOND3S \
	GROUP3S(F0, V0, F1, V1, V29) \
	GROUP3S(F2, V2, F3, V3, V29) \
	GROUP3S(F4, V4, F5, V5, V29) \
	GROUP3S(F6, V6, F7, V7, V29)

#define SETUP1S \
	MOVD $·bookIQ1(SB), R20 \
	MOVD $1, R14 \
	VDUP R14, V31.H8 \
	FMOVS $0.125, F30

#define SCALES1S \
	ADD $34, R8, R22 \
	MOVHU.P 2(R8), R14 \
	SCALEBY(F30) \
	VLD1 (R22), [V20.H8] \
	VSHL $1, V20.H8, V20.H8 \
	VUSHR $13, V20.H8, V20.H8 \
	VADD V20.H8, V20.H8, V20.H8 \
	VORR V31.B16, V20.B16, V20.B16 \
	SXTL4(20, 16) \
	SXTL4_2(20, 17)

// PAIR1S loads rows whose upper three bits are in R13 from bit at on.
#define PAIR1S(F, V, at) \
	MOVBU.P 1(R8), R14 \
	MOVBU.P 1(R8), R15 \
	UBFX $(at), R13, $3, R16 \
	UBFX $((at)+3), R13, $3, R17 \
	ORR R16<<8, R14, R14 \
	ORR R17<<8, R15, R15 \
	ROWS8(F, V)

// Bit 15 takes 2 off the weights.
#define GROUP1S(F, V, G, W) \
	MOVHU.P 2(R22), R13 \
	PAIR1S(F, V, 0) \
	PAIR1S(G, W, 6) \
	SBFX $15, R13, $1, R13 \
	VDUP R13, V8.B16 \
	VADD V8.B16, V8.B16, V8.B16 \
	VADD V8.B16, V.B16, V.B16 \
	VADD V8.B16, W.B16, W.B16

#define HALF1S \
	GROUP1S(F0, V0, F1, V1) \
	GROUP1S(F2, V2, F3, V3) \
	GROUP1S(F4, V4, F5, V5) \
	GROUP1S(F6, V6, F7, V7)

#define SETUP1M \
	MOVD $·bookIQ1(SB), R20 \
	MOVD $bits<>+32(SB), R14 \
	VLD1 (R14), [V28.B16, V29.B16] \
	MOVD $1, R14 \
	VDUP R14, V31.H8 \
	FMOVS $0.125, F30

// The upper nibbles of four words are D, their other bits four scales each.
#define SCALES1M \
	ADD $32, R8, R22 \
	MOVD 48(R8), R13 \
	FMOVD R13, F20 \
	UBFX $12, R13, $4, R14 \
	UBFX $28, R13, $4, R15 \
	UBFX $44, R13, $4, R16 \
	LSR $60, R13, R17 \
	ORR R15<<4, R14, R14 \
	ORR R16<<8, R14, R14 \
	ORR R17<<12, R14, R14 \
	SCALEBY(F30) \
	VZIP1 V20.H8, V20.H8, V20.H8 \
	VZIP2 V20.S4, V20.S4, V21.S4 \
	VZIP1 V20.S4, V20.S4, V20.S4 \
	USHL8(29, 20, 20) \
	USHL8(29, 21, 21) \
	VSHL $13, V20.H8, V20.H8 \
	VSHL $13, V21.H8, V21.H8 \
	VUSHR $12, V20.H8, V20.H8 \
	VUSHR $12, V21.H8, V21.H8 \
	VORR V31.B16, V20.B16, V20.B16 \
	VORR V31.B16, V21.B16, V21.B16 \
	SXTL4(20, 16) \
	SXTL4_2(20, 17) \
	SXTL4(21, 18) \
	SXTL4_2(21, 19)

// Bits 3 and 7 take 2 off the weights of one row each.
#define PAIR1M(F, V) \
	MOVBU.P 1(R22), R13 \
	MOVBU.P 1(R8), R14 \
	MOVBU.P 1(R8), R15 \
	AND $7, R13, R16 \
	UBFX $4, R13, $3, R17 \
	ORR R16<<8, R14, R14 \
	ORR R17<<8, R15, R15 \
	ROWS8(F, V) \
	VDUP R13, V8.B16 \
	VCMTST V28.B16, V8.B16, V8.B16 \
	VADD V8.B16, V8.B16, V8.B16 \
	VADD V8.B16, V.B16, V.B16

#define HALF1M \
	PAIR1M(F0, V0) \
	PAIR1M(F1, V1) \
	PAIR1M(F2, V2) \
	PAIR1M(F3, V3) \
	PAIR1M(F4, V4) \
	PAIR1M(F5, V5) \
	PAIR1M(F6, V6) \
	PAIR1M(F7, V7)

// func rowsIQ1S(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ1S(SB), NOSPLIT, $0-64
	ROWS(SETUP1S, SCALES1S, NOTHING, HALF1S, HALF1S, DOT32, 17, TERM, 16)

// func rowsIQ1M(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ1M(SB), NOSPLIT, $0-64
	ROWS(SETUP1M, SCALES1M, NOTHING, HALF1M, HALF1M, DOT16, 18, TERM, 24)

// func rowsIQ2XXS(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ2XXS(SB), NOSPLIT, $0-64
	ROWS(SETUP2XXS, SCALES2XXS, NOTHING, HALF2XXS, HALF2XXS, DOT32, 17, TERM, 0)

// func rowsIQ2XS(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ2XS(SB), NOSPLIT, $0-64
	ROWS(SETUP2XS, SCALES2XS, NOTHING, HALF2XS, HALF2XS, DOT16, 18, TERM, 8)

// func rowsIQ2S(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ2S(SB), NOSPLIT, $0-64
	ROWS(SETUP2S, SCALES2S, NOTHING, FIRST2S, SECOND2S, DOT16, 18, TERM, 48)

// func rowsIQ3XXS(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ3XXS(SB), NOSPLIT, $0-64
	ROWS(SETUP3XXS, SCALES3XXS, NOTHING, HALF3XXS, HALF3XXS, DOT32, 17, TERM, 32)

// func rowsIQ3S(dst *float32, w *byte, stride, rows int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ3S(SB), NOSPLIT, $0-64
	ROWS(SETUP3S, SCALES3S, NOTHING, FIRST3S, SECOND3S, DOT32, 17, TERM, 44)

// func unpackIQ1S(row *packedRow, w *byte, stride, n int)
TEXT ·unpackIQ1S(SB), NOSPLIT, $0-32
	UNPACK(SETUP1S, SCALES1S, HALF1S, HALF1S, NOTHING, STORE32)

// func unpackIQ1M(row *packedRow, w *byte, stride, n int)
TEXT ·unpackIQ1M(SB), NOSPLIT, $0-32
	UNPACK(SETUP1M, SCALES1M, HALF1M, HALF1M, NOTHING, STORE16)

// func unpackIQ2XXS(row *packedRow, w *byte, stride, n int)
TEXT ·unpackIQ2XXS(SB), NOSPLIT, $0-32
	UNPACK(SETUP2XXS, SCALES2XXS, HALF2XXS, HALF2XXS, NOTHING, STORE32)

// func unpackIQ2XS(row *packedRow, w *byte, stride, n int)
TEXT ·unpackIQ2XS(SB), NOSPLIT, $0-32
	UNPACK(SETUP2XS, SCALES2XS, HALF2XS, HALF2XS, NOTHING, STORE16)

// func unpackIQ2S(row *packedRow, w *byte, stride, n int)
TEXT ·unpackIQ2S(SB), NOSPLIT, $0-32
	UNPACK(SETUP2S, SCALES2S, FIRST2S, SECOND2S, NOTHING, STORE16)

// func unpackIQ3XXS(row *packedRow, w *byte, stride, n int)
TEXT ·unpackIQ3XXS(SB), NOSPLIT, $0-32
	UNPACK(SETUP3XXS, SCALES3XXS, HALF3XXS, HALF3XXS, NOTHING, STORE32)

// func unpackIQ3S(row *packedRow, w *byte, stride, n int)
TEXT ·unpackIQ3S(SB), NOSPLIT, $0-32
	UNPACK(SETUP3S, SCALES3S, FIRST3S, SECOND3S, NOTHING, STORE32)
