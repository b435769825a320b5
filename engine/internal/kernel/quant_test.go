//go:build !noasm

package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/quant"
)

// quantTypes are the weight types that are multiplied as integers.
func quantTypes() (types []quant.Type) {
	for _, t := range quant.Types() {
		if FormOf(t) != FormF32 {
			types = append(types, t)
		}
	}
	return types
}

// eachQuantKernel runs a test for every kernel of every type.
func eachQuantKernel(t *testing.T, test func(t *testing.T, typ quant.Type, k quantKernel)) {
	if len(quantVersions) == 0 {
		t.Skip("no quantised kernels for this CPU: it has neither AVX2 nor NEON with dot products")
	}
	for version, kernels := range quantVersions {
		for _, typ := range quantTypes() {
			if k := kernels[typ]; k.dot != nil {
				t.Run(version+"/"+typ.String(), func(t *testing.T) { test(t, typ, k) })
			}
		}
	}
}

// definition is the generic product of m and a.
func definition(m Matrix, a *Acts) []float32 {
	dst := make([]float32, m.Rows*a.Rows)
	if a.Form == FormQ8_0 {
		matMulSmall(dst, m.Rows, m, 0, m.Rows, a, 0, a.Rows, new(Scratch))
	} else {
		matMulSuper(dst, m.Rows, m, 0, m.Rows, a, 0, a.Rows, new(Scratch))
	}
	return dst
}

// A filler makes weights and activations that are hard in some way.
type filler struct {
	name    string
	weights func(rng *rand.Rand, t quant.Type, data []byte)
	acts    func(rng *rand.Rand, a *Acts)
}

var fillers = []filler{
	{"random", func(*rand.Rand, quant.Type, []byte) {}, randomIntegers},
	{"odd scales", oddScales, randomIntegers},
	{"ones", func(_ *rand.Rand, t quant.Type, data []byte) { fillQuants(t, data, 0xff) }, extremes(127, 127)},
	{"ones, negative", func(_ *rand.Rand, t quant.Type, data []byte) { fillQuants(t, data, 0xff) }, extremes(-127, -127)},
	{"zeros", func(_ *rand.Rand, t quant.Type, data []byte) { fillQuants(t, data, 0) }, extremes(127, 127)},
	{"zeros, negative", func(_ *rand.Rand, t quant.Type, data []byte) { fillQuants(t, data, 0) }, extremes(-127, -127)},
	{"sevens", func(_ *rand.Rand, t quant.Type, data []byte) { fillQuants(t, data, 0x77) }, extremes(127, 127)},
	{"tops", func(_ *rand.Rand, t quant.Type, data []byte) { fillQuants(t, data, 0x80) }, extremes(127, -127)},
	{"random, extreme", func(*rand.Rand, quant.Type, []byte) {}, extremes(127, -127)},
}

// fillQuants sets all bytes but those of the half-precision scales.
func fillQuants(t quant.Type, data []byte, v byte) {
	size := t.BlockBytes()
	for b := 0; b < len(data); b += size {
		block := data[b : b+size]
		kept := make(map[int]byte)
		for _, at := range scaleAt[t] {
			kept[at], kept[at+1] = block[at], block[at+1]
		}
		for i := range block {
			block[i] = v
			if k, ok := kept[i]; ok {
				block[i] = k
			}
		}
		if t == quant.IQ1M { // a scale of 1, in the upper nibbles of four words
			for i, n := range []byte{0, 0, 0xc, 3} {
				block[48+2*i+1] = block[48+2*i+1]&15 | n<<4
			}
		}
		if t == quant.MXFP4 {
			block[0] = 120
		}
	}
}

// oddScales makes scales zero, negative zero, subnormal, huge or tiny.
func oddScales(rng *rand.Rand, t quant.Type, data []byte) {
	odd := []uint16{0, 0x8000, 1, 0x8001, 0x03ff, 0x7bff, 0xfbff, 0x0400}
	size := t.BlockBytes()
	for b := 0; b < len(data); b += size {
		for _, at := range scaleAt[t] {
			binary.LittleEndian.PutUint16(data[b+at:], odd[rng.IntN(len(odd))])
		}
		if t == quant.MXFP4 {
			data[b] = []byte{0, 1, 2, 127, 254, 255}[rng.IntN(6)]
		}
	}
}

func randomIntegers(rng *rand.Rand, a *Acts) {
	for i := range a.Q {
		a.Q[i] = int8(rng.IntN(255) - 127)
	}
}

// extremes fills with two values, in random order.
func extremes(v, w int8) func(rng *rand.Rand, a *Acts) {
	return func(rng *rand.Rand, a *Acts) {
		for i := range a.Q {
			a.Q[i] = v
			if rng.IntN(2) == 0 {
				a.Q[i] = w
			}
		}
	}
}

// integerActs is activations made by fill, with random scales and right sums.
func integerActs(rng *rand.Rand, t quant.Type, rows, cols int, fill func(*rand.Rand, *Acts)) *Acts {
	a := new(Acts)
	a.Resize(FormOf(t), rows, cols)
	fill(rng, a)
	for i := range a.D {
		a.D[i] = float32(rng.NormFloat64()) / 64
		if rng.IntN(8) == 0 {
			a.D[i] = 0
		}
	}
	group := a.Form.group()
	for i := range a.Sums {
		a.Sums[i] = 0
		for _, q := range a.Q[i*group : (i+1)*group] {
			a.Sums[i] += int16(q)
		}
	}
	return a
}

