package kernel

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"scout/engine/quant"
)

// blockTypes are the types a cache may be rounded to.
var blockTypes = []quant.Type{quant.Q8_0, quant.Q4_0}

// eachBlockVersion runs a test for every version of the kernels of cached
// blocks.
func eachBlockVersion(t *testing.T, test func(t *testing.T, f *blockKernels)) {
	t.Helper()
	for name, f := range blockVersions {
		t.Run(name, func(t *testing.T) { test(t, f) })
	}
}

// useBlocks makes f the version in use until the test ends.
func useBlocks(t *testing.T, f *blockKernels) {
	before := bestBlocks
	bestBlocks = f
	t.Cleanup(func() { bestBlocks = before })
}

// TestQuantizeBlocks holds every version to the generic one, byte for byte, and
// the decoded values to what was rounded: half a step of the scale, or of the
// scale's own rounding for the largest.
func TestQuantizeBlocks(t *testing.T) {
	eachBlockVersion(t, func(t *testing.T, f *blockKernels) {
		useBlocks(t, f)
		rng := rand.New(rand.NewPCG(21, 1))
		for round := range 600 {
			for _, typ := range blockTypes {
				n := 32 * (1 + rng.IntN(5))
				x := vector(rng, n)
				if round%2 == 1 {
					x = strange(rng, n, round%4 == 1)
				}
				got, want := bytes.Repeat([]byte{0xa5}, typ.RowBytes(n)+1), make([]byte, typ.RowBytes(n))
				QuantizeBlocks(typ, got, x)
				quantizeBlocksGeneric(typ, want, x)
				if !bytes.Equal(got[:len(want)], want) || got[len(want)] != 0xa5 {
					t.Fatalf("%v of %v: blocks are % x, want % x", typ, x, got[:len(want)], want)
				}
				if round%2 == 0 {
					checkRounding(t, typ, want, x)
				}
			}
		}
	})
}

func checkRounding(t *testing.T, typ quant.Type, blocks []byte, x []float32) {
	t.Helper()
	y := make([]float32, len(x))
	quant.Dequantize(typ, y, blocks)
	steps := map[quant.Type]float64{quant.Q8_0: 127, quant.Q4_0: 8}[typ]
	for b := 0; b < len(x); b += 32 {
		most := 0.0
		for _, v := range x[b : b+32] {
			most = max(most, math.Abs(float64(v)))
		}
		// With 4 bits the side opposite to the extreme ends a step early, at 7.
		step := most / steps
		limit := 0.5*step + most/1024
		if typ == quant.Q4_0 {
			limit += 0.5 * step
		}
		for i := b; i < b+32; i++ {
			if d := math.Abs(float64(y[i]) - float64(x[i])); !(d <= limit) {
				t.Fatalf("%v: %g of a block with %g became %g, off by more than %g", typ, x[i], most, y[i], limit)
			}
		}
	}
}

// TestQuantizeQ4_0 is worked out by hand: the scale is -2, since the element of
// the largest magnitude, 16, is -8 of it.
func TestQuantizeQ4_0(t *testing.T) {
	x := make([]float32, 32)
	copy(x, []float32{16, -14, -15, -16, 1, 0.99, -1, 3, float32(math.NaN())})
	x[16], x[31] = 2, -2
	dst := make([]byte, 18)
	QuantizeBlocks(quant.Q4_0, dst, x)
	want := []byte{0x00, 0xc0, 0x70, 0x8f, 0x8f, 0x8f, 0x88, 0x88, 0x89, 0x87, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x98}
	if !bytes.Equal(dst, want) {
		t.Errorf("blocks are % x, want % x", dst, want)
	}
}

// TestWidenBlocks compares the decoders bit for bit with package quant's, and
// checks that nothing is written or read outside.
func TestWidenBlocks(t *testing.T) {
	eachBlockVersion(t, func(t *testing.T, f *blockKernels) {
		rng := rand.New(rand.NewPCG(22, 1))
		for _, typ := range blockTypes {
			for blocks := range 70 {
				n := 32 * blocks
				src := randomWeights(rng, typ, n)
				if blocks%3 == 2 { // any bits at all: scales that are denormal, Inf or NaN
					for i := range src {
						src[i] = byte(rng.Uint32())
					}
				}
				got, want := append(vector(rng, n), 12345), make([]float32, n)
				f.widen(typ, got[:n], src[:len(src):len(src)])
				quant.Dequantize(typ, want, src)
				mustEqual(t, typ.String(), n, got, want)
				if got[n] != 12345 {
					t.Fatalf("%v, %d blocks: wrote past the end", typ, blocks)
				}
			}
		}
	})
}

// TestScoresBlocks compares scores with their definition in integers, whatever
// comes behind the keys, and checks that a score does not depend on how many are
// computed.
func TestScoresBlocks(t *testing.T) { eachBlockVersion(t, testScoresBlocks) }

