package synth

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"scout/engine/quant"
)

// Tower is everything that decides the bytes of a vision tower of the Llama 4
// kind, in a file of its own. A zero field means the value that its comment
// names. The default is small, and no two of its dimensions are the same.
type Tower struct {
	TileSize  int // pixels of a side: 84
	PatchSize int // pixels of a side: 14
	Merge     int // patches of a side that become a token: 2
	Hidden    int // width of the residual stream: 32
	Heads     int // 2
	FF        int // 64
	Layers    int // 2
	Adapter   int // width between the adapter's layers: 40
	Width     int // of the embeddings: 256, as of a Shape

	Quant quant.Type // of the matrices; F16 where a row is no whole number of blocks
	Seed  uint64     // 1
	Fast  bool       // see Shape
}

// ScoutTower is the tower of Llama 4 Scout and Maverick: 0.87 billion weights.
var ScoutTower = Tower{TileSize: 336, PatchSize: 14, Merge: 2, Hidden: 1408, Heads: 16, FF: 5632, Layers: 34, Adapter: 4096, Width: 5120}

// Resolved is the tower with every default filled in.
func (t Tower) Resolved() Tower {
	t.TileSize = cmp.Or(t.TileSize, 84)
	t.PatchSize = cmp.Or(t.PatchSize, 14)
	t.Merge = cmp.Or(t.Merge, 2)
	t.Hidden = cmp.Or(t.Hidden, 32)
	t.Heads = cmp.Or(t.Heads, 2)
	t.FF = cmp.Or(t.FF, 64)
	t.Layers = cmp.Or(t.Layers, 2)
	t.Adapter = cmp.Or(t.Adapter, 40)
	t.Width = cmp.Or(t.Width, 256)
	t.Seed = cmp.Or(t.Seed, 1)
	return t
}

// Validate says what makes a resolved tower impossible to write.
func (t Tower) Validate() error {
	err := errors.Join(
		inRange("tile size", t.TileSize, 1, maxCount), inRange("patch size", t.PatchSize, 1, t.TileSize),
		inRange("merge", t.Merge, 1, t.TileSize/max(t.PatchSize, 1)), inRange("hidden", t.Hidden, 4, maxLength),
		inRange("heads", t.Heads, 1, t.Hidden), inRange("ff", t.FF, 1, maxLength), inRange("layers", t.Layers, 1, maxCount),
		inRange("adapter", t.Adapter, 1, maxLength), inRange("width", t.Width, 1, maxLength),
	)
	switch {
	case err != nil:
		return err
	case t.TileSize%(t.PatchSize*t.Merge) != 0:
		return fmt.Errorf("synth: a tile has %d pixels a side, want a multiple of %d patches of %d", t.TileSize, t.Merge, t.PatchSize)
	case t.Hidden%t.Heads != 0 || t.Hidden/t.Heads%4 != 0:
		return fmt.Errorf("synth: heads is %d, want a number that divides %d into multiples of 4", t.Heads, t.Hidden)
	case !t.Quant.Decodes():
		return fmt.Errorf("synth: type is %v, want one whose weights can be used", t.Quant)
	}
	return nil
}

// WriteTower writes the tower as one file.
func WriteTower(w io.Writer, t Tower) error {
	t = t.Resolved()
	if err := t.Validate(); err != nil {
		return err
	}
	f := file{keys: t.metadata(), tensors: t.tensors(clipNames)}
	if err := f.write(w, t.Seed, t.Fast); err != nil {
		return fmt.Errorf("synth: writing a tower: %w", err)
	}
	return nil
}

