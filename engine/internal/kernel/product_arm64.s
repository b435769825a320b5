//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Products of floats. In all of it the partial sum of lane l of one row and one
// vector is a chain of fused multiply-adds over groups of 8, in order, and SUM4
// or SUM1 adds up the 8 lanes, ((0+1)+(2+3))+((4+5)+(6+7)). So results do not
// depend on how many rows and vectors are computed together.

// LOADF32, LOADF16 and LOADBF16 load 8 elements from R as singles, into V24 and
// V25.
#define LOADF32(R) \
	VLD1.P 32(R), [V24.S4, V25.S4]

#define LOADF16(R) \
	VLD1.P 16(R), [V25.H8] \
	FCVTL4(25, 24) \
	FCVTL4_2(25, 25)

#define LOADBF16(R) \
	VLD1.P 16(R), [V25.H8] \
	SHLL4(25, 24) \
	SHLL4_2(25, 25)

// SUM4 adds up four sums of 8 lanes, a and a+1 to g and g+1, into the four lanes
// of a.
#define SUM4(a, c, e, g) \
	FADDP4((a)+1, a, a) \
	FADDP4((c)+1, c, c) \
	FADDP4((e)+1, e, e) \
	FADDP4((g)+1, g, g) \
	FADDP4(c, a, a) \
	FADDP4(g, e, e) \
	FADDP4(e, a, a)

// SUM1 adds up the 8 lanes of a and a+1 into the first of a.
#define SUM1(a) \
	FADDP4((a)+1, a, a) \
	FADDP4(a, a, a) \
	FADDP2(a, a)

// ROWS is the body of rowsF32, rowsF16 and rowsBF16: 4 rows at a time, then the
// rest one at a time. R0 is dst, R1 is x, R2 the row, R3 the stride, R4 the rows
// left.
#define ROWS(LOAD) \
	MOVD dst+0(FP), R0 \
	MOVD x+8(FP), R1 \
	MOVD w+16(FP), R2 \
	MOVD stride+24(FP), R3 \
	MOVD rows+32(FP), R4 \
	MOVD groups+40(FP), R5 \
four: \
	SUBS $4, R4, R4 \
	BLT rest \
	MOVD R2, R7 \
	ADD R3, R7, R8 \
	ADD R3, R8, R9 \
	ADD R3, R9, R10 \
	ADD R3, R10, R2 \
	MOVD R1, R6 \
	MOVD R5, R11 \
	VMOVI $0, V0.B16 \
	VMOVI $0, V1.B16 \
	VMOVI $0, V2.B16 \
	VMOVI $0, V3.B16 \
	VMOVI $0, V4.B16 \
	VMOVI $0, V5.B16 \
	VMOVI $0, V6.B16 \
	VMOVI $0, V7.B16 \
fourLoop: \
	VLD1.P 32(R6), [V16.S4, V17.S4] \
	LOAD(R7) \
	FMLA4(16, 24, 0) \
	FMLA4(17, 25, 1) \
	LOAD(R8) \
	FMLA4(16, 24, 2) \
	FMLA4(17, 25, 3) \
	LOAD(R9) \
	FMLA4(16, 24, 4) \
	FMLA4(17, 25, 5) \
	LOAD(R10) \
	FMLA4(16, 24, 6) \
	FMLA4(17, 25, 7) \
	SUBS $1, R11 \
	BNE fourLoop \
	SUM4(0, 2, 4, 6) \
	VST1.P [V0.S4], 16(R0) \
	B four \
rest: \
	ADDS $4, R4, R4 \
	BEQ end \
one: \
	MOVD R2, R7 \
	ADD R3, R2 \
	MOVD R1, R6 \
	MOVD R5, R11 \
	VMOVI $0, V0.B16 \
	VMOVI $0, V1.B16 \
oneLoop: \
	VLD1.P 32(R6), [V16.S4, V17.S4] \
	LOAD(R7) \
	FMLA4(16, 24, 0) \
	FMLA4(17, 25, 1) \
	SUBS $1, R11 \
	BNE oneLoop \
	SUM1(0) \
	FMOVS.P F0, 4(R0) \
	SUBS $1, R4 \
	BNE one \
end: \
	RET

