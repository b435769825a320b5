//go:build !noasm

// Products by AMX; amx_amd64.go says how they work. Registers that all of this file
// but transpose16 agrees on:
//
//	DI   amxScratch
//	DX   64, the distance of the rows of every tile
//	AX   the amxWeights that are multiplied
//	SI   packed activations of a tile of vectors, the block at hand
//	BX   those of the next tile
//	R9   bytes from one tile of vectors to the next
//	R10  sums of the tile of vectors at SI
//
// Products whose terms have still to be added, T_PENDING tiles of them:
//
//	R11  packed activations of the first tile
//	R12  those of the second
//	R13  sums of the first
//	CX   the amxWeights
//
// While weights are unpacked, when nothing is pending:
//
//	R13  the block of the row at hand, where the file is mapped
//	R12  bytes from one row to the next
//	R11  amxTable
//	R15  amxWeights, and 64 bytes more for each row
//	R14  its scales, and 8 bytes more for each row
//
// R8 and CX serve for moments.

#include "funcdata.h"
#include "textflag.h"
#include "amx_amd64.h"

// amxPanel
#define P_W 0
#define P_STRIDE 8
#define P_BLOCKS 16
#define P_ACTS 24
#define P_TILESTRIDE 32
#define P_TILES 40
#define P_SUMS 48
#define P_SCRATCH 56
#define P_AHEAD 64
#define P_AHEADLAST 72
#define P_AHEADBLOCKS 80
#define P_BLOCKBYTES 88
#define P_TABLE 96

// amxScratch
#define S_PRODUCTS 0
#define S_WEIGHTS 4096
#define S_ROWS (S_WEIGHTS + 2*W_BYTES)
#define T_PANEL (S_ROWS + 64)
#define T_ACTS (S_ROWS + 72)
#define T_W (S_ROWS + 80)
#define T_LEFT (S_ROWS + 88)
#define T_TILES (S_ROWS + 96)
#define T_PENDING (S_ROWS + 104)
#define T_OTHER (S_ROWS + 112)
#define T_AHEAD (S_ROWS + 120)

// amxWeights
#define W_LOW 0
#define W_HIGH 4096
#define W_M 8192
#define W_D 8448
#define W_DMIN 8512
#define W_SCALES 8576
#define W_HALVES 8704
#define W_BYTES 8768

// A block of a tile of packed activations
#define A_SUMS 4096
#define A_D 4352
#define A_BYTES 4416

// Eight tile registers: 0 to 3 hold 16 rows by 16 vectors of int32, 4 and 5 weights
// of 16 rows by 64, 6 and 7 activations of 64 by 16 vectors. All have 16 rows of 64
// bytes.
DATA amxShapes<>+0(SB)/8, $1
DATA amxShapes<>+8(SB)/8, $0
DATA amxShapes<>+16(SB)/8, $0x0040004000400040
DATA amxShapes<>+24(SB)/8, $0x0040004000400040
DATA amxShapes<>+32(SB)/8, $0
DATA amxShapes<>+40(SB)/8, $0
DATA amxShapes<>+48(SB)/8, $0x1010101010101010
DATA amxShapes<>+56(SB)/8, $0
GLOBL amxShapes<>(SB), RODATA|NOPTR, $64

// 0 to 15.
DATA amxIota<>+0(SB)/8, $0x0000000100000000
DATA amxIota<>+8(SB)/8, $0x0000000300000002
DATA amxIota<>+16(SB)/8, $0x0000000500000004
DATA amxIota<>+24(SB)/8, $0x0000000700000006
DATA amxIota<>+32(SB)/8, $0x0000000900000008
DATA amxIota<>+40(SB)/8, $0x0000000b0000000a
DATA amxIota<>+48(SB)/8, $0x0000000d0000000c
DATA amxIota<>+56(SB)/8, $0x0000000f0000000e
GLOBL amxIota<>(SB), RODATA|NOPTR, $64

// Shifts of the 64-bit elements of a vector: by the first number in the lower
// half, by the second in the upper.
#define HALVES(name, low, high) \
	DATA name<>+0(SB)/8, $low; \
	DATA name<>+8(SB)/8, $low; \
	DATA name<>+16(SB)/8, $low; \
	DATA name<>+24(SB)/8, $low; \
	DATA name<>+32(SB)/8, $high; \
	DATA name<>+40(SB)/8, $high; \
	DATA name<>+48(SB)/8, $high; \
	DATA name<>+56(SB)/8, $high; \
	GLOBL name<>(SB), RODATA|NOPTR, $64

HALVES(amxShift0and4, 0, 4)
HALVES(amxShift4and2, 4, 2)
HALVES(amxShift4and3, 4, 3)
HALVES(amxShift2and1, 2, 1)
HALVES(amxShift0and1, 0, 1)
HALVES(amxShift0and2, 0, 2)
HALVES(amxShift2and3, 2, 3)

