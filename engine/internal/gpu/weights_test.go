//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/internal/ref"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// scalesAt is where blocks of a type have half-precision numbers.
var scalesAt = map[quant.Type][]int{
	quant.F16: {0}, quant.Q4_0: {0}, quant.Q4_1: {0, 2}, quant.Q5_0: {0}, quant.Q5_1: {0, 2}, quant.Q8_0: {0},
	quant.Q2_K: {80, 82}, quant.Q3_K: {108}, quant.Q4_K: {0, 2}, quant.Q5_K: {0, 2}, quant.Q6_K: {208},
	quant.IQ4NL: {0}, quant.IQ4XS: {0},
}

// randomWeight has random blocks, now and then with a subnormal scale.
func randomWeight(r *rand.Rand, t quant.Type, shape ...int) *tensor.Weight {
	n := 1
	for _, s := range shape {
		n *= s
	}
	w := &tensor.Weight{Name: t.String(), Type: t, Shape: shape, Data: make([]byte, t.RowBytes(n))}
	for at := 0; at < len(w.Data); at += t.BlockBytes() {
		b := w.Data[at : at+t.BlockBytes()]
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		for _, o := range scalesAt[t] {
			scale := float32(r.NormFloat64() / 64)
			if r.IntN(20) == 0 {
				scale = float32(r.NormFloat64()) * 1e-6
			}
			binary.LittleEndian.PutUint16(b[o:], quant.F32ToF16(scale))
		}
		switch t {
		case quant.F32:
			binary.LittleEndian.PutUint32(b, math.Float32bits(float32(r.NormFloat64())))
		case quant.BF16:
			binary.LittleEndian.PutUint16(b, quant.F32ToBF16(float32(r.NormFloat64())))
		case quant.MXFP4:
			b[0] = byte(118 + r.IntN(12))
		}
	}
	return w
}

// closeTo holds g on the device against ref: relative to the largest number of a
// result, most is allowed.
func closeTo(t *testing.T, b *backend, g *tensor.Graph, batch *tensor.Batch, most float64) {
	t.Helper()
	var results [2][]float32
	for i, backend := range []tensor.Backend{b, ref.Backend{}} {
		x, err := tensor.NewExecutor(g, map[tensor.Device]tensor.Backend{0: backend}, tensor.Limits{Tokens: 32, Outputs: 32}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x.NewCache(nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := x.Run(batch, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		results[i] = append(results[i], out...)
		c.Close()
		x.Close()
	}
	largest, off := 0.0, 0.0
	for i, want := range results[1] {
		largest = max(largest, math.Abs(float64(want)))
		d := math.Abs(float64(results[0][i]) - float64(want))
		off = max(off, d)
		if d != d {
			t.Fatalf("number %d is %v, want %v", i, results[0][i], want)
		}
	}
	if off > most*largest || largest == 0 {
		t.Errorf("off by %.3g of %.3g, which is %.3g; at most %.3g is allowed", off, largest, off/largest, most)
	}
}

// TestTypes decodes weights of every type that Runs names, by looking rows up, and
// multiplies with those that the published files are made of. The limits are those
// of float32: a decoded weight is rounded twice, a sum of a thousand products to
// 2e-6 of the largest.
func TestTypes(t *testing.T) {
	b := openTest(t)
	defer b.Close()
	const width, rows = 1024, 24
	for _, typ := range quant.Types() {
		if !Runs(typ) {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(typ), 1))
			batch := &tensor.Batch{}
			for i := range 9 {
				batch.Tokens = append(batch.Tokens, int32(r.IntN(rows)))
				batch.Outputs = append(batch.Outputs, int32(i))
			}
			g := &tensor.Graph{}
			g.Result = g.Embed(randomWeight(r, typ, rows, width))
			closeTo(t, b, g, batch, 2e-7)
			if typ != quant.Q4_K && typ != quant.Q6_K && typ != quant.Q5_K && typ != quant.Q3_K {
				return
			}
			g = &tensor.Graph{}
			x := g.RMSNorm(g.Embed(randomWeight(r, quant.F32, rows, width)), nil, 1e-5, width)
			routes := g.Route(g.MatMul(x, randomWeight(r, quant.F32, 4, width), nil), tensor.Route{TopK: 1})
			g.Result = g.ExpertFFN(x, routes, tensor.ExpertFFN{
				Gate: randomWeight(r, typ, 4, 256, width), Up: randomWeight(r, typ, 4, 256, width), Down: randomWeight(r, quant.Q6_K, 4, 40, 256),
				Experts: []int{3, 1, 0},
			})
			closeTo(t, b, g, batch, 5e-6)
		})
	}
}
