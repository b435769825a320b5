// Package backendtest is one suite that every backend must pass: each operation
// against package ref, and the promises of the tensor.Backend contract.
package backendtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"scout/engine/internal/ref"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// limits is what the suite compiles for.
var limits = tensor.Limits{Tokens: 40, Outputs: 40}

// A case is a small graph around one operation. The tolerance is relative to the
// largest magnitude of the reference's result.
type opCase struct {
	name      string
	tolerance float64
	build     func(w *maker, g *tensor.Graph) tensor.Value
}

// Tolerances: float32 sums of a few hundred terms stay within 1e-6; quantised
// products round the activations to 8 bits (1/254 of the largest, averaged over
// the row).
const (
	exact     = 2e-6
	quantised = 2e-2
)

// kvTypes are the element types of a cache with the tolerance of attention
// through them: float16 keeps 11 bits, the others 8 and 4, of a block's largest.
var kvTypes = map[tensor.KVType]float64{
	tensor.KVF32: exact, tensor.KVF16: 2e-3, tensor.KVQ8_0: 1.5e-2, tensor.KVQ4_0: 2e-1,
}

func opCases() []opCase {
	const width, heads, kv, dim, ff, experts = 256, 4, 2, 64, 256, 4
	cases := []opCase{
		{"embed", exact, func(w *maker, g *tensor.Graph) tensor.Value { return w.input(g) }},
		{"norm", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			return g.RMSNorm(w.input(g), w.vector("norm", width), 1e-5, width)
		}},
		{"norm of heads", exact, func(w *maker, g *tensor.Graph) tensor.Value { return g.RMSNorm(w.input(g), nil, 1e-5, dim) }},
		{"bias", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			return g.MatMul(w.input(g), w.matrix("m", quant.F32, 100, width), w.vector("bias", 100))
		}},
		{"rope", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			return g.RoPE(w.input(g), tensor.RoPE{HeadDim: dim, Base: 500000})
		}},
		{"rope, factors, halves", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			f := make([]float32, dim/2)
			for i := range f {
				f[i] = float32(1 + i%16)
			}
			return g.RoPE(w.input(g), tensor.RoPE{HeadDim: dim, Base: 1e4, Factors: f, Pairs: tensor.Halves})
		}},
		{"temper", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			return g.Temper(w.input(g), tensor.Temper{Floor: 16, Offset: 1, Scale: 0.1})
		}},
		{"add", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			x := w.input(g)
			return g.Add(x, g.RMSNorm(x, nil, 1e-5, width))
		}},
		{"select", exact, func(w *maker, g *tensor.Graph) tensor.Value { return g.Select(w.input(g)) }},
	}
	for _, t := range []quant.Type{quant.F32, quant.F16, quant.BF16, quant.Q8_0} {
		tolerance := exact
		if t == quant.Q8_0 {
			tolerance = quantised
		}
		cases = append(cases,
			opCase{"matmul " + t.String(), tolerance, func(w *maker, g *tensor.Graph) tensor.Value {
				return g.MatMul(w.input(g), w.matrix("m", t, 200, width), nil)
			}},
			opCase{"ffn " + t.String(), tolerance, func(w *maker, g *tensor.Graph) tensor.Value {
				return g.FFN(w.input(g), tensor.FFN{Gate: w.matrix("g", t, ff, width), Up: w.matrix("u", t, ff, width), Down: w.matrix("d", t, width, ff)})
			}},
		)
		for _, gating := range []tensor.Gating{tensor.SigmoidInput, tensor.SoftmaxOutput} {
			for _, mine := range [][]int{nil, {1, 3}} {
				name := fmt.Sprintf("experts %v gating %d of %v", t, gating, mine)
				cases = append(cases, opCase{name, tolerance, func(w *maker, g *tensor.Graph) tensor.Value {
					x := w.input(g)
					routes := g.Route(g.MatMul(x, w.matrix("r", quant.F32, experts, width), nil), tensor.Route{TopK: 1 + int(gating), Gating: gating})
					return g.ExpertFFN(x, routes, tensor.ExpertFFN{
						Gate: w.stack("g", t, experts, ff, width), Up: w.stack("u", t, experts, ff, width),
						Down: w.stack("d", t, experts, width, ff), Gating: gating, Experts: mine,
					})
				}})
			}
		}
	}
	for _, a := range []tensor.Attend{
		{Heads: heads, KVHeads: kv, HeadDim: dim}, {Heads: heads, KVHeads: kv, HeadDim: dim, Chunk: 16},
		{Heads: 10, KVHeads: 2, HeadDim: 96}, {Heads: 3, KVHeads: 3, HeadDim: 32},
	} {
		a.Scale = 0.125
		name := fmt.Sprintf("attention, %d heads of %d to %d, chunk %d", a.Heads, a.HeadDim, a.KVHeads, a.Chunk)
		cases = append(cases, opCase{name, exact, func(w *maker, g *tensor.Graph) tensor.Value { return attention(w, g, a) }})
	}
	return cases
}

