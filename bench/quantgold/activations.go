package main

import (
	"math"
	"math/rand/v2"
)

// activation is a format of quantised activations.
type activation struct {
	name, symbol string
	block, bytes int // activations, and bytes, of one block
}

var activations = []activation{
	{"Q8_0", "quantize_row_q8_0_ref", 32, 34},
	{"Q8_K", "quantize_row_q8_K_ref", 256, 292},
}

// examples is blocks of each kind of vector that rounding could get wrong.
func (a activation) examples(rng *rand.Rand) []float32 {
	var x []float32
	for _, kind := range []func(rng *rand.Rand, block []float32){
		zeros, normal, normal, wide, halves, oneLarge, twoSigns, huge, tiny,
	} {
		for range 256 / a.block {
			block := make([]float32, a.block)
			kind(rng, block)
			x = append(x, block...)
		}
	}
	return x
}

func zeros(*rand.Rand, []float32) {}

func normal(rng *rand.Rand, x []float32) {
	scale := math.Exp2(rng.Float64()*20 - 10)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * scale)
	}
}

// wide has magnitudes of all kinds.
func wide(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Exp2(-12*rng.Float64()))
	}
}

// halves has a scale of 1 and values half way between integers.
func halves(rng *rand.Rand, x []float32) {
	for i := range x {
		x[i] = float32(rng.IntN(253)-126) + 0.5
	}
	x[rng.IntN(len(x))] = float32(127 - 254*rng.IntN(2))
}

func oneLarge(rng *rand.Rand, x []float32) { x[rng.IntN(len(x))] = float32(rng.NormFloat64()) }

// twoSigns has the largest magnitude with both signs.
func twoSigns(rng *rand.Rand, x []float32) {
	normal(rng, x)
	most := float32(0)
	for _, v := range x {
		most = max(most, v, -v)
	}
	for n := range 6 {
		x[rng.IntN(len(x))] = most * float32(1-2*(n%2)) * 2
	}
}

// huge overflows a half-precision scale in part of the blocks.
func huge(rng *rand.Rand, x []float32) {
	scale := math.Exp2(15 + 110*rng.Float64())
	for i := range x {
		x[i] = float32(rng.NormFloat64() * scale)
	}
}

// tiny has a half-precision scale that is subnormal or zero.
func tiny(rng *rand.Rand, x []float32) {
	scale := math.Exp2(-8 - 100*rng.Float64())
	for i := range x {
		x[i] = float32(rng.NormFloat64() * scale)
	}
}
