package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"scout/engine/quant"
)

// benchVersions runs a benchmark for every version of the float kernels.
func benchVersions(b *testing.B, run func(b *testing.B, f *floats)) {
	for name, f := range floatVersions {
		b.Run(name, func(b *testing.B) { run(b, f) })
	}
}

// BenchmarkMatMulFloats reports products per second; set bytes are those of the
// weights.
func BenchmarkMatMulFloats(b *testing.B) {
	const rows, cols = 256, 5120
	for _, typ := range floatTypes {
		for _, vectors := range []int{1, 2, 4, 8, 32, 256} {
			b.Run(fmt.Sprintf("%v/%d", typ, vectors), func(b *testing.B) {
				benchVersions(b, func(b *testing.B, f *floats) {
					before := best
					best = f
					defer func() { best = before }()
					benchMatMul(b, typ, rows, cols, vectors)
				})
			})
		}
	}
}

func benchMatMul(b *testing.B, typ quant.Type, rows, cols, vectors int) {
	rng := rand.New(rand.NewPCG(1, 2))
	m := Matrix{typ, rows, cols, randomWeights(rng, typ, rows*cols)}
	a, _ := randomActs(rng, typ, vectors, cols)
	dst := make([]float32, rows*vectors)
	s := new(Scratch)
	b.SetBytes(int64(len(m.Data)))
	for b.Loop() {
		MatMul(dst, rows, m, 0, rows, a, 0, vectors, s)
	}
	b.ReportMetric(float64(b.N)*float64(rows*cols*vectors)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}

func BenchmarkAttention(b *testing.B) {
	const dim, keys, stride = 128, 1024, 1024
	rng := rand.New(rand.NewPCG(1, 3))
	k32, k16 := cached(rng, keys*stride)
	q, p, o := vector(rng, dim), make([]float32, keys), make([]float32, dim)
	runs := map[string]func(f *floats){
		"scores f16": func(f *floats) { f.scoresF16(p, q, k16, stride) },
		"scores f32": func(f *floats) { f.scoresF32(p, q, k32, stride) },
		"accum f16":  func(f *floats) { f.accumF16(o, p, k16, stride) },
		"accum f32":  func(f *floats) { f.accumF32(o, p, k32, stride) },
	}
	for name, run := range runs {
		b.Run(name, func(b *testing.B) {
			benchVersions(b, func(b *testing.B, f *floats) {
				for b.Loop() {
					run(f)
				}
				b.ReportMetric(float64(b.N)*dim*keys/b.Elapsed().Seconds()/1e9, "GMAC/s")
			})
		})
	}
}

// BenchmarkAttentionMany has the queries of some tokens of one group of heads.
func BenchmarkAttentionMany(b *testing.B) {
	const dim, keys, stride = 128, 1024, 1024
	rng := rand.New(rand.NewPCG(1, 5))
	_, k16 := cached(rng, keys*stride)
	s := new(Scratch)
	for _, queries := range []int{1, 2, 5, 20, 80} {
		q, p, o := vector(rng, queries*dim), make([]float32, queries*keys), make([]float32, queries*dim)
		runs := map[string]func(f *floats){
			"scores": func(f *floats) { f.scoresManyF16(p, keys, q, dim, k16, stride, keys, s) },
			"accum":  func(f *floats) { f.accumManyF16(o, dim, p, keys, k16, stride, keys, s) },
		}
		for name, run := range runs {
			b.Run(fmt.Sprintf("%s/%d", name, queries), func(b *testing.B) {
				benchVersions(b, func(b *testing.B, f *floats) {
					for b.Loop() {
						run(f)
					}
					b.ReportMetric(float64(b.N)*float64(queries*dim*keys)/b.Elapsed().Seconds()/1e9, "GMAC/s")
				})
			})
		}
	}
}

// BenchmarkVectors reports bytes of one vector per second.
func BenchmarkVectors(b *testing.B) {
	const n = 8192
	rng := rand.New(rand.NewPCG(1, 4))
	x, y, z, half := vector(rng, n), vector(rng, n), vector(rng, n), make([]uint16, n)
	var a [2]Acts
	a[0].Resize(FormQ8_0, 1, n)
	a[1].Resize(FormQ8_K, 1, n)
	runs := map[string]func(f *floats){
		"dot":         func(f *floats) { f.dot(x, y) },
		"add":         func(f *floats) { f.add(z, x, y) },
		"scale":       func(f *floats) { f.scale(z, 1) },
		"axpy":        func(f *floats) { f.axpy(z, 0, x) },
		"max":         func(f *floats) { f.max(x) },
		"expsum":      func(f *floats) { copy(z, x); f.expSum(z, 3) },
		"rmsnorm":     func(f *floats) { f.rmsNorm(z, x, y, 1e-5) },
		"silumul":     func(f *floats) { f.siluMul(z, x, y) },
		"rope pairs":  func(f *floats) { copy(z, x); f.ropePairs(z, x[:n/2], y[:n/2]) },
		"rope halves": func(f *floats) { copy(z, x); f.ropeHalves(z, x[:n/2], y[:n/2]) },
		"to f16":      func(f *floats) { f.toF16(half, x) },
		"from f16":    func(f *floats) { f.fromF16(z, half) },
		"Q8_0":        func(f *floats) { f.quantizeQ8_0(a[0].Q, a[0].D, a[0].Sums, x) },
		"Q8_K":        func(f *floats) { f.quantizeQ8_K(a[1].Q, a[1].D, a[1].Sums, x) },
	}
	for name, run := range runs {
		b.Run(name, func(b *testing.B) {
			benchVersions(b, func(b *testing.B, f *floats) {
				b.SetBytes(4 * n)
				for b.Loop() {
					run(f)
				}
			})
		})
	}
}

// BenchmarkMatMulQuantised reports what MatMul does with each type, by whatever
// version is in use.
func BenchmarkMatMulQuantised(b *testing.B) {
	const rows, cols = 128, 5120
	for _, typ := range quant.Types() {
		if FormOf(typ) == FormF32 {
			continue
		}
		for _, vectors := range []int{1, 32} {
			b.Run(fmt.Sprintf("%v/%d", typ, vectors), func(b *testing.B) { benchMatMul(b, typ, rows, cols, vectors) })
		}
	}
}
