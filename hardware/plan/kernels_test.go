package plan

import (
	"math"
	"testing"
)

// twoTypes is a model of a dense part in Q4_K, experts in IQ2_XXS, and an output in
// Q6_K; sizes in GB.
func twoTypes() Facts {
	f := Facts{Name: "two types", Width: 4096, Heads: 32, Experts: 16, ExpertsUsed: 1, Multiplied: 3e9, Output: 0.8e9}
	for range 4 {
		f.Layers = append(f.Layers, Layer{Dense: 0.25e9, Experts: 4e9, KVHeads: 8, HeadDim: 128})
	}
	f.Types = []TypeUse{
		{Type: "Q4_K", Fixed: Amount{1e9, 2e9}},
		{Type: "IQ2_S", Routed: Amount{16e9, 64e9}},
		{Type: "Q6_K", Output: Amount{0.8e9, 1e9}},
		{Type: "F32", Fixed: Amount{1e6, 25e4}},
	}
	return f
}

func measuredMachine() Machine {
	return Machine{
		Name: "measured", Cores: 2, RAM: RAM{Total: 64 * gib, Free: 60 * gib, Bandwidth: 25e9, Measured: true},
		Kernels: &Kernels{
			Measured: true, Layer: 1e-3, LayerBatch: 1e-5,
			Types: map[string]KernelRate{"Q4_K": {20e9, 100e9, 400e9}, "Q6_K": {16e9, 100e9, 400e9}, "IQ2_XXS": {4e9, 80e9, 100e9}},
			Cache: map[KVType]CacheRate{F16: {Decode: 10e9, Large: 50e9}},
		},
	}
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got/want-1) <= within) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestKernelsDecode adds up by hand what a token takes: each type at its rate, the
// cache at its own, and the layers.
func TestKernelsDecode(t *testing.T) {
	f, m := twoTypes(), measuredMachine()
	p, err := Make(f, m, Options{Context: 4096, Depth: 4096})
	if err != nil {
		t.Fatal(err)
	}
	seconds := 1.0/20 + 1.0/4 + 0.8/16 + 4e-3
	near(t, "empty", p.DecodeEmpty.Rate, 1/seconds, 1e-3)
	seconds += 4 * 2 * 4096 * 8 * 128 * 2 / 10e9
	near(t, "full", p.Decode.Rate, 1/seconds, 1e-3)
	m.Kernels.Types["IQ2_XXS"] = KernelRate{8e9, 80e9, 100e9}
	faster, err := Make(f, m, Options{Context: 4096, Depth: 4096})
	if err != nil || !(faster.Decode.Rate > p.Decode.Rate*1.2) {
		t.Errorf("a type twice as fast gives %v tokens/s after %v, %v", faster.Decode.Rate, p.Decode.Rate, err)
	}
}

// TestKernelsPrefill does the same for a prompt: experts see a sixteenth of a batch.
func TestKernelsPrefill(t *testing.T) {
	f, m := twoTypes(), measuredMachine()
	p, err := Make(f, m, Options{Context: 4096})
	if err != nil {
		t.Fatal(err)
	}
	seconds := 2e9/400e9 + 4e9/80e9 + 4*1e-5 + 4*2*4096*256/50e9
	seconds += 0.8e9 / p.Facts.rateOf(m) / 512
	near(t, "prefill", p.Prefill.Rate, 1/seconds, 2e-3)
	deep, err := Make(f, m, Options{Context: 65536, Depth: 32768})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "prefill at 32768", deep.Prefill.Rate, 1/(seconds+4*2*4096*32768/50e9), 2e-3)
}

func (f Facts) rateOf(m Machine) float64 {
	r, _ := m.Kernels.decodeRate(f, m.RAM.Bandwidth)
	return r
}

// TestKernelsUnknownType leaves the model of the bandwidth where a type was never
// measured, and does not stop at a type that little is of.
func TestKernelsUnknownType(t *testing.T) {
	f, m := twoTypes(), measuredMachine()
	f.Types[1].Type = "TQ1_0"
	if _, ok := m.Kernels.decodeRate(f, 25e9); ok {
		t.Error("experts of an unknown type have a rate")
	}
	if s := m.Kernels.prefillSeconds(f, Options{Context: 100, KV: F16}, 1e10); s != 0 {
		t.Errorf("a prompt takes %v s a token", s)
	}
	plain := m
	plain.Kernels = nil
	a, err := Make(f, m, Options{Context: 4096})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Make(f, plain, Options{Context: 4096})
	if err != nil || a.Decode != b.Decode {
		t.Errorf("got %+v, want %+v, %v", a.Decode, b.Decode, err)
	}
}

// TestRateBetween holds the line between two sizes of batch.
func TestRateBetween(t *testing.T) {
	for _, r := range []KernelRate{{1, 100e9, 400e9}, {1, 400e9, 390e9}, {1, 50e9, 50e9}} {
		near(t, "32", r.at(32), r.Small, 1e-6)
		near(t, "512", r.at(512), r.Large, 1e-6)
		near(t, "1000", r.at(1000), r.Large, 1e-6)
		before := 0.0
		for n := 1.0; n <= 512; n *= 2 {
			now := r.at(n)
			if !(now > 0) || now < before && r.Large >= r.Small {
				t.Errorf("%+v: %v products/s of %v tokens, %v of fewer", r, now, n, before)
			}
			before = now
		}
	}
}

// TestAssumedKernels expects more of more, and never more of memory than there is.
func TestAssumedKernels(t *testing.T) {
	before := AssumedKernels(nil, 1)
	for _, features := range [][]string{{"NEON"}, {"NEON", "dot product"}, {"AVX2"}, {"AVX2", "AVX-VNNI"}, {"AVX2", "AVX-512 VNNI"}, {"AVX2", "AVX-512 VNNI", "AMX"}} {
		k := AssumedKernels(features, 1)
		if k.Measured || k.Source == "" || k.Types["Q4_K"].Large <= before.Types["Q4_K"].Large || k.Types["Q4_K"].Decode < before.Types["Q4_K"].Decode {
			t.Errorf("%v: %+v after %+v", features, k.Types["Q4_K"], before.Types["Q4_K"])
		}
		near(t, "four cores", AssumedKernels(features, 4).Types["Q6_K"].Small, 4*k.Types["Q6_K"].Small, 1e-9)
		before = k
	}
	m := measuredMachine()
	m.RAM.Measured = false
	m.Kernels = AssumedKernels([]string{"AVX2"}, 64)
	p, err := Make(twoTypes(), m, Options{Context: 4096})
	if err != nil || p.Decode.Rate > m.RAM.Bandwidth/float64(twoTypes().PerToken()) {
		t.Errorf("%v tokens/s are more than memory gives, %v", p.Decode.Rate, err)
	}
}

// TestOfType spreads a single type over the parts.
func TestOfType(t *testing.T) {
	f := twoTypes()
	f.Types = nil
	f = f.OfType("Q4_K_M")
	if len(f.Types) != 1 || f.Types[0].Fixed.Bytes != 1e9 || f.Types[0].Routed.Bytes != 16e9 || f.Types[0].Output.Bytes != 0.8e9 {
		t.Fatalf("got %+v", f.Types)
	}
	near(t, "weights a token", float64(f.Types[0].Fixed.Weights)+float64(f.Types[0].Routed.Weights)/16, 3e9, 1e-6)
	if r, ok := measuredMachine().Kernels.like("Q4_K_M"); !ok || r.Decode != 20e9 {
		t.Errorf("Q4_K_M is like %+v", r)
	}
}
