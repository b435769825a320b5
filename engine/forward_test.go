package engine

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// This file is the model once more, from the specification and from nothing of the
// program: plain float64 loops over numbers, one token after the other. It stands
// beside llama.cpp's record because that cannot be asked for odd widths, short
// chunks, several experts a token or Mixtral's routing.

// forward is the logits of every token, [len(ids)][vocabulary], the first of them
// at position start with nothing before it.
func (m *forwardModel) forward(ids []int32, start int) [][]float64 {
	keys, values := make([][][]float64, m.layers), make([][][]float64, m.layers)
	var out [][]float64
	for t, id := range ids {
		x := m.weights["token_embd.weight"][int(id)*m.width:][:m.width]
		for l := range m.layers {
			p := fmt.Sprintf("blk.%d.", l)
			q, k, v, chunk := m.project(l, p, start+t, normed(x, m.weights[p+"attn_norm.weight"]))
			keys[l], values[l] = append(keys[l], k), append(values[l], v)
			first := 0 // as an index of keys
			if chunk > 0 {
				first = max(0, (start+t)/chunk*chunk-start)
			}
			o := times(m.weights[p+"attn_output.weight"], m.attention(q, keys[l][first:], values[l][first:]), m.width)
			x = plus(x, plus(o, m.weights[p+"attn_output.bias"]))
			x = plus(x, m.feedForward(p, normed(x, m.weights[p+"ffn_norm.weight"])))
		}
		head := m.weights["output.weight"]
		if m.tied {
			head = m.weights["token_embd.weight"]
		}
		out = append(out, times(head, normed(x, m.weights["output_norm.weight"]), m.vocabulary))
	}
	return out
}

// project is q, k and v of one token, rotated and normed as its layer wants, and
// the length of the layer's chunks.
func (m *forwardModel) project(l int, p string, position int, h []float64) (q, k, v []float64, chunk int) {
	nq, nk := m.heads*m.dim, m.kvHeads*m.dim
	if m.fused {
		all := times(m.weights[p+"attn_qkv.weight"], h, nq+2*nk)
		q, k, v = all[:nq], all[nq:nq+nk], all[nq+nk:]
	} else {
		q, k, v = times(m.weights[p+"attn_q.weight"], h, nq), times(m.weights[p+"attn_k.weight"], h, nk), times(m.weights[p+"attn_v.weight"], h, nk)
	}
	q, k, v = plus(q, m.weights[p+"attn_q.bias"]), plus(k, m.weights[p+"attn_k.bias"]), plus(v, m.weights[p+"attn_v.bias"])
	if m.arch == "llama4" && m.chunk > 0 && l%4 == 3 {
		temperature := math.Log(math.Floor(float64(position+1)/8192)+1)*0.1 + 1
		return scaledBy(q, temperature), k, v, 0
	}
	for _, x := range [][]float64{q, k} {
		for h := 0; h < len(x); h += m.dim {
			m.rotate(x[h:h+m.dim], position)
			if m.arch == "llama4" && m.qkNorm {
				copy(x[h:], normed(x[h:h+m.dim], nil))
			}
		}
	}
	return q, k, v, m.chunk
}

func (m *forwardModel) rotate(x []float64, position int) {
	half := m.dim / 2
	for i := range half {
		angle := float64(position) * math.Pow(forwardTheta, -2*float64(i)/float64(m.dim))
		if m.factors {
			angle /= m.weights["rope_freqs.weight"][i]
		}
		a, b := 2*i, 2*i+1
		if m.arch == "qwen2" {
			a, b = i, i+half
		}
		sin, cos := math.Sincos(angle)
		x[a], x[b] = x[a]*cos-x[b]*sin, x[a]*sin+x[b]*cos
	}
}

// attention is softmax(q k / sqrt(dim)) v over all keys given.
func (m *forwardModel) attention(q []float64, keys, values [][]float64) []float64 {
	out := make([]float64, len(q))
	for h := range m.heads {
		kv := h / (m.heads / m.kvHeads) * m.dim
		weights, total := make([]float64, len(keys)), 0.0
		for j, k := range keys {
			for i := range m.dim {
				weights[j] += q[h*m.dim+i] * k[kv+i]
			}
			weights[j] = math.Exp(weights[j] / math.Sqrt(float64(m.dim))) // small models: no overflow
			total += weights[j]
		}
		for j, v := range values {
			for i := range m.dim {
				out[h*m.dim+i] += weights[j] / total * v[kv+i]
			}
		}
	}
	return out
}

// feedForward is a block's dense network, or its experts.
func (m *forwardModel) feedForward(p string, n []float64) []float64 {
	router := m.weights[p+"ffn_gate_inp.weight"]
	if router == nil {
		return m.swiglu(p, "", 0, m.denseFF, n)
	}
	logits := times(router, n, m.experts)
	var chosen []int
	taken := make([]bool, m.experts)
	for range m.used {
		best := -1
		for e := range logits {
			if !taken[e] && (best < 0 || logits[e] > logits[best]) {
				best = e
			}
		}
		taken[best] = true
		chosen = append(chosen, best)
	}
	out := make([]float64, m.width)
	if m.arch == "llama4" {
		for _, e := range chosen {
			out = plus(out, m.swiglu(p, "_exps", e, m.expertFF, scaledBy(n, 1/(1+math.Exp(-logits[e])))))
		}
		return plus(out, m.swiglu(p, "_shexp", 0, m.expertFF, n))
	}
	total := 0.0
	for _, e := range chosen {
		total += math.Exp(logits[e])
	}
	for _, e := range chosen {
		out = plus(out, scaledBy(m.swiglu(p, "_exps", e, m.expertFF, n), math.Exp(logits[e])/total))
	}
	return out
}

