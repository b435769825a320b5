package tokenizer

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// merge says that two neighbouring symbols become one. A symbol is a token's
// id, or a number from the vocabulary's size on for a text that merges make
// but the vocabulary lacks.
type merge struct{ left, right, result int32 }

// mergeTable holds the merges by rank and finds them by pair: an open hash
// table of ranks, at most half full: for the 440,000 merges of Llama 4 nine
// megabytes.
type mergeTable struct {
	list  []merge  // [merges] by rank
	slots []uint32 // rank+1, 0: free; a power of two long
	shift uint8    // 64 - log2(len(slots))
	odd   uint64   // multiplier, random so that no file can make pairs collide
}

// newMergeTable reads merges, best first, of symbols that words finds, which are
// the tokens whose type is normal. Of two equal merges the first counts.
func newMergeTable(lines Texts, words *dictionary, types []uint8) (mergeTable, error) {
	n := lines.Len()
	size := bits.Len(uint(2*n + 1))
	t := mergeTable{
		list:  make([]merge, 0, n),
		slots: make([]uint32, 1<<size),
		shift: uint8(64 - size),
		odd:   rand.Uint64() | 1,
	}
	r := mergeReader{words: words, types: types, extra: make(map[string]int32)}
	i := 0
	for line := range lines.All() {
		if i == n {
			return mergeTable{}, fmt.Errorf("tokenizer: list of %d merges goes on after them", n)
		}
		// The first symbol may itself begin with a space in files that do not
		// spell it in the byte alphabet.
		cut := -1
		if len(line) > 0 {
			cut = 1 + bytes.IndexByte(line[1:], ' ')
		}
		if cut < 1 || cut == len(line)-1 {
			return mergeTable{}, fmt.Errorf("tokenizer: merge %d is %q, want two symbols with a space between", i, line)
		}
		r.push(line[:cut], line[cut+1:])
		if i++; r.n == len(r.cuts) {
			r.flush(&t)
		}
	}
	r.flush(&t)
	if i != n {
		return mergeTable{}, fmt.Errorf("tokenizer: list of %d merges ends after %d", n, i)
	}
	return t, nil
}

// mergeReader numbers the symbols of merges, some at a time: looking one of a
// million texts up is mostly waiting for memory, and of independent texts the
// processor waits for several at once.
type mergeReader struct {
	words *dictionary
	types []uint8          // [vocabulary]
	extra map[string]int32 // texts that are no normal token

	// Merges that have been pushed.
	n      int
	text   []byte      // left and right of each, one after the other
	cuts   [64][3]int  // where in text left, right and the next merge begin
	hashes [128]uint64 // of lefts and rights
	merges [64]merge
	result int32 // of the merge before
}

func (r *mergeReader) push(left, right []byte) {
	at := len(r.text)
	r.text = append(append(r.text, left...), right...)
	r.cuts[r.n] = [3]int{at, at + len(left), len(r.text)}
	r.n++
}

// flush adds the merges that have been pushed to a table.
func (r *mergeReader) flush(t *mergeTable) {
	sides := func(i int) (left, right, both []byte) {
		c := r.cuts[i]
		return r.text[c[0]:c[1]], r.text[c[1]:c[2]], r.text[c[0]:c[2]]
	}
	for i := range r.n {
		left, right, _ := sides(i)
		r.hashes[2*i], r.hashes[2*i+1] = r.words.hash(left), r.words.hash(right)
	}
	r.words.fetch(r.hashes[:2*r.n])
	for i := range r.n {
		left, right, both := sides(i)
		r.result = r.resultOf(both)
		r.merges[i] = merge{r.number(left, r.hashes[2*i]), r.number(right, r.hashes[2*i+1]), r.result}
	}
	t.fetch(r.merges[:r.n])
	for _, m := range r.merges[:r.n] {
		t.add(m)
	}
	r.n, r.text = 0, r.text[:0]
}

// number returns the number of a text, giving it a new one if need be.
func (r *mergeReader) number(text []byte, hash uint64) int32 {
	if id, ok := r.words.hashed(text, hash); ok {
		return id
	}
	if id, ok := r.extra[string(text)]; ok {
		return id
	}
	id := int32(r.words.texts.len() + len(r.extra))
	r.extra[string(text)] = id
	return id
}

// resultOf is the number of what a merge makes. In the files of most families
// that is the same token as before, made in another way, or the next one, which
// a look at its text tells sooner than a search.
func (r *mergeReader) resultOf(text []byte) int32 {
	for id := r.result; id <= r.result+1 && int(id) < len(r.types) && !r.words.repeats; id++ {
		if r.types[id] == typeNormal && bytes.Equal(r.words.texts.at(id), text) {
			return id
		}
	}
	return r.number(text, r.words.hash(text))
}

