package model

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"scout/engine/quant"
	"scout/engine/tensor"
)

// header is metadata in a map.
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
	return v, ok
}

func (k keys) Bool(key string) (bool, bool)     { v, ok := k[key].(bool); return v, ok }
func (k keys) Ints(key string) ([]int64, bool)  { v, ok := k[key].([]int64); return v, ok }
func (k keys) String(key string) (string, bool) { v, ok := k[key].(string); return v, ok }

func (k keys) Len(key string) (int, bool) {
	v, ok := k[key].([]string)
	return len(v), ok
}

func (k keys) Place(key string) string {
	if !k.Has(key) {
		return ""
	}
	return "byte 7 of test"
}

// scout is the header of a Llama 4 in miniature.
func scout() keys {
	return keys{
		"general.architecture": "llama4", "llama4.block_count": 8, "llama4.embedding_length": 64,
		"llama4.attention.head_count": 4, "llama4.attention.head_count_kv": 2, "llama4.attention.key_length": 16,
		"llama4.context_length": 4096, "llama4.attention.layer_norm_rms_epsilon": 1e-5, "llama4.rope.freq_base": 5e5,
		"llama4.feed_forward_length": 96, "llama4.expert_feed_forward_length": 32, "llama4.expert_count": 4,
		"llama4.expert_used_count": 1, "llama4.vocab_size": 100,
	}
}

// weights are the shapes of that model's tensors.
func weights() map[string][]int {
	w := map[string][]int{"token_embd.weight": {100, 64}, "output.weight": {100, 64}, "output_norm.weight": {64}}
	for l := range 8 {
		maps.Copy(w, map[string][]int{
			block(l, "attn_norm.weight"): {64}, block(l, "ffn_norm.weight"): {64},
			block(l, "attn_q.weight"): {64, 64}, block(l, "attn_k.weight"): {32, 64}, block(l, "attn_v.weight"): {32, 64},
			block(l, "attn_output.weight"): {64, 64}, block(l, "ffn_gate_inp.weight"): {4, 64},
			block(l, "ffn_gate_exps.weight"): {4, 32, 64}, block(l, "ffn_up_exps.weight"): {4, 32, 64}, block(l, "ffn_down_exps.weight"): {4, 64, 32},
			block(l, "ffn_gate_shexp.weight"): {32, 64}, block(l, "ffn_up_shexp.weight"): {32, 64}, block(l, "ffn_down_shexp.weight"): {64, 32},
		})
	}
	return w
}

func source(w map[string][]int) Source {
	return func(name string) (*tensor.Weight, bool) {
		shape, ok := w[name]
		return &tensor.Weight{Name: name, Type: quant.F32, Shape: shape, Place: "byte 9 of test"}, ok
	}
}

