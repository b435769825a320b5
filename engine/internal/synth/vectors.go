package synth

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// Vector is what llama.cpp computed for a synthetic model and a run of token
// ids, with a float32 KV cache and without flash attention. testdata/vectors
// holds some; bench/vectors writes them.
type Vector struct {
	Name   string `json:"-"` // of its file, without the extension
	Shape  Shape  `json:"shape"`
	SHA256 string `json:"sha256"` // of Bytes(Shape), in hexadecimal: when it differs, the logits are of another model
	IDs    []int  `json:"ids"`
	Start  int    `json:"start"` // position of the first id
	// Experts are the routed experts by layer: Experts[l][i] is that of IDs[i].
	// Dense layers are missing.
	Experts map[int][]int `json:"experts"`
	Margin  float32       `json:"margin"` // smallest distance of the two best router logits; 0 where there is no choice
	Logits  []float32     `json:"-"`      // [len(IDs), Shape.Vocab]
}

// ReadVectors reads all vectors of a folder, in the order of their names.
func ReadVectors(dir string) ([]Vector, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("synth: reading vectors in %s: %w", dir, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("synth: reading vectors in %s: there are none", dir)
	}
	var vs []Vector
	for _, p := range paths {
		v, err := readVector(p)
		if err != nil {
			return nil, fmt.Errorf("synth: reading vector %s: %w", p, err)
		}
		vs = append(vs, v)
	}
	return vs, nil
}

func readVector(path string) (v Vector, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, err
	}
	base := strings.TrimSuffix(path, ".json")
	v.Name = filepath.Base(base)
	if b, err = os.ReadFile(base + ".f32"); err != nil {
		return v, err
	}
	if want := 4 * len(v.IDs) * v.Shape.Vocab; len(b) != want {
		return v, fmt.Errorf("%d bytes of logits, want %d for %d ids and a vocabulary of %d", len(b), want, len(v.IDs), v.Shape.Vocab)
	}
	v.Logits = make([]float32, len(b)/4)
	for i := range v.Logits {
		v.Logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v, nil
}
