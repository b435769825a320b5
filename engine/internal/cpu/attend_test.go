package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/tensor"
)

// TestTilesLikeSingleTokens holds what batches compute to what the same tokens get
// one at a time, bit for bit: batches that begin anywhere in a span, cross into the
// next or into another chunk, or begin behind the origin.
func TestTilesLikeSingleTokens(t *testing.T) {
	for _, kv := range []tensor.KVType{tensor.KVF16, tensor.KVF32, tensor.KVQ8_0, tensor.KVQ4_0} {
		for _, c := range []struct{ start, rows, origin, chunk int }{
			{0, 40, 0, 0}, {250, 20, 0, 0}, {241, 31, 0, 0}, {505, 23, 0, 0}, {700, 2, 0, 0},
			{290, 30, 0, 300}, {590, 25, 0, 300}, {7, 60, 0, 16}, {530, 30, 520, 0}, {500, 33, 500, 300},
		} {
			t.Run(fmt.Sprintf("%v, %+v", kv, c), func(t *testing.T) { tilesLikeSingle(t, kv, c.start, c.rows, c.origin, c.chunk) })
		}
	}
}

func tilesLikeSingle(t *testing.T, kv tensor.KVType, start, rows, origin, chunk int) {
	const heads, kvHeads, dim, cells = 6, 2, 64, 768
	b := New(1)
	defer b.Close()
	p := &program{b: b, limits: tensor.Limits{Tokens: rows}}
	a := (&compiler{p: p}).newAttention(tensor.Attend{Heads: heads, KVHeads: kvHeads, HeadDim: dim, Chunk: chunk, Scale: 0.3})
	made, err := b.NewCache(tensor.CacheSpec{{Cells: cells, KVHeads: kvHeads, HeadDim: dim, Type: kv}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	p.cache = made.(*cache)
	a.fit(p.cache, rows, 1)

	rng := rand.New(rand.NewPCG(uint64(start), uint64(rows)))
	random := func(rows, heads int) *value {
		v := &value{info: tensor.ValueInfo{Width: heads * dim}, data: make([]float32, rows*heads*dim)}
		for i := range v.data {
			v.data[i] = float32(rng.NormFloat64())
		}
		return v
	}
	for i := range start { // what is in the cache already
		p.batch = &tensor.Batch{Tokens: make([]int32, 1), Start: i}
		a.store(random(1, heads), random(1, kvHeads), random(1, kvHeads), 0, new(counter))
	}
	q, k, v := random(rows, heads), random(rows, kvHeads), random(rows, kvHeads)
	row := func(v *value, t int) *value { return &value{info: v.info, data: v.row(t)} }

	one := make([][]float32, rows)
	for i := range rows {
		p.batch = &tensor.Batch{Tokens: make([]int32, 1), Start: start + i, Origin: origin}
		a.store(row(q, i), row(k, i), row(v, i), 0, new(counter))
		a.spansOfOne(q.row(i), 0, new(counter))
		one[i] = make([]float32, heads*dim)
		a.mergeOne(one[i], new(counter))
	}
	p.batch = &tensor.Batch{Tokens: make([]int32, rows), Start: start, Origin: origin}
	a.store(q, k, v, 0, new(counter))
	got := random(rows, heads)
	a.tiles(q, got, 0, new(counter))
	for i := range rows {
		for j, want := range one[i] {
			if x := got.row(i)[j]; math.Float32bits(x) != math.Float32bits(want) {
				t.Fatalf("position %d, head %d, element %d: %g in a batch, %g alone", start+i, j/dim, j%dim, x, want)
			}
		}
	}
}
