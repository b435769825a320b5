//go:build (linux || darwin || windows) && (amd64 || arm64) && !nogpu

package gpu

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"scout/engine/tensor"
)

// batchLayout is where what a batch needs lies in the words that the host writes
// and the device reads. common.glsl knows the first ones.
type batchLayout struct {
	limits    tensor.Limits
	words     uint32
	tokensAt  uint32 // ids
	ownAt     uint32 // by token: which of the batch's own rows it is
	outputsAt uint32
	ropes     []ropeTable
	ropes2D   []rope2DTable
	tempers   []temperTable
	seen      []seenTable
	spans     []spanTable
	grids     []gridWords
}

// The first words of a batch.
const (
	atTokens  = 0
	atOutputs = 1
	atStart   = 2
	atRest    = 4
)

// ropeTable is the cosine and sine of each pair's angle: [tokens, HeadDim/2, 2].
type ropeTable struct {
	op   tensor.RoPE
	freq []float64
	at   uint32
}

type rope2DTable struct {
	op tensor.RoPE2D
	at uint32
}

// temperTable is a factor for each token.
type temperTable struct {
	op tensor.Temper
	at uint32
}

// seenTable is the first position that each token sees, and how many.
type seenTable struct {
	chunk int
	at    uint32
}

// spanTable is the same for rows of a picture.
type spanTable struct {
	spans int
	at    uint32
}

func newBatchLayout(limits tensor.Limits) batchLayout {
	l := batchLayout{limits: limits, words: atRest}
	l.tokensAt, l.ownAt, l.outputsAt = l.take(limits.Tokens), l.take(limits.Tokens), l.take(limits.Outputs)
	return l
}

func (l *batchLayout) take(words int) (at uint32) {
	at = l.words
	l.words += uint32(words)
	return at
}

// rope is where the table of op lies. Angles are the exact products of positions
// and the float32 inverse frequencies that models are trained with, computed by the
// host: the sine of a GPU may be off by 2^-11.
func (l *batchLayout) rope(op tensor.RoPE) uint32 {
	for _, r := range l.ropes {
		if r.op.HeadDim == op.HeadDim && r.op.Base == op.Base && slices.Equal(r.op.Factors, op.Factors) {
			return r.at
		}
	}
	half := op.HeadDim / 2
	r := ropeTable{op: op, freq: make([]float64, half), at: l.take(2 * half * l.limits.Tokens)}
	for i := range r.freq {
		f := float32(1 / math.Pow(float64(op.Base), float64(2*i)/float64(op.HeadDim)))
		if op.Factors != nil {
			f /= op.Factors[i]
		}
		r.freq[i] = float64(f)
	}
	l.ropes = append(l.ropes, r)
	return r.at
}

func (l *batchLayout) rope2D(op tensor.RoPE2D) uint32 {
	for _, r := range l.ropes2D {
		if r.op.HeadDim == op.HeadDim && slices.Equal(r.op.Freqs, op.Freqs) && slices.Equal(r.op.Axes, op.Axes) {
			return r.at
		}
	}
	r := rope2DTable{op, l.take(op.HeadDim / 2 * 2 * l.limits.Tokens)}
	l.ropes2D = append(l.ropes2D, r)
	return r.at
}

func (l *batchLayout) temper(op tensor.Temper) uint32 {
	for _, t := range l.tempers {
		if t.op == op {
			return t.at
		}
	}
	t := temperTable{op, l.take(l.limits.Tokens)}
	l.tempers = append(l.tempers, t)
	return t.at
}

func (l *batchLayout) sees(chunk int) uint32 {
	for _, s := range l.seen {
		if s.chunk == chunk {
			return s.at
		}
	}
	s := seenTable{chunk, l.take(2 * l.limits.Tokens)}
	l.seen = append(l.seen, s)
	return s.at
}

func (l *batchLayout) span(spans int) uint32 {
	for _, s := range l.spans {
		if s.spans == spans {
			return s.at
		}
	}
	s := spanTable{spans, l.take(2 * l.limits.Tokens)}
	l.spans = append(l.spans, s)
	return s.at
}

// check says what a batch lacks of what the program's operations look at.
func (l *batchLayout) check(b *tensor.Batch) error {
	if len(b.Tokens) > l.limits.Tokens || len(b.Outputs) > l.limits.Outputs {
		return fmt.Errorf("gpu: batch has %d tokens and %d outputs, want at most %d and %d",
			len(b.Tokens), len(b.Outputs), l.limits.Tokens, l.limits.Outputs)
	}
	if len(l.ropes2D) > 0 && len(b.Places) < len(b.Tokens) {
		return fmt.Errorf("gpu: batch has %d places, want one for each of %d tokens", len(b.Places), len(b.Tokens))
	}
	for _, s := range l.spans {
		if s.spans >= len(b.Spans) {
			return fmt.Errorf("gpu: batch has %d lists of spans, want at least %d", len(b.Spans), s.spans+1)
		}
	}
	return nil
}

