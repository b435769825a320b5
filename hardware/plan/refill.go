package plan

import (
	"math/rand/v2"
	"slices"
)

// Greedy filling leaves gaps that moving and swapping single parts cannot close:
// filling a card is a knapsack. What closes them is to take some parts off again and
// to offer everything that is in RAM anew, in another order, many times ("ruin and
// recreate"; Schrimpf et al., Journal of Computational Physics 159, 2000). The random
// numbers are always the same, so a plan is too.

const (
	// refillWork is how many parts are looked at altogether: some tens of
	// milliseconds.
	refillWork                 = 150_000
	leastRefills, mostRefills  = 300, 8_000
	refillSeed1, refillSeed2   = 4, 109
	ruinEverything, ruinAtMost = 0.03, 5
)

// item is a part that can be offered to a card.
type item struct {
	layer int
	what  part
	bytes int64 // of one expert, where what is experts
	order float64
}

// items lists the parts of the model that are smallest.
func (t *task) items() []item {
	out := []item{{0, output, t.f.outputRead(), 0}}
	for i, l := range t.f.Layers {
		out = append(out, item{i, attention, l.Attention + t.kv[i], 0}, item{i, dense, l.Dense, 0})
		if l.Experts > 0 {
			out = append(out, item{i, experts, (l.Experts + int64(t.f.Experts) - 1) / int64(t.f.Experts), 0})
		}
	}
	return out
}

// recreate improves p by taking parts off and filling again, and gives the best
// placement found.
func (t *task) recreate(p *Placement) *Placement {
	rng := rand.New(rand.NewPCG(refillSeed1, refillSeed2))
	items := t.items()
	best, least := p, t.cost(p)
	for range min(mostRefills, max(leastRefills, refillWork/len(items))) {
		next := best.clone()
		t.ruin(next, items, rng)
		t.refill(next, items, rng)
		if c := t.cost(next); c <= least {
			best, least = next, c
		}
	}
	return best
}

// ruin brings a few parts, or all of a card, back to RAM.
func (t *task) ruin(p *Placement, items []item, rng *rand.Rand) {
	all := rng.Float64() < ruinEverything
	from := Device(1 + rng.IntN(t.devices-1))
	n := 1 + rng.IntN(ruinAtMost)
	for k := 0; k < len(items) && n > 0; k++ {
		it := items[rng.IntN(len(items))]
		d := Device(1 + rng.IntN(t.devices-1))
		if all {
			it, d = items[k], from
		}
		if it.what == experts {
			have := p.Layers[it.layer].Experts[d]
			if have == 0 {
				continue
			}
			if !all {
				have = 1 + int16(rng.IntN(int(have)))
			}
			p.moveExperts(it.layer, d, CPU, have)
		} else if p.move(it.layer, it.what, d, CPU) == nil {
			continue
		}
		if !all {
			n--
		}
	}
}

// refill offers everything in RAM to the cards: mostly what every token reads
// first, mostly the fastest card first, and large parts before small ones, each
// with some chance.
func (t *task) refill(p *Placement, items []item, rng *rand.Rand) {
	u := t.measure(p)
	var room [mostGPUs + 1]int64
	for d := 1; d < t.devices; d++ {
		room[d] = t.budget[d] - u.weights[d] - u.kv[d] - t.compute[d]
	}
	noise, expertsLast := rng.Float64()*rng.Float64(), rng.IntN(4) > 0
	for k := range items {
		it := &items[k]
		it.order = -float64(it.bytes) * (1 + noise*(rng.Float64()*4-2))
		if it.what == experts && expertsLast {
			it.order += 1e15
		}
	}
	slices.SortFunc(items, func(a, b item) int {
		switch {
		case a.order < b.order:
			return -1
		case a.order > b.order:
			return 1
		}
		return 0
	})
	cards := t.fastest()
	if rng.IntN(3) == 0 {
		rng.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
	}
	mixed := rng.IntN(2) == 0
	for _, it := range items {
		first := 0
		if mixed {
			first = rng.IntN(len(cards))
		}
		for k := range cards {
			t.offer(p, it, cards[(first+k)%len(cards)], &room)
		}
	}
}

// offer moves what of an item is in RAM to a card that has room for it.
func (t *task) offer(p *Placement, it item, d Device, room *[mostGPUs + 1]int64) {
	if it.what != experts {
		if it.bytes <= room[d] && p.move(it.layer, it.what, CPU, d) != nil {
			room[d] -= it.bytes
		}
		return
	}
	n := int64(p.Layers[it.layer].Experts[CPU])
	if it.bytes > 0 {
		n = min(n, room[d]/it.bytes)
	}
	if n > 0 {
		p.moveExperts(it.layer, CPU, d, int16(n))
		room[d] -= n * it.bytes
	}
}
