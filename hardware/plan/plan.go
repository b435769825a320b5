package plan

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Plan says where a model's parts lie on a machine, what that takes, and how fast
// it is predicted to be.
type Plan struct {
	Facts   Facts
	Machine Machine
	Options Options

	Placement Placement
	Devices   []Use // RAM first, then the GPUs
	Streamed  bool  // the weights are more than memory holds and are read from disk again and again

	Decode      Speed // at Options.Depth
	DecodeEmpty Speed // with an empty context
	Prefill     Speed // of a prompt at Options.Depth; Rate 0 if a device's computing speed is unknown
	Load        time.Duration
	Classic     Classic
}

// Use is what a plan takes of a device, in bytes.
type Use struct {
	Name                 string
	Weights, KV, Compute int64
	Free, Budget         int64 // free now; of that, what a plan may use
	OnDisk               int64 // of Weights, what has no room in memory
}

// Total is the memory in use.
func (u Use) Total() int64 { return u.Weights - u.OnDisk + u.KV + u.Compute }

// Speed is a predicted rate.
type Speed struct {
	Rate  float64 // tokens per second
	Bound float64 // no program is faster with these bandwidths; 0 if there is no such figure
	Limit string  // what most of the time goes into
}

// Classic is what placing whole layers gives, the way other programs count them:
// "17 of 49", the output being one.
type Classic struct {
	Layers, Of int
	Rate       float64 // tokens per second, 0 if the rest does not fit into RAM
}

// Make plans a model for a machine. It refuses with a *Refusal what does not fit.
func Make(f Facts, m Machine, o Options) (*Plan, error) {
	o.KV = cmp.Or(o.KV, F16)
	if err := checkAll(f, m, o); err != nil {
		return nil, err
	}
	t := newTask(f, m, o)
	best := t.search()
	if best == nil {
		return nil, refuse(f, m, o)
	}
	return t.describe(best), nil
}

func checkAll(f Facts, m Machine, o Options) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	if o.Context < 1 || o.Context > 1<<30 {
		return fmt.Errorf("plan: context is %d, want 1 to %d", o.Context, 1<<30)
	}
	if o.Depth < 0 || o.Depth > o.Context {
		return fmt.Errorf("plan: depth is %d, want 0 to %d, the context", o.Depth, o.Context)
	}
	switch o.KV {
	case F16, F32:
		return nil
	case Q8_0, Q4_0:
		if !f.blocksFit() {
			return fmt.Errorf("plan: model %q has heads that no %s cache holds, want heads of a multiple of 32 elements", f.Name, o.KV)
		}
		return nil
	}
	return fmt.Errorf("plan: cache type is %q, want f16, f32, q8_0 or q4_0", o.KV)
}

// describe makes a plan of a placement.
func (t *task) describe(p *Placement) *Plan {
	u := t.measure(p)
	plan := &Plan{Facts: t.f, Machine: t.m, Options: t.o, Placement: *p}
	for d := range Device(t.devices) {
		use := Use{Name: t.m.DeviceName(d), Weights: u.weights[d], KV: u.kv[d], Budget: t.budget[d], Free: t.m.RAM.Free}
		if u.used[d] || d == CPU {
			use.Compute = t.compute[d]
		}
		if d != CPU {
			use.Free = t.m.GPUs[d-1].Free
		}
		if over := t.resident(&u, d) - t.budget[d]; d == CPU && over > 0 {
			use.OnDisk, plan.Streamed = over, true
		}
		plan.Devices = append(plan.Devices, use)
	}
	plan.Decode = t.speed(t.decode(&u), t.decodeBound(&u))
	plan.Prefill = t.speed(t.prefill(&u), times{})
	if t.unknownFlops(&u) {
		plan.Prefill = Speed{}
	}
	o := t.o
	o.Depth = 0
	empty := newTask(t.f, t.m, o)
	e := empty.measure(p)
	plan.DecodeEmpty = empty.speed(empty.decode(&e), empty.decodeBound(&e))
	plan.Load = t.loadTime(&u)
	plan.Classic = t.classic()
	return plan
}

// unknownFlops says whether a device that computes is of unknown speed.
func (t *task) unknownFlops(u *load) bool {
	for d := range Device(t.devices) {
		if u.used[d] && t.flops(d) <= 0 && !(d == CPU && t.prompt > 0) {
			return true
		}
	}
	return false
}

// speed turns times into rates and names what most of the time goes into.
func (t *task) speed(reached, bound times) Speed {
	s := Speed{Rate: 1 / reached.total()}
	if b := bound.total(); b > 0 {
		s.Bound = 1 / b
	}
	most := max(reached.disk, reached.crossings)
	s.Limit = "handing over between devices"
	if reached.disk >= reached.crossings && reached.disk > 0 {
		s.Limit = fmt.Sprintf("%s at %.1f GB/s", cmp.Or(t.m.Disk.Name, "disk"), t.m.Disk.Bandwidth/1e9)
	}
	for d := range Device(t.devices) {
		if reached.device[d] > most {
			most = reached.device[d]
			s.Limit = fmt.Sprintf("%s at %.0f GB/s", t.m.DeviceName(d), t.fast[d]/1e9)
		}
	}
	return s
}

// loadTime is how long it takes until everything is where it belongs; 0 if the
// disk's speed is unknown. What goes to a card crosses its link meanwhile.
func (t *task) loadTime(u *load) time.Duration {
	if t.m.Disk.Bandwidth <= 0 {
		return 0
	}
	all := float64(min(u.weights[CPU], t.budget[CPU]))
	link := 0.0
	for d := 1; d < t.devices; d++ {
		all += float64(u.weights[d])
		if l := t.m.GPUs[d-1].Link; l > 0 {
			link += float64(u.weights[d]) / l
		}
	}
	return time.Duration(max(all/t.m.Disk.Bandwidth, link) * float64(time.Second))
}

// classic fills the GPUs with whole layers, in the order of their numbers, as
// programs do that know nothing smaller.
func (t *task) classic() Classic {
	c := Classic{Of: len(t.f.Layers) + 1}
	p := t.f.emptyPlacement()
	next := len(p.Layers) - 1
	for d := Device(1); d < Device(t.devices); d++ {
		if p.Output == CPU {
			if undo := p.move(0, output, CPU, d); !t.within(p, d) {
				undo()
				continue
			}
			c.Layers++
		}
		for ; next >= 0; next-- {
			if undo := p.move(next, whole, CPU, d); !t.within(p, d) {
				undo()
				break
			}
			c.Layers++
		}
	}
	if cost := t.cost(p); !math.IsInf(cost, 1) {
		c.Rate = 1 / cost
	}
	return c
}

// RoutedOn is the share of all routed experts, by bytes, that lies on GPUs.
func (p *Plan) RoutedOn() float64 {
	all, on := 0.0, 0.0
	for i, l := range p.Placement.Layers {
		for d, n := range l.Experts {
			bytes := float64(n) * float64(p.Facts.Layers[i].Experts) / float64(p.Facts.Experts)
			all += bytes
			if d > 0 {
				on += bytes
			}
		}
	}
	if all == 0 {
		return 0
	}
	return on / all
}

// On is how many layers lie on GPUs with all their parts, with their attention, and
// with their dense part.
func (p *Plan) On() (whole, attention, dense int) {
	for _, l := range p.Placement.Layers {
		if l.Attention != CPU {
			attention++
		}
		if l.Dense != CPU {
			dense++
		}
		if l.Attention != CPU && l.Dense != CPU && (l.Experts == nil || l.Experts[CPU] == 0) {
			whole++
		}
	}
	return whole, attention, dense
}