// fill writes the words of a batch that check has passed.
func (l *batchLayout) fill(w []uint32, b *tensor.Batch) {
	w[atTokens], w[atOutputs], w[atStart] = uint32(len(b.Tokens)), uint32(len(b.Outputs)), uint32(b.Start)
	own := uint32(0)
	for t, id := range b.Tokens {
		w[l.tokensAt+uint32(t)], w[l.ownAt+uint32(t)] = uint32(id), own
		if id < 0 {
			own++
		}
	}
	for i, row := range b.Outputs {
		w[l.outputsAt+uint32(i)] = uint32(row)
	}
	l.fillAngles(w, b)
	l.fillPositions(w, b)
	for i := range l.grids {
		l.grids[i].fill(w, uint32(len(b.Tokens)), uint32(len(b.Outputs)))
	}
}

func (l *batchLayout) fillAngles(w []uint32, b *tensor.Batch) {
	turn := func(at *uint32, angle float64) {
		sin, cos := math.Sincos(angle)
		w[*at], w[*at+1] = math.Float32bits(float32(cos)), math.Float32bits(float32(sin))
		*at += 2
	}
	for i := range l.ropes {
		at := l.ropes[i].at
		for t := range b.Tokens {
			for _, f := range l.ropes[i].freq {
				turn(&at, float64(b.Start+t)*f)
			}
		}
	}
	for i := range l.ropes2D {
		at, op := l.ropes2D[i].at, &l.ropes2D[i].op
		for t := range b.Tokens {
			for j, f := range op.Freqs {
				turn(&at, float64(b.Places[t][op.Axes[j]])*float64(f))
			}
		}
	}
}

func (l *batchLayout) fillPositions(w []uint32, b *tensor.Batch) {
	for _, m := range l.tempers {
		for t := range b.Tokens {
			steps := math.Floor(float64(b.Start+t+m.op.Offset) / float64(m.op.Floor))
			w[m.at+uint32(t)] = math.Float32bits(float32(math.Log(steps+1)*float64(m.op.Scale) + 1))
		}
	}
	for _, s := range l.seen {
		for t := range b.Tokens {
			p, first := b.Start+t, b.Origin
			if s.chunk > 0 {
				first = max(first, p/s.chunk*s.chunk)
			}
			w[s.at+2*uint32(t)], w[s.at+2*uint32(t)+1] = uint32(first), uint32(p-first+1)
		}
	}
	for _, s := range l.spans {
		from, at := uint32(0), s.at
		for _, end := range b.Spans[s.spans] {
			for range uint32(end) - from {
				w[at], w[at+1] = from, uint32(end)-from
				at += 2
			}
			from = uint32(end)
		}
	}
}

// grid is how many workgroups a dispatch has along y.
type grid struct {
	rows    tensor.Rows
	tile    uint32 // rows a workgroup; 0: one workgroup whatever the batch
	experts bool   // tiles that group.comp makes, of
	topK    uint32 // pairs of a row with an expert, and
	slots   uint32 // experts that are here
}

func (g grid) count(tokens, outputs uint32) uint32 {
	n := tokens
	if g.rows == tensor.PerOutput {
		n = outputs
	}
	switch {
	case g.tile == 0:
		return min(n, 1)
	case !g.experts:
		return (n + g.tile - 1) / g.tile
	case g.tile == 1:
		return n * g.topK
	}
	return (n*g.topK+g.tile-1)/g.tile + min(g.slots, n*g.topK)
}

// gridWords are three words for an indirect dispatch.
type gridWords struct {
	x, z uint32
	grid grid
	at   uint32
}

func (g *gridWords) fill(w []uint32, tokens, outputs uint32) {
	w[g.at], w[g.at+1], w[g.at+2] = g.x, g.grid.count(tokens, outputs), g.z
}

// indirect is where the words of a dispatch lie.
func (l *batchLayout) indirect(x, z uint32, g grid) uint32 {
	for _, w := range l.grids {
		if w.x == x && w.z == z && w.grid == g {
			return w.at
		}
	}
	w := gridWords{x, z, g, l.take(3)}
	l.grids = append(l.grids, w)
	return w.at
}

// numbersOf sees bytes of a mapping as numbers.
func numbersOf[T uint32 | float32](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