// By 0 and 4 in turn, by quarters.
DATA amxShiftNibbles<>+0(SB)/8, $0
DATA amxShiftNibbles<>+8(SB)/8, $0
DATA amxShiftNibbles<>+16(SB)/8, $4
DATA amxShiftNibbles<>+24(SB)/8, $4
DATA amxShiftNibbles<>+32(SB)/8, $0
DATA amxShiftNibbles<>+40(SB)/8, $0
DATA amxShiftNibbles<>+48(SB)/8, $4
DATA amxShiftNibbles<>+56(SB)/8, $4
GLOBL amxShiftNibbles<>(SB), RODATA|NOPTR, $64

// The low and the high two bytes of each 32 bits, widened to 16.
DATA amxBytes01<>+0(SB)/8, $0x8005800480018000
DATA amxBytes01<>+8(SB)/8, $0x800d800c80098008
GLOBL amxBytes01<>(SB), RODATA|NOPTR, $16
DATA amxBytes23<>+0(SB)/8, $0x8007800680038002
DATA amxBytes23<>+8(SB)/8, $0x800f800e800b800a
GLOBL amxBytes23<>(SB), RODATA|NOPTR, $16

// Elements of two vectors in turn: those of the lower halves, of the upper.
DATA amxZipLow<>+0(SB)/8, $0x0000001000000000
DATA amxZipLow<>+8(SB)/8, $0x0000001100000001
DATA amxZipLow<>+16(SB)/8, $0x0000001200000002
DATA amxZipLow<>+24(SB)/8, $0x0000001300000003
DATA amxZipLow<>+32(SB)/8, $0x0000001400000004
DATA amxZipLow<>+40(SB)/8, $0x0000001500000005
DATA amxZipLow<>+48(SB)/8, $0x0000001600000006
DATA amxZipLow<>+56(SB)/8, $0x0000001700000007
GLOBL amxZipLow<>(SB), RODATA|NOPTR, $64
DATA amxZipHigh<>+0(SB)/8, $0x0000001800000008
DATA amxZipHigh<>+8(SB)/8, $0x0000001900000009
DATA amxZipHigh<>+16(SB)/8, $0x0000001a0000000a
DATA amxZipHigh<>+24(SB)/8, $0x0000001b0000000b
DATA amxZipHigh<>+32(SB)/8, $0x0000001c0000000c
DATA amxZipHigh<>+40(SB)/8, $0x0000001d0000000d
DATA amxZipHigh<>+48(SB)/8, $0x0000001e0000000e
DATA amxZipHigh<>+56(SB)/8, $0x0000001f0000000f
GLOBL amxZipHigh<>(SB), RODATA|NOPTR, $64

// Words 0 and 1 for half a vector each, and words 0 to 3 for a quarter each.
#define WORDS(name, a, b, c, d) \
	DATA name<>+0(SB)/8, $(a*0x0001000100010001); \
	DATA name<>+8(SB)/8, $(a*0x0001000100010001); \
	DATA name<>+16(SB)/8, $(b*0x0001000100010001); \
	DATA name<>+24(SB)/8, $(b*0x0001000100010001); \
	DATA name<>+32(SB)/8, $(c*0x0001000100010001); \
	DATA name<>+40(SB)/8, $(c*0x0001000100010001); \
	DATA name<>+48(SB)/8, $(d*0x0001000100010001); \
	DATA name<>+56(SB)/8, $(d*0x0001000100010001); \
	GLOBL name<>(SB), RODATA|NOPTR, $64

WORDS(amxWords01, 0, 0, 1, 1)
WORDS(amxWords23, 2, 2, 3, 3)
WORDS(amxWords45, 4, 4, 5, 5)
WORDS(amxWords67, 6, 6, 7, 7)
WORDS(amxWords0to3, 0, 1, 2, 3)
WORDS(amxWords4to7, 4, 5, 6, 7)
WORDS(amxWords8to11, 8, 9, 10, 11)
WORDS(amxWords12to15, 12, 13, 14, 15)

// 64 columns of two tiles of vectors.
#define PAIR(k) \
	TILELOAD(BASE_AX, W_LOW + 1024*(k), 4); \
	TILELOAD(BASE_SI, 1024*(k), 6); \
	TDPBUSD(6, 4, 0); \
	TILELOAD(BASE_BX, 1024*(k), 7); \
	TDPBUSD(7, 4, 2); \
	TILELOAD(BASE_AX, W_HIGH + 1024*(k), 5); \
	TDPBSSD(6, 5, 1); \
	TDPBSSD(7, 5, 3)

#define ZERO_PAIR \
	TILEZERO(0); \
	TILEZERO(1); \
	TILEZERO(2); \
	TILEZERO(3)

#define STORE_PAIR \
	TILESTORE(0, BASE_DI, S_PRODUCTS); \
	TILESTORE(1, BASE_DI, S_PRODUCTS + 1024); \
	TILESTORE(2, BASE_DI, S_PRODUCTS + 2048); \
	TILESTORE(3, BASE_DI, S_PRODUCTS + 3072)

