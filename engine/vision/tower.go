package vision

import (
	"fmt"
	"strings"

	"scout/engine/tensor"
)

// Tower is a vision tower: the graph that turns square tiles of a picture into
// embeddings of a language model, and what is needed to run it. A tile is
// [3, TileSize, TileSize] float32, planar RGB, normalised with Mean and Std.
//
// The graph's batch is any number of whole tiles, Rows rows each. Batch makes
// one, Unfold fills it, and the graph's result is [tiles*Tokens, Width], tile by
// tile, the tokens of a tile row by row.
type Tower struct {
	TowerConfig
	Graph *tensor.Graph

	order []cell // patches in the order of the batch's rows
}

// TowerConfig is the hyper-parameters of a tower.
type TowerConfig struct {
	Projector string // "llama4"
	TileSize  int    // pixels of a side
	PatchSize int    // pixels of a side
	Width     int    // of the embeddings: the language model's
	Inner     int    // width of the residual stream
	FF        int
	Layers    int
	Heads     int
	HeadDim   int
	Merge     int // patches of a side that become one token
	Eps       float32
	RopeBase  float32
	Mean, Std [3]float32 // pixels are (v/255 - Mean) / Std
}

// cell is a patch's place in its tile.
type cell struct{ x, y int }

// Metadata is what the package reads of a file's header, by full key.
type Metadata interface {
	Has(key string) bool
	Uint(key string) (uint64, bool)
	Float(key string) (float64, bool)
	Floats(key string) ([]float64, bool)
	Bool(key string) (bool, bool)
	String(key string) (string, bool)
	Place(key string) string // where its value is, for error messages; "" if it is nowhere
}

// Source finds a weight by its name in the file.
type Source func(name string) (*tensor.Weight, bool)

// UnsupportedError is a file that is well formed and that this program cannot
// run.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "vision: " + e.What }

// HasTower says whether the header is that of a file with a vision tower: one of
// its own, or a model that has one inside.
func HasTower(md Metadata) bool {
	arch, _ := md.String("general.architecture")
	return arch == "clip" || md.Has(arch+".vision.block_count")
}

// InTower says whether a tensor of a file with a tower belongs to the tower: all
// of them do in a file of its own.
func InTower(md Metadata, name string) bool {
	arch, _ := md.String("general.architecture")
	return arch == "clip" || strings.HasPrefix(name, "v.") || strings.HasPrefix(name, "mm.")
}

// BuildTower makes the tower that md and src describe, all of it on device d.
// Every weight is checked against the shape the hyper-parameters ask for.
func BuildTower(md Metadata, src Source, d tensor.Device) (*Tower, error) {
	arch, ok := md.String("general.architecture")
	switch {
	case !ok:
		return nil, fmt.Errorf("vision: key general.architecture is missing or not a string")
	case arch == "clip":
		return buildLlama4(llama4Clip(md), src, clipNames, d)
	case arch == "llama4" && HasTower(md):
		return buildLlama4(llama4OneFile(md), src, oneFileNames, d)
	case HasTower(md):
		return nil, &UnsupportedError{fmt.Sprintf("the vision tower inside is that of a %q model, want llama4", arch)}
	}
	return nil, &UnsupportedError{fmt.Sprintf("architecture is %q, and there is no vision tower inside; want clip, the architecture of vision towers (files often called mmproj)", arch)}
}

// Patches is the number of patches of a tile.
func (t *Tower) Patches() int { return len(t.order) }

// Rows is the number of rows a tile has in the graph: a patch each, and the
// class embedding's.
func (t *Tower) Rows() int { return len(t.order) + 1 }

// Tokens is the number of embeddings that come of a tile.
func (t *Tower) Tokens() int { return len(t.order) / (t.Merge * t.Merge) }

// Limits is what to compile the graph for, to run up to n tiles at a time.
func (t *Tower) Limits(n int) tensor.Limits {
	return tensor.Limits{Tokens: n * t.Rows(), Outputs: n * t.Tokens()}
}

// Batch is a batch of n tiles, still without pixels.
func (t *Tower) Batch(n int) *tensor.Batch {
	rows := t.Rows()
	b := &tensor.Batch{
		Tokens: make([]int32, n*rows), Embeds: make([]float32, n*rows*t.unfolded()),
		Places: make([][2]int32, 0, n*rows), Spans: make([][]int32, 1),
	}
	for i := range n {
		for _, c := range t.order {
			b.Places = append(b.Places, [2]int32{int32(c.x) + 1, int32(c.y) + 1})
		}
		b.Places = append(b.Places, [2]int32{}) // the class embedding is not rotated
		b.Spans[0] = append(b.Spans[0], int32((i+1)*rows))
		for j := range t.Tokens() {
			b.Outputs = append(b.Outputs, int32(i*rows+j*t.Merge*t.Merge))
		}
	}
	return b
}

// unfolded is the width of the graph's input: all numbers of a patch.
func (t *Tower) unfolded() int { return 3 * t.PatchSize * t.PatchSize }

// Unfold writes a tile as rows number i*Rows to (i+1)*Rows-1 of a batch: the
// pixels of a patch, channel by channel, each row by row. The last row, which is
// no patch, is left as it is: zero.
func (t *Tower) Unfold(b *tensor.Batch, i int, tile []float32) {
	p, size := t.PatchSize, t.TileSize
	to := b.Embeds[i*t.Rows()*t.unfolded():]
	for _, c := range t.order {
		for channel := range 3 {
			for y := range p {
				at := (channel*size+c.y*p+y)*size + c.x*p
				to = to[copy(to, tile[at:at+p]):]
			}
		}
	}
}

// gridOrder lists the patches of a grid in groups of merge x merge, both the
// groups and the patches inside one row by row. So the patches that become one
// token lie side by side, and tokens come row by row.
func gridOrder(side, merge int) []cell {
	order := make([]cell, 0, side*side)
	for y := 0; y < side; y += merge {
		for x := 0; x < side; x += merge {
			for dy := range merge {
				for dx := range merge {
					order = append(order, cell{x + dx, y + dy})
				}
			}
		}
	}
	return order
}
