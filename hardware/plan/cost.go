package plan

import "math"

// The shares of a data sheet's bandwidth that programs reach when they generate:
// assumptions of the project's study of published measurements (placement.md 3.5).
// Of a measured bandwidth our engine reaches what ofMeasured says.
const (
	gpuShare = 0.70
	ramShare = 0.75
	// Published points of an integrated GPU with its measured bandwidth lie within
	// 6 % of the plain quotient at an empty context.
	unifiedMeasuredShare = 1.0
	unifiedShare         = 0.80

	// coreBandwidth is what one core reads and computes at most: 16 cores of an EPYC
	// 9175F get 16.3 to 17.5 tokens/s of Scout at Q6_K, 13.5 GB each, out of 614
	// GB/s; our own two cores get 25 GB/s.
	coreBandwidth = 14e9

	// roundTrip is handing a token from one device to another and back, in seconds.
	// Assumed 20 to 60 µs.
	roundTrip = 40e-6

	gpuFlopsShare = 0.35 // of a data sheet's products, when a prompt is read
	prefillBatch  = 512  // tokens of a prompt that are computed together
)

// Options is what a plan is asked for.
type Options struct {
	Context int    // positions to make room for
	KV      KVType // "" means f16
	Depth   int    // positions in the cache when speed is predicted; at most Context
}

// LayerPlace says where the parts of a layer lie.
type LayerPlace struct {
	Attention Device  // with its cache
	Dense     Device  // norm, router and shared expert, or the dense network
	Experts   []int16 // how many of the routed experts lie on each device; nil if there are none
}

// Placement says where every part of a model lies. The token embedding is in RAM.
type Placement struct {
	Layers []LayerPlace
	Output Device
}

// task is a model, a machine and what is wanted, with what evaluating many
// placements has in common.
type task struct {
	f Facts
	m Machine
	o Options

	devices int
	budget  [mostGPUs + 1]int64
	fast    [mostGPUs + 1]float64 // bytes per second, as they are reached
	bound   [mostGPUs + 1]float64 // and at most
	kv      []int64               // of each layer, allocated
	read    []int64               // and read for a token
	compute [mostGPUs + 1]int64   // activations, if the device is used at all

	kernels *Kernels // of the processor; nil where nothing is known of them
	prompt  float64  // seconds of a token of a prompt, all on the processor; 0: unknown
}

func newTask(f Facts, m Machine, o Options) *task {
	t := &task{f: f, m: m, o: o, devices: len(m.GPUs) + 1}
	t.kv, t.read = make([]int64, len(f.Layers)), make([]int64, len(f.Layers))
	for i, l := range f.Layers {
		t.kv[i], t.read[i] = l.KV(o.Context, o.KV), l.kvRead(o.Depth, o.KV)
	}
	for d := range Device(t.devices) {
		t.budget[d] = m.Budget(d)
		t.compute[d] = f.Compute(d, o)
		if d > 0 {
			t.bound[d], t.fast[d] = m.GPUs[d-1].Bandwidth, m.GPUs[d-1].Bandwidth*gpuShare
		}
	}
	t.bound[CPU] = m.RAM.Bandwidth
	if m.Cores > 0 && !m.RAM.Unified && !m.RAM.Measured {
		t.bound[CPU] = min(t.bound[CPU], float64(m.Cores)*coreBandwidth)
	}
	t.fast[CPU] = m.reached(f)
	if rate, ok := m.Kernels.decodeRate(f, t.fast[CPU]); ok && !m.RAM.Unified {
		t.kernels, t.fast[CPU] = m.Kernels, rate
		// Wide loads get more than plain ones.
		t.bound[CPU] = max(t.bound[CPU], rate, t.kernels.Cache[o.KV].Decode)
		t.prompt = t.kernels.prefillSeconds(f, o, rate)
	}
	return t
}

// reached is the bandwidth of main memory that generating with a model gets.
func (m Machine) reached(f Facts) float64 {
	switch {
	case m.RAM.Unified && m.RAM.Measured:
		return m.RAM.Bandwidth * unifiedMeasuredShare
	case m.RAM.Unified:
		return m.RAM.Bandwidth * unifiedShare
	}
	if m.RAM.Measured { // with the cores that compute
		return m.RAM.Bandwidth * f.ofMeasured()
	}
	b := m.RAM.Bandwidth * ramShare
	if m.Cores > 0 {
		b = min(b, float64(m.Cores)*coreBandwidth)
	}
	return b
}

