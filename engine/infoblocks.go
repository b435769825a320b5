package engine

import (
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
		b, n := &i.Blocks[l], int64(len(t.Data))
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
