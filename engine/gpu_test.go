package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"scout/engine/gguf"
	"scout/engine/internal/gpu"
	"scout/engine/internal/synth"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// testGPU is a device for tests, a software one too. Without any the test skips;
// CI has one, unless it tests what has none.
func testGPU(t *testing.T) int {
	t.Helper()
	list, err := Devices()
	if errors.Is(err, ErrNoGPUSupport) {
		t.Skip(err)
	}
	if err != nil || len(list) == 0 {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("CI has a Vulkan device: %v", err)
		}
		t.Skipf("no Vulkan device: %v", err)
	}
	return list[0].Index
}

// greedyTokens is n tokens of greedy decoding after ids, some of them in one batch and
// the rest in another.
func greedyTokens(t *testing.T, s *Sequence, ids []int32, n int) (out []int32) {
	t.Helper()
	lastLogits(t, s, ids[:len(ids)/2])
	logits := lastLogits(t, s, ids[len(ids)/2:])
	for range n {
		best := int32(0)
		for i, l := range logits {
			if l > logits[best] {
				best = int32(i)
			}
		}
		out = append(out, best)
		logits = lastLogits(t, s, []int32{best})
	}
	return out
}

// sharedGPU is a device that several models use in turn, so that its shaders are
// compiled once.
type sharedGPU struct{ gpu.Backend }

func (sharedGPU) Close() error { return nil }