// attention is op on projections of the input.
func attention(w *maker, g *tensor.Graph, op tensor.Attend) tensor.Value {
	x := w.input(g)
	q := g.MatMul(x, w.matrix("q", quant.F32, op.Heads*op.HeadDim, 256), nil)
	k := g.MatMul(x, w.matrix("k", quant.F32, op.KVHeads*op.HeadDim, 256), nil)
	v := g.MatMul(x, w.matrix("v", quant.F32, op.KVHeads*op.HeadDim, 256), nil)
	return g.Attend(q, k, v, op)
}

// Run holds the backends that open returns to the contract. Each is closed when
// its test ends.
func Run(t *testing.T, open func() tensor.Backend) {
	for _, c := range opCases() {
		t.Run(c.name, func(t *testing.T) {
			b := open()
			defer b.Close()
			if !strings.HasPrefix(c.name, "attention") {
				compare(t, b, c, tensor.KVF32)
				return
			}
			for kv := range kvTypes {
				compare(t, b, c, kv)
			}
		})
	}
	for kv := range kvTypes {
		t.Run(fmt.Sprintf("splits, %v cache", kv), func(t *testing.T) { splits(t, open(), kv) })
	}
	t.Run("wraps", func(t *testing.T) { wraps(t, open()) })
	t.Run("caches", func(t *testing.T) { caches(t, open()) })
	t.Run("devices", func(t *testing.T) { devices(t, open()) })
	t.Run("stop", func(t *testing.T) { stop(t, open()) })
	t.Run("limits", func(t *testing.T) { tooLarge(t, open()) })
	encoders(t, open)
}

// compare runs a case on b and on ref: a batch of 33, then three of one token and
// one of five, so that the cache and the chunks come into play.
func compare(t *testing.T, b tensor.Backend, c opCase, kv tensor.KVType) {
	g := &tensor.Graph{}
	w := &maker{r: rand.New(rand.NewPCG(7, 11))}
	g.Result = c.build(w, g)
	tolerance := max(c.tolerance, kvTypes[kv])
	got, want := start(t, b, g, kv), start(t, ref.Backend{}, g, kv)
	at := 0
	for _, n := range []int{33, 1, 1, 1, 5} {
		at = chunkSafe(at, n)
		batch := w.batch(at, n)
		if n > 3 { // not all rows are asked for
			batch.Outputs = slices.DeleteFunc(batch.Outputs, func(row int32) bool { return row%3 == 1 })
		}
		near(t, fmt.Sprintf("%d tokens at %d, %v cache", n, at, kv), got.run(t, batch), want.run(t, batch), tolerance)
		at += n
	}
}

// chunkSafe moves a batch of more than one token behind a multiple of 16 that it
// would cross with a one-chunk cache; callers of backends never cross one.
func chunkSafe(at, n int) int {
	if n > 1 && n <= 16 && at/16 != (at+n-1)/16 {
		return (at + 15) / 16 * 16
	}
	return at
}

// runner is a graph ready to run on one backend, with a cache.
type runner struct {
	x *tensor.Executor
	c *tensor.Caches
}

func start(t *testing.T, b tensor.Backend, g *tensor.Graph, kv tensor.KVType) runner {
	t.Helper()
	return startOn(t, map[tensor.Device]tensor.Backend{tensor.CPU: b}, g, kv)
}

