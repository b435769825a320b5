package cpu

import (
	"fmt"
	"slices"

	"scout/engine/internal/kernel"
	"scout/engine/quant"
	"scout/engine/tensor"
)

// compiler turns nodes into steps. It hands out buffers by liveness, so that a
// deep model needs the activations of a few layers and not of all, and it finds
// where barriers are needed from what each step reads and writes.
type compiler struct {
	p     *program
	g     *tensor.Graph
	d     tensor.Device
	steps []step
	at    int // the node being compiled

	last    map[tensor.Value]int // node that reads the value last
	held    map[tensor.Value]bool
	free    map[int][]buffer // idle buffers by length
	buffers int              // storages handed out, buffers and activations together

	acts     map[actsKey]*acts     // activations prepared for the kernels
	idleActs map[actsShape][]*acts // those nobody needs any more

	ropes   []*ropeTable
	ropes2D []*rope2DTable

	spans map[int][]spanWorker // by head dimension

	read, written map[int]bool // storages touched since the last barrier
}

type buffer struct {
	data    []float32
	storage int
}

// acts is a value prepared for a family of weight types. It is shaped once, for
// the most rows; a run uses the first of them.
type acts struct {
	kernel.Acts
	shape   actsShape
	storage int
	packed  int // storage of the packed activations; 0 when nobody wants any
}

type actsShape struct {
	form       kernel.Form
	rows, cols int
}

type actsKey struct {
	v    tensor.Value
	form kernel.Form
}

// Compile prepares the nodes of g on device d; see tensor.Backend.
func (b *Backend) Compile(g *tensor.Graph, d tensor.Device, limits tensor.Limits, keep []tensor.Value) (tensor.Program, error) {
	p := &program{b: b, limits: limits, values: map[tensor.Value]*value{}}
	p.check = p.halt
	c := &compiler{
		p: p, g: g, d: d,
		last: map[tensor.Value]int{}, held: map[tensor.Value]bool{}, free: map[int][]buffer{},
		acts: map[actsKey]*acts{}, idleActs: map[actsShape][]*acts{}, spans: map[int][]spanWorker{},
	}
	for i, n := range g.Nodes {
		for _, v := range n.In {
			c.last[v] = i
		}
	}
	for _, v := range append(slices.Clone(keep), g.Result) {
		c.held[v] = true
	}
	for _, s := range g.Segments() {
		if err := c.segment(s); err != nil {
			return nil, err
		}
	}
	b.programs = append(b.programs, p)
	return p, nil
}

// segment compiles the nodes of one segment. One of another device is passed
// over, but its nodes too end the lives of the values they read last.
func (c *compiler) segment(s tensor.Segment) error {
	c.steps, c.ropes, c.ropes2D = nil, nil, nil
	c.read, c.written = map[int]bool{}, map[int]bool{}
	if s.Device == c.d {
		c.receive(s)
	}
	for i := s.From; i < s.To; i++ {
		n := &c.g.Nodes[i]
		if n.Device == c.d {
			c.at = i
			if err := c.node(n); err != nil {
				return fmt.Errorf("cpu: layer %d: %w", n.Layer, err)
			}
		}
		for _, v := range n.In {
			if c.last[v] == i {
				c.last[v] = -1 // an operand may be there twice
				c.release(v)
			}
		}
	}
	if steps := c.steps; s.Device == c.d {
		c.p.segments = append(c.p.segments, c.p.newSegment(steps))
	}
	return nil
}

// newSegment makes the jobs of a list of steps.
func (p *program) newSegment(steps []step) segment {
	s := segment{steps: steps, costs: make([]cost, len(steps))}
	s.job = func(worker int) { p.walk(steps, worker) }
	s.timed = func(worker int) {
		if worker > 0 {
			p.walk(steps, worker)
			return
		}
		p.walkTimed(steps, s.costs)
	}
	return s
}

// receive makes the places of what other devices compute for the segment. They
// are filled before its first step runs, so they must not share a buffer with
// anything that a step of the segment lets go.
func (c *compiler) receive(s tensor.Segment) {
	for _, n := range c.g.Nodes[s.From:s.To] {
		for _, v := range n.In {
			if c.g.Producer(v).Device != c.d {
				c.in(v)
			}
		}
	}
}

// node compiles one operation.
func (c *compiler) node(n *tensor.Node) error {
	switch op := n.Op.(type) {
	case tensor.Embed:
		c.embed(n, op)
	case tensor.RMSNorm:
		c.rmsNorm(n, op)
	case tensor.MatMul:
		c.matMul(n, op)
	case tensor.RoPE:
		c.rope(n, op)
	case tensor.Temper:
		c.temper(n, op)
	case tensor.Attend:
		c.attend(n, op)
	case tensor.FFN:
		c.ffn(n, op)
	case tensor.Route:
		c.route(n, op)
	case tensor.ExpertFFN:
		c.expertFFN(n, op)
	case tensor.Add:
		c.addition(n)
	case tensor.Select:
		c.selection(n)
	case tensor.Input:
		c.input(n, op)
	case tensor.LayerNorm:
		c.layerNorm(n, op)
	case tensor.GELU:
		c.gelu(n)
	case tensor.AddRows:
		c.addRows(n, op)
	case tensor.RoPE2D:
		c.rope2D(n, op)
	case tensor.AttendSpan:
		c.attendSpan(n, op)
	case tensor.Merge:
		c.merge(n)
	default:
		return fmt.Errorf("operation %T is unknown", n.Op)
	}
	return nil
}