func (t *mergeTable) add(m merge) {
	slot := t.find(m.left, m.right)
	if t.slots[slot] == 0 {
		t.list = append(t.list, m)
		t.slots[slot] = uint32(len(t.list))
	}
}

// slot is where a pair is looked for first.
func (t *mergeTable) slot(left, right int32) int {
	return int((uint64(uint32(left))<<32 | uint64(uint32(right))) * t.odd >> t.shift)
}

// fetch brings what find needs for some pairs nearer, and is no more than that.
func (t *mergeTable) fetch(pairs []merge) (sum uint32) {
	for _, p := range pairs {
		sum += t.slots[t.slot(p.left, p.right)]
	}
	return sum
}

// find returns the slot of a pair, or the free one where it would be.
func (t *mergeTable) find(left, right int32) int {
	for slot := t.slot(left, right); ; slot = (slot + 1) & (len(t.slots) - 1) {
		rank := t.slots[slot]
		if rank == 0 || t.list[rank-1].left == left && t.list[rank-1].right == right {
			return slot
		}
	}
}

// rank returns the rank of the merge of a pair, or -1.
func (t *mergeTable) rank(left, right int32) int {
	return int(t.slots[t.find(left, right)]) - 1
}

// merger merges the symbols of one word at a time. Symbols are a linked list
// over the bytes where they begin, possible merges a heap, so a word of n bytes
// takes n log n steps however long it is. The zero value is ready; memory is
// reused from word to word.
type merger struct {
	symbols []int32 // by first byte; merged: not a beginning any more
	next    []int32 // first byte of the following symbol, the word's length at the end
	prev    []int32 // first byte of the preceding symbol, -1 at the beginning
	queue   []uint64
}

const merged = -1

// run merges symbols, one for each byte of a word, until no merge applies:
// always the one of least rank, the leftmost of equals. Afterwards the symbols
// are walked by next from 0.
func (m *merger) run(word []byte, bytes *[256]int32, table *mergeTable) {
	m.symbols = slices.Grow(m.symbols[:0], len(word))
	m.next = slices.Grow(m.next[:0], len(word))
	m.prev = slices.Grow(m.prev[:0], len(word))
	m.queue = slices.Grow(m.queue[:0], len(word))
	for i, b := range word {
		m.symbols = append(m.symbols, bytes[b])
		m.next = append(m.next, int32(i+1))
		m.prev = append(m.prev, int32(i-1))
	}
	for i := range len(word) - 1 {
		m.consider(int32(i), table)
	}
	for len(m.queue) > 0 {
		rank, at := m.pop()
		merge := table.list[rank]
		after := m.next[at]
		// The pair may have changed since it was queued.
		if m.symbols[at] != merge.left || int(after) >= len(word) || m.symbols[after] != merge.right {
			continue
		}
		m.symbols[at], m.symbols[after] = merge.result, merged
		m.next[at] = m.next[after]
		if end := m.next[at]; int(end) < len(word) {
			m.prev[end] = at
			m.consider(at, table)
		}
		if before := m.prev[at]; before >= 0 {
			m.consider(before, table)
		}
	}
}

// consider queues the merge of the symbol at a byte with the next one.
func (m *merger) consider(at int32, table *mergeTable) {
	if rank := table.rank(m.symbols[at], m.symbols[m.next[at]]); rank >= 0 {
		m.push(uint64(rank)<<32 | uint64(at))
	}
}

// push and pop keep queue a binary heap, least first: by rank, then by place.
func (m *merger) push(x uint64) {
	m.queue = append(m.queue, x)
	i := len(m.queue) - 1
	for i > 0 && m.queue[(i-1)/2] > x {
		m.queue[i] = m.queue[(i-1)/2]
		i = (i - 1) / 2
	}
	m.queue[i] = x
}

func (m *merger) pop() (rank int, at int32) {
	top := m.queue[0]
	n := len(m.queue) - 1
	x := m.queue[n]
	m.queue = m.queue[:n]
	for i := 0; n > 0; {
		child := 2*i + 1
		if child+1 < n && m.queue[child+1] < m.queue[child] {
			child++
		}
		if child >= n || m.queue[child] >= x {
			m.queue[i] = x
			break
		}
		m.queue[i] = m.queue[child]
		i = child
	}
	return int(top >> 32), int32(uint32(top))
}
