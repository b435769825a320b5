package ref

import (
	"math"

	"scout/engine/tensor"
)

// embed is rows of the table, or the batch's own rows for negative ids.
func embed(op tensor.Embed, b *tensor.Batch) [][]float64 {
	n := op.W.In()
	size := op.W.Type.RowBytes(n)
	var out [][]float64
	own := 0
	for _, id := range b.Tokens {
		if id < 0 {
			out = append(out, widen(b.Embeds[own*n:(own+1)*n]))
			own++
			continue
		}
		out = append(out, decoded(op.W.Type, op.W.Data[int(id)*size:], n))
	}
	return out
}

// rmsNorm is x / sqrt(mean(x^2) + eps) * w, group by group.
func rmsNorm(x []float64, op tensor.RMSNorm) []float64 {
	w := numbers(op.W)
	out := make([]float64, len(x))
	for g := 0; g < len(x); g += op.Group {
		squares := 0.0
		for _, v := range x[g : g+op.Group] {
			squares += v * v
		}
		s := 1 / math.Sqrt(squares/float64(op.Group)+float64(op.Eps))
		for i := range op.Group {
			out[g+i] = x[g+i] * s
			if w != nil {
				out[g+i] *= w[i]
			}
		}
	}
	return out
}

// matrices remembers decoded weights, since decoding them for every token would
// take most of the time.
type matrices map[matrix][][]float64

type matrix struct {
	w *tensor.Weight
	e int // of a stack
}

func (m matrices) rows(w *tensor.Weight, e int) [][]float64 {
	if rows, ok := m[matrix{w, e}]; ok {
		return rows
	}
	slab, size := w.Slab(e), w.Type.RowBytes(w.In())
	rows := make([][]float64, w.Out())
	for o := range rows {
		rows[o] = decoded(w.Type, slab[o*size:], w.In())
	}
	m[matrix{w, e}] = rows
	return rows
}

// product is W x for matrix e of a stack.
func (m matrices) product(w *tensor.Weight, e int, x []float64) []float64 {
	out := make([]float64, w.Out())
	for o, row := range m.rows(w, e) {
		for i, v := range row {
			out[o] += v * x[i]
		}
	}
	return out
}

func sum(x, y []float64) []float64 {
	out := append([]float64(nil), x...)
	for i, v := range y {
		out[i] += v
	}
	return out
}

func scaled(x []float64, s float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v * s
	}
	return out
}

// rope rotates the pairs of every head. The inverse frequency is rounded to
// float32, as it is where models are trained.
func rope(x []float64, op tensor.RoPE, position int) []float64 {
	out, half := make([]float64, len(x)), op.HeadDim/2
	for h := 0; h < len(x); h += op.HeadDim {
		for i := range half {
			freq := float32(1 / math.Pow(float64(op.Base), float64(2*i)/float64(op.HeadDim)))
			if op.Factors != nil {
				freq /= op.Factors[i]
			}
			sin, cos := math.Sincos(float64(position) * float64(freq))
			a, b := h+2*i, h+2*i+1
			if op.Pairs == tensor.Halves {
				a, b = h+i, h+i+half
			}
			out[a], out[b] = x[a]*cos-x[b]*sin, x[a]*sin+x[b]*cos
		}
	}
	return out
}

// attend is softmax(q k^T scale) v over what each position may see.
func attend(op tensor.Attend, q, k, v value, b *tensor.Batch, l *layer) [][]float64 {
	for t := range k.rows {
		cell := (b.Start + t) % len(l.k)
		l.k[cell], l.v[cell] = k.rows[t], v.rows[t]
	}
	return each(q, func(t int, row []float64) []float64 {
		p, d := b.Start+t, op.HeadDim
		first := b.Origin
		if op.Chunk > 0 {
			first = max(first, p/op.Chunk*op.Chunk)
		}
		out := make([]float64, len(row))
		for h := range op.Heads {
			at := h / (op.Heads / op.KVHeads) * d
			scores, most := make([]float64, p-first+1), math.Inf(-1)
			for j := range scores {
				key := l.k[(first+j)%len(l.k)]
				for i := range d {
					scores[j] += row[h*d+i] * key[at+i]
				}
				scores[j] *= float64(op.Scale)
				most = max(most, scores[j])
			}
			total := 0.0
			for j, s := range scores {
				scores[j] = math.Exp(s - most)
				total += scores[j]
			}
			for j, s := range scores {
				for i := range d {
					out[h*d+i] += s / total * l.v[(first+j)%len(l.v)][at+i]
				}
			}
		}
		return out
	})
}

// ffn is down(silu(gate x) * up x) for expert e of stacks, or for matrices with 0.
func (m matrices) ffn(gate, up, down *tensor.Weight, e int, x []float64) []float64 {
	g, u := m.product(gate, e, x), m.product(up, e, x)
	for i, v := range g {
		g[i] = v / (1 + math.Exp(-v)) * u[i]
	}
	return m.product(down, e, g)
}

// route picks the experts with the largest logits; see tensor.Gating.
func route(logits value, op tensor.Route) value {
	var out value
	for _, row := range logits.rows {
		var ids []int
		taken := make([]bool, len(row))
		for range op.TopK {
			best := -1
			for e, v := range row {
				if !taken[e] && (best < 0 || v > row[best]) {
					best = e
				}
			}
			taken[best] = true
			ids = append(ids, best)
		}
		weights, total := make([]float64, op.TopK), 0.0
		for j, e := range ids {
			weights[j] = 1 / (1 + math.Exp(-row[e]))
			if op.Gating == tensor.SoftmaxOutput {
				weights[j] = math.Exp(row[e] - row[ids[0]])
				total += weights[j]
			}
		}
		if op.Gating == tensor.SoftmaxOutput {
			weights = scaled(weights, 1/total)
		}
		out.rows, out.ids = append(out.rows, weights), append(out.ids, ids)
	}
	return out
}

// experts adds up the chosen experts that this node has.
func (m matrices) experts(op tensor.ExpertFFN, x, routes value) [][]float64 {
	mine := func(e int) bool {
		for _, i := range op.Experts {
			if i == e {
				return true
			}
		}
		return op.Experts == nil
	}
	return each(x, func(t int, row []float64) []float64 {
		out := make([]float64, op.Down.Out())
		for j, e := range routes.ids[t] {
			if !mine(e) {
				continue
			}
			w := routes.rows[t][j]
			if op.Gating == tensor.SigmoidInput {
				out = sum(out, m.ffn(op.Gate, op.Up, op.Down, e, scaled(row, w)))
			} else {
				out = sum(out, scaled(m.ffn(op.Gate, op.Up, op.Down, e, row), w))
			}
		}
		return out
	})
}
