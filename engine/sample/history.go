package sample

// history counts the last accepted tokens. Every operation is O(1), whatever
// the window.
type history struct {
	count  []int32 // [vocabulary] occurrences of a token in the window
	seen   []int32 // the tokens with count > 0, in no particular order
	place  []int32 // [vocabulary] index of a token in seen, where count > 0
	window int     // tokens that count; negative is all
	ring   []int32 // the last of them, oldest at next once there are window; unused when all count
	next   int
}

// ringAhead is how much of a window is made room for at once. Longer ones, longer
// than most contexts, grow as they fill.
const ringAhead = 1 << 14

// newHistory makes room for a vocabulary; window < 0 remembers everything.
func newHistory(vocabulary, window int) *history {
	h := &history{
		count:  make([]int32, vocabulary),
		place:  make([]int32, vocabulary),
		window: window,
	}
	distinct := vocabulary
	if window >= 0 {
		h.ring = make([]int32, 0, min(window, ringAhead))
		distinct = min(distinct, window)
	}
	h.seen = make([]int32, 0, distinct)
	return h
}

// add remembers a token and forgets the one that falls out of the window.
// Ids outside the vocabulary are not counted but take their place.
func (h *history) add(id int32) {
	switch {
	case h.window < 0:
	case len(h.ring) < h.window:
		h.ring = append(h.ring, id)
	default:
		h.forget(h.ring[h.next])
		h.ring[h.next] = id
		h.next = (h.next + 1) % h.window
	}
	if id < 0 || int(id) >= len(h.count) {
		return
	}
	if h.count[id] == 0 {
		h.place[id] = int32(len(h.seen))
		h.seen = append(h.seen, id)
	}
	h.count[id]++
}

func (h *history) forget(id int32) {
	if id < 0 || int(id) >= len(h.count) {
		return
	}
	h.count[id]--
	if h.count[id] > 0 {
		return
	}
	last := h.seen[len(h.seen)-1]
	h.seen[h.place[id]] = last
	h.place[last] = h.place[id]
	h.seen = h.seen[:len(h.seen)-1]
}

func (h *history) reset() {
	for _, id := range h.seen {
		h.count[id] = 0
	}
	h.seen = h.seen[:0]
	h.ring, h.next = h.ring[:0], 0
}

// penalise changes the logits of the tokens in the window.
func (h *history) penalise(logits []float32, p Params) {
	for _, id := range h.seen {
		if int(id) >= len(logits) {
			continue
		}
		l := logits[id]
		if l > 0 {
			l /= p.RepeatPenalty
		} else {
			l *= p.RepeatPenalty
		}
		l -= float32(float32(h.count[id]) * p.FrequencyPenalty) // rounded: no fused multiply-add
		l -= p.PresencePenalty
		logits[id] = l
	}
}
