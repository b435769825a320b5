//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// Activations become 8-bit integers, with the bits of package quant.

DATA quantizeConstants<>+0(SB)/4, $127.0
DATA quantizeConstants<>+4(SB)/4, $127.5
GLOBL quantizeConstants<>(SB), RODATA|NOPTR, $8

// WITHOUTNAN clears the lanes of v that are NaN, with the help of t.
#define WITHOUTNAN(v, V, t, T) \
	FCMEQ4(v, v, t) \
	VAND T.B16, V.B16, V.B16

// SCALED multiplies v with the scale in V27 and clears the lanes that no 8 bits
// hold (limitQ8 of package quant, in V30), with the help of t.
#define SCALED(v, V, t, T) \
	FMUL4(27, v, v) \
	FACGT4(v, 30, t) \
	VAND T.B16, V.B16, V.B16

// PACK16 is the low bytes of the words of V0 to V3, in V0.
#define PACK16 \
	VUZP1 V1.H8, V0.H8, V0.H8 \
	VUZP1 V3.H8, V2.H8, V2.H8 \
	VUZP1 V2.B16, V0.B16, V0.B16

// func quantizeQ8_0Vector(q *int8, d *float32, sums *int16, x *float32, blocks int)
TEXT ·quantizeQ8_0Vector(SB), NOSPLIT, $0-40
	MOVD  q+0(FP), R0
	MOVD  d+8(FP), R1
	MOVD  sums+16(FP), R2
	MOVD  x+24(FP), R3
	MOVD  blocks+32(FP), R4
	MOVD  $quantizeConstants<>(SB), R5
	FMOVS (R5), F28
	ADD   $4, R5
	VLD1R (R5), [V30.S4]
	FMOVS $1.0, F29

block:
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4]
	FABS4(0, 16)
	FABS4(1, 17)
	FABS4(2, 18)
	FABS4(3, 19)
	FABS4(4, 20)
	FABS4(5, 21)
	FABS4(6, 22)
	FABS4(7, 23)

largest:
	FMAX4(17, 16, 24)
	FMAX4(19, 18, 25)
	FMAX4(21, 20, 26)
	FMAX4(23, 22, 27)
	FMAX4(25, 24, 24)
	FMAX4(27, 26, 26)
	FMAX4(26, 24, 24)
	FMAXV4(24, 24)
	FCMPS F24, F24
	BVS   nan

	FDIVS   F28, F24, F25
	FCVTSH  F25, F26
	FCVTHS  F26, F26
	FMOVS.P F26, 4(R1)

	// If d is 0 this is infinite, and SCALED clears all elements, as it must.
	FDIVS F25, F29, F27
	VDUP  V27.S[0], V27.S4
	SCALED(0, V0, 16, V16)
	SCALED(1, V1, 17, V17)
	SCALED(2, V2, 18, V18)
	SCALED(3, V3, 19, V19)
	SCALED(4, V4, 20, V20)
	SCALED(5, V5, 21, V21)
	SCALED(6, V6, 22, V22)
	SCALED(7, V7, 23, V23)
	FCVTAS4(4, 16)
	FCVTAS4(5, 17)
	FCVTAS4(6, 18)
	FCVTAS4(7, 19)
	FCVTAS4(0, 0)
	FCVTAS4(1, 1)
	FCVTAS4(2, 2)
	FCVTAS4(3, 3)
	PACK16
	VUZP1  V17.H8, V16.H8, V16.H8
	VUZP1  V19.H8, V18.H8, V18.H8
	VUZP1  V18.B16, V16.B16, V1.B16
	VST1.P [V0.B16, V1.B16], 32(R0)
	SADDLV16(0, 2)
	SADDLV16(1, 3)
	VADD   V2.H8, V3.H8, V2.H8
	VST1.P V2.H[0], 2(R2)
	SUBS   $1, R4
	BNE    block
	RET

nan:
	// Only the comparison passes over a NaN; the scaling clears it anyway.
	WITHOUTNAN(16, V16, 24, V24)
	WITHOUTNAN(17, V17, 24, V24)
	WITHOUTNAN(18, V18, 24, V24)
	WITHOUTNAN(19, V19, 24, V24)
	WITHOUTNAN(20, V20, 24, V24)
	WITHOUTNAN(21, V21, 24, V24)
	WITHOUTNAN(22, V22, 24, V24)
	WITHOUTNAN(23, V23, 24, V24)
	B largest

