package tokenizer

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"math/bits"
)

// Texts is a list of texts, which New reads from front to back, once or twice.
type Texts interface {
	// Len is the number of texts.
	Len() int
	// All gives them in order. The bytes belong to the list and need not outlive
	// the step that they are given to.
	All() iter.Seq[[]byte]
}

// Strings is a list of texts in memory.
type Strings []string

// Len is the number of texts.
func (s Strings) Len() int { return len(s) }

// All gives them in order.
func (s Strings) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var b []byte
		for _, text := range s {
			b = append(b[:0], text...)
			if !yield(b) {
				return
			}
		}
	}
}

// texts holds the texts of a vocabulary. It has two pointers however many texts
// there are: a slice of 202,048 strings and a map of them are 30 MB that every
// collection of garbage would have to walk through, in the middle of a token.
type texts struct {
	bytes  []byte   // one after the other
	starts []uint32 // [texts+1] where each begins, and the last one ends
}

func readTexts(list Texts) (texts, error) {
	n, size := list.Len(), 0
	for text := range list.All() {
		size += len(text)
	}
	t := texts{make([]byte, 0, min(size, math.MaxUint32)), make([]uint32, 1, n+1)}
	for text := range list.All() {
		if t.len() == n {
			return texts{}, fmt.Errorf("tokenizer: vocabulary of %d tokens goes on after them", n)
		}
		if len(text) > math.MaxUint32-len(t.bytes) {
			return texts{}, fmt.Errorf("tokenizer: vocabulary has more than %d bytes of text up to token %d, want at most that many", uint32(math.MaxUint32), t.len())
		}
		t.bytes = append(t.bytes, text...)
		t.starts = append(t.starts, uint32(len(t.bytes)))
	}
	if t.len() != n {
		return texts{}, fmt.Errorf("tokenizer: vocabulary of %d tokens ends after %d", n, t.len())
	}
	return t, nil
}

func (t *texts) len() int { return len(t.starts) - 1 }

// at is text i, not to be changed.
func (t *texts) at(i int32) []byte {
	from, to := t.starts[i], t.starts[i+1]
	return t.bytes[from:to:to]
}

// dictionary finds some of the texts of a list: an open hash table of their
// numbers, at most four fifths full, for 200,000 tokens two megabytes.
type dictionary struct {
	texts   *texts
	slots   []uint64 // half of the hash and number+1; 0: free; a power of two long
	seed    maphash.Seed
	repeats bool // some text was entered twice
}

// newDictionary makes room for n of the texts.
func newDictionary(t *texts, n int) dictionary {
	size := 1 << bits.Len(uint(n+n/4))
	return dictionary{texts: t, slots: make([]uint64, size), seed: maphash.MakeSeed()}
}

func (d *dictionary) hash(text []byte) uint64 { return maphash.Bytes(d.seed, text) }

// half is the part of a hash that a slot keeps; the rest says where it is.
func half(hash uint64) uint64 { return hash &^ math.MaxUint32 }

// find returns the slot of a text of some hash, or the free one where it would be.
func (d *dictionary) find(text []byte, hash uint64) (slot int) {
	for slot = int(hash) & (len(d.slots) - 1); ; slot = (slot + 1) & (len(d.slots) - 1) {
		s := d.slots[slot]
		if s == 0 || half(s) == half(hash) && bytes.Equal(d.texts.at(held(s)), text) {
			return slot
		}
	}
}

// held is the number in a slot, -1 for a free one.
func held(slot uint64) int32 { return int32(uint32(slot) - 1) }

// fetch brings what find needs for texts of some hashes nearer, and is no more
// than that.
func (d *dictionary) fetch(hashes []uint64) (sum uint32) {
	for _, h := range hashes {
		if s := d.slots[int(h)&(len(d.slots)-1)]; half(s) == half(h) {
			sum += d.texts.starts[uint32(s)]
		}
	}
	return sum
}

// id is the number of a text.
func (d *dictionary) id(text []byte) (int32, bool) { return d.hashed(text, d.hash(text)) }

// hashed is id for a text of known hash.
func (d *dictionary) hashed(text []byte, hash uint64) (int32, bool) {
	id := held(d.slots[d.find(text, hash)])
	return id, id >= 0
}

// add enters text id of the list. Of equal texts the last one stays.
func (d *dictionary) add(id int32) {
	hash := d.hash(d.texts.at(id))
	slot := d.find(d.texts.at(id), hash)
	d.repeats = d.repeats || d.slots[slot] != 0
	d.slots[slot] = half(hash) | uint64(id+1)
}