func startOn(t *testing.T, backends map[tensor.Device]tensor.Backend, g *tensor.Graph, kv tensor.KVType) runner {
	t.Helper()
	x, err := tensor.NewExecutor(g, backends, limits, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	c, err := x.NewCache(cacheSpec(g, kv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return runner{x, c}
}

// cacheSpec is room for 128 positions in every layer.
func cacheSpec(g *tensor.Graph, kv tensor.KVType) (spec tensor.CacheSpec) {
	for _, n := range g.Nodes {
		if a, ok := n.Op.(tensor.Attend); ok {
			spec = append(spec, tensor.CacheLayer{Cells: 128, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Type: kv, Device: n.Device})
		}
	}
	return spec
}

func (r runner) run(t *testing.T, b *tensor.Batch) []float32 {
	t.Helper()
	out, err := r.x.Run(b, r.c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), out...)
}

// model is a graph with everything in it, its parts on the given devices.
func model(w *maker, attention, dense tensor.Device, groups map[tensor.Device][]int) *tensor.Graph {
	const width, heads, kv, dim, ff, experts = 256, 4, 2, 64, 256, 4
	g := &tensor.Graph{}
	x := w.input(g)
	for l := range 2 {
		g.On(attention, l)
		h := g.RMSNorm(x, nil, 1e-5, width)
		q := g.RoPE(g.MatMul(h, w.matrix("q", quant.F32, heads*dim, width), nil), tensor.RoPE{HeadDim: dim, Base: 500000})
		k := g.RoPE(g.MatMul(h, w.matrix("k", quant.F32, kv*dim, width), nil), tensor.RoPE{HeadDim: dim, Base: 500000})
		v := g.MatMul(h, w.matrix("v", quant.F32, kv*dim, width), nil)
		o := g.Attend(q, k, v, tensor.Attend{Layer: l, Heads: heads, KVHeads: kv, HeadDim: dim, Scale: 0.125, Chunk: 64 * (1 - l)})
		x = g.Add(x, g.MatMul(o, w.matrix("o", quant.F32, width, heads*dim), nil))
		g.On(dense, l)
		n := g.RMSNorm(x, nil, 1e-5, width)
		routes := g.Route(g.MatMul(n, w.matrix("r", quant.F32, experts, width), nil), tensor.Route{TopK: 1})
		f := tensor.ExpertFFN{
			Gate: w.stack("g", quant.F32, experts, ff, width), Up: w.stack("u", quant.F32, experts, ff, width),
			Down: w.stack("d", quant.F32, experts, width, ff),
		}
		for d := range tensor.Device(2) {
			if mine, ok := groups[d]; ok {
				f.Experts = mine
				g.On(d, l)
				x = g.Add(x, g.ExpertFFN(n, routes, f))
			}
		}
	}
	g.On(dense, -1)
	g.Result = g.MatMul(g.Select(x), w.matrix("out", quant.F32, 300, width), nil)
	return g
}

// splits checks that a prompt gives the same bits in one batch, token by token
// and in any parts.
func splits(t *testing.T, b tensor.Backend, kv tensor.KVType) {
	defer b.Close()
	w := &maker{r: rand.New(rand.NewPCG(1, 2))}
	g := model(w, 0, 0, map[tensor.Device][]int{0: nil})
	whole := w.batch(0, 40)
	want := start(t, b, g, kv).run(t, whole)
	for _, parts := range [][]int{{1, 39}, {20, 20}, {7, 1, 30, 2}, ones(40)} {
		r := start(t, b, g, kv)
		var got []float32
		at := 0
		for _, n := range parts {
			got = append(got, r.run(t, part(whole, at, n))...)
			at += n
		}
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("parts %v: logit %d is %v, in one batch %v", parts, i, got[i], want[i])
			}
		}
	}
}

