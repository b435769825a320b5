package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Processors without AVX-512 may have VPDPBUSD for registers of 256 bits, as a
// VEX instruction. It takes any unsigned weights, which helps most where they
// are too large for sums in 16 bits; signed ones get a bias of 128.
var superVNNIs = []superKernel{
	{name: "tileVNNI", vnni: true, min: bias},
	{name: "tileVNNIWide", wide: true, vnni: true, min: bias},
	{name: "tileVNNIMinWide", wide: true, vnni: true, min: minima},
	{name: "tileVNNISignedWide", wide: true, signed: true, vnni: true, min: bias},
}

var smallVNNIs = []smallKernel{
	{name: "blocksVNNI", vnni: true, min: bias},
	{name: "blocksVNNIMin", vnni: true, min: minima},
	{name: "blocksVNNISigned", signed: true, vnni: true, min: bias},
}

// sumVNNI sets acc to the products of 4*n columns, from number g of 4 on.
func sumVNNI(w Register, g, n int, v vectors, signed bool, acc []VecVirtual) {
	for _, a := range acc {
		zero(a)
	}
	w0, w1, b := YMM(), YMM(), YMM()
	for i := g; i < g+n; i++ {
		weights(w, i, w0, w1)
		if signed {
			VPXOR(repeated("bytes80", 128), w0, w0)
			VPXOR(repeated("bytes80", 128), w1, w1)
		}
		for t := range 4 {
			VPBROADCASTD(Mem{Base: v.q[t], Disp: 4 * i}, b)
			VPDPBUSD(b, w0, acc[2*t])
			VPDPBUSD(b, w1, acc[2*t+1])
		}
	}
}

// sumsVNNI is sumsInMemory with sums in 32 bits.
func (k superKernel) sumsVNNI(tile Register, v vectors, acc []VecVirtual) {
	n := 4
	if k.wide {
		n = 8
	}
	scale := ymms(2)
	k.by32(tile, v.q[:], func(w, s Register) {
		for g := 0; g < 8; g += n {
			sumVNNI(w, g, n, v, k.signed, acc)
			for h := range scale {
				VMOVDQU(k.scaleAt(s, g, h), scale[h])
				VPSRAD(Imm(16), scale[h], scale[h])
			}
			for i, a := range acc {
				VPMULLD(scale[i%2], a, a)
				VPADDD(sumAt(tile, i), a, a)
				VMOVDQU(a, sumAt(tile, i))
			}
		}
	})
}

// The assembler knows VPDPBUSD as an EVEX instruction only.
var vpdpbusd = regexp.MustCompile(`(?m)^\tVPDPBUSD +Y(\d+), Y(\d+), Y(\d+)$`)

// encodeVNNI replaces the instructions VPDPBUSD of a file by the bytes of their
// VEX form: VEX.256.66.0F38.W0 50 /r.
func encodeVNNI(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text = vpdpbusd.ReplaceAllFunc(text, func(line []byte) []byte {
		var r [3]byte // the registers: activations, weights, sum
		for i, digits := range vpdpbusd.FindSubmatch(line)[1:] {
			n, err := strconv.ParseUint(string(digits), 10, 4)
			if err != nil {
				panic(err) // a register that VEX cannot name
			}
			r[i] = byte(n)
		}
		q, w, sum := r[0], r[1], r[2]
		// The high bits of the register numbers are stored inverted.
		second := 0xe2 ^ sum>>3<<7 ^ q>>3<<5
		third := byte(0x05) | (^w&15)<<3
		last := 0xc0 | sum&7<<3 | q&7
		return fmt.Appendf(nil, "\tBYTE $0xc4; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x50; BYTE $0x%02x // VPDPBUSD Y%d, Y%d, Y%d",
			second, third, last, q, w, sum)
	})
	return os.WriteFile(path, text, 0o666)
}
