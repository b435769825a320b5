package vision

import (
	"fmt"
	"iter"
	"math"

	"scout/engine/picture"
)

// Llama 4's picture processor, after the one in transformers
// (Llama4ImageProcessorFast): a picture goes on a grid of square tiles, resized without
// changing its shape and black to the right and below; if there are several tiles, one
// more shows the whole, squeezed into a square.
//
// Easy to get wrong:
//   - The grid is chosen in float32, with exact comparison, among all grids of up to the
//     most tiles; of those that would enlarge the picture the one that does least, else
//     the one that shrinks it least. Ties go to the smaller grid.
//   - The picture is never enlarged beyond itself, except up to one tile.
//   - Grids are (rows, columns), that is (height, width), everywhere.

// llama4MostTiles is what the models were trained with (max_patches). No file says it.
const llama4MostTiles = 16

// Llama4 is the Processor of the Llama 4 family.
type llama4Processor struct {
	tile      int // pixels of a side
	tokens    int // embeddings of a tile
	mostTiles int
	grids     []grid
	levels    [3][256]float32 // normalised samples, by channel
}

// grid is a number of rows and columns of tiles.
type grid struct{ rows, cols int }

func newLlama4Processor(c TowerConfig, mostTiles int) (*llama4Processor, error) {
	if mostTiles == 0 {
		mostTiles = llama4MostTiles
	}
	if mostTiles < 1 || mostTiles > llama4MostTiles {
		return nil, fmt.Errorf("vision: most tiles is %d, want 1 to %d: Llama 4 was trained with no more", mostTiles, llama4MostTiles)
	}
	side := c.TileSize / c.PatchSize / c.Merge
	p := &llama4Processor{tile: c.TileSize, tokens: side * side, mostTiles: mostTiles, grids: llama4Grids(mostTiles)}
	for channel := range p.levels {
		for v := range p.levels[channel] {
			p.levels[channel][v] = (float32(v)/255 - c.Mean[channel]) / c.Std[channel]
		}
	}
	return p, nil
}

func (p *llama4Processor) Family() string { return "llama4" }
func (p *llama4Processor) MostTiles() int { return p.mostTiles }

// llama4Grids lists the grids of up to most tiles, in the order that decides ties:
// from the most tiles down, flat ones first, and those of equal proportions together.
func llama4Grids(most int) []grid {
	var order []grid // proportions, in lowest terms
	same := map[grid][]grid{}
	for n := most; n >= 1; n-- {
		for rows := 1; rows <= n; rows++ {
			if n%rows != 0 {
				continue
			}
			g := grid{rows, n / rows}
			by := gcd(g.rows, g.cols)
			shape := grid{g.rows / by, g.cols / by}
			if same[shape] == nil {
				order = append(order, shape)
			}
			same[shape] = append(same[shape], g)
		}
	}
	var grids []grid
	for _, shape := range order {
		grids = append(grids, same[shape]...)
	}
	return grids
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// choose is the grid for a picture.
func (p *llama4Processor) choose(width, height int) grid {
	var best grid
	bestScale := float32(0)
	for i, g := range p.grids {
		// By how much the picture would have to grow to touch the grid's edge.
		scale := min(float32(g.cols*p.tile)/float32(width), float32(g.rows*p.tile)/float32(height))
		better := scale > bestScale
		if bestScale >= 1 {
			better = scale >= 1 && scale < bestScale
		}
		if i == 0 || better || scale == bestScale && g.rows*g.cols < best.rows*best.cols {
			best, bestScale = g, scale
		}
	}
	return best
}

// resized is the size of a picture on its grid. The products are those of the
// original, in double precision, down to the last bit: they decide a floor.
func (p *llama4Processor) resized(width, height int, g grid) (int, int) {
	toHeight, toWidth := min(max(height, p.tile), g.rows*p.tile), min(max(width, p.tile), g.cols*p.tile)
	across, down := float64(toWidth)/float64(width), float64(toHeight)/float64(height)
	if across < down {
		toHeight = min(int(math.Floor(float64(height)*across)), toHeight)
	} else {
		toWidth = min(int(math.Floor(float64(width)*down)), toWidth)
	}
	return max(toWidth, 1), max(toHeight, 1)
}

func (p *llama4Processor) Plan(width, height int) Plan {
	width, height = max(width, 1), max(height, 1)
	g := p.choose(width, height)
	plan := Plan{SourceWidth: width, SourceHeight: height, Rows: g.rows, Cols: g.cols, Tiles: g.rows * g.cols}
	plan.Width, plan.Height = p.resized(width, height, g)
	plan.Downsampled = plan.Width < width || plan.Height < height
	if plan.Tiles > 1 {
		plan.Tiles++
	}
	for _, piece := range p.Layout(plan) {
		plan.Tokens += max(piece.Patches, 1)
	}
	return plan
}

func (p *llama4Processor) Tiles(pic *picture.Picture, plan Plan) (iter.Seq[[]float32], error) {
	if len(pic.Pix) != 3*pic.Width*pic.Height || len(pic.Pix) == 0 {
		return nil, fmt.Errorf("vision: picture of %d x %d pixels has %d bytes, want %d", pic.Width, pic.Height, len(pic.Pix), 3*pic.Width*pic.Height)
	}
	if want := p.Plan(pic.Width, pic.Height); plan != want {
		return nil, fmt.Errorf("vision: the plan is for %d x %d tiles of a picture of %d x %d pixels, want %d x %d of %d x %d: it was made for another picture or another limit on tiles",
			plan.Rows, plan.Cols, plan.SourceWidth, plan.SourceHeight, want.Rows, want.Cols, pic.Width, pic.Height)
	}
	return func(yield func([]float32) bool) {
		tile := make([]float32, 3*p.tile*p.tile)
		pix := resize(pic.Pix, pic.Width, pic.Height, plan.Width, plan.Height, bilinear)
		for row := range plan.Rows {
			for col := range plan.Cols {
				p.crop(tile, pix, plan.Width, plan.Height, col*p.tile, row*p.tile)
				if !yield(tile) {
					return
				}
			}
		}
		if plan.Tiles > 1 {
			pix = resize(pic.Pix, pic.Width, pic.Height, p.tile, p.tile, bilinear)
			p.crop(tile, pix, p.tile, p.tile, 0, 0)
			yield(tile)
		}
	}, nil
}

// crop normalises the square of pix, [height, width, 3], whose top left corner is at
// (left, top), into tile, [3, T, T]. What lies outside of pix is black.
func (p *llama4Processor) crop(tile []float32, pix []byte, width, height, left, top int) {
	for channel := range 3 {
		levels := &p.levels[channel]
		for y := range p.tile {
			to := tile[(channel*p.tile+y)*p.tile:][:p.tile]
			shown := 0
			if top+y < height {
				shown = min(max(width-left, 0), p.tile)
				from := pix[3*((top+y)*width+min(left, width-1))+channel:]
				for x := range shown {
					to[x] = levels[from[3*x]]
				}
			}
			for x := shown; x < p.tile; x++ {
				to[x] = levels[0]
			}
		}
	}
}
