package vision

import (
	"fmt"
	"strings"
	"testing"
)

// TestLlama4Layout spells out the layout of section 7.5.
func TestLlama4Layout(t *testing.T) {
	tests := []struct {
		width, height int
		want          string
	}{
		{336, 336, "<|image_start|><|image|>[0:144]<|image_end|>"},
		{1, 1, "<|image_start|><|image|>[0:144]<|image_end|>"},
		{337, 336, "<|image_start|>[0:144]<|tile_x_separator|>[1:144]<|tile_y_separator|><|image|>[2:144]<|image_end|>"},
		{336, 337, "<|image_start|>[0:144]<|tile_y_separator|>[1:144]<|tile_y_separator|><|image|>[2:144]<|image_end|>"},
		{800, 600, "<|image_start|>" +
			"[0:144]<|tile_x_separator|>[1:144]<|tile_x_separator|>[2:144]<|tile_y_separator|>" +
			"[3:144]<|tile_x_separator|>[4:144]<|tile_x_separator|>[5:144]<|tile_y_separator|>" +
			"<|image|>[6:144]<|image_end|>"},
	}
	p := processor(t, scoutTower, 0)
	for _, tt := range tests {
		plan := p.Plan(tt.width, tt.height)
		var b strings.Builder
		tokens := 0
		for _, piece := range p.Layout(plan) {
			if piece.Token != "" {
				b.WriteString(piece.Token)
				tokens++
				continue
			}
			fmt.Fprintf(&b, "[%d:%d]", piece.Tile, piece.Patches)
			tokens += piece.Patches
		}
		if got := b.String(); got != tt.want {
			t.Errorf("%d x %d:\n got %s\nwant %s", tt.width, tt.height, got, tt.want)
		}
		if tokens != plan.Tokens {
			t.Errorf("%d x %d: the layout has %d tokens, the plan %d", tt.width, tt.height, tokens, plan.Tokens)
		}
	}
}
