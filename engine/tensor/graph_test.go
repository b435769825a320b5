package tensor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"scout/engine/quant"
)

func weight(name string, shape ...int) *Weight {
	return &Weight{Name: name, Type: quant.F32, Shape: shape}
}

// TestWrongShapes checks that a graph that does not fit together is refused while
// it is built, with the name, what was found and what was wanted.
func TestWrongShapes(t *testing.T) {
	for name, c := range map[string]struct {
		build func(g *Graph, x Value)
		want  string
	}{
		"matrix":        {func(g *Graph, x Value) { g.MatMul(x, weight("m", 4, 9), nil) }, "input of m is 8 wide, want 9"},
		"bias":          {func(g *Graph, x Value) { g.MatMul(x, weight("m", 4, 8), weight("b", 5)) }, "b is 5 wide, want 4"},
		"norm":          {func(g *Graph, x Value) { g.RMSNorm(x, weight("n", 6), 1e-5, 8) }, "n is 6 wide, want 8"},
		"head norm":     {func(g *Graph, x Value) { g.RMSNorm(x, nil, 1e-5, 3) }, "norm input is 8 wide, want 3"},
		"factors":       {func(g *Graph, x Value) { g.RoPE(x, RoPE{HeadDim: 4, Factors: make([]float32, 3)}) }, "rope factors is 3 wide, want 2"},
		"sum":           {func(g *Graph, x Value) { g.Add(x, g.MatMul(x, weight("m", 4, 8), nil)) }, "is 4 wide, want 8"},
		"key":           {func(g *Graph, x Value) { g.Attend(x, x, x, Attend{Heads: 2, KVHeads: 1, HeadDim: 4}) }, "attention key is 8 wide, want 4"},
		"choice":        {func(g *Graph, x Value) { g.Route(x, Route{TopK: 9}) }, "expert choice is 9 wide, want 8"},
		"up of ffn":     {func(g *Graph, x Value) { g.FFN(x, FFN{weight("g", 6, 8), weight("u", 7, 8), weight("d", 8, 6)}) }, "rows of u is 7 wide, want 6"},
		"norm's weight": {func(g *Graph, x Value) { g.LayerNorm(x, weight("w", 7), weight("b", 8), 1e-5) }, "w is 7 wide, want 8"},
		"norm's bias":   {func(g *Graph, x Value) { g.LayerNorm(x, weight("w", 8), weight("b", 9), 1e-5) }, "b is 9 wide, want 8"},
		"table":         {func(g *Graph, x Value) { g.AddRows(x, weight("t", 3, 9), []int32{0}) }, "t is 9 wide, want 8"},
		"table's row":   {func(g *Graph, x Value) { g.AddRows(x, weight("t", 3, 8), []int32{0, -1, 3}) }, "row 3 of t is asked for, which has 3"},
		"no index":      {func(g *Graph, x Value) { g.AddRows(x, weight("t", 3, 8), nil) }, "no rows of t are asked for"},
		"frequencies":   {func(g *Graph, x Value) { g.RoPE2D(x, RoPE2D{HeadDim: 4, Freqs: make([]float32, 3)}) }, "rope frequencies is 3 wide, want 2"},
		"axes": {func(g *Graph, x Value) {
			g.RoPE2D(x, RoPE2D{HeadDim: 4, Freqs: make([]float32, 2), Axes: make([]uint8, 1)})
		}, "rope axes is 1 wide, want 2"},
		"turned heads": {func(g *Graph, x Value) {
			g.RoPE2D(x, RoPE2D{HeadDim: 6, Freqs: make([]float32, 3), Axes: make([]uint8, 3)})
		}, "rope input is 8 wide, want 6"},
		"span's heads": {func(g *Graph, x Value) { g.AttendSpan(x, x, x, AttendSpan{Heads: 3, HeadDim: 4}) }, "attention operand is 8 wide, want 12"},
		"down of it":   {func(g *Graph, x Value) { g.FFN(x, FFN{weight("g", 6, 8), weight("u", 6, 8), weight("d", 8, 7)}) }, "input of d is 7 wide, want 6"},
	} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, c.want) || !strings.Contains(r, "layer 3") {
					t.Errorf("%s: panic is %q, want layer 3 and %q", name, r, c.want)
				}
			}()
			g := &Graph{}
			g.On(CPU, 3)
			c.build(g, g.Embed(weight("e", 10, 8)))
		}()
	}
}

func TestSegments(t *testing.T) {
	g := &Graph{}
	m := weight("m", 8, 8)
	x := g.Embed(weight("e", 10, 8))
	g.On(1, 0)
	y := g.MatMul(x, m, nil)
	z := g.MatMul(y, m, nil)
	g.On(0, 1)
	g.Result = g.Add(g.MatMul(z, m, nil), x)
	if got, want := g.Segments(), []Segment{{0, 0, 1}, {1, 1, 3}, {0, 3, 5}}; !slices.Equal(got, want) {
		t.Errorf("segments are %v, want %v", got, want)
	}
	if got, want := g.Crossing(), []Value{x, z}; !slices.Equal(got, want) {
		t.Errorf("values that cross are %v, want %v", got, want)
	}
}

func TestSlab(t *testing.T) {
	w := &Weight{Type: quant.F16, Shape: []int{3, 2, 4}, Data: make([]byte, 48)}
	for i := range w.Data {
		w.Data[i] = byte(i)
	}
	if s := w.Slab(2); len(s) != 16 || s[0] != 32 || cap(s) != 16 {
		t.Errorf("slab 2 is %v", s)
	}
}
