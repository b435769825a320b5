// Command quant writes the assembly of package kernel's quantised products, for
// one of three sets of instructions: AVX2, AVX2 with VNNI (what it adds), and
// AVX-512 with VNNI (what it adds).
//
//	go run ./quant -for avx2 -out ../quant_amd64.s -stubs ../quant_stubs_amd64.go -pkg kernel
package main

import (
	"flag"
	"log"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/buildtags"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The sets of instructions.
var sets = map[string]func(){
	"avx2":    generateAVX2,
	"avxvnni": generateAVXVNNI,
	"avx512":  generateAVX512,
}

func main() {
	set := flag.String("for", "avx2", "the set of instructions: avx2, avxvnni or avx512")
	flag.Parse()
	generate := sets[*set]
	if generate == nil {
		log.Fatalf("unknown set of instructions %q", *set)
	}
	Constraint(buildtags.Not("noasm"))
	generate()
	Generate()
	if *set == "avxvnni" {
		if err := encodeVNNI(flag.Lookup("out").Value.String()); err != nil {
			log.Fatal(err)
		}
	}
}

func generateAVX2() {
	for _, k := range superKernels {
		k.generate()
	}
	for _, k := range smallKernels {
		k.generate()
	}
	for _, f := range formats {
		rows(f, 1)
		if f.two {
			rows(f, 2)
		}
		unpack(f)
	}
}

func generateAVXVNNI() {
	for _, k := range superVNNIs {
		k.generate()
	}
	for _, k := range smallVNNIs {
		k.generate()
	}
}

func generateAVX512() {
	for _, k := range super512s {
		k.generate()
	}
	for _, k := range small512s {
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
