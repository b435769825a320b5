// Package ref is every operation again, slow and in float64: the definition
// that other backends are held to. It decodes weights to float32 as the format
// says, keeps activations, keys and values unrounded, and does everything in the
// order a reader would write it down.
package ref

import (
	"fmt"
	"math"

	"scout/engine/quant"
	"scout/engine/tensor"
)

// Backend is the reference. It has no state.
type Backend struct{}

var _ tensor.Backend = Backend{}

// Name is "ref".
func (Backend) Name() string { return "ref" }

// Supports accepts everything.
func (Backend) Supports(tensor.Op) error { return nil }

// Close does nothing.
func (Backend) Close() error { return nil }

// Compile keeps the graph; Run interprets it.
func (Backend) Compile(g *tensor.Graph, d tensor.Device, limits tensor.Limits, _ []tensor.Value) (tensor.Program, error) {
	p := &program{g: g, limits: limits, values: map[tensor.Value]value{}, matrices: matrices{}}
	for _, s := range g.Segments() {
		if s.Device == d {
			p.segments = append(p.segments, s)
		}
	}
	return p, nil
}

// NewCache makes room for every layer of the device.
func (Backend) NewCache(spec tensor.CacheSpec, d tensor.Device) (tensor.Cache, error) {
	c := &cache{layers: make([]layer, len(spec))}
	for i, s := range spec {
		if s.Device == d {
			c.layers[i] = layer{k: make([][]float64, s.Cells), v: make([][]float64, s.Cells)}
		}
	}
	return c, nil
}

// cache is keys and values by cell.
type cache struct{ layers []layer }

type layer struct{ k, v [][]float64 } // [cells][KVHeads*HeadDim]

func (c *cache) Close() error { c.layers = nil; return nil }

// value is an activation, a row per slice. A routing value has the expert ids of
// row r in ids[r] and their weights in rows[r].
type value struct {
	rows [][]float64
	ids  [][]int
}

type program struct {
	g        *tensor.Graph
	limits   tensor.Limits
	segments []tensor.Segment
	values   map[tensor.Value]value
	matrices matrices
}

func (p *program) Run(segment int, b *tensor.Batch, c tensor.Cache, stop func() bool) error {
	if len(b.Tokens) > p.limits.Tokens || len(b.Outputs) > p.limits.Outputs {
		return fmt.Errorf("ref: batch has %d tokens and %d outputs, want at most %d and %d",
			len(b.Tokens), len(b.Outputs), p.limits.Tokens, p.limits.Outputs)
	}
	s := p.segments[segment]
	for _, n := range p.g.Nodes[s.From:s.To] {
		if stop != nil && stop() {
			return tensor.ErrStopped
		}
		if err := p.node(n, b, c); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) node(n tensor.Node, b *tensor.Batch, c tensor.Cache) error {
	var x value
	if len(n.In) > 0 {
		x = p.values[n.In[0]]
	}
	out := value{}
	switch op := n.Op.(type) {
	case tensor.Embed:
		out.rows = embed(op, b)
	case tensor.RMSNorm:
		out.rows = each(x, func(_ int, row []float64) []float64 { return rmsNorm(row, op) })
	case tensor.MatMul:
		out.rows = each(x, func(_ int, row []float64) []float64 { return sum(p.matrices.product(op.W, 0, row), numbers(op.Bias)) })
	case tensor.RoPE:
		out.rows = each(x, func(t int, row []float64) []float64 { return rope(row, op, b.Start+t) })
	case tensor.Temper:
		out.rows = each(x, func(t int, row []float64) []float64 {
			return scaled(row, math.Log(math.Floor(float64(b.Start+t+op.Offset)/float64(op.Floor))+1)*float64(op.Scale)+1)
		})
	case tensor.Attend:
		out.rows = attend(op, x, p.values[n.In[1]], p.values[n.In[2]], b, &c.(*cache).layers[op.Layer])
	case tensor.FFN:
		out.rows = each(x, func(_ int, row []float64) []float64 { return p.matrices.ffn(op.Gate, op.Up, op.Down, 0, row) })
	case tensor.Route:
		out = route(x, op)
	case tensor.ExpertFFN:
		out.rows = p.matrices.experts(op, x, p.values[n.In[1]])
	case tensor.Add:
		y := p.values[n.In[1]]
		out.rows = each(x, func(t int, row []float64) []float64 { return sum(row, y.rows[t]) })
	case tensor.Select:
		for _, t := range b.Outputs {
			out.rows = append(out.rows, x.rows[t])
		}
	case tensor.Input:
		out.rows = input(op, b)
	case tensor.LayerNorm:
		out.rows = each(x, func(_ int, row []float64) []float64 { return layerNorm(row, op) })
	case tensor.GELU:
		out.rows = each(x, func(_ int, row []float64) []float64 { return gelu(row) })
	case tensor.AddRows:
		out.rows = each(x, func(t int, row []float64) []float64 { return addRow(row, op, t) })
	case tensor.RoPE2D:
		out.rows = each(x, func(t int, row []float64) []float64 { return rope2D(row, op, b.Places[t]) })
	case tensor.AttendSpan:
		out.rows = attendSpan(op, x, p.values[n.In[1]], p.values[n.In[2]], b.Spans[op.Spans])
	case tensor.Merge:
		out.rows = merge(op, x, b.Outputs)
	default:
		return fmt.Errorf("ref: operation %T is unknown", n.Op)
	}
	p.values[n.Out] = out
	return nil
}

func (p *program) Write(v tensor.Value, data []float32) error {
	info, out := p.g.Values[v], value{}
	for i := 0; i < len(data); i += info.Width {
		if info.Routing {
			ids := make([]int, info.Width)
			for j := range ids {
				ids[j] = int(data[i+j])
			}
			out.ids = append(out.ids, ids)
			i += info.Width
		}
		out.rows = append(out.rows, widen(data[i:i+info.Width]))
	}
	p.values[v] = out
	return nil
}

func (p *program) Read(v tensor.Value) ([]float32, error) {
	val, ok := p.values[v]
	if !ok {
		return nil, fmt.Errorf("ref: value %d is not part of this program", v)
	}
	var out []float32
	for r, row := range val.rows {
		if p.g.Values[v].Routing {
			for _, id := range val.ids[r] {
				out = append(out, float32(id))
			}
		}
		for _, x := range row {
			out = append(out, float32(x))
		}
	}
	return out, nil
}

func (p *program) Close() error { return nil }

func each(x value, f func(t int, row []float64) []float64) [][]float64 {
	out := make([][]float64, len(x.rows))
	for t, row := range x.rows {
		out[t] = f(t, row)
	}
	return out
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// numbers is a weight decoded, nil for nil.
func numbers(w *tensor.Weight) []float64 {
	if w == nil {
		return nil
	}
	return decoded(w.Type, w.Data, w.In())
}

func decoded(t quant.Type, data []byte, n int) []float64 {
	row := make([]float32, n)
	quant.Dequantize(t, row, data[:t.RowBytes(n)])
	return widen(row)
}
