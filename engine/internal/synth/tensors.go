package synth

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"scout/engine/quant"
)

// tensor is one tensor to be written.
type tensor struct {
	name  string
	shape []int // outermost first
	typ   quant.Type
	sd    float64             // standard deviation of the noise
	add   func(i int) float64 // what is added to the noise of weight i, or nil
}

func (t tensor) row() int { return t.shape[len(t.shape)-1] }

// blocks is how many blocks the tensor has.
func (t tensor) blocks() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n / t.typ.BlockSize()
}

func (t tensor) size() int { return t.blocks() * t.typ.BlockBytes() }

// kind is a tensor's name without its layer and without ".weight".
func kind(name string) string {
	name = strings.TrimSuffix(name, ".weight")
	if rest, ok := strings.CutPrefix(name, "blk."); ok {
		_, name, _ = strings.Cut(rest, ".")
	}
	return name
}

// Deviations of what is not a matrix.
const (
	normDeviation = 0.2 // round 1
	biasDeviation = 0.3
)

// list gathers the tensors of a shape in file order.
type list struct {
	Shape
	ts []tensor
}

// tensors are those of the whole model, with the names and dimensions that
// llama.cpp gives them.
func (s Shape) tensors() []tensor {
	l := &list{Shape: s}
	l.embedding()
	l.vector("output_norm.weight", s.Hidden, normDeviation, 1)
	if !s.Tied {
		l.matrix("output.weight", s.Output, s.Vocab, s.Hidden)
	}
	if s.RopeFreqs {
		l.ropeFreqs()
	}
	for i := range s.Layers {
		l.layer(fmt.Sprintf("blk.%d.", i), s.Arch == "llama4" && (i+1)%s.MoEStep == 0)
	}
	if s.OneFile {
		l.ts = append(l.ts, s.tower().tensors(oneFileNames)...)
	}
	return l.ts
}

// tower is the vision tower of a one-file model: one block.
func (s Shape) tower() Tower { return Tower{Layers: 1, Width: s.Hidden}.Resolved() }

// matrix adds weights [out, in] or [experts, out, in].
func (l *list) matrix(name string, t quant.Type, shape ...int) {
	in := shape[len(shape)-1]
	l.ts = append(l.ts, tensor{name: name, shape: shape, typ: l.typeOf(name, t), sd: 1 / math.Sqrt(float64(in))})
}

// typeOf applies the overrides.
func (l *list) typeOf(name string, t quant.Type) quant.Type {
	if o, ok := l.Types[kind(name)]; ok {
		t = o
	}
	if o, ok := l.Types[name]; ok {
		t = o
	}
	return t
}

func (l *list) vector(name string, n int, sd, mean float64) {
	l.ts = append(l.ts, tensor{name: name, shape: []int{n}, typ: quant.F32, sd: sd, add: func(int) float64 { return mean }})
}

// In a decisive shape each token's embedding carries the code of its expert: a
// pattern of signs over all columns, one of the rows of a Hadamard matrix, which
// are orthogonal. It is twice as large as the noise and outlasts what the
// layers add. The router's rows are the same patterns. Its logits begin at about
// 3 for the right expert, so that the sigmoid is not saturated, and within 1
// of 0 for the others.
const (
	codeSize       = 2.0
	decisiveLogit  = 3.0
	otherDeviation = 0.3 // of the logits of other experts
)

// code is an expert's sign in a column.
func code(expert, column int) float64 {
	return float64(1 - 2*(bits.OnesCount(uint((expert+1)&column))&1))
}

func (l *list) embedding() {
	name := "token_embd.weight"
	t := tensor{name: name, shape: []int{l.Vocab, l.Hidden}, typ: l.typeOf(name, l.Output), sd: 1}
	if l.Tied {
		t.sd = 1 / math.Sqrt(float64(l.Hidden)) // it is the output matrix too; the first norm undoes the scale
	}
	if l.Decisive {
		t.add = func(i int) float64 { return float64(codeSize * code(i/l.Hidden%l.Experts, i%l.Hidden)) }
	}
	l.ts = append(l.ts, t)
}

func (l *list) router(name string) {
	width := float64(l.Hidden)
	t := tensor{name: name, shape: []int{l.Experts, l.Hidden}, typ: quant.F32, sd: l.RouterScale / math.Sqrt(width)}
	if l.Decisive {
		t.sd = otherDeviation / math.Sqrt(width)
		// A normed column has the code's share of the embedding's root mean square.
		weight := decisiveLogit / width * math.Sqrt(1+codeSize*codeSize) / codeSize
		t.add = func(i int) float64 { return float64(weight * code(i/l.Hidden, i%l.Hidden)) }
	}
	l.ts = append(l.ts, t)
}

// ropeFreqs adds divisors like Scout's: 1 for 35 of 64 pairs, 16 for the rest.
// One between them is neither, so that all orders are distinct.
func (l *list) ropeFreqs() {
	n := l.HeadDim / 2
	long := n * 35 / 64
	l.ts = append(l.ts, tensor{name: "rope_freqs.weight", shape: []int{n}, typ: quant.F32, add: func(i int) float64 {
		switch {
		case i < long:
			return 1
		case i == long && n > 2:
			return 4
		}
		return 16
	}})
}

func (l *list) layer(p string, experts bool) {
	q, kv := l.Heads*l.HeadDim, l.KVHeads*l.HeadDim
	l.vector(p+"attn_norm.weight", l.Hidden, normDeviation, 1)
	l.vector(p+"ffn_norm.weight", l.Hidden, normDeviation, 1)
	l.matrix(p+"attn_q.weight", l.Quant, q, l.Hidden)
	l.matrix(p+"attn_k.weight", l.Quant, kv, l.Hidden)
	l.matrix(p+"attn_v.weight", l.V, kv, l.Hidden)
	l.matrix(p+"attn_output.weight", l.Quant, l.Hidden, q)
	if strings.HasPrefix(l.Arch, "qwen2") {
		l.vector(p+"attn_q.bias", q, biasDeviation, 0)
		l.vector(p+"attn_k.bias", kv, biasDeviation, 0)
		l.vector(p+"attn_v.bias", kv, biasDeviation, 0)
	}
	if !experts {
		l.matrix(p+"ffn_gate.weight", l.Quant, l.DenseFF, l.Hidden)
		l.matrix(p+"ffn_up.weight", l.Quant, l.DenseFF, l.Hidden)
		l.matrix(p+"ffn_down.weight", l.Down, l.Hidden, l.DenseFF)
		return
	}
	l.router(p + "ffn_gate_inp.weight")
	l.matrix(p+"ffn_gate_exps.weight", l.Quant, l.Experts, l.FF, l.Hidden)
	l.matrix(p+"ffn_up_exps.weight", l.Quant, l.Experts, l.FF, l.Hidden)
	l.matrix(p+"ffn_down_exps.weight", l.Down, l.Experts, l.Hidden, l.FF)
	l.matrix(p+"ffn_gate_shexp.weight", l.Quant, l.FF, l.Hidden)
	l.matrix(p+"ffn_up_shexp.weight", l.Quant, l.FF, l.Hidden)
	l.matrix(p+"ffn_down_shexp.weight", l.Down, l.Hidden, l.FF)
}