// 64 columns of one tile of vectors.
#define SINGLE(k) \
	TILELOAD(BASE_AX, W_LOW + 1024*(k), 4); \
	TILELOAD(BASE_SI, 1024*(k), 6); \
	TDPBUSD(6, 4, 0); \
	TILELOAD(BASE_AX, W_HIGH + 1024*(k), 5); \
	TDPBSSD(6, 5, 1)

#define ZERO_SINGLE \
	TILEZERO(0); \
	TILEZERO(1)

#define STORE_SINGLE \
	TILESTORE(0, BASE_DI, S_PRODUCTS); \
	TILESTORE(1, BASE_DI, S_PRODUCTS + 1024)

// Makes the tiles just multiplied pending.
#define PEND(n) \
	MOVQ SI, R11; \
	MOVQ BX, R12; \
	MOVQ R10, R13; \
	MOVQ AX, CX; \
	MOVQ $(n), T_PENDING(DI)

// Goes on to the next two tiles of vectors.
#define ADVANCE \
	LEAQ (SI)(R9*2), SI; \
	LEAQ (BX)(R9*2), BX; \
	ADDQ $2048, R10; \
	SUBQ $2, T_TILES(DI)

// Adds the terms of the first and of the second pending tile.
#define FIRST(TERMS) \
	LEAQ S_PRODUCTS(DI), R14; \
	MOVQ R11, R15; \
	CALL TERMS
#define SECOND(TERMS) \
	LEAQ (S_PRODUCTS + 2048)(DI), R14; \
	MOVQ R12, R15; \
	ADDQ $1024, R13; \
	CALL TERMS

// PANEL is the body of a product. PREPARE and four times ROWS unpack a block of 16
// rows. The units for vectors are as busy as those for tiles, so their work is
// mixed: while a block's first tiles are multiplied, the terms of the last tiles of
// the block before are added and the next block is unpacked; while its other tiles
// are multiplied, the terms of those before are added.
#define PANEL(PREPARE, ROWS, TERMS) \
	LEAQ amxShapes<>(SB), AX; \
	LDTILECFG_AX; \
	MOVQ p+0(FP), R8; \
	MOVQ P_SCRATCH(R8), DI; \
	MOVQ R8, T_PANEL(DI); \
	MOVQ $64, DX; \
	VPBROADCASTD P_STRIDE(R8), Z0; \
	VPMULLD amxIota<>(SB), Z0, Z0; \
	VMOVDQU32 Z0, S_ROWS(DI); \
	MOVL $0xff00, AX; \
	KMOVW AX, K2; \
	MOVQ P_W(R8), AX; \
	MOVQ AX, T_W(DI); \
	MOVQ P_ACTS(R8), AX; \
	MOVQ AX, T_ACTS(DI); \
	MOVQ P_BLOCKS(R8), AX; \
	MOVQ AX, T_LEFT(DI); \
	MOVQ P_TILESTRIDE(R8), R9; \
	MOVQ $0, T_PENDING(DI); \
	LEAQ (S_WEIGHTS + W_BYTES)(DI), AX; \
	MOVQ AX, T_OTHER(DI); \
	LEAQ S_WEIGHTS(DI), AX; \
	MOVQ AX, R15; \
	CALL PREPARE; \
	CALL ROWS; \
	CALL ROWS; \
	CALL ROWS; \
	CALL ROWS; \
block: \
	MOVQ T_PANEL(DI), R8; \
	MOVQ P_SUMS(R8), R10; \
	MOVQ P_TILES(R8), R8; \
	MOVQ R8, T_TILES(DI); \
	MOVQ T_ACTS(DI), SI; \
	LEAQ (SI)(R9*1), BX; \
	ADDQ $A_BYTES, T_ACTS(DI); \
	CMPQ R8, $1; \
	JEQ one; \
	ZERO_PAIR; \
	PAIR(0); \
	CMPQ T_PENDING(DI), $1; \
	JLT nothing2; \
	FIRST(TERMS); \
	CMPQ T_PENDING(DI), $1; \
	JEQ nothing2; \
	SECOND(TERMS); \
nothing2: \
	PAIR(1); \
	DECQ T_LEFT(DI); \
	JEQ unpacked2; \
	MOVQ T_OTHER(DI), R15; \
	CALL PREPARE; \
	CALL ROWS; \
	PAIR(2); \
	CALL ROWS; \
	CALL ROWS; \
	PAIR(3); \
	CALL ROWS; \
	JMP multiplied2; \
unpacked2: \
	PAIR(2); \
	PAIR(3); \
multiplied2: \
	STORE_PAIR; \
	PEND(2); \
	ADVANCE; \
