package engine

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"scout/engine/internal/kernel"
	"scout/engine/internal/synth"
	"scout/engine/tensor"
)

// BenchmarkTower encodes tiles with the tower in the file $SCOUT_TOWER, of any size
// and type, on two threads. Beside the time it reports that of a picture of 17 tiles,
// which one of 1024x1024 pixels is, the rate of multiply-adds of matrix products
// over that whole time, and what part that is of the rate of nothing but such
// products, of the same type and number of threads, measured in between.
func BenchmarkTower(b *testing.B) {
	path := os.Getenv("SCOUT_TOWER")
	if path == "" {
		b.Skip("SCOUT_TOWER names no file with a vision tower")
	}
	const threads = 2
	tower, err := OpenTower(context.Background(), path, TowerOptions{Threads: threads})
	if err != nil {
		b.Fatal(err)
	}
	defer tower.Close()
	tile := randomTile(1, tower.TileSize())
	encode := func() {
		if _, err := tower.Encode(context.Background(), func(yield func([]float32) bool) { yield(tile) }, nil); err != nil {
			b.Fatal(err)
		}
	}
	encode() // the file is in memory then
	product := newTowerProduct(tower, threads)
	products, best := 0.0, 0.0
	for b.Loop() {
		encode()
		b.StopTimer()
		rate := product.rate(time.Second / 2)
		products, best = products+rate, max(best, rate)
		b.StartTimer()
	}
	each := b.Elapsed().Seconds() / float64(b.N)
	rate := towerProducts(tower) / each
	b.ReportMetric(each, "s/tile")
	b.ReportMetric(17*each, "s/17tiles")
	b.ReportMetric(rate/1e9, "GMAC/s")
	b.ReportMetric(products/float64(b.N)/1e9, "product-GMAC/s")
	b.ReportMetric(best/1e9, "best-product-GMAC/s")
	b.ReportMetric(100*rate/(products/float64(b.N)), "%product")
}

// towerProducts is the multiply-adds of a tile in products with matrices.
func towerProducts(t *Tower) float64 {
	sum := 0.0
	for _, w := range t.weights {
		rows := t.tower.Rows()
		switch {
		case len(w.Shape) != 2 || strings.Contains(w.Name, "position"):
			continue
		case strings.HasPrefix(w.Name, "mm.") || strings.Contains(w.Name, "adapter"):
			rows = t.TokensPerTile()
		}
		sum += float64(rows) * float64(w.Out()) * float64(w.In())
	}
	return sum
}

// towerProduct is the product of a tower's largest matrix of its commonest kind,
// a part of it that stays in memory caches, with the rows of a tile.
type towerProduct struct {
	m    kernel.Matrix
	acts kernel.Acts
	dst  [][]float32 // of each thread
}

func newTowerProduct(t *Tower, threads int) *towerProduct {
	var w *tensor.Weight
	for _, other := range t.weights {
		if strings.HasPrefix(other.Name, "v.blk.") && len(other.Shape) == 2 && (w == nil || other.In() > w.In()) {
			w = other
		}
	}
	const rows = 256
	n := min(rows, w.Out())
	p := &towerProduct{m: kernel.Matrix{Type: w.Type, Rows: n, Cols: w.In(), Data: w.Data[:n*w.Type.RowBytes(w.In())]}}
	rng := rand.New(rand.NewPCG(1, 1))
	p.acts.Resize(kernel.FormOf(w.Type), t.tower.Rows(), w.In())
	x := make([]float32, w.In())
	for i := range t.tower.Rows() {
		for j := range x {
			x[j] = float32(rng.NormFloat64())
		}
		p.acts.Set(i, x)
	}
	for range threads {
		p.dst = append(p.dst, make([]float32, n*t.tower.Rows()))
	}
	return p
}

// rate is how many multiply-adds a second all threads do together for about d.
func (p *towerProduct) rate(d time.Duration) float64 {
	var done sync.WaitGroup
	rates := make([]float64, len(p.dst))
	for i, dst := range p.dst {
		done.Go(func() {
			var s kernel.Scratch
			begin, n := time.Now(), 0
			for time.Since(begin) < d {
				kernel.MatMul(dst, p.m.Rows, p.m, 0, p.m.Rows, &p.acts, 0, p.acts.Rows, &s)
				n++
			}
			rates[i] = float64(n) * float64(p.m.Rows*p.m.Cols*p.acts.Rows) / time.Since(begin).Seconds()
		})
	}
	done.Wait()
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum
}

// TestTowerProducts counts those of a small tower by hand.
func TestTowerProducts(t *testing.T) {
	tower := openTestTower(t, synth.TowerBytes(synth.Tower{}), TowerOptions{})
	c := tower.Config()
	patches := (c.TileSize / c.PatchSize) * (c.TileSize / c.PatchSize)
	want := (patches+1)*(3*c.PatchSize*c.PatchSize*c.Inner+c.Layers*(4*c.Inner*c.Inner+2*c.Inner*c.FF)) +
		patches/(c.Merge*c.Merge)*(c.Inner*c.Merge*c.Merge*40+40*40+40*c.Width)
	if got := towerProducts(tower); got != float64(want) {
		t.Errorf("got %g multiply-adds, want %d", got, want)
	}
}
