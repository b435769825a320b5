package vision

import (
	"fmt"
	"iter"

	"scout/engine/picture"
)

// Processor is what a family of models does to a picture before its tower, and where
// it puts what comes out of that. Every tower has one, of its own family, by
// NewProcessor. A Processor does not change and may be used by several goroutines.
type Processor interface {
	// Family is part of the key of cached embeddings: "llama4".
	Family() string

	// MostTiles is the limit on the tiles of a picture, the global one not counted.
	MostTiles() int

	// Plan says what becomes of a picture of width times height pixels, at least one
	// of each. It is exact and costs nothing.
	Plan(width, height int) Plan

	// Tiles cuts a picture as planned for its size. Each tile is [3, T, T] float32,
	// planar RGB, normalised, in the order of the plan's Layout. All share one buffer:
	// a tile is overwritten as the next is asked for. The work is done as they are.
	Tiles(p *picture.Picture, plan Plan) (iter.Seq[[]float32], error)

	// Layout is what stands in the prompt for a picture.
	Layout(plan Plan) []Piece
}

// Plan is what becomes of a picture.
type Plan struct {
	SourceWidth, SourceHeight int  // of the picture
	Width, Height             int  // as the model sees it in tiles, resized
	Rows, Cols                int  // of tiles
	Tiles                     int  // that go through the tower: Rows times Cols, and one of the whole picture if that is more than one
	Tokens                    int  // positions that it takes in the context, markers included
	Downsampled               bool // Width or Height is less than that of the source
}

// Piece is a part of what stands for a picture in a prompt: a special token, or
// embeddings.
type Piece struct {
	Token   string // text of the special token; empty for embeddings
	Tile    int    // number of the tile whose embeddings these are, all of them
	Patches int    // number of embeddings
}

// NewProcessor is the processor of a tower. mostTiles limits the tiles of a picture;
// 0 means what the model was trained with.
func NewProcessor(c TowerConfig, mostTiles int) (Processor, error) {
	switch c.Projector {
	case "llama4":
		return newLlama4Processor(c, mostTiles)
	}
	return nil, &UnsupportedError{fmt.Sprintf("how to cut pictures for a tower of type %q is not known, want llama4", c.Projector)}
}
