//go:build !noasm

#include "textflag.h"
#include "neon_arm64.h"

// DECODE stores the 32 weights in V0 and V1, times the half float in V20, as
// floats at R0.
#define DECODE \
	FCVTHS F20, F20 \
	SXTL8(0, 2) \
	SXTL8_2(0, 3) \
	SXTL8(1, 4) \
	SXTL8_2(1, 5) \
	SXTL4(2, 16) \
	SXTL4_2(2, 17) \
	SXTL4(3, 18) \
	SXTL4_2(3, 19) \
	SXTL4(4, 24) \
	SXTL4_2(4, 25) \
	SXTL4(5, 26) \
	SXTL4_2(5, 27) \
	SCVTF4(16, 16) \
	SCVTF4(17, 17) \
	SCVTF4(18, 18) \
	SCVTF4(19, 19) \
	SCVTF4(24, 24) \
	SCVTF4(25, 25) \
	SCVTF4(26, 26) \
	SCVTF4(27, 27) \
	FMUL4E(0, 20, 16, 16) \
	FMUL4E(0, 20, 17, 17) \
	FMUL4E(0, 20, 18, 18) \
	FMUL4E(0, 20, 19, 19) \
	FMUL4E(0, 20, 24, 24) \
	FMUL4E(0, 20, 25, 25) \
	FMUL4E(0, 20, 26, 26) \
	FMUL4E(0, 20, 27, 27) \
	VST1.P [V16.S4, V17.S4, V18.S4, V19.S4], 64(R0) \
	VST1.P [V24.S4, V25.S4, V26.S4, V27.S4], 64(R0)

// func widenQ80(dst *float32, src *byte, blocks int)
TEXT ·widenQ80(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD blocks+16(FP), R2

loop:
	VLD1.P  2(R1), V20.H[0]
	FLDPQ.P 32(R1), (F0, F1)
	DECODE
	SUBS    $1, R2
	BNE     loop
	RET

// func widenQ40(dst *float32, src *byte, blocks int)
TEXT ·widenQ40(SB), NOSPLIT, $0-24
	MOVD  dst+0(FP), R0
	MOVD  src+8(FP), R1
	MOVD  blocks+16(FP), R2
	VMOVI $0x0f, V31.B16
	VMOVI $8, V30.B16

loop:
	VLD1.P  2(R1), V20.H[0]
	FMOVQ.P 16(R1), F1
	VAND    V31.B16, V1.B16, V0.B16
	VUSHR   $4, V1.B16, V1.B16
	VSUB    V30.B16, V0.B16, V0.B16
	VSUB    V30.B16, V1.B16, V1.B16
	DECODE
	SUBS    $1, R2
	BNE     loop
	RET