// TowerBytes is the file that WriteTower writes; it panics as Bytes does.
func TowerBytes(t Tower) []byte {
	var b bytes.Buffer
	if err := WriteTower(&b, t); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// metadata is the keys of a file of architecture clip.
func (t Tower) metadata() []key {
	v := "clip.vision."
	half := []float32{0.5, 0.5, 0.5}
	return []key{
		{"general.architecture", "clip"}, {"general.type", "mmproj"}, {"general.name", "synthetic"},
		{"clip.has_vision_encoder", true}, {"clip.projector_type", "llama4"}, {"clip.use_gelu", true},
		{v + "image_size", uint32(t.TileSize)}, {v + "patch_size", uint32(t.PatchSize)},
		{v + "embedding_length", uint32(t.Hidden)}, {v + "feed_forward_length", uint32(t.FF)},
		{v + "block_count", uint32(t.Layers)}, {v + "projection_dim", uint32(t.Width)},
		{v + "attention.head_count", uint32(t.Heads)}, {v + "attention.layer_norm_epsilon", float32(1e-5)},
		{v + "projector.scale_factor", uint32(t.Merge)}, {v + "image_mean", half}, {v + "image_std", half},
	}
}

// oneFileKeys is the same for a model with the tower inside.
func (t Tower) oneFileKeys() []key {
	v := "llama4.vision."
	return []key{
		{v + "image_size", uint32(t.TileSize)}, {v + "patch_size", uint32(t.PatchSize)},
		{v + "embedding_length", uint32(t.Hidden)}, {v + "feed_forward_length", uint32(t.FF)},
		{v + "block_count", uint32(t.Layers)}, {v + "attention.head_count", uint32(t.Heads)},
		{v + "layer_norm_epsilon", float32(1e-5)}, {v + "rope.freq_base", float32(10000)},
		{v + "pixel_shuffle_ratio", float32(1) / float32(t.Merge)},
	}
}

// towerNames is what a converter calls the tensors of a tower. Those of a block
// come after "v.blk.N.".
type towerNames struct {
	patch, class, position, pre, post       string
	ln1, q, k, v, out, ln2, up, down        string
	adapterFirst, adapterSecond, projection string
}

var (
	clipNames = towerNames{
		"v.patch_embd.weight", "v.class_embd", "v.position_embd.weight", "v.pre_ln", "v.post_ln",
		"ln1", "attn_q", "attn_k", "attn_v", "attn_out", "ln2", "ffn_up", "ffn_down",
		"mm.model.mlp.1.weight", "mm.model.mlp.2.weight", "mm.model.fc.weight",
	}
	oneFileNames = towerNames{
		"v.patch_embedding.weight", "v.class_embedding", "v.positional_embedding_vlm", "v.layernorm_pre", "v.layernorm_post",
		"attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "mlp.fc1", "mlp.fc2",
		"v.vision_adapter.mlp.fc1.weight", "v.vision_adapter.mlp.fc2.weight", "mm.linear_1.weight",
	}
)

// towerLayer is a part of a block: a matrix [out, in] with a bias, or a norm
// where in is 0.
type towerLayer struct {
	name    string
	out, in int
}

// tensors lists the tower's weights. Those of towers that were trained have such
// sizes too: learned positions of about 1/2, biases that show when they are missing.
func (t Tower) tensors(n towerNames) []tensor {
	const positions = 0.5
	l := &list{}
	side := t.TileSize / t.PatchSize
	patch := 3 * t.PatchSize * t.PatchSize
	l.vector(n.class, t.Hidden, 1, 0)
	l.matrix(n.patch, t.typeOf(patch), t.Hidden, patch)
	l.ts = append(l.ts, tensor{name: n.position, shape: []int{side*side + 1, t.Hidden}, typ: quant.F32, sd: positions})
	for _, name := range []string{n.pre, n.post} {
		l.towerLayer("", towerLayer{name, t.Hidden, 0}, t)
	}
	for i := range t.Layers {
		for _, p := range []towerLayer{
			{n.ln1, t.Hidden, 0}, {n.q, t.Hidden, t.Hidden}, {n.k, t.Hidden, t.Hidden}, {n.v, t.Hidden, t.Hidden}, {n.out, t.Hidden, t.Hidden},
			{n.ln2, t.Hidden, 0}, {n.up, t.FF, t.Hidden}, {n.down, t.Hidden, t.FF},
		} {
			l.towerLayer(fmt.Sprintf("v.blk.%d.", i), p, t)
		}
	}
	merged := t.Merge * t.Merge * t.Hidden
	l.matrix(n.adapterFirst, t.typeOf(merged), t.Adapter, merged)
	l.matrix(n.adapterSecond, t.typeOf(t.Adapter), t.Adapter, t.Adapter)
	l.matrix(n.projection, t.typeOf(t.Adapter), t.Width, t.Adapter)
	return l.ts
}

func (l *list) towerLayer(prefix string, p towerLayer, t Tower) {
	if p.in == 0 {
		l.vector(prefix+p.name+".weight", p.out, normDeviation, 1)
	} else {
		l.matrix(prefix+p.name+".weight", t.typeOf(p.in), p.out, p.in)
	}
	l.vector(prefix+p.name+".bias", p.out, biasDeviation, 0)
}

// typeOf is the type of a matrix with rows of n weights.
func (t Tower) typeOf(n int) quant.Type {
	if n%t.Quant.BlockSize() != 0 {
		return quant.F16
	}
	return t.Quant
}
