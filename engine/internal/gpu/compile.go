//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"fmt"
	"slices"

	"scout/engine/tensor"
)

// compiler turns nodes into dispatches and finds them storage by liveness, so that
// a deep model needs the activations of a few layers and not of all.
type compiler struct {
	p   *program
	g   *tensor.Graph
	dev tensor.Device
	at  int // the node being compiled
	ops []op

	last    map[tensor.Value]int  // node that reads the value last
	outside map[tensor.Value]bool // values that the host reads
	held    map[tensor.Value]bool // of these, those that it may read when all is over
	acts    *arena
	free    map[uint64][]*storage
	count   int // of storages

	shape            shape
	fromHost, toHost *arena
	idle             map[*arena]map[uint64][]*passage
	own              *region // the batch's own rows
	ownWidth         int
}

// storage is a place of activations.
type storage struct {
	*region
	id int // for dependencies; 0 is never written by the device
}

// value is where an activation lives.
type value struct {
	info    tensor.ValueInfo
	storage *storage
	in      *passage // where the host writes it, nil unless another device computes it
	out     *passage // where the host reads it, nil unless it may
	ready   uint64   // on the timeline: the list that wrote out last
}

// passage is a place in memory that the host sees. Values use it one after the
// other, as they do storage: an executor has brought a value to where it is read
// before it runs the segment that computes the next one there.
type passage struct {
	*region
	sent uint64 // on the timeline: the list that read it last
}

// width is how many numbers a row has; of routes, ids and weights.
func (v *value) width() int {
	if v.info.Routing {
		return 2 * v.info.Width
	}
	return v.info.Width
}

