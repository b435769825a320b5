//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"errors"
	"fmt"

	"scout/engine/tensor"
)

// program is the nodes of one device, compiled. What it needs at run time is
// allocated by Compile, and its command lists are recorded when they are first
// needed.
type program struct {
	b        *backend
	d        *device
	layout   batchLayout
	values   map[tensor.Value]*value
	segments []segment
	weights  *weights
	blocks   []*block
	batch    *region            // the words of the batch
	own      *region            // and its own rows, nil where nothing reads them
	lists    map[listKey]*lists // of runs without a cache
	closed   bool

	now  header // of the batch whose words are written
	sent uint64 // on the timeline: the last list of this program
}

// segment is a run of dispatches.
type segment struct{ ops []op }

// header tells batches apart, as far as a caller can run segments of two in turn.
type header struct{ start, origin, tokens, outputs int }

// Run hands the segment over; see tensor.Program. What goes wrong on the device
// is told by Read, or by the next Run.
func (p *program) Run(i int, b *tensor.Batch, c tensor.Cache, stop func() bool) error {
	own, err := p.admit(i, b, c)
	if err != nil {
		return err
	}
	kind := many
	if len(b.Tokens) == 1 && len(b.Outputs) == 1 {
		kind = one
	}
	l, err := p.listsFor(i, kind, own)
	if err != nil {
		return err
	}
	for j := range l.chunks {
		if err := p.hand(l, j, kind, stop); err != nil {
			return err
		}
	}
	return nil
}

// hand hands over one chunk. Of a batch with many rows at most two run at a time,
// so that stopping takes no longer than they do.
func (p *program) hand(l *lists, j, kind int, stop func() bool) (err error) {
	if kind == many && j >= 2 {
		if err := p.d.wait(l.chunks[j-2].value); err != nil {
			return err
		}
	}
	if stop != nil && stop() {
		return errors.Join(tensor.ErrStopped, p.d.wait(p.sent))
	}
	k := &l.chunks[j]
	if k.value, err = p.d.submit(k.submit); err != nil {
		return err
	}
	p.sent = k.value
	for _, v := range k.sends {
		v.ready = k.value
	}
	for _, v := range k.receives {
		v.in.sent = k.value
	}
	return nil
}

// admit checks a batch and writes its words, unless an earlier segment's run has.
func (p *program) admit(i int, b *tensor.Batch, c tensor.Cache) (*cache, error) {
	if p.closed {
		return nil, errors.New("gpu: the program is closed")
	}
	own, ok := c.(*cache)
	if !ok && c != nil {
		return nil, fmt.Errorf("gpu: cache is a %T, which this backend did not make", c)
	}
	if own != nil && own.closed {
		return nil, errClosed
	}
	h := header{b.Start, b.Origin, len(b.Tokens), len(b.Outputs)}
	if i > 0 && h == p.now {
		return own, nil
	}
	if err := p.layout.check(b); err != nil {
		return nil, err
	}
	if err := p.d.wait(p.sent); err != nil { // lists that are still running read the words
		return nil, err
	}
	p.layout.fill(numbersOf[uint32](p.batch.bytes()), b)
	if p.own != nil && len(b.Embeds) > 0 {
		if to := numbersOf[float32](p.own.bytes()); copy(to, b.Embeds) < min(len(b.Embeds), len(to)) {
			return nil, fmt.Errorf("gpu: batch has %d numbers of its own, want at most %d", len(b.Embeds), len(to))
		}
	}
	p.now = h
	return own, nil
}

// listsFor finds or records the lists of a segment.
func (p *program) listsFor(i, kind int, c *cache) (*lists, error) {
	known := p.lists
	if c != nil {
		known = c.lists
	}
	k := listKey{p, i, kind}
	if l, ok := known[k]; ok {
		return l, nil
	}
	if err := p.d.check("record"); err != nil {
		return nil, err
	}
	l, err := p.record(&p.segments[i], kind, c)
	if err == nil {
		known[k] = l
	}
	return l, err
}

// Write sets a value that another device computed; see tensor.Program.
func (p *program) Write(v tensor.Value, data []float32) error {
	val, ok := p.values[v]
	if !ok || val.in == nil {
		return fmt.Errorf("gpu: value %d is not one that this program receives", v)
	}
	to := numbersOf[float32](val.in.bytes())
	if len(data) > len(to) {
		return fmt.Errorf("gpu: value %d gets %d numbers, want at most %d", v, len(data), len(to))
	}
	if err := p.d.wait(val.in.sent); err != nil {
		return err
	}
	copy(to, data)
	return nil
}

// Read waits for a value and returns it; see tensor.Program.
func (p *program) Read(v tensor.Value) ([]float32, error) {
	val, ok := p.values[v]
	if !ok || val.out == nil {
		return nil, fmt.Errorf("gpu: value %d is not one that this program gives away", v)
	}
	if err := p.d.wait(val.ready); err != nil {
		return nil, err
	}
	rows := p.now.tokens
	if val.info.Rows == tensor.PerOutput {
		rows = p.now.outputs
	}
	return numbersOf[float32](val.out.bytes())[:rows*val.width()], nil
}

// Close waits until nothing runs and frees what the program holds.
func (p *program) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	delete(p.b.programs, p)
	err := p.d.idle()
	for _, l := range p.lists {
		l.free()
	}
	for c := range p.b.caches {
		for k, l := range c.lists {
			if k.p == p {
				l.free()
				delete(c.lists, k)
			}
		}
	}
	for _, b := range p.blocks {
		b.free()
	}
	err = errors.Join(err, p.weights.free())
	if errors.Is(err, ErrLost) {
		return nil // who used it has been told
	}
	return err
}
