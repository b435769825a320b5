package quant

import (
	"math"
	"testing"
)

// TestQuantizeTies rounds halves: away from zero in Q8_0, to even in Q8_K.
func TestQuantizeTies(t *testing.T) {
	x := make([]float32, 256)
	for b := 0; b < 256; b += 32 { // a scale of 1 in every block
		copy(x[b:], []float32{-127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.25, -2.75})
	}
	q, d, sums := make([]int8, 256), make([]float32, 8), make([]int16, 16)
	QuantizeQ8_0(q, d, sums[:8], x)
	for i, want := range []int8{-127, 1, 2, 3, -1, -2, -3, 2, -3, 0} {
		if q[i] != want || d[0] != 1 {
			t.Errorf("Q8_0: %g becomes %g*%d, want %d", x[i], d[0], q[i], want)
		}
	}
	QuantizeQ8_K(q, d[:1], sums, x)
	for i, want := range []int8{-127, 0, 2, 2, 0, -2, -2, 2, -3, 0} {
		if q[i] != want || d[0] != 1 {
			t.Errorf("Q8_K: %g becomes %g*%d, want %d", x[i], d[0], q[i], want)
		}
	}
	if sums[0] != -128 || sums[1] != 0 || sums[2] != -128 {
		t.Errorf("Q8_K: sums are %d, want -128, 0, -128", sums[:3])
	}
}

// TestQuantizeFirst: of two elements of the largest magnitude the first gives
// the sign of Q8_K's scale.
func TestQuantizeFirst(t *testing.T) {
	x := make([]float32, 256)
	x[7], x[200] = 254, -254
	q, d, sums := make([]int8, 256), make([]float32, 1), make([]int16, 16)
	QuantizeQ8_K(q, d, sums, x)
	if d[0] != -2 || q[7] != -127 || q[200] != 127 {
		t.Errorf("d is %g, q are %d and %d; want -2, -127 and 127", d[0], q[7], q[200])
	}
}

// TestQuantizeNotFinite gives activations that no scale suits: an Inf must show
// in the scale, and nothing may depend on the processor.
func TestQuantizeNotFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		name     string
		at       map[int]float32
		infinite bool
		q        map[int]int8 // of both formats, times the sign of their scale
	}{
		{"Inf", map[int]float32{0: 1, 3: inf}, true, map[int]int8{0: 0, 3: 0}},
		{"-Inf", map[int]float32{0: 1, 3: -inf}, true, map[int]int8{0: 0, 3: 0}},
		{"NaN", map[int]float32{0: 127, 3: nan, 5: -1}, false, map[int]int8{0: 127, 3: 0, 5: -1}},
		{"all NaN", map[int]float32{0: nan, 31: nan}, false, map[int]int8{0: 0, 31: 0}},
		{"NaN and Inf", map[int]float32{0: nan, 1: inf}, true, map[int]int8{0: 0, 1: 0}},
		{"subnormal", map[int]float32{0: 1e-43, 2: -1e-45}, false, map[int]int8{0: 0, 2: 0}},
	} {
		for _, f := range []struct {
			name     string
			block    int
			quantize func(q []int8, d []float32, sums []int16, x []float32)
		}{{"Q8_0", 32, QuantizeQ8_0}, {"Q8_K", 256, QuantizeQ8_K}} {
			x, q := make([]float32, f.block), make([]int8, f.block)
			for i, v := range c.at {
				x[i] = v
			}
			d, sums := make([]float32, 1), make([]int16, 16)
			f.quantize(q, d, sums, x)
			if math.IsInf(float64(d[0]), 0) != c.infinite || d[0] != d[0] {
				t.Errorf("%s, %s: d is %g, want infinite: %v", c.name, f.name, d[0], c.infinite)
			}
			for i, want := range c.q {
				if d[0] < 0 {
					want = -want
				}
				if q[i] != want {
					t.Errorf("%s, %s: q[%d] is %d, want %d", c.name, f.name, i, q[i], want)
				}
			}
		}
	}
}
