package engine

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"scout/engine/gguf"
	"scout/engine/quant"
)

// plainTower is Llama 4's vision tower written down in float64, tile by tile, in
// the order of the papers: patches row by row and the class embedding behind them.
// It shares nothing with the graph but the decoding of weights. It is what the
// tests hold the tower to.
type plainTower struct {
	file                     *gguf.File
	oneFile                  bool
	tile, patch, merge       int
	width, heads, ff, layers int
}

// plainNames are the names of one-file models by those of towers of their own.
var plainNames = strings.NewReplacer(
	"v.patch_embd.weight", "v.patch_embedding.weight", "v.class_embd", "v.class_embedding",
	"v.position_embd.weight", "v.positional_embedding_vlm", "v.pre_ln", "v.layernorm_pre", "v.post_ln", "v.layernorm_post",
	".ln1.", ".attn_norm.", ".ln2.", ".ffn_norm.", "attn_out.", "attn_output.", "ffn_up.", "mlp.fc1.", "ffn_down.", "mlp.fc2.",
	"mm.model.mlp.1.", "v.vision_adapter.mlp.fc1.", "mm.model.mlp.2.", "v.vision_adapter.mlp.fc2.", "mm.model.fc.", "mm.linear_1.",
)

func newPlainTower(t *testing.T, f *gguf.File) *plainTower {
	p := &plainTower{file: f, oneFile: !f.Has("clip.vision.image_size")}
	prefix := "clip.vision."
	if p.oneFile {
		prefix = "llama4.vision."
	}
	number := func(key string) int {
		v, ok := f.Uint(prefix + key)
		if !ok {
			t.Fatalf("key %s is missing", key)
		}
		return int(v)
	}
	p.tile, p.patch, p.width = number("image_size"), number("patch_size"), number("embedding_length")
	p.heads, p.ff, p.layers = number("attention.head_count"), number("feed_forward_length"), number("block_count")
	if p.oneFile {
		ratio, _ := f.Float("llama4.vision.pixel_shuffle_ratio")
		p.merge = int(math.Round(1 / ratio))
	} else {
		p.merge = number("projector.scale_factor")
	}
	return p
}

// rows is a tensor as rows of numbers, one row for a vector.
func (p *plainTower) rows(name string) [][]float64 {
	if p.oneFile {
		name = plainNames.Replace(name)
	}
	w, ok := p.file.Tensor(name)
	if !ok {
		panic("no tensor " + name)
	}
	in := w.Shape[len(w.Shape)-1]
	size := w.Type.RowBytes(in)
	var out [][]float64
	for at := 0; at < len(w.Data); at += size {
		row := make([]float32, in)
		quant.Dequantize(w.Type, row, w.Data[at:at+size])
		wide := make([]float64, in)
		for i, v := range row {
			wide[i] = float64(v)
		}
		out = append(out, wide)
	}
	return out
}