// step adds a step that reads and writes the given storages. It gets a barrier
// when it could meet, in another worker, a step that has not finished.
func (c *compiler) step(name string, reads, writes []int, run func(worker int, pieces *counter)) {
	conflict := slices.ContainsFunc(reads, func(s int) bool { return c.written[s] }) ||
		slices.ContainsFunc(writes, func(s int) bool { return c.written[s] || c.read[s] })
	if conflict {
		clear(c.read)
		clear(c.written)
	}
	for _, s := range reads {
		c.read[s] = true
	}
	for _, s := range writes {
		c.written[s] = true
	}
	pieces := new(counter)
	c.steps = append(c.steps, step{name: name, node: c.at, barrier: conflict, pieces: pieces, run: func(worker int) { run(worker, pieces) }})
}

// maxRows is the most rows a value of a kind can have.
func (c *compiler) maxRows(r tensor.Rows) int {
	if r == tensor.PerOutput {
		return c.p.limits.Outputs
	}
	return c.p.limits.Tokens
}

// buffer takes n numbers from the idle buffers or the heap.
func (c *compiler) buffer(n int) buffer {
	if idle := c.free[n]; len(idle) > 0 {
		c.free[n] = idle[:len(idle)-1]
		return idle[len(idle)-1]
	}
	return buffer{c.numbers(n), c.storage()}
}

// numbers is n zeros that the program keeps.
func (c *compiler) numbers(n int) []float32 {
	c.count(4 * n)
	return make([]float32, n)
}

// count adds to the bytes that programs take.
func (c *compiler) count(bytes int) { c.p.b.bytes += int64(bytes) }

func (c *compiler) storage() int { c.buffers++; return c.buffers }

func (c *compiler) recycle(b buffer) { c.free[len(b.data)] = append(c.free[len(b.data)], b) }

// out makes the place of a node's result.
func (c *compiler) out(n *tensor.Node) *value { return c.place(n.Out) }

// in is the place of an operand; see receive for one of another device.
func (c *compiler) in(v tensor.Value) *value {
	if val, ok := c.p.values[v]; ok {
		return val
	}
	return c.place(v)
}

func (c *compiler) place(v tensor.Value) *value {
	info := c.g.Values[v]
	b := c.buffer(c.maxRows(info.Rows) * info.Width)
	val := &value{info: info, data: b.data, storage: b.storage}
	if info.Routing {
		val.ids = make([]int32, len(b.data))
		c.count(4 * len(val.ids))
	}
	c.p.values[v] = val
	return val
}

// release gives back what belongs to a value nobody reads any more.
func (c *compiler) release(v tensor.Value) {
	for key, a := range c.acts {
		if key.v == v {
			delete(c.acts, key)
			c.idle(a)
		}
	}
	if val, ok := c.p.values[v]; ok && !c.held[v] && !val.info.Routing {
		c.recycle(val.buffer())
	}
}

// newActs takes an idle preparation buffer of a shape or makes one.
func (c *compiler) newActs(shape actsShape) *acts {
	if idle := c.idleActs[shape]; len(idle) > 0 {
		c.idleActs[shape] = idle[:len(idle)-1]
		a := idle[len(idle)-1]
		a.packed = 0
		return a
	}
	a := &acts{shape: shape, storage: c.storage()}
	a.Resize(shape.form, shape.rows, shape.cols)
	c.count(4*(cap(a.F)+cap(a.D)) + cap(a.Q) + 2*cap(a.Sums))
	return a
}

func (c *compiler) idle(a *acts) { c.idleActs[a.shape] = append(c.idleActs[a.shape], a) }

// prepared is value v in the form that weights of type t multiply with, preparing
// it unless an earlier node has.
func (c *compiler) prepared(v tensor.Value, t quant.Type) *acts {
	x := c.in(v)
	a := c.quantised(v, kernel.FormOf(t))
	c.wantPacked(a, t, func() int { return c.p.rows(x.info.Rows) })
	return a
}

// quantised is value v in a form.
func (c *compiler) quantised(v tensor.Value, form kernel.Form) *acts {
	key := actsKey{v, form}
	if a, ok := c.acts[key]; ok {
		return a
	}
	x := c.in(v)
	a := c.newActs(actsShape{form, c.maxRows(x.info.Rows), x.info.Width})
	c.acts[key] = a
	c.step("quantise", []int{x.storage}, []int{a.storage}, func(_ int, pieces *counter) {
		c.p.inParts(pieces, c.p.rows(x.info.Rows), x.info.Width, func(t, from, to int) { a.SetPart(t, from, x.row(t)[from:to]) })
	})
	return a
}