// trace is the graph in a line per block: what an attention layer is made of.
func trace(g *tensor.Graph, layer int) string {
	var out []string
	for _, n := range g.Nodes {
		if n.Layer != layer {
			continue
		}
		name := strings.TrimPrefix(fmt.Sprintf("%T", n.Op), "tensor.")
		if a, ok := n.Op.(tensor.Attend); ok {
			name = fmt.Sprintf("Attend/%d", a.Chunk)
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestLlama4Layers(t *testing.T) {
	const (
		local   = "RMSNorm MatMul MatMul MatMul RoPE RoPE RMSNorm RMSNorm Attend/8192 MatMul Add"
		noQK    = "RMSNorm MatMul MatMul MatMul RoPE RoPE Attend/8192 MatMul Add"
		global  = "RMSNorm MatMul MatMul MatMul Temper Attend/0 MatMul Add"
		plain   = "RMSNorm MatMul MatMul MatMul RoPE RoPE RMSNorm RMSNorm Attend/0 MatMul Add"
		experts = " RMSNorm MatMul Route FFN ExpertFFN Add Add"
		dense   = " RMSNorm FFN Add"
	)
	everyOther := weights()
	for l := 0; l < 8; l += 2 {
		maps.DeleteFunc(everyOther, func(name string, _ []int) bool {
			return strings.HasPrefix(name, fmt.Sprintf("blk.%d.ffn_", l)) && !strings.Contains(name, "norm")
		})
		maps.Copy(everyOther, map[string][]int{
			block(l, "ffn_gate.weight"): {96, 64}, block(l, "ffn_up.weight"): {96, 64}, block(l, "ffn_down.weight"): {64, 96},
		})
	}
	for _, c := range []struct {
		name  string
		edit  keys
		from  map[string][]int
		block map[int]string
	}{
		{"Scout", nil, weights(), map[int]string{0: local + experts, 2: local + experts, 3: global + experts, 4: local + experts}},
		{"Maverick", keys{"llama4.use_qk_norm": false}, everyOther, map[int]string{0: noQK + dense, 1: noQK + experts, 3: global + experts}},
		{"no window", keys{"llama4.attention.sliding_window": 0}, weights(), map[int]string{0: plain + experts, 3: plain + experts}},
	} {
		md := scout()
		maps.Copy(md, c.edit)
		m, err := Build(md, source(c.from), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for l, want := range c.block {
			if got := trace(m.Graph, l); got != want {
				t.Errorf("%s, block %d:\n got %s\nwant %s", c.name, l, got, want)
			}
		}
	}
	if c, err := ReadConfig(scout()); err != nil || !c.QKNorm {
		t.Errorf("Scout: QK norm is %v, error %v", c.QKNorm, err)
	}
	md := scout()
	md["llama4.expert_count"] = 128
	if c, err := ReadConfig(md); err != nil || c.QKNorm {
		t.Errorf("128 experts: QK norm is %v, error %v", c.QKNorm, err)
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		key  string
		v    any // nil deletes
		want string
	}{
		{"no architecture", "general.architecture", nil, "general.architecture is missing"},
		{"another architecture", "general.architecture", "gpt2", `architecture is "gpt2", want one of`},
		{"no layers", "llama4.block_count", nil, "llama4.block_count is missing"},
		{"zero layers", "llama4.block_count", 0, "llama4.block_count at byte 7 of test is 0, want 1 to"},
		{"too many layers", "llama4.block_count", 1 << 40, "want 1 to"},
		{"text for a number", "llama4.embedding_length", "64", "is not a whole number"},
		{"no epsilon", "llama4.attention.layer_norm_rms_epsilon", nil, "epsilon is missing"},
		{"negative epsilon", "llama4.attention.layer_norm_rms_epsilon", -1.0, "want a positive number"},
		{"heads that do not divide", "llama4.attention.head_count_kv", 3, "want a divisor of the 4 heads"},
		{"odd head", "llama4.attention.key_length", 15, "want an even number"},
		{"values of another length", "llama4.attention.value_length", 8, "want 16"},
		{"partial rotation", "llama4.rope.dimension_count", 8, "want 16"},
		{"more experts used than there are", "llama4.expert_used_count", 5, "want at most the 4"},
		{"a router without experts", "llama4.expert_count", 0, "is 1, want at most the 0 experts"},
		{"more heads than activations have room for", "llama4.attention.head_count", 1 << 14, "want a product of at most"},
		{"more experts at a time than is cheap", "llama4.expert_used_count", 65, "want 1 to 64"},
		{"YaRN", "llama4.rope.scaling.type", "yarn", `is "yarn", which this program cannot run`},
		{"a scaling type that is no text", "llama4.rope.scaling.type", 1, "is not a text"},
		{"a scaling factor alone", "llama4.rope.scaling.factor", 4.0, "is 4, and this program cannot scale RoPE"},
		{"the old linear scale", "llama4.rope.scale_linear", 2.0, "is 2, and this program cannot scale RoPE"},
		{"another pattern of global blocks", "llama4.attention.sliding_window_pattern", 2, "is 2, want 4"},
		{"no vocabulary", "llama4.vocab_size", nil, "vocab_size is missing"},
		{"another width", "llama4.embedding_length", 128, "has shape [100 64], want [100 128]"},
	} {
		md := scout()
		md[c.key] = c.v
		if c.v == nil {
			delete(md, c.key)
		}
		if _, err := Build(md, source(weights()), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want it to contain %q", c.name, err, c.want)
		}
	}
}

// TestScalingThatDoesNothing accepts the values that mean no scaling.
func TestScalingThatDoesNothing(t *testing.T) {
	for key, v := range map[string]any{"llama4.rope.scaling.type": "none", "llama4.rope.scaling.factor": 1.0, "llama4.rope.scale_linear": 0} {
		md := scout()
		md[key] = v
		if _, err := ReadConfig(md); err != nil {
			t.Errorf("%s %v: %v", key, v, err)
		}
	}
	md := scout()
	md["llama4.rope.scaling.type"] = "linear"
	var unsupported *UnsupportedError
	if _, err := ReadConfig(md); !errors.As(err, &unsupported) {
		t.Errorf("linear scaling: error is %v, want an UnsupportedError", err)
	}
}

// TestWideExperts bounds what the experts of one token take, in the width of the
// model as in their own.
func TestWideExperts(t *testing.T) {
	for _, key := range []string{"llama4.embedding_length", "llama4.expert_feed_forward_length"} {
		md := scout()
		md["llama4.expert_count"], md["llama4.expert_used_count"], md[key] = 64, 64, 1<<17
		if _, err := ReadConfig(md); err == nil || !strings.Contains(err.Error(), "want a product of at most") {
			t.Errorf("%s of %d: error is %v", key, 1<<17, err)
		}
	}
}

// TestLocalBase takes the RoPE base of chunked blocks from its own key, and only
// where there are chunks.
func TestLocalBase(t *testing.T) {
	md := scout()
	md["llama4.rope.freq_base_swa"] = 77.0
	if c, err := ReadConfig(md); err != nil || c.RopeBaseLocal != 77 {
		t.Errorf("with chunks: base %v, error %v, want 77", c.RopeBaseLocal, err)
	}
	md["llama4.attention.sliding_window"] = 0
	if c, err := ReadConfig(md); err != nil || c.RopeBaseLocal != 5e5 {
		t.Errorf("without chunks: base %v, error %v, want 500000", c.RopeBaseLocal, err)
	}
}

// TestEveryWeightIsChecked takes each tensor away in turn, and bends each shape.
func TestEveryWeightIsChecked(t *testing.T) {
	router := func(name string) bool { return strings.HasSuffix(name, "ffn_gate_inp.weight") }
	for _, name := range slices.Sorted(maps.Keys(weights())) {
		w := weights()
		delete(w, name)
		// Without a router a block is dense, so its dense tensors are missed.
		want := name
		if router(name) {
			want = strings.Replace(name, "ffn_gate_inp", "ffn_gate", 1)
		}
		_, err := Build(scout(), source(w), nil)
		if name == "output.weight" { // tied to the embedding then
			if err != nil {
				t.Errorf("without %s: %v", name, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want+" is missing") {
			t.Errorf("without %s: error is %v", name, err)
		}
		w = weights()
		w[name] = append([]int{1}, w[name]...)
		if _, err := Build(scout(), source(w), nil); err == nil || !strings.Contains(err.Error(), name+" at byte 9 of test has shape") {
			t.Errorf("%s with another shape: error is %v", name, err)
		}
	}
}

func TestUnsupportedType(t *testing.T) {
	src := func(name string) (*tensor.Weight, bool) {
		w, ok := source(weights())(name)
		if name == "blk.2.attn_k.weight" {
			w.Type = quant.NVFP4
		}
		return w, ok
	}
	_, err := Build(scout(), src, nil)
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), "blk.2.attn_k.weight") || !strings.Contains(err.Error(), "NVFP4") {
		t.Errorf("error is %v, want an UnsupportedError with the tensor and its type", err)
	}
}

func TestExpertGroups(t *testing.T) {
	for _, c := range []struct {
		experts []tensor.Device
		want    string
	}{
		{nil, "[0] [[]]"},
		{[]tensor.Device{1, 1, 1, 1}, "[1] [[]]"},
		{[]tensor.Device{2, 0, 2}, "[0 2] [[1 3] [0 2]]"},
		{[]tensor.Device{-1, -1, -1, -1}, "[-1] [[]]"}, // for NewExecutor to refuse
	} {
		d, g := LayerPlacement{Experts: c.experts}.expertGroups(4)
		if got := fmt.Sprint(d, g); got != c.want {
			t.Errorf("%v: %s, want %s", c.experts, got, c.want)
		}
	}
}

// TestFusedQKV cuts a fused projection into its three.
func TestFusedQKV(t *testing.T) {
	w := weights()
	for l := range 8 {
		delete(w, block(l, "attn_q.weight"))
		delete(w, block(l, "attn_k.weight"))
		delete(w, block(l, "attn_v.weight"))
		w[block(l, "attn_qkv.weight")] = []int{128, 64}
	}
	m, err := Build(scout(), source(w), nil)
	if err != nil {
		t.Fatal(err)
	}
	var widths []int
	for _, n := range m.Graph.Nodes {
		if op, ok := n.Op.(tensor.MatMul); ok && n.Layer == 0 && strings.Contains(op.W.Name, "qkv") {
			widths = append(widths, op.W.Out())
		}
	}
	if !slices.Equal(widths, []int{64, 32, 32}) {
		t.Errorf("parts are %v rows, want [64 32 32]", widths)
	}
}
