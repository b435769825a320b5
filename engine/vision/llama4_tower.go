package vision

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"scout/engine/quant"
	"scout/engine/tensor"
)

// Llama 4's vision tower, after "The Llama 4 herd" and transformers'
// Llama4VisionModel: a ViT over one tile, whose patches are merged 2x2 and
// projected twice.
//
// Easy to get wrong:
//   - The class embedding comes last, not first, with the last row of the learned
//     positions. It takes part in attention and is dropped at the end.
//   - RoPE turns the first half of a head by the column and the second by the row,
//     both counted from 1; pairs are (2i, 2i+1). Pixtral has the halves the other
//     way round.
//   - Scores are divided by the root of the head dimension, which is 88.
//   - GELU is the exact one; so it is behind both layers of the adapter, whose second
//     layer is followed by a third, the projector, without.
//   - Tokens come row by row, and the four patches of one too. llama.cpp's are in
//     columns.
//   - q, k, v, output, both layers of the MLP and all norms have biases; the patch
//     embedding, adapter and projector have none.

// A convention is what one kind of converter calls the tensors of a tower.
type convention struct {
	patch, class, position string
	pre, post              string // norms, without .weight and .bias
	ln1, ln2               string // of a block
	output, up, down       string // of a block
	adapter                [2]string
	projector              string
}

var (
	// clipNames are those of files of architecture clip.
	clipNames = convention{
		patch: "v.patch_embd.weight", class: "v.class_embd", position: "v.position_embd.weight",
		pre: "v.pre_ln", post: "v.post_ln", ln1: "ln1", ln2: "ln2",
		output: "attn_out", up: "ffn_up", down: "ffn_down",
		adapter: [2]string{"mm.model.mlp.1.weight", "mm.model.mlp.2.weight"}, projector: "mm.model.fc.weight",
	}
	// oneFileNames are those of models with the tower inside, as Ollama converts
	// them.
	oneFileNames = convention{
		patch: "v.patch_embedding.weight", class: "v.class_embedding", position: "v.positional_embedding_vlm",
		pre: "v.layernorm_pre", post: "v.layernorm_post", ln1: "attn_norm", ln2: "ffn_norm",
		output: "attn_output", up: "mlp.fc1", down: "mlp.fc2",
		adapter: [2]string{"v.vision_adapter.mlp.fc1.weight", "v.vision_adapter.mlp.fc2.weight"}, projector: "mm.linear_1.weight",
	}
)

// llama4RopeBase is not in files of architecture clip.
const llama4RopeBase = 10000

// llama4Config is the hyper-parameters with the name of each one's key.
type llama4Config struct {
	TowerConfig
	*header
	tileSize, patchSize, heads, merge, ff string // keys
}

// llama4Clip reads the keys of a file of architecture clip.
func llama4Clip(md Metadata) llama4Config {
	h := &header{md: md}
	h.clipProjector()
	c := llama4Config{
		header:   h,
		tileSize: "clip.vision.image_size", patchSize: "clip.vision.patch_size", ff: "clip.vision.feed_forward_length",
		heads: "clip.vision.attention.head_count", merge: "clip.vision.projector.scale_factor",
	}
	c.Width = h.count("clip.vision.projection_dim", maxWidth)
	c.Inner = h.count("clip.vision.embedding_length", maxWidth)
	c.Layers = h.count("clip.vision.block_count", maxBlocks)
	c.Eps = h.positive("clip.vision.attention.layer_norm_epsilon")
	c.Merge = h.count(c.merge, maxMerge)
	c.Mean, c.Std = h.colour("clip.vision.image_mean", 0), h.colour("clip.vision.image_std", math.SmallestNonzeroFloat32)
	c.RopeBase = llama4RopeBase
	return c.finished()
}

// clipProjector refuses towers of other families, and other activations.
func (h *header) clipProjector() {
	key := "clip.projector_type"
	if !h.md.Has(key) && h.md.Has("clip.vision.projector_type") {
		key = "clip.vision.projector_type"
	}
	if !h.there(key) {
		return
	}
	switch p, ok := h.md.String(key); {
	case !ok:
		h.fail(key, "is not a text")
	case p != "llama4":
		h.unsupported(key, "is %q, want llama4: this program runs no other vision tower yet", p)
	case !h.flag("clip.has_vision_encoder"):
		h.fail("clip.has_vision_encoder", "is missing or false, want true")
	case h.flag("clip.use_silu"):
		h.unsupported("clip.use_silu", "is true, want clip.use_gelu, the activation of Llama 4")
	case !h.flag("clip.use_gelu"):
		h.unsupported("clip.use_gelu", "is missing or false, want true, the activation of Llama 4")
	}
}

