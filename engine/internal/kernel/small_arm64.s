//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Blocks of 32 weights where they are in the file. For each format there is a
// macro that unpacks a block, used twice: to multiply it with one vector at
// once, and to store it in a packedRow.
//
//	SETUP      loads constants into V27 to V31, R15
//	LOAD(R, i) leaves the weights of the block at R as bytes in V0 and V1, adds
//	           the size of a block to R, and puts the scale into lane i of V4: as
//	           a half word, as half words of scale and minimum in one word, or as
//	           a float. It may use V2, V3, R13 and R14
//
// Instructions for a block of each of 4 rows, 128 weights, of one vector, all
// counted: Q4_0 44, Q4_1 48, Q5_0 80, Q5_1 84, Q8_0 32, IQ4_NL 48, MXFP4 71. To
// store a block, 32 weights: 11, 11, 20, 20, 7, 11 and 16.

DATA tables<>+0(SB)/8, $0xF6EADDCFBFAD9881 // the ladder of IQ4_NL
DATA tables<>+8(SB)/8, $0x7159453526190D01
DATA tables<>+16(SB)/8, $0x0C08060403020100 // FP4, doubled
DATA tables<>+24(SB)/8, $0xF4F8FAFCFDFEFF00
DATA tables<>+32(SB)/8, $0x0000000000000000 // each of 4 bytes 8 times
DATA tables<>+40(SB)/8, $0x0101010101010101
DATA tables<>+48(SB)/8, $0x0202020202020202
DATA tables<>+56(SB)/8, $0x0303030303030303
DATA tables<>+64(SB)/8, $0x8040201008040201 // a bit of each of 8 bytes, twice
DATA tables<>+72(SB)/8, $0x8040201008040201
GLOBL tables<>(SB), RODATA|NOPTR, $80

#define NOTHING

// NIBBLES splits the 16 bytes in V1.
#define NIBBLES \
	VAND V31.B16, V1.B16, V0.B16 \
	VUSHR $4, V1.B16, V1.B16

#define SETUP40 \
	VMOVI $0x0f, V31.B16 \
	VMOVI $8, V30.B16

#define LOAD40(R, i) \
	VLD1.P 2(R), V4.H[i] \
	FMOVQ.P 16(R), F1 \
	NIBBLES

#define LOAD41(R, i) \
	VLD1.P 4(R), V4.S[i] \
	FMOVQ.P 16(R), F1 \
	NIBBLES

// Bit 4 of a weight is found by comparing its byte of the four with its bit.
#define SETUP50 \
	VMOVI $0x0f, V31.B16 \
	VMOVI $0x10, V30.B16 \
	MOVD $tables<>+32(SB), R15 \
	VLD1 (R15), [V27.B16, V28.B16, V29.B16]

#define UPPERBITS \
	VTBL V27.B16, [V2.B16], V3.B16 \
	VTBL V28.B16, [V2.B16], V2.B16 \
	VCMTST V29.B16, V3.B16, V3.B16 \
	VCMTST V29.B16, V2.B16, V2.B16 \
	VAND V30.B16, V3.B16, V3.B16 \
	VAND V30.B16, V2.B16, V2.B16 \
	VORR V3.B16, V0.B16, V0.B16 \
	VORR V2.B16, V1.B16, V1.B16

#define LOAD50(R, i) \
	VLD1.P 2(R), V4.H[i] \
	FMOVS.P 4(R), F2 \
	FMOVQ.P 16(R), F1 \
	NIBBLES \
	UPPERBITS

#define LOAD51(R, i) \
	VLD1.P 4(R), V4.S[i] \
	FMOVS.P 4(R), F2 \
	FMOVQ.P 16(R), F1 \
	NIBBLES \
	UPPERBITS

#define LOAD80(R, i) \
	VLD1.P 2(R), V4.H[i] \
	FLDPQ.P 32(R), (F0, F1)

#define SETUP4NL \
	VMOVI $0x0f, V31.B16 \
	MOVD $tables<>(SB), R15 \
	VLD1 (R15), [V30.B16]

#define LOOKUP \
	VTBL V0.B16, [V30.B16], V0.B16 \
	VTBL V1.B16, [V30.B16], V1.B16

#define LOAD4NL(R, i) \
	LOAD40(R, i) \
	LOOKUP

