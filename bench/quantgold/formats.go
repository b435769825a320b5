package main

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// format is a weight format, as ggml's block structures have it.
type format struct {
	name           string
	symbol         string // of the decoder; "" for F32
	weights, bytes int    // of one block
	scales         []int  // where half-precision scales are
	special        func(block []byte, scale uint16)
	row            func(block []byte, k, n int) // puts codebook row n in place k
	rows           int                          // of the codebook
	places         int                          // rows in a block
}

var formats = []format{
	{name: "F32", weights: 1, bytes: 4, special: float32Bits},
	{name: "F16", symbol: "ggml_fp16_to_fp32_row", weights: 1, bytes: 2, scales: []int{0}},
	{name: "BF16", symbol: "ggml_bf16_to_fp32_row", weights: 1, bytes: 2, special: bfloat16},
	{name: "Q4_0", symbol: "dequantize_row_q4_0", weights: 32, bytes: 18, scales: []int{0}},
	{name: "Q4_1", symbol: "dequantize_row_q4_1", weights: 32, bytes: 20, scales: []int{0, 2}},
	{name: "Q5_0", symbol: "dequantize_row_q5_0", weights: 32, bytes: 22, scales: []int{0}},
	{name: "Q5_1", symbol: "dequantize_row_q5_1", weights: 32, bytes: 24, scales: []int{0, 2}},
	{name: "Q8_0", symbol: "dequantize_row_q8_0", weights: 32, bytes: 34, scales: []int{0}},
	{name: "Q2_K", symbol: "dequantize_row_q2_K", weights: 256, bytes: 84, scales: []int{80, 82}},
	{name: "Q3_K", symbol: "dequantize_row_q3_K", weights: 256, bytes: 110, scales: []int{108}},
	{name: "Q4_K", symbol: "dequantize_row_q4_K", weights: 256, bytes: 144, scales: []int{0, 2}},
	{name: "Q5_K", symbol: "dequantize_row_q5_K", weights: 256, bytes: 176, scales: []int{0, 2}},
	{name: "Q6_K", symbol: "dequantize_row_q6_K", weights: 256, bytes: 210, scales: []int{208}},
	{name: "IQ1_S", symbol: "dequantize_row_iq1_s", weights: 256, bytes: 50, scales: []int{0}, row: rowIQ1S, rows: 2048, places: 32},
	{name: "IQ1_M", symbol: "dequantize_row_iq1_m", weights: 256, bytes: 56, special: scaleIQ1M, row: rowIQ1M, rows: 2048, places: 32},
	{name: "IQ2_XXS", symbol: "dequantize_row_iq2_xxs", weights: 256, bytes: 66, scales: []int{0}, row: rowIQ2XXS, rows: 256, places: 32},
	{name: "IQ2_XS", symbol: "dequantize_row_iq2_xs", weights: 256, bytes: 74, scales: []int{0}, row: rowIQ2XS, rows: 512, places: 32},
	{name: "IQ2_S", symbol: "dequantize_row_iq2_s", weights: 256, bytes: 82, scales: []int{0}, row: rowIQ2S, rows: 1024, places: 32},
	{name: "IQ3_XXS", symbol: "dequantize_row_iq3_xxs", weights: 256, bytes: 98, scales: []int{0}, row: rowIQ3XXS, rows: 256, places: 64},
	{name: "IQ3_S", symbol: "dequantize_row_iq3_s", weights: 256, bytes: 110, scales: []int{0}, row: rowIQ3S, rows: 512, places: 64},
	{name: "IQ4_NL", symbol: "dequantize_row_iq4_nl", weights: 32, bytes: 18, scales: []int{0}},
	{name: "IQ4_XS", symbol: "dequantize_row_iq4_xs", weights: 256, bytes: 136, scales: []int{0}},
	{name: "TQ1_0", symbol: "dequantize_row_tq1_0", weights: 256, bytes: 54, scales: []int{52}},
	{name: "TQ2_0", symbol: "dequantize_row_tq2_0", weights: 256, bytes: 66, scales: []int{64}},
	{name: "MXFP4", symbol: "dequantize_row_mxfp4", weights: 32, bytes: 17}, // every exponent is finite
}

