package plan

import (
	"fmt"
	"math"
)

// Facts is what a plan needs to know of a model. All sizes are bytes.
type Facts struct {
	Name   string
	Layers []Layer

	Embedding int64 // token embedding: one row is read per token, so it stays in main memory
	Output    int64 // norm and output matrix, read for every token
	Tied      bool  // the embedding is the output matrix too, and Output does not count it
	Vision    int64 // the vision tower; 0: none is wanted

	Experts, ExpertsUsed int // routed experts of a layer, and how many of them a token meets
	ContextLength        int // positions the model was made for; 0: unknown

	// For prefill and for activations.
	Width, Heads, FF, Vocabulary int   // FF: width of the widest feed-forward network or expert
	Multiplied                   int64 // parameters of the layers that a token is multiplied with

	// Types is what tokens are multiplied with, by type; empty: unknown. Of it only
	// speed follows.
	Types []TypeUse

	// Estimated says that only the total size is known exactly and its division
	// among the parts is that of a like model.
	Estimated bool
}

// Layer is the sizes of one layer.
type Layer struct {
	Attention int64 // norm and projections
	Dense     int64 // norm, router and shared expert; or the whole of a dense feed-forward network
	Experts   int64 // all routed experts

	KVHeads, HeadDim int
	Chunk            int // positions the layer keeps; 0: all
}

// Header is what a file's header says of a model, as whoever read it passes it on.
type Header struct {
	Name                               string
	Layers                             []Layer // without heads
	Width, Heads, KVHeads, HeadDim     int
	FF, ExpertFF, Experts, ExpertsUsed int
	Vocabulary, ContextLength          int
	Bytes                              int64 // of all tensors
	Embedding, Output, Vision          int64 // bytes of the token embedding, of the output matrix if there is one, of a tower
	LayerParameters, RoutedParameters  int64 // of the layers without routed experts; of all routed experts
	Types                              []TypeUse
}

// FactsOf is the facts that a header gives. What is in no layer and is neither
// embedding nor tower counts as read for every token.
func FactsOf(h Header) Facts {
	f := Facts{
		Name: h.Name, Embedding: h.Embedding, Vision: h.Vision, Tied: h.Output == 0,
		Experts: h.Experts, ExpertsUsed: h.ExpertsUsed, ContextLength: h.ContextLength,
		Width: h.Width, Heads: h.Heads, Vocabulary: h.Vocabulary, Types: h.Types,
		Multiplied: h.LayerParameters + h.RoutedParameters/int64(max(1, h.Experts))*int64(h.ExpertsUsed),
	}
	rest := h.Bytes - h.Embedding - h.Vision
	for _, l := range h.Layers {
		l.KVHeads, l.HeadDim = h.KVHeads, h.HeadDim
		f.Layers = append(f.Layers, l)
		rest -= l.Bytes()
		if l.Experts > 0 {
			f.FF = max(f.FF, h.ExpertFF)
		} else {
			f.FF = max(f.FF, h.FF)
		}
	}
	f.Output = max(0, rest)
	return f
}

// KVType is how keys and values are stored.
type KVType string

// The cache types, as the engine names them.
const (
	F16  KVType = "f16"
	F32  KVType = "f32"
	Q8_0 KVType = "q8_0"
	Q4_0 KVType = "q4_0"
)

// rowBytes is the size of one head's key or value of n elements. A block of 32
// takes 34 bytes in q8_0 and 18 in q4_0: numbers of 8 or 4 bits and a scale.
func (t KVType) rowBytes(n int) int64 {
	switch t {
	case F32:
		return 4 * int64(n)
	case Q8_0:
		return int64(n) / 32 * 34
	case Q4_0:
		return int64(n) / 32 * 18
	}
	return 2 * int64(n)
}

// KV is the size of the layer's cache for a context: all of it, or a chunk.
func (l Layer) KV(context int, t KVType) int64 {
	cells := context
	if l.Chunk > 0 {
		cells = min(cells, l.Chunk)
	}
	return 2 * int64(cells) * int64(l.KVHeads) * t.rowBytes(l.HeadDim)
}

// kvRead is how much of its cache the layer reads for a token after depth others.
// A chunked layer sees between nothing and a chunk, half of one on average.
func (l Layer) kvRead(depth int, t KVType) int64 {
	cells := depth
	if l.Chunk > 0 && depth >= l.Chunk {
		cells = l.Chunk / 2
	}
	return 2 * int64(cells) * int64(l.KVHeads) * t.rowBytes(l.HeadDim)
}

