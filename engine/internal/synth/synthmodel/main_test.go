package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"scout/engine/internal/synth"
	"scout/engine/quant"
)

func TestFlagsWriteTheirShape(t *testing.T) {
	out := filepath.Join(t.TempDir(), "m.gguf")
	var stdout bytes.Buffer
	args := "-hidden 256 -hd 64 -ff 256 -experts 2 -vocab 300 -quant q4_k -qdown q6_k -set attn_k=q5_1 -set token_embd=f32 -decisive -json -o " + out
	if err := run(strings.Fields(args), &stdout); err != nil {
		t.Fatal(err)
	}
	want := synth.Shape{Layers: 4, Hidden: 256, HeadDim: 64, FF: 256, Experts: 2, Vocab: 300, Quant: quant.Q4_K, Down: quant.Q6_K, Output: quant.Q6_K,
		Types: map[string]quant.Type{"attn_k": quant.Q5_1, "token_embd": quant.F32}, Decisive: true}.Resolved()
	var got synth.Shape
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the shape is %+v, want %+v", got, want)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, synth.Bytes(want)) {
		t.Error("the file is not that of the shape")
	}
	// What -json printed gives the same shape again.
	stored := filepath.Join(t.TempDir(), "shape.json")
	if err := os.WriteFile(stored, stdout.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	first := stdout.String()
	stdout.Reset()
	if err := run([]string{"-shape", stored, "-json"}, &stdout); err != nil || stdout.String() != first {
		t.Errorf("-shape gives %s (%v), want %s", &stdout, err, first)
	}
}

func TestPartsAreWritten(t *testing.T) {
	dir := t.TempDir()
	if err := run([]string{"-split", "2", "-hidden", "256", "-ff", "256", "-vocab", "300", "-o", filepath.Join(dir, "m.gguf")}, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "m-0000?-of-00002.gguf"))
	if err != nil || len(names) != 2 {
		t.Errorf("the files are %v (%v), want two parts", names, err)
	}
}

func TestTowerIsWritten(t *testing.T) {
	out := filepath.Join(t.TempDir(), "mmproj.gguf")
	args := "tower -tile 28 -patch 7 -merge 2 -hidden 24 -heads 3 -ff 40 -layers 1 -adapter 16 -width 20 -quant f16 -o " + out
	if err := run(strings.Fields(args), new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want := synth.Tower{TileSize: 28, PatchSize: 7, Hidden: 24, Heads: 3, FF: 40, Layers: 1, Adapter: 16, Width: 20, Quant: quant.F16}
	if !bytes.Equal(b, synth.TowerBytes(want)) {
		t.Error("the file is not that of the shape")
	}
}

func TestMistakesAreRefused(t *testing.T) {
	for _, args := range []string{"-quant q9", "-set attn_k", "-set attn_k=", "-hidden 100", "-arch gpt2", "-shape nowhere.json", "-nonsense",
		"tower -heads 3", "tower -quant q9", "tower -nonsense", "tower -o nowhere/mmproj.gguf"} {
		if err := run(strings.Fields(args), new(bytes.Buffer)); err == nil {
			t.Errorf("%s was taken", args)
		}
	}
}

func TestTypesAreListed(t *testing.T) {
	var stdout bytes.Buffer
	if err := run([]string{"-types"}, &stdout); err != nil {
		t.Fatal(err)
	}
	if got, want := len(strings.Fields(stdout.String())), len(quant.Types()); got != want {
		t.Errorf("%d types, want %d", got, want)
	}
}
