package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"scout/engine/gguf"
	"scout/engine/internal/cpu"
	"scout/engine/internal/synth"
	"scout/engine/tensor"
)

// fickle is a device that is lost after some runs. It is a processor otherwise.
type fickle struct {
	*cpu.Backend
	runs int
	fail error // once runs is 0
}

func (f *fickle) Compile(g *tensor.Graph, d tensor.Device, l tensor.Limits, keep []tensor.Value) (tensor.Program, error) {
	p, err := f.Backend.Compile(g, d, l, keep)
	return &fickleProgram{p, f}, err
}

type fickleProgram struct {
	tensor.Program
	f *fickle
}

func (p *fickleProgram) Run(segment int, b *tensor.Batch, c tensor.Cache, stop func() bool) error {
	if p.f.runs--; p.f.runs < 0 {
		return p.f.fail
	}
	return p.Program.Run(segment, b, c, stop)
}

// openFickle is a model whose layers 1 and 3 are on a device that fails after some
// runs.
func openFickle(t *testing.T, data []byte, runs int, fail error) *Model {
	t.Helper()
	f, err := gguf.Parse("test.gguf", data)
	if err != nil {
		t.Fatal(err)
	}
	p := &Placement{Layers: []LayerPlacement{{}, {Attention: 1, Dense: 1, Experts: []tensor.Device{1, 0, 1}}, {}, {Attention: 1}}}
	device := &fickle{Backend: cpu.New(1), runs: runs, fail: fail}
	m, err := open(context.Background(), f, Options{Threads: 1, Context: 64, Placement: p}, map[tensor.Device]tensor.Backend{1: device})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestLostGPU loses a device at every run of an answer in turn: the answer goes on
// with the same bits, and so does another sequence of the model.
func TestLostGPU(t *testing.T) {
	data, ids := synth.Bytes(small()), randomIDs(20)
	m := openModel(t, data, Options{Threads: 1, Context: 64})
	want := greedyTokens(t, newSequence(t, m), ids, 6)
	if m.Lost() != nil {
		t.Errorf("a model without GPUs says %v", m.Lost())
	}
	for runs := 0; ; runs++ {
		m := openFickle(t, data, runs, fmt.Errorf("test: %w", ErrGPULost))
		first, second := newSequence(t, m), newSequence(t, m)
		for _, s := range []*Sequence{first, second} {
			if got := greedyTokens(t, s, ids, 6); !slices.Equal(got, want) {
				t.Fatalf("lost after %d runs: tokens are %v, want %v", runs, got, want)
			}
		}
		if m.Lost() == nil {
			if runs < 20 {
				t.Errorf("the device was used for %d runs only", runs)
			}
			break
		}
		if !errors.Is(m.Lost(), ErrGPULost) {
			t.Errorf("lost after %d runs: Lost is %v", runs, m.Lost())
		}
		runs += runs / 4 // each would take long
	}
}

// TestOtherFaultsStay checks that only a lost device moves a model.
func TestOtherFaultsStay(t *testing.T) {
	m := openFickle(t, synth.Bytes(small()), 1, errors.New("out of luck"))
	s := newSequence(t, m)
	err := s.Append(context.Background(), randomIDs(20), LastLogits, nil)
	if err == nil || !strings.Contains(err.Error(), "out of luck") || m.Lost() != nil {
		t.Errorf("error is %v, lost is %v, want the device's error and a model where it was", err, m.Lost())
	}
}
