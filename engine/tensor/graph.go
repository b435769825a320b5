package tensor

import "fmt"

// Value is a handle to an activation of a Graph.
type Value int

// Rows says how many rows a value has at run time.
type Rows uint8

// A value has a row per token of the batch, or a row per token whose logits
// were asked for.
const (
	PerToken Rows = iota
	PerOutput
)

// ValueInfo is what is known of a value when the graph is built.
type ValueInfo struct {
	Width   int
	Rows    Rows
	Routing bool // holds expert ids and weights, Width of each, instead of Width floats
}

// Device names a place that runs operations and keeps their weights. CPU is
// always there; further devices are numbered by the engine.
type Device int

// CPU is the host.
const CPU Device = 0

// Node is one operation with its operands.
type Node struct {
	Op     Op
	In     []Value
	Out    Value
	Device Device
	Layer  int // the model's block, -1 outside them; for reports and traces
}

// Graph is a straight-line program over values. Build it with its methods;
// they check shapes and panic on a mismatch, which is always a bug of the
// caller.
type Graph struct {
	Nodes  []Node
	Values []ValueInfo
	Result Value // the logits [outputs, vocabulary]

	device Device
	layer  int
}

// On makes the nodes added from now on belong to a device and a layer.
func (g *Graph) On(d Device, layer int) { g.device, g.layer = d, layer }

func (g *Graph) add(op Op, out ValueInfo, in ...Value) Value {
	v := Value(len(g.Values))
	g.Values = append(g.Values, out)
	g.Nodes = append(g.Nodes, Node{Op: op, In: in, Out: v, Device: g.device, Layer: g.layer})
	return v
}

func (g *Graph) want(what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("tensor: layer %d: %s is %d wide, want %d", g.layer, what, got, want))
	}
}

func (g *Graph) width(v Value) int { return g.Values[v].Width }

// Embed adds an Embed of the batch's tokens.
func (g *Graph) Embed(w *Weight) Value {
	return g.add(Embed{w}, ValueInfo{Width: w.In()})
}

// RMSNorm adds a norm over groups of group elements; w may be nil.
func (g *Graph) RMSNorm(x Value, w *Weight, eps float32, group int) Value {
	if w != nil {
		g.want(w.Name, w.In(), group)
	}
	if g.width(x)%group != 0 {
		g.want("norm input", g.width(x), group)
	}
	return g.add(RMSNorm{w, eps, group}, g.Values[x], x)
}

// MatMul adds a matrix product; bias may be nil.
func (g *Graph) MatMul(x Value, w, bias *Weight) Value {
	g.want("input of "+w.Name, g.width(x), w.In())
	if bias != nil {
		g.want(bias.Name, bias.In(), w.Out())
	}
	return g.add(MatMul{w, bias}, ValueInfo{Width: w.Out(), Rows: g.Values[x].Rows}, x)
}

// RoPE adds a rotation of every head of x.
func (g *Graph) RoPE(x Value, r RoPE) Value {
	if r.Factors != nil {
		g.want("rope factors", len(r.Factors), r.HeadDim/2)
	}
	return g.add(r, g.Values[x], x)
}

// Temper adds an attention temperature.
func (g *Graph) Temper(x Value, t Temper) Value { return g.add(t, g.Values[x], x) }

// Attend adds attention over a cache layer.
func (g *Graph) Attend(q, k, v Value, a Attend) Value {
	g.want("attention query", g.width(q), a.Heads*a.HeadDim)
	g.want("attention key", g.width(k), a.KVHeads*a.HeadDim)
	g.want("attention value", g.width(v), a.KVHeads*a.HeadDim)
	return g.add(a, g.Values[q], q, k, v)
}

// FFN adds a gated feed-forward network.
func (g *Graph) FFN(x Value, f FFN) Value {
	g.want("input of "+f.Gate.Name, g.width(x), f.Gate.In())
	g.want("input of "+f.Up.Name, g.width(x), f.Up.In())
	g.want("rows of "+f.Up.Name, f.Up.Out(), f.Gate.Out())
	g.want("input of "+f.Down.Name, f.Down.In(), f.Gate.Out())
	return g.add(f, ValueInfo{Width: f.Down.Out(), Rows: g.Values[x].Rows}, x)
}

