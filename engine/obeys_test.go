package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"scout/engine"
	"scout/engine/internal/cpu"
	"scout/engine/internal/synth"
	"scout/engine/quant"
	"scout/engine/tensor"
	"scout/hardware/plan"
	"scout/ui/cli"
)

// recorder is a device that adds up the weights it is given to compute with and the
// caches it allocates.
type recorder struct {
	tensor.Backend
	weights map[piece]int64
	kv      int64
}

// piece is a tensor, or an expert of one.
type piece struct {
	at     *byte
	expert int
}

func record(b tensor.Backend) *recorder { return &recorder{Backend: b, weights: map[piece]int64{}} }

func (r *recorder) Compile(g *tensor.Graph, d tensor.Device, limits tensor.Limits, keep []tensor.Value) (tensor.Program, error) {
	for _, n := range g.Nodes {
		if n.Device == d {
			r.take(n.Op)
		}
	}
	return r.Backend.Compile(g, d, limits, keep)
}

func (r *recorder) take(op tensor.Op) {
	all := func(ws ...*tensor.Weight) {
		for _, w := range ws {
			if w != nil {
				r.weights[piece{unsafe.SliceData(w.Data), -1}] = int64(len(w.Data))
			}
		}
	}
	switch op := op.(type) {
	case tensor.Embed:
		all(op.W)
	case tensor.RMSNorm:
		all(op.W)
	case tensor.MatMul:
		all(op.W, op.Bias)
	case tensor.FFN:
		all(op.Gate, op.Up, op.Down)
	case tensor.ExpertFFN:
		for _, w := range []*tensor.Weight{op.Gate, op.Up, op.Down} {
			for e := range w.Shape[0] {
				if op.Experts == nil || slices.Contains(op.Experts, e) {
					r.weights[piece{unsafe.SliceData(w.Data), e}] = int64(len(w.Slab(e)))
				}
			}
		}
	}
}

func (r *recorder) NewCache(spec tensor.CacheSpec, d tensor.Device) (tensor.Cache, error) {
	for _, l := range spec {
		if l.Device == d {
			r.kv += l.Bytes()
		}
	}
	return r.Backend.NewCache(spec, d)
}

func (r *recorder) bytes() (n int64) {
	for _, b := range r.weights {
		n += b
	}
	return n
}

// smallMachine has little main memory and cards of so many bytes. Of either a plan may
// use what is beyond the margins.
func smallMachine(ram int64, cards ...int64) plan.Machine {
	m := plan.Machine{Name: "test", RAM: plan.RAM{Total: 64 << 30, Bandwidth: 50e9}, Disk: plan.Disk{Name: "disk", Bandwidth: 1e9}}
	m.RAM.Free = m.Margin(plan.CPU) + ram
	for i, n := range cards {
		m.GPUs = append(m.GPUs, plan.GPU{Name: "card", Total: 8 << 30, Bandwidth: float64(500-100*i) * 1e9, Link: 20e9})
		m.GPUs[i].Free = m.Margin(plan.Device(i+1)) + n
	}
	return m
}

// TestEngineObeysPlan opens models as plans have them, with processors as further
// devices, and holds what each is given against the plan, to the byte.
func TestEngineObeysPlan(t *testing.T) {
	const context_, kv = 2048, plan.F16
	scattered := 0
	for name, shape := range planShapes() {
		data := synth.Bytes(shape)
		info, err := engine.InspectEmbedded(name, data)
		if err != nil {
			t.Fatal(name, err)
		}
		facts := planFacts(info)
		o := plan.Options{Context: context_, KV: kv, Depth: 100}
		base := facts.Compute(1, o)
		all := facts.Weights() + facts.KV(context_, kv)
		for label, m := range map[string]plan.Machine{
			"no card":          smallMachine(4 << 30),
			"a third on one":   smallMachine(4<<30, base+all/3),
			"nearly all":       smallMachine(4<<30, base+all*9/10),
			"all on one":       smallMachine(4<<30, base+2*all),
			"two cards":        smallMachine(4<<30, base+all/4, base+all/3),
			"two, with a tiny": smallMachine(4<<30, base+all/2, base+all/20),
		} {
			p, err := plan.Make(facts, m, o)
			if err != nil {
				t.Fatal(name, label, err)
			}
			devices := map[tensor.Device]tensor.Backend{}
			for d := range p.Devices {
				devices[tensor.Device(d)] = record(cpu.New(1))
			}
			place := cli.EnginePlacement(p.Placement)
			if place != nil && len(m.GPUs) > 0 {
				scattered++
			}
			opened, err := engine.OpenOn(context.Background(), name, data, engine.Options{Threads: 1, Context: context_, KV: string(kv), Placement: place}, devices)
			if err != nil {
				t.Fatal(name, label, err)
			}
			s, err := opened.NewSequence()
			if err != nil {
				t.Fatal(name, label, err)
			}
			for d, use := range p.Devices {
				r := devices[tensor.Device(d)].(*recorder)
				if r.bytes() != use.Weights || r.kv != use.KV {
					t.Errorf("%s, %s: device %d has %d bytes of weights and a cache of %d, the plan says %d and %d", name, label, d, r.bytes(), r.kv, use.Weights, use.KV)
				}
			}
			if err := s.Append(context.Background(), []int32{1, 2, 3}, engine.LastLogits, nil); err != nil {
				t.Errorf("%s, %s: %v", name, label, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := opened.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if scattered < 20 {
		t.Errorf("only %d models were divided over devices", scattered)
	}
}

// TestStreamedStaysMapped opens a file that a plan would read from disk again and
// again: what has no room is in no memory of the program's own.
func TestStreamedStaysMapped(t *testing.T) {
	shape := synth.Shape{Layers: 4, Hidden: 1024, Heads: 8, KVHeads: 2, HeadDim: 128, FF: 1024, Experts: 16, Vocab: 1024, Quant: quant.Q8_0, Fast: true}
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, synth.Bytes(shape), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := engine.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	facts := planFacts(info)
	o := plan.Options{Context: 256}
	compute := facts.Compute(plan.CPU, o)
	p, err := plan.Make(facts, smallMachine(compute+facts.KV(256, plan.F16)+facts.Weights()/4), o)
	if err != nil {
		t.Fatal(err)
	}
	if use := p.Devices[0]; !p.Streamed || use.OnDisk != facts.Weights()-facts.Weights()/4 {
		t.Fatalf("got streamed %v, %d bytes on disk of %d", p.Streamed, use.OnDisk, use.Weights)
	}
	before := heap()
	m, err := engine.Open(context.Background(), path, engine.Options{Threads: 2, Context: 256, Placement: cli.EnginePlacement(p.Placement)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Append(context.Background(), make([]int32, 40), engine.LastLogits, nil); err != nil {
		t.Fatal(err)
	}
	if got := m.Memory().Weights; got != facts.Weights() {
		t.Errorf("%d bytes of weights are mapped, the plan says %d", got, facts.Weights())
	}
	const tables = 4 << 20 // header, tokenizer, graph
	if grown := heap() - before; grown > compute+compute/20+tables {
		t.Errorf("the heap has grown by %d bytes, the plan says %d: weights of %d are not to be copied", grown, compute, facts.Weights())
	}
}

// heap is the size of what is alive on the heap.
func heap() int64 {
	var m runtime.MemStats
	for range 2 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