// ofMeasured is the share of the bandwidth that plain reads get which generating
// gets. Vector loads get some more than plain ones, and every weight costs time to
// unpack and multiply whatever its size, so that a model of few bits for a weight
// gets a smaller share. Both constants were fitted to three models on two cores with
// AVX-512; speed_test.go holds them against others.
func (f Facts) ofMeasured() float64 {
	const (
		vectorLoads = 1.19  // times what plain loads get
		unpacking   = 0.336 // bytes that could be read in the time that a weight costs
		unknown     = 0.8
	)
	weights := f.Multiplied + int64(f.Vocabulary)*int64(f.Width)
	if f.Multiplied <= 0 || weights <= 0 {
		return unknown
	}
	size := float64(f.PerToken()) / float64(weights)
	return min(1, size/(size/vectorLoads+unpacking))
}

// Compute is the activations of a batch on a device. That of a GPU is a driver's
// context and the larger of the logits of a batch and the attention mask, as
// llama.cpp's allocator has them (placement.md 3.3, 3.8); a GPU engine of ours may
// differ. That of the CPU follows our engine: a batch of 512 tokens and logits of
// 64.
func (f Facts) Compute(d Device, o Options) int64 {
	if d != CPU {
		const context, batch = 150 * mib, 512
		return context + max(int64(f.Vocabulary)*4*batch+30*mib, 2*batch*int64(o.Context)+107*mib)
	}
	const batch, outputs = 512, 64
	headDim, heads, kv := int64(1), int64(f.Heads), int64(0)
	for _, l := range f.Layers {
		headDim, kv = max(headDim, int64(l.HeadDim)), max(kv, int64(l.KVHeads*l.HeadDim))
	}
	// Numbers of a token that live at the same time, with their rounded forms:
	// fitted to what the engine allocates, and held against it by a test there.
	numbers := 4*int64(f.Width) + 4*heads*headDim + 2*kv + 2*int64(max(1, f.ExpertsUsed))*int64(f.FF)
	spans := int64(o.Context/256+2) * heads * (headDim + 2) // attention's partial results
	return 4 * (batch*numbers + (outputs+1)*int64(f.Vocabulary) + spans)
}

// load is what a placement asks of every device.
type load struct {
	weights, kv [mostGPUs + 1]int64   // resident
	fixed       [mostGPUs + 1]float64 // bytes that every token reads there: weights but routed experts, and cache
	routed      [mostGPUs + 1]float64 // bytes of routed experts, on average
	experts     int64                 // all routed experts in RAM
	seen        float64               // of fixed, what is cache in RAM
	layers      int                   // whose attention is in RAM
	used        [mostGPUs + 1]bool
	crossings   float64 // hand-overs to another device, on average; a round trip is two
}

// measure adds a placement up. It allocates nothing.
func (t *task) measure(p *Placement) (u load) {
	share := 0.0
	if t.f.Experts > 0 {
		share = float64(t.f.ExpertsUsed) / float64(t.f.Experts)
	}
	at := CPU // where the token is: the embedding is in RAM
	u.weights[CPU] = t.f.Embedding + t.f.Vision
	for i := range p.Layers {
		l, q := &t.f.Layers[i], &p.Layers[i]
		u.weights[q.Attention] += l.Attention
		u.kv[q.Attention] += t.kv[i]
		u.fixed[q.Attention] += float64(l.Attention + t.read[i])
		if q.Attention == CPU {
			u.seen += float64(t.read[i])
			u.layers++
		}
		u.weights[q.Dense] += l.Dense
		u.fixed[q.Dense] += float64(l.Dense)
		u.used[q.Attention], u.used[q.Dense] = true, true
		if q.Attention != at {
			u.crossings++
		}
		if q.Dense != q.Attention {
			u.crossings++
		}
		at = q.Dense
		if q.Experts == nil {
			continue
		}
		one := l.Experts / int64(t.f.Experts)
		for d := range t.devices {
			n := q.Experts[d]
			if n == 0 {
				continue
			}
			bytes := one * int64(n)
			if int(n) == t.f.Experts {
				bytes = l.Experts
			}
			u.weights[d] += bytes
			u.routed[d] += float64(bytes) * share
			u.used[d] = true
			if d == int(CPU) {
				u.experts += bytes
			}
			if Device(d) != q.Dense { // there and back, if any of the token's experts is there
				u.crossings += 2 * (1 - math.Pow(1-float64(n)/float64(t.f.Experts), float64(t.f.ExpertsUsed)))
			}
		}
	}
	t.measureOutput(p.Output, at, &u)
	return u
}

// measureOutput adds the output matrix. A tied one lies in RAM already and is
// there a second time if a GPU computes with it.
func (t *task) measureOutput(d, at Device, u *load) {
	n := t.f.outputRead()
	u.fixed[d] += float64(n)
	u.used[d] = true
	if d != CPU {
		u.weights[d] += n
	} else {
		u.weights[d] += t.f.Output
	}
	if d != at {
		u.crossings++
	}
}

// resident is the memory a device needs.
func (t *task) resident(u *load, d Device) int64 {
	n := u.weights[d] + u.kv[d]
	if u.used[d] || d == CPU {
		n += t.compute[d]
	}
	return n
}

