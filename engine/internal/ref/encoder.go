package ref

import (
	"math"

	"scout/engine/tensor"
)

// input is the batch's own rows.
func input(op tensor.Input, b *tensor.Batch) [][]float64 {
	out := make([][]float64, len(b.Tokens))
	for t := range out {
		out[t] = widen(b.Embeds[t*op.Width : (t+1)*op.Width])
	}
	return out
}

// layerNorm is (x - mean) / sqrt(variance + eps) * w + bias.
func layerNorm(x []float64, op tensor.LayerNorm) []float64 {
	n, mean, variance := float64(len(x)), 0.0, 0.0
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / n
	}
	w, bias, out := numbers(op.W), numbers(op.Bias), make([]float64, len(x))
	for i, v := range x {
		out[i] = (v-mean)/math.Sqrt(variance+float64(op.Eps))*w[i] + bias[i]
	}
	return out
}

// gelu is x Phi(x).
func gelu(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v / 2 * math.Erfc(-v/math.Sqrt2)
	}
	return out
}

// addRow is row t plus the row of the table that belongs to it.
func addRow(x []float64, op tensor.AddRows, t int) []float64 {
	i := int(op.Index[t%len(op.Index)])
	if i < 0 {
		return x
	}
	n := op.W.In()
	return sum(x, decoded(op.W.Type, op.W.Data[i*op.W.Type.RowBytes(n):], n))
}

// rope2D rotates the pairs of every head of the row at a place.
func rope2D(x []float64, op tensor.RoPE2D, place [2]int32) []float64 {
	out, half := make([]float64, len(x)), op.HeadDim/2
	for h := 0; h < len(x); h += op.HeadDim {
		for i := range half {
			sin, cos := math.Sincos(float64(place[op.Axes[i]]) * float64(op.Freqs[i]))
			a, b := h+2*i, h+2*i+1
			if op.Pairs == tensor.Halves {
				a, b = h+i, h+i+half
			}
			out[a], out[b] = x[a]*cos-x[b]*sin, x[a]*sin+x[b]*cos
		}
	}
	return out
}

// attendSpan is softmax(q k^T scale) v among the rows of each span.
func attendSpan(op tensor.AttendSpan, q, k, v value, ends []int32) [][]float64 {
	var out [][]float64
	from := 0
	for _, end := range ends {
		for t := from; t < int(end); t++ {
			row := make([]float64, len(q.rows[t]))
			for h := 0; h < len(row); h += op.HeadDim {
				weights, most := make([]float64, int(end)-from), math.Inf(-1)
				for j := range weights {
					for i := h; i < h+op.HeadDim; i++ {
						weights[j] += q.rows[t][i] * k.rows[from+j][i]
					}
					weights[j] *= float64(op.Scale)
					most = max(most, weights[j])
				}
				total := 0.0
				for j, s := range weights {
					weights[j] = math.Exp(s - most)
					total += weights[j]
				}
				for j, w := range weights {
					for i := h; i < h+op.HeadDim; i++ {
						row[i] += w / total * v.rows[from+j][i]
					}
				}
			}
			out = append(out, row)
		}
		from = int(end)
	}
	return out
}

// merge puts rows first, first+1, ... of x side by side, for every output.
func merge(op tensor.Merge, x value, outputs []int32) [][]float64 {
	var out [][]float64
	for _, first := range outputs {
		var row []float64
		for i := range op.Rows {
			row = append(row, x.rows[int(first)+i]...)
		}
		out = append(out, row)
	}
	return out
}