#define SETUPFP4 \
	VMOVI $0x0f, V31.B16 \
	MOVD $tables<>+16(SB), R15 \
	VLD1 (R15), [V30.B16] \
	MOVD $0x00200000, R15

// The scale is 2^(e-128): halfPower of package quant.
#define LOADFP4(R, i) \
	MOVBU.P 1(R), R13 \
	FMOVQ.P 16(R), F1 \
	SUB $1, R13, R14 \
	LSL $23, R14, R14 \
	CMP $2, R13 \
	LSL R13, R15, R13 \
	CSEL LO, R13, R14, R14 \
	VMOV R14, V4.S[i] \
	NIBBLES \
	LOOKUP

// ROW leaves in acc four parts of the product of the block at R and the
// activations in V8 and V9.
#define ROW(LOAD, R, i, acc, ACC) \
	LOAD(R, i) \
	VMOVI $0, ACC.B16 \
	SDOT(8, 0, acc) \
	SDOT(9, 1, acc)

// UNBIAS takes 2^n times the sum of the activations off the products in V16.
#define UNBIAS(n) \
	MOVH.P 2(R11), R13 \
	LSL $n, R13, R13 \
	VDUP R13, V6.S4 \
	VSUB V6.S4, V16.S4, V16.S4

#define UNBIAS40 UNBIAS(3)
#define UNBIAS50 UNBIAS(4)

// HALVES, HALFPAIRS and SINGLES make floats of the scales in V4; HALFPAIRS
// leaves the minima in V5.
#define HALVES \
	FCVTL4(4, 4)

#define HALFPAIRS \
	VUZP2 V4.H8, V4.H8, V5.H8 \
	VUZP1 V4.H8, V4.H8, V4.H8 \
	FCVTL4(5, 5) \
	FCVTL4(4, 4)

// TERM adds to V26 what a block without minima does, TERMMIN of one with. All
// operations are rounded one by one: see matMulSmall.
#define TERM \
	FMUL4E(0, 24, 4, 4) \
	FMUL4(16, 4, 4) \
	FADD4(4, 26, 26)

#define TERMMIN \
	MOVH.P 2(R11), R13 \
	SCVTFWS R13, F6 \
	FMUL4E(0, 24, 4, 4) \
	FMUL4(16, 4, 4) \
	FMUL4E(0, 24, 5, 5) \
	FMUL4E(0, 6, 5, 5) \
	FADD4(5, 4, 4) \
	FADD4(4, 26, 26)

// ROWS is the body of the functions that multiply rows with a vector, four at a
// time: a lane of V26 each.
#define ROWS(SETUP, LOAD, BIAS, FLOATS, ENDTERM) \
	MOVD dst+0(FP), R0 \
	MOVD w+8(FP), R1 \
	MOVD stride+16(FP), R2 \
	MOVD quads+24(FP), R3 \
	MOVD q+32(FP), R4 \
	MOVD d+40(FP), R5 \
	MOVD sums+48(FP), R6 \
	MOVD blocks+56(FP), R7 \
	SETUP \
quad: \
	MOVD R1, R20 \
	ADD R2, R20, R21 \
	ADD R2, R21, R22 \
	ADD R2, R22, R23 \
	ADD R2, R23, R1 \
	MOVD R4, R9 \
	MOVD R5, R10 \
	MOVD R6, R11 \
	MOVD R7, R12 \
	VMOVI $0, V26.B16 \
block: \
	FLDPQ.P 32(R9), (F8, F9) \
	ROW(LOAD, R20, 0, 16, V16) \
	ROW(LOAD, R21, 1, 17, V17) \
	ROW(LOAD, R22, 2, 18, V18) \
	ROW(LOAD, R23, 3, 19, V19) \
	VADDP V17.S4, V16.S4, V16.S4 \
	VADDP V19.S4, V18.S4, V18.S4 \
	VADDP V18.S4, V16.S4, V16.S4 \
	BIAS \
	SCVTF4(16, 16) \
	FMOVS.P 4(R10), F24 \
	FLOATS \
	ENDTERM \
	SUBS $1, R12 \
	BNE block \
	VST1.P [V26.S4], 16(R0) \
	SUBS $1, R3 \
	BNE quad \
	RET

// In a packedRow the scales follow the 256 weights, and the minima the scales of
// eight blocks. R10 is where the next scale goes.
#define STOREHALF \
	FCVTHS F4, F4 \
	FMOVS.P F4, 4(R10)

