//go:build !noasm

package kernel

import (
	"encoding/binary"

	"scout/engine/quant"
)

//go:generate go -C _asm run ./attnq8 -out ../attention_q8_amd64.s -stubs ../attention_q8_stubs_amd64.go -pkg kernel

func init() {
	if hasAVX2 {
		blockVersions["avx2"] = &avx2Blocks
		bestBlocks = &avx2Blocks
	}
}

var avx2Blocks = blockKernels{widen: widenBlocksAVX2, quantize: quantizeBlocksAVX2}

func widenBlocksAVX2(t quant.Type, dst []float32, src []byte) {
	n := len(dst) / 32
	switch {
	case n == 0:
	case t == quant.Q8_0:
		widenQ80(&dst[0], &src[0], n)
	default:
		widenQ40(&dst[0], &src[0], n)
	}
}

func quantizeBlocksAVX2(t quant.Type, dst []byte, x []float32) {
	if t != quant.Q8_0 {
		quantizeBlocksGeneric(t, dst, x)
		return
	}
	var (
		q    [32]int8
		d    float32
		sums int16
	)
	for b := range len(x) / 32 {
		quantizeQ8_0Vector(&q[0], &d, &sums, &x[32*b], 1)
		block := (*[34]byte)(dst[34*b:])
		binary.LittleEndian.PutUint16(block[:], quant.F32ToF16(d))
		for i, v := range q {
			block[2+i] = byte(v)
		}
	}
}
