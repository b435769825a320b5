package programs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRepositoryIsFoundFromInside(t *testing.T) {
	root, err := Repository()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "bench", "internal", "programs", "programs.go")); err != nil {
		t.Error(err)
	}
}

func TestOutputTellsWhatWentWrong(t *testing.T) {
	out, err := Output("go", "env", "GOOS")
	if err != nil || strings.TrimSpace(out) == "" {
		t.Errorf("got %q and %v", out, err)
	}
	_, err = Output("go", "nonsense")
	if err == nil || !strings.Contains(err.Error(), "go help") {
		t.Errorf("got %v, want the last line the program wrote", err)
	}
}

func TestReadFloats(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.f32")
	if err := os.WriteFile(path, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFloats(path)
	if want := []float32{1, -2}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
	if err := os.WriteFile(path, []byte{1, 2, 3}, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFloats(path); err == nil {
		t.Error("three bytes were taken for floats")
	}
}