// ACC adds 8 elements of a row at R8, times the weight in V26, to lo and hi.
#define ACC(LOAD, lo, hi) \
	LOAD(R8) \
	FMLA4E(0, 26, 24, lo) \
	FMLA4E(0, 26, 25, hi)

// ACCUM is the body of accumF32 and accumF16: one sum of values, 64 columns at a
// time, then 32, then 8, each with as many registers. R0 is o, R1 is p, R2 the
// first value, R3 the stride, R4 the number of values, R5 the groups left.
#define ACCUM(LOAD, size) \
	MOVD o+0(FP), R0 \
	MOVD p+8(FP), R1 \
	MOVD v+16(FP), R2 \
	MOVD stride+24(FP), R3 \
	MOVD n+32(FP), R4 \
	MOVD groups+40(FP), R5 \
eight: \
	CMP $8, R5 \
	BLT four \
	ADD $64, R0, R9 \
	ADD $128, R0, R10 \
	ADD $192, R0, R11 \
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4] \
	VLD1 (R9), [V4.S4, V5.S4, V6.S4, V7.S4] \
	VLD1 (R10), [V16.S4, V17.S4, V18.S4, V19.S4] \
	VLD1 (R11), [V20.S4, V21.S4, V22.S4, V23.S4] \
	MOVD R1, R6 \
	MOVD R2, R7 \
	MOVD R4, R12 \
eightLoop: \
	FMOVS.P 4(R6), F26 \
	MOVD R7, R8 \
	ADD R3, R7 \
	ACC(LOAD, 0, 1) \
	ACC(LOAD, 2, 3) \
	ACC(LOAD, 4, 5) \
	ACC(LOAD, 6, 7) \
	ACC(LOAD, 16, 17) \
	ACC(LOAD, 18, 19) \
	ACC(LOAD, 20, 21) \
	ACC(LOAD, 22, 23) \
	SUBS $1, R12 \
	BNE eightLoop \
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0) \
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R9) \
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R10) \
	VST1 [V20.S4, V21.S4, V22.S4, V23.S4], (R11) \
	ADD $256, R0 \
	ADD $(64*size), R2 \
	SUB $8, R5 \
	B eight \
four: \
	CMP $4, R5 \
	BLT one \
	ADD $64, R0, R9 \
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4] \
	VLD1 (R9), [V4.S4, V5.S4, V6.S4, V7.S4] \
	MOVD R1, R6 \
	MOVD R2, R7 \
	MOVD R4, R12 \
fourLoop: \
	FMOVS.P 4(R6), F26 \
	MOVD R7, R8 \
	ADD R3, R7 \
	ACC(LOAD, 0, 1) \
	ACC(LOAD, 2, 3) \
	ACC(LOAD, 4, 5) \
	ACC(LOAD, 6, 7) \
	SUBS $1, R12 \
	BNE fourLoop \
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0) \
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R9) \
	ADD $128, R0 \
	ADD $(32*size), R2 \
	SUB $4, R5 \
one: \
	CBZ R5, end \
	VLD1 (R0), [V0.S4, V1.S4] \
	MOVD R1, R6 \
	MOVD R2, R7 \
	MOVD R4, R12 \
oneLoop: \
	FMOVS.P 4(R6), F26 \
	MOVD R7, R8 \
	ADD R3, R7 \
	ACC(LOAD, 0, 1) \
	SUBS $1, R12 \
	BNE oneLoop \
	VST1.P [V0.S4, V1.S4], 32(R0) \
	ADD $(8*size), R2 \
	SUB $1, R5 \
	B one \
end: \
	RET

// func rowsF32(dst, x *float32, w *float32, stride, rows, groups int)
TEXT ·rowsF32(SB), NOSPLIT, $0-48
	ROWS(LOADF32)

// func rowsF16(dst, x *float32, w *uint16, stride, rows, groups int)
TEXT ·rowsF16(SB), NOSPLIT, $0-48
	ROWS(LOADF16)

// func rowsBF16(dst, x *float32, w *uint16, stride, rows, groups int)
TEXT ·rowsBF16(SB), NOSPLIT, $0-48
	ROWS(LOADBF16)

