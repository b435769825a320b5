package plan

import (
	"math"
	"slices"
	"testing"
)

// synthetic is the facts of a model of random weights as docs/speed.md measures:
// layers of that many million weights read for each token, at so many bits for each,
// and an output.
func synthetic(layers int, millions, bits, outputMillions, outputBits float64) Facts {
	f := Facts{Name: "synthetic", Vocabulary: int(outputMillions * 1e6 / 4096), Width: 4096, Multiplied: int64(float64(layers) * millions * 1e6)}
	f.Output = int64(outputMillions * 1e6 * outputBits / 8)
	for range layers {
		f.Layers = append(f.Layers, Layer{Dense: int64(millions * 1e6 * bits / 8), KVHeads: 8, HeadDim: 128})
	}
	return f
}

// TestMeasuredSpeeds holds predictions against what docs/speed.md says our engine
// got on two cores when plain reads got 29.5 GB/s. Q4_K takes 4.5 bits, Q6_K 6.5625.
func TestMeasuredSpeeds(t *testing.T) {
	const (
		attention = 2*16.78 + 2*4.19 // 4096 wide, 32 heads, 8 of them for keys and values
		expert    = 3 * 33.55        // 8192 wide; a shared one and a routed one
	)
	m := Machine{Name: "two cores", Cores: 2, RAM: RAM{Total: 24 * gib, Free: 22 * gib, Bandwidth: 29.5e9, Measured: true}}
	tests := []struct {
		name  string
		facts Facts
		want  float64 // tokens per second
	}{
		{"slice", synthetic(4, 62.9+2*125.8, 5.16, 1034.5, 6.5625), 15.5},
		{"q8_0", synthetic(4, attention+2*expert, 8.5, 16.8, 8.5), 25.7},
		{"q5_k", synthetic(4, attention+2*expert, 5.5, 16.8, 6.5625), 32.9},
		{"iq4_xs", synthetic(4, attention+2*expert, 4.25, 16.8, 6.5625), 36.8},
		{"dense", synthetic(4, attention+2*expert, 5.16, 16.8, 6.5625), 36.8},
	}
	var errs []float64
	for _, test := range tests {
		p, err := Make(test.facts, m, Options{Context: 4096})
		if err != nil {
			t.Fatal(err)
		}
		off := p.Decode.Rate/test.want - 1
		t.Logf("%s: predicted %.1f tokens/s, measured %.1f, off by %.1f %%", test.name, p.Decode.Rate, test.want, 100*off)
		if errs = append(errs, math.Abs(off)); math.Abs(off) > 0.15 {
			t.Errorf("%s: predicted %.1f tokens/s, measured were %.1f", test.name, p.Decode.Rate, test.want)
		}
	}
	slices.Sort(errs)
	if median := errs[len(errs)/2]; median > 0.10 {
		t.Errorf("off by %.1f %% at the median, want 10", 100*median)
	}
}
