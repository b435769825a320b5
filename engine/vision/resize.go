package vision

import "math"

// Resampling as Pillow does it (Resample.c), since models are trained on pictures that
// came out of it: a filter as wide as a pixel of the smaller picture, first along rows,
// then along columns, with 8 bits in between and weights in fixed point. Equal to the
// bit, so a model is shown here what it would have been shown there.

// weightBits is the fixed point of a weight: a sum of samples times weights, and a sign,
// fill 32 bits.
const weightBits = 32 - 8 - 2

// filter is the shape of a resampling kernel.
type filter struct {
	support float64 // it is zero beyond
	at      func(t float64) float64
}

var bilinear = filter{1, func(t float64) float64 { return max(0, 1-math.Abs(t)) }}

// span is the samples that make one: weights of the samples from first on.
type span struct {
	first   int
	weights []int32
}

// resize returns pix, [height, width, 3] 8-bit, as [toHeight, toWidth, 3]. It may be
// pix itself.
func resize(pix []byte, width, height, toWidth, toHeight int, f filter) []byte {
	if toWidth != width {
		pix = resizeRows(pix, width, height, f.spans(width, toWidth))
	}
	if toHeight != height {
		pix = resizeColumns(pix, 3*toWidth, f.spans(height, toHeight))
	}
	return pix
}

// spans weighs the samples of a side of in that make one of out.
func (f filter) spans(in, out int) []span {
	scale := float64(in) / float64(out)
	wide := max(scale, 1)
	reach := f.support * wide
	spans := make([]span, out)
	for x := range spans {
		// The conversions keep the compiler from fusing operations, which would round
		// otherwise on some machines.
		centre := float64((float64(x) + 0.5) * scale)
		first := max(int(centre-reach+0.5), 0)
		end := min(int(centre+reach+0.5), in)
		weights, sum := make([]float64, end-first), 0.0
		for k := range weights {
			weights[k] = f.at(float64((float64(k+first) - centre + 0.5) * (1 / wide)))
			sum += weights[k]
		}
		spans[x] = span{first, make([]int32, len(weights))}
		for k, w := range weights {
			if sum != 0 {
				w /= sum
			}
			spans[x].weights[k] = int32(math.Round(float64(w * (1 << weightBits))))
		}
	}
	return spans
}

// resizeRows makes every row of a picture as long as spans.
func resizeRows(pix []byte, width, height int, spans []span) []byte {
	out := make([]byte, 3*len(spans)*height)
	for y := range height {
		row, to := pix[3*width*y:3*width*(y+1)], out[3*len(spans)*y:]
		for x, s := range spans {
			r, g, b := int32(1<<(weightBits-1)), int32(1<<(weightBits-1)), int32(1<<(weightBits-1))
			from := row[3*s.first:]
			for k, w := range s.weights {
				r += w * int32(from[3*k])
				g += w * int32(from[3*k+1])
				b += w * int32(from[3*k+2])
			}
			to[3*x], to[3*x+1], to[3*x+2] = sample(r), sample(g), sample(b)
		}
	}
	return out
}

// resizeColumns makes as many rows as spans, of rows of the given number of bytes.
func resizeColumns(pix []byte, row int, spans []span) []byte {
	out := make([]byte, row*len(spans))
	sums := make([]int32, row)
	for y, s := range spans {
		for i := range sums {
			sums[i] = 1 << (weightBits - 1)
		}
		for k, w := range s.weights {
			for i, v := range pix[row*(s.first+k):][:row] {
				sums[i] += w * int32(v)
			}
		}
		for i, sum := range sums {
			out[row*y+i] = sample(sum)
		}
	}
	return out
}

// sample makes 8 bits of a sum in fixed point, whose half is in it already.
func sample(sum int32) byte { return byte(min(max(sum>>weightBits, 0), 255)) }
