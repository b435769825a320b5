package synth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"scout/engine/gguf"
	"scout/engine/quant"
)

// TestTowerReads reads a tower back: the tensors of Llama 4's, by name and shape.
func TestTowerReads(t *testing.T) {
	f, err := gguf.Parse("tower", TowerBytes(Tower{Quant: quant.Q8_0}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]struct {
		shape []int
		typ   quant.Type
	}{
		"v.class_embd": {[]int{32}, quant.F32}, "v.patch_embd.weight": {[]int{32, 588}, quant.F16}, "v.position_embd.weight": {[]int{37, 32}, quant.F32},
		"v.pre_ln.bias": {[]int{32}, quant.F32}, "v.blk.1.attn_out.weight": {[]int{32, 32}, quant.Q8_0}, "v.blk.0.ffn_up.bias": {[]int{64}, quant.F32},
		"v.blk.0.ffn_down.weight": {[]int{32, 64}, quant.Q8_0}, "mm.model.mlp.1.weight": {[]int{40, 128}, quant.Q8_0},
		"mm.model.mlp.2.weight": {[]int{40, 40}, quant.F16}, "mm.model.fc.weight": {[]int{256, 40}, quant.F16},
	} {
		got, ok := f.Tensor(name)
		if !ok || !slices.Equal(got.Shape, want.shape) || got.Type != want.typ {
			t.Errorf("%s is there: %v, shape %v of %v, want %v of %v", name, ok, got.Shape, got.Type, want.shape, want.typ)
		}
	}
	if n := len(f.Tensors()); n != 3+4+2*16+3 {
		t.Errorf("%d tensors, want %d", n, 3+4+2*16+3)
	}
	mean, ok := f.Floats("clip.vision.image_mean")
	if !ok || !slices.Equal(mean, []float64{0.5, 0.5, 0.5}) {
		t.Errorf("image_mean is %v", mean)
	}
	if n := len(ScoutTower.Resolved().tensors(clipNames)); n != 554 {
		t.Errorf("Scout's tower has %d tensors, want 554", n)
	}
}

// TestTowerBytesDoNotChange is TestBytesDoNotChange for towers.
func TestTowerBytesDoNotChange(t *testing.T) {
	sum := sha256.Sum256(TowerBytes(Tower{}))
	if got, want := hex.EncodeToString(sum[:6]), "7bbe4d9c71a3"; got != want {
		t.Errorf("sum begins with %s, want %s", got, want)
	}
}

func TestImpossibleTowersAreRefused(t *testing.T) {
	for _, c := range []struct {
		t    Tower
		want string
	}{
		{Tower{Heads: 3}, "heads is 3"}, {Tower{Hidden: 36, Heads: 6}, "multiples of 4"}, {Tower{PatchSize: 13}, "want a multiple of 2 patches of 13"},
		{Tower{Merge: 4}, "multiple of 4 patches"}, {Tower{Layers: -1}, "layers is -1"}, {Tower{Quant: quant.I8}, "type is I8"},
	} {
		if err := WriteTower(io.Discard, c.t); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error is %v, want %q", c.t, err, c.want)
		}
	}
	failing := errors.New("full")
	if err := WriteTower(failingWriter{failing}, Tower{}); !errors.Is(err, failing) {
		t.Errorf("error is %v, want %v", err, failing)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
