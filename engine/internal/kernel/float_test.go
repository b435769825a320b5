package kernel

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// eachVersion runs a test for every version of the float kernels that this
// machine has, the generic one too: where a test compares with it, that holds
// the generic code to giving the same result twice.
func eachVersion(t *testing.T, test func(t *testing.T, f *floats)) {
	t.Helper()
	for name, f := range floatVersions {
		t.Run(name, func(t *testing.T) { test(t, f) })
	}
}

// TestVersions fails when a version that the environment promises is missing,
// so that a build machine cannot quietly test less. SCOUT_KERNELS is a list such
// as "float:avx2,quant:avx2,quant:avx512".
func TestVersions(t *testing.T) {
	promised := os.Getenv("SCOUT_KERNELS")
	if promised == "" {
		t.Skip("SCOUT_KERNELS does not say which versions this machine should have")
	}
	for name := range strings.SplitSeq(promised, ",") {
		there := false
		if version, ok := strings.CutPrefix(name, "float:"); ok {
			there = floatVersions[version] != nil
		} else if version, ok := strings.CutPrefix(name, "quant:"); ok {
			there = quantVersions[version] != nil
		}
		if !there {
			t.Errorf("version %q is promised, but this build on this CPU does not have it", name)
		}
	}
}

// vector is n values whose magnitudes spread over some powers of two, in memory
// that is only aligned to 4 bytes.
func vector(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n+1)[1:]
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Exp2(float64(rng.IntN(8)-4)))
	}
	return x
}

// strange is n values among which are zeros of both signs, denormals, huge
// ones and, if asked for, infinities and NaN.
func strange(rng *rand.Rand, n int, nonFinite bool) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-40, 1e-38, 3e38, -3e38, 1, -1}
	if nonFinite {
		special = append(special, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
	}
	x := vector(rng, n)
	for i := range x {
		if rng.IntN(3) == 0 {
			x[i] = special[rng.IntN(len(special))]
		}
	}
	return x
}

// same says whether two results have the same bits; any NaN equals any other.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || (a != a && b != b)
}

// mustEqual fails unless got and want are bitwise the same.
func mustEqual(t *testing.T, what string, n int, got, want []float32) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s, length %d: element %d is %g, want exactly %g", what, n, i, got[i], want[i])
		}
	}
}

const longest = 1024

// TestElementwise compares every version bit for bit with the generic one, at
// every length.
func TestElementwise(t *testing.T) {
	type operation func(f *floats, x, y, z []float32) []float32
	operations := map[string]operation{
		"add":   func(f *floats, x, y, z []float32) []float32 { f.add(z, x, y); return z },
		"scale": func(f *floats, x, y, z []float32) []float32 { f.scale(z, 0.7); return z },
		"axpy":  func(f *floats, x, y, z []float32) []float32 { f.axpy(z, -1.3, x); return z },
		"max":   func(f *floats, x, y, z []float32) []float32 { return []float32{f.max(x)} },
		"scale, max": func(f *floats, x, y, z []float32) []float32 {
			m := f.scaleMax(z, -0.7)
			return append(z, m)
		},
		"silu":   func(f *floats, x, y, z []float32) []float32 { f.siluMul(z, x, y); return z },
		"norm":   func(f *floats, x, y, z []float32) []float32 { f.rmsNorm(z, x, nil, 1e-5); return z },
		"norm w": func(f *floats, x, y, z []float32) []float32 { f.rmsNorm(z, x, y, 1e-5); return z },
		"norm in place": func(f *floats, x, y, z []float32) []float32 {
			f.rmsNorm(z, z, y, 1e-5)
			return z
		},
		"exp": func(f *floats, x, y, z []float32) []float32 {
			sum := f.expSum(z, 1.5)
			return append(z, sum)
		},
		"rope pairs": func(f *floats, x, y, z []float32) []float32 {
			n := len(z) / 2
			f.ropePairs(z[:2*n], x[:n], y[:n])
			return z
		},
		"rope halves": func(f *floats, x, y, z []float32) []float32 {
			n := len(z) / 2
			f.ropeHalves(z[:2*n], x[:n], y[:n])
			return z
		},
	}
	eachVersion(t, func(t *testing.T, f *floats) {
		rng := rand.New(rand.NewPCG(1, 1))
		for name, op := range operations {
			for n := 1; n <= longest; n++ {
				random := vector
				if n%2 == 0 {
					random = func(rng *rand.Rand, n int) []float32 { return strange(rng, n, name == "silu" || name == "exp") }
				}
				x, y, z := random(rng, n), random(rng, n), random(rng, n)
				guarded := append(slices.Clone(z), 12345)
				got := op(f, x, y, guarded[:n:n])
				want := op(&genericFloats, x, y, slices.Clone(z))
				mustEqual(t, name, n, got, want)
				if guarded[n] != 12345 {
					t.Fatalf("%s, length %d: wrote past the end", name, n)
				}
			}
		}
	})
}

