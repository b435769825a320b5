package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scout/engine/gguf"
	"scout/engine/gguf/gguftest"
	"scout/engine/internal/synth"
	"scout/engine/quant"
)

func openTestTower(t testing.TB, data []byte, o TowerOptions) *Tower {
	t.Helper()
	if o.Threads == 0 {
		o.Threads = 2
	}
	tower, err := OpenTowerEmbedded(context.Background(), "test.gguf", data, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tower.Close(); err != nil {
			t.Error(err)
		}
	})
	return tower
}

func encodeTiles(t *testing.T, tower *Tower, tiles ...[]float32) []float32 {
	t.Helper()
	out, err := tower.Encode(context.Background(), slices.Values(tiles), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(tiles) * tower.TokensPerTile() * tower.Width(); len(out) != want {
		t.Fatalf("%d numbers, want %d", len(out), want)
	}
	return out
}

// randomTile is noise in the range of pixels.
func randomTile(seed uint64, size int) []float32 {
	r := rand.New(rand.NewPCG(seed, 31))
	tile := make([]float32, 3*size*size)
	for i := range tile {
		tile[i] = float32(2*r.Float64() - 1)
	}
	return tile
}

// furthest is the largest difference, as a share of the largest of want.
func furthest(got []float32, want []float64) float64 {
	most, off := 0.0, 0.0
	for i, w := range want {
		most, off = max(most, math.Abs(w)), max(off, math.Abs(float64(got[i])-w))
		if got[i] != got[i] {
			return math.Inf(1)
		}
	}
	return off / most
}

// recordedTile is the record's tile and what PyTorch made of it, in float32 with
// the tower's F32 file.
func recordedTile(t *testing.T) (tile []float32, embeds []float64) {
	t.Helper()
	raw, err := os.ReadFile("../testdata/tiny-scout/tower-pixels.u8")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range raw {
		tile = append(tile, (float32(b)/255-0.5)/0.5)
	}
	if raw, err = os.ReadFile("../testdata/tiny-scout/tower-embeds.f32"); err != nil {
		t.Fatal(err)
	}
	for ; len(raw) > 0; raw = raw[4:] {
		embeds = append(embeds, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
	}
	return tile, embeds
}

// TestRecordedEmbeddings holds the demo model's tower to the record: the file in
// the tree, whose weights are rounded to 11 bits, and the F32 one of the release.
func TestRecordedEmbeddings(t *testing.T) {
	tile, want := recordedTile(t)
	t.Run("F16", func(t *testing.T) { holdToRecord(t, "../testdata/models/mmproj-tiny-scout.gguf", tile, want, 5e-4) }) // measured: 2.3e-4
	t.Run("F32", func(t *testing.T) {
		dir := os.Getenv("SCOUT_TINY_SCOUT")
		if dir == "" {
			if os.Getenv("SCOUT_CI") != "" {
				t.Fatal("SCOUT_CI promises the Tiny Scout release, and SCOUT_TINY_SCOUT names no folder")
			}
			t.Skip("SCOUT_TINY_SCOUT names no folder with mmproj-tiny-scout-F32.gguf")
		}
		holdToRecord(t, filepath.Join(dir, "mmproj-tiny-scout-F32.gguf"), tile, want, 2e-6) // measured: 3e-7
	})
}

func holdToRecord(t *testing.T, path string, tile []float32, want []float64, limit float64) {
	tower, err := OpenTower(context.Background(), path, TowerOptions{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer tower.Close()
	if c := tower.Config(); c.TileSize != 112 || c.Projector != "llama4" || tower.Width() != 256 || tower.TokensPerTile() != 16 || tower.TileSize() != 112 {
		t.Errorf("the tower is %+v with %d tokens per tile of %d pixels", c, tower.TokensPerTile(), tower.TileSize())
	}
	off := furthest(encodeTiles(t, tower, tile), want)
	t.Logf("off by %.2g of the largest", off)
	if !(off <= limit) {
		t.Errorf("off by %g of the largest number, want at most %g", off, limit)
	}
}

// TestTowerPlain holds towers of many shapes to the plain one. One has the width
// of the published tower, one its layers and one its patches; all at once take
// minutes, see TestTowerFile.
func TestTowerPlain(t *testing.T) {
	const (
		exact = 5e-6 // float32 sums of thousands of terms; measured: up to 8e-7
		bits8 = 5e-2 // activations rounded to 8 bits; measured: 1.4e-2
	)
	for _, c := range []struct {
		name  string
		tower synth.Tower
		limit float64
	}{
		{"F32", synth.Tower{}, exact},
		{"F16", synth.Tower{Quant: quant.F16, Seed: 2}, exact},
		{"BF16", synth.Tower{Quant: quant.BF16, Seed: 3}, exact},
		{"Q8_0", synth.Tower{Quant: quant.Q8_0, Seed: 4, Hidden: 64, FF: 96, Adapter: 64}, bits8},
		{"three patches a side", synth.Tower{Merge: 3, Heads: 4, Width: 19, Seed: 5}, exact},
		{"no merging, odd sizes", synth.Tower{Merge: 1, TileSize: 15, PatchSize: 3, Hidden: 36, Heads: 3, FF: 21, Adapter: 13, Seed: 6}, exact},
		{"34 layers", synth.Tower{Hidden: 16, Heads: 1, FF: 20, Layers: 34, Seed: 7}, exact},
		{"24 x 24 patches", synth.Tower{TileSize: 48, PatchSize: 2, Hidden: 24, Heads: 3, FF: 20, Seed: 9}, exact},
		{"width 1408", synth.Tower{TileSize: 28, Hidden: 1408, Heads: 16, FF: 2816, Layers: 1, Adapter: 64, Seed: 8, Quant: quant.BF16, Fast: true}, exact},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data := synth.TowerBytes(c.tower)
			off := againstPlain(t, openTestTower(t, data, TowerOptions{}), data)
			t.Logf("off by %.2g of the largest", off)
			if !(off <= c.limit) {
				t.Errorf("off by %g of the largest number, want at most %g", off, c.limit)
			}
		})
	}
	t.Run("one file", func(t *testing.T) {
		data := synth.Bytes(synth.Shape{OneFile: true, Layers: 1, FF: 32, Vocab: 300})
		if off := againstPlain(t, openTestTower(t, data, TowerOptions{}), data); !(off <= exact) {
			t.Errorf("off by %g of the largest number, want at most %g", off, exact)
		}
	})
}

// againstPlain is how far the tower is from the plain one on a tile of noise.
func againstPlain(t *testing.T, tower *Tower, data []byte) float64 {
	f, err := gguf.Parse("test.gguf", data)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tile := randomTile(9, tower.TileSize())
	var want []float64
	for _, row := range newPlainTower(t, f).embed(tile) {
		want = append(want, row...)
	}
	return furthest(encodeTiles(t, tower, tile), want)
}

// TestTowerFile holds the tower in the file $SCOUT_TOWER to the plain one: for
// files too large for a test, such as the published one or
//
//	go run ./engine/internal/synth/synthmodel tower -quant f16 -fast -o mmproj.gguf
func TestTowerFile(t *testing.T) {
	path := os.Getenv("SCOUT_TOWER")
	if path == "" {
		t.Skip("SCOUT_TOWER names no file with a vision tower; one of the published size takes some minutes")
	}
	tower, err := OpenTower(context.Background(), path, TowerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer tower.Close()
	tile := randomTile(9, tower.TileSize())
	got := encodeTiles(t, tower, tile)
	var want []float64
	for _, row := range newPlainTower(t, tower.file).embed(tile) {
		want = append(want, row...)
	}
	off := furthest(got, want)
	t.Logf("off by %.2g of the largest", off)
	if !(off <= 1e-3) {
		t.Errorf("off by %g of the largest number, want at most 1e-3", off)
	}
}

// TestTowerTiles checks order, progress and that a tile's embeddings depend
// neither on the other tiles nor on threads.
func TestTowerTiles(t *testing.T) {
	data := synth.TowerBytes(synth.Tower{Quant: quant.F16})
	tower := openTestTower(t, data, TowerOptions{Threads: 3})
	tiles := [][]float32{randomTile(1, 84), randomTile(2, 84), randomTile(3, 84)}
	shared := make([]float32, len(tiles[0]))
	var done []int
	all, err := tower.Encode(context.Background(), func(yield func([]float32) bool) {
		for _, tile := range tiles {
			copy(shared, tile) // as a caller does who has room for one
			if !yield(shared) {
				return
			}
		}
	}, func(n int) { done = append(done, n) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(done, []int{1, 2, 3}) {
		t.Errorf("progress was %v, want 1, 2, 3", done)
	}
	single := openTestTower(t, data, TowerOptions{Threads: 1})
	if tower.Threads() != 3 || single.Threads() != 1 {
		t.Errorf("threads are %d and %d, want 3 and 1", tower.Threads(), single.Threads())
	}
	each := tower.TokensPerTile() * tower.Width()
	for i := range tiles {
		alone := encodeTiles(t, single, tiles[2-i])
		sameBits(t, fmt.Sprintf("tile %d alone", 3-i), alone, all[(2-i)*each:(3-i)*each])
	}
	if out := encodeTiles(t, tower); len(out) != 0 {
		t.Errorf("no tiles give %d numbers", len(out))
	}
}

// TestTowerStops gives an encoding up at each of its first looks at the context,
// between two tiles, and after Close.
func TestTowerStops(t *testing.T) {
	tower := openTestTower(t, synth.TowerBytes(synth.Tower{}), TowerOptions{})
	tile := randomTile(1, 84)
	want := encodeTiles(t, tower, tile)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	_, err := tower.Encode(ctx, slices.Values([][]float32{tile, tile}), func(int) { cancel(cause) })
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "tile 2") {
		t.Errorf("stopped between tiles: error is %v, want it to be of tile 2, context.Canceled and its cause", err)
	}
	for after := range 20 {
		ctx := &countingContext{Context: context.Background(), after: after}
		if _, err := tower.Encode(ctx, slices.Values([][]float32{tile}), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at look %d: error is %v, want context.Canceled", after+1, err)
		}
	}
	sameBits(t, "after stops", encodeTiles(t, tower, tile), want)
	if _, err := tower.Encode(context.Background(), slices.Values([][]float32{tile[1:]}), nil); err == nil || !strings.Contains(err.Error(), "tile 1 has 21167 numbers, want 21168") {
		t.Errorf("a short tile: error is %v", err)
	}
	if err := tower.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tower.Encode(context.Background(), slices.Values([][]float32{tile}), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: error is %v, want ErrClosed", err)
	}
	if _, err := tower.Identity(); !errors.Is(err, ErrClosed) {
		t.Errorf("identity after Close: error is %v, want ErrClosed", err)
	}
}

// countingContext ends after some looks at it.
type countingContext struct {
	context.Context
	after int
}

func (c *countingContext) Err() error {
	if c.after--; c.after < 0 {
		return context.Canceled
	}
	return nil
}

// TestTowerIdentity changes what decides a tower's embeddings, and what does not.
func TestTowerIdentity(t *testing.T) {
	base := synth.TowerBytes(synth.Tower{})
	identity := func(data []byte) string {
		t.Helper()
		id, err := openTestTower(t, data, TowerOptions{}).Identity()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	want := identity(base)
	if len(want) != 64 {
		t.Errorf("the identity is %q, want 64 hexadecimal digits", want)
	}
	renamed := bytes.Replace(base, []byte("synthetic"), []byte("otherwise"), 1)
	if got := identity(renamed); got != want {
		t.Error("a file's name changes the identity")
	}
	last := bytes.Clone(base)
	last[len(last)-1] ^= 1 // of the last weight
	config := synth.TowerBytes(synth.Tower{Heads: 4})
	for name, data := range map[string][]byte{"a weight": last, "a key": config, "a type": synth.TowerBytes(synth.Tower{Quant: quant.F16})} {
		if got := identity(data); got == want {
			t.Errorf("%s does not change the identity", name)
		}
	}
}

// TestTowerMemory checks what is said of memory.
func TestTowerMemory(t *testing.T) {
	data := synth.TowerBytes(synth.Tower{})
	m := openTestTower(t, data, TowerOptions{}).Memory()
	if m.Weights < int64(len(data))*9/10 || m.Weights > int64(len(data)) || m.Compute <= 0 || m.Compute > 4<<20 {
		t.Errorf("memory is %+v for a file of %d bytes", m, len(data))
	}
}

// buildTowerFile is a sound tower, built anew. edit is shown each tensor, which it
// may change or, by taking its name away, leave out, and may add others.
func buildTowerFile(t *testing.T, edit func(b *gguftest.Builder, tensor *gguftest.Tensor)) *gguftest.Image {
	t.Helper()
	f, err := gguf.Parse("test.gguf", synth.TowerBytes(synth.Tower{}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := &gguftest.Builder{}
	half := []float32{0.5, 0.5, 0.5}
	for key, v := range map[string]any{
		"general.architecture": "clip", "clip.has_vision_encoder": true, "clip.projector_type": "llama4", "clip.use_gelu": true,
		"clip.vision.image_size": uint32(84), "clip.vision.patch_size": uint32(14), "clip.vision.embedding_length": uint32(32),
		"clip.vision.feed_forward_length": uint32(64), "clip.vision.block_count": uint32(2), "clip.vision.projection_dim": uint32(256),
		"clip.vision.attention.head_count": uint32(2), "clip.vision.attention.layer_norm_epsilon": float32(1e-5),
		"clip.vision.projector.scale_factor": uint32(2), "clip.vision.image_mean": half, "clip.vision.image_std": half,
	} {
		b.Key(key, v)
	}
	for _, w := range f.Tensors() {
		tensor := gguftest.Tensor{Name: w.Name, Type: w.Type, Shape: w.Shape, Data: w.Data}
		if edit(b, &tensor); tensor.Name != "" {
			b.Tensor(tensor)
		}
	}
	return b.Build(t)
}

// TestBadTowers opens damaged files: each gives one line that names what is wrong.
func TestBadTowers(t *testing.T) {
	sound := buildTowerFile(t, func(*gguftest.Builder, *gguftest.Tensor) {})
	openTestTower(t, sound.Bytes, TowerOptions{})
	nan := math.Float32bits(float32(math.NaN()))
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "test.gguf"},
		{"NaN for eps", bytes.Clone(sound.Bytes), "clip.vision.attention.layer_norm_epsilon"},
		{"an integer for a weight", buildTowerFile(t, func(_ *gguftest.Builder, w *gguftest.Tensor) {
			if w.Name == "v.blk.1.ffn_up.weight" {
				w.Type, w.Data = quant.I32, nil
			}
		}).Bytes, "tensor v.blk.1.ffn_up.weight"},
		{"a tensor too many", buildTowerFile(t, func(b *gguftest.Builder, w *gguftest.Tensor) {
			if w.Name == "v.class_embd" {
				b.Tensor(gguftest.Tensor{Name: "v.patch_embd.bias", Type: quant.F32, Shape: []int{32}})
			}
		}).Bytes, "tensor v.patch_embd.bias"},
		{"a tensor too few", buildTowerFile(t, func(_ *gguftest.Builder, w *gguftest.Tensor) {
			if w.Name == "v.post_ln.bias" {
				w.Name = ""
			}
		}).Bytes, "tensor v.post_ln.bias is missing"},
		{"a text model", synth.Bytes(synth.Shape{Layers: 1, FF: 32, Vocab: 300}), "no vision tower inside"},
	} {
		if c.name == "NaN for eps" {
			at := sound.At("key clip.vision.attention.layer_norm_epsilon value")
			binary.LittleEndian.PutUint32(c.data[at:], nan)
		}
		_, err := OpenTowerEmbedded(context.Background(), "test.gguf", c.data, TowerOptions{Threads: 1})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want one line with %q", c.name, err, c.want)
		}
	}
	for n := 0; n < len(sound.Bytes); n += 1 + len(sound.Bytes)/97 {
		if _, err := OpenTowerEmbedded(context.Background(), "test.gguf", sound.Bytes[:n], TowerOptions{Threads: 1}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("cut at byte %d: error is %v", n, err)
		}
	}
	if _, err := OpenTowerEmbedded(context.Background(), "test.gguf", sound.Bytes, TowerOptions{Threads: maxThreads + 1}); err == nil {
		t.Error("too many threads: no error")
	}
	if _, err := OpenTower(context.Background(), t.TempDir(), TowerOptions{}); err == nil {
		t.Error("a folder: no error")
	}
	if !IsUnsupported(errorOf(OpenTowerEmbedded(context.Background(), "test.gguf", synth.Bytes(synth.Shape{Layers: 1, FF: 32, Vocab: 300}), TowerOptions{}))) {
		t.Error("a text model is not called unsupported")
	}
}

func errorOf(_ *Tower, err error) error { return err }
