package plan

import (
	"cmp"
	"math"
	"slices"
)

// The search fills the GPUs greedily in a few orders, fastest card first, closes the
// gaps (refill.go), and then moves and swaps single parts for as long as that makes a
// token faster. search_test.go holds it against trying everything.

// emptyPlacement has everything in RAM.
func (f Facts) emptyPlacement() *Placement {
	p := &Placement{Layers: make([]LayerPlace, len(f.Layers))}
	for i, l := range f.Layers {
		if l.Experts > 0 {
			p.Layers[i].Experts = make([]int16, mostGPUs+1)
			p.Layers[i].Experts[CPU] = int16(f.Experts)
		}
	}
	return p
}

func (p *Placement) clone() *Placement {
	c := &Placement{Layers: slices.Clone(p.Layers), Output: p.Output}
	for i := range c.Layers {
		c.Layers[i].Experts = slices.Clone(c.Layers[i].Experts)
	}
	return c
}

// cost is the time of a token, infinite if a budget is broken.
func (t *task) cost(p *Placement) float64 {
	u := t.measure(p)
	if !t.fits(&u) {
		return math.Inf(1)
	}
	s := t.decode(&u)
	return s.total()
}

// part is what of a layer can be moved on its own.
type part int

const (
	attention part = iota
	dense
	experts
	fixedParts // attention and dense
	whole      // all of the layer
	output     // of no layer
)

// orders are those in which the greedy fill offers parts to a card: the parts that
// every token reads before experts, whole layers, and whole layers without the
// output.
var orders = [][]part{{output, attention, dense, experts}, {output, whole, experts}, {whole, output, experts}, {output, fixedParts, experts}}

// search finds the placement whose tokens are fastest; nil if none fits.
func (t *task) search() *Placement {
	if t.devices == 1 {
		p := t.f.emptyPlacement()
		if math.IsInf(t.cost(p), 1) {
			return nil
		}
		return p
	}
	var best *Placement
	least := math.Inf(1)
	for _, order := range append([][]part{nil}, orders...) {
		p := t.fill(order)
		if c := t.cost(p); c < least {
			best, least = p, c
		}
	}
	if best == nil {
		return nil
	}
	least = t.improve(best)
	// Whole layers in a row are simpler to say and to run: scattered experts have
	// to be worth it.
	p := t.recreate(best)
	if c := t.improve(p); c < least*(1-worthScattering) {
		best = p
	}
	return best
}

// worthScattering is the share of a token's time that a scattered placement has to
// save.
const worthScattering = 0.004

// fastest lists the GPUs, the one with the highest bandwidth first.
func (t *task) fastest() []Device {
	var ds []Device
	for d := 1; d < t.devices; d++ {
		ds = append(ds, Device(d))
	}
	slices.SortStableFunc(ds, func(a, b Device) int { return cmp.Compare(t.fast[b], t.fast[a]) })
	return ds
}

// fill puts parts on the GPUs while there is room, the last layers first, so that
// those on a card are neighbours of the output.
func (t *task) fill(order []part) *Placement {
	p := t.f.emptyPlacement()
	for _, d := range t.fastest() {
		for _, what := range order {
			if what == output {
				t.tryMove(p, 0, output, CPU, d)
				continue
			}
			for i := len(p.Layers) - 1; i >= 0; i-- {
				t.tryMove(p, i, what, CPU, d)
			}
		}
	}
	return p
}

// tryMove moves a part from one device to another, as much of the experts as there
// is room for. It moves nothing if there is no room.
func (t *task) tryMove(p *Placement, i int, what part, from, to Device) {
	if what == experts {
		if p.Layers[i].Experts == nil {
			return
		}
		for n := p.Layers[i].Experts[from]; n > 0; n = min(n-1, t.roomForExperts(p, i, to)) {
			p.moveExperts(i, from, to, n)
			if t.within(p, to) {
				return
			}
			p.moveExperts(i, to, from, n)
		}
		return
	}
	undo := p.move(i, what, from, to)
	if undo != nil && !t.within(p, to) {
		undo()
	}
}

// roomForExperts is how many experts of layer i have room on a device.
func (t *task) roomForExperts(p *Placement, i int, d Device) int16 {
	u := t.measure(p)
	room := t.budget[d] - t.resident(&u, d)
	if !u.used[d] {
		room -= t.compute[d]
	}
	one := max(1, t.f.Layers[i].Experts/int64(t.f.Experts))
	return int16(max(0, min(room/one, int64(t.f.Experts))))
}

// within says whether one device's budget is kept.
func (t *task) within(p *Placement, d Device) bool {
	u := t.measure(p)
	return t.resident(&u, d) <= t.budget[d]
}