// fits says whether the placement keeps every budget. Weights in RAM may be more
// than there is room for if they can be read from disk again; nothing else may.
func (t *task) fits(u *load) bool {
	for d := range Device(t.devices) {
		need := t.resident(u, d)
		if d == CPU && t.m.Disk.Bandwidth > 0 {
			need = u.kv[CPU] + t.compute[CPU]
		}
		if need > t.budget[d] {
			return false
		}
	}
	return true
}

// missing is how many bytes of a token's weights are not in RAM and come from the
// disk. What every token reads is kept before experts. If not even that has room,
// all of it is read again each time: a system that drops what was used longest ago
// keeps nothing of a sequence that is longer than its memory.
func (t *task) missing(u *load) float64 {
	if t.resident(u, CPU) <= t.budget[CPU] {
		return 0
	}
	fixed := u.weights[CPU] - u.experts
	room := t.budget[CPU] - u.kv[CPU] - t.compute[CPU] - fixed
	if room < 0 {
		return u.fixed[CPU] - u.seen + u.routed[CPU]
	}
	return u.routed[CPU] * (1 - float64(room)/float64(u.experts))
}

// times is how long a token takes, by what it waits for, in seconds.
type times struct {
	device    [mostGPUs + 1]float64
	disk      float64
	crossings float64
}

func (s times) total() float64 {
	sum := s.disk + s.crossings
	for _, d := range s.device {
		sum += d
	}
	return sum
}

// decode is the time of generating one token, as it is reached. The devices work
// one after the other.
func (t *task) decode(u *load) times {
	s := t.decodeAt(u, &t.fast, roundTrip/2)
	if k := t.kernels; k != nil {
		s.device[CPU] += k.cacheSeconds(u.seen, t.o.KV, t.fast[CPU]) + float64(u.layers)*k.Layer
	}
	return s
}

// decodeBound is the same with full bandwidths and without hand-overs: no program
// is faster.
func (t *task) decodeBound(u *load) times { return t.decodeAt(u, &t.bound, 0) }

func (t *task) decodeAt(u *load, rates *[mostGPUs + 1]float64, crossing float64) (s times) {
	missing := t.missing(u)
	for d := range t.devices {
		s.device[d] = (u.fixed[d] + u.routed[d]) / rates[d]
	}
	if missing > 0 {
		s.disk = missing / t.m.Disk.Bandwidth
	}
	s.crossings = u.crossings * crossing
	return s
}

// prefill is the time of one token of a prompt that is read in batches, the first
// token being Depth tokens into the context.
func (t *task) prefill(u *load) (s times) {
	touched := t.touched()
	all, batch := 0.0, float64(prefillBatch)
	for d := range t.devices {
		all += u.fixed[d] + u.routed[d]
	}
	for d := range Device(t.devices) {
		// Products are shared out by bytes, which holds where types are alike.
		work := 2 * float64(t.f.Multiplied) * (u.fixed[d] + u.routed[d]) / all * batch
		bytes := u.fixed[d] + u.routed[d]*touched
		s.device[d] = max(bytes/t.fast[d], over(work, t.flops(d))) / batch
		if d == CPU && t.prompt > 0 {
			s.device[d] = max(bytes/t.fast[d]/batch, t.prompt*(u.fixed[d]+u.routed[d])/all)
		}
	}
	if t.devices > 1 && u.routed[CPU] > 0 {
		s.device[CPU] = min(s.device[CPU], t.throughLink(u, touched))
	}
	if missing := t.missing(u); missing > 0 {
		s.disk = missing * touched / t.m.Disk.Bandwidth / batch
	}
	s.crossings = u.crossings * roundTrip / 2 / batch
	return s
}

// throughLink is the time of a token if weights in RAM are copied to the first GPU
// and computed with there, which pays for long prompts.
func (t *task) throughLink(u *load, touched float64) float64 {
	g := t.m.GPUs[0]
	if g.Link <= 0 {
		return math.Inf(1)
	}
	return (u.fixed[CPU] + u.routed[CPU]*touched) / g.Link / prefillBatch
}

// touched is how many times the experts of one token a batch reads: with enough
// tokens, all of them once.
func (t *task) touched() float64 {
	if t.f.Experts == 0 || t.f.ExpertsUsed == 0 {
		return 1
	}
	e, k := float64(t.f.Experts), float64(t.f.ExpertsUsed)
	return e * (1 - math.Pow(1-k/e, prefillBatch)) / k
}

// flops is the products per second of a device; 0: unknown.
func (t *task) flops(d Device) float64 {
	if d == CPU {
		return t.m.CPUFlops
	}
	return t.m.GPUs[d-1].Flops * gpuFlopsShare
}

// over is a/b, and nothing if b is unknown.
func over(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}
