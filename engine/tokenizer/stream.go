package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// Stream turns the bytes of tokens, as they come, into text: what it returns
// never ends in half a character. Bytes that can be no part of a character
// become U+FFFD, one for each longest beginning of a character that does not
// go on (Unicode 3.9, "substitution of maximal subparts"). However the bytes
// are cut, the same text comes out. The zero value is ready for use.
type Stream struct {
	held  [utf8.UTFMax - 1]byte // the beginning of a character
	nHeld int
}

// Push returns the text that is complete with b and keeps the rest.
func (s *Stream) Push(b []byte) string {
	if s.nHeld > 0 {
		b = append(append(make([]byte, 0, s.nHeld+len(b)), s.held[:s.nHeld]...), b...)
	}
	end := len(b) - unfinished(b)
	s.nHeld = copy(s.held[:], b[end:])
	return valid(b[:end])
}

// Flush ends the text: what is kept becomes U+FFFD. The stream is then as new.
func (s *Stream) Flush() string {
	if s.nHeld == 0 {
		return ""
	}
	s.nHeld = 0
	return string(utf8.RuneError)
}

// unfinished returns how many bytes at the end of b, at most three, are the
// beginning of a character and not all of it.
func unfinished(b []byte) int {
	for n := min(len(b), utf8.UTFMax-1); n > 0; n-- {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) && !utf8.FullRune(tail) {
			return n
		}
	}
	return 0
}

// valid replaces what is not UTF-8.
func valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			for size < len(b) && !utf8.FullRune(b[:size+1]) {
				size++
			}
		}
		s.WriteRune(r)
		b = b[size:]
	}
	return s.String()
}
