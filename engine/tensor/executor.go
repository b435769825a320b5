package tensor

import (
	"errors"
	"fmt"
)

// Executor runs a whole graph over the devices its nodes were placed on,
// carrying activations across where they are needed.
type Executor struct {
	backends map[Device]Backend
	programs map[Device]Program
	steps    []executorStep
	result   Value
	last     Program
}

// executorStep is one segment with what must be brought to its device first.
type executorStep struct {
	program Program
	segment int
	bring   []transfer
}

type transfer struct {
	from  Program
	value Value
}

// NewExecutor compiles g on backends, which must hold every device g uses. It
// fails with the first operation that its device does not support.
func NewExecutor(g *Graph, backends map[Device]Backend, limits Limits, keep []Value) (*Executor, error) {
	x := &Executor{backends: backends, programs: map[Device]Program{}, result: g.Result}
	for _, n := range g.Nodes {
		b, ok := backends[n.Device]
		if !ok {
			return nil, fmt.Errorf("tensor: layer %d is placed on device %d, which is not there", n.Layer, n.Device)
		}
		if err := b.Supports(n.Op); err != nil {
			return nil, fmt.Errorf("tensor: layer %d on %s: %w", n.Layer, b.Name(), err)
		}
	}
	for _, s := range g.Segments() {
		if x.programs[s.Device] != nil {
			continue
		}
		p, err := backends[s.Device].Compile(g, s.Device, limits, keep)
		if err != nil {
			return nil, errors.Join(err, x.Close())
		}
		x.programs[s.Device] = p
	}
	x.schedule(g)
	return x, nil
}

// schedule lists the segments in order. A value is brought to a device once,
// before the first segment there that reads it.
func (x *Executor) schedule(g *Graph) {
	there := map[Device]map[Value]bool{}
	count := map[Device]int{}
	for _, s := range g.Segments() {
		step := executorStep{program: x.programs[s.Device], segment: count[s.Device]}
		count[s.Device]++
		if there[s.Device] == nil {
			there[s.Device] = map[Value]bool{}
		}
		for _, n := range g.Nodes[s.From:s.To] {
			for _, v := range n.In {
				from := g.Producer(v).Device
				if from != s.Device && !there[s.Device][v] {
					there[s.Device][v] = true
					step.bring = append(step.bring, transfer{x.programs[from], v})
				}
			}
		}
		x.steps = append(x.steps, step)
	}
	x.last = x.programs[g.Producer(g.Result).Device]
}

// NewCache allocates the storage of one sequence on every device.
func (x *Executor) NewCache(spec CacheSpec) (*Caches, error) {
	c := &Caches{byDevice: map[Device]Cache{}}
	for d, b := range x.backends {
		cache, err := b.NewCache(spec, d)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.byDevice[d] = cache
		if p, ok := x.programs[d]; ok {
			c.byProgram = append(c.byProgram, programCache{p, cache})
		}
	}
	return c, nil
}

// Caches is the storage of one sequence, a part per device.
type Caches struct {
	byDevice  map[Device]Cache
	byProgram []programCache
}

type programCache struct {
	program Program
	cache   Cache
}

func (c *Caches) of(p Program) Cache {
	for _, pc := range c.byProgram {
		if pc.program == p {
			return pc.cache
		}
	}
	return nil
}

// Close frees the storage.
func (c *Caches) Close() error {
	var errs []error
	for _, cache := range c.byDevice {
		errs = append(errs, cache.Close())
	}
	return errors.Join(errs...)
}

// Run computes the batch on all devices and returns the logits
// [outputs, vocabulary], valid until the next Run. See Program.Run for stop.
func (x *Executor) Run(b *Batch, caches *Caches, stop func() bool) ([]float32, error) {
	for i := range x.steps {
		s := &x.steps[i]
		for _, t := range s.bring {
			data, err := t.from.Read(t.value)
			if err != nil {
				return nil, err
			}
			if err := s.program.Write(t.value, data); err != nil {
				return nil, err
			}
		}
		if err := s.program.Run(s.segment, b, caches.of(s.program), stop); err != nil {
			return nil, err
		}
	}
	if len(b.Outputs) == 0 {
		return nil, nil
	}
	return x.last.Read(x.result)
}

// Read returns a value listed in keep after a run, as Program.Read does.
func (x *Executor) Read(g *Graph, v Value) ([]float32, error) {
	return x.programs[g.Producer(v).Device].Read(v)
}

// Close frees the programs. The backends stay open.
func (x *Executor) Close() error {
	var errs []error
	for _, p := range x.programs {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