// TILE adds 8 columns of the products of 4 rows, at R4 to R7, and 3 vectors, at
// R8 to R10, to V0 to V23: those of row i and vector t are in 8*t+2*i and the
// register after. Three vectors and a row take the rest of the registers.
#define TILEROW(i) \
	FMLA4(24, 30, (i)*2) \
	FMLA4(25, 31, (i)*2+1) \
	FMLA4(26, 30, (i)*2+8) \
	FMLA4(27, 31, (i)*2+9) \
	FMLA4(28, 30, (i)*2+16) \
	FMLA4(29, 31, (i)*2+17)

#define TILE \
	FLDPQ.P 32(R8), (F24, F25) \
	FLDPQ.P 32(R9), (F26, F27) \
	FLDPQ.P 32(R10), (F28, F29) \
	FLDPQ.P 32(R4), (F30, F31) \
	TILEROW(0) \
	FLDPQ.P 32(R5), (F30, F31) \
	TILEROW(1) \
	FLDPQ.P 32(R6), (F30, F31) \
	TILEROW(2) \
	FLDPQ.P 32(R7), (F30, F31) \
	TILEROW(3)

// func tileF32(acc *float32, accStride int, w0, w1, w2, w3, x0, x1, x2 *float32, groups int)
TEXT ·tileF32(SB), NOSPLIT, $0-80
	MOVD acc+0(FP), R0
	MOVD accStride+8(FP), R1
	MOVD w0+16(FP), R4
	MOVD w1+24(FP), R5
	MOVD w2+32(FP), R6
	MOVD w3+40(FP), R7
	MOVD x0+48(FP), R8
	MOVD x1+56(FP), R9
	MOVD x2+64(FP), R10
	MOVD groups+72(FP), R11
	ADD  R1, R0, R2
	ADD  R1, R2, R3
	ADD  $64, R0, R12
	ADD  $64, R2, R13
	ADD  $64, R3, R14
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (R12), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1 (R2), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1 (R13), [V12.S4, V13.S4, V14.S4, V15.S4]
	VLD1 (R3), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1 (R14), [V20.S4, V21.S4, V22.S4, V23.S4]

loop:
	TILE
	SUBS $1, R11
	BNE  loop
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R12)
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R2)
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R13)
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R3)
	VST1 [V20.S4, V21.S4, V22.S4, V23.S4], (R14)
	RET

