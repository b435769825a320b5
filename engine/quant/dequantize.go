package quant

// Dequantize turns blocks of type t into weights, bit for bit as llama.cpp's
// dequantize_row functions do: products in the same order, each rounded to
// float32, and never fused with an addition, which is what the conversions
// around products are for.
//
// len(dst) must be a multiple of t.BlockSize(), and src must be exactly the
// blocks of those weights, t.RowBytes(len(dst)) long. Where t.Decodes() is
// false dst is left as it is.
func Dequantize(t Type, dst []float32, src []byte) {
	switch t { // formats without blocks
	case F32:
		dequantizeF32(dst, src)
		return
	case F16:
		dequantizeF16(dst, src)
		return
	case BF16:
		dequantizeBF16(dst, src)
		return
	}
	if t >= Type(len(dequantizers)) || dequantizers[t] == nil {
		return
	}
	dequantize, weights, size := dequantizers[t], t.BlockSize(), t.BlockBytes()
	for len(dst) >= weights {
		dequantize(dst[:weights], src[:size])
		dst, src = dst[weights:], src[size:]
	}
}

// dequantizers has the decoder of one block for every type that has blocks: y
// is its weights and b its bytes.
//
// In their code, i is a weight's place in its block, and the formulas are those
// of ggml's block formats.
var dequantizers = [...]func(y []float32, b []byte){
	Q4_0: dequantizeQ4_0, Q4_1: dequantizeQ4_1, Q5_0: dequantizeQ5_0, Q5_1: dequantizeQ5_1, Q8_0: dequantizeQ8_0,
	Q2_K: dequantizeQ2_K, Q3_K: dequantizeQ3_K, Q4_K: dequantizeQ4_K, Q5_K: dequantizeQ5_K, Q6_K: dequantizeQ6_K,
	IQ1S: dequantizeIQ1S, IQ1M: dequantizeIQ1M,
	IQ2XXS: dequantizeIQ2XXS, IQ2XS: dequantizeIQ2XS, IQ2S: dequantizeIQ2S,
	IQ3XXS: dequantizeIQ3XXS, IQ3S: dequantizeIQ3S,
	IQ4NL: dequantizeIQ4NL, IQ4XS: dequantizeIQ4XS, MXFP4: dequantizeMXFP4,
	TQ1_0: dequantizeTQ1_0, TQ2_0: dequantizeTQ2_0,
}
