// Command float512 writes the AVX-512 assembly of products of floats, and of
// weighted sums whose length is no multiple of 32:
//
//	go run ./float512 -out ../float_avx512_amd64.s -stubs ../float_avx512_stubs_amd64.go -pkg kernel
//
// A register holds the 8 partial sums of a row and a vector next to those of the
// next row. Each is a chain of fused multiply-adds in the order of the AVX2
// version, and the 8 are added up in its order too, so that the two give the same
// bits.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	Constraint(buildtags.Not("noasm"))
	for _, f := range formats {
		f.pairRows()
	}
	packVectors()
	tile()
	accumulate()
	Generate()
}

// function starts a leaf function without a frame.
func function(name, signature, doc string) {
	TEXT(name, attr.NOSPLIT, signature)
	Pragma("noescape")
	Doc(doc)
}

// arg is an argument in a general register.
func arg(name string) Register { return Load(Param(name), GP64()) }

// done ends a function.
func done() {
	VZEROUPPER()
	RET()
}

// loop runs body n times, n in a register that is counted down; zero times if
// n is 0.
func loop(label string, n Register, body func()) {
	TESTQ(n, n)
	JZ(LabelRef(label + "Done"))
	Label(label)
	body()
	DECQ(n)
	JNZ(LabelRef(label))
	Label(label + "Done")
}

// zmms is n fresh vector registers.
func zmms(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = ZMM()
	}
	return v
}

// switchOn jumps to the label of n, which is 1 to most; fall through for most.
func switchOn(n Register, most int, label func(n int) string) {
	for i := 1; i < most; i++ {
		CMPQ(n, Imm(uint64(i)))
		JEQ(LabelRef(label(i)))
	}
}
