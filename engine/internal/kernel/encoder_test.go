package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEncoderVersions compares every version of what encoders of pictures need
// bit for bit with the generic one, at every length.
func TestEncoderVersions(t *testing.T) {
	operations := map[string]func(f *floats, z, x, w, b []float32){
		"gelu":          func(f *floats, z, x, _, _ []float32) { f.gelu(z, x) },
		"gelu in place": func(f *floats, z, x, _, _ []float32) { copy(z, x); f.gelu(z, z) },
		"norm":          func(f *floats, z, x, w, b []float32) { f.layerNorm(z, x, w, b, 1e-5) },
		"norm in place": func(f *floats, z, x, w, b []float32) { copy(z, x); f.layerNorm(z, z, w, b, 1e-5) },
	}
	eachVersion(t, func(t *testing.T, f *floats) {
		rng := rand.New(rand.NewPCG(21, 1))
		for name, op := range operations {
			for n := 1; n <= longest; n++ {
				x, w, b := vector(rng, n), vector(rng, n), vector(rng, n)
				if n%2 == 0 {
					x = strange(rng, n, true)
				}
				guarded := append(make([]float32, n), 12345)
				want := make([]float32, n)
				op(f, guarded[:n:n], x, w, b)
				op(&genericFloats, want, x, w, b)
				mustEqual(t, name, n, guarded[:n], want)
				if guarded[n] != 12345 {
					t.Fatalf("%s, length %d: wrote past the end", name, n)
				}
			}
		}
		f.gelu(nil, nil)
	})
	LayerNorm(nil, nil, nil, nil, 1e-5)
}

// TestGELU holds the function to the formula in float64, densely over all that is
// neither 0 nor x.
func TestGELU(t *testing.T) {
	x := []float32{0, 1e-30, -1e-30, 100, -100, 3e38, -3e38}
	for v := float32(-20); v <= 20; v += 1.0 / 4096 {
		x = append(x, v)
	}
	got := make([]float32, len(x))
	GELU(got, x)
	worst := 0.0
	for i, v := range x {
		want := float64(v) / 2 * math.Erfc(-float64(v)/math.Sqrt2)
		off := math.Abs(float64(got[i])-want) / max(1, math.Abs(float64(v)))
		worst = max(worst, off)
		if !(off <= 2e-7) {
			t.Fatalf("gelu(%g) is %g, want %g", v, got[i], want)
		}
	}
	t.Logf("largest error %.2g of max(1, |x|)", worst)
	limits := []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	GELU(limits, slices.Clone(limits))
	if !math.IsInf(float64(limits[0]), 1) || limits[1] != 0 || limits[2] == limits[2] {
		t.Errorf("gelu of +Inf, -Inf and NaN is %v, want +Inf, 0 and NaN", limits)
	}
}

// TestLayerNorm holds the norm to the formula in float64, also where the mean is
// much larger than the deviation.
func TestLayerNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	for _, offset := range []float64{0, 1, 100} {
		for _, n := range []int{1, 5, 88, 1408} {
			x, w, b, got := vector(rng, n), vector(rng, n), vector(rng, n), make([]float32, n)
			mean, variance := 0.0, 0.0
			for i := range x {
				x[i] += float32(offset)
				mean += float64(x[i]) / float64(n)
			}
			for _, v := range x {
				variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
			}
			LayerNorm(got, x, w, b, 1e-5)
			for i := range x {
				want := (float64(x[i])-mean)/math.Sqrt(variance+1e-5)*float64(w[i]) + float64(b[i])
				size := math.Abs(want-float64(b[i])) + math.Abs(float64(b[i])) + offset*math.Abs(float64(w[i]))
				if n == 1 {
					size += 316 * offset * math.Abs(float64(w[i])) // of a row without deviation, only eps is left
				}
				if math.Abs(float64(got[i])-want) > 3e-7*size {
					t.Fatalf("offset %g, length %d: element %d is %g, want %g", offset, n, i, got[i], want)
				}
			}
		}
	}
}
