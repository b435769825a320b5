package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// machine makes one of free memory in GiB, bandwidths in GB/s.
func machine(name string, ram, ramBandwidth float64, disk float64, gpus ...GPU) Machine {
	return Machine{
		Name: name, GPUs: gpus, Disk: Disk{Name: "disk", Bandwidth: disk * 1e9}, Cores: 16, CPUFlops: 1e12,
		RAM: RAM{Total: int64(ram * gib), Free: int64(ram * 0.92 * gib), Bandwidth: ramBandwidth * 1e9},
	}
}

func gpu(memory, bandwidth, link float64) GPU {
	return GPU{
		Name: fmt.Sprintf("%v GiB GPU", memory), Total: int64(memory * gib), Free: int64(memory * 0.98 * gib),
		Bandwidth: bandwidth * 1e9, Flops: 1e14, Link: link * 1e9,
	}
}

// machines are profiles from no card to two of them, 8 to 192 GiB, disks of three
// speeds, narrow and wide links, unified memory.
func machines() []Machine {
	unified := machine("unified 128", 128, 256, 3.5)
	unified.RAM.Unified, unified.Cores = true, 0
	apple := machine("unified 64, limited", 64, 546, 3.5)
	apple.RAM.Unified, apple.RAM.Share, apple.Cores = true, 0.75, 0
	fastRAM := machine("server", 192, 614, 7, gpu(16, 288, 12))
	fastRAM.Cores = 64
	display := gpu(24, 1008, 25)
	display.Display = true
	return []Machine{
		machine("8", 8, 51, 0.7), machine("16", 16, 51, 3.5), machine("32", 32, 76, 3.5), machine("64", 64, 90, 7), machine("192", 192, 460, 7),
		machine("8+4", 8, 51, 0.7, gpu(4, 192, 6)), machine("16+6", 16, 51, 3.5, gpu(6, 336, 12)), machine("16+8", 16, 51, 0.7, gpu(8, 448, 12)),
		machine("32+8", 32, 51, 3.5, gpu(8, 272, 12)), machine("32+12", 32, 76, 3.5, gpu(12, 504, 25)), machine("64+12", 64, 90, 3.5, gpu(12, 504, 25)),
		machine("32+16", 32, 90, 7, gpu(16, 736, 25)), machine("64+16", 64, 90, 7, gpu(16, 960, 50)), machine("32+24", 32, 90, 3.5, gpu(24, 1008, 25)),
		machine("64+24", 64, 90, 3.5, gpu(24, 1008, 25)), machine("64+24 display", 64, 51, 3.5, display), machine("128+24", 128, 90, 7, gpu(24, 936, 25)),
		machine("64+32", 64, 90, 7, gpu(32, 1792, 50)), machine("64+96", 64, 90, 7, gpu(96, 1792, 50)), machine("no disk 64+24", 64, 90, 0, gpu(24, 1008, 25)),
		machine("64+2x12", 64, 51, 3.5, gpu(12, 360, 12), gpu(12, 360, 12)), machine("64+2x24", 64, 90, 3.5, gpu(24, 936, 25), gpu(24, 936, 25)),
		machine("64+24+12", 64, 51, 3.5, gpu(24, 936, 25), gpu(12, 360, 6)), machine("32+8+24", 32, 76, 7, gpu(8, 272, 6), gpu(24, 1008, 25)),
		machine("16+2x16", 16, 51, 3.5, gpu(16, 448, 25), gpu(16, 288, 12)), unified, apple, fastRAM,
	}
}

