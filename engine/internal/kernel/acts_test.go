package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"scout/engine/quant"
)

// TestQuantize holds every version to the reference quantisers of package
// quant, exactly.
func TestQuantize(t *testing.T) {
	for _, form := range []Form{FormQ8_0, FormQ8_K} {
		t.Run(form.String(), func(t *testing.T) {
			eachVersion(t, func(t *testing.T, f *floats) {
				rng := rand.New(rand.NewPCG(6, uint64(form)))
				for round := range 400 {
					n := form.block() * (1 + round%5)
					testQuantize(t, f, form, quantizeInput(rng, n, round))
				}
			})
		})
	}
}

// quantizeInput is a random vector; some are zero, or nearly, or full of values
// half way between integers.
func quantizeInput(rng *rand.Rand, n, round int) []float32 {
	x := vector(rng, n) // well below 99
	switch round % 10 {
	case 0:
		clear(x)
	case 1: // scale 1 and scaled values of k + 1/2
		for i := range x {
			x[i] = float32(rng.IntN(254)-127) + 0.5
		}
		for b := 0; b < n; b += 32 {
			x[b+rng.IntN(32)] = 127
		}
	case 2: // both signs of the largest magnitude in one block, often close by
		i := rng.IntN(n)
		x[i] = 99
		x[(i^(1+rng.IntN(1<<rng.IntN(9))))%n] = -99
	case 3:
		for i := range x {
			x[i] *= 1e-4
		}
	case 4:
		clear(x)
		x[rng.IntN(n)] = -3
	case 5: // nothing is too strange
		return strange(rng, n, true)
	case 6:
		return strange(rng, n, false)
	case 7: // so small that the inverse of the scale is infinite
		for i := range x {
			x[i] *= 1e-40
		}
	}
	return x
}

func testQuantize(t *testing.T, f *floats, form Form, x []float32) {
	t.Helper()
	type result struct {
		q    []int8
		d    []float32
		sums []int16
	}
	run := func(quantize func(q []int8, d []float32, sums []int16, x []float32)) result {
		r := result{make([]int8, len(x)), make([]float32, len(x)/form.block()), make([]int16, len(x)/form.group())}
		quantize(r.q, r.d, r.sums, x)
		return r
	}
	var got, want result
	if form == FormQ8_0 {
		got, want = run(f.quantizeQ8_0), run(quant.QuantizeQ8_0)
	} else {
		got, want = run(f.quantizeQ8_K), run(quant.QuantizeQ8_K)
	}
	for i := range want.q {
		if got.q[i] != want.q[i] {
			t.Fatalf("%g in place %d becomes %d, want %d", x[i], i, got.q[i], want.q[i])
		}
	}
	mustEqual(t, "scales", len(x), got.d, want.d)
	if !slices.Equal(got.sums, want.sums) {
		t.Fatalf("sums are %d, want %d", got.sums, want.sums)
	}
}

// TestActs checks the layout: row r of each field is where its comment says,
// also after the memory was used for another shape.
func TestActs(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	var a Acts
	for _, form := range []Form{FormQ8_K, FormF32, FormQ8_0, FormQ8_K, FormQ8_0, FormF32} {
		const rows, cols = 3, 512
		a.Resize(form, rows, cols)
		x := vector(rng, rows*cols)
		for r := range rows {
			a.Set(r, x[r*cols:(r+1)*cols])
		}
		if form == FormF32 {
			mustEqual(t, "row", cols, a.F, x)
			continue
		}
		for i, v := range x {
			// Half a step, and what rounding the scale to half precision adds.
			d := math.Abs(float64(a.D[i/form.block()]))
			if got := float64(a.D[i/form.block()]) * float64(a.Q[i]); math.Abs(got-float64(v)) > 0.6*d {
				t.Fatalf("%v: activation %d is %g, want %g", form, i, got, v)
			}
		}
		for i, sum := range a.Sums {
			want := int16(0)
			for _, q := range a.Q[i*form.group():][:form.group()] {
				want += int16(q)
			}
			if sum != want {
				t.Fatalf("%v: sum %d is %d, want %d", form, i, sum, want)
			}
		}
	}
}

func TestFormOf(t *testing.T) {
	for _, c := range []struct {
		t    quant.Type
		want Form
	}{{quant.F32, FormF32}, {quant.BF16, FormF32}, {quant.Q8_0, FormQ8_0}, {quant.MXFP4, FormQ8_0}, {quant.Q4_K, FormQ8_K}, {quant.IQ1M, FormQ8_K}} {
		if got := FormOf(c.t); got != c.want {
			t.Errorf("form of %v is %v, want %v", c.t, got, c.want)
		}
	}
}

// TestSetPart sets vectors in parts, in any order, and expects what Set makes of
// each by itself.
func TestSetPart(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for _, form := range []Form{FormF32, FormQ8_0, FormQ8_K} {
		for round := range 50 {
			rows, cols := 1+rng.IntN(3), max(form.block(), 32)*(1+rng.IntN(9))
			var parts, want Acts
			parts.Resize(form, rows, cols)
			x := make([][]float32, rows)
			for _, row := range rng.Perm(rows) {
				x[row] = quantizeInput(rng, cols, round)
				cut := rng.IntN(cols/form.block()+1) * form.block()
				parts.SetPart(row, cut, x[row][cut:])
				parts.SetPart(row, 0, x[row][:cut])
			}
			for _, v := range x {
				var one Acts
				one.Resize(form, 1, cols)
				one.Set(0, v)
				want.F, want.Q, want.D, want.Sums = append(want.F, one.F...), append(want.Q, one.Q...), append(want.D, one.D...), append(want.Sums, one.Sums...)
			}
			mustEqual(t, form.String(), cols, parts.F, want.F)
			mustEqual(t, form.String()+" scales", cols, parts.D, want.D)
			if !slices.Equal(parts.Q, want.Q) || !slices.Equal(parts.Sums, want.Sums) {
				t.Fatalf("%v, %d rows of %d: parts differ from the whole", form, rows, cols)
			}
		}
	}
}