// TestQuantKernelsExact compares every kernel with the definition, bit for bit.
// Weights start at odd addresses, as they may in a file.
func TestQuantKernelsExact(t *testing.T) {
	eachQuantKernel(t, func(t *testing.T, typ quant.Type, k quantKernel) {
		rng := rand.New(rand.NewPCG(11, uint64(typ)))
		for _, f := range fillers {
			testQuantKernel(t, rng, k, typ, f, 1+rng.IntN(40), 1+rng.IntN(3), 1+rng.IntN(9))
			testQuantKernel(t, rng, k, typ, f, 24, 1, 1)
		}
		for rows := 1; rows <= 40; rows++ {
			testQuantKernel(t, rng, k, typ, fillers[0], rows, 1+rng.IntN(3), 1+rng.IntN(6))
		}
		for _, vectors := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 32, 33, 48, 64, 130} {
			testQuantKernel(t, rng, k, typ, fillers[0], 20, 2, vectors)
		}
		testQuantKernel(t, rng, k, typ, fillers[0], 16, 11, 5)
		if typ.BlockSize() == 32 { // widths that are no multiple of 256
			for blocks := 1; blocks < 20; blocks++ {
				testQuantKernelCols(t, rng, k, typ, fillers[0], 1+rng.IntN(40), 32*blocks, 1+rng.IntN(9))
			}
		}
	})
}

func testQuantKernel(t *testing.T, rng *rand.Rand, k quantKernel, typ quant.Type, f filler, rows, blocks, vectors int) {
	t.Helper()
	testQuantKernelCols(t, rng, k, typ, f, rows, 256*blocks, vectors)
}

func testQuantKernelCols(t *testing.T, rng *rand.Rand, k quantKernel, typ quant.Type, f filler, rows, cols, vectors int) {
	t.Helper()
	data := randomWeights(rng, typ, rows*cols)
	f.weights(rng, typ, data)
	offset := 1 + 2*rng.IntN(8)
	moved := append(make([]byte, offset), data...)
	m := Matrix{typ, rows, cols, moved[offset:]}
	a := integerActs(rng, typ, vectors, cols, f.acts)
	want := definition(m, a)
	got := make([]float32, len(want))
	s := new(Scratch)
	k.dot(got, rows, m, 0, rows, a, 0, vectors, s)
	check := func() {
		t.Helper()
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%s [%d, %d] by %d vectors: row %d of vector %d is %g, want exactly %g", f.name, rows, cols, vectors, i%rows, i/rows, got[i], want[i])
			}
		}
	}
	check()
	if k.packed == nil {
		return
	}
	clear(got)
	tile := rng.IntN(3)
	pack(a, tile)
	k.packed(got, rows, &m, 0, rows, a, 0, vectors, tile, s)
	check()
}

// pack packs all vectors, from a tile on.
func pack(a *Acts, tile int) {
	a.ReserveTiles(tile + Tiles(a.Rows))
	for t := 0; t < a.Rows; t += TileVectors {
		a.Pack(tile+t/TileVectors, t, min(t+TileVectors, a.Rows))
	}
}

// TestQuantKernelsAllocate nothing once the scratch memory is there.
func TestQuantKernelsAllocate(t *testing.T) {
	eachQuantKernel(t, func(t *testing.T, typ quant.Type, k quantKernel) {
		rng := rand.New(rand.NewPCG(12, uint64(typ)))
		m := Matrix{typ, 40, 512, randomWeights(rng, typ, 40*512)}
		for _, vectors := range []int{1, 5} {
			a := integerActs(rng, typ, vectors, 512, randomIntegers)
			dst, s := make([]float32, 40*vectors), new(Scratch)
			run := func() { k.dot(dst, 40, m, 0, 40, a, 0, vectors, s) }
			if k.packed != nil {
				a.ReserveTiles(1)
				run = func() {
					a.Pack(0, 0, vectors)
					k.packed(dst, 40, &m, 0, 40, a, 0, vectors, 0, s)
				}
			}
			run()
			if n := testing.AllocsPerRun(3, run); n != 0 {
				t.Errorf("%d vectors: %v allocations", vectors, n)
			}
		}
	})
}

// BenchmarkQuant reports weights read per second for one vector, and products
// per second for many, of a matrix of 4096 by 5120.
func BenchmarkQuant(b *testing.B) {
	const rows, cols = 4096, 5120
	for _, typ := range quantTypes() {
		b.Run(typ.String(), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			m := Matrix{typ, rows, cols, randomWeights(rng, typ, rows*cols)}
			for version, kernels := range quantVersions {
				for _, vectors := range []int{1, 2, 4, 32, 512} {
					b.Run(fmt.Sprintf("%s/%d", version, vectors), func(b *testing.B) {
						benchQuant(b, kernels[typ], m, integerActs(rng, typ, vectors, cols, randomIntegers))
					})
				}
			}
		})
	}
}

func benchQuant(b *testing.B, k quantKernel, m Matrix, a *Acts) {
	if k.dot == nil {
		b.Skip("this version does not have the type")
	}
	dst, s := make([]float32, m.Rows*a.Rows), new(Scratch)
	b.SetBytes(int64(len(m.Data)))
	product := func(r0, r1 int) { k.dot(dst, m.Rows, m, r0, r1, a, 0, a.Rows, s) }
	if k.packed != nil && a.Rows > 1 {
		pack(a, 0)
		product = func(r0, r1 int) { k.packed(dst, m.Rows, &m, r0, r1, a, 0, a.Rows, 0, s) }
	}
	for b.Loop() {
		for r := 0; r < m.Rows; r += 64 { // pieces as a worker takes them
			product(r, r+64)
		}
	}
	b.ReportMetric(float64(b.N)*float64(m.Rows*m.Cols*a.Rows)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}
