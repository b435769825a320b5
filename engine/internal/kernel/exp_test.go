package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// ulps is the distance of got from want in units of the last place of want as
// a float32.
func ulps(got float32, want float64) float64 {
	rounded := math.Abs(float64(float32(want)))
	unit := math.Max(float64(math.Nextafter32(float32(rounded), math.MaxFloat32))-rounded, math.SmallestNonzeroFloat32)
	return math.Abs(float64(got)-want) / unit
}

// TestExp walks the whole range in which exp is neither 0 nor infinite.
func TestExp(t *testing.T) {
	worst, at := 0.0, float32(0)
	for x := float32(-104); x < 88.72283; x += 0.00031 {
		if d := ulps(exp(x), math.Exp(float64(x))); d > worst {
			worst, at = d, x
		}
	}
	if worst > 2 {
		t.Errorf("exp(%g) = %g is %.2f units off, want at most 2", at, exp(at), worst)
	}
	t.Logf("largest error %.3f units, at %g", worst, at)
}

func TestExpEdges(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct{ x, want float32 }{
		{0, 1},
		{float32(math.Copysign(0, -1)), 1},
		{1e-45, 1},
		{-inf, 0},
		{-1e30, 0},
		{-104, 0},
		{-103.9720, 1e-45}, // just above half the smallest denormal
		{88.8, inf},
		{1e30, inf},
		{inf, inf},
	} {
		if got := exp(c.x); !same(got, c.want) {
			t.Errorf("exp(%g) = %g, want %g", c.x, got, c.want)
		}
	}
	if nan := float32(math.NaN()); exp(nan) == exp(nan) {
		t.Errorf("exp(NaN) = %g, want NaN", exp(nan))
	}
}

// TestExpSum holds the public function to float64 over a long row, where a sum
// in float32 would be off by more.
func TestExpSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	x := make([]float32, 1<<18)
	var want float64
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		want += math.Exp(float64(x[i] - 5))
	}
	if got := float64(ExpSum(x, 5)); math.Abs(got-want) > 1e-6*want {
		t.Errorf("sum is %g, want %g", got, want)
	}
}