// func sumLanes(dst, acc *float32, quads int)
TEXT ·sumLanes(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD acc+8(FP), R1
	MOVD quads+16(FP), R2

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	SUM4(0, 2, 4, 6)
	VST1.P [V0.S4], 16(R0)
	SUBS   $1, R2
	BNE    loop
	RET

// func scoreTriples(dst0, dst1, dst2, q0, q1, q2, k *float32, stride, quads, groups int)
TEXT ·scoreTriples(SB), NOSPLIT, $0-80
	MOVD dst0+0(FP), R0
	MOVD dst1+8(FP), R1
	MOVD dst2+16(FP), R2
	MOVD q0+24(FP), R12
	MOVD q1+32(FP), R13
	MOVD q2+40(FP), R14
	MOVD k+48(FP), R7
	MOVD stride+56(FP), R3
	MOVD quads+64(FP), R15
	MOVD groups+72(FP), R19

quad:
	MOVD  R7, R4
	ADD   R3, R4, R5
	ADD   R3, R5, R6
	ADD   R3, R6, R7
	ADD   R3, R7, R20
	MOVD  R12, R8
	MOVD  R13, R9
	MOVD  R14, R10
	MOVD  R19, R11
	VMOVI $0, V0.B16
	VMOVI $0, V1.B16
	VMOVI $0, V2.B16
	VMOVI $0, V3.B16
	VMOVI $0, V4.B16
	VMOVI $0, V5.B16
	VMOVI $0, V6.B16
	VMOVI $0, V7.B16
	VMOVI $0, V8.B16
	VMOVI $0, V9.B16
	VMOVI $0, V10.B16
	VMOVI $0, V11.B16
	VMOVI $0, V12.B16
	VMOVI $0, V13.B16
	VMOVI $0, V14.B16
	VMOVI $0, V15.B16
	VMOVI $0, V16.B16
	VMOVI $0, V17.B16
	VMOVI $0, V18.B16
	VMOVI $0, V19.B16
	VMOVI $0, V20.B16
	VMOVI $0, V21.B16
	VMOVI $0, V22.B16
	VMOVI $0, V23.B16

loop:
	TILE
	SUBS   $1, R11
	BNE    loop
	SUM4(0, 2, 4, 6)
	SUM4(8, 10, 12, 14)
	SUM4(16, 18, 20, 22)
	VST1.P [V0.S4], 16(R0)
	VST1.P [V8.S4], 16(R1)
	VST1.P [V16.S4], 16(R2)
	MOVD   R20, R7
	SUBS   $1, R15
	BNE    quad
	RET

// func accumF32(o, p, v *float32, stride, n, groups int)
TEXT ·accumF32(SB), NOSPLIT, $0-48
	ACCUM(LOADF32, 4)

// func accumF16(o, p *float32, v *uint16, stride, n, groups int)
TEXT ·accumF16(SB), NOSPLIT, $0-48
	ACCUM(LOADF16, 2)

// ACCQUAD adds the value in V16 to V19, times the weights in V20 to V23, to
// four sums of 16 columns, V0 to V15; ACCPAIR is the same with 8 columns, V16
// and V17, of which the sums are in V0, V1, V4, V5 and so on.
#define ACCPAIR(k) \
	FMLA4E(0, 20, 16+(k), 0+(k)) \
	FMLA4E(0, 21, 16+(k), 4+(k)) \
	FMLA4E(0, 22, 16+(k), 8+(k)) \
	FMLA4E(0, 23, 16+(k), 12+(k))

// WEIGHTS loads the next weight of each sum.
#define WEIGHTS \
	FMOVS.P 4(R13), F20 \
	FMOVS.P 4(R14), F21 \
	FMOVS.P 4(R15), F22 \
	FMOVS.P 4(R19), F23

// func accumQuads(o0, o1, o2, o3, p0, p1, p2, p3, v *float32, stride, n, groups int)
TEXT ·accumQuads(SB), NOSPLIT, $0-96
	MOVD o0+0(FP), R0
	MOVD o1+8(FP), R1
	MOVD o2+16(FP), R2
	MOVD o3+24(FP), R3
	MOVD p0+32(FP), R4
	MOVD p1+40(FP), R5
	MOVD p2+48(FP), R6
	MOVD p3+56(FP), R7
	MOVD v+64(FP), R8
	MOVD stride+72(FP), R9
	MOVD n+80(FP), R10
	MOVD groups+88(FP), R11

two:
	SUBS $2, R11
	BLT  one
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1 (R2), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1 (R3), [V12.S4, V13.S4, V14.S4, V15.S4]
	MOVD R4, R13
	MOVD R5, R14
	MOVD R6, R15
	MOVD R7, R19
	MOVD R8, R20
	MOVD R10, R12

twoLoop:
	VLD1   (R20), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD    R9, R20
	WEIGHTS
	ACCPAIR(0)
	ACCPAIR(1)
	ACCPAIR(2)
	ACCPAIR(3)
	SUBS   $1, R12
	BNE    twoLoop
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R1)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(R2)
	VST1.P [V12.S4, V13.S4, V14.S4, V15.S4], 64(R3)
	ADD    $64, R8
	B      two

one:
	ADDS $2, R11
	BEQ  end
	VLD1 (R0), [V0.S4, V1.S4]
	VLD1 (R1), [V4.S4, V5.S4]
	VLD1 (R2), [V8.S4, V9.S4]
	VLD1 (R3), [V12.S4, V13.S4]
	MOVD R4, R13
	MOVD R5, R14
	MOVD R6, R15
	MOVD R7, R19

oneLoop:
	VLD1 (R8), [V16.S4, V17.S4]
	ADD  R9, R8
	WEIGHTS
	ACCPAIR(0)
	ACCPAIR(1)
	SUBS $1, R10
	BNE  oneLoop
	VST1 [V0.S4, V1.S4], (R0)
	VST1 [V4.S4, V5.S4], (R1)
	VST1 [V8.S4, V9.S4], (R2)
	VST1 [V12.S4, V13.S4], (R3)

end:
	RET
