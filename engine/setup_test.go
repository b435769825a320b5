package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestSetup expects a model to know itself under another name and in memory, and to
// tell itself from another quantization, from one byte more in the template, and from
// another cache.
func TestSetup(t *testing.T) {
	dir := filepath.Join("..", "testdata", "models")
	path := filepath.Join(dir, "tiny-scout-Q8_0.gguf")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	setup := func(m *Model, err error) Setup {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s, err := m.Setup()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ctx := context.Background()
	same := setup(Open(ctx, path, Options{Context: 64, Threads: 1}))
	if again := setup(OpenEmbedded(ctx, "copy", data, Options{Context: 64, Threads: 2})); again != same {
		t.Errorf("a copy with more threads has %+v, want %+v", again, same)
	}
	if len(same.Identity) != 64 || same.KV != "f16" || same.Kernels == "" || same.Tower != "" || same.MostTiles != 0 || same.Devices != "" {
		t.Errorf("the setup is %+v", same)
	}
	seeing := setup(Open(ctx, path, Options{Context: 64, KV: "q8_0", MostTiles: 4, Tower: filepath.Join(dir, "mmproj-tiny-scout.gguf")}))
	if seeing.KV != "q8_0" || seeing.MostTiles != 4 || len(seeing.Tower) != 64 || seeing.Identity != same.Identity {
		t.Errorf("with a tower: %+v", seeing)
	}
	m, err := Open(ctx, path, Options{Context: 64})
	if err != nil {
		t.Fatal(err)
	}
	tensors := m.file.Tensors()
	m.Close()
	if _, err := m.Setup(); !errors.Is(err, ErrClosed) {
		t.Errorf("of a closed model: %v", err)
	}
	last := tensors[len(tensors)-1]
	for name, change := range map[string]func(b []byte){
		"a weight":         func(b []byte) { b[last.Offset] ^= 1 },
		"the last weight":  func(b []byte) { b[len(b)-1] ^= 1 },
		"a template":       func(b []byte) { b[bytes.Index(b, []byte("add_generation_prompt"))] = 'q' },
		"a token's letter": func(b []byte) { b[bytes.Index(b, []byte("triangle"))] = 'q' },
	} {
		other := bytes.Clone(data)
		change(other)
		m, err := OpenEmbedded(ctx, "other", other, Options{Context: 64, Threads: 1})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s := setup(m, nil); s.Identity == same.Identity {
			t.Errorf("%s is another, and the identity is the same", name)
		}
	}
}
