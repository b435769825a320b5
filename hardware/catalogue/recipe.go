package catalogue

import (
	"fmt"

	"scout/hardware/plan"
)

// weightType is a format of weights: a block of some weights takes some bytes. The
// sizes are facts of the GGUF format; a test holds them against engine/quant.
type weightType struct{ weights, bytes int64 }

var weightTypes = map[string]weightType{
	"F32": {1, 4}, "F16": {1, 2}, "BF16": {1, 2},
	"Q5_0": {32, 22}, "Q5_1": {32, 24}, "Q8_0": {32, 34}, "Q6_K": {256, 210}, "Q5_K": {256, 176}, "Q4_K": {256, 144},
}

// size is the bytes of n weights.
func (t weightType) size(n int64) int64 { return n / t.weights * t.bytes }

// forRows is the format of a matrix with rows of n weights. Where these are no whole
// blocks of 256 the quantizer falls back to a format with blocks of 32.
func forRows(name string, n int) weightType {
	if t := weightTypes[name]; int64(n)%t.weights == 0 {
		return t
	}
	return weightTypes[map[string]string{"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}[name]]
}

// recipe says which format each matrix of a quantization has. The mixtures are
// those of llama.cpp's quantizer (src/llama-quant.cpp), which most published files
// were made with.
type recipe struct {
	most  string // of most matrices
	more  string // of values and of down projections in some layers, see more; "" if most
	embed string // of a token embedding that is not the output too
	head  string // of the output
	// seventy: models of 80 layers keep values that would be of type most in Q5_K,
	// because 8 heads share them.
	seventy bool
}

var recipes = map[string]recipe{
	"Q4_K_M": {most: "Q4_K", more: "Q6_K", embed: "Q4_K", head: "Q6_K", seventy: true},
	"Q5_K_M": {most: "Q5_K", more: "Q6_K", embed: "Q5_K", head: "Q6_K"},
	"Q6_K":   {most: "Q6_K", embed: "Q6_K", head: "Q6_K"},
	"Q8_0":   {most: "Q8_0", embed: "Q8_0", head: "Q8_0"},
	"F16":    {most: "F16", embed: "F16", head: "F16"},
	"BF16":   {most: "BF16", embed: "BF16", head: "BF16"},
}

// moreBits says whether layer l of n gets the larger format: the first and the last
// eighth, and every third between (use_more_bits in llama.cpp).
func moreBits(l, n int) bool { return l < n/8 || l >= 7*n/8 || (l-n/8)%3 == 2 }

// Shape is the hyper-parameters that a model's size follows from.
type Shape struct {
	Layers, Width, Heads int
	KVHeads              int `toml:"kv_heads"`
	HeadDim              int `toml:"head_dim"`
	FF                   int // width of a dense feed-forward network
	ExpertFF             int `toml:"expert_ff"`
	Experts              int
	ExpertsUsed          int `toml:"experts_used"`
	ExpertEvery          int `toml:"expert_every"` // every how many layers has experts; the others are dense
	Vocabulary           int
	Tied                 bool
	Bias                 bool // queries, keys and values have one
	Chunk                int  // positions that most layers keep; 0: all
	GlobalEvery          int  `toml:"global_every"` // every how many layers keeps all
	RopeFactors          bool `toml:"rope_factors"` // a tensor of HeadDim/2 numbers
}

// hasExperts says whether layer l has routed experts.
func (s Shape) hasExperts(l int) bool { return s.Experts > 0 && (l+1)%max(1, s.ExpertEvery) == 0 }

// facts is the sizes of a model of this shape in this recipe, exact to the byte of
// tensor data.
func (s Shape) facts(r recipe) plan.Facts {
	f := plan.Facts{
		Tied: s.Tied, Experts: s.Experts, ExpertsUsed: s.ExpertsUsed,
		Width: s.Width, Heads: s.Heads, FF: max(s.ExpertFF, s.FF), Vocabulary: s.Vocabulary,
	}
	if s.Experts > 0 && s.ExpertEvery <= 1 {
		f.FF = s.ExpertFF
	}
	f.Output = 4 * int64(s.Width)
	if s.RopeFactors {
		f.Output += 4 * int64(s.HeadDim/2)
	}
	table := int64(s.Vocabulary) * int64(s.Width)
	if s.Tied {
		f.Embedding = weightTypes[r.head].size(table) // it is the output too, and treated as one
	} else {
		f.Embedding = weightTypes[r.embed].size(table)
		f.Output += weightTypes[r.head].size(table)
	}
	for l := range s.Layers {
		f.Layers = append(f.Layers, s.layer(l, r))
		f.Multiplied += s.multiplied(l)
	}
	return f
}

// layer is the sizes of layer l.
func (s Shape) layer(l int, r recipe) plan.Layer {
	most, value, down := weightTypes[r.most], weightTypes[r.most], r.most
	if r.more != "" && moreBits(l, s.Layers) {
		value, down = weightTypes[r.more], r.more
	} else if r.seventy && s.Layers == 80 {
		value = weightTypes["Q5_K"]
	}
	w, q, kv := int64(s.Width), int64(s.Heads*s.HeadDim), int64(s.KVHeads*s.HeadDim)
	out := plan.Layer{KVHeads: s.KVHeads, HeadDim: s.HeadDim}
	if s.Chunk > 0 && (l+1)%max(1, s.GlobalEvery) != 0 {
		out.Chunk = s.Chunk
	}
	out.Attention = 4*w + 2*most.size(w*q) + most.size(w*kv) + value.size(w*kv)
	if s.Bias {
		out.Attention += 4 * (q + 2*kv)
	}
	network := func(ff int64) int64 { return 2*most.size(w*ff) + forRows(down, int(ff)).size(w*ff) }
	out.Dense = 4 * w // the norm
	if s.hasExperts(l) {
		out.Dense += 4*w*int64(s.Experts) + network(int64(s.ExpertFF)) // router and shared expert
		out.Experts = int64(s.Experts) * network(int64(s.ExpertFF))
	} else {
		out.Dense += network(int64(s.FF))
	}
	return out
}

// multiplied is the parameters of layer l that a token is multiplied with.
func (s Shape) multiplied(l int) int64 {
	w, q, kv := int64(s.Width), int64(s.Heads*s.HeadDim), int64(s.KVHeads*s.HeadDim)
	n := 2*w*q + 2*w*kv
	if s.hasExperts(l) {
		return n + 3*w*int64(s.ExpertFF)*int64(1+s.ExpertsUsed) + w*int64(s.Experts)
	}
	return n + 3*w*int64(s.FF)
}

// scaled divides a published size among the parts of a model whose recipe is not
// known: what every token reads as in the recipe it is like, the rest for the routed
// experts; a dense model has all its parts scaled.
func (s Shape) scaled(like recipe, bytes int64) (plan.Facts, error) {
	f := s.facts(like)
	f.Estimated = true
	routed := int64(0)
	for _, l := range f.Layers {
		routed += l.Experts
	}
	part, base := bytes-(f.Weights()-routed), routed
	if routed == 0 {
		part, base = bytes, f.Weights()
	}
	if part <= 0 || base <= 0 {
		return f, fmt.Errorf("catalogue: %d bytes are less than the parts that every token reads", bytes)
	}
	ratio := float64(part) / float64(base)
	scale := func(n int64) int64 { return int64(float64(n) * ratio) }
	for i := range f.Layers {
		l := &f.Layers[i]
		l.Experts = scale(l.Experts)
		if routed == 0 {
			l.Attention, l.Dense = scale(l.Attention), scale(l.Dense)
		}
	}
	if routed == 0 {
		f.Embedding, f.Output = scale(f.Embedding), scale(f.Output)
	}
	return f, nil
}
