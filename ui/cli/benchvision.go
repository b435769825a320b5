package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"scout/engine"
)

// benchVision is how fast pictures become embeddings: tile by tile, each as long
// as any other.
type benchVision struct {
	Tower         string    `json:"tower"` // its file
	TileSize      int       `json:"tile_size"`
	TokensPerTile int       `json:"tokens_per_tile"`
	Threads       int       `json:"threads"`
	TileSeconds   []float64 `json:"s_per_tile"` // one for each repetition
	WeightBytes   int64     `json:"weight_bytes"`
	ComputeBytes  int64     `json:"compute_bytes"`
}

// measureVision measures the tower that was named or the one that is inside the
// model. If the one inside cannot be, the model still can: that is no error.
func (r *benchRecord) measureVision(ctx context.Context, inside bool, f benchFlags) (err error) {
	switch {
	case f.mmproj != "":
		r.Vision, err = benchTower(ctx, f.mmproj, f.threads, f.reps)
	case inside:
		if r.Vision, err = benchTower(ctx, r.Model, f.threads, f.reps); err != nil && ctx.Err() == nil {
			r.VisionError, err = err.Error(), nil
		}
	}
	return err
}

// benchTower measures the tower in the file at path, with one tile more that
// brings its weights into memory.
func benchTower(ctx context.Context, path string, threads, reps int) (*benchVision, error) {
	tower, err := engine.OpenTower(ctx, path, engine.TowerOptions{Threads: threads})
	if err != nil {
		return nil, err
	}
	defer tower.Close()
	memory := tower.Memory()
	v := &benchVision{
		Tower: path, TileSize: tower.TileSize(), TokensPerTile: tower.TokensPerTile(), Threads: tower.Threads(),
		WeightBytes: memory.Weights, ComputeBytes: memory.Compute,
	}
	tile := slopes(tower.TileSize())
	for rep := range reps + 1 {
		begin := time.Now()
		if _, err := tower.Encode(ctx, slices.Values([][]float32{tile}), nil); err != nil {
			return nil, err
		}
		if rep > 0 {
			v.TileSeconds = append(v.TileSeconds, time.Since(begin).Seconds())
		}
	}
	return v, nil
}

// slopes is a normalised tile of size pixels a side that is the same in every run:
// each channel rises at its own rate.
func slopes(size int) []float32 {
	tile := make([]float32, 3*size*size)
	for i := range tile {
		channel, y, x := i/(size*size), i/size%size, i%size
		tile[i] = float32((channel+1)*x+y)/float32(4*size)*2 - 1
	}
	return tile
}

// String is the row for people, behind its name.
func (v *benchVision) String() string {
	middle := median(v.TileSeconds)
	rate := fmt.Sprintf("%.3f", 1/middle)
	if middle < 1 {
		rate = formatRate(1 / middle)
	}
	ms := func(seconds float64) string { return formatRate(1e3 * seconds) } // with as many digits as a rate
	s := fmt.Sprintf("%s ms a tile, %s tiles/s", ms(middle), rate)
	if n := len(v.TileSeconds); n > 1 {
		s += fmt.Sprintf(" (%s to %s ms in %d runs)", ms(slices.Min(v.TileSeconds)), ms(slices.Max(v.TileSeconds)), n)
	}
	return s + fmt.Sprintf("; %d tokens of %dx%d pixels each, with %d threads", v.TokensPerTile, v.TileSize, v.TileSize, v.Threads)
}
