// Command quant writes the assembly of package kernel's quantised products, for
// AVX2 or, with -vnni, for AVX-512 with VNNI:
//
//	go run ./quant -out ../quant_amd64.s -stubs ../quant_stubs_amd64.go -pkg kernel
//	go run ./quant -vnni -out ../quant_vnni_amd64.s -stubs ../quant_vnni_stubs_amd64.go -pkg kernel
package main

import (
	"flag"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

var vnni = flag.Bool("vnni", false, "write the functions for AVX-512 with VNNI")

func main() {
	flag.Parse()
	Constraint(buildtags.Not("noasm"))
	if *vnni {
		generateVNNI()
	} else {
		generateAVX2()
	}
	Generate()
}

func generateAVX2() {
	for _, k := range superKernels {
		k.generate()
	}
	for _, k := range smallKernels {
		k.generate()
	}
	for _, f := range formats {
		rows(f)
		unpack(f)
	}
}

func generateVNNI() {
	for _, k := range superVNNIs {
		k.generate()
	}
	for _, k := range smallVNNIs {
		k.generate()
	}
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

// times runs body n times, 0 < n.
func times(label string, n int, body func()) {
	k := GP64()
	MOVQ(U32(n), k)
	Label(label)
	body()
	DECQ(k)
	JNZ(LabelRef(label))
}

// ymms is n fresh vector registers.
func ymms(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// zero clears a vector register.
func zero(v VecVirtual) { VPXOR(v, v, v) }

// constants are vectors in memory by name, each defined once.
var constants = map[string]Mem{}

// repeated is a vector of 32 bytes in memory, from a pattern that is repeated.
func repeated(name string, pattern ...byte) Mem {
	if m, ok := constants[name]; ok {
		return m
	}
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := 0; i < 32; i += 8 {
		var v uint64
		for j := range 8 {
			v |= uint64(pattern[(i+j)%len(pattern)]) << (8 * j)
		}
		DATA(i, U64(v))
	}
	constants[name] = m
	return m
}
