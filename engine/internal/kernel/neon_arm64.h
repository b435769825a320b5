// The NEON instructions that Go's assembler does not know, as words.
//
// Operands are register numbers in the order of Go's assembler: the manual's
// "FSUB Vd, Vn, Vm" (d = n - m) is FSUB4(m, n, d). A lane number comes first:
// SDOTE(i, m, n, d) multiplies with the four bytes of lane i of m.
//
// Encodings are those of the Arm Architecture Reference Manual (DDI 0487),
// chapter C7.2: a fixed word with Rm at bit 16, Rn at bit 5 and Rd at bit 0. In
// the forms with a lane, bit 20 (M) belongs to Rm, and the lane number is
// bits 11 and 21 (H:L) for words and four bytes, and bits 11, 21 and 20 (H:L:M)
// for half words, where Rm has four bits. Shifts by n to the right have
// immh:immb (bits 22 to 16) = twice the width - n.

#define THREE(word, m, n, d) WORD $((word) | (m)<<16 | (n)<<5 | (d))
#define TWO(word, n, d) WORD $((word) | (n)<<5 | (d))
#define LANE4(word, i, m, n, d) WORD $((word) | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d))
#define LANE8(word, i, m, n, d) WORD $((word) | ((i)&1)<<20 | (((i)>>1)&1)<<21 | ((i)>>2)<<11 | (m)<<16 | (n)<<5 | (d))

// Products of signed bytes, four by four, added to Vd.4S (FEAT_DotProd).
#define SDOT(m, n, d) THREE(0x4E809400, m, n, d) // SDOT Vd.4S, Vn.16B, Vm.16B
#define SDOTE(i, m, n, d) LANE4(0x4F80E000, i, m, n, d) // SDOT Vd.4S, Vn.16B, Vm.4B[i]

// Integer products.
#define MLA4(m, n, d) THREE(0x4EA09400, m, n, d) // MLA Vd.4S, Vn.4S, Vm.4S
#define MLA4E(i, m, n, d) LANE4(0x6F800000, i, m, n, d) // MLA Vd.4S, Vn.4S, Vm.S[i]
#define SMULL(m, n, d) THREE(0x0E60C000, m, n, d) // SMULL Vd.4S, Vn.4H, Vm.4H
#define SMLAL(m, n, d) THREE(0x0E608000, m, n, d) // SMLAL Vd.4S, Vn.4H, Vm.4H
#define SMLAL2(m, n, d) THREE(0x4E608000, m, n, d) // SMLAL2 Vd.4S, Vn.8H, Vm.8H
#define SMLALE(i, m, n, d) LANE8(0x0F402000, i, m, n, d) // SMLAL Vd.4S, Vn.4H, Vm.H[i]
#define SMLALE2(i, m, n, d) LANE8(0x4F402000, i, m, n, d) // SMLAL2 Vd.4S, Vn.8H, Vm.H[i]

// Widening, narrowing, shifting and adding up integers.
#define SXTL8(n, d) TWO(0x0F08A400, n, d) // SXTL Vd.8H, Vn.8B
#define SXTL8_2(n, d) TWO(0x4F08A400, n, d) // SXTL2 Vd.8H, Vn.16B
#define SXTL4(n, d) TWO(0x0F10A400, n, d) // SXTL Vd.4S, Vn.4H
#define SXTL4_2(n, d) TWO(0x4F10A400, n, d) // SXTL2 Vd.4S, Vn.8H
#define SHLL4(n, d) TWO(0x2E613800, n, d) // SHLL Vd.4S, Vn.4H, #16
#define SHLL4_2(n, d) TWO(0x6E613800, n, d) // SHLL2 Vd.4S, Vn.8H, #16
#define SHRN8BY4(n, d) TWO(0x0F0C8400, n, d) // SHRN Vd.8B, Vn.8H, #4
#define SSHR4BY1(n, d) TWO(0x4F3F0400, n, d) // SSHR Vd.4S, Vn.4S, #1
#define USHL8(m, n, d) THREE(0x6E604400, m, n, d) // USHL Vd.8H, Vn.8H, Vm.8H
#define SADDLV16(n, d) TWO(0x4E303800, n, d) // SADDLV Hd, Vn.16B

