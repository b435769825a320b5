package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scout/engine/gguf/gguftest"
	"scout/engine/quant"
)

// threeParts are the parts of a sound set: metadata in the first, other
// alignments in the others.
func threeParts() []*gguftest.Builder {
	parts := []*gguftest.Builder{new(gguftest.Builder), {Alignment: 64}, {Alignment: 8}}
	parts[0].Key("general.architecture", "llama4")
	for no, b := range parts {
		b.Split(no, 3, 4)
		b.Tensor(gguftest.Tensor{Name: fmt.Sprintf("t%d", no), Type: quant.F32, Shape: []int{no + 1, 3}})
	}
	parts[2].Tensor(gguftest.Tensor{Name: "last", Type: quant.Q8_0, Shape: []int{2, 32}})
	return parts
}

// writeSet writes parts as the files of one set and returns their paths.
func writeSet(t *testing.T, dir string, parts []*gguftest.Builder) []string {
	t.Helper()
	paths := make([]string, len(parts))
	for no, b := range parts {
		paths[no] = b.Build(t).Write(dir, fmt.Sprintf("model-%05d-of-%05d.gguf", no+1, len(parts)))
	}
	return paths
}

func TestSplitSetOpensThroughAnyPart(t *testing.T) {
	paths := writeSet(t, t.TempDir(), threeParts())
	for no, path := range paths {
		f, err := Open(path)
		if err != nil {
			t.Fatalf("through part %d: %v", no+1, err)
		}
		if !slices.Equal(f.Paths(), paths) || f.Path() != paths[0] {
			t.Errorf("through part %d: files %q, want %q", no+1, f.Paths(), paths)
		}
		if arch, _ := f.String("general.architecture"); arch != "llama4" {
			t.Errorf("through part %d: architecture %q", no+1, arch)
		}
		if n, _ := f.Uint("split.no"); n != 0 || f.Has("general.alignment") {
			t.Errorf("through part %d: metadata of another part than the first", no+1)
		}
		var names []string
		for _, x := range f.Tensors() {
			names = append(names, x.Name)
			file, err := os.ReadFile(x.Path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(x.Data, file[x.Offset:x.Offset+int64(len(x.Data))]) {
				t.Errorf("through part %d: %s has other bytes than its file", no+1, x.Name)
			}
		}
		if want := []string{"t0", "t1", "t2", "last"}; !slices.Equal(names, want) {
			t.Errorf("through part %d: tensors %q, want %q", no+1, names, want)
		}
		if x, _ := f.Tensor("last"); x.Path != paths[2] {
			t.Errorf("through part %d: last is in %s", no+1, x.Path)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBrokenSets(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts func(parts []*gguftest.Builder) []*gguftest.Builder
		files func(t *testing.T, paths []string)
		open  int    // part given to Open
		want  string // %[1]s to %[3]s are the paths
	}{
		{name: "missing part", files: func(t *testing.T, paths []string) { remove(t, paths[1]) },
			want: "gguf: open part 2 of 3: gguf: stat %[2]s: "},
		{name: "missing part 1", files: func(t *testing.T, paths []string) { remove(t, paths[0]) }, open: 2,
			want: "gguf: open part 1 of 3: gguf: stat %[1]s: "},
		{name: "part cut", files: func(t *testing.T, paths []string) { truncate(t, paths[2], 200) },
			want: "gguf: open part 3 of 3: gguf: %[3]s: byte "},
		{name: "too few tensors", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[1] = new(gguftest.Builder).Split(1, 3, 4)
			return p
		}, want: `key "split.tensors.count" is 4, want 3, the tensors in all 3 parts`},
		{name: "no tensor total", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[0] = new(gguftest.Builder).Key("split.no", uint16(0)).Key("split.count", uint16(3))
			return p
		}, want: `gguf: %[1]s: key "split.tensors.count" is missing, want the number of tensors in all 3 parts`},
		{name: "another count in a part", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[1] = new(gguftest.Builder).Split(1, 4, 4)
			return p
		}, want: `is part 2 of 4 (split.no is 1), want part 2 of 3`},
		{name: "wrong split.no in a part", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[1] = new(gguftest.Builder).Split(2, 3, 4)
			return p
		}, want: `is part 3 of 3 (split.no is 2), want part 2 of 3`},
		{name: "wrong split.no in the part given", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[1] = new(gguftest.Builder).Split(2, 3, 4)
			return p
		}, open: 1, want: `is part 3 of 3 (split.no is 2), want part 2 of 3 as it is named`},
		{name: "split.no past the count", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[0] = new(gguftest.Builder).Split(3, 3, 4)
			return p
		}, want: `key "split.no" is 3, want less than 3 (split.count)`},
		{name: "split.no of another kind", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[0] = new(gguftest.Builder).Key("split.no", "0").Key("split.count", uint16(3))
			return p
		}, want: `key "split.no" is string "0", want an integer`},
		{name: "split.no missing", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[0] = new(gguftest.Builder).Key("split.count", uint16(3))
			return p
		}, want: `key "split.no" is missing, want an integer`},
		{name: "whole file as a part", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[1] = new(gguftest.Builder)
			return p
		}, want: `is part 1 of 1 (split.no is 0), want part 2 of 3`},
		{name: "tensor in two parts", parts: func(p []*gguftest.Builder) []*gguftest.Builder {
			p[1].Tensor(gguftest.Tensor{Name: "t0", Type: quant.F32, Shape: []int{1}})
			return p
		}, want: `tensor "t0" is there twice, want once (also in %[1]s)`},
		{name: "renamed part", files: func(t *testing.T, paths []string) {
			if err := os.Rename(paths[0], filepath.Join(filepath.Dir(paths[0]), "m.gguf")); err != nil {
				t.Fatal(err)
			}
		}, open: -1, want: `is part 1 of 3 but named "m.gguf", want a name that ends in "-00001-of-00003.gguf"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			parts := threeParts()
			if c.parts != nil {
				parts = c.parts(parts)
			}
			paths := writeSet(t, dir, parts)
			if c.files != nil {
				c.files(t, paths)
			}
			path := filepath.Join(dir, "m.gguf")
			if c.open >= 0 {
				path = paths[c.open]
			}
			f, err := Open(path)
			if err == nil {
				f.Close()
				t.Fatal("no error")
			}
			want := strings.NewReplacer("%[1]s", paths[0], "%[2]s", paths[1], "%[3]s", paths[2]).Replace(c.want)
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			oneLine(t, err)
		})
	}
	t.Run("the cause is kept", func(t *testing.T) {
		paths := writeSet(t, t.TempDir(), threeParts())
		remove(t, paths[1])
		if _, err := Open(paths[0]); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("missing part: %v", err)
		}
	})
}

func TestSetOfTooManyTensors(t *testing.T) {
	parts := []*gguftest.Builder{new(gguftest.Builder).Split(0, 2, maxTensors), new(gguftest.Builder).Split(1, 2, maxTensors)}
	for i := range maxTensors + 1 {
		parts[i%2].Tensor(gguftest.Tensor{Name: fmt.Sprint(i), Type: quant.I8, Shape: []int{1}})
	}
	paths := writeSet(t, t.TempDir(), parts)
	want := "gguf: " + paths[1] + ": the set has 65537 tensors up to this part, want at most 65536"
	if _, err := Open(paths[0]); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func TestSetOfOneFileNeedsNoName(t *testing.T) {
	for _, count := range []int{0, 1} { // 0 is what merging a set leaves
		b := new(gguftest.Builder).Split(0, count, 99)
		b.Tensor(gguftest.Tensor{Name: "a", Type: quant.F32, Shape: []int{1}})
		img := b.Build(t)
		f, err := Open(img.Write(t.TempDir(), "m.gguf"))
		if err != nil {
			t.Fatalf("count %d: %v", count, err)
		}
		if len(f.Tensors()) != 1 {
			t.Errorf("count %d: %d tensors", count, len(f.Tensors()))
		}
		f.Close()
		if _, err := Parse("m", img.Bytes); err != nil {
			t.Errorf("count %d: %v", count, err)
		}
	}
}

func TestParseRefusesAPart(t *testing.T) {
	_, err := Parse("m", threeParts()[1].Build(t).Bytes)
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || !strings.HasSuffix(err.Error(), "part 2 of a set of 3 files, want a whole model") {
		t.Errorf("got %v", err)
	}
}

func TestSplitName(t *testing.T) {
	for _, c := range []struct {
		path         string
		prefix       string
		index, count int
		ok           bool
	}{
		{"dir/Scout-Q4-00002-of-00003.gguf", "dir/Scout-Q4", 2, 3, true},
		{`C:\m\a-00001-of-99999.gguf`, `C:\m\a`, 1, 99999, true},
		{"a-00001-of-00002-00001-of-00003.gguf", "a-00001-of-00002", 1, 3, true},
		{"a.gguf", "", 0, 0, false},
		{"-00001-of-00002.gguf", "", 0, 0, false},
		{"a-0001-of-00002.gguf", "", 0, 0, false},
		{"a_00001-of-00002.gguf", "", 0, 0, false},
		{"a-+0001-of-00002.gguf", "", 0, 0, false},
		{"a-00001_of_00002.gguf", "", 0, 0, false},
		{"a-00001-of-00002.GGUF", "", 0, 0, false},
		{"a-00001-of-0000x.gguf", "", 0, 0, false},
	} {
		prefix, index, count, ok := splitName(c.path)
		if ok != c.ok || ok && (prefix != c.prefix || index != c.index || count != c.count) {
			t.Errorf("%s: %q %d %d %t, want %q %d %d %t", c.path, prefix, index, count, ok, c.prefix, c.index, c.count, c.ok)
		}
		if ok && partPath(prefix, index-1, count) != c.path {
			t.Errorf("%s: written back as %s", c.path, partPath(prefix, index-1, count))
		}
	}
}