// Route adds the choice of experts from logits [tokens, experts].
func (g *Graph) Route(logits Value, r Route) Value {
	if r.TopK < 1 || r.TopK > g.width(logits) {
		g.want("expert choice", r.TopK, g.width(logits))
	}
	return g.add(r, ValueInfo{Width: r.TopK, Rows: g.Values[logits].Rows, Routing: true}, logits)
}

// ExpertFFN adds the routed experts.
func (g *Graph) ExpertFFN(x, routes Value, f ExpertFFN) Value {
	g.want("input of "+f.Gate.Name, g.width(x), f.Gate.In())
	g.want("input of "+f.Up.Name, g.width(x), f.Up.In())
	g.want("rows of "+f.Up.Name, f.Up.Out(), f.Gate.Out())
	g.want("input of "+f.Down.Name, f.Down.In(), f.Gate.Out())
	return g.add(f, ValueInfo{Width: f.Down.Out(), Rows: g.Values[x].Rows}, x, routes)
}

// Add adds a sum.
func (g *Graph) Add(x, y Value) Value {
	g.want("second term of a sum", g.width(y), g.width(x))
	return g.add(Add{}, g.Values[x], x, y)
}

// Select adds the choice of output rows.
func (g *Graph) Select(x Value) Value {
	return g.add(Select{}, ValueInfo{Width: g.width(x), Rows: PerOutput}, x)
}

// Input adds the batch's own rows, width wide.
func (g *Graph) Input(width int) Value { return g.add(Input{width}, ValueInfo{Width: width}) }

// LayerNorm adds a norm with weight and bias.
func (g *Graph) LayerNorm(x Value, w, bias *Weight, eps float32) Value {
	g.want(w.Name, w.In(), g.width(x))
	g.want(bias.Name, bias.In(), g.width(x))
	return g.add(LayerNorm{w, bias, eps}, g.Values[x], x)
}

// GELU adds the activation.
func (g *Graph) GELU(x Value) Value { return g.add(GELU{}, g.Values[x], x) }

// AddRows adds rows of a table; index, which is not empty, must name rows that w
// has, or be negative.
func (g *Graph) AddRows(x Value, w *Weight, index []int32) Value {
	g.want(w.Name, w.In(), g.width(x))
	if len(index) == 0 {
		panic(fmt.Sprintf("tensor: layer %d: no rows of %s are asked for", g.layer, w.Name))
	}
	for _, i := range index {
		if int(i) >= w.Out() {
			panic(fmt.Sprintf("tensor: layer %d: row %d of %s is asked for, which has %d", g.layer, i, w.Name, w.Out()))
		}
	}
	return g.add(AddRows{w, index}, g.Values[x], x)
}

// RoPE2D adds a rotation of every head of x.
func (g *Graph) RoPE2D(x Value, r RoPE2D) Value {
	g.want("rope frequencies", len(r.Freqs), r.HeadDim/2)
	g.want("rope axes", len(r.Axes), r.HeadDim/2)
	if g.width(x)%r.HeadDim != 0 {
		g.want("rope input", g.width(x), r.HeadDim)
	}
	return g.add(r, g.Values[x], x)
}

// AttendSpan adds attention inside spans.
func (g *Graph) AttendSpan(q, k, v Value, a AttendSpan) Value {
	for _, x := range []Value{q, k, v} {
		g.want("attention operand", g.width(x), a.Heads*a.HeadDim)
	}
	return g.add(a, g.Values[q], q, k, v)
}

// Merge adds the union of rows neighbouring rows each.
func (g *Graph) Merge(x Value, rows int) Value {
	return g.add(Merge{rows}, ValueInfo{Width: rows * g.width(x), Rows: PerOutput}, x)
}