// set makes every scale of a block the given half-precision float.
func (f format) set(block []byte, scale uint16) {
	for _, at := range f.scales {
		binary.LittleEndian.PutUint16(block[at:], scale)
	}
	if f.special != nil {
		f.special(block, scale)
	}
}

// random is a block of random bits with finite scales.
func (f format) random(rng *rand.Rand) []byte {
	block := make([]byte, f.bytes)
	for i := range block {
		block[i] = byte(rng.Uint32())
	}
	for _, at := range f.scales {
		binary.LittleEndian.PutUint16(block[at:], finite(rng))
	}
	if f.special != nil {
		f.special(block, finite(rng))
	}
	return block
}

// finite is any half-precision float that is finite.
func finite(rng *rand.Rand) uint16 {
	for {
		if h := uint16(rng.Uint32()); h&0x7c00 != 0x7c00 {
			return h
		}
	}
}

// examples is the edge blocks (all bits clear; all bits set with scales 1, the
// least subnormal, the largest half and -1) and n random ones. Formats of one
// weight a block get more.
func (f format) examples(rng *rand.Rand, n int) []byte {
	blocks := make([]byte, f.bytes)
	for _, scale := range []uint16{0x3c00, 0x0001, 0x7bff, 0xbc00} {
		block := slices.Repeat([]byte{0xff}, f.bytes)
		f.set(block, scale)
		blocks = append(blocks, block...)
	}
	for range n * max(1, 32/f.weights) {
		blocks = append(blocks, f.random(rng)...)
	}
	return blocks
}

// sweep is n random blocks whose rows, where there is a codebook, are all of it
// in turn.
func (f format) sweep(rng *rand.Rand, n int) []byte {
	var blocks []byte
	for i := range n {
		block := f.random(rng)
		for k := range f.places {
			f.row(block, k, (i*f.places+k)%f.rows)
		}
		blocks = append(blocks, block...)
	}
	return blocks
}

// float32Bits keeps an F32 finite: the half-precision float goes in its upper
// half, with the exponent bits that a bfloat16 has in its place.
func float32Bits(block []byte, h uint16) { bfloat16(block[2:], h) }

// bfloat16 is a finite bfloat16 for every finite half.
func bfloat16(block []byte, h uint16) { binary.LittleEndian.PutUint16(block, h&^0x0080) }

// scaleIQ1M spreads a scale over the upper bits of four words.
func scaleIQ1M(block []byte, scale uint16) {
	for i := range 4 {
		b := &block[49+2*i]
		*b = *b&0x0f | byte(scale>>(4*i))<<4
	}
}

// bits replaces the bits of mask in b by those of v.
func bits(b *byte, mask, v byte) { *b = *b&^mask | v&mask }

func rowIQ1S(b []byte, k, n int) {
	b[2+k] = byte(n)
	at := 34 + 2*(k/4)
	word, shift := binary.LittleEndian.Uint16(b[at:]), 3*(k%4)
	binary.LittleEndian.PutUint16(b[at:], word&^(7<<shift)|uint16(n>>8)<<shift)
}

func rowIQ1M(b []byte, k, n int) {
	b[k] = byte(n)
	shift := 4 * (k % 2)
	bits(&b[32+k/2], 7<<shift, byte(n>>8<<shift))
}

func rowIQ2XXS(b []byte, k, n int) { b[2+8*(k/4)+k%4] = byte(n) }

func rowIQ2XS(b []byte, k, n int) {
	b[2+2*k] = byte(n)
	bits(&b[3+2*k], 1, byte(n>>8))
}

func rowIQ2S(b []byte, k, n int) {
	b[2+k] = byte(n)
	shift := 2 * (k % 4)
	bits(&b[66+k/4], 3<<shift, byte(n>>8<<shift))
}

func rowIQ3XXS(b []byte, k, n int) { b[2+k] = byte(n) }

func rowIQ3S(b []byte, k, n int) {
	b[2+k] = byte(n)
	bits(&b[66+k/8], 1<<(k%8), byte(n>>8<<(k%8)))
}