func ones(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// part is n tokens of b from at on, with all their outputs.
func part(b *tensor.Batch, at, n int) *tensor.Batch {
	p := &tensor.Batch{Tokens: b.Tokens[at : at+n], Start: b.Start + at}
	for i := range n {
		p.Outputs = append(p.Outputs, int32(i))
	}
	return p
}

// devices checks that a model divided between the backend and ref, down to
// single experts, computes what ref computes alone.
func devices(t *testing.T, b tensor.Backend) {
	defer b.Close()
	for name, place := range map[string]struct {
		attention, dense tensor.Device
		groups           map[tensor.Device][]int
	}{
		"experts on ref":    {0, 0, map[tensor.Device][]int{1: nil}},
		"attention on ref":  {1, 0, map[tensor.Device][]int{0: nil}},
		"experts divided":   {0, 1, map[tensor.Device][]int{0: {0, 2}, 1: {1, 3}}},
		"one expert on ref": {0, 0, map[tensor.Device][]int{0: {0, 1, 2}, 1: {3}}},
	} {
		w := &maker{r: rand.New(rand.NewPCG(5, 6))}
		g := model(w, place.attention, place.dense, place.groups)
		both := startOn(t, map[tensor.Device]tensor.Backend{0: b, 1: ref.Backend{}}, g, tensor.KVF32)
		alone := startOn(t, map[tensor.Device]tensor.Backend{0: ref.Backend{}, 1: ref.Backend{}}, g, tensor.KVF32)
		for _, batch := range []*tensor.Batch{w.batch(0, 17), w.batch(17, 1)} {
			near(t, name, both.run(t, batch), alone.run(t, batch), 1e-5)
		}
	}
}

// wraps checks a cache that holds one chunk, its cells used again by each next
// one, against the reference with a cell for every position.
func wraps(t *testing.T, b tensor.Backend) {
	defer b.Close()
	const heads, kvHeads, dim, chunk = 4, 2, 64, 16
	w := &maker{r: rand.New(rand.NewPCG(8, 9))}
	g := &tensor.Graph{}
	x := w.input(g)
	q := g.MatMul(x, w.matrix("q", quant.F32, heads*dim, 256), nil)
	k := g.MatMul(x, w.matrix("k", quant.F32, kvHeads*dim, 256), nil)
	v := g.MatMul(x, w.matrix("v", quant.F32, kvHeads*dim, 256), nil)
	g.Result = g.Attend(q, k, v, tensor.Attend{Heads: heads, KVHeads: kvHeads, HeadDim: dim, Scale: 0.125, Chunk: chunk})
	for kv, tolerance := range kvTypes {
		w := &maker{r: rand.New(rand.NewPCG(9, 10))} // the same batches whichever type comes first
		want := start(t, ref.Backend{}, g, kv)
		got := start(t, b, g, kv)
		spec := cacheSpec(g, kv)
		spec[0].Cells = chunk
		c, err := got.x.NewCache(spec)
		if err != nil {
			t.Fatal(err)
		}
		got.c = c
		at := 0
		for _, n := range []int{16, 3, 13, 1, 1, 14, 16, 1} {
			batch := w.batch(at, n)
			near(t, fmt.Sprintf("%d tokens at %d, %v cache", n, at, kv), got.run(t, batch), want.run(t, batch), max(exact, tolerance))
			at += n
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// stop checks that a run can be given up and that the next one is unharmed.
func stop(t *testing.T, b tensor.Backend) {
	defer b.Close()
	w := &maker{r: rand.New(rand.NewPCG(3, 4))}
	g := model(w, 0, 0, map[tensor.Device][]int{0: nil})
	r := start(t, b, g, tensor.KVF32)
	first, second := w.batch(0, 9), w.batch(9, 5)
	r.run(t, first)
	for after := range 5 {
		calls := 0
		_, err := r.x.Run(second, r.c, func() bool { calls++; return calls > after })
		if !errors.Is(err, tensor.ErrStopped) {
			t.Fatalf("stopped at call %d: error is %v, want ErrStopped", after+1, err)
		}
	}
	fresh := start(t, b, g, tensor.KVF32)
	fresh.run(t, first)
	near(t, "after stops", r.run(t, second), fresh.run(t, second), 0)
}

func tooLarge(t *testing.T, b tensor.Backend) {
	defer b.Close()
	w := &maker{r: rand.New(rand.NewPCG(3, 4))}
	r := start(t, b, model(w, 0, 0, map[tensor.Device][]int{0: nil}), tensor.KVF32)
	if _, err := r.x.Run(w.batch(0, limits.Tokens+1), r.c, nil); err == nil {
		t.Error("a batch over the limit: no error")
	}
	if _, err := r.x.Run(&tensor.Batch{Tokens: []int32{1}}, r.c, nil); err != nil {
		t.Errorf("a batch without outputs: %v", err)
	}
}

// caches checks that sequences with different caches take turns on one program,
// each with the bits that it gets alone.
func caches(t *testing.T, b tensor.Backend) {
	defer b.Close()
	w := &maker{r: rand.New(rand.NewPCG(8, 9))}
	g := model(w, 0, 0, map[tensor.Device][]int{0: nil})
	first, second := w.batch(0, 9), w.batch(9, 5)
	alone := map[tensor.KVType][]float32{}
	for kv := range kvTypes {
		r := start(t, b, g, kv)
		r.run(t, first)
		alone[kv] = r.run(t, second)
	}
	x := start(t, b, g, tensor.KVF32).x
	together := map[tensor.KVType]runner{}
	for kv := range kvTypes {
		c, err := x.NewCache(cacheSpec(g, kv))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		together[kv] = runner{x, c}
		together[kv].run(t, first)
	}
	for kv, r := range together {
		near(t, fmt.Sprintf("%v cache among others", kv), r.run(t, second), alone[kv], 0)
	}
}

// near fails when got is further from want than tolerance times the largest of
// want.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	most := 0.0
	for _, v := range want {
		most = max(most, math.Abs(float64(v)))
	}
	for i := range want {
		if diff := math.Abs(float64(got[i]) - float64(want[i])); !(diff <= tolerance*most) {
			t.Fatalf("%s: number %d is %v, want %v (off by %.3g of %.3g, tolerance %g)", what, i, got[i], want[i], diff, most, tolerance)
		}
	}
}

// maker makes random weights and batches.
type maker struct{ r *rand.Rand }

const vocabulary = 64

// input is an embedding of 256 wide tokens; some rows of each batch are the
// batch's own.
func (w *maker) input(g *tensor.Graph) tensor.Value {
	return g.Embed(w.matrix("token_embd", quant.F32, vocabulary, 256))
}

func (w *maker) batch(start, n int) *tensor.Batch {
	b := &tensor.Batch{Start: start}
	for i := range n {
		b.Tokens = append(b.Tokens, int32(w.r.IntN(vocabulary)))
		if n < 20 && i%5 == 3 {
			b.Tokens[i] = -1
			for range 256 {
				b.Embeds = append(b.Embeds, float32(w.r.NormFloat64()))
			}
		}
		b.Outputs = append(b.Outputs, int32(i))
	}
	return b
}

func (w *maker) vector(name string, n int) *tensor.Weight {
	v := w.matrix(name, quant.F32, 1, n)
	v.Shape = []int{n}
	return v
}

func (w *maker) matrix(name string, t quant.Type, out, in int) *tensor.Weight {
	return w.stack(name, t, 1, out, in)
}

// stack is n matrices of weights with a variance that keeps activations near 1.
func (w *maker) stack(name string, t quant.Type, n, out, in int) *tensor.Weight {
	m := &tensor.Weight{Name: name, Type: t, Shape: []int{n, out, in}}
	if n == 1 {
		m.Shape = []int{out, in}
	}
	sd := 1 / math.Sqrt(float64(in))
	for range n * out * in / t.BlockSize() {
		switch t {
		case quant.F32:
			m.Data = binary.LittleEndian.AppendUint32(m.Data, math.Float32bits(float32(w.r.NormFloat64()*sd)))
		case quant.F16:
			m.Data = binary.LittleEndian.AppendUint16(m.Data, quant.F32ToF16(float32(w.r.NormFloat64()*sd)))
		case quant.BF16:
			m.Data = binary.LittleEndian.AppendUint16(m.Data, quant.F32ToBF16(float32(w.r.NormFloat64()*sd)))
		case quant.Q8_0:
			m.Data = binary.LittleEndian.AppendUint16(m.Data, quant.F32ToF16(float32(sd/74)))
			for range 32 {
				m.Data = append(m.Data, byte(int8(w.r.IntN(255)-127)))
			}
		}
	}
	return m
}
