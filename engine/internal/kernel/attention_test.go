package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/quant"
)

// cached is random keys or values in both precisions, with the same numbers.
func cached(rng *rand.Rand, n int) ([]float32, []uint16) {
	full, half := vector(rng, n), make([]uint16, n)
	for i := range full {
		half[i] = quant.F32ToF16(full[i])
		full[i] = quant.F16ToF32(half[i])
	}
	return full, half
}

// TestScores compares scores with float64 for every head dimension, checks that
// a score does not depend on how many are computed, that both precisions of
// keys agree, and that Dot is the same function.
func TestScores(t *testing.T) {
	eachVersion(t, func(t *testing.T, f *floats) {
		rng := rand.New(rand.NewPCG(11, 1))
		for dim := 1; dim <= 200; dim++ {
			keys := 1 + rng.IntN(30)
			stride := dim + rng.IntN(9)
			k32, k16 := cached(rng, (keys-1)*stride+dim)
			q := vector(rng, dim)
			got, got32 := make([]float32, keys), make([]float32, keys)
			f.scoresF16(got, q, k16, stride)
			f.scoresF32(got32, q, k32, stride)
			mustEqual(t, "scores of float32 keys", dim, got32, got)
			for j := range keys {
				var want, size float64
				for i := range q {
					p := float64(q[i]) * float64(k32[j*stride+i])
					want += p
					size += math.Abs(p)
				}
				if math.Abs(float64(got[j])-want) > 1e-6*size {
					t.Fatalf("dimension %d: score %d is %g, want %g", dim, j, got[j], want)
				}
				var one [1]float32
				f.scoresF16(one[:], q, k16[j*stride:], stride)
				mustEqual(t, "a score alone", dim, one[:], got[j:j+1])
				one[0] = f.dot(q, k32[j*stride:][:dim])
				mustEqual(t, "dot product", dim, one[:], got[j:j+1])
			}
		}
	})
}

// TestAccum compares weighted sums with float64 for every head dimension, and
// checks that two calls do what one does.
func TestAccum(t *testing.T) {
	eachVersion(t, func(t *testing.T, f *floats) {
		rng := rand.New(rand.NewPCG(12, 1))
		for dim := 1; dim <= 200; dim++ {
			values := 1 + rng.IntN(30)
			stride := dim + rng.IntN(9)
			v32, v16 := cached(rng, (values-1)*stride+dim)
			p, start := vector(rng, values), vector(rng, dim)
			got, got32, parts := append([]float32(nil), start...), append([]float32(nil), start...), append([]float32(nil), start...)
			f.accumF16(got, p, v16, stride)
			f.accumF32(got32, p, v32, stride)
			mustEqual(t, "sum of float32 values", dim, got32, got)
			if cut := values / 3; cut > 0 {
				f.accumF16(parts, p[:cut], v16, stride)
				f.accumF16(parts, p[cut:], v16[cut*stride:], stride)
				mustEqual(t, "sum in two parts", dim, parts, got)
			}
			for i := range got {
				want, size := float64(start[i]), math.Abs(float64(start[i]))
				for j := range p {
					x := float64(p[j]) * float64(v32[j*stride+i])
					want += x
					size += math.Abs(x)
				}
				if math.Abs(float64(got[i])-want) > 2e-6*size {
					t.Fatalf("dimension %d: element %d is %g, want %g", dim, i, got[i], want)
				}
			}
		}
	})
}

// TestAttentionLong has more keys than one call of assembly takes.
func TestAttentionLong(t *testing.T) {
	eachVersion(t, func(t *testing.T, f *floats) {
		rng := rand.New(rand.NewPCG(13, 1))
		const dim, keys = 128, 2600
		k32, k16 := cached(rng, keys*dim)
		q := vector(rng, dim)
		got, got32, want := make([]float32, keys), make([]float32, keys), make([]float32, keys)
		f.scoresF16(got, q, k16, dim)
		f.scoresF32(got32, q, k32, dim)
		for j := range want {
			want[j] = f.dot(q, k32[j*dim:(j+1)*dim])
		}
		mustEqual(t, "scores", keys, got, want)
		mustEqual(t, "scores of float32 keys", keys, got32, want)
		sum, sum32, steps := make([]float32, dim), make([]float32, dim), make([]float32, dim)
		f.accumF16(sum, q[:1], k16, dim)
		f.accumF16(sum, got[1:], k16[dim:], dim)
		f.accumF32(sum32, q[:1], k32, dim)
		f.accumF32(sum32, got[1:], k32[dim:], dim)
		f.accumF16(steps, q[:1], k16, dim)
		for j := 1; j < keys; j++ {
			f.accumF16(steps, got[j:j+1], k16[j*dim:], dim)
		}
		mustEqual(t, "sum", keys, sum, steps)
		mustEqual(t, "sum of float32 values", keys, sum32, steps)
	})
}

// TestMany holds the functions of many queries to those of one, bit for bit,
// and checks that nothing is written outside the result.
func TestMany(t *testing.T) {
	eachVersion(t, func(t *testing.T, f *floats) {
		rng := rand.New(rand.NewPCG(15, 1))
		s := new(Scratch)
		for round := range 300 {
			dim := 1 + rng.IntN(140)
			if round%4 != 0 {
				dim = 8 * (1 + rng.IntN(20))
			}
			queries, keys := 1+rng.IntN(7), 1+rng.IntN(90)
			if round%10 == 0 { // as many as pictures have
				queries, keys = 8+rng.IntN(140), 90+rng.IntN(200)
			}
			stride, ld := dim+rng.IntN(9), keys+rng.IntN(5)
			k32, k16 := cached(rng, (keys-1)*stride+dim)
			q := vector(rng, queries*dim)

			scores, scores32 := vector(rng, (queries-1)*ld+keys), []float32(nil)
			want := append([]float32(nil), scores...)
			scores32 = append(scores32, scores...)
			for i := range queries {
				f.scoresF16(want[i*ld:][:keys], q[i*dim:][:dim], k16, stride)
			}
			f.scoresManyF16(scores, ld, q, dim, k16, stride, keys, s)
			f.scoresManyF32(scores32, ld, q, dim, k32, stride, keys, s)
			mustEqual(t, "scores of many", dim, scores, want)
			mustEqual(t, "scores of many, float32", dim, scores32, want)

			sums, sums32, wantSums := append([]float32(nil), q...), append([]float32(nil), q...), append([]float32(nil), q...)
			for i := range queries {
				f.accumF16(wantSums[i*dim:][:dim], scores[i*ld:][:keys], k16, stride)
			}
			f.accumManyF16(sums, dim, scores, ld, k16, stride, keys, s)
			f.accumManyF32(sums32, dim, scores, ld, k32, stride, keys, s)
			mustEqual(t, "sums of many", dim, sums, wantSums)
			mustEqual(t, "sums of many, float32", dim, sums32, wantSums)
		}
	})
}