more: \
	CMPQ T_TILES(DI), $1; \
	JLT swap; \
	JEQ odd; \
	ZERO_PAIR; \
	PAIR(0); \
	FIRST(TERMS); \
	PAIR(1); \
	PAIR(2); \
	SECOND(TERMS); \
	PAIR(3); \
	STORE_PAIR; \
	PEND(2); \
	ADVANCE; \
	JMP more; \
odd: \
	ZERO_SINGLE; \
	SINGLE(0); \
	SINGLE(1); \
	FIRST(TERMS); \
	SINGLE(2); \
	SECOND(TERMS); \
	SINGLE(3); \
	STORE_SINGLE; \
	PEND(1); \
	JMP swap; \
one: \
	ZERO_SINGLE; \
	SINGLE(0); \
	CMPQ T_PENDING(DI), $1; \
	JLT nothing1; \
	FIRST(TERMS); \
nothing1: \
	SINGLE(1); \
	DECQ T_LEFT(DI); \
	JEQ unpacked1; \
	MOVQ T_OTHER(DI), R15; \
	CALL PREPARE; \
	CALL ROWS; \
	SINGLE(2); \
	CALL ROWS; \
	CALL ROWS; \
	SINGLE(3); \
	CALL ROWS; \
	JMP multiplied1; \
unpacked1: \
	SINGLE(2); \
	SINGLE(3); \
multiplied1: \
	STORE_SINGLE; \
	PEND(1); \
swap: \
	MOVQ T_OTHER(DI), R8; \
	MOVQ AX, T_OTHER(DI); \
	MOVQ R8, AX; \
	CMPQ T_LEFT(DI), $0; \
	JNE block; \
	FIRST(TERMS); \
	CMPQ T_PENDING(DI), $1; \
	JEQ over; \
	SECOND(TERMS); \
over: \
	TILERELEASE; \
	VZEROUPPER; \
	RET

// func amxQ4K(p *amxPanel)
TEXT ·amxQ4K(SB), NOSPLIT, $8-8
	NO_LOCAL_POINTERS
	PANEL(amxPrepareQ4K<>(SB), amxRowsQ4K<>(SB), amxTermsMin<>(SB))

// func amxIQ4XS(p *amxPanel)
TEXT ·amxIQ4XS(SB), NOSPLIT, $8-8
	NO_LOCAL_POINTERS
	PANEL(amxPrepareIQ4XS<>(SB), amxRowsIQ4XS<>(SB), amxTerms<>(SB))

// func amxQ5K(p *amxPanel)
TEXT ·amxQ5K(SB), NOSPLIT, $8-8
	NO_LOCAL_POINTERS
	PANEL(amxPrepareQ5K<>(SB), amxRowsQ5K<>(SB), amxTermsMin<>(SB))

// func amxQ6K(p *amxPanel)
TEXT ·amxQ6K(SB), NOSPLIT, $8-8
	NO_LOCAL_POINTERS
	PANEL(amxPrepareQ6K<>(SB), amxRowsQ6K<>(SB), amxTerms<>(SB))

// Terms. In: R14 a tile's products, low and high, R15 its packed activations, R13
// its sums, CX the amxWeights.

// The integer sum of row r as floats, times the scales; y is used.
#define SUM(r, x, y) \
	VMOVDQU32 (1024 + 64*(r))(R14), x; \
	VPSLLD $8, x, x; \
	VPADDD (64*(r))(R14), x, x; \
	VMULPS.BCST (W_D + 4*(r))(CX), Z20, y; \
	VCVTDQ2PS x, x; \
	VMULPS y, x, x

#define TERM(r, x, y) \
	SUM(r, x, y); \
	VADDPS (64*(r))(R13), x, x; \
	VMOVUPS x, (64*(r))(R13)

#define TERM_MIN(r, x, y, z) \
	VPXORD z, z, z; \
	VPDPWSSD.BCST (W_M + 4*(r))(CX), Z22, z; \
	SUM(r, x, y); \
	VPDPWSSD.BCST (W_M + 64 + 4*(r))(CX), Z23, z; \
	VPDPWSSD.BCST (W_M + 128 + 4*(r))(CX), Z24, z; \
	VPDPWSSD.BCST (W_M + 192 + 4*(r))(CX), Z25, z; \
	VMULPS.BCST (W_DMIN + 4*(r))(CX), Z20, y; \
	VCVTDQ2PS z, z; \
	VMULPS y, z, z; \
	VSUBPS z, x, x; \
	VADDPS (64*(r))(R13), x, x; \
	VMOVUPS x, (64*(r))(R13)

#define TERMS4(r) \
	TERM(r, Z0, Z1); \
	TERM(r + 1, Z2, Z3); \
	TERM(r + 2, Z4, Z5); \
	TERM(r + 3, Z6, Z7)

#define TERMS4_MIN(r) \
	TERM_MIN(r, Z0, Z1, Z2); \
	TERM_MIN(r + 1, Z3, Z4, Z5); \
	TERM_MIN(r + 2, Z6, Z7, Z8); \
	TERM_MIN(r + 3, Z9, Z10, Z11)

