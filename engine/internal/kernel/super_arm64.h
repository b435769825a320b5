// Products of 256-weight blocks where they are in the file, and their unpacking.
// For each format there are macros that unpack a block, used twice: to multiply
// it with one vector at once, and to store it in a packedRow.
//
// The macros of a format read the block at R8:
//
//	SETUP   loads constants into V28 to V31 and R20, R21
//	SCALES  leaves the scales as words in V16 and V17 (of 32 weights each) or V16
//	        to V19 (of 16), the minima as half words in V20 (and V21), or, where
//	        weights have a bias, the scales as half words in V20 and V21; D, and
//	        DMin in the next lane, in V27
//	FIRST, SECOND
//	        leave 128 weights as bytes in V0 to V7; they may use V8 to V15
//	SIGN    takes the bias off these weights
//
// They may use R13 to R17, R19 and R22.

#define NOTHING

// WIDENSCALES makes words of 16 signed scales, bytes in V20, by way of half
// words in V20 and V21.
#define WIDENSCALES \
	SXTL8_2(20, 21) \
	SXTL8(20, 20) \
	SXTL4(20, 16) \
	SXTL4_2(20, 17) \
	SXTL4(21, 18) \
	SXTL4_2(21, 19)

// GROUP32 and GROUP16 add to V24 lane i of the scales in s times the product of
// 32 or 16 of the weights, in w, and of the activations 8 registers on.
#define GROUP32(i, s, w, t, T) \
	VMOVI $0, T.B16 \
	SDOT((w)+8, w, t) \
	SDOT((w)+9, (w)+1, t) \
	MLA4E(i, s, t, 24)

#define GROUP16(i, s, w, t, T) \
	VMOVI $0, T.B16 \
	SDOT((w)+8, w, t) \
	MLA4E(i, s, t, 24)

// DOT32 and DOT16 do so with 128 weights and the scales in s, s+1.
#define DOT32(s) \
	VLD1.P 64(R9), [V8.B16, V9.B16, V10.B16, V11.B16] \
	VLD1.P 64(R9), [V12.B16, V13.B16, V14.B16, V15.B16] \
	GROUP32(0, s, 0, 20, V20) \
	GROUP32(1, s, 2, 21, V21) \
	GROUP32(2, s, 4, 22, V22) \
	GROUP32(3, s, 6, 23, V23)

#define DOT16(s) \
	VLD1.P 64(R9), [V8.B16, V9.B16, V10.B16, V11.B16] \
	VLD1.P 64(R9), [V12.B16, V13.B16, V14.B16, V15.B16] \
	GROUP16(0, s, 0, 20, V20) \
	GROUP16(1, s, 1, 21, V21) \
	GROUP16(2, s, 2, 22, V22) \
	GROUP16(3, s, 3, 23, V23) \
	GROUP16(0, (s)+1, 4, 20, V20) \
	GROUP16(1, (s)+1, 5, 21, V21) \
	GROUP16(2, (s)+1, 6, 22, V22) \
	GROUP16(3, (s)+1, 7, 23, V23)

// SUMS32 and SUMS16 multiply the half words in V20 (and V21) with the sums of
// the activations, into V25.
#define SUMS32 \
	VLD1.P 32(R11), [V22.H8, V23.H8] \
	VADDP V23.H8, V22.H8, V22.H8 \
	SMULL(20, 22, 25) \
	SMLAL2(20, 22, 25)

#define SUMS16 \
	VLD1.P 32(R11), [V22.H8, V23.H8] \
	SMULL(20, 22, 25) \
	SMLAL2(20, 22, 25) \
	SMLAL(21, 23, 25) \
	SMLAL2(21, 23, 25)

// TERM adds to F26 what a block without minima does, TERMMIN of one with. All
// operations are rounded one by one: see doc.go.
#define TERM \
	VADDV V24.S4, V24 \
	SCVTF1(24, 24) \
	FMOVS.P 4(R10), F23 \
	FMULS F23, F27, F27 \
	FMULS F24, F27, F27 \
	FADDS F27, F26, F26

#define TERMMIN \
	VADDP V25.S4, V24.S4, V24.S4 \
	VADDP V24.S4, V24.S4, V24.S4 \
	SCVTF4(24, 24) \
	FMOVS.P 4(R10), F23 \
	FMUL4E(0, 23, 27, 27) \
	FMUL4(27, 24, 24) \
	VDUP V24.S[1], V25.S4 \
	FSUBS F25, F24, F24 \
	FADDS F24, F26, F26

// ROWS is the body of the functions that multiply rows with a vector. after is
// how far the next block is from where SECOND leaves R8.
#define ROWS(SETUP, SCALES, SUMS, FIRST, SECOND, DOT, second, ENDTERM, after) \
	MOVD dst+0(FP), R0 \
	MOVD w+8(FP), R1 \
	MOVD stride+16(FP), R2 \
	MOVD rows+24(FP), R3 \
	MOVD q+32(FP), R4 \
	MOVD d+40(FP), R5 \
	MOVD sums+48(FP), R6 \
	MOVD blocks+56(FP), R7 \
	SETUP \
row: \
	MOVD R1, R8 \
	MOVD R4, R9 \
	MOVD R5, R10 \
	MOVD R6, R11 \
	MOVD R7, R12 \
	FMOVS ZR, F26 \
block: \
	SCALES \
	SUMS \
	VMOVI $0, V24.B16 \
	FIRST \
	DOT(16) \
	SECOND \
	DOT(second) \
	ENDTERM \
	ADD $after, R8 \
	SUBS $1, R12 \
	BNE block \
	FMOVS.P F26, 4(R0) \
	ADD R2, R1 \
	SUBS $1, R3 \
	BNE row \
	RET

// STORE128 appends 128 weights at R0.
#define STORE128 \
	VST1.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(R0) \
	VST1.P [V4.B16, V5.B16, V6.B16, V7.B16], 64(R0)

// What follows the weights in a packedRow: 16 scales, 16 minima, D and DMin.
#define STORE32 \
	VST1 [V16.S4, V17.S4], (R0) \
	FMOVD F27, 96(R0)

#define STORE32MIN \
	VST1 [V16.S4, V17.S4], (R0) \
	FMOVQ F20, 64(R0) \
	FMOVD F27, 96(R0)

#define STORE16 \
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R0) \
	FMOVD F27, 96(R0)

#define STORE16MIN \
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R0) \
	FMOVQ F20, 64(R0) \
	FMOVQ F21, 80(R0) \
	FMOVD F27, 96(R0)

// UNPACK is the body of the functions that store the block of each of n rows.
#define UNPACK(SETUP, SCALES, FIRST, SECOND, SIGN, STORE) \
	MOVD row+0(FP), R0 \
	MOVD w+8(FP), R1 \
	MOVD stride+16(FP), R2 \
	MOVD n+24(FP), R3 \
	SETUP \
row: \
	MOVD R1, R8 \
	SCALES \
	FIRST \
	SIGN \
	STORE128 \
	SECOND \
	SIGN \
	STORE128 \
	STORE \
	ADD $104, R0 \
	ADD R2, R1 \
	SUBS $1, R3 \
	BNE row \
	RET
