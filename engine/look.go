package engine

import (
	"context"
	"time"
)

// sight is the pictures of one answer's prompt, looked at as they are reached.
type sight struct {
	pictures []*placed
	held     map[*placed][]float32 // embeddings of the pictures that the current batch has part of
	rows     []float32             // of the current batch
}

// see gets the embeddings of the prompt's positions from to to-1, in order, and says
// whether to go on. Pictures that lie before from are let go of, so that no more are
// in memory than a batch needs, besides those that the cache keeps.
func (a *answer) see(ctx context.Context, ids []int32, from, to int) bool {
	v := &a.sight
	v.rows = v.rows[:0]
	for _, p := range v.pictures {
		if p.to <= from {
			delete(v.held, p)
			continue
		}
		if p.from >= to {
			break
		}
		if _, ok := v.held[p]; !ok && !a.look(ctx, p) {
			return false
		}
	}
	width := a.s.m.model.Config.Width
	for _, p := range v.pictures {
		embeds := v.held[p]
		for at := max(p.from, from); at < min(p.to, to); at++ {
			if id := ids[at]; id < 0 {
				i := int(-1-id) - int(p.base)
				v.rows = append(v.rows, embeds[i*width:(i+1)*width]...)
			}
		}
	}
	return true
}

// look gets the embeddings of a picture, yielding progress, and says whether to go on.
func (a *answer) look(ctx context.Context, p *placed) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before, left := a.stats.TilesDone, false
	began := time.Now()
	embeds, notes, err := a.s.m.eyes.look(ctx, p, func(done int) {
		a.stats.TilesDone = before + done
		a.stats.Vision += time.Since(began)
		if !left && done < p.plan.Tiles && !a.yield(Delta{Stats: a.stats}, nil) {
			left = true
			cancel()
		}
		began = time.Now()
	})
	a.stats.Vision += time.Since(began)
	if left {
		return false
	}
	if err != nil {
		return a.fail(err)
	}
	if a.sight.held == nil {
		a.sight.held = map[*placed][]float32{}
	}
	a.sight.held[p] = embeds
	a.stats.TilesDone = before + p.plan.Tiles
	seen := p.plan
	if notes != nil {
		seen.Notes = notes
	}
	return a.yield(Delta{Stats: a.stats, Seen: []ImagePlan{seen}}, nil)
}

// countTiles adds up the tiles of the pictures that the sequence does not hold up to
// position n.
func (v *sight) countTiles(n int) (tiles int) {
	for _, p := range v.pictures {
		if p.to > n {
			tiles += p.plan.Tiles
		}
	}
	return tiles
}
