package transfer

import "slices"

type pieceState uint8

const (
	missing pieceState = iota
	taken              // by a span
	done
)

const (
	// longestSpan is how much one request asks for at most: long enough that a
	// server which counts requests sees few, short enough for any server.
	longestSpan = 256 << 20
	// shortestSpan is how little is worth a request of its own, near the end.
	shortestSpan = 4 << 20
	// spansEach is in how many spans a connection gets its share of what is
	// missing. With one, all spans would end together at the end of the file, and
	// its sum, which needs the bytes in their order, would be at an eighth then.
	spansEach = 4
)

// table is the state of a file's pieces. Its methods are called with the
// transfer's lock held.
type table struct {
	size, pieceSize int64
	state           []pieceState
	crc             []uint32
	// begun holds what is written of pieces that nobody is at: their first
	// bytes and the checksum of those.
	begun map[int]begun
	spans map[*span]bool

	low       int   // no piece before it is missing
	prefix    int   // no piece before it is not done
	nMissing  int   // pieces that are missing
	nDone     int   // pieces that are done
	doneBytes int64 // in done pieces
	fresh     []int // done, and not in the journal yet
}

type begun struct {
	bytes int64
	crc   uint32
}

// span is a row of missing pieces that one connection fetches.
type span struct {
	pos, end int64  // bytes still to come; end is where a piece ends
	crc      uint32 // of the bytes before pos in pos's piece

	received int64    // bytes, for the request at hand
	recent   [6]int64 // received, second by second, for its speed
	seconds  int      // of its life
	drop     func(cause error)
}

func newTable(size, pieceSize int64) *table {
	n := pieceCount(size, pieceSize)
	return &table{
		size: size, pieceSize: pieceSize,
		state: make([]pieceState, n), crc: make([]uint32, n),
		begun: map[int]begun{}, spans: map[*span]bool{}, nMissing: n,
	}
}

// piece is the number of the piece that a byte lies in.
func (t *table) piece(pos int64) int { return int(pos / t.pieceSize) }

// start is the first byte of a piece.
func (t *table) start(i int) int64 { return int64(i) * t.pieceSize }

// end is the first byte behind a piece.
func (t *table) end(i int) int64 { return min(t.start(i+1), t.size) }

// complete tells whether every piece is done.
func (t *table) complete() bool { return t.nDone == len(t.state) }

// restore marks a piece as done that the journal has.
func (t *table) restore(i int, crc uint32) {
	if t.state[i] != missing {
		return
	}
	t.state[i] = taken
	t.nMissing--
	t.finish(i, crc)
	t.fresh = t.fresh[:len(t.fresh)-1]
}

// finish marks a taken piece as done.
func (t *table) finish(i int, crc uint32) {
	t.state[i], t.crc[i] = done, crc
	t.nDone++
	t.doneBytes += t.end(i) - t.start(i)
	t.fresh = append(t.fresh, i)
	for t.prefix < len(t.state) && t.state[t.prefix] == done {
		t.prefix++
	}
}

// forget makes a done piece missing again.
func (t *table) forget(i int) {
	if t.state[i] != done {
		return
	}
	t.state[i] = missing
	t.nDone--
	t.nMissing++
	t.doneBytes -= t.end(i) - t.start(i)
	t.low = min(t.low, i)
	t.prefix = min(t.prefix, i)
	t.fresh = slices.DeleteFunc(t.fresh, func(f int) bool { return f == i })
}

// take gives the next missing pieces to a connection, or nil if none are
// missing. The fewer are left, the fewer it gives: all connections are to end
// together. limit bounds the bytes.
func (t *table) take(connections int, limit int64) *span {
	for t.low < len(t.state) && t.state[t.low] != missing {
		t.low++
	}
	if t.low == len(t.state) {
		return nil
	}
	share := int64(t.nMissing) * t.pieceSize / int64(max(connections, 1)) / spansEach
	bytes := min(max(share, min(shortestSpan, 4*t.pieceSize)), longestSpan, limit)
	first, last := t.low, t.low
	for last+1 < len(t.state) && t.state[last+1] == missing && t.end(last+1)-t.start(first) <= bytes {
		if _, has := t.begun[last+1]; has {
			break // it is to start where that piece left off
		}
		last++
	}
	s := &span{pos: t.start(first), end: t.end(last)}
	if b, has := t.begun[first]; has {
		s.pos += b.bytes
		s.crc = b.crc
		delete(t.begun, first)
	}
	for i := first; i <= last; i++ {
		t.state[i] = taken
	}
	t.nMissing -= last - first + 1
	t.spans[s] = true
	return s
}

// worthStealing is how many seconds of work a span must have left before
// another connection takes half of it: its own then has to break off.
const worthStealing = 2

// steal takes the second half of the span with the most work left, or nil if
// no span is worth it.
func (t *table) steal() *span {
	var (
		victim  *span
		longest float64
	)
	for s := range t.spans {
		free := s.end - t.end(t.piece(s.pos)) // behind the piece at hand
		if s.pos >= s.end || free <= 0 || s.seconds < 1 {
			continue
		}
		left := float64(free) / (s.speed() + 1)
		if left > worthStealing && left > longest {
			victim, longest = s, left
		}
	}
	if victim == nil {
		return nil
	}
	first := t.piece(victim.pos) + 1
	last := t.piece(victim.end - 1)
	mid := first + (last-first+1)/2
	stolen := &span{pos: t.start(mid), end: victim.end}
	victim.end = stolen.pos
	t.spans[stolen] = true
	return stolen
}

// claim reserves up to n bytes for a span to write, fewer if it was cut short.
// Between claim and written nobody else writes there.
func (t *table) claim(s *span, n int64) int64 { return max(min(n, s.end-s.pos), 0) }

// release gives back what a span has not fetched.
func (t *table) release(s *span) {
	delete(t.spans, s)
	if s.pos >= s.end {
		return
	}
	first := t.piece(s.pos)
	if in := s.pos - t.start(first); in > 0 {
		t.begun[first] = begun{in, s.crc}
	}
	for i := first; i < len(t.state) && t.start(i) < s.end; i++ {
		t.state[i] = missing
		t.nMissing++
	}
	t.low = min(t.low, first)
}

// bytes is how much of the file is written.
func (t *table) bytes() int64 {
	sum := t.doneBytes
	for _, b := range t.begun {
		sum += b.bytes
	}
	for s := range t.spans {
		if s.pos < s.end {
			sum += s.pos - t.start(t.piece(s.pos))
		}
	}
	return sum
}

// tick notes that a second has gone by.
func (s *span) tick() {
	copy(s.recent[1:], s.recent[:])
	s.recent[0] = s.received
	s.seconds++
}

// speed is how fast the span has come in the last seconds, in bytes a second.
func (s *span) speed() float64 {
	n := min(s.seconds, len(s.recent)) - 1
	if n <= 0 {
		return float64(s.received)
	}
	return float64(s.recent[0]-s.recent[n]) / float64(n)
}
