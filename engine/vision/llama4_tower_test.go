package vision

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"scout/engine/quant"
	"scout/engine/tensor"
)

// keys is metadata in a map.
type keys map[string]any

func (k keys) Has(key string) bool { _, ok := k[key]; return ok }

func (k keys) Uint(key string) (uint64, bool) {
	v, ok := k[key].(int)
	return uint64(v), ok && v >= 0
}

func (k keys) Float(key string) (float64, bool) {
	if v, ok := k[key].(int); ok {
		return float64(v), true
	}
	v, ok := k[key].(float64)
	return v, ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

func (k keys) Floats(key string) ([]float64, bool) { v, ok := k[key].([]float64); return v, ok }
func (k keys) Bool(key string) (bool, bool)        { v, ok := k[key].(bool); return v, ok }
func (k keys) String(key string) (string, bool)    { v, ok := k[key].(string); return v, ok }

func (k keys) Place(key string) string {
	if !k.Has(key) {
		return ""
	}
	return "byte 7 of test"
}

// clip is the header of a tower in miniature: 4 x 4 patches of 2 x 2 pixels.
func clip() keys {
	half := []float64{0.5, 0.5, 0.5}
	return keys{
		"general.architecture": "clip", "clip.has_vision_encoder": true, "clip.projector_type": "llama4", "clip.use_gelu": true,
		"clip.vision.image_size": 8, "clip.vision.patch_size": 2, "clip.vision.embedding_length": 24, "clip.vision.feed_forward_length": 20,
		"clip.vision.block_count": 2, "clip.vision.projection_dim": 40, "clip.vision.attention.head_count": 3,
		"clip.vision.attention.layer_norm_epsilon": 1e-5, "clip.vision.projector.scale_factor": 2,
		"clip.vision.image_mean": half, "clip.vision.image_std": half,
	}
}

// oneFile is the same inside a llama4 model.
func oneFile() keys {
	return keys{
		"general.architecture": "llama4", "llama4.embedding_length": 40,
		"llama4.vision.image_size": 8, "llama4.vision.patch_size": 2, "llama4.vision.embedding_length": 24, "llama4.vision.feed_forward_length": 20,
		"llama4.vision.block_count": 2, "llama4.vision.attention.head_count": 3, "llama4.vision.layer_norm_epsilon": 1e-5,
		"llama4.vision.rope.freq_base": 10000.0, "llama4.vision.pixel_shuffle_ratio": 0.5,
	}
}

type shapes map[string][]int

// clipShapes are the shapes of that tower's tensors.
func clipShapes() shapes {
	s := shapes{
		"v.class_embd": {24}, "v.patch_embd.weight": {24, 12}, "v.position_embd.weight": {17, 24},
		"mm.model.mlp.1.weight": {30, 96}, "mm.model.mlp.2.weight": {28, 30}, "mm.model.fc.weight": {40, 28},
	}
	s.pair("v.pre_ln", 24)
	s.pair("v.post_ln", 24)
	for l := range 2 {
		p := fmt.Sprintf("v.blk.%d.", l)
		for name, shape := range map[string][]int{
			"ln1": {24}, "ln2": {24}, "attn_q": {24, 24}, "attn_k": {24, 24}, "attn_v": {24, 24}, "attn_out": {24, 24}, "ffn_up": {20, 24}, "ffn_down": {24, 20},
		} {
			s.pair(p+name, shape...)
		}
	}
	return s
}

// pair is a matrix or a norm with its bias.
func (s shapes) pair(name string, shape ...int) {
	s[name+".weight"], s[name+".bias"] = shape, shape[:1]
}

// oneFileShapes are the same under the names of one-file models.
func oneFileShapes() shapes {
	out := shapes{}
	for name, shape := range clipShapes() {
		for old, now := range map[string]string{
			"v.class_embd": "v.class_embedding", "patch_embd": "patch_embedding", "position_embd.weight": "positional_embedding_vlm",
			"pre_ln": "layernorm_pre", "post_ln": "layernorm_post", "ln1": "attn_norm", "ln2": "ffn_norm", "attn_out": "attn_output",
			"ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2", "mm.model.mlp.1": "v.vision_adapter.mlp.fc1", "mm.model.mlp.2": "v.vision_adapter.mlp.fc2",
			"mm.model.fc": "mm.linear_1",
		} {
			name = strings.Replace(name, old, now, 1)
		}
		out[name] = shape
	}
	return out
}

func (s shapes) source(asked map[string]bool) Source {
	return func(name string) (*tensor.Weight, bool) {
		shape, ok := s[name]
		asked[name] = true
		return &tensor.Weight{Name: name, Type: quant.F32, Shape: shape, Place: "byte 9 of test"}, ok
	}
}

// TestBuildTower builds the tower under both conventions. The graphs must be the
// same but for names, and ask for every tensor.
func TestBuildTower(t *testing.T) {
	for name, c := range map[string]struct {
		md     keys
		shapes shapes
	}{"clip": {clip(), clipShapes()}, "one file": {oneFile(), oneFileShapes()}} {
		asked := map[string]bool{}
		tower, err := BuildTower(c.md, c.shapes.source(asked), 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for tensor := range c.shapes {
			if !asked[tensor] {
				t.Errorf("%s: tensor %s is not used", name, tensor)
			}
		}
		want := TowerConfig{
			Projector: "llama4", TileSize: 8, PatchSize: 2, Width: 40, Inner: 24, FF: 20, Layers: 2, Heads: 3, HeadDim: 8, Merge: 2,
			Eps: 1e-5, RopeBase: 10000, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5},
		}
		if tower.TowerConfig != want {
			t.Errorf("%s: the configuration is %+v, want %+v", name, tower.TowerConfig, want)
		}
		if tower.Rows() != 17 || tower.Patches() != 16 || tower.Tokens() != 4 || tower.Limits(3) != (tensor.Limits{Tokens: 51, Outputs: 12}) {
			t.Errorf("%s: %d rows, %d patches, %d tokens, limits %v", name, tower.Rows(), tower.Patches(), tower.Tokens(), tower.Limits(3))
		}
		var trace []string
		for _, n := range tower.Graph.Nodes {
			op := strings.TrimPrefix(fmt.Sprintf("%T", n.Op), "tensor.")
			if m, ok := n.Op.(tensor.MatMul); ok && m.Bias != nil {
				op = "Linear"
			}
			trace = append(trace, fmt.Sprintf("%s/%d", op, n.Layer))
			if n.Device != 3 {
				t.Errorf("%s: %s is on device %d, want 3", name, op, n.Device)
			}
		}
		const layer = "LayerNorm/N Linear/N RoPE2D/N Linear/N RoPE2D/N Linear/N AttendSpan/N Linear/N Add/N LayerNorm/N Linear/N GELU/N Linear/N Add/N "
		graph := "Input/-1 MatMul/-1 AddRows/-1 AddRows/-1 LayerNorm/-1 " + strings.ReplaceAll(layer, "N ", "0 ") + strings.ReplaceAll(layer, "N ", "1 ") +
			"LayerNorm/-1 Merge/-1 MatMul/-1 GELU/-1 MatMul/-1 GELU/-1 MatMul/-1"
		if got := strings.Join(trace, " "); got != graph {
			t.Errorf("%s: the graph is\n%s\nwant\n%s", name, got, graph)
		}
	}
}

// TestBatch draws where every pixel of two tiles goes, and which rows become
// which token.
func TestBatch(t *testing.T) {
	tower, err := BuildTower(clip(), clipShapes().source(map[string]bool{}), tensor.CPU)
	if err != nil {
		t.Fatal(err)
	}
	b := tower.Batch(2)
	tile := make([]float32, 3*8*8)
	for i := range tile {
		tile[i] = float32(i + 1)
	}
	tower.Unfold(b, 1, tile)
	if slices.ContainsFunc(b.Embeds[:17*12], func(x float32) bool { return x != 0 }) {
		t.Error("the second tile's pixels are in the first's rows")
	}
	second := b.Embeds[17*12:]
	for j := range 4 { // tokens, row by row
		for i := range 4 { // their patches, row by row
			row := 4*j + i
			x, y := j%2*2+i%2, j/2*2+i/2
			if got, want := b.Places[17+row], [2]int32{int32(x) + 1, int32(y) + 1}; got != want {
				t.Errorf("row %d is at %v, want %v", row, got, want)
			}
			var want []float32
			for c := range 3 {
				for ky := range 2 {
					for kx := range 2 {
						want = append(want, tile[c*64+(2*y+ky)*8+2*x+kx])
					}
				}
			}
			if got := second[row*12 : (row+1)*12]; !slices.Equal(got, want) {
				t.Errorf("row %d holds %v, want %v", row, got, want)
			}
		}
	}
	if class := second[16*12:]; slices.ContainsFunc(class, func(x float32) bool { return x != 0 }) || b.Places[16] != [2]int32{} || b.Places[33] != [2]int32{} {
		t.Errorf("the class embedding's row holds %v, and is at %v and %v", class, b.Places[16], b.Places[33])
	}
	if want := []int32{0, 4, 8, 12, 17, 21, 25, 29}; !slices.Equal(b.Outputs, want) {
		t.Errorf("tokens begin with rows %v, want %v", b.Outputs, want)
	}
	if want := []int32{17, 34}; !slices.Equal(b.Spans[0], want) {
		t.Errorf("tiles end at rows %v, want %v", b.Spans[0], want)
	}
}

// TestTables looks at what the graph has in tables: which learned position each
// row gets, and by which coordinate and how fast each pair of a head turns.
func TestTables(t *testing.T) {
	tower, err := BuildTower(clip(), clipShapes().source(map[string]bool{}), tensor.CPU)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, n := range tower.Graph.Nodes {
		switch op := n.Op.(type) {
		case tensor.AddRows:
			want := append(slices.Repeat([]int32{-1}, 16), 0)
			if op.W.Name == "v.position_embd.weight" {
				want = []int32{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 16}
			}
			if !slices.Equal(op.Index, want) {
				t.Errorf("%s: rows are %v, want %v", op.W.Name, op.Index, want)
			}
			seen[op.W.Name] = true
		case tensor.RoPE2D:
			if !slices.Equal(op.Axes, []uint8{0, 0, 1, 1}) || !slices.Equal(op.Freqs, []float32{1, 0.01, 1, 0.01}) || op.Pairs != tensor.Interleaved {
				t.Errorf("pairs turn by axes %v, frequencies %v, pairing %v", op.Axes, op.Freqs, op.Pairs)
			}
			seen["rope"] = true
		case tensor.AttendSpan:
			if want := float32(1 / math.Sqrt(8)); op.Scale != want || op.Heads != 3 || op.HeadDim != 8 || op.Spans != 0 {
				t.Errorf("attention is %+v, want 3 heads of 8 with a scale of %v", op, want)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("found %v, want class, positions and rope", seen)
	}
}

// change edits a header or the shapes: nil deletes.
func change(name string, v any) (keys, shapes) {
	k, s := clip(), clipShapes()
	if strings.HasPrefix(name, "llama4") {
		k, s = oneFile(), oneFileShapes()
	}
	if _, tensor := s[name]; tensor {
		s[name], _ = v.([]int)
		if v == nil {
			delete(s, name)
		}
		return k, s
	}
	k[name] = v
	if v == nil {
		delete(k, name)
	}
	return k, s
}

func TestBuildTowerRefuses(t *testing.T) {
	const v = "clip.vision."
	for _, c := range []struct {
		name        string
		what        string // key or tensor
		v           any
		want        string
		unsupported bool
	}{
		{"no architecture", "general.architecture", nil, "general.architecture is missing", false},
		{"a text model", "general.architecture", "llama", `architecture is "llama", and there is no vision tower inside`, true},
		{"no encoder", "clip.has_vision_encoder", nil, "clip.has_vision_encoder is missing or false", false},
		{"no projector", "clip.projector_type", nil, "clip.projector_type is missing", false},
		{"another projector", "clip.projector_type", "pixtral", `clip.projector_type at byte 7 of test is "pixtral", want llama4`, true},
		{"a projector by number", "clip.projector_type", 4, "is not a text", false},
		{"another activation", "clip.use_gelu", nil, "clip.use_gelu is missing or false", true},
		{"two activations", "clip.use_silu", true, "clip.use_silu at byte 7 of test is true", true},
		{"a flag that is none", "clip.use_gelu", 1, "clip.use_gelu at byte 7 of test is not a bool", false},
		{"no blocks", v + "block_count", 0, "clip.vision.block_count at byte 7 of test is 0, want 1 to 1024", false},
		{"too many blocks", v + "block_count", 1 << 40, "want 1 to 1024", false},
		{"more blocks than there are", v + "block_count", 3, "tensor v.blk.2.ln1.weight is missing, want shape [24]", false},
		{"no block count", v + "block_count", nil, "clip.vision.block_count is missing", false},
		{"no tile size", v + "image_size", nil, "clip.vision.image_size is missing", false},
		{"a huge tile", v + "image_size", 1 << 20, "want 1 to 4096", false},
		{"too many patches", v + "image_size", 4096, "cuts a tile into 4194304 patches, want at most 16384", false},
		{"a patch size of zero", v + "patch_size", 0, "want 1 to", false},
		{"patches that do not fit", v + "patch_size", 3, "clip.vision.patch_size at byte 7 of test is 3, want a divisor of the 8 pixels", false},
		{"a merge that does not fit", v + "projector.scale_factor", 3, "merges 3 patches of a side, want a divisor of the 4", false},
		{"no merge", v + "projector.scale_factor", nil, "clip.vision.projector.scale_factor is missing", false},
		{"heads that do not divide", v + "attention.head_count", 5, "clip.vision.attention.head_count at byte 7 of test is 5", false},
		{"heads of two", v + "attention.head_count", 12, "multiples of 4", false},
		{"no width", v + "embedding_length", nil, "clip.vision.embedding_length is missing", false},
		{"text for a width", v + "embedding_length", "24", "is not a whole number", false},
		{"no projection", v + "projection_dim", nil, "clip.vision.projection_dim is missing", false},
		{"no feed-forward length", v + "feed_forward_length", nil, "clip.vision.feed_forward_length is missing", false},
		{"a huge feed-forward length", v + "feed_forward_length", 1 << 20, "want 1 to 131072", false},
		{"no eps", v + "attention.layer_norm_epsilon", nil, "layer_norm_epsilon is missing", false},
		{"NaN for eps", v + "attention.layer_norm_epsilon", math.NaN(), "layer_norm_epsilon at byte 7 of test is not a finite number", false},
		{"zero eps", v + "attention.layer_norm_epsilon", 0.0, "want a positive number", false},
		{"an eps that is zero as float32", v + "attention.layer_norm_epsilon", 1e-60, "want a positive number", false},
		{"no mean", v + "image_mean", nil, "clip.vision.image_mean is missing", false},
		{"two means", v + "image_mean", []float64{0.5, 0.5}, "is not an array of 3 numbers", false},
		{"NaN in the deviations", v + "image_std", []float64{0.5, 0.5, math.NaN()}, "has NaN at index 2", false},
		{"a deviation of zero", v + "image_std", []float64{0.5, 0, 0.5}, "has 0 at index 1", false},

		{"no class embedding", "v.class_embd", nil, "tensor v.class_embd is missing, want shape [24]", false},
		{"positions of another grid", "v.position_embd.weight", []int{16, 24}, "tensor v.position_embd.weight at byte 9 of test has shape [16 24], want [17 24]", false},
		{"a patch embedding in four dimensions", "v.patch_embd.weight", []int{24, 3, 2, 2}, "has shape [24 3 2 2], want [24 12]", false},
		{"no bias", "v.blk.1.attn_k.bias", nil, "tensor v.blk.1.attn_k.bias is missing", false},
		{"a norm of another width", "v.post_ln.weight", []int{23}, "v.post_ln.weight at byte 9 of test has shape [23], want [24]", false},
		{"an adapter of another width", "mm.model.mlp.2.weight", []int{28, 31}, "mm.model.mlp.2.weight at byte 9 of test has shape [28 31], want [any 30]", false},
		{"an absurd adapter", "mm.model.mlp.1.weight", []int{1 << 40, 96}, "mm.model.mlp.1.weight at byte 9 of test has shape", false},
		{"another projection", "mm.model.fc.weight", []int{41, 28}, "has shape [41 28], want [40 28]", false},

		{"one file of another family", "llama4.vision.block_count", nil, `architecture is "llama4", and there is no vision tower inside`, true},
		{"one file without a base", "llama4.vision.rope.freq_base", nil, "llama4.vision.rope.freq_base is missing", false},
		{"an odd ratio", "llama4.vision.pixel_shuffle_ratio", 0.4, "is 0.4, want 1 divided by a whole number", false},
		{"a ratio above one", "llama4.vision.pixel_shuffle_ratio", 3.0, "want 1 divided by a whole number", false},
		{"a tiny ratio", "llama4.vision.pixel_shuffle_ratio", 1e-9, "want 1 divided by a whole number", false},
	} {
		md, shapes := change(c.what, c.v)
		_, err := BuildTower(md, shapes.source(map[string]bool{}), tensor.CPU)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want it to contain %q", c.name, err, c.want)
			continue
		}
		var unsupported *UnsupportedError
		if errors.As(err, &unsupported) != c.unsupported {
			t.Errorf("%s: error %q is an UnsupportedError: %v, want %v", c.name, err, !c.unsupported, c.unsupported)
		}
	}
	other := keys{"general.architecture": "qwen25vl", "qwen25vl.vision.block_count": 2}
	if _, err := BuildTower(other, nil, tensor.CPU); err == nil || !strings.Contains(err.Error(), `"qwen25vl"`) {
		t.Errorf("another family's tower: error is %v", err)
	}
}

// TestManyActivations refuses a small file that asks for activations of many GB.
func TestManyActivations(t *testing.T) {
	md, s := clip(), clipShapes()
	md["clip.vision.image_size"], md["clip.vision.feed_forward_length"] = 256, 1<<16
	s["v.position_embd.weight"] = []int{1<<14 + 1, 24}
	for l := range 2 {
		s.pair(fmt.Sprintf("v.blk.%d.ffn_up", l), 1<<16, 24)
		s.pair(fmt.Sprintf("v.blk.%d.ffn_down", l), 24, 1<<16)
	}
	if _, err := BuildTower(md, s.source(map[string]bool{}), tensor.CPU); err == nil || !strings.Contains(err.Error(), "feed_forward_length") {
		t.Errorf("a wide middle: error is %v", err)
	}
	md, s = clip(), clipShapes()
	md["clip.vision.image_size"] = 256
	s["v.position_embd.weight"] = []int{1<<14 + 1, 24}
	s["mm.model.mlp.1.weight"] = []int{1 << 16, 96}
	s["mm.model.mlp.2.weight"] = []int{28, 1 << 16}
	if _, err := BuildTower(md, s.source(map[string]bool{}), tensor.CPU); err == nil || !strings.Contains(err.Error(), "mm.model.mlp.1.weight") {
		t.Errorf("a wide adapter: error is %v", err)
	}
}

func TestInTower(t *testing.T) {
	for _, c := range []struct {
		md   keys
		name string
		want bool
	}{{clip(), "anything", true}, {oneFile(), "blk.0.attn_q.weight", false}, {oneFile(), "v.x", true}, {oneFile(), "mm.x", true}} {
		if got := InTower(c.md, c.name); got != c.want {
			t.Errorf("%v in %v: %v", c.name, c.md["general.architecture"], got)
		}
	}
	if md := maps.Clone(oneFile()); !HasTower(md) || HasTower(keys{"general.architecture": "llama4"}) || !HasTower(clip()) || HasTower(keys{}) {
		t.Error("HasTower is wrong")
	}
}
