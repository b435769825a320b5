// Package kvcache decides what a sequence's key/value cache holds: which
// positions a new prompt can reuse, how far an edit rolls back, how a prompt is
// cut into batches, and how many cells each layer needs. The storage itself
// belongs to the backends.
//
// The rule that shapes all of it: a layer with chunked attention keeps one
// chunk. Position p lives in cell p mod chunk, so as soon as a sequence enters
// its next chunk the cells of the one before are overwritten, one by one. Global
// layers keep everything.
package kvcache

import (
	"fmt"
	"slices"

	"scout/engine/tensor"
)

// Layer is what a layer keeps.
type Layer struct {
	KVHeads, HeadDim int
	Chunk            int // 0: every position
	Device           tensor.Device
}

// Spec is the storage for context positions of every layer.
func Spec(layers []Layer, context int, t tensor.KVType) tensor.CacheSpec {
	spec := make(tensor.CacheSpec, len(layers))
	for i, l := range layers {
		cells := context
		if l.Chunk > 0 {
			cells = min(context, l.Chunk)
		}
		spec[i] = tensor.CacheLayer{Cells: cells, KVHeads: l.KVHeads, HeadDim: l.HeadDim, Type: t, Device: l.Device}
	}
	return spec
}

// Timeline is what one sequence's cache holds: the tokens at positions
// origin..Len()-1. The zero value is not usable; see New.
type Timeline struct {
	tokens  []int32 // tokens[i] is at position origin+i
	origin  int
	context int
	windows []window // one per distinct chunk length of the layers
}

// window is what the layers of one chunk length still hold.
type window struct {
	chunk  int
	intact int // every position from here to Len is in its cell; earlier ones may be overwritten
}

// start is the first position of the chunk that position p lies in.
func (w window) start(p int) int { return p / w.chunk * w.chunk }

// New is an empty timeline with room for context positions.
func New(layers []Layer, context int) *Timeline {
	t := &Timeline{tokens: make([]int32, 0, min(context, 1<<16)), context: context}
	for _, l := range layers {
		known := slices.ContainsFunc(t.windows, func(w window) bool { return w.chunk == l.Chunk })
		if l.Chunk > 0 && !known {
			t.windows = append(t.windows, window{chunk: l.Chunk})
		}
	}
	return t
}

// Len is the position of the next token.
func (t *Timeline) Len() int { return t.origin + len(t.tokens) }

// Origin is the first position held; earlier ones are invisible.
func (t *Timeline) Origin() int { return t.origin }

// Context is the number of positions there is room for.
func (t *Timeline) Context() int { return t.context }

// Room is how many more tokens fit.
func (t *Timeline) Room() int { return t.context - t.Len() }

// Tokens are the tokens held. The slice is the timeline's own.
func (t *Timeline) Tokens() []int32 { return t.tokens }

// StartAt empties the timeline and lets it begin at a later position, as if
// nothing had ever been there. It exists to hold long positions against
// references without long prompts.
func (t *Timeline) StartAt(position int) error {
	if position < 0 || position >= t.context {
		return fmt.Errorf("kvcache: start position is %d, want 0 to %d", position, t.context-1)
	}
	t.tokens, t.origin = t.tokens[:0], position
	for i := range t.windows {
		t.windows[i].intact = position
	}
	return nil
}

// Reusable is how many of the first tokens of ids need not be computed again:
// the common prefix, shortened to what Truncate can keep. At least one token is
// always left to compute, since its logits are wanted.
func (t *Timeline) Reusable(ids []int32) int {
	n := 0
	for n < len(ids)-1 && n < len(t.tokens) && ids[n] == t.tokens[n] {
		n++
	}
	return t.keepable(t.origin+n) - t.origin
}

// Truncate forgets the tokens from position n on and returns the length that
// could be kept: n, the origin if n is before it, or less than n when the chunk that n lies in has been overwritten,
// and with it the keys that the tokens after n must see.
func (t *Timeline) Truncate(n int) int {
	n = t.keepable(min(max(n, t.origin), t.Len()))
	t.tokens = t.tokens[:n-t.origin]
	for i := range t.windows {
		t.windows[i].intact = min(t.windows[i].intact, n)
	}
	return n
}

// keepable is the largest length up to n whose cells are all still there. The
// token at position n looks at the positions from its chunk's start to n-1. When
// those are gone, only the start of the chunk is a length to go on from; with
// several chunk lengths that start must suit the others as well.
func (t *Timeline) keepable(n int) int {
	for changed := true; changed; {
		changed = false
		for _, w := range t.windows {
			first := max(w.start(n), t.origin)
			if n > first && w.intact > first {
				n, changed = first, true
			}
		}
	}
	return n
}

// Batch is how many of the next n tokens may go into one batch of at most
// limit: a batch never crosses the end of a chunk, or it would overwrite cells
// that its own first tokens still look at.
func (t *Timeline) Batch(n, limit int) int {
	n = min(n, limit)
	for _, w := range t.windows {
		n = min(n, w.chunk-t.Len()%w.chunk)
	}
	return n
}

// Extend records that ids were computed at the end of the timeline.
func (t *Timeline) Extend(ids []int32) {
	t.tokens = append(t.tokens, ids...)
	t.Wrote(t.Len())
}

// Wrote records that the cells of positions up to end, exclusive, have been
// written, whether or not the run that did so was completed: each write ends the
// life of the position one chunk earlier.
func (t *Timeline) Wrote(end int) {
	for i := range t.windows {
		w := &t.windows[i]
		w.intact = max(w.intact, end-w.chunk)
	}
}