func testScoresBlocks(t *testing.T, f *blockKernels) {
	useBlocks(t, f)
	rng := rand.New(rand.NewPCG(23, 1))
	s := new(Scratch)
	for round := range 300 {
		for _, typ := range blockTypes {
			dim, queries, keys := 32*(1+rng.IntN(5)), 1+rng.IntN(20), 1+rng.IntN(70)
			rows := keys + rng.IntN(20)*(round%2)
			k := Matrix{typ, rows, dim, randomWeights(rng, typ, rows*dim)}
			a, _ := randomActs(rng, typ, queries, dim)
			ld := keys + rng.IntN(5)
			got := vector(rng, (queries-1)*ld+keys)
			want := slices.Clone(got)
			ScoresBlocks(got, ld, a, k, keys, s)
			matMulSmall(want, ld, k, 0, keys, a, 0, queries, s)
			mustEqual(t, "scores of "+typ.String(), dim, got, want)

			i, j := rng.IntN(queries), rng.IntN(keys)
			one := Acts{Form: FormQ8_0, Rows: 1, Cols: dim, Q: a.Q[i*dim:], D: a.D[i*dim/32:], Sums: a.Sums[i*dim/32:]}
			var alone [1]float32
			ScoresBlocks(alone[:], 1, &one, Matrix{typ, 1, dim, k.row(j)}, 1, s)
			mustEqual(t, "a score alone", dim, alone[:], got[i*ld+j:][:1])
		}
	}
}

// TestAccumBlocks holds weighted sums to those of the decoded values, bit for
// bit, in one call and in two.
func TestAccumBlocks(t *testing.T) {
	for version, blocks := range blockVersions {
		t.Run(version, func(t *testing.T) {
			useBlocks(t, blocks)
			if blocks.accum != nil {
				testAccumBlocks(t, floatVersions[version])
				return
			}
			eachVersion(t, testAccumBlocks)
		})
	}
}

func testAccumBlocks(t *testing.T, f *floats) {
	use(t, f)
	rng := rand.New(rand.NewPCG(24, 1))
	s := new(Scratch)
	for range 100 {
		for _, typ := range blockTypes {
			dim, sums, values := 32*(1+rng.IntN(5)), 1+rng.IntN(9), 1+rng.IntN(90)
			v := Matrix{typ, values, dim, randomWeights(rng, typ, values*dim)}
			ld := values + rng.IntN(5)
			p, got := vector(rng, (sums-1)*ld+values), vector(rng, sums*dim)
			want, parts := slices.Clone(got), slices.Clone(got)

			decoded := make([]float32, values*dim)
			quant.Dequantize(typ, decoded, v.Data)
			f.accumManyF32(want, dim, p, ld, decoded, dim, values, s)
			AccumBlocks(got, p, ld, v, s)
			mustEqual(t, "sums of "+typ.String(), dim, got, want)

			cut := rng.IntN(values)
			first, second := v, v
			first.Rows, first.Data = cut, v.Data[:cut*typ.RowBytes(dim)]
			second.Rows, second.Data = values-cut, v.Data[cut*typ.RowBytes(dim):]
			AccumBlocks(parts, p, ld, first, s)
			AccumBlocks(parts, p[cut:], ld, second, s)
			mustEqual(t, "sums in two parts", dim, parts, want)
		}
	}
}

// TestBlocksAllocate nothing once the scratch memory has grown: a token must not.
func TestBlocksAllocateNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 1))
	const dim, rows, queries = 128, 100, 5
	x, p, o := vector(rng, dim), vector(rng, queries*rows), vector(rng, queries*dim)
	s := new(Scratch)
	for _, typ := range blockTypes {
		k := Matrix{typ, rows, dim, randomWeights(rng, typ, rows*dim)}
		a, _ := randomActs(rng, typ, queries, dim)
		if n := testing.AllocsPerRun(20, func() {
			QuantizeBlocks(typ, k.row(3), x)
			ScoresBlocks(p, rows, a, k, rows, s)
			AccumBlocks(o, p, rows, k, s)
		}); n != 0 {
			t.Errorf("%v: %v allocations a run, want 0", typ, n)
		}
	}
}

// BenchmarkAttentionBlocks has the queries of some tokens of one group of heads
// and a span of keys, and the same of half precision; set bytes are those of the
// cache.
func BenchmarkAttentionBlocks(b *testing.B) {
	const dim, keys = 128, 256
	rng := rand.New(rand.NewPCG(1, 6))
	_, half := cached(rng, keys*dim)
	s := new(Scratch)
	for _, queries := range []int{1, 5, 16, 80} {
		q, p, o := vector(rng, queries*dim), make([]float32, queries*keys), make([]float32, queries*dim)
		run := func(name string, size int, f func()) {
			b.Run(fmt.Sprintf("%s/%d", name, queries), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.N)*float64(queries*dim*keys)/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		}
		run("scores f16", 2*keys*dim, func() { ScoresManyF16(p, keys, q, dim, half, dim, keys, s) })
		run("accum f16", 2*keys*dim, func() { AccumManyF16(o, dim, p, keys, half, dim, keys, s) })
		for _, typ := range blockTypes {
			m := Matrix{typ, keys, dim, randomWeights(rng, typ, keys*dim)}
			a, _ := randomActs(rng, typ, queries, dim)
			run("scores "+typ.String(), len(m.Data), func() { ScoresBlocks(p, keys, a, m, keys, s) })
			run("accum "+typ.String(), len(m.Data), func() { AccumBlocks(o, p, keys, m, s) })
		}
	}
	x, dst := vector(rng, 1024), make([]byte, quant.Q8_0.RowBytes(1024))
	for _, typ := range blockTypes {
		b.Run("quantise "+typ.String(), func(b *testing.B) {
			b.SetBytes(4 * 1024)
			for b.Loop() {
				QuantizeBlocks(typ, dst, x)
			}
		})
	}
}