TEXT amxTerms<>(SB), NOSPLIT|NOFRAME, $0-0
	VMOVUPS A_D(R15), Z20
	TERMS4(0)
	TERMS4(4)
	TERMS4(8)
	TERMS4(12)
	RET

TEXT amxTermsMin<>(SB), NOSPLIT|NOFRAME, $0-0
	VMOVUPS A_D(R15), Z20
	VMOVDQU32 A_SUMS(R15), Z22
	VMOVDQU32 (A_SUMS + 64)(R15), Z23
	VMOVDQU32 (A_SUMS + 128)(R15), Z24
	VMOVDQU32 (A_SUMS + 192)(R15), Z25
	TERMS4_MIN(0)
	TERMS4_MIN(4)
	TERMS4_MIN(8)
	TERMS4_MIN(12)
	RET

// Unpacking. PREPARE_ROWS begins a block.
#define PREPARE_ROWS \
	MOVQ T_PANEL(DI), R8; \
	MOVQ T_W(DI), R13; \
	MOVQ P_BLOCKBYTES(R8), CX; \
	ADDQ R13, CX; \
	MOVQ CX, T_W(DI); \
	MOVQ P_STRIDE(R8), R12; \
	MOVQ P_TABLE(R8), R11; \
	MOVQ P_AHEAD(R8), R14; \
	MOVQ T_LEFT(DI), CX; \
	CMPQ CX, P_AHEADBLOCKS(R8); \
	CMOVQLE P_AHEADLAST(R8), R14; \
	MOVQ R14, T_AHEAD(DI); \
	LEAQ W_SCALES(R15), R14

#define NEXT_ROW \
	ADDQ R12, R13; \
	ADDQ $64, R15; \
	ADDQ $8, R14

// AHEAD prefetches the block that comes T_AHEAD bytes after the one at hand.
#define AHEAD \
	MOVQ T_AHEAD(DI), CX; \
	ADDQ R13, CX; \
	PREFETCHT0 (CX); \
	PREFETCHT0 64(CX); \
	PREFETCHT0 128(CX)

// The scales and minima of Q4_K and Q5_K: 12 bytes with 6 bits of each of eight
// scales and eight minima. Leaves the minima as words.
#define PREPARE_K \
	PREPARE_ROWS; \
	VMOVDQU32 S_ROWS(DI), Z30; \
	KXNORW K0, K0, K1; \
	VPGATHERDD (R13)(Z30*1), K1, Z0; \
	KXNORW K0, K0, K1; \
	VPGATHERDD 4(R13)(Z30*1), K1, Z1; \
	KXNORW K0, K0, K1; \
	VPGATHERDD 8(R13)(Z30*1), K1, Z2; \
	KXNORW K0, K0, K1; \
	VPGATHERDD 12(R13)(Z30*1), K1, Z3; \
	VPMOVDW Z0, Y4; \
	VCVTPH2PS Y4, Z4; \
	VMOVUPS Z4, W_D(R15); \
	VPSRLD $16, Z0, Z0; \
	VPMOVDW Z0, Y4; \
	VCVTPH2PS Y4, Z4; \
	VMOVUPS Z4, W_DMIN(R15); \
	MOVL $0x3f3f3f3f, R8; \
	VPBROADCASTD R8, Z8; \
	MOVL $0x0f0f0f0f, R8; \
	VPBROADCASTD R8, Z30; \
	MOVL $0x30303030, R8; \
	VPBROADCASTD R8, Z10; \
	VPSRLD $2, Z1, Z4; \
	VPANDD Z10, Z4, Z4; \
	VPANDD Z30, Z3, Z5; \
	VPORD Z5, Z4, Z4; \
	VPANDD Z8, Z1, Z1; \
	VMOVDQU32 amxZipLow<>(SB), Z6; \
	VPERMI2D Z4, Z1, Z6; \
	VMOVDQU32 Z6, W_SCALES(R15); \
	VMOVDQU32 amxZipHigh<>(SB), Z6; \
	VPERMI2D Z4, Z1, Z6; \
	VMOVDQU32 Z6, (W_SCALES + 64)(R15); \
	VPSRLD $2, Z2, Z4; \
	VPANDD Z10, Z4, Z4; \
	VPSRLD $4, Z3, Z3; \
	VPANDD Z30, Z3, Z3; \
	VPORD Z3, Z4, Z4; \
	VPANDD Z8, Z2, Z2; \
	VBROADCASTI32X4 amxBytes01<>(SB), Z5; \
	VBROADCASTI32X4 amxBytes23<>(SB), Z6; \
	VPSHUFB Z5, Z2, Z7; \
	VMOVDQU32 Z7, W_M(R15); \
	VPSHUFB Z6, Z2, Z7; \
	VMOVDQU32 Z7, (W_M + 64)(R15); \
	VPSHUFB Z5, Z4, Z7; \
	VMOVDQU32 Z7, (W_M + 128)(R15); \
	VPSHUFB Z6, Z4, Z7; \
	VMOVDQU32 Z7, (W_M + 192)(R15)

