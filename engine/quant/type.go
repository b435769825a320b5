// Package quant holds the weight formats of GGUF files: their names, their
// block layouts, a plain decoder for each, the integer form that fast kernels
// multiply with, and the activation formats those kernels expect.
//
// Every row of a quantised matrix is a run of blocks. A block stores a fixed
// number of weights (32 or 256; 256 is called a super-block) as small integers
// with one or more scales. The layouts are interoperability facts of the GGUF
// format; file-format numbers are those of the ggml type table.
package quant

import "fmt"

// Type is a tensor element type, numbered as in a GGUF file.
type Type uint32

// The types a GGUF file may hold. Numbers missing here are unknown or retired.
const (
	F32    Type = 0
	F16    Type = 1
	Q4_0   Type = 2
	Q4_1   Type = 3
	Q5_0   Type = 6
	Q5_1   Type = 7
	Q8_0   Type = 8
	Q8_1   Type = 9
	Q2_K   Type = 10
	Q3_K   Type = 11
	Q4_K   Type = 12
	Q5_K   Type = 13
	Q6_K   Type = 14
	Q8_K   Type = 15
	IQ2XXS Type = 16
	IQ2XS  Type = 17
	IQ3XXS Type = 18
	IQ1S   Type = 19
	IQ4NL  Type = 20
	IQ3S   Type = 21
	IQ2S   Type = 22
	IQ4XS  Type = 23
	I8     Type = 24
	I16    Type = 25
	I32    Type = 26
	I64    Type = 27
	F64    Type = 28
	IQ1M   Type = 29
	BF16   Type = 30
	TQ1_0  Type = 34
	TQ2_0  Type = 35
	MXFP4  Type = 39
	NVFP4  Type = 40
	Q1_0   Type = 41
	Q2_0   Type = 42
)

// layout is what must be known of a type to measure it.
type layout struct {
	name    string
	weights int  // weights in one block
	bytes   int  // bytes of one block
	decodes bool // Dequantize knows it
}

// layouts follows the ggml type table. Types that only ever hold activations,
// or that no published Llama 4 file uses, are named so that they can be
// refused by name.
var layouts = map[Type]layout{
	F32: {"F32", 1, 4, true}, F16: {"F16", 1, 2, true}, BF16: {"BF16", 1, 2, true},
	Q4_0: {"Q4_0", 32, 18, true}, Q4_1: {"Q4_1", 32, 20, true},
	Q5_0: {"Q5_0", 32, 22, true}, Q5_1: {"Q5_1", 32, 24, true},
	Q8_0: {"Q8_0", 32, 34, true}, Q8_1: {"Q8_1", 32, 36, false},
	Q2_K: {"Q2_K", 256, 84, true}, Q3_K: {"Q3_K", 256, 110, true}, Q4_K: {"Q4_K", 256, 144, true},
	Q5_K: {"Q5_K", 256, 176, true}, Q6_K: {"Q6_K", 256, 210, true}, Q8_K: {"Q8_K", 256, 292, false},
	IQ1S: {"IQ1_S", 256, 50, true}, IQ1M: {"IQ1_M", 256, 56, true},
	IQ2XXS: {"IQ2_XXS", 256, 66, true}, IQ2XS: {"IQ2_XS", 256, 74, true}, IQ2S: {"IQ2_S", 256, 82, true},
	IQ3XXS: {"IQ3_XXS", 256, 98, true}, IQ3S: {"IQ3_S", 256, 110, true},
	IQ4NL: {"IQ4_NL", 32, 18, true}, IQ4XS: {"IQ4_XS", 256, 136, true},
	TQ1_0: {"TQ1_0", 256, 54, true}, TQ2_0: {"TQ2_0", 256, 66, true},
	MXFP4: {"MXFP4", 32, 17, true},
	NVFP4: {"NVFP4", 64, 36, false}, Q1_0: {"Q1_0", 128, 18, false}, Q2_0: {"Q2_0", 64, 18, false},
	I8: {"I8", 1, 1, false}, I16: {"I16", 1, 2, false}, I32: {"I32", 1, 4, false},
	I64: {"I64", 1, 8, false}, F64: {"F64", 1, 8, false},
}

// String is the name people use for the type, such as "Q4_K".
func (t Type) String() string {
	if l, ok := layouts[t]; ok {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Known says whether t is in the type table, so that its size can be computed.
func (t Type) Known() bool { _, ok := layouts[t]; return ok }

// Decodes says whether weights of type t can be used: Dequantize and the
// kernels know the format.
func (t Type) Decodes() bool { return layouts[t].decodes }

// BlockSize is the number of weights in one block, 0 for an unknown type.
func (t Type) BlockSize() int { return layouts[t].weights }

// BlockBytes is the size of one block in bytes, 0 for an unknown type.
func (t Type) BlockBytes() int { return layouts[t].bytes }

// RowBytes is the size in bytes of a row of n weights. n must be a multiple of
// BlockSize.
func (t Type) RowBytes(n int) int { l := layouts[t]; return n / l.weights * l.bytes }

// Types lists every type that decodes, in file-number order.
func Types() []Type {
	var ts []Type
	for t := Type(0); t < 64; t++ {
		if t.Decodes() {
			ts = append(ts, t)
		}
	}
	return ts
}