// Floats, four singles.
#define FADD4(m, n, d) THREE(0x4E20D400, m, n, d) // FADD Vd.4S, Vn.4S, Vm.4S
#define FSUB4(m, n, d) THREE(0x4EA0D400, m, n, d) // FSUB Vd.4S, Vn.4S, Vm.4S
#define FMUL4(m, n, d) THREE(0x6E20DC00, m, n, d) // FMUL Vd.4S, Vn.4S, Vm.4S
#define FDIV4(m, n, d) THREE(0x6E20FC00, m, n, d) // FDIV Vd.4S, Vn.4S, Vm.4S
#define FMAX4(m, n, d) THREE(0x4E20F400, m, n, d) // FMAX Vd.4S, Vn.4S, Vm.4S
#define FMIN4(m, n, d) THREE(0x4EA0F400, m, n, d) // FMIN Vd.4S, Vn.4S, Vm.4S
#define FADDP4(m, n, d) THREE(0x6E20D400, m, n, d) // FADDP Vd.4S, Vn.4S, Vm.4S
#define FCMEQ4(m, n, d) THREE(0x4E20E400, m, n, d) // FCMEQ Vd.4S, Vn.4S, Vm.4S
#define FACGE4(m, n, d) THREE(0x6E20EC00, m, n, d) // FACGE Vd.4S, Vn.4S, Vm.4S
#define FACGT4(m, n, d) THREE(0x6EA0EC00, m, n, d) // FACGT Vd.4S, Vn.4S, Vm.4S
#define FMUL4E(i, m, n, d) LANE4(0x4F809000, i, m, n, d) // FMUL Vd.4S, Vn.4S, Vm.S[i]
#define FMLA4(m, n, d) THREE(0x4E20CC00, m, n, d) // FMLA Vd.4S, Vn.4S, Vm.4S
#define FMLA4E(i, m, n, d) LANE4(0x4F801000, i, m, n, d) // FMLA Vd.4S, Vn.4S, Vm.S[i]
#define FABS4(n, d) TWO(0x4EA0F800, n, d) // FABS Vd.4S, Vn.4S
#define FNEG4(n, d) TWO(0x6EA0F800, n, d) // FNEG Vd.4S, Vn.4S
#define FMAXV4(n, d) TWO(0x6E30F800, n, d) // FMAXV Sd, Vn.4S
#define FADDP2(n, d) TWO(0x7E30D800, n, d) // FADDP Sd, Vn.2S

// Floats, two doubles.
#define FADD2D(m, n, d) THREE(0x4E60D400, m, n, d) // FADD Vd.2D, Vn.2D, Vm.2D
#define FMLA2D(m, n, d) THREE(0x4E60CC00, m, n, d) // FMLA Vd.2D, Vn.2D, Vm.2D

// Conversions. FCVTAS rounds halves away from zero, FCVTNS to even.
#define SCVTF4(n, d) TWO(0x4E21D800, n, d) // SCVTF Vd.4S, Vn.4S
#define SCVTF1(n, d) TWO(0x5E21D800, n, d) // SCVTF Sd, Sn
#define FCVTAS4(n, d) TWO(0x4E21C800, n, d) // FCVTAS Vd.4S, Vn.4S
#define FCVTNS4(n, d) TWO(0x4E21A800, n, d) // FCVTNS Vd.4S, Vn.4S
#define FCVTL4(n, d) TWO(0x0E217800, n, d) // FCVTL Vd.4S, Vn.4H
#define FCVTL4_2(n, d) TWO(0x4E217800, n, d) // FCVTL2 Vd.4S, Vn.8H
#define FCVTL2D(n, d) TWO(0x0E617800, n, d) // FCVTL Vd.2D, Vn.2S
#define FCVTL2D_2(n, d) TWO(0x4E617800, n, d) // FCVTL2 Vd.2D, Vn.4S
#define FCVTN4(n, d) TWO(0x0E216800, n, d) // FCVTN Vd.4H, Vn.4S
#define FCVTN4_2(n, d) TWO(0x4E216800, n, d) // FCVTN2 Vd.8H, Vn.4S
