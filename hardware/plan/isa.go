package plan

import "strings"

// isaRates is what one core reaches with quantized weights: bytes a second when it
// generates, products a second when it reads a prompt of so many tokens together.
type isaRates struct {
	name   string // as engine.ProcessorFeatures has it
	types  map[string]KernelRate
	source string
}

// isas lists what processors compute with, the best first. The figures of one core of
// a Sapphire Rapids at about 3 GHz are those of docs/speed.md, "What a kernel does",
// the lower end of each, less a fifth for what lies between products; AVX2 and VNNI
// are the same machine with less of it used. Those of ARM are a guess on the careful
// side: a half of AVX2 with 128-bit registers and no dot product, all of it with one.
var isas = []isaRates{
	{"AMX", rates(1, 300, 360), "one core of a Sapphire Rapids with AMX, docs/speed.md"},
	{"AVX-512 VNNI", rates(1, 120, 124), "one core of a Sapphire Rapids with AVX-512 VNNI, docs/speed.md"},
	{"AVX-VNNI", rates(1, 90, 90), "one core of a Sapphire Rapids with VNNI of 256 bits, docs/speed.md"},
	{"AVX2", rates(1, 50, 50), "one core of a Sapphire Rapids with AVX2 alone, docs/speed.md"},
	{"dot product", rates(0.8, 45, 45), "assumed: a core with NEON and its dot product is near one with AVX2"},
	{"NEON", rates(0.5, 20, 20), "assumed: a core with NEON alone is half as fast as one with AVX2"},
	{"", rates(0.1, 2, 2), "assumed: plain loops"},
}

// rates is the rates of all types: bytes when generating, by docs/speed.md times a
// share of them, and products in thousand millions. Codebooks are looked up at the
// same rate whatever else the core can do.
func rates(share, small, large float64) map[string]KernelRate {
	decode := map[string]float64{
		"Q4_K": 26, "Q6_K": 23, "Q8_0": 28, "Q5_K": 21, "Q2_K": 15, "Q3_K": 15, "IQ4_XS": 16, "IQ4_NL": 16,
		"Q4_0": 24, "Q5_0": 20, "F16": 25, "BF16": 25, "F32": 25, "IQ1_S": 3, "IQ1_M": 3, "IQ2_XXS": 3, "IQ3_XXS": 4, "MXFP4": 16,
	}
	out := map[string]KernelRate{}
	for name, gb := range decode {
		s, l := small, large
		if !strings.HasPrefix(name, "Q") && !strings.HasPrefix(name, "I") && !strings.HasPrefix(name, "M") { // floats: no integer products
			s, l = min(s, 45), min(l, 45)
		}
		out[name] = KernelRate{Decode: gb * share * 1e9, Small: s * 1e9, Large: l * 1e9}
	}
	return out
}

// AssumedKernels is what so many cores with these features are sure to reach, when
// nothing was measured. Features are as engine.ProcessorFeatures lists them.
func AssumedKernels(features []string, cores int) *Kernels {
	for _, isa := range isas {
		found := isa.name == ""
		for _, f := range features {
			found = found || f == isa.name
		}
		if !found {
			continue
		}
		k := &Kernels{Types: map[string]KernelRate{}, Source: isa.source}
		n := float64(max(1, cores))
		for name, r := range isa.types {
			k.Types[name] = KernelRate{Decode: r.Decode * n, Small: r.Small * n, Large: r.Large * n}
		}
		return k
	}
	return nil
}