// Compile prepares the nodes of g on device d; see tensor.Backend.
func (b *backend) Compile(g *tensor.Graph, d tensor.Device, limits tensor.Limits, keep []tensor.Value) (tensor.Program, error) {
	if err := b.d.check("compile"); err != nil {
		return nil, err
	}
	p := &program{b: b, d: b.d, layout: newBatchLayout(limits), values: map[tensor.Value]*value{}, lists: map[listKey]*lists{}}
	p.weights = &weights{d: b.d, known: map[weightKey]*region{}}
	c := &compiler{
		p: p, g: g, dev: d, shape: b.d.shape, last: map[tensor.Value]int{}, outside: map[tensor.Value]bool{}, held: map[tensor.Value]bool{},
		acts: &arena{d: b.d}, free: map[uint64][]*storage{}, fromHost: &arena{d: b.d}, toHost: &arena{d: b.d},
	}
	c.idle = map[*arena]map[uint64][]*passage{c.fromHost: {}, c.toHost: {}}
	for _, v := range g.Crossing() {
		c.outside[v] = true
	}
	for _, v := range append(slices.Clone(keep), g.Result) {
		c.outside[v], c.held[v] = true, true
	}
	for i, n := range g.Nodes {
		for _, v := range n.In {
			c.last[v] = i
		}
	}
	for _, s := range g.Segments() {
		if err := c.segment(s); err != nil {
			return nil, err
		}
	}
	if err := c.allocate(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	b.programs[p] = true
	return p, nil
}

// allocate makes room for everything and brings the weights over.
func (c *compiler) allocate() (err error) {
	p := c.p
	for i := range p.segments {
		for j := range p.segments[i].ops {
			o := &p.segments[i].ops[j]
			o.indirect = p.layout.indirect(o.x, o.z, o.grids[many])
		}
	}
	if c.own != nil {
		c.own.size = uint64(4 * c.ownWidth * p.layout.limits.Tokens)
		c.fromHost.put(c.own)
		p.own = c.own
	}
	p.batch = c.fromHost.take(uint64(4 * p.layout.words))
	for _, a := range []struct {
		arena *arena
		place place
	}{{c.acts, nearDevice}, {c.fromHost, fromHost}, {c.toHost, toHost}} {
		b, err := a.arena.allocate(forCompute, a.place)
		if err != nil {
			return err
		}
		if b != nil {
			p.blocks = append(p.blocks, b)
		}
	}
	return p.weights.load()
}

// segment compiles the nodes of one segment. One of another device is passed
// over, but its nodes too end the lives of the values they read last.
func (c *compiler) segment(s tensor.Segment) error {
	c.ops = nil
	if s.Device == c.dev {
		c.at = s.From
		c.receive(s)
	}
	for i := s.From; i < s.To; i++ {
		n := &c.g.Nodes[i]
		if n.Device == c.dev {
			c.at = i
			if err := c.node(n); err != nil {
				return fmt.Errorf("gpu: layer %d: %w", n.Layer, err)
			}
			c.send(n.Out)
			if _, read := c.last[n.Out]; !read {
				c.release(n.Out)
			}
		}
		for _, v := range n.In {
			if c.last[v] == i {
				c.last[v] = -1 // an operand may be there twice
				c.release(v)
			}
		}
	}
	if s.Device == c.dev {
		c.p.segments = append(c.p.segments, segment{ops: c.ops})
	}
	return nil
}

// receive brings what other devices computed for the segment to the device's own
// memory.
func (c *compiler) receive(s tensor.Segment) {
	for _, n := range c.g.Nodes[s.From:s.To] {
		for _, v := range n.In {
			if _, there := c.p.values[v]; there || c.g.Producer(v).Device == c.dev {
				continue
			}
			val := c.place(v)
			val.in = c.passage(c.fromHost, c.bytes(val))
			c.copy(val, bind{region: val.in.region}, val.storage.writes())
			c.ops[len(c.ops)-1].receives = val
		}
	}
}

// send copies a value to where the host can read it, if it may.
func (c *compiler) send(v tensor.Value) {
	if !c.outside[v] {
		return
	}
	val := c.p.values[v]
	val.out = c.passage(c.toHost, c.bytes(val))
	c.copy(val, val.storage.reads(), bind{region: val.out.region})
	c.ops[len(c.ops)-1].sends = val
}

// passage finds n bytes that the host sees, used before or new.
func (c *compiler) passage(a *arena, n uint64) *passage {
	if idle := c.idle[a][n]; len(idle) > 0 {
		c.idle[a][n] = idle[:len(idle)-1]
		return idle[len(idle)-1]
	}
	return &passage{region: a.take(n)}
}

// copy copies the rows of a value.
func (c *compiler) copy(v *value, from, to bind) {
	c.emit(op{
		name: "copy", shader: "map", consts: consts{1: mapCopy}, push: []uint32{uint32(v.width())},
		binds: binds{2: from, 3: to}, x: groups(v.width(), 64), rows: v.info.Rows,
	})
}

// node compiles one operation.
func (c *compiler) node(n *tensor.Node) error {
	switch o := n.Op.(type) {
	case tensor.Embed:
		return c.embed(n, o)
	case tensor.RMSNorm:
		return c.rmsNorm(n, o)
	case tensor.MatMul:
		return c.matMul(n, o)
	case tensor.RoPE:
		c.rotate(n, o.HeadDim, o.Pairs, c.p.layout.rope(o))
	case tensor.RoPE2D:
		c.rotate(n, o.HeadDim, o.Pairs, c.p.layout.rope2D(o))
	case tensor.Temper:
		c.mapping(n, mapScale, c.p.layout.temper(o))
	case tensor.Attend:
		c.attend(n, o)
	case tensor.FFN:
		return c.ffn(n, o)
	case tensor.Route:
		c.route(n, o)
	case tensor.ExpertFFN:
		return c.expertFFN(n, o)
	case tensor.Add:
		c.mapping(n, mapAdd, 0)
	case tensor.GELU:
		c.mapping(n, mapGELU, 0)
	case tensor.Select:
		c.gather(n)
	case tensor.Merge:
		c.gather(n)
	case tensor.Input:
		c.input(n, o)
	case tensor.LayerNorm:
		return c.layerNorm(n, o)
	case tensor.AddRows:
		return c.addRows(n, o)
	case tensor.AttendSpan:
		c.attendSpan(n, o)
	default:
		return fmt.Errorf("operation %T is unknown", n.Op)
	}
	return nil
}

// rows is the most rows a value can have.
func (c *compiler) rows(r tensor.Rows) int {
	if r == tensor.PerOutput {
		return c.p.layout.limits.Outputs
	}
	return c.p.layout.limits.Tokens
}

func (c *compiler) bytes(v *value) uint64 { return uint64(4 * c.rows(v.info.Rows) * v.width()) }

// take finds storage for n bytes, used before or new.
func (c *compiler) take(n uint64) *storage {
	if idle := c.free[n]; len(idle) > 0 {
		c.free[n] = idle[:len(idle)-1]
		return idle[len(idle)-1]
	}
	c.count++
	r := c.acts.take(n)
	return &storage{r, c.count}
}

func (c *compiler) give(n uint64, s *storage) { c.free[n] = append(c.free[n], s) }

// scratch is storage for as long as one node is compiled; free gives it back.
func (c *compiler) scratch(words int) (s *storage, free func()) {
	n := uint64(4 * words)
	s = c.take(n)
	return s, func() { c.give(n, s) }
}

// place makes room for a value.
func (c *compiler) place(v tensor.Value) *value {
	val := &value{info: c.g.Values[v]}
	val.storage = c.take(c.bytes(val))
	c.p.values[v] = val
	return val
}

func (c *compiler) out(n *tensor.Node) *value { return c.place(n.Out) }

// operand is where the i-th operand lies.
func (c *compiler) operand(n *tensor.Node, i int) *value { return c.p.values[n.In[i]] }

// release gives back the storage of a value nobody reads any more.
func (c *compiler) release(v tensor.Value) {
	val, ok := c.p.values[v]
	if !ok || val.storage == nil {
		return
	}
	n := c.bytes(val)
	c.give(n, val.storage)
	val.storage = nil
	if val.in != nil {
		c.idle[c.fromHost][n] = append(c.idle[c.fromHost][n], val.in)
	}
	if val.out != nil && !c.held[v] {
		c.idle[c.toHost][n] = append(c.idle[c.toHost][n], val.out)
	}
}