// func quantizeQ8_KVector(q *int8, d *float32, sums *int16, x *float32, blocks int)
TEXT ·quantizeQ8_KVector(SB), NOSPLIT, $0-40
	MOVD  q+0(FP), R0
	MOVD  d+8(FP), R1
	MOVD  sums+16(FP), R2
	MOVD  x+24(FP), R3
	MOVD  blocks+32(FP), R4
	MOVD  $quantizeConstants<>(SB), R5
	FMOVS (R5), F28
	FNEGS F28, F28
	ADD   $4, R5
	VLD1R (R5), [V30.S4]
	FMOVS $1.0, F29
	FMOVS ZR, F31

block:
	// The largest magnitude.
	MOVD  R3, R6
	MOVD  $16, R7
	VMOVI $0, V16.B16
	VMOVI $0, V17.B16
	VMOVI $0, V18.B16
	VMOVI $0, V19.B16

largest:
	VLD1.P 64(R6), [V0.S4, V1.S4, V2.S4, V3.S4]
	FABS4(0, 0)
	FABS4(1, 1)
	FABS4(2, 2)
	FABS4(3, 3)
	FMAX4(0, 16, 16)
	FMAX4(1, 17, 17)
	FMAX4(2, 18, 18)
	FMAX4(3, 19, 19)
	SUBS   $1, R7
	BNE    largest
	FMAX4(17, 16, 16)
	FMAX4(19, 18, 18)
	FMAX4(18, 16, 16)
	FMAXV4(16, 24)
	FCMPS  F24, F24
	BVS    nan

found:
	FCMPS F31, F24
	BEQ   zeros

	// The first element that has it: 16 comparisons become 4 bits each of R8.
	VDUP V24.S[0], V24.S4
	MOVD R3, R6

first:
	VLD1.P 64(R6), [V0.S4, V1.S4, V2.S4, V3.S4]
	FACGE4(24, 0, 0)
	FACGE4(24, 1, 1)
	FACGE4(24, 2, 2)
	FACGE4(24, 3, 3)
	PACK16
	SHRN8BY4(0, 0)
	FMOVD  F0, R8
	CBZ    R8, first
	RBIT   R8, R8
	CLZ    R8, R8
	SUB    $64, R6
	ADD    R8, R6
	FMOVS  (R6), F25

	FDIVS   F25, F28, F27
	FDIVS   F27, F29, F26
	FMOVS.P F26, 4(R1)
	VDUP    V27.S[0], V27.S4
	MOVD    $16, R7

scale:
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	SCALED(0, V0, 16, V16)
	SCALED(1, V1, 17, V17)
	SCALED(2, V2, 18, V18)
	SCALED(3, V3, 19, V19)
	FCVTNS4(0, 0)
	FCVTNS4(1, 1)
	FCVTNS4(2, 2)
	FCVTNS4(3, 3)
	PACK16
	VST1.P [V0.B16], 16(R0)
	SADDLV16(0, 1)
	VST1.P V1.H[0], 2(R2)
	SUBS   $1, R7
	BNE    scale
	SUBS   $1, R4
	BNE    block
	RET

zeros:
	FMOVS.P F31, 4(R1)
	VMOVI   $0, V0.B16
	VMOVI   $0, V1.B16
	VMOVI   $0, V2.B16
	VMOVI   $0, V3.B16
	VST1.P  [V0.B16, V1.B16, V2.B16, V3.B16], 64(R0)
	VST1.P  [V0.B16, V1.B16, V2.B16, V3.B16], 64(R0)
	VST1.P  [V0.B16, V1.B16, V2.B16, V3.B16], 64(R0)
	VST1.P  [V0.B16, V1.B16, V2.B16, V3.B16], 64(R0)
	VST1.P  [V0.B16, V1.B16], 32(R2)
	ADD     $1024, R3
	SUBS    $1, R4
	BNE     block
	RET

nan:
	MOVD  R3, R6
	MOVD  $16, R7
	VMOVI $0, V16.B16

finite:
	VLD1.P 64(R6), [V0.S4, V1.S4, V2.S4, V3.S4]
	FABS4(0, 0)
	FABS4(1, 1)
	FABS4(2, 2)
	FABS4(3, 3)
	WITHOUTNAN(0, V0, 17, V17)
	WITHOUTNAN(1, V1, 17, V17)
	WITHOUTNAN(2, V2, 17, V17)
	WITHOUTNAN(3, V3, 17, V17)
	FMAX4(0, 16, 16)
	FMAX4(1, 16, 16)
	FMAX4(2, 16, 16)
	FMAX4(3, 16, 16)
	SUBS   $1, R7
	BNE    finite
	FMAXV4(16, 24)
	B      found
