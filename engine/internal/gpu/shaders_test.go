package gpu

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShadersAreCompiled holds the SPIR-V in the tree against the record of what
// it was compiled from: whoever changes a shader has to run go generate.
func TestShadersAreCompiled(t *testing.T) {
	record, err := os.ReadFile("shaders/compiled.txt")
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, pattern := range []string{"shaders/*.comp", "shaders/*.glsl"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		sources = append(sources, names...)
	}
	want := []string{"sources " + hashOf(t, sources)}
	for _, name := range sources {
		if base, ok := strings.CutSuffix(filepath.Base(name), ".comp"); ok {
			want = append(want, base+".spv "+hashOf(t, []string{"shaders/" + base + ".spv"}))
		}
	}
	for _, line := range want {
		if !strings.Contains(string(record), "\n"+line+"\n") {
			t.Errorf("shaders/compiled.txt has no line %q: run go generate ./engine/internal/gpu", line)
		}
	}
}

// hashOf is hash of gen_shaders.go.
func hashOf(t *testing.T, names []string) string {
	t.Helper()
	h := sha256.New()
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s %d\n", filepath.Base(name), len(data))
		h.Write(data)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
