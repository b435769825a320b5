package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"scout/engine/internal/cpu"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// measured is a graph to be timed, with its caches.
type measured struct {
	graph *tensor.Graph
	cache tensor.CacheSpec
	kv    tensor.KVType
}

// benchGraph times a graph on the processor.
type benchGraph struct {
	exec   *tensor.Executor
	caches *tensor.Caches
	tokens []int32
	out    [1]int32
	origin int
}

func newBenchGraph(b *cpu.Backend, m *measured) (*benchGraph, error) {
	for i := range m.cache {
		m.cache[i].Type = m.kv
	}
	x, err := tensor.NewExecutor(m.graph, map[tensor.Device]tensor.Backend{tensor.CPU: b}, tensor.Limits{Tokens: batchTokens, Outputs: 1}, nil)
	if err != nil {
		return nil, err
	}
	c, err := x.NewCache(m.cache)
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return &benchGraph{exec: x, caches: c, tokens: make([]int32, batchTokens)}, nil
}

func (b *benchGraph) close() { errors.Join(b.caches.Close(), b.exec.Close()) }

// median is how long a run of so many tokens from a position on takes, after one that
// does not count where there are several.
func (b *benchGraph) median(ctx context.Context, tokens, start, times int) (time.Duration, error) {
	var spent []time.Duration
	warm := min(1, times-1)
	b.out[0] = int32(tokens - 1)
	for i := range times + warm {
		batch := tensor.Batch{Tokens: b.tokens[:tokens], Start: start, Origin: b.origin, Outputs: b.out[:]}
		begin := time.Now()
		if _, err := b.exec.Run(&batch, b.caches, func() bool { return ctx.Err() != nil }); err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			return 0, err
		}
		if i >= warm {
			spent = append(spent, time.Since(begin))
		}
	}
	slices.Sort(spent)
	return max(spent[len(spent)/2], 1), nil
}

// matrix takes the front of memory as a matrix; memory of its own where that is nil.
func matrix(name string, t quant.Type, rows, cols int, memory *[]byte) *tensor.Weight {
	n := rows * t.RowBytes(cols)
	var data []byte
	if memory == nil {
		data = make([]byte, n)
		fillWeights(data)
	} else {
		data, *memory = (*memory)[:n:n], (*memory)[n:]
	}
	return &tensor.Weight{Name: name, Type: t, Shape: []int{rows, cols}, Data: data}
}

// feedForwards is n feed-forward networks, one after the other.
func (k kernelBench) feedForwards(t quant.Type, n int, memory []byte) *measured {
	g := &tensor.Graph{}
	x := g.Embed(matrix("embedding", quant.F32, 16, k.width, nil))
	for l := range n {
		g.On(tensor.CPU, l)
		up := func(name string) *tensor.Weight { return matrix(name, t, k.ff, k.width, &memory) }
		h := g.RMSNorm(x, nil, 1e-5, k.width)
		x = g.FFN(h, tensor.FFN{Gate: up("gate"), Up: up("up"), Down: matrix("down", t, k.width, k.ff, &memory)})
	}
	g.Result = g.MatMul(g.Select(x), matrix("output", quant.F32, 16, k.width, nil), nil)
	return &measured{graph: g}
}

// overheads is layers of a width that is usual and matrices of next to nothing, which
// all share.
func (k kernelBench) overheads() *measured {
	const dim, ff = 64, 32
	g, m := &tensor.Graph{}, &measured{}
	weight := func(name string, rows, cols int) *tensor.Weight { return matrix(name, quant.Q8_0, rows, cols, nil) }
	wq, wk, wv, wo := weight("q", dim, k.width), weight("k", dim, k.width), weight("v", dim, k.width), weight("o", k.width, dim)
	ffn := tensor.FFN{Gate: weight("gate", ff, k.width), Up: weight("up", ff, k.width), Down: weight("down", k.width, ff)}
	rope := tensor.RoPE{HeadDim: dim, Pairs: tensor.Interleaved, Base: 500000}
	x := g.Embed(matrix("embedding", quant.F32, 16, k.width, nil))
	for l := range k.layers {
		g.On(tensor.CPU, l)
		h := g.RMSNorm(x, nil, 1e-5, k.width)
		q, key, v := g.RoPE(g.MatMul(h, wq, nil), rope), g.RoPE(g.MatMul(h, wk, nil), rope), g.MatMul(h, wv, nil)
		o := g.Attend(q, key, v, tensor.Attend{Layer: l, Heads: 1, KVHeads: 1, HeadDim: dim, Scale: 0.1, Chunk: 64})
		x = g.Add(x, g.MatMul(o, wo, nil))
		x = g.Add(x, g.FFN(g.RMSNorm(x, nil, 1e-5, k.width), ffn))
		m.cache = append(m.cache, tensor.CacheLayer{Cells: batchTokens, KVHeads: 1, HeadDim: dim})
	}
	g.Result = g.MatMul(g.Select(x), matrix("output", quant.F32, 16, k.width, nil), nil)
	m.graph = g
	return m
}

// attentions is layers that only attend.
func (k kernelBench) attentions() *measured {
	g, m := &tensor.Graph{}, &measured{}
	x := g.Embed(matrix("embedding", quant.F32, 16, rateHead, nil))
	wq := matrix("q", quant.F16, rateHeads*rateHead, rateHead, nil)
	wk := matrix("k", quant.F16, rateKV*rateHead, rateHead, nil)
	q, key := g.MatMul(x, wq, nil), g.MatMul(x, wk, nil)
	var last tensor.Value
	for l := range k.layers {
		g.On(tensor.CPU, l)
		last = g.Attend(q, key, key, tensor.Attend{Layer: l, Heads: rateHeads, KVHeads: rateKV, HeadDim: rateHead, Scale: 0.1})
		m.cache = append(m.cache, tensor.CacheLayer{Cells: k.depth, KVHeads: rateKV, HeadDim: rateHead})
	}
	g.Result = g.MatMul(g.Select(last), matrix("output", quant.F32, 16, rateHeads*rateHead, nil), nil)
	m.graph = g
	return m
}
