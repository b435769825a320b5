package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"scout/engine"
	"scout/engine/internal/synth"
	"scout/engine/quant"
	"scout/hardware/plan"
)

// planFacts is the facts of a header, as the command line makes them.
func planFacts(info engine.Info) plan.Facts {
	h := plan.Header{
		Name: info.Name, Width: info.Width, Heads: info.Heads, KVHeads: info.KVHeads, HeadDim: info.HeadDim, FF: info.FF, ExpertFF: info.ExpertFF,
		Experts: info.Experts, ExpertsUsed: info.ExpertsUsed, Vocabulary: info.Vocabulary, ContextLength: info.ContextLength, Bytes: info.Bytes,
	}
	for _, b := range info.Blocks {
		h.Layers = append(h.Layers, plan.Layer{Attention: b.Attention, Dense: b.Dense, Experts: b.Experts, Chunk: b.Chunk})
	}
	for _, c := range info.Components {
		switch c.Name {
		case "token embedding":
			h.Embedding = c.Bytes
		case "output":
			h.Output = c.Bytes
		}
	}
	return plan.FactsOf(h)
}

// planShapes are models of every architecture, wide enough that activations count.
func planShapes() map[string]synth.Shape {
	return map[string]synth.Shape{
		"llama4":              {Layers: 6, Hidden: 1024, Heads: 8, KVHeads: 2, HeadDim: 128, FF: 512, Experts: 4, MoEStep: 2, DenseFF: 1024, Vocab: 2048, Quant: quant.Q4_K, Output: quant.Q6_K, Chunk: 512, Fast: true},
		"llama4, all experts": {Layers: 4, Hidden: 512, Heads: 4, KVHeads: 4, HeadDim: 64, FF: 256, Experts: 16, Vocab: 4096, Quant: quant.Q8_0, Fast: true},
		"llama4, no chunks":   {Layers: 4, Hidden: 512, Heads: 4, KVHeads: 1, HeadDim: 128, FF: 256, Experts: 2, NoChunks: true, Quant: quant.Q6_K, Fast: true},
		"llama":               {Arch: "llama", Layers: 2, Hidden: 2048, Heads: 16, KVHeads: 4, HeadDim: 128, FF: 5632, DenseFF: 5632, Vocab: 1024, Quant: quant.Q4_K, Fast: true},
		"qwen2, tied":         {Arch: "qwen2", Layers: 3, Hidden: 512, Heads: 8, KVHeads: 2, HeadDim: 64, DenseFF: 1536, Vocab: 8192, Quant: quant.Q4_K, Output: quant.Q6_K, Tied: true, Fast: true},
	}
}

// TestPlanIsWhatIsAllocated holds the planner's memory against the engine's, for
// every architecture, cache type, and several contexts: weights and cache to the
// byte, activations within 5 % or 32 MiB.
func TestPlanIsWhatIsAllocated(t *testing.T) {
	configurations := 0
	for name, shape := range planShapes() {
		var file bytes.Buffer
		s := shape.Resolved()
		if err := synth.WritePart(&file, s, 0); err != nil {
			t.Fatal(name, err)
		}
		info, err := engine.InspectEmbedded(name, file.Bytes())
		if err != nil {
			t.Fatal(name, err)
		}
		facts := planFacts(info)
		checkBlocks(t, name, info)
		for _, kv := range []plan.KVType{plan.F16, plan.F32, plan.Q8_0, plan.Q4_0} {
			for _, size := range []int{100, 2048, 8192, 20000} {
				configurations++
				threads := 1 + configurations%4
				label := fmt.Sprintf("%s, %s, %d, %d threads", name, kv, size, threads)
				m, err := engine.OpenEmbedded(context.Background(), name, file.Bytes(), engine.Options{Threads: threads, Context: size, KV: string(kv)})
				if err != nil {
					t.Fatal(label, err)
				}
				got := m.Memory()
				if err := m.Close(); err != nil {
					t.Fatal(label, err)
				}
				p, err := plan.Make(facts, smallMachine(32<<30), plan.Options{Context: size, KV: kv})
				if err != nil {
					t.Fatal(label, err)
				}
				use := p.Devices[0]
				if use.Weights != got.Weights {
					t.Errorf("%s: weights of %d bytes planned, %d mapped", label, use.Weights, got.Weights)
				}
				if use.KV != got.KV {
					t.Errorf("%s: cache of %d bytes planned, %d allocated", label, use.KV, got.KV)
				}
				n := use.Compute
				if off := max(n, got.Compute) - min(n, got.Compute); off > max(got.Compute/20, 32<<20) {
					t.Errorf("%s: activations of %d bytes planned, %d allocated", label, n, got.Compute)
				}
			}
		}
	}
	if configurations < 64 {
		t.Errorf("%d configurations, want at least 64", configurations)
	}
}

// checkBlocks holds the sizes of blocks against those of components, which are
// told apart by name in another place: attention comes with its norm.
func checkBlocks(t *testing.T, name string, info engine.Info) {
	t.Helper()
	var attention, experts int64
	for _, b := range info.Blocks {
		attention += b.Attention
		experts += b.Experts
	}
	for _, c := range info.Components {
		switch norms := int64(4 * info.Width * info.Layers); c.Name {
		case "attention":
			if attention != c.Bytes+norms {
				t.Errorf("%s: attention of all blocks has %d bytes, want %d and norms of %d", name, attention, c.Bytes, norms)
			}
		case "routed experts":
			if experts != c.Bytes {
				t.Errorf("%s: experts of all blocks have %d bytes, want %d", name, experts, c.Bytes)
			}
		}
	}
}