// llama4OneFile reads the keys of a llama4 model with a tower inside.
func llama4OneFile(md Metadata) llama4Config {
	h := &header{md: md}
	c := llama4Config{
		header:   h,
		tileSize: "llama4.vision.image_size", patchSize: "llama4.vision.patch_size", ff: "llama4.vision.feed_forward_length",
		heads: "llama4.vision.attention.head_count", merge: "llama4.vision.pixel_shuffle_ratio",
	}
	c.Width = h.count("llama4.embedding_length", maxWidth)
	c.Inner = h.count("llama4.vision.embedding_length", maxWidth)
	c.Layers = h.count("llama4.vision.block_count", maxBlocks)
	c.Eps = h.positive("llama4.vision.layer_norm_epsilon")
	c.RopeBase = h.positive("llama4.vision.rope.freq_base")
	ratio := h.positive(c.merge)
	merge := math.Round(1 / float64(ratio))
	if !(merge >= 1 && merge <= maxMerge) || math.Abs(float64(ratio)*merge-1) > 1e-6 {
		h.fail(c.merge, "is %v, want 1 divided by a whole number up to %d", ratio, maxMerge)
		merge = 1
	}
	c.Merge = int(merge)
	// Not in such files; those of the model's own processor.
	c.Mean, c.Std = [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}
	return c.finished()
}

// finished reads what both kinds of files have and checks what belongs together.
func (c llama4Config) finished() llama4Config {
	c.Projector = "llama4"
	c.TileSize = c.count(c.tileSize, maxTileSize)
	c.PatchSize = c.count(c.patchSize, maxTileSize)
	c.FF = c.count(c.ff, maxWidth)
	c.Heads = c.count(c.heads, maxWidth)
	c.HeadDim = c.Inner / c.Heads
	side := c.TileSize / c.PatchSize
	switch {
	case c.TileSize%c.PatchSize != 0:
		c.fail(c.patchSize, "is %d, want a divisor of the %d pixels of a tile", c.PatchSize, c.TileSize)
	case c.Inner%c.Heads != 0 || c.HeadDim%4 != 0:
		c.fail(c.heads, "is %d, want as many heads as divide the width of %d into multiples of 4", c.Heads, c.Inner)
	case side%c.Merge != 0:
		c.fail(c.merge, "merges %d patches of a side, want a divisor of the %d of a tile", c.Merge, side)
	case side*side > maxPatches:
		c.fail(c.patchSize, "is %d, which cuts a tile into %d patches, want at most %d", c.PatchSize, side*side, maxPatches)
	}
	if wide := max(c.FF, c.Inner, c.Width, 3*c.PatchSize*c.PatchSize); (side*side+1)*wide > maxRowFloat {
		c.fail(c.ff, "is %d: the widest of %d rows of activations take %d numbers, want at most %d", c.FF, side*side+1, (side*side+1)*wide, maxRowFloat)
	}
	return c
}

// llama4Builder writes the graph. It keeps the first thing that was wrong with
// the file; its methods then return harmless values.
type llama4Builder struct {
	llama4Config
	convention
	g   *tensor.Graph
	src Source
}

func buildLlama4(c llama4Config, src Source, names convention, d tensor.Device) (*Tower, error) {
	if c.err != nil {
		return nil, c.err
	}
	side := c.TileSize / c.PatchSize
	t := &Tower{TowerConfig: c.TowerConfig, Graph: &tensor.Graph{}, order: gridOrder(side, c.Merge)}
	b := &llama4Builder{c, names, t.Graph, src}
	t.Graph.On(d, -1)
	x := b.patches(t.order, side)
	x = b.norm(x, b.pre)
	rope := b.rope()
	for l := range c.Layers {
		t.Graph.On(d, l)
		x = b.block(x, fmt.Sprintf("v.blk.%d.", l), rope)
		if b.err != nil {
			return nil, b.err // a file may claim many blocks and have none
		}
	}
	t.Graph.On(d, -1)
	x = b.norm(x, b.post)
	t.Graph.Result = b.project(t.Graph.Merge(x, c.Merge*c.Merge), t.Tokens())
	if b.err != nil {
		return nil, b.err
	}
	return t, nil
}

