package tokenizer

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
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

// newMergeTable reads merges, best first. words are the normal tokens, nTokens
// the number of all. Of two equal merges the first counts.
func newMergeTable(lines []string, words map[string]int32, nTokens int32) (mergeTable, error) {
	size := bits.Len(uint(2*len(lines) + 1))
	t := mergeTable{
		list:  make([]merge, 0, len(lines)),
		slots: make([]uint32, 1<<size),
		shift: uint8(64 - size),
		odd:   rand.Uint64() | 1,
	}
	extra := make(map[string]int32)
	var text []byte
	for i, line := range lines {
		// The first symbol may itself begin with a space in files that do not
		// spell it in the byte alphabet.
		cut := -1
		if line != "" {
			cut = 1 + strings.IndexByte(line[1:], ' ')
		}
		if cut < 1 || cut == len(line)-1 {
			return mergeTable{}, fmt.Errorf("tokenizer: merge %d is %q, want two symbols with a space between", i, line)
		}
		text = append(append(text[:0], line[:cut]...), line[cut+1:]...)
		t.add(merge{
			symbol(line[:cut], words, extra, nTokens),
			symbol(line[cut+1:], words, extra, nTokens),
			symbol(text, words, extra, nTokens),
		})
	}
	return t, nil
}

// symbol returns the number of a text, giving it a new one in extra if need be.
func symbol[T string | []byte](text T, words, extra map[string]int32, nTokens int32) int32 {
	if id, ok := words[string(text)]; ok {
		return id
	}
	if id, ok := extra[string(text)]; ok {
		return id
	}
	id := nTokens + int32(len(extra))
	extra[string(text)] = id
	return id
}

func (t *mergeTable) add(m merge) {
	slot := t.find(m.left, m.right)
	if t.slots[slot] == 0 {
		t.list = append(t.list, m)
		t.slots[slot] = uint32(len(t.list))
	}
}

// find returns the slot of a pair, or the free one where it would be.
func (t *mergeTable) find(left, right int32) int {
	key := uint64(uint32(left))<<32 | uint64(uint32(right))
	for slot := int(key * t.odd >> t.shift); ; slot = (slot + 1) & (len(t.slots) - 1) {
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
