package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// class is what the pre-tokenizers ask of a character. Each byte of a text
// has the class of its character, so that runs are found without decoding.
type class uint8

const (
	upper   class = 1 << iota // U: Lu, Lt, Lm, Lo, M
	lower                     // W: Ll, Lm, Lo, M
	letter                    // L
	number                    // N
	space                     // White_Space
	newline                   // \r or \n, also space
	first                     // the first byte of a character
)

var asciiClass = func() (c [utf8.RuneSelf]class) {
	for r := range rune(utf8.RuneSelf) {
		c[r] = classOf(r)
	}
	return c
}()

// classOf gives the class of a character, most frequent categories first.
func classOf(r rune) class {
	switch {
	case unicode.Is(unicode.Ll, r):
		return lower | letter
	case unicode.Is(unicode.Lo, r), unicode.Is(unicode.Lm, r):
		return upper | lower | letter
	case unicode.Is(unicode.Lu, r), unicode.Is(unicode.Lt, r):
		return upper | letter
	case r == '\r' || r == '\n':
		return space | newline
	case unicode.Is(unicode.White_Space, r):
		return space
	case unicode.Is(unicode.N, r):
		return number
	case unicode.Is(unicode.M, r):
		return upper | lower
	}
	return 0
}

// classify appends the class of every byte of text. A byte that is not UTF-8
// is a symbol of its own, neither space nor letter nor number.
func classify(dst []class, text []byte) []class {
	for i := 0; i < len(text); {
		if b := text[i]; b < utf8.RuneSelf {
			dst = append(dst, asciiClass[b]|first)
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		var c class
		if r != utf8.RuneError || size > 1 {
			c = classOf(r)
		}
		dst = append(dst, c|first)
		for range size - 1 {
			dst = append(dst, c)
		}
		i += size
	}
	return dst
}
