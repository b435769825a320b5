package backendtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"scout/engine/internal/ref"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// encoderLimits has room for spans of more rows than backends take at a time.
var encoderLimits = tensor.Limits{Tokens: 220, Outputs: 55}

// pictureWidth is that of the input of encoder graphs: heads of 88 are no multiple
// of 32, as in the published towers.
const pictureWidth = 176

// encoderCases are graphs around each operation that encoders of pictures have.
func encoderCases() []opCase {
	const width = pictureWidth
	cases := []opCase{
		{"input", 0, func(_ *maker, g *tensor.Graph) tensor.Value { return g.Input(width) }},
		{"layer norm", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			return g.LayerNorm(g.Input(width), w.vector("norm", width), w.vector("bias", width), 1e-5)
		}},
		{"gelu", exact, func(w *maker, g *tensor.Graph) tensor.Value { return g.GELU(g.Input(width)) }},
		{"gelu of large numbers", exact, func(w *maker, g *tensor.Graph) tensor.Value {
			return g.GELU(g.MatMul(g.Input(width), w.scaled(200, width, 8), nil))
		}},
		{"merge", 0, func(_ *maker, g *tensor.Graph) tensor.Value { return g.Merge(g.Input(width), 4) }},
	}
	for _, t := range []quant.Type{quant.F32, quant.F16} {
		cases = append(cases, opCase{"add rows " + t.String(), exact, func(w *maker, g *tensor.Graph) tensor.Value {
			return g.AddRows(g.Input(width), w.matrix("table", t, 3, width), []int32{2, -1, 0, 0, 1})
		}})
	}
	for _, pairs := range []tensor.Pairing{tensor.Interleaved, tensor.Halves} {
		cases = append(cases, opCase{fmt.Sprintf("rope in two dimensions, pairing %d", pairs), exact, func(_ *maker, g *tensor.Graph) tensor.Value {
			return g.RoPE2D(g.Input(width), turned(88, pairs))
		}})
	}
	cases = append(cases, opCase{"two rotations", exact, func(_ *maker, g *tensor.Graph) tensor.Value {
		faster := turned(88, tensor.Interleaved)
		for i := range faster.Freqs {
			faster.Freqs[i] *= 3
		}
		x := g.Input(width)
		return g.Add(g.RoPE2D(x, turned(88, tensor.Interleaved)), g.RoPE2D(x, faster))
	}})
	for _, a := range []tensor.AttendSpan{{Heads: 2, HeadDim: 88}, {Heads: 5, HeadDim: 32, Spans: 1}, {Heads: 3, HeadDim: 20}} {
		a.Scale = 0.125
		cases = append(cases, opCase{fmt.Sprintf("attention in spans %d, %d heads of %d", a.Spans, a.Heads, a.HeadDim), exact, func(w *maker, g *tensor.Graph) tensor.Value {
			x, n := g.Input(width), a.Heads*a.HeadDim
			q, k := g.MatMul(x, w.scaled(n, width, 3), nil), g.MatMul(x, w.scaled(n, width, 3), nil)
			return g.AttendSpan(q, k, g.MatMul(x, w.matrix("v", quant.F32, n, width), nil), a)
		}})
	}
	return append(cases, opCase{"encoder", 5e-6, encoder})
}

// turned is a rotation whose pairs take the two coordinates in turn.
func turned(headDim int, pairs tensor.Pairing) tensor.RoPE2D {
	r := tensor.RoPE2D{HeadDim: headDim, Pairs: pairs}
	for i := range headDim / 2 {
		r.Freqs = append(r.Freqs, float32(math.Pow(100, -float64(i)/float64(headDim))))
		r.Axes = append(r.Axes, uint8(i%2))
	}
	return r
}

// encoder is a small tower with all of the operations.
func encoder(w *maker, g *tensor.Graph) tensor.Value {
	const width, ff = 176, 264
	linear := func(x tensor.Value, out int) tensor.Value {
		return g.MatMul(x, w.matrix("m", quant.F32, out, g.Values[x].Width), w.vector("bias", out))
	}
	norm := func(x tensor.Value) tensor.Value {
		return g.LayerNorm(x, w.vector("norm", width), w.vector("bias", width), 1e-5)
	}
	x := g.AddRows(linear(g.Input(width), width), w.matrix("table", quant.F32, 4, width), []int32{0, 1, 2, 3, -1})
	r := turned(88, tensor.Interleaved)
	for l := range 2 {
		g.On(tensor.CPU, l)
		h := norm(x)
		q, k := g.RoPE2D(linear(h, width), r), g.RoPE2D(linear(h, width), r)
		x = g.Add(x, linear(g.AttendSpan(q, k, linear(h, width), tensor.AttendSpan{Heads: 2, HeadDim: 88, Scale: 0.1, Spans: l}), width))
		x = g.Add(x, linear(g.GELU(linear(norm(x), ff)), width))
	}
	return linear(g.Merge(norm(x), 4), 40)
}