// swiglu is matrix e of each of three stacks: down(silu(gate x) * up x).
func (m *forwardModel) swiglu(p, suffix string, e, ff int, x []float64) []float64 {
	slab := func(name string) []float64 { return m.weights[p+name+suffix+".weight"][e*ff*m.width:][:ff*m.width] }
	gate, up := times(slab("ffn_gate"), x, ff), times(slab("ffn_up"), x, ff)
	for i, g := range gate {
		gate[i] = g / (1 + math.Exp(-g)) * up[i]
	}
	return times(slab("ffn_down"), gate, m.width)
}

// normed is x over its root mean square, times w unless that is nil.
func normed(x, w []float64) []float64 {
	squares := 0.0
	for _, v := range x {
		squares += v * v
	}
	y := scaledBy(x, 1/math.Sqrt(squares/float64(len(x))+forwardEps))
	for i := range w {
		y[i] *= w[i]
	}
	return y
}

func times(w, x []float64, out int) []float64 {
	y := make([]float64, out)
	for o := range y {
		for i, v := range x {
			y[o] += w[o*len(x)+i] * v
		}
	}
	return y
}

// plus is x + y; a nil y is zero.
func plus(x, y []float64) []float64 {
	z := scaledBy(x, 1)
	for i, v := range y {
		z[i] += v
	}
	return z
}

func scaledBy(x []float64, s float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v * s
	}
	return y
}

// randomForwardShape is a model of any of the architectures with sizes and options
// by chance.
func randomForwardShape(r *rand.Rand) forwardShape {
	pick := func(xs ...int) int { return xs[r.IntN(len(xs))] }
	chance := func() bool { return r.IntN(2) == 0 }
	s := forwardShape{
		arch: []string{"llama4", "llama4", "llama", "qwen2"}[r.IntN(4)], layers: pick(1, 2, 5), width: pick(3, 24, 33, 64),
		kvHeads: pick(1, 2, 3), dim: pick(2, 6, 10, 32, 40), expertFF: pick(1, 7, 40), denseFF: pick(1, 5, 48),
		experts: pick(0, 1, 4, 9), vocabulary: pick(261, 300), moeEvery: 1 + r.IntN(2), qkNorm: chance(), tied: chance(), factors: chance(),
	}
	s.heads = s.kvHeads * pick(1, 2, 5)
	if s.experts > 0 {
		s.used = 1 + r.IntN(s.experts)
	}
	if s.arch == "llama4" {
		s.chunk, s.fused = pick(0, 5, 16, 300), chance()
		return s
	}
	s.expertFF = s.denseFF // llama has one key for both
	s.bias = s.arch == "qwen2" || chance()
	s.outputBias = s.arch == "llama" && chance()
	s.fused = !s.bias && chance()
	if s.arch == "qwen2" {
		s.experts, s.used = 0, 0
	}
	return s
}

// TestForward holds random models to the forward pass above: whole prompts, token
// by token, and random parts with random steps back, at the start and behind it.
func TestForward(t *testing.T) {
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 5))
		shape := randomForwardShape(r)
		m := newForwardModel(shape, seed)
		start, ids := []int{0, 0, 3, 700}[r.IntN(4)], make([]int32, []int{1, 20, 75}[r.IntN(3)])
		for i := range ids {
			ids[i] = int32(r.IntN(shape.vocabulary))
		}
		want := m.forward(ids, start)
		s := openSequence(t, m.bytes(t), Options{Threads: 1 + r.IntN(4), Context: start + len(ids) + r.IntN(10), KV: "f32"})
		for _, way := range []string{"any", "single", "back"} {
			if err := s.StartAt(start); err != nil {
				t.Fatal(err)
			}
			for s.Len() < start+len(ids) {
				checkForwardStep(t, fmt.Sprintf("seed %d, %+v, start %d, %s", seed, shape, start, way), s, r, way, ids, want, start)
				if way == "back" && r.IntN(3) == 0 {
					s.Truncate(start + r.IntN(s.Len()-start+1))
				}
			}
		}
	}
}

// checkForwardStep appends some of the tokens that come next, and compares the
// logits it asks for, of a kind by chance.
func checkForwardStep(t *testing.T, what string, s *Sequence, r *rand.Rand, way string, ids []int32, want [][]float64, start int) {
	t.Helper()
	at := s.Len() - start
	n := 1 + r.IntN(len(ids)-at)
	if way == "single" {
		n = 1
	}
	kind, rows := Want(r.IntN(3)), 0
	err := s.Append(context.Background(), ids[at:at+n], kind, func(position int, logits []float32) error {
		if i := position - start; kind == LastLogits && i != at+n-1 {
			t.Fatalf("%s: logits of position %d, want of the last", what, position)
		}
		rows++
		return closeTo(logits, want[position-start])
	})
	if err != nil {
		t.Fatalf("%s: %d tokens after %d: %v", what, n, at, err)
	}
	if expected := map[Want]int{NoLogits: 0, LastLogits: 1, AllLogits: n}[kind]; rows != expected {
		t.Fatalf("%s: %d rows of logits, want %d", what, rows, expected)
	}
}

// closeTo allows 2e-4 of the largest logit: float32 sums and, at position 700, the
// rounding of inverse frequencies to float32.
func closeTo(got []float32, want []float64) error {
	most := 1e-9
	for _, v := range want {
		most = max(most, math.Abs(v))
	}
	for i, v := range want {
		if !(math.Abs(float64(got[i])-v) < 2e-4*most) {
			return fmt.Errorf("logit %d is %v, want %v", i, got[i], v)
		}
	}
	return nil
}
