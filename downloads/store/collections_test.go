package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/downloads/transfer"
)

// FuzzOllamaManifest: whatever another program's manifest says, its digests can
// only be those of files in its folder.
func FuzzOllamaManifest(f *testing.F) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	for _, s := range []string{
		`{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:` + a + `","size":5},{"mediaType":"application/vnd.ollama.image.projector","digest":"sha256:` + b + `","size":1}]}`,
		`{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:../../x","size":5}]}`,
		`{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:` + a + `","size":-1}]}`,
		`{"layers":[{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:` + a + `","size":5}]}`,
		`{`, `[]`, `{"layers":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		layers := parseOllamaManifest(data)
		weights := 0
		for _, l := range layers {
			if (transfer.Blob{SHA256: l.digest, Size: l.size}).Check() != nil || strings.ContainsAny(l.digest, "/\\.") {
				t.Fatalf("a layer is %+v", l)
			}
			switch l.role {
			case Weights:
				weights++
			case Projector:
			default:
				t.Fatalf("a layer is %+v", l)
			}
		}
		if layers != nil && weights != 1 {
			t.Fatalf("%d files of weights", weights)
		}
	})
}

// A set is one folder with every part: of its size, of its digest where that
// is known, under names that differ in their numbers alone.
func TestSets(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	parts := []transfer.Blob{{SHA256: a, Size: 10}, {SHA256: b, Size: 20}}
	isPart := func(name string, i int) bool { return strings.HasSuffix(name, fmt.Sprintf("-%05d-of-00002.gguf", i+1)) }
	type file struct {
		path string
		size int
		tag  string // what the program noted as its digest
	}
	for name, c := range map[string]struct {
		files []file
		want  bool
	}{
		"whole":              {[]file{{"m-00001-of-00002.gguf", 10, ""}, {"m-00002-of-00002.gguf", 20, ""}}, true},
		"whole, with sums":   {[]file{{"m-00001-of-00002.gguf", 10, a}, {"m-00002-of-00002.gguf", 20, b}}, true},
		"one missing":        {[]file{{"m-00001-of-00002.gguf", 10, ""}}, false},
		"another size":       {[]file{{"m-00001-of-00002.gguf", 10, ""}, {"m-00002-of-00002.gguf", 21, ""}}, false},
		"another sum":        {[]file{{"m-00001-of-00002.gguf", 10, a}, {"m-00002-of-00002.gguf", 20, a}}, false},
		"other numbers":      {[]file{{"m-00002-of-00002.gguf", 10, ""}, {"m-00001-of-00002.gguf", 20, ""}}, false},
		"two models' parts":  {[]file{{"m-00001-of-00002.gguf", 10, ""}, {"n-00002-of-00002.gguf", 20, ""}}, false},
		"in several folders": {[]file{{"x/m-00001-of-00002.gguf", 10, ""}, {"y/m-00002-of-00002.gguf", 20, ""}}, false},
	} {
		home := t.TempDir()
		folder := filepath.Join(home, ".cache", "llama.cpp")
		for _, f := range c.files {
			p := filepath.Join(folder, filepath.FromSlash(f.path))
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, make([]byte, f.size), 0o644); err != nil {
				t.Fatal(err)
			}
			if f.tag != "" {
				if err := os.WriteFile(p+".etag", []byte(f.tag), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		sets := NewElsewhere(func(string) string { return "" }, home).Sets(parts, isPart)
		if (len(sets) == 1) != c.want || len(sets) > 1 {
			t.Errorf("%s: %+v", name, sets)
		}
	}
}
