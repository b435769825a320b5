//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/quant"
	"scout/engine/tensor"
)

// TestCacheRounds holds what a cache keeps against the rounding of its type: with
// chunks of one position, attention gives back the row's own value.
func TestCacheRounds(t *testing.T) {
	const heads, dim, rows = 2, 64, 9
	g := &tensor.Graph{}
	x := g.Input(heads * dim)
	g.Result = g.Merge(g.Attend(x, x, x, tensor.Attend{Heads: heads, KVHeads: heads, HeadDim: dim, Scale: 1, Chunk: 1}), 1)
	r := rand.New(rand.NewPCG(1, 2))
	batch := &tensor.Batch{Tokens: make([]int32, rows), Start: 5}
	for i := range rows {
		batch.Outputs = append(batch.Outputs, int32(i))
		for range heads * dim {
			batch.Embeds = append(batch.Embeds, float32(r.NormFloat64()*math.Exp2(float64(4*i-25))))
		}
	}
	clear(batch.Embeds[:dim]) // a head of zeros
	b := openTest(t)
	defer b.Close()
	for _, kv := range []tensor.KVType{tensor.KVF32, tensor.KVF16, tensor.KVQ8_0, tensor.KVQ4_0} {
		x, err := tensor.NewExecutor(g, map[tensor.Device]tensor.Backend{0: b}, tensor.Limits{Tokens: rows, Outputs: rows}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x.NewCache(tensor.CacheSpec{{Cells: 16, KVHeads: heads, HeadDim: dim, Type: kv}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Run(batch, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(got); i += 32 {
			want := rounded(kv, batch.Embeds[i:i+32])
			for j := range want {
				if got[i+j] != want[j] {
					t.Fatalf("%v cache: number %d is %v, want %v for %v", kv, i+j, got[i+j], want[j], batch.Embeds[i+j])
				}
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

// rounded is 32 numbers as a cache of a type keeps them.
func rounded(kv tensor.KVType, x []float32) []float32 {
	y := make([]float32, len(x))
	var top float32
	for _, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(top)) {
			top = v
		}
	}
	for i, v := range x {
		switch kv {
		case tensor.KVF32:
			y[i] = v
		case tensor.KVF16:
			y[i] = quant.F16ToF32(quant.F32ToF16(v))
		case tensor.KVQ8_0:
			d := float32(math.Abs(float64(top))) / 127
			if d != 0 {
				y[i] = float32(math.Floor(float64(v*(1/d))+0.5)) * quant.F16ToF32(quant.F32ToF16(d))
			}
		case tensor.KVQ4_0:
			d := top / -8
			if d != 0 {
				y[i] = (min(15, float32(math.Floor(float64(v*(1/d))+8.5))) - 8) * quant.F16ToF32(quant.F32ToF16(d))
			}
		}
	}
	return y
}