// Looks the 64 nibbles in Z0 up, times scales 2k and 2k+1 of the row, in the table:
// [64 scales][low, high][16].
#define LOOK(k) \
	MOVBLZX (2*(k))(R14), R8; \
	MOVBLZX (2*(k) + 1)(R14), CX; \
	SHLL $5, R8; \
	SHLL $5, CX; \
	VBROADCASTI32X4 (R11)(R8*1), Z1; \
	VBROADCASTI32X4 (R11)(CX*1), K2, Z1; \
	VBROADCASTI32X4 16(R11)(R8*1), Z2; \
	VBROADCASTI32X4 16(R11)(CX*1), K2, Z2; \
	VPSHUFB Z0, Z1, Z1; \
	VPSHUFB Z0, Z2, Z2; \
	VMOVDQU64 Z1, (W_LOW + 1024*(k))(R15); \
	VMOVDQU64 Z2, (W_HIGH + 1024*(k))(R15)

#define Q4K64(k) \
	MOVBLZX (2*(k))(R14), R8; \
	MOVBLZX (2*(k) + 1)(R14), CX; \
	SHLL $5, R8; \
	SHLL $5, CX; \
	VMOVDQU (16 + 32*(k))(R13), Y0; \
	VPAND Y15, Y0, Y1; \
	VPSRLW $4, Y0, Y2; \
	VPAND Y15, Y2, Y2; \
	VBROADCASTI128 (R11)(R8*1), Y3; \
	VBROADCASTI128 16(R11)(R8*1), Y4; \
	VBROADCASTI128 (R11)(CX*1), Y5; \
	VBROADCASTI128 16(R11)(CX*1), Y6; \
	VPSHUFB Y1, Y3, Y3; \
	VPSHUFB Y1, Y4, Y4; \
	VPSHUFB Y2, Y5, Y5; \
	VPSHUFB Y2, Y6, Y6; \
	VMOVDQU Y3, (W_LOW + 1024*(k))(R15); \
	VMOVDQU Y5, (W_LOW + 32 + 1024*(k))(R15); \
	VMOVDQU Y4, (W_HIGH + 1024*(k))(R15); \
	VMOVDQU Y6, (W_HIGH + 32 + 1024*(k))(R15)

#define Q4K_ROW \
	AHEAD; \
	Q4K64(0); \
	Q4K64(1); \
	Q4K64(2); \
	Q4K64(3); \
	NEXT_ROW

TEXT amxPrepareQ4K<>(SB), NOSPLIT|NOFRAME, $0-0
	PREPARE_K
	VMOVDQU32 Y30, Y15
	RET

TEXT amxRowsQ4K<>(SB), NOSPLIT|NOFRAME, $0-0
	Q4K_ROW
	Q4K_ROW
	Q4K_ROW
	Q4K_ROW
	RET

#define IQ4XS64(k) \
	VBROADCASTI32X4 (8 + 32*(k))(R13), Z0; \
	VBROADCASTI32X4 (24 + 32*(k))(R13), K2, Z0; \
	VPSRLVQ Z31, Z0, Z0; \
	VPANDQ Z30, Z0, Z0; \
	LOOK(k)

#define IQ4XS_ROW \
	AHEAD; \
	IQ4XS64(0); \
	IQ4XS64(1); \
	IQ4XS64(2); \
	IQ4XS64(3); \
	NEXT_ROW

// Each block begins with its own scale and 6 bits of each of eight others: 2 in 16
// bits, 4 in the 32 that follow.
TEXT amxPrepareIQ4XS<>(SB), NOSPLIT|NOFRAME, $0-0
	PREPARE_ROWS
	MOVQ $0x0f0f0f0f0f0f0f0f, R11
	MOVQ $0x3030303030303030, R14
	XORL DX, DX
row:
	MOVQ (R13), R8
	MOVW R8, W_HALVES(R15)(DX*2)
	SHRQ $16, R8
	PDEPQ R14, R8, CX
	SHRQ $16, R8
	PDEPQ R11, R8, R8
	ORQ CX, R8
	MOVQ R8, W_SCALES(R15)(DX*8)
	ADDQ R12, R13
	INCL DX
	CMPL DX, $16
	JNE row
	MOVQ $64, DX
	MOVQ R12, R8
	SHLQ $4, R8
	SUBQ R8, R13
	MOVQ T_PANEL(DI), R8
	MOVQ P_TABLE(R8), R11
	LEAQ W_SCALES(R15), R14
	VCVTPH2PS W_HALVES(R15), Z0
	VMOVUPS Z0, W_D(R15)
	MOVL $0x0f0f0f0f, R8
	VPBROADCASTD R8, Z30
	VMOVDQU64 amxShiftNibbles<>(SB), Z31
	RET

