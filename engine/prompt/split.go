package prompt

import (
	"slices"
	"sort"
	"unicode/utf8"

	"scout/engine/prompt/jinja"
)

// split cuts a text into parts so that a special token lies whole in a part
// just when all its bytes are the template's own; the package comment has the
// argument.
func split(t jinja.Text, specials []string) []string {
	s := t.String()
	if s == "" {
		return nil
	}
	m := newMatcher(specials)
	var cuts []int
	for i := range len(s) {
		if n := m.longest(s[i:]); n >= 2 { // a single byte cannot be cut
			cuts = m.cut(cuts, t, i, n)
		}
	}
	slices.Sort(cuts)
	var parts []string
	start := 0
	for _, c := range slices.Compact(cuts) {
		parts = append(parts, s[start:c])
		start = c
	}
	return append(parts, s[start:])
}

// cut appends where to cut the occurrences of special tokens that start at byte
// i, the longest of which has n bytes. One cut serves them all:
//
//   - Byte i is user-supplied: right after it, or, to cut no rune in two where
//     that can be helped, after its rune. Either way a user-supplied byte stands
//     before the cut, so it divides no occurrence of the template's own.
//   - Byte i is the template's: where user-supplied bytes begin, if that is
//     before i+n. Occurrences that end before are the template's own and stay
//     whole; all others have the cut inside.
func (m *matcher) cut(cuts []int, t jinja.Text, i, n int) []int {
	if !t.IsUser(i) {
		for j := i + 1; j < i+n; j++ {
			if t.IsUser(j) {
				return append(cuts, j)
			}
		}
		return cuts
	}
	s := t.String()
	_, w := utf8.DecodeRuneInString(s[i:])
	if t.IsUser(i+w-1) && m.longest(s[i:i+w]) == 0 {
		return append(cuts, i+w)
	}
	return append(cuts, i+1)
}

// matcher finds special tokens at a place.
type matcher struct {
	sorted []string
	starts [256]bool // the first bytes
}

func newMatcher(specials []string) *matcher {
	m := &matcher{sorted: slices.Clone(specials)}
	slices.Sort(m.sorted)
	for _, s := range m.sorted {
		if s != "" {
			m.starts[s[0]] = true
		}
	}
	return m
}

// longest returns the length of the longest special token that s starts with, 0
// for none. Byte by byte it narrows the range of tokens that agree with s.
func (m *matcher) longest(s string) (best int) {
	if s == "" || !m.starts[s[0]] {
		return 0
	}
	list := m.sorted
	for i := 0; i < len(s) && len(list) > 0; i++ {
		c := s[i]
		from := sort.Search(len(list), func(k int) bool { return len(list[k]) > i && list[k][i] >= c })
		list = list[from:]
		list = list[:sort.Search(len(list), func(k int) bool { return list[k][i] > c })]
		if len(list) > 0 && len(list[0]) == i+1 {
			best = i + 1
		}
	}
	return best
}