// patches is the embedding of patches and class, with their learned positions.
func (b *llama4Builder) patches(order []cell, side int) tensor.Value {
	n := len(order)
	x := b.g.Input(3 * b.PatchSize * b.PatchSize)
	x = b.g.MatMul(x, b.weight(b.patch, b.Inner, 3*b.PatchSize*b.PatchSize), nil)
	class, position := make([]int32, n+1), make([]int32, n+1)
	for i, c := range order {
		class[i], position[i] = -1, int32(c.y*side+c.x)
	}
	position[n] = int32(n)
	x = b.g.AddRows(x, b.weight(b.class, b.Inner), class)
	return b.g.AddRows(x, b.weight(b.position, n+1, b.Inner), position)
}

// rope turns the first half of a head by the column, the second by the row. The
// inverse frequencies are rounded to float32, as they are where models are
// trained.
func (b *llama4Builder) rope() tensor.RoPE2D {
	half := b.HeadDim / 2
	r := tensor.RoPE2D{HeadDim: b.HeadDim, Pairs: tensor.Interleaved}
	for axis := range uint8(2) {
		for i := range half / 2 {
			r.Freqs = append(r.Freqs, float32(1/math.Pow(float64(b.RopeBase), float64(2*i)/float64(half))))
			r.Axes = append(r.Axes, axis)
		}
	}
	return r
}

// block is one layer, whose tensors have the given prefix.
func (b *llama4Builder) block(x tensor.Value, prefix string, rope tensor.RoPE2D) tensor.Value {
	h := b.norm(x, prefix+b.ln1)
	q := b.g.RoPE2D(b.linear(h, prefix+"attn_q", b.Inner), rope)
	k := b.g.RoPE2D(b.linear(h, prefix+"attn_k", b.Inner), rope)
	v := b.linear(h, prefix+"attn_v", b.Inner)
	o := b.g.AttendSpan(q, k, v, tensor.AttendSpan{
		Heads: b.Heads, HeadDim: b.HeadDim, Scale: float32(1 / math.Sqrt(float64(b.HeadDim))),
	})
	x = b.g.Add(x, b.linear(o, prefix+b.output, b.Inner))
	h = b.g.GELU(b.linear(b.norm(x, prefix+b.ln2), prefix+b.up, b.FF))
	return b.g.Add(x, b.linear(h, prefix+b.down, b.Inner))
}

// project is the adapter and the projector, of the tokens of a tile.
func (b *llama4Builder) project(x tensor.Value, tokens int) tensor.Value {
	for _, name := range b.adapter {
		// The widths in between are in no key.
		w := b.weight(name, -1, b.g.Values[x].Width)
		if n := tokens * w.Out(); n > maxRowFloat {
			b.refuse("tensor %s at %s has %d rows, which for %d tokens make %d numbers, want at most %d", name, w.Place, w.Out(), tokens, n, maxRowFloat)
		}
		x = b.g.GELU(b.g.MatMul(x, w, nil))
	}
	return b.g.MatMul(x, b.weight(b.projector, b.Width, b.g.Values[x].Width), nil)
}

func (b *llama4Builder) norm(x tensor.Value, name string) tensor.Value {
	return b.g.LayerNorm(x, b.weight(name+".weight", b.Inner), b.weight(name+".bias", b.Inner), b.Eps)
}

// linear is a product with a bias.
func (b *llama4Builder) linear(x tensor.Value, name string, out int) tensor.Value {
	return b.g.MatMul(x, b.weight(name+".weight", out, b.g.Values[x].Width), b.weight(name+".bias", out))
}

// weight is the tensor name, which must have the given shape, outermost first;
// -1 takes any size up to maxWidth.
func (b *llama4Builder) weight(name string, shape ...int) *tensor.Weight {
	w, ok := b.src(name)
	switch {
	case !ok:
		b.refuse("tensor %s is missing, want shape %s", name, shapeText(shape))
	case !fits(w.Shape, shape):
		b.refuse("tensor %s at %s has shape %v, want %s", name, w.Place, w.Shape, shapeText(shape))
	case !w.Type.Decodes():
		if b.err == nil {
			b.err = &UnsupportedError{fmt.Sprintf("tensor %s at %s is of type %v, which this program cannot run", name, w.Place, w.Type)}
		}
	default:
		return w
	}
	stand := slices.Clone(shape)
	for i := range stand {
		stand[i] = max(stand[i], 1)
	}
	return &tensor.Weight{Name: name, Type: quant.F32, Shape: stand}
}

// refuse keeps the first error.
func (b *llama4Builder) refuse(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("vision: "+format, args...)
	}
}

func fits(got, want []int) bool {
	return slices.EqualFunc(got, want, func(g, w int) bool { return g == w || w == -1 && g <= maxWidth })
}

func shapeText(shape []int) string { return strings.ReplaceAll(fmt.Sprint(shape), "-1", "any") }
