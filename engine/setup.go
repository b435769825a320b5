package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"scout/engine/internal/cpu"
	"scout/engine/tensor"
)

// Setup is what, besides a conversation and a Sampling, decides which tokens a model
// gives. With the same setup the same version of this program gives the same ones.
// Threads are no part of it.
type Setup struct {
	Identity  string // of the model; see Model.Identity
	Tower     string // identity of the vision tower, empty if there is none
	MostTiles int    // that a picture is cut into, 0 without a tower
	KV        string // element type of the cache
	Kernels   string // which of our loops multiply, such as "AVX2+AVX-VNNI"; "portable" for the plain ones
	Devices   string // what runs on something else than the processor, empty if nothing does
}

// Setup says how the model was opened. The first call of it reads a few MB of the file.
func (m *Model) Setup() (Setup, error) {
	identity, err := m.Identity()
	if err != nil {
		return Setup{}, err
	}
	s := Setup{Identity: identity, KV: m.kv.String(), Kernels: strings.Join(cpu.Features(), "+")}
	if s.Kernels == "" {
		s.Kernels = "portable"
	}
	if m.eyes != nil {
		s.Tower, s.MostTiles = m.eyes.identity, m.eyes.processor.MostTiles()
	}
	elsewhere := map[tensor.Device]int{}
	for _, n := range m.model.Graph.Nodes {
		if n.Device != tensor.CPU {
			elsewhere[n.Device]++
		}
	}
	var parts []string
	for i, g := range m.gpus {
		parts = append(parts, fmt.Sprintf("%s: %d steps", g.Name(), elsewhere[tensor.Device(i+1)]))
	}
	s.Devices = strings.Join(parts, ", ")
	return s, nil
}

// Identity tells a model from any other, wherever its files lie: it is made of the
// hyper-parameters, the vocabulary, the template, and samples of every tensor (see
// identitySample). A file of which single bytes were damaged may have the same;
// checksums are for that.
func (m *Model) Identity() (string, error) {
	m.mu.Lock() // against Close
	defer m.mu.Unlock()
	if m.file == nil {
		return "", ErrClosed
	}
	sum := sha256.New()
	err := m.file.Guard(func() error {
		fmt.Fprintf(sum, "scout model 1\n%+v\n%s\n", m.model.Config, m.info.Template)
		for id := range m.info.Vocabulary {
			fmt.Fprintf(sum, "%q\n", m.Piece(int32(id)))
		}
		for _, t := range m.file.Tensors() {
			fmt.Fprintf(sum, "%s %v %v\n", t.Name, t.Type, t.Shape)
			addSamples(sum, t.Data)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("engine: reading %s: %w", m.file.Path(), err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
