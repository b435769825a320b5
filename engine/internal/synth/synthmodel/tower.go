package main

import (
	"errors"
	"flag"
	"os"

	"scout/engine/internal/synth"
)

// runTower writes a vision tower. Its flags begin with the shape of Llama 4's.
func runTower(args []string) error {
	t := synth.ScoutTower
	f := flag.NewFlagSet("synthmodel tower", flag.ContinueOnError)
	out := f.String("o", "", "output `file`")
	f.IntVar(&t.TileSize, "tile", t.TileSize, "pixels of a tile's side")
	f.IntVar(&t.PatchSize, "patch", t.PatchSize, "pixels of a patch's side")
	f.IntVar(&t.Merge, "merge", t.Merge, "patches of a side that become a token")
	f.IntVar(&t.Hidden, "hidden", t.Hidden, "width inside the tower")
	f.IntVar(&t.Heads, "heads", t.Heads, "heads")
	f.IntVar(&t.FF, "ff", t.FF, "feed-forward length")
	f.IntVar(&t.Layers, "layers", t.Layers, "blocks")
	f.IntVar(&t.Adapter, "adapter", t.Adapter, "width between the adapter's layers")
	f.IntVar(&t.Width, "width", t.Width, "width of the embeddings, that of the language model")
	typeFlag(f, &t.Quant, "quant", "type of the matrices: f32, the default, f16, bf16, q8_0")
	f.Uint64Var(&t.Seed, "seed", t.Seed, "seed")
	f.BoolVar(&t.Fast, "fast", t.Fast, "repeat a pool of random blocks, for very large files")
	if err := f.Parse(args); err != nil {
		return err
	}
	t = t.Resolved()
	if err := t.Validate(); err != nil || *out == "" {
		return err
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	return errors.Join(synth.WriteTower(file, t), file.Close())
}
