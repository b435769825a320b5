package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"scout/bench/internal/routes"
)

func TestParseIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	if err := os.WriteFile(path, []byte("[4, 5,\n6]"), 0o666); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string][]llama.Token{"1,2, 3": {1, 2, 3}, "7": {7}, "@" + path: {4, 5, 6}} {
		if got, err := parseIDs(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %v and %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", " , ", "1,x", "1.5", "99999999999", "@" + path + "x"} {
		if got, err := parseIDs(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
}

// TestTinyScout lets llama.cpp say again what it said when the model was made,
// in one batch and in batches of three, and looks at the routes it records.
func TestTinyScout(t *testing.T) {
	if os.Getenv("YZMA_LIB") == "" {
		t.Skip("YZMA_LIB is not set: no llama.cpp to run (see bench/setup)")
	}
	runtime.LockOSThread()
	if err := loadLibrary(false); err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Conversations []struct {
			PromptIDs []llama.Token       `json:"prompt_ids"`
			Q8_0      struct{ IDs []int } `json:"llamacpp_Q8_0"`
		}
	}
	b, err := os.ReadFile("../../testdata/tiny-scout/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &expected); err != nil {
		t.Fatal(err)
	}
	c := expected.Conversations[0]
	for _, batch := range []int{0, 3} {
		o := options{routes: filepath.Join(t.TempDir(), "routes"), config: config{
			model: "../../testdata/models/tiny-scout-Q8_0.gguf", threads: 1, context: 128, batch: batch, kv: "f16", flash: true, repack: true}}
		s, err := loadModel(o.config)
		if err != nil {
			t.Fatal(err)
		}
		last, err := o.prompt(s, c.PromptIDs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := continueGreedily(s, last, len(c.PromptIDs), len(c.Q8_0.IDs))
		if err != nil || !slices.Equal(got, c.Q8_0.IDs) {
			t.Errorf("batch %d: the continuation is %v (%v), want %v", batch, got, err, c.Q8_0.IDs)
		}
		r, err := routes.Read(o.routes, len(c.PromptIDs))
		if err != nil || len(r.Layers) != 5 {
			t.Errorf("batch %d: routes of %d layers (%v), want 5", batch, len(r.Layers), err)
			continue
		}
		for _, l := range r.Layers {
			for i, logits := range l.Logits {
				if best := slices.Index(logits, slices.Max(logits)); int(l.Experts[i][0]) != best {
					t.Errorf("batch %d: layer %d sends token %d to expert %d, its logits say %d", batch, l.Layer, i, l.Experts[i][0], best)
				}
			}
		}
	}
}
