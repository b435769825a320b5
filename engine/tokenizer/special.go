package tokenizer

import (
	"bytes"
	"slices"
	"sort"
)

// matcher finds special tokens in text as it stands. The zero value finds none.
type matcher struct {
	texts  *texts
	sorted []int32   // tokens by text, of equal texts by number
	starts [256]bool // whether some text begins with the byte
}

// add makes a token one that is found, unless it is empty and so would be found
// everywhere. Tokens are added in order; sort must follow.
func (m *matcher) add(id int32) {
	if text := m.texts.at(id); len(text) > 0 {
		m.sorted = append(m.sorted, id)
		m.starts[text[0]] = true
	}
}

func (m *matcher) sort() {
	slices.SortStableFunc(m.sorted, func(a, b int32) int { return bytes.Compare(m.texts.at(a), m.texts.at(b)) })
}

// match is a special token at text[start:end].
type match struct {
	start, end int
	id         int32
}

// find returns the special tokens of a text from left to right. Where they
// overlap the longest is taken, of equally long ones the leftmost, and again
// in what is left over.
func (m *matcher) find(text string) []match {
	var found []match
	if len(m.sorted) == 0 {
		return nil
	}
	for i := range len(text) {
		if m.starts[text[i]] {
			found = m.at(found, text, i)
		}
	}
	kept := found[:0]
	for len(found) > 0 {
		n, end := 1, found[0].end
		for n < len(found) && found[n].start < end {
			end = max(end, found[n].end)
			n++
		}
		if n > 1 {
			kept = append(kept, longest(found[:n], end)...)
		} else {
			kept = append(kept, found[0])
		}
		found = found[n:]
	}
	return kept
}

// at appends every special token that begins at byte i: the sorted texts that
// agree with text[i:] so far are narrowed down byte by byte.
func (m *matcher) at(found []match, text string, i int) []match {
	list := m.sorted
	for n := 0; len(list) > 0; n++ {
		last := int32(-1)
		for len(list) > 0 && len(m.texts.at(list[0])) == n { // the shortest come first; of equal texts the last counts
			last, list = list[0], list[1:]
		}
		if last >= 0 {
			found = append(found, match{i, i + n, last})
		}
		if i+n == len(text) {
			break
		}
		b := text[i+n]
		lo := sort.Search(len(list), func(k int) bool { return m.texts.at(list[k])[n] >= b })
		list = list[lo:]
		hi := sort.Search(len(list), func(k int) bool { return m.texts.at(list[k])[n] > b })
		list = list[:hi]
	}
	return found
}

// longest picks from overlapping matches, which end at end or before, and
// returns those it keeps from left to right.
func longest(found []match, end int) []match {
	base := found[0].start
	byLength := slices.Clone(found)
	slices.SortStableFunc(byLength, func(a, b match) int { return (b.end - b.start) - (a.end - a.start) })
	taken := make([]bool, end-base)
	var kept []match
	for _, f := range byLength {
		// What is taken is no shorter than f, so if it overlaps f it covers one
		// of f's ends.
		if taken[f.start-base] || taken[f.end-1-base] {
			continue
		}
		for i := f.start; i < f.end; i++ {
			taken[i-base] = true
		}
		kept = append(kept, f)
	}
	slices.SortFunc(kept, func(a, b match) int { return a.start - b.start })
	return kept
}