// openShared opens a device. It is closed when the test ends, and holds nothing then.
func openShared(t *testing.T, index int) tensor.Backend {
	t.Helper()
	b, err := gpu.Open(index)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := b.Bytes().Total(); n != 0 {
			t.Errorf("after all models are closed, %d bytes are allocated on %s", n, b.Name())
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return sharedGPU{b}
}

// gpuPlacements are ways to divide the demo model over the CPU and two devices.
func gpuPlacements(info Info) map[string]*Placement {
	const cpu, one, two = tensor.CPU, tensor.Device(1), tensor.Device(2)
	l := info.Layers
	each := func(f func(l int) LayerPlacement) *Placement {
		p := &Placement{}
		for i := range l {
			p.Layers = append(p.Layers, f(i))
		}
		return p
	}
	experts := func(d tensor.Device) []tensor.Device { return slices.Repeat([]tensor.Device{d}, info.Experts) }
	divided := func(i int) (list []tensor.Device) {
		for e := range info.Experts {
			list = append(list, tensor.Device((e+i)%3))
		}
		return list
	}
	return map[string]*Placement{
		"nothing":                   GPUSplit{}.Placement(info),
		"output alone":              GPUSplit{Layers: 1}.Placement(info),
		"one layer":                 GPUSplit{Layers: 2, Experts: 1}.Placement(info),
		"half":                      GPUSplit{Layers: l/2 + 1, Experts: 1}.Placement(info),
		"all":                       GPUSplit{Layers: l + 1, Experts: 1}.Placement(info),
		"all but experts":           GPUSplit{Layers: l + 1}.Placement(info),
		"half of the experts":       GPUSplit{Layers: l + 1, Experts: 0.5}.Placement(info),
		"two devices":               GPUSplit{Layers: l + 1, Experts: 1, Devices: 2}.Placement(info),
		"two devices, some experts": GPUSplit{Layers: l, Experts: 0.25, Devices: 2}.Placement(info),
		"experts alone":             each(func(int) LayerPlacement { return LayerPlacement{Experts: experts(one)} }),
		"attention alone":           each(func(int) LayerPlacement { return LayerPlacement{Attention: one} }),
		"all but attention":         each(func(int) LayerPlacement { return LayerPlacement{Dense: one, Experts: experts(one)} }),
		"every other layer": each(func(i int) LayerPlacement {
			d := tensor.Device(i % 2)
			return LayerPlacement{Attention: d, Dense: d, Experts: experts(d)}
		}),
		"experts over three":            each(func(i int) LayerPlacement { return LayerPlacement{Attention: one, Dense: two, Experts: divided(i)} }),
		"attention on one, rest on two": each(func(int) LayerPlacement { return LayerPlacement{Attention: one, Dense: two, Experts: experts(two)} }),
		"first layer":                   {Layers: []LayerPlacement{{Attention: one, Dense: one, Experts: experts(one)}}, Output: cpu},
	}
}

// TestGPUPlacements holds the demo model's greedy answers, divided over the CPU
// and one or two logical devices, against those of the CPU alone.
func TestGPUPlacements(t *testing.T) {
	device := testGPU(t)
	data := tinyScout(t, "Q8_0")
	m := openModel(t, data, Options{Context: 128})
	ids := m.Tokenize("<|header_start|>user<|header_end|>\n\nHello<|eot|><|header_start|>assistant<|header_end|>\n\n", true)
	want := greedyTokens(t, newSequence(t, m), ids, 8)
	devices := map[tensor.Device]tensor.Backend{1: openShared(t, device), 2: openShared(t, device)}
	for name, p := range gpuPlacements(m.Info()) {
		if testing.Short() && name != "experts over three" && name != "half" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f, err := gguf.Parse("demo", data)
			if err != nil {
				t.Fatal(err)
			}
			m, err := open(context.Background(), f, Options{Context: 128, Placement: p}, devices)
			if err != nil {
				t.Fatal(err)
			}
			s, err := m.NewSequence()
			if err != nil {
				t.Fatal(err)
			}
			if got := greedyTokens(t, s, ids, 8); !slices.Equal(got, want) {
				t.Errorf("tokens are %v, on the CPU alone %v", got, want)
			}
			if err := errors.Join(s.Close(), m.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// placedBytes is the tensors of a file that a split puts on GPUs.
func placedBytes(t *testing.T, data []byte, layers int, split GPUSplit) (n int64) {
	t.Helper()
	f, err := gguf.Parse("test", data)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, x := range f.Tensors() {
		layer := 0
		if _, err := fmt.Sscanf(x.Name, "blk.%d.", &layer); err != nil && !strings.HasPrefix(x.Name, "output") {
			continue
		} else if err == nil && layer < layers+1-split.Layers {
			continue
		}
		share := 1.0
		if strings.Contains(x.Name, "_exps") {
			share = split.Experts
		}
		n += int64(share * float64(len(x.Data)))
	}
	return n
}

// TestGPUMemory holds what is reported as resident on a device against the tensors
// that were placed there.
func TestGPUMemory(t *testing.T) {
	device := testGPU(t)
	five, deep := small(), small()
	five.Experts = 16
	deep.Layers, deep.Hidden, deep.FF, deep.Experts, deep.Quant, deep.Down = 48, 128, 64, 16, quant.Q8_0, quant.Q8_0
	for _, c := range []struct {
		shape synth.Shape
		split GPUSplit
	}{
		{five, GPUSplit{Layers: 6, Experts: 1}}, {five, GPUSplit{Layers: 3, Experts: 1}}, {five, GPUSplit{Layers: 6}}, {five, GPUSplit{Layers: 4, Experts: 0.5}},
		{deep, GPUSplit{Layers: 30, Experts: 1}}, {deep, GPUSplit{Layers: 49, Experts: 0.25}}, {deep, GPUSplit{Layers: 49}},
	} {
		t.Run(fmt.Sprintf("%d of %d, %v of the experts", c.split.Layers, c.shape.Layers+1, c.split.Experts), func(t *testing.T) {
			checkGPUMemory(t, device, synth.Bytes(c.shape), c.split)
		})
	}
}

func checkGPUMemory(t *testing.T, device int, data []byte, split GPUSplit) {
	m := openModel(t, data, Options{Context: 64, Split: split, GPUs: []int{device}})
	info := m.Info()
	want := placedBytes(t, data, info.Layers, split)
	got := m.Devices()[0]
	// Every tensor begins on a boundary, small ones are kept as float32, and tables of experts come on top.
	if got.Weights < want || got.Weights > want+want/20+128<<10 {
		t.Errorf("%d bytes of weights are allocated, the tensors placed there have %d", got.Weights, want)
	}
	// Activations, and what crosses between devices, share room from layer to layer.
	if perLayer := int64(4 * batchTokens * info.Width); got.Compute > 24*perLayer {
		t.Errorf("%d bytes of activations are allocated, which is %d rows of a batch", got.Compute, got.Compute/perLayer)
	}
	// What is there is not here: the whole is the file and the tensors of both.
	if here := m.Memory().Weights; here > info.Bytes-want+info.Bytes/20 || here+want < info.Bytes {
		t.Errorf("%d bytes of weights are counted here and %d there, of %d", here, want, info.Bytes)
	}
	s := newSequence(t, m)
	lastLogits(t, s, randomIDs(9))
	kv := int64(0)
	for l, c := range m.cacheSpec() {
		if c.Device != tensor.CPU {
			kv += c.Bytes()
		}
		if (c.Device != tensor.CPU) != (l >= info.Layers+1-split.Layers) {
			t.Errorf("the cache of layer %d is on device %d", l, c.Device)
		}
	}
	if got := m.Devices()[0].KV; got < kv || got > kv+kv/10+4096 {
		t.Errorf("%d bytes of caches are allocated, want %d", got, kv)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := m.Devices()[0]; got.KV != 0 {
		t.Errorf("with no sequence open, %d bytes of caches are allocated", got.KV)
	}
}

// TestGPUSplit reads placements off a model of 48 blocks with 16 experts.
func TestGPUSplit(t *testing.T) {
	info := Info{Layers: 48, Experts: 16}
	for _, c := range []struct {
		split   GPUSplit
		layers  map[tensor.Device]int // how many each device has, of those not on the CPU
		output  tensor.Device
		experts int // of the last layer
	}{
		{GPUSplit{Layers: 1, Experts: 1}, map[tensor.Device]int{}, 1, 0},
		{GPUSplit{Layers: 30, Experts: 1}, map[tensor.Device]int{1: 29}, 1, 16},
		{GPUSplit{Layers: 49, Experts: 0.25}, map[tensor.Device]int{1: 48}, 1, 4},
		{GPUSplit{Layers: 999}, map[tensor.Device]int{1: 48}, 1, 0},
		{GPUSplit{Layers: 49, Experts: 7, Devices: 2}, map[tensor.Device]int{1: 25, 2: 23}, 2, 16},
		{GPUSplit{Layers: 2, Devices: 3}, map[tensor.Device]int{1: 1}, 2, 0},
	} {
		p, got := c.split.Placement(info), map[tensor.Device]int{}
		for l, at := range p.Layers {
			if at.Attention != at.Dense {
				t.Errorf("%+v: layer %d is divided", c.split, l)
			}
			if at.Attention != tensor.CPU {
				got[at.Attention]++
			}
		}
		if !maps.Equal(got, c.layers) || p.Output != c.output || len(p.Layers[47].Experts) != c.experts {
			t.Errorf("%+v: layers %v, output on %d, %d experts; want %+v", c.split, got, p.Output, len(p.Layers[47].Experts), c)
		}
	}
	for _, s := range []GPUSplit{{}, {Experts: 1}, {Layers: -1}} {
		if p := s.Placement(info); p != nil {
			t.Errorf("%+v: %+v, want none", s, p)
		}
	}
}

// TestGPUDecodeAllocates keeps the token loop free of allocation there too.
func TestGPUDecodeAllocates(t *testing.T) {
	device := testGPU(t)
	data := synth.Bytes(small())
	info, err := InspectEmbedded("test", data)
	if err != nil {
		t.Fatal(err)
	}
	s := openSequence(t, data, Options{Context: 512, Placement: GPUSplit{Layers: 9, Experts: 1}.Placement(info), GPUs: []int{device}})
	lastLogits(t, s, randomIDs(8))
	ctx, id := context.Background(), []int32{7}
	n := testing.AllocsPerRun(20, func() {
		if err := s.Append(ctx, id, LastLogits, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 { // the closure that watches ctx
		t.Errorf("a token costs %v allocations, want at most 1", n)
	}
}

// TestGPURefusals reads what is said of placements that cannot be.
func TestGPURefusals(t *testing.T) {
	device := testGPU(t)
	shape := small()
	shape.Quant = quant.IQ2XXS
	data := synth.Bytes(shape)
	p := &Placement{Layers: []LayerPlacement{{}, {Attention: 1}}}
	for want, o := range map[string]Options{
		"blk.1.attn_q.weight is of type IQ2_XXS, for which the GPU has no shader: place it on the CPU": {Placement: p, GPUs: []int{device}},
		"device 1: 0 GPUs are chosen": {Placement: p, GPUs: []int{}},
		"device 99 is not there":      {Placement: p, GPUs: []int{99}},
	} {
		if _, err := OpenEmbedded(context.Background(), "test", data, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
	if RunsOnGPU("IQ2_XXS") || !RunsOnGPU("Q4_K") || RunsOnGPU("no type") {
		t.Error("RunsOnGPU does not know what shaders there are")
	}
}