// together does n things at once, as far as there are cores.
func together(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// times is every row of x times the matrix, with a bias if it is not "".
func (p *plainTower) times(x [][]float64, matrix, bias string) [][]float64 {
	w := p.rows(matrix)
	b := make([]float64, len(w))
	if bias != "" {
		b = p.rows(bias)[0]
	}
	y := make([][]float64, len(x))
	together(len(x), func(t int) {
		y[t] = make([]float64, len(w))
		for o, row := range w {
			sum := b[o]
			for i, v := range x[t] {
				sum += row[i] * v
			}
			y[t][o] = sum
		}
	})
	return y
}

func (p *plainTower) norm(x [][]float64, name string) [][]float64 {
	const eps = 1e-5
	w, b := p.rows(name + ".weight")[0], p.rows(name + ".bias")[0]
	y := make([][]float64, len(x))
	for t, row := range x {
		n, mean, squares := float64(len(row)), 0.0, 0.0
		for _, v := range row {
			mean += v
		}
		mean /= n
		for _, v := range row {
			squares += (v - mean) * (v - mean)
		}
		y[t] = make([]float64, len(row))
		for i, v := range row {
			y[t][i] = (v-mean)/math.Sqrt(squares/n+float64(float32(eps)))*w[i] + b[i]
		}
	}
	return y
}

func plainGELU(x [][]float64) [][]float64 {
	for _, row := range x {
		for i, v := range row {
			row[i] = v / 2 * (1 + math.Erf(v/math.Sqrt2))
		}
	}
	return x
}

func plainAdd(x, y [][]float64) {
	for t := range x {
		for i, v := range y[t] {
			x[t][i] += v
		}
	}
}

// turn rotates the heads of every patch: in the first half of a head by its
// column, in the second by its row, both counted from 1. The class embedding, the
// last row, stays.
func (p *plainTower) turn(x [][]float64) {
	side, dim := p.tile/p.patch, p.width/p.heads
	for t, row := range x[:len(x)-1] {
		for h := range p.heads {
			for i := range dim / 4 {
				for part, position := range []int{t%side + 1, t/side + 1} {
					angle := float64(position) * math.Pow(10000, -2*float64(i)/float64(dim/2))
					sin, cos := math.Sincos(angle)
					at := h*dim + part*dim/2 + 2*i
					a, b := row[at], row[at+1]
					row[at], row[at+1] = a*cos-b*sin, a*sin+b*cos
				}
			}
		}
	}
}

func (p *plainTower) attend(q, k, v [][]float64) [][]float64 {
	dim := p.width / p.heads
	y := make([][]float64, len(q))
	together(len(q), func(t int) {
		y[t] = make([]float64, p.width)
		for h := 0; h < p.width; h += dim {
			weights, most, total := make([]float64, len(k)), math.Inf(-1), 0.0
			for j := range k {
				for i := h; i < h+dim; i++ {
					weights[j] += q[t][i] * k[j][i] / math.Sqrt(float64(dim))
				}
				most = max(most, weights[j])
			}
			for j := range weights {
				weights[j] = math.Exp(weights[j] - most)
				total += weights[j]
			}
			for j, w := range weights {
				for i := h; i < h+dim; i++ {
					y[t][i] += w / total * v[j][i]
				}
			}
		}
	})
	return y
}

// embed is the embeddings of a tile [3, tile, tile]: a row per token, tokens row by
// row.
func (p *plainTower) embed(tile []float32) [][]float64 {
	side := p.tile / p.patch
	var x [][]float64
	for y := range side {
		for xx := range side {
			var pixels []float64
			for c := range 3 {
				for ky := range p.patch {
					for kx := range p.patch {
						pixels = append(pixels, float64(tile[(c*p.tile+y*p.patch+ky)*p.tile+xx*p.patch+kx]))
					}
				}
			}
			x = append(x, pixels)
		}
	}
	x = append(p.times(x, "v.patch_embd.weight", ""), p.rows("v.class_embd")[0])
	plainAdd(x, p.rows("v.position_embd.weight"))
	x = p.norm(x, "v.pre_ln")
	for l := range p.layers {
		name := func(s string) string { return fmt.Sprintf("v.blk.%d.%s", l, s) }
		linear := func(x [][]float64, s string) [][]float64 { return p.times(x, name(s+".weight"), name(s+".bias")) }
		h := p.norm(x, name("ln1"))
		q, k, v := linear(h, "attn_q"), linear(h, "attn_k"), linear(h, "attn_v")
		p.turn(q)
		p.turn(k)
		plainAdd(x, linear(p.attend(q, k, v), "attn_out"))
		plainAdd(x, linear(plainGELU(linear(p.norm(x, name("ln2")), "ffn_up")), "ffn_down"))
	}
	x = p.norm(x, "v.post_ln")
	var z [][]float64
	for y := 0; y < side; y += p.merge {
		for xx := 0; xx < side; xx += p.merge {
			var token []float64
			for dy := range p.merge {
				for dx := range p.merge {
					token = append(token, x[(y+dy)*side+xx+dx]...)
				}
			}
			z = append(z, token)
		}
	}
	z = plainGELU(p.times(z, "mm.model.mlp.1.weight", ""))
	z = plainGELU(p.times(z, "mm.model.mlp.2.weight", ""))
	return p.times(z, "mm.model.fc.weight", "")
}