// encoders holds the backends that open returns to what encoders need.
func encoders(t *testing.T, open func() tensor.Backend) {
	for _, c := range encoderCases() {
		t.Run(c.name, func(t *testing.T) {
			b := open()
			defer b.Close()
			g := &tensor.Graph{}
			w := &maker{r: rand.New(rand.NewPCG(12, 13))}
			g.Result = c.build(w, g)
			got, want := startEncoder(t, b, g), startEncoder(t, ref.Backend{}, g)
			for _, spans := range [][]int{{5}, {130, 20, 70}, {1, 1, 30}} {
				batch := w.picture(spans)
				near(t, fmt.Sprint("spans of ", spans), got.run(t, batch), want.run(t, batch), c.tolerance)
			}
		})
	}
	t.Run("spans apart", func(t *testing.T) { spansApart(t, open()) })
}

// spansApart checks that what comes of a span does not depend on which others are
// in the batch, bit for bit, and that a run can be given up.
func spansApart(t *testing.T, b tensor.Backend) {
	defer b.Close()
	g := &tensor.Graph{}
	w := &maker{r: rand.New(rand.NewPCG(14, 15))}
	g.Result = encoder(w, g)
	r := startEncoder(t, b, g)
	whole := w.picture([]int{70, 40, 90})
	want := r.run(t, whole)
	if _, err := r.x.Run(whole, r.c, func() bool { return true }); !errors.Is(err, tensor.ErrStopped) {
		t.Errorf("stopped: error is %v, want ErrStopped", err)
	}
	from, out := 0, 0
	for _, end := range whole.Spans[0] {
		one := &tensor.Batch{
			Tokens: whole.Tokens[from:end], Embeds: whole.Embeds[from*pictureWidth : int(end)*pictureWidth],
			Places: whole.Places[from:end], Spans: [][]int32{{end - int32(from)}, {end - int32(from)}},
		}
		for row := 0; row+4 <= int(end)-from; row += 4 {
			one.Outputs = append(one.Outputs, int32(row))
		}
		got := r.run(t, one)
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(want[out+i]) {
				t.Fatalf("span to row %d: number %d is %v alone and %v among others", end, i, got[i], want[out+i])
			}
		}
		from, out = int(end), out+len(got)
	}
	if out != len(want) {
		t.Fatalf("the spans have %d numbers, want %d", out, len(want))
	}
}

func startEncoder(t *testing.T, b tensor.Backend, g *tensor.Graph) runner {
	t.Helper()
	x, err := tensor.NewExecutor(g, map[tensor.Device]tensor.Backend{tensor.CPU: b}, encoderLimits, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	c, err := x.NewCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return runner{x, c}
}

// picture is a batch of patches in spans of the given lengths; the second list
// of spans divides a first one of more than 100 in two. The outputs are every fourth row that has three
// behind it in its span.
func (w *maker) picture(spans []int) *tensor.Batch {
	b := &tensor.Batch{Spans: make([][]int32, 2)}
	end := 0
	for i, n := range spans {
		for row := 0; row+4 <= n; row += 4 {
			b.Outputs = append(b.Outputs, int32(end+row))
		}
		if i == 0 && n%2 == 0 && n > 100 {
			b.Spans[1] = append(b.Spans[1], int32(end+n/2))
		}
		end += n
		b.Spans[0], b.Spans[1] = append(b.Spans[0], int32(end)), append(b.Spans[1], int32(end))
	}
	b.Tokens = make([]int32, end)
	for i := range end {
		b.Places = append(b.Places, [2]int32{int32(i % 9), int32(i / 9)})
		for range pictureWidth {
			b.Embeds = append(b.Embeds, float32(w.r.NormFloat64()))
		}
	}
	return b
}

// scaled is a matrix whose products are larger by a factor than those of matrix.
func (w *maker) scaled(out, in int, factor float64) *tensor.Weight {
	m := &tensor.Weight{Name: "scaled", Type: quant.F32, Shape: []int{out, in}}
	sd := factor / math.Sqrt(float64(in))
	for range out * in {
		m.Data = binary.LittleEndian.AppendUint32(m.Data, math.Float32bits(float32(w.r.NormFloat64()*sd)))
	}
	return m
}