// model makes facts of a few layers of unequal sizes, in MB.
func model(name string, layers, experts, used int, attention, dense, routed float64) Facts {
	f := Facts{
		Name: name, Embedding: 200e6, Output: 400e6, Experts: experts, ExpertsUsed: used, ContextLength: 131072,
		Width: 5120, Heads: 40, FF: 8192, Vocabulary: 100000, Multiplied: 1e10,
	}
	for l := range layers {
		uneven := 1 + 0.23*float64(l%3)
		layer := Layer{Attention: int64(attention * uneven * 1e6), Dense: int64(dense * uneven * 1e6), KVHeads: 8, HeadDim: 128}
		if experts > 0 {
			layer.Experts = int64(routed*uneven*1e6) / int64(experts) * int64(experts)
		}
		if l%4 != 3 {
			layer.Chunk = 8192
		}
		f.Layers = append(f.Layers, layer)
	}
	return f
}

// exhaustive tries every placement and gives the fastest time of a token.
func (t *task) exhaustive() float64 {
	p := t.f.emptyPlacement()
	best := math.Inf(1)
	var layer func(i int)
	layer = func(i int) {
		if i == len(p.Layers) {
			for d := range Device(t.devices) {
				p.Output = d
				best = min(best, t.cost(p))
			}
			return
		}
		l := &p.Layers[i]
		for a := range Device(t.devices) {
			for d := range Device(t.devices) {
				l.Attention, l.Dense = a, d
				if l.Experts == nil {
					layer(i + 1)
					continue
				}
				t.splits(l.Experts, 0, t.f.Experts, func() { layer(i + 1) })
			}
		}
	}
	layer(0)
	return best
}

// splits tries every division of n experts over the devices from d on.
func (t *task) splits(experts []int16, d, n int, then func()) {
	if d == t.devices-1 {
		experts[d] = int16(n)
		then()
		return
	}
	for k := range n + 1 {
		experts[d] = int16(k)
		t.splits(experts, d+1, n-k, then)
	}
}

// smallModels is what exhaustive can try on that many devices: few parts, which
// are large, so that gaps hurt more than in real models.
func smallModels(devices int) []Facts {
	if devices > 2 {
		return []Facts{model("dense", 4, 0, 0, 700, 2600, 0), model("moe", 2, 4, 1, 700, 1500, 18000), model("moe 2 of 2", 3, 2, 2, 600, 900, 9000)}
	}
	return []Facts{
		model("dense", 7, 0, 0, 400, 2400, 0), model("moe", 3, 6, 1, 500, 1200, 14000), model("moe 2 of 4", 3, 4, 2, 300, 200, 9000),
		model("tiny", 4, 2, 1, 10, 30, 400), model("wide", 3, 5, 1, 2500, 3500, 7000),
	}
}

// TestRegret holds the search against trying everything, under the same model of
// cost.
func TestRegret(t *testing.T) {
	all := machines()
	if len(all) < 24 {
		t.Fatalf("%d machines, want at least 24", len(all))
	}
	worst, cases := 0.0, 0
	options := []Options{{4096, F16, 4096}, {65536, F16, 1000}}
	for k, m := range all {
		for i, f := range smallModels(len(m.GPUs) + 1) {
			for _, o := range options[(k+i)%2 : (k+i)%2+1] {
				task := newTask(f, m, o)
				want, got := task.exhaustive(), math.Inf(1)
				if p := task.search(); p != nil {
					got = task.cost(p)
				}
				if math.IsInf(want, 1) != math.IsInf(got, 1) {
					t.Errorf("%s on %s at %d: got %v, want %v", f.Name, m.Name, o.Context, got, want)
					continue
				}
				if math.IsInf(want, 1) {
					continue
				}
				cases++
				regret := got/want - 1
				worst = max(worst, regret)
				if regret > 0.02 || regret < -1e-9 {
					t.Errorf("%s on %s at %d: a token takes %.4f s, the best placement %.4f: regret %.2f %%", f.Name, m.Name, o.Context, got, want, 100*regret)
				}
			}
		}
	}
	if cases < 100 {
		t.Errorf("only %d cases have a placement", cases)
	}
	t.Logf("worst regret %.3f %% of %d cases", 100*worst, cases)
}

