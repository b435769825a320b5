//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"scout/engine/internal/ref"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// TestOverlap checks that what another device waits for is handed over before
// what it does not: the shared expert runs while the other has the routed ones.
func TestOverlap(t *testing.T) {
	const width = 64
	r := rand.New(rand.NewPCG(3, 3))
	w := func(shape ...int) *tensor.Weight { return randomWeight(r, quant.F32, shape...) }
	g := &tensor.Graph{}
	n := g.RMSNorm(g.Embed(w(8, width)), nil, 1e-5, width)
	routes := g.Route(g.MatMul(n, w(4, width), nil), tensor.Route{TopK: 1})
	shared := g.FFN(n, tensor.FFN{Gate: w(width, width), Up: w(width, width), Down: w(width, width)})
	g.On(1, 0)
	routed := g.ExpertFFN(n, routes, tensor.ExpertFFN{Gate: w(4, width, width), Up: w(4, width, width), Down: w(4, width, width)})
	g.On(0, 0)
	g.Result = g.Merge(g.Add(routed, shared), 1)
	b := openTest(t)
	defer b.Close()
	x, err := tensor.NewExecutor(g, map[tensor.Device]tensor.Backend{0: b, 1: ref.Backend{}}, tensor.Limits{Tokens: 4, Outputs: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	c, err := x.NewCache(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	alone, err := tensor.NewExecutor(g, map[tensor.Device]tensor.Backend{0: ref.Backend{}, 1: ref.Backend{}}, tensor.Limits{Tokens: 4, Outputs: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []int32{5, 3, 3, 7} { // all at the same position
		batch := &tensor.Batch{Tokens: []int32{id}, Outputs: []int32{0}}
		got, err := x.Run(batch, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := alone.Run(batch, &tensor.Caches{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		largest := float64(slices.Max(want) - slices.Min(want))
		for i := range want {
			if diff := math.Abs(float64(got[i] - want[i])); !(diff <= 1e-6*largest) {
				t.Fatalf("token %d: number %d is %v, want %v", id, i, got[i], want[i])
			}
		}
	}
	for p := range b.programs {
		for key, l := range cacheLists(b, p) {
			if key.segment == 0 && (len(l.chunks) != 2 || len(l.chunks[0].sends) != 2 || len(l.chunks[1].sends) != 0) {
				t.Errorf("the first segment has %d lists, want one up to what the other device needs and one for the rest", len(l.chunks))
			}
		}
	}
}

// cacheLists are the lists of p that were recorded for any cache.
func cacheLists(b *backend, p *program) map[listKey]*lists {
	all := map[listKey]*lists{}
	for c := range b.caches {
		for k, l := range c.lists {
			if k.p == p {
				all[k] = l
			}
		}
	}
	return all
}

// TestDeviceInfo reads what is said of a device.
func TestDeviceInfo(t *testing.T) {
	index := testDevice(t)
	list, err := List()
	if err != nil {
		t.Fatal(err)
	}
	i := list[index]
	if i.Index != index || i.Name == "" || i.Vendor == "" || i.Driver == "" || i.Version == "" || i.Total() == 0 || i.Free() > i.Total() {
		t.Errorf("device %d is %+v", index, i)
	}
	for _, h := range i.Heaps {
		if h.Size == 0 {
			t.Errorf("a heap of %s has no bytes: %+v", i.Name, i.Heaps)
		}
	}
	if got := (Heap{Size: 10, Budget: 8, Used: 9}).free(); got != 0 {
		t.Errorf("a heap used beyond its budget has %d bytes free", got)
	}
}
