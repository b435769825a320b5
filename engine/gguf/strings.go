package gguf

import (
	"encoding/binary"
	"iter"
)

// StringArray is an array of strings where the file has it: a vocabulary of
// 202,048 tokens costs nothing until it is walked over, and then no allocation.
// After File.Close it has the same length and gives no strings.
type StringArray struct {
	part  *part
	entry *entry
}

// Len is the number of strings.
func (a StringArray) Len() int {
	if a.entry == nil {
		return 0
	}
	return a.entry.count
}

// All gives the strings in order. They are bytes of the mapping: not to be
// changed, not to be kept, and to be read under File.Guard. There are fewer of
// them than Len says if another process has written to the file since Open.
func (a StringArray) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if a.entry == nil || a.part.data == nil {
			return
		}
		rest := a.part.bytes(a.entry)
		for range a.entry.count {
			s, after, ok := cutString(rest)
			if !ok || !yield(s) {
				return
			}
			rest = after
		}
	}
}

// cutString takes a string, which stands behind its length, off the front of b.
// The header was walked over when it was read, so that lengths fit. They are
// checked all the same: another process may write to a mapped file.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, false
	}
	n := binary.LittleEndian.Uint64(b)
	b = b[8:]
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

func asStringArray(p *part, e *entry) (v StringArray, ok bool) {
	if !e.array || e.typ != typeString {
		return StringArray{}, false
	}
	return StringArray{p, e}, true
}