TEXT amxRowsIQ4XS<>(SB), NOSPLIT|NOFRAME, $0-0
	IQ4XS_ROW
	IQ4XS_ROW
	IQ4XS_ROW
	IQ4XS_ROW
	RET

// Multiplies the even bytes in e and the odd ones in o, 16 bits each, with the
// scales that order picks from the row's in Z2, and stores low and high bytes. Z29
// is the lower byte of every 16 bits.
#define FOLD(k, e, o, order) \
	VPERMW Z2, order, Z4; \
	VPMULLW Z4, e, e; \
	VPMULLW Z4, o, o; \
	VPSLLW $8, o, Z5; \
	VPSRLW $8, e, Z6; \
	VPTERNLOGD $0xf8, Z29, e, Z5; \
	VPANDND o, Z29, Z7; \
	VPORD Z6, Z7, Z6; \
	VMOVDQU64 Z5, (W_LOW + 1024*(k))(R15); \
	VMOVDQU64 Z6, (W_HIGH + 1024*(k))(R15)

// The fifth bits are bits 2k and 2k+1 of the bytes in Z3.
#define Q5K64(k, SHIFT, by, order) \
	VBROADCASTI64X4 (48 + 32*(k))(R13), Z0; \
	VPSRLVQ Z31, Z0, Z0; \
	VPANDQ Z30, Z0, Z0; \
	SHIFT by, Z3, Z1; \
	VPTERNLOGD $0xf8, Z28, Z1, Z0; \
	VPSRLW $8, Z0, Z1; \
	VPANDD Z29, Z0, Z0; \
	FOLD(k, Z0, Z1, order)

#define Q5K_ROW \
	AHEAD; \
	VPMOVZXBW (R14), X2; \
	VBROADCASTI64X4 16(R13), Z3; \
	Q5K64(0, VPSLLVQ, Z24, Z20); \
	Q5K64(1, VPSLLVQ, Z25, Z21); \
	Q5K64(2, VPSRLVQ, Z26, Z22); \
	Q5K64(3, VPSRLVQ, Z27, Z23); \
	NEXT_ROW

TEXT amxPrepareQ5K<>(SB), NOSPLIT|NOFRAME, $0-0
	PREPARE_K
	MOVL $0x00ff00ff, R8
	VPBROADCASTD R8, Z29
	MOVL $0x10101010, R8
	VPBROADCASTD R8, Z28
	VMOVDQU64 amxShift0and4<>(SB), Z31
	VMOVDQU64 amxShift4and3<>(SB), Z24
	VMOVDQU64 amxShift2and1<>(SB), Z25
	VMOVDQU64 amxShift0and1<>(SB), Z26
	VMOVDQU64 amxShift2and3<>(SB), Z27
	VMOVDQU64 amxWords01<>(SB), Z20
	VMOVDQU64 amxWords23<>(SB), Z21
	VMOVDQU64 amxWords45<>(SB), Z22
	VMOVDQU64 amxWords67<>(SB), Z23
	RET

TEXT amxRowsQ5K<>(SB), NOSPLIT|NOFRAME, $0-0
	Q5K_ROW
	Q5K_ROW
	Q5K_ROW
	Q5K_ROW
	RET

// 64 columns whose four lower bits are in Z0 and two upper ones in Z1, there in
// bits 4 and 5. Z27 is 32.
#define Q6K64(k, order) \
	VPTERNLOGD $0xf8, Z28, Z1, Z0; \
	VPSRLW $8, Z0, Z1; \
	VPANDD Z29, Z0, Z0; \
	VPSUBW Z27, Z0, Z0; \
	VPSUBW Z27, Z1, Z1; \
	FOLD(k, Z0, Z1, order)

#define Q6K_ROW \
	AHEAD; \
	PREFETCHT0 192(CX); \
	VPMOVSXBW 192(R13), Y2; \
	VMOVDQU64 (R13), Z8; \
	VMOVDQU64 64(R13), Z9; \
	VBROADCASTI64X4 128(R13), Z10; \
	VBROADCASTI64X4 160(R13), Z11; \
	VPANDQ Z30, Z8, Z0; \
	VPSLLVQ Z25, Z10, Z1; \
	Q6K64(0, Z20); \
	VPSRLQ $4, Z8, Z0; \
	VPANDQ Z30, Z0, Z0; \
	VPSRLVQ Z26, Z10, Z1; \
	Q6K64(1, Z21); \
	VPANDQ Z30, Z9, Z0; \
	VPSLLVQ Z25, Z11, Z1; \
	Q6K64(2, Z22); \
	VPSRLQ $4, Z9, Z0; \
	VPANDQ Z30, Z0, Z0; \
	VPSRLVQ Z26, Z11, Z1; \
	Q6K64(3, Z23); \
	NEXT_ROW

