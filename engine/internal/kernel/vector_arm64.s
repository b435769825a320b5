//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Vector operations. Every function works on whole groups of elements, at least
// one; the Go callers do what is left over. All of them give the bits of the
// generic code: products are rounded before they are added.

// func addVectors(dst, a, b *float32, groups int)
TEXT ·addVectors(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD a+8(FP), R1
	MOVD b+16(FP), R2
	MOVD groups+24(FP), R3

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VLD1.P 32(R2), [V2.S4, V3.S4]
	FADD4(2, 0, 0)
	FADD4(3, 1, 1)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS   $1, R3
	BNE    loop
	RET

// func scaleVector(dst, x *float32, s float32, groups int)
TEXT ·scaleVector(SB), NOSPLIT, $0-32
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	FMOVS s+16(FP), F4
	MOVD  groups+24(FP), R3

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	FMUL4E(0, 4, 0, 0)
	FMUL4E(0, 4, 1, 1)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS   $1, R3
	BNE    loop
	RET

// func scaleMulVector(dst, x, w *float32, s float32, groups int)
TEXT ·scaleMulVector(SB), NOSPLIT, $0-40
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  w+16(FP), R2
	FMOVS s+24(FP), F4
	MOVD  groups+32(FP), R3

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VLD1.P 32(R2), [V2.S4, V3.S4]
	FMUL4E(0, 4, 0, 0)
	FMUL4E(0, 4, 1, 1)
	FMUL4(2, 0, 0)
	FMUL4(3, 1, 1)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS   $1, R3
	BNE    loop
	RET

// func axpyVector(dst, x *float32, s float32, groups int)
TEXT ·axpyVector(SB), NOSPLIT, $0-32
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	FMOVS s+16(FP), F4
	MOVD  groups+24(FP), R3

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VLD1   (R0), [V2.S4, V3.S4]
	FMUL4E(0, 4, 0, 0)
	FMUL4E(0, 4, 1, 1)
	FADD4(0, 2, 2)
	FADD4(1, 3, 3)
	VST1.P [V2.S4, V3.S4], 32(R0)
	SUBS   $1, R3
	BNE    loop
	RET

// func maxVector(x *float32, groups int) float32
TEXT ·maxVector(SB), NOSPLIT, $0-20
	MOVD   x+0(FP), R0
	MOVD   groups+8(FP), R1
	VLD1.P 32(R0), [V0.S4, V1.S4]
	SUBS   $1, R1
	BEQ    end

loop:
	VLD1.P 32(R0), [V2.S4, V3.S4]
	FMAX4(2, 0, 0)
	FMAX4(3, 1, 1)
	SUBS   $1, R1
	BNE    loop

end:
	FMAX4(1, 0, 0)
	FMAXV4(0, 0)
	FMOVS F0, ret+16(FP)
	RET

// func sumSquares(lanes *float64, x *float32, groups int)
// Squares of singles are exact in doubles, so that fusing changes nothing.
TEXT ·sumSquares(SB), NOSPLIT, $0-24
	MOVD   lanes+0(FP), R0
	MOVD   x+8(FP), R1
	MOVD   groups+16(FP), R2
	ADD    $64, R0, R3
	VLD1   (R0), [V0.D2, V1.D2, V2.D2, V3.D2]
	VLD1   (R3), [V4.D2, V5.D2, V6.D2, V7.D2]

loop:
	VLD1.P 64(R1), [V16.S4, V17.S4, V18.S4, V19.S4]
	FCVTL2D(16, 20)
	FCVTL2D_2(16, 21)
	FCVTL2D(17, 22)
	FCVTL2D_2(17, 23)
	FCVTL2D(18, 24)
	FCVTL2D_2(18, 25)
	FCVTL2D(19, 26)
	FCVTL2D_2(19, 27)
	FMLA2D(20, 20, 0)
	FMLA2D(21, 21, 1)
	FMLA2D(22, 22, 2)
	FMLA2D(23, 23, 3)
	FMLA2D(24, 24, 4)
	FMLA2D(25, 25, 5)
	FMLA2D(26, 26, 6)
	FMLA2D(27, 27, 7)
	SUBS   $1, R2
	BNE    loop
	VST1   [V0.D2, V1.D2, V2.D2, V3.D2], (R0)
	VST1   [V4.D2, V5.D2, V6.D2, V7.D2], (R3)
	RET

// func ropePairsVector(x, cos, sin *float32, groups int)
TEXT ·ropePairsVector(SB), NOSPLIT, $0-32
	MOVD x+0(FP), R0
	MOVD cos+8(FP), R1
	MOVD sin+16(FP), R2
	MOVD groups+24(FP), R3

loop:
	VLD2   (R0), [V0.S4, V1.S4]
	VLD1.P 16(R1), [V2.S4]
	VLD1.P 16(R2), [V3.S4]
	FMUL4(2, 0, 4)
	FMUL4(3, 1, 5)
	FMUL4(2, 1, 6)
	FMUL4(3, 0, 7)
	FSUB4(5, 4, 4)
	FADD4(7, 6, 5)
	VST2.P [V4.S4, V5.S4], 32(R0)
	SUBS   $1, R3
	BNE    loop
	RET

// func ropeHalvesVector(low, high, cos, sin *float32, groups int)
TEXT ·ropeHalvesVector(SB), NOSPLIT, $0-40
	MOVD low+0(FP), R0
	MOVD high+8(FP), R1
	MOVD cos+16(FP), R2
	MOVD sin+24(FP), R3
	MOVD groups+32(FP), R4

loop:
	VLD1   (R0), [V0.S4]
	VLD1   (R1), [V1.S4]
	VLD1.P 16(R2), [V2.S4]
	VLD1.P 16(R3), [V3.S4]
	FMUL4(2, 0, 4)
	FMUL4(3, 1, 5)
	FMUL4(2, 1, 6)
	FMUL4(3, 0, 7)
	FSUB4(5, 4, 4)
	FADD4(7, 6, 6)
	VST1.P [V4.S4], 16(R0)
	VST1.P [V6.S4], 16(R1)
	SUBS   $1, R4
	BNE    loop
	RET

// The constants of exp.go, in the order in which EXP wants them.
DATA expConstants<>+0(SB)/4, $-104.0
DATA expConstants<>+4(SB)/4, $89.0
DATA expConstants<>+8(SB)/4, $1.44269504088896341
DATA expConstants<>+12(SB)/4, $12582912.0
DATA expConstants<>+16(SB)/4, $0.693359375
DATA expConstants<>+20(SB)/4, $-2.12194440054690583e-4
DATA expConstants<>+24(SB)/4, $0.00138145401768
DATA expConstants<>+28(SB)/4, $0.00836874510894
DATA expConstants<>+32(SB)/4, $0.0416683907835
DATA expConstants<>+36(SB)/4, $0.16666520399
DATA expConstants<>+40(SB)/4, $0.499999934321
DATA expConstants<>+44(SB)/4, $1.0
DATA expConstants<>+48(SB)/4, $127
GLOBL expConstants<>(SB), RODATA|NOPTR, $52

// EXPCONSTANTS puts them into all lanes of V16 to V28. It uses R5.
#define EXPCONSTANTS \
	MOVD $expConstants<>(SB), R5 \
	VLD1R.P 4(R5), [V16.S4] \
	VLD1R.P 4(R5), [V17.S4] \
	VLD1R.P 4(R5), [V18.S4] \
	VLD1R.P 4(R5), [V19.S4] \
	VLD1R.P 4(R5), [V20.S4] \
	VLD1R.P 4(R5), [V21.S4] \
	VLD1R.P 4(R5), [V22.S4] \
	VLD1R.P 4(R5), [V23.S4] \
	VLD1R.P 4(R5), [V24.S4] \
	VLD1R.P 4(R5), [V25.S4] \
	VLD1R.P 4(R5), [V26.S4] \
	VLD1R.P 4(R5), [V27.S4] \
	VLD1R.P 4(R5), [V28.S4]

// EXP is exp of exp.go step by step, from register x to register x. VK, VT are
// k and t by their other names.
#define EXP(x, k, VK, t, VT, p) \
	FMAX4(16, x, x) \
	FMIN4(17, x, x) \
	FMUL4(18, x, k) \
	FADD4(19, k, k) \
	FSUB4(19, k, p) \
	FMUL4(20, p, t) \
	FSUB4(t, x, x) \
	FMUL4(21, p, t) \
	FSUB4(t, x, x) \
	FMUL4(22, x, p) \
	FADD4(23, p, p) \
	FMUL4(x, p, p) \
	FADD4(24, p, p) \
	FMUL4(x, p, p) \
	FADD4(25, p, p) \
	FMUL4(x, p, p) \
	FADD4(26, p, p) \
	FMUL4(x, x, t) \
	FMUL4(t, p, p) \
	FADD4(x, p, p) \
	FADD4(27, p, p) \
	VSUB V19.S4, VK.S4, VK.S4 \
	SSHR4BY1(k, t) \
	VSUB VT.S4, VK.S4, VK.S4 \
	VADD V28.S4, VT.S4, VT.S4 \
	VADD V28.S4, VK.S4, VK.S4 \
	VSHL $23, VT.S4, VT.S4 \
	VSHL $23, VK.S4, VK.S4 \
	FMUL4(t, p, p) \
	FMUL4(k, p, x)

// func expSumVector(lanes *float64, x *float32, max float32, groups int)
TEXT ·expSumVector(SB), NOSPLIT, $0-32
	MOVD   lanes+0(FP), R0
	MOVD   x+8(FP), R1
	FMOVS  max+16(FP), F29
	VDUP   V29.S[0], V29.S4
	MOVD   groups+24(FP), R3
	VLD1   (R0), [V12.D2, V13.D2, V14.D2, V15.D2]
	EXPCONSTANTS

loop:
	VLD1   (R1), [V0.S4, V1.S4]
	FSUB4(29, 0, 0)
	FSUB4(29, 1, 1)
	EXP(0, 2, V2, 4, V4, 6)
	EXP(1, 3, V3, 5, V5, 7)
	VST1.P [V0.S4, V1.S4], 32(R1)
	FCVTL2D(0, 2)
	FCVTL2D_2(0, 3)
	FCVTL2D(1, 4)
	FCVTL2D_2(1, 5)
	FADD2D(2, 12, 12)
	FADD2D(3, 13, 13)
	FADD2D(4, 14, 14)
	FADD2D(5, 15, 15)
	SUBS   $1, R3
	BNE    loop
	VST1   [V12.D2, V13.D2, V14.D2, V15.D2], (R0)
	RET

// func siluMulVector(dst, gate, up *float32, groups int)
TEXT ·siluMulVector(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R2
	MOVD groups+24(FP), R3
	EXPCONSTANTS

loop:
	VLD1.P 32(R1), [V8.S4, V9.S4]
	VLD1.P 32(R2), [V10.S4, V11.S4]
	FNEG4(8, 0)
	FNEG4(9, 1)
	EXP(0, 2, V2, 4, V4, 6)
	EXP(1, 3, V3, 5, V5, 7)
	FADD4(27, 0, 0)
	FADD4(27, 1, 1)
	FDIV4(0, 8, 8)
	FDIV4(1, 9, 9)
	FMUL4(10, 8, 8)
	FMUL4(11, 9, 9)
	VST1.P [V8.S4, V9.S4], 32(R0)
	SUBS   $1, R3
	BNE    loop
	RET

// func toF16Vector(dst *uint16, src *float32, groups int)
TEXT ·toF16Vector(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD groups+16(FP), R2

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	FCVTN4(0, 2)
	FCVTN4_2(1, 2)
	VST1.P [V2.H8], 16(R0)
	SUBS   $1, R2
	BNE    loop
	RET

// func fromF16Vector(dst *float32, src *uint16, groups int)
TEXT ·fromF16Vector(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD groups+16(FP), R2

loop:
	VLD1.P 16(R1), [V2.H8]
	FCVTL4(2, 0)
	FCVTL4_2(2, 1)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS   $1, R2
	BNE    loop
	RET

// func fromBF16Vector(dst *float32, src *uint16, groups int)
TEXT ·fromBF16Vector(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD groups+16(FP), R2

loop:
	VLD1.P 16(R1), [V2.H8]
	SHLL4(2, 0)
	SHLL4_2(2, 1)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS   $1, R2
	BNE    loop
	RET