// Bytes is the size of the layer's weights.
func (l Layer) Bytes() int64 { return l.Attention + l.Dense + l.Experts }

// Weights is the size of all weights but the vision tower's.
func (f Facts) Weights() int64 {
	n := f.Embedding + f.Output
	for _, l := range f.Layers {
		n += l.Bytes()
	}
	return n
}

// KV is the size of the cache of one conversation.
func (f Facts) KV(context int, t KVType) (n int64) {
	for _, l := range f.Layers {
		n += l.KV(context, t)
	}
	return n
}

// output is what the output reads and takes: its matrix is the embedding if the
// two are tied.
func (f Facts) outputRead() int64 {
	if f.Tied {
		return f.Output + f.Embedding
	}
	return f.Output
}

// PerToken is how many bytes of weights a token reads.
func (f Facts) PerToken() int64 {
	n := f.outputRead()
	for _, l := range f.Layers {
		n += l.Attention + l.Dense + f.routed(l.Experts)
	}
	return n
}

// routed is how much of that many bytes of experts a token reads.
func (f Facts) routed(bytes int64) int64 {
	if f.Experts == 0 {
		return 0
	}
	return int64(float64(bytes) * float64(f.ExpertsUsed) / float64(f.Experts))
}

// WholeLayers is the size of n layers counted as other programs count them: the
// output is the first of them and takes no cache, the others are whole layers from
// the end, with their caches. There are len(Layers)+1.
func (f Facts) WholeLayers(n, context int, t KVType) (bytes int64) {
	if n <= 0 {
		return 0
	}
	bytes = f.outputRead()
	for i := range min(n-1, len(f.Layers)) {
		l := f.Layers[len(f.Layers)-1-i]
		bytes += l.Bytes() + l.KV(context, t)
	}
	return bytes
}

// mostBytes is more than any model or memory has; sums of a few of it fit int64.
const mostBytes = 1 << 52

// check refuses facts that cannot be a model's.
func (f Facts) check() error {
	bad := func(what string, got any) error {
		return fmt.Errorf("plan: model %q: %s is %v", f.Name, what, got)
	}
	if len(f.Layers) == 0 || len(f.Layers) > 1<<12 {
		return bad("number of layers", len(f.Layers))
	}
	if f.Experts < 0 || f.ExpertsUsed < 0 || f.ExpertsUsed > f.Experts || f.Experts > math.MaxInt16 {
		return bad("experts used", fmt.Sprintf("%d of %d", f.ExpertsUsed, f.Experts))
	}
	sum := int64(0)
	for i, l := range f.Layers {
		if min(l.Attention, l.Dense, l.Experts) < 0 || max(l.Attention, l.Dense, l.Experts) > mostBytes/4 {
			return bad(fmt.Sprintf("size of layer %d", i), fmt.Sprint(l.Attention, l.Dense, l.Experts))
		}
		if l.Experts > 0 && f.Experts == 0 {
			return bad(fmt.Sprintf("size of the experts of layer %d", i), l.Experts)
		}
		if min(l.KVHeads, l.HeadDim, l.Chunk) < 0 || max(l.KVHeads, l.HeadDim) > 1<<20 || int64(l.KVHeads)*int64(l.HeadDim) > 1<<20 {
			return bad(fmt.Sprintf("KV heads of layer %d", i), fmt.Sprint(l.KVHeads, l.HeadDim, l.Chunk))
		}
		if sum += l.Bytes(); sum > mostBytes {
			return bad("size", sum)
		}
	}
	if min(f.Embedding, f.Output, f.Vision, f.Multiplied) < 0 || max(f.Embedding, f.Output, f.Vision) > mostBytes {
		return bad("size of embedding, output or vision", fmt.Sprint(f.Embedding, f.Output, f.Vision))
	}
	for _, t := range f.Types {
		for _, a := range []Amount{t.Fixed, t.Routed, t.Output} {
			if min(a.Bytes, a.Weights) < 0 || max(a.Bytes, a.Weights) > mostBytes {
				return bad("size of type "+t.Type, fmt.Sprint(a.Bytes, a.Weights))
			}
		}
	}
	if min(f.Width, f.Heads, f.FF, f.Vocabulary) < 0 || max(f.Width, f.Heads, f.FF, f.Vocabulary) > 1<<24 {
		return bad("width", fmt.Sprint(f.Width, f.Heads, f.FF, f.Vocabulary))
	}
	return nil
}