TEXT amxPrepareQ6K<>(SB), NOSPLIT|NOFRAME, $0-0
	PREPARE_ROWS
	// The scale of a block is its last two bytes.
	MOVQ R13, R8
	XORL CX, CX
row:
	MOVW 208(R8), R11
	MOVW R11, W_HALVES(R15)(CX*2)
	ADDQ R12, R8
	INCL CX
	CMPL CX, $16
	JNE row
	VCVTPH2PS W_HALVES(R15), Z0
	VMOVUPS Z0, W_D(R15)
	MOVL $0x0f0f0f0f, R8
	VPBROADCASTD R8, Z30
	MOVL $0x00ff00ff, R8
	VPBROADCASTD R8, Z29
	MOVL $0x30303030, R8
	VPBROADCASTD R8, Z28
	MOVL $0x00200020, R8
	VPBROADCASTD R8, Z27
	VMOVDQU64 amxShift4and2<>(SB), Z25
	VMOVDQU64 amxShift0and2<>(SB), Z26
	VMOVDQU64 amxWords0to3<>(SB), Z20
	VMOVDQU64 amxWords4to7<>(SB), Z21
	VMOVDQU64 amxWords8to11<>(SB), Z22
	VMOVDQU64 amxWords12to15<>(SB), Z23
	RET

TEXT amxRowsQ6K<>(SB), NOSPLIT|NOFRAME, $0-0
	Q6K_ROW
	Q6K_ROW
	Q6K_ROW
	Q6K_ROW
	RET

// func transpose16(dst *byte, dstStride int, src *byte, srcStride int)
TEXT ·transpose16(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ srcStride+24(FP), R9
	LEAQ (R9)(R9*2), R10
	LEAQ (R8)(R8*2), R11
	VMOVDQU32 (SI), Z0
	VMOVDQU32 (SI)(R9*1), Z1
	VMOVDQU32 (SI)(R9*2), Z2
	VMOVDQU32 (SI)(R10*1), Z3
	LEAQ (SI)(R9*4), SI
	VMOVDQU32 (SI), Z4
	VMOVDQU32 (SI)(R9*1), Z5
	VMOVDQU32 (SI)(R9*2), Z6
	VMOVDQU32 (SI)(R10*1), Z7
	LEAQ (SI)(R9*4), SI
	VMOVDQU32 (SI), Z8
	VMOVDQU32 (SI)(R9*1), Z9
	VMOVDQU32 (SI)(R9*2), Z10
	VMOVDQU32 (SI)(R10*1), Z11
	LEAQ (SI)(R9*4), SI
	VMOVDQU32 (SI), Z12
	VMOVDQU32 (SI)(R9*1), Z13
	VMOVDQU32 (SI)(R9*2), Z14
	VMOVDQU32 (SI)(R10*1), Z15
	// Pairs of rows, then fours: element i of each lane of rows 4n to 4n+3.
#define FOUR(a, b, c, d) \
	VPUNPCKLDQ b, a, Z16; \
	VPUNPCKHDQ b, a, Z17; \
	VPUNPCKLDQ d, c, Z18; \
	VPUNPCKHDQ d, c, Z19; \
	VPUNPCKLQDQ Z18, Z16, a; \
	VPUNPCKHQDQ Z18, Z16, b; \
	VPUNPCKLQDQ Z19, Z17, c; \
	VPUNPCKHQDQ Z19, Z17, d
	FOUR(Z0, Z1, Z2, Z3)
	FOUR(Z4, Z5, Z6, Z7)
	FOUR(Z8, Z9, Z10, Z11)
	FOUR(Z12, Z13, Z14, Z15)
	// Element i of lane l is column 4l+i: collect the lanes of each.
#define LANES(a, b, c, d, at) \
	VSHUFI32X4 $0x88, b, a, Z16; \
	VSHUFI32X4 $0xdd, b, a, Z17; \
	VSHUFI32X4 $0x88, d, c, Z18; \
	VSHUFI32X4 $0xdd, d, c, Z19; \
	VSHUFI32X4 $0x88, Z18, Z16, Z20; \
	VMOVDQU32 Z20, (at); \
	VSHUFI32X4 $0xdd, Z18, Z16, Z22; \
	VSHUFI32X4 $0x88, Z19, Z17, Z21; \
	VSHUFI32X4 $0xdd, Z19, Z17, Z23; \
	LEAQ (at)(R8*4), R12; \
	VMOVDQU32 Z21, (R12); \
	LEAQ (R12)(R8*4), R12; \
	VMOVDQU32 Z22, (R12); \
	LEAQ (R12)(R8*4), R12; \
	VMOVDQU32 Z23, (R12); \
	ADDQ R8, at
	LANES(Z0, Z4, Z8, Z12, DI)
	LANES(Z1, Z5, Z9, Z13, DI)
	LANES(Z2, Z6, Z10, Z14, DI)
	LANES(Z3, Z7, Z11, Z15, DI)
	VZEROUPPER
	RET
