// Command float writes the AVX2 assembly of package kernel's float kernels:
//
//	go run ./float -out ../float_amd64.s -stubs ../float_stubs_amd64.go -pkg kernel
//
// Every function works on whole groups of 8 (or 4, or 16) elements; the Go
// callers do what is left over.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	Constraint(buildtags.Not("noasm"))
	products()
	attention()
	elementwise()
	norm()
	rope()
	exponentials()
	halves()
	quantize()
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

// done ends a function that used YMM registers.
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

// ymms is n fresh vector registers.
func ymms(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// floats32 is a constant of 8 equal floats in memory.
func floats32(name string, x float32) Mem { return words32(name, math.Float32bits(x)) }

// words32 is a constant of 8 equal 32-bit words in memory, or of the 8 given.
func words32(name string, w ...uint32) Mem {
	g := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(4*i, U32(w[i%len(w)]))
	}
	return g
}