// move moves a part that lies on from and gives the way back; nil if it is
// elsewhere.
func (p *Placement) move(i int, what part, from, to Device) (undo func()) {
	if what == output {
		if p.Output != from {
			return nil
		}
		p.Output = to
		return func() { p.Output = from }
	}
	l := &p.Layers[i]
	before := *l
	switch what {
	case attention:
		if l.Attention != from {
			return nil
		}
		l.Attention = to
	case dense:
		if l.Dense != from {
			return nil
		}
		l.Dense = to
	case experts:
		if l.Experts == nil || l.Experts[from] == 0 {
			return nil
		}
		n := l.Experts[from]
		p.moveExperts(i, from, to, n)
		return func() { p.moveExperts(i, to, from, n) }
	default:
		if l.Attention != from || l.Dense != from {
			return nil
		}
		l.Attention, l.Dense = to, to
		if what == whole && l.Experts != nil {
			n := l.Experts[from]
			p.moveExperts(i, from, to, n)
			return func() {
				p.moveExperts(i, to, from, n)
				l.Attention, l.Dense = from, from
			}
		}
	}
	return func() { l.Attention, l.Dense = before.Attention, before.Dense }
}

func (p *Placement) moveExperts(i int, from, to Device, n int16) {
	p.Layers[i].Experts[from] -= n
	p.Layers[i].Experts[to] += n
}

// mostRounds bounds the improvement; it ends by itself long before.
const mostRounds = 12

// improve moves and swaps parts of p for as long as tokens get faster, and gives
// the time of one.
func (t *task) improve(p *Placement) float64 {
	least := t.cost(p)
	for range mostRounds {
		before := least
		least = t.moveParts(p, least)
		least = t.swapParts(p, least)
		if !(least < before*(1-1e-6)) {
			break
		}
	}
	return least
}

// moveParts tries every part on every device.
func (t *task) moveParts(p *Placement, least float64) float64 {
	try := func(undo func()) bool {
		if undo == nil {
			return false
		}
		if c := t.cost(p); c < least*(1-1e-9) {
			least = c
			return true
		}
		undo()
		return false
	}
	for from := range Device(t.devices) {
		for to := range Device(t.devices) {
			if from == to {
				continue
			}
			try(p.move(0, output, from, to))
			for i := range p.Layers {
				for _, what := range []part{whole, fixedParts, attention, dense, experts} {
					try(p.move(i, what, from, to))
				}
				if p.Layers[i].Experts == nil {
					continue
				}
				for n := p.Layers[i].Experts[from] / 2; n > 0; n /= 2 {
					p.moveExperts(i, from, to, n)
					try(func() { p.moveExperts(i, to, from, n) })
					n = min(n, p.Layers[i].Experts[from])
				}
			}
		}
	}
	return least
}

// swapParts tries to exchange parts of different sizes between devices, which
// fills gaps that no part fits into.
func (t *task) swapParts(p *Placement, least float64) float64 {
	kinds := []part{attention, dense, experts, fixedParts, whole}
	for i := range p.Layers {
		for j := range p.Layers {
			for _, a := range kinds {
				for _, b := range kinds {
					if t.f.partBytes(i, a) <= t.f.partBytes(j, b) {
						continue // the same exchange comes the other way round
					}
					for from := range Device(t.devices) {
						for to := range Device(t.devices) {
							if from != to {
								least = t.swap(p, i, j, a, b, from, to, least)
							}
						}
					}
				}
			}
		}
	}
	return least
}

// swap exchanges part a of layer i on from with part b of layer j on to, if that
// is faster.
func (t *task) swap(p *Placement, i, j int, a, b part, from, to Device, least float64) float64 {
	if i == j && overlap(a, b) {
		return least
	}
	undoA := p.move(i, a, from, to)
	if undoA == nil {
		return least
	}
	undoB := p.move(j, b, to, from)
	if undoB != nil {
		if c := t.cost(p); c < least*(1-1e-9) {
			return c
		}
		undoB()
	}
	undoA()
	return least
}

// overlap says whether two kinds of parts of one layer have something in common.
func overlap(a, b part) bool {
	bits := func(p part) int {
		return [...]int{attention: 1, dense: 2, experts: 4, fixedParts: 3, whole: 7, output: 0}[p]
	}
	return bits(a)&bits(b) != 0
}

// partBytes is the size of a part's weights.
func (f Facts) partBytes(i int, what part) int64 {
	l := f.Layers[i]
	switch what {
	case attention:
		return l.Attention
	case dense:
		return l.Dense
	case experts:
		return l.Experts
	case fixedParts:
		return l.Attention + l.Dense
	case whole:
		return l.Bytes()
	}
	return f.Output
}
