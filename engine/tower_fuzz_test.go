package engine

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"scout/engine/internal/synth"
)

// FuzzOpenTower is FuzzOpen for vision towers: it encodes a tile if the file can
// be opened and the tile is not large.
func FuzzOpenTower(f *testing.F) {
	sound := synth.TowerBytes(synth.Tower{TileSize: 8, PatchSize: 2, Hidden: 8, Heads: 1, FF: 12, Layers: 1, Adapter: 8, Width: 8})
	f.Add([]byte{})
	for _, name := range []string{
		"general.architecture", "clip.projector_type", "clip.vision.image_size", "clip.vision.patch_size", "clip.vision.block_count",
		"clip.vision.attention.head_count", "clip.vision.attention.layer_norm_epsilon", "clip.vision.projector.scale_factor",
		"clip.vision.image_mean", "v.class_embd", "v.blk.0.attn_q.weight", "mm.model.mlp.1.weight",
	} {
		at := bytes.Index(sound, []byte(name))
		if at < 0 {
			f.Fatalf("%s is not in the header", name)
		}
		for _, past := range []int{0, len(name), len(name) + 4, len(name) + 5, len(name) + 8, len(name) + 12} {
			f.Add([]byte{byte(at + past), byte((at + past) >> 8), 0xff})
			f.Add([]byte{byte(at + past), byte((at + past) >> 8), 0})
		}
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		data := bytes.Clone(sound)
		for ; len(changes) >= 3; changes = changes[3:] {
			if at := int(changes[0]) | int(changes[1])<<8; at < len(data) {
				data[at] = changes[2]
			}
		}
		tower, err := OpenTowerEmbedded(context.Background(), "fuzz.gguf", data, TowerOptions{Threads: 1})
		if err != nil {
			if strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("the error has more than one line: %q", err)
			}
			return
		}
		defer tower.Close()
		if _, err := tower.Identity(); err != nil {
			t.Errorf("identity: %v", err)
		}
		tile := make([]float32, 3*tower.TileSize()*tower.TileSize())
		out, err := tower.Encode(context.Background(), slices.Values([][]float32{tile}), nil)
		if err != nil || len(out) != tower.TokensPerTile()*tower.Width() {
			t.Errorf("a tile gives %d numbers, %v; want %d", len(out), err, tower.TokensPerTile()*tower.Width())
		}
	})
}