// TestEmpty calls what may be empty.
func TestEmpty(t *testing.T) {
	eachVersion(t, func(t *testing.T, f *floats) {
		f.add(nil, nil, nil)
		f.scale(nil, 2)
		f.axpy(nil, 2, nil)
		f.siluMul(nil, nil, nil)
		f.ropePairs(nil, nil, nil)
		f.ropeHalves(nil, nil, nil)
		f.toF16(nil, nil)
		f.fromF16(nil, nil)
		if got := f.max(nil); !math.IsInf(float64(got), -1) {
			t.Errorf("max of nothing is %g, want -Inf", got)
		}
		if got := f.expSum(nil, 0); got != 0 {
			t.Errorf("sum of no exponentials is %g, want 0", got)
		}
		if got := f.dot(nil, nil); got != 0 {
			t.Errorf("dot product of nothing is %g, want 0", got)
		}
	})
	RMSNorm(nil, nil, nil, 1e-5)
}

// TestRMSNorm holds the generic norm to the formula in float64.
func TestRMSNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, n := range []int{1, 5, 128, 5120} {
		x, w, got := vector(rng, n), vector(rng, n), make([]float32, n)
		RMSNorm(got, x, w, 1e-5)
		var mean float64
		for _, v := range x {
			mean += float64(v) * float64(v) / float64(n)
		}
		for i := range x {
			want := float64(x[i]) / math.Sqrt(mean+1e-5) * float64(w[i])
			if math.Abs(float64(got[i])-want) > 2e-7*math.Abs(want) {
				t.Fatalf("length %d: element %d is %g, want %g", n, i, got[i], want)
			}
		}
	}
}

// TestRope holds both pairings to a rotation in float64.
func TestRope(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const n = 128
	for _, halves := range []bool{false, true} {
		x := vector(rng, n)
		cos, sin := make([]float32, n/2), make([]float32, n/2)
		want := make([]float64, n)
		for i := range cos {
			angle := rng.Float64() * 7
			cos[i], sin[i] = float32(math.Cos(angle)), float32(math.Sin(angle))
			a, b := 2*i, 2*i+1
			if halves {
				a, b = i, i+n/2
			}
			want[a] = float64(x[a])*math.Cos(angle) - float64(x[b])*math.Sin(angle)
			want[b] = float64(x[a])*math.Sin(angle) + float64(x[b])*math.Cos(angle)
		}
		Rope(x, cos, sin, halves)
		for i := range want {
			if math.Abs(float64(x[i])-want[i]) > 1e-5 {
				t.Fatalf("halves %v: element %d is %g, want %g", halves, i, x[i], want[i])
			}
		}
	}
}

// TestSiLU holds the generic function to the formula in float64.
func TestSiLU(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	gate, up := vector(rng, 4096), vector(rng, 4096)
	got := make([]float32, len(gate))
	SiLUMul(got, gate, up)
	for i, g := range gate {
		want := float64(g) / (1 + math.Exp(-float64(g))) * float64(up[i])
		if math.Abs(float64(got[i])-want) > 4e-7*math.Abs(want) {
			t.Fatalf("silu(%g)*%g is %g, want %g", g, up[i], got[i], want)
		}
	}
}
