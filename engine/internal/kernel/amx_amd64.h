// Instructions of AMX (Intel's Advanced Matrix Extensions, Instruction Set
// Extensions Programming Reference, chapter 3), which Go's assembler does not
// know. All are VEX-encoded, map 0F38, W0, 128 bits. The addressing is always a
// 32-bit displacement from a base, with the distance of rows in DX.

// Bases as the SIB byte with index DX has them.
#define BASE_AX 0x10
#define BASE_BX 0x13
#define BASE_SI 0x16
#define BASE_DI 0x17

// LDTILECFG_AX loads the shapes of the tile registers from (AX).
#define LDTILECFG_AX BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0x00
// TILERELEASE gives the tile registers up.
#define TILERELEASE BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0
#define TILEZERO(t) BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $(0xc0 + (t)*8)
#define TILELOAD(base, disp, t) BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x4b; BYTE $(0x84 + (t)*8); BYTE $(base); LONG $(disp)
#define TILESTORE(t, base, disp) BYTE $0xc4; BYTE $0xe2; BYTE $0x7a; BYTE $0x4b; BYTE $(0x84 + (t)*8); BYTE $(base); LONG $(disp)
// c[i][j] += sum over k and n of a[i][4k+n] * b[k][4j+n], exact: a unsigned and b
// signed, or both signed.
#define TDPBUSD(b, a, c) BYTE $0xc4; BYTE $0xe2; BYTE $(0x01 + (15 - (b))*8); BYTE $0x5e; BYTE $(0xc0 + (c)*8 + (a))
#define TDPBSSD(b, a, c) BYTE $0xc4; BYTE $0xe2; BYTE $(0x03 + (15 - (b))*8); BYTE $0x5e; BYTE $(0xc0 + (c)*8 + (a))
