package engine

import (
	"slices"
	"strconv"
	"strings"

	"scout/engine/gguf"
	"scout/engine/model"
)

// Block is the sizes of one block (layer) of a model, for planning where it
// could lie.
type Block struct {
	Attention int64 // bytes of its norm and its projections
	Dense     int64 // bytes of everything else but the routed experts: norm, router, shared expert or dense network
	Experts   int64 // bytes of all its routed experts
	Chunk     int   // positions its cache keeps; 0: all
}

// TypeRead is the weights of one type that tokens are multiplied with.
type TypeRead struct {
	Type   string
	Fixed  Amount // in layers, for every token
	Routed Amount // of all routed experts
	Output Amount // of the output, wherever logits are wanted; the embedding's, if that serves as its matrix
}

// Amount is a number of weights and the bytes they take.
type Amount struct{ Bytes, Weights int64 }

func (a *Amount) add(t *gguf.Tensor) {
	a.Bytes += t.Bytes()
	a.Weights += t.Elements()
}

// measureReads adds up the tensors by type and by when they are read.
func (i *Info) measureReads(f *gguf.File) {
	_, output := f.Tensor("output.weight")
	for _, t := range f.Tensors() {
		name := componentOf(t.Name)
		if name == "vision" || name == "token embedding" && output {
			continue
		}
		k := slices.IndexFunc(i.Reads, func(r TypeRead) bool { return r.Type == t.Type.String() })
		if k < 0 {
			k = len(i.Reads)
			i.Reads = append(i.Reads, TypeRead{Type: t.Type.String()})
		}
		switch name {
		case "routed experts":
			i.Reads[k].Routed.add(&t)
		case "output", "token embedding":
			i.Reads[k].Output.add(&t)
		default:
			i.Reads[k].Fixed.add(&t)
		}
	}
}

// measureBlocks adds up the tensors by block.
func (i *Info) measureBlocks(f *gguf.File, c model.Config) {
	i.Blocks = make([]Block, c.Layers)
	for l := range i.Blocks {
		i.Blocks[l].Chunk = c.ChunkOf(l)
	}
	for _, t := range f.Tensors() {
		rest, ok := strings.CutPrefix(t.Name, "blk.")
		if !ok {
			continue
		}
		number, rest, _ := strings.Cut(rest, ".")
		l, err := strconv.Atoi(number)
		if err != nil || l < 0 || l >= len(i.Blocks) {
			continue // no tensor of this model; opening the file refuses it
		}
		b, n := &i.Blocks[l], t.Bytes()
		switch {
		case strings.Contains(rest, "_exps."):
			b.Experts += n
		case strings.HasPrefix(rest, "attn_"):
			b.Attention += n
		default:
			b.Dense += n
		}
	}
}

// Architectures lists the GGUF architectures that Open knows.
func Architectures() []string { return model.Architectures() }
