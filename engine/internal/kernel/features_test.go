package kernel

import (
	"runtime"
	"slices"
	"testing"
)

// TestFeatures expects what builds on something to be listed only with it.
func TestFeatures(t *testing.T) {
	got := Features()
	for name, needs := range map[string]string{"AVX-VNNI": "AVX2", "AVX-512 VNNI": "AVX2", "AMX": "AVX-512 VNNI", "dot product": "NEON"} {
		if slices.Contains(got, name) && !slices.Contains(got, needs) {
			t.Errorf("got %v, with %s and without %s", got, name, needs)
		}
	}
	if slices.Contains(got, "NEON") && runtime.GOARCH != "arm64" || slices.Contains(got, "AVX2") && runtime.GOARCH != "amd64" {
		t.Errorf("got %v on %s", got, runtime.GOARCH)
	}
}