// TestNeverMoreThanFree plans random models for random machines and adds up again
// what lies where.
func TestNeverMoreThanFree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	between := func(a, b float64) float64 { return a * math.Pow(b/a, rng.Float64()) }
	plans := 0
	for range 70 {
		m := machine("random", between(2, 256), between(20, 600), []float64{0, 0.5, 7}[rng.IntN(3)])
		m.RAM.Free = int64(rng.Float64() * float64(m.RAM.Total))
		for range rng.IntN(4) {
			g := gpu(between(2, 96), between(100, 3000), between(3, 50))
			g.Free, g.Display = int64(rng.Float64()*float64(g.Total)), rng.IntN(2) == 0
			m.GPUs = append(m.GPUs, g)
		}
		experts := []int{0, 2, 16, 128}[rng.IntN(4)]
		f := model("random", 1+rng.IntN(20), experts, min(experts, 1+rng.IntN(2)), between(1, 500), between(1, 900), between(10, 5000))
		o := Options{Context: 1 << (8 + rng.IntN(12)), KV: []KVType{F16, Q8_0, Q4_0}[rng.IntN(3)]}
		p, err := Make(f, m, o)
		if err != nil {
			if _, refused := err.(*Refusal); !refused {
				t.Fatal(err)
			}
			continue
		}
		plans++
		checkMemory(t, p)
	}
	if plans < 35 {
		t.Errorf("only %d of 70 random machines have a plan", plans)
	}
}

// checkMemory adds up what a plan says from its placement alone.
func checkMemory(t *testing.T, p *Plan) {
	t.Helper()
	sum := make([]int64, len(p.Devices))
	sum[0] = p.Facts.Embedding + p.Facts.Vision
	if p.Placement.Output != CPU || !p.Facts.Tied {
		sum[p.Placement.Output] += p.Facts.outputRead()
	}
	for i, l := range p.Placement.Layers {
		facts := p.Facts.Layers[i]
		sum[l.Attention] += facts.Attention + facts.KV(p.Options.Context, p.Options.KV)
		sum[l.Dense] += facts.Dense
		placed := 0
		for d, n := range l.Experts {
			if n < 0 {
				t.Fatalf("%d experts of layer %d on device %d", n, i, d)
			}
			placed += int(n)
			if n > 0 {
				sum[d] += facts.Experts / int64(p.Facts.Experts) * int64(n)
			}
		}
		if facts.Experts > 0 && placed != p.Facts.Experts {
			t.Fatalf("layer %d has %d experts placed of %d", i, placed, p.Facts.Experts)
		}
	}
	for d, use := range p.Devices {
		if sum[d] != use.Weights+use.KV {
			t.Errorf("%s on %s: device %d holds %d bytes, the plan says %d", p.Facts.Name, p.Machine.Name, d, sum[d], use.Weights+use.KV)
		}
		if use.Total() > use.Budget || use.Budget > use.Free || use.OnDisk > 0 && d > 0 {
			t.Errorf("%s on %s: device %d is to hold %d of %d bytes, %d are free", p.Facts.Name, p.Machine.Name, d, use.Total(), use.Budget, use.Free)
		}
		if (use.OnDisk > 0) != (p.Streamed && d == 0) {
			t.Errorf("device %d: %d bytes on disk, streamed is %v", d, use.OnDisk, p.Streamed)
		}
	}
	if !(p.Decode.Rate > 0) || p.Decode.Rate > p.Decode.Bound*(1+1e-9) || p.Decode.Limit == "" {
		t.Errorf("%s on %s: rate %v, bound %v, limit %q", p.Facts.Name, p.Machine.Name, p.Decode.Rate, p.Decode.Bound, p.Decode.Limit)
	}
	if p.Classic.Rate > p.Decode.Rate*1.02 {
		t.Errorf("%s on %s: whole layers are faster: %v, the plan %v", p.Facts.Name, p.Machine.Name, p.Classic.Rate, p.Decode.Rate)
	}
}
