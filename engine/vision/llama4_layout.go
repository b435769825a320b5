package vision

// What stands for a picture in a prompt of Llama 4, after transformers' Llama4Processor:
//
//	one tile    <|image_start|><|image|> tile <|image_end|>
//	several     <|image_start|> tile <|tile_x_separator|> tile <|tile_y_separator|>
//	                            tile <|tile_x_separator|> tile <|tile_y_separator|><|image|> whole <|image_end|>
//
// The x separator stands between the tiles of a row only, the y separator after every
// row, the last one too.
const (
	llama4ImageStart = "<|image_start|>"
	llama4Image      = "<|image|>"
	llama4XSeparator = "<|tile_x_separator|>"
	llama4YSeparator = "<|tile_y_separator|>"
	llama4ImageEnd   = "<|image_end|>"
)

func (p *llama4Processor) Layout(plan Plan) []Piece {
	pieces := []Piece{{Token: llama4ImageStart}}
	tile := 0
	next := func() {
		pieces = append(pieces, Piece{Tile: tile, Patches: p.tokens})
		tile++
	}
	if plan.Rows*plan.Cols > 1 {
		for range plan.Rows {
			for col := range plan.Cols {
				if col > 0 {
					pieces = append(pieces, Piece{Token: llama4XSeparator})
				}
				next()
			}
			pieces = append(pieces, Piece{Token: llama4YSeparator})
		}
	}
	pieces = append(pieces, Piece{Token: llama4Image})
	next()
	return append(pieces, Piece{Token: llama4ImageEnd})
}