#define STOREPAIR \
	FCVTL4(4, 4) \
	ADD $32, R10, R11 \
	VST1 V4.S[1], (R11) \
	FMOVS.P F4, 4(R10)

#define STORESINGLE \
	FMOVS.P F4, 4(R10)

#define SIGN \
	VSUB V30.B16, V0.B16, V0.B16 \
	VSUB V30.B16, V1.B16, V1.B16

// UNPACK is the body of the functions that store the first blocks of each of n
// rows.
#define UNPACK(SETUP, LOAD, UNBIASED, STORE) \
	MOVD row+0(FP), R0 \
	MOVD w+8(FP), R1 \
	MOVD stride+16(FP), R2 \
	MOVD n+24(FP), R3 \
	MOVD blocks+32(FP), R7 \
	SETUP \
row: \
	MOVD R1, R8 \
	MOVD R0, R9 \
	ADD $256, R0, R10 \
	MOVD R7, R12 \
block: \
	LOAD(R8, 0) \
	UNBIASED \
	VST1.P [V0.B16, V1.B16], 32(R9) \
	STORE \
	SUBS $1, R12 \
	BNE block \
	ADD $360, R0 \
	ADD R2, R1 \
	SUBS $1, R3 \
	BNE row \
	RET

// func rowsQ40(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsQ40(SB), NOSPLIT, $0-64
	ROWS(SETUP40, LOAD40, UNBIAS40, HALVES, TERM)

// func rowsQ41(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsQ41(SB), NOSPLIT, $0-64
	ROWS(SETUP40, LOAD41, NOTHING, HALFPAIRS, TERMMIN)

// func rowsQ50(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsQ50(SB), NOSPLIT, $0-64
	ROWS(SETUP50, LOAD50, UNBIAS50, HALVES, TERM)

// func rowsQ51(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsQ51(SB), NOSPLIT, $0-64
	ROWS(SETUP50, LOAD51, NOTHING, HALFPAIRS, TERMMIN)

// func rowsQ80(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsQ80(SB), NOSPLIT, $0-64
	ROWS(NOTHING, LOAD80, NOTHING, HALVES, TERM)

// func rowsIQ4NL(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsIQ4NL(SB), NOSPLIT, $0-64
	ROWS(SETUP4NL, LOAD4NL, NOTHING, HALVES, TERM)

// func rowsMXFP4(dst *float32, w *byte, stride, quads int, q *int8, d *float32, sums *int16, blocks int)
TEXT ·rowsMXFP4(SB), NOSPLIT, $0-64
	ROWS(SETUPFP4, LOADFP4, NOTHING, NOTHING, TERM)

// func unpackQ40(row *packedRow, w *byte, stride, n, blocks int)
TEXT ·unpackQ40(SB), NOSPLIT, $0-40
	UNPACK(SETUP40, LOAD40, SIGN, STOREHALF)

// func unpackQ41(row *packedRow, w *byte, stride, n, blocks int)
TEXT ·unpackQ41(SB), NOSPLIT, $0-40
	UNPACK(SETUP40, LOAD41, NOTHING, STOREPAIR)

// func unpackQ50(row *packedRow, w *byte, stride, n, blocks int)
TEXT ·unpackQ50(SB), NOSPLIT, $0-40
	UNPACK(SETUP50, LOAD50, SIGN, STOREHALF)

// func unpackQ51(row *packedRow, w *byte, stride, n, blocks int)
TEXT ·unpackQ51(SB), NOSPLIT, $0-40
	UNPACK(SETUP50, LOAD51, NOTHING, STOREPAIR)

// func unpackQ80(row *packedRow, w *byte, stride, n, blocks int)
TEXT ·unpackQ80(SB), NOSPLIT, $0-40
	UNPACK(NOTHING, LOAD80, NOTHING, STOREHALF)

// func unpackIQ4NL(row *packedRow, w *byte, stride, n, blocks int)
TEXT ·unpackIQ4NL(SB), NOSPLIT, $0-40
	UNPACK(SETUP4NL, LOAD4NL, NOTHING, STOREHALF)

// func unpackMXFP4(row *packedRow, w *byte, stride, n, blocks int)
TEXT ·unpackMXFP4(SB), NOSPLIT, $0-40
	UNPACK(SETUPFP4, LOADFP4, NOTHING, STORESINGLE)
