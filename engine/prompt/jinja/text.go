package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is a string that knows for each byte whether it is the template's own
// or user-supplied. Text is immutable; the zero value is the empty string.
//
// What one operation makes of user-supplied bytes is user-supplied (their
// upper case, their JSON escapes), and what it adds itself (a separator written
// in the template, a bracket) is not. Numbers carry no mark.
type Text struct {
	s    string
	user string // one byte a byte of s, 1 for user-supplied; empty when none is
}

// Trusted returns text of the template or of the program.
func Trusted(s string) Text { return Text{s: s} }

// User returns text that a person, a tool or a model supplied.
func User(s string) Text { return Text{s, strings.Repeat("\x01", len(s))} }

// String returns the bytes without their marks.
func (t Text) String() string { return t.s }

// Len is the number of bytes.
func (t Text) Len() int { return len(t.s) }

// IsUser reports whether byte i is user-supplied.
func (t Text) IsUser(i int) bool { return t.user != "" && t.user[i] != 0 }

// Slice returns bytes i to j. It copies nothing.
func (t Text) Slice(i, j int) Text {
	if t.user == "" {
		return Text{s: t.s[i:j]}
	}
	return Text{t.s[i:j], t.user[i:j]}
}

// A Builder puts a Text together. The zero value is ready.
type Builder struct {
	s, user []byte
	marked  bool // any user-supplied byte so far; user is as long as s from then on
}

// Len is the number of bytes so far.
func (b *Builder) Len() int { return len(b.s) }

// Write appends a text with its marks.
func (b *Builder) Write(t Text) {
	if t.user != "" {
		b.mark()
	}
	b.s = append(b.s, t.s...)
	if !b.marked {
		return
	}
	if t.user != "" {
		b.user = append(b.user, t.user...)
		return
	}
	b.user = append(b.user, make([]byte, len(t.s))...)
}

// Trusted appends text of the template or of the program.
func (b *Builder) Trusted(s string) { b.Write(Text{s: s}) }

// User appends user-supplied text.
func (b *Builder) User(s string) { b.Write(User(s)) }

// as appends s with the mark of byte i of t.
func (b *Builder) as(t Text, i int, s string) {
	if !t.IsUser(i) {
		b.Trusted(s)
		return
	}
	b.mark()
	b.s = append(b.s, s...)
	for range len(s) {
		b.user = append(b.user, 1)
	}
}

// mark starts keeping marks.
func (b *Builder) mark() {
	if !b.marked {
		b.marked = true
		b.user = append(b.user[:0], make([]byte, len(b.s))...)
	}
}

// Text returns what was written.
func (b *Builder) Text() Text {
	t := Text{s: string(b.s)}
	if b.marked {
		t.user = string(b.user)
	}
	return t
}

// isSpace reports what Python's str.strip and str.split take for white space.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// Trim takes white space off both ends, as Python's str.strip does.
func (t Text) Trim() Text { return t.trimFunc(true, true, isSpace) }

func (t Text) trimFunc(left, right bool, cut func(rune) bool) Text {
	i, j := 0, len(t.s)
	if left {
		i = j - len(strings.TrimLeftFunc(t.s, cut))
	}
	if right {
		j = i + len(strings.TrimRightFunc(t.s[i:], cut))
	}
	return t.Slice(i, j)
}

// mapRunes replaces every rune; what it becomes keeps the rune's mark.
func (t Text) mapRunes(f func(i int, r rune) rune) Text {
	var b Builder
	n := 0
	for i, w := 0, 0; i < len(t.s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(t.s[i:])
		if r == utf8.RuneError && w == 1 {
			b.Write(t.Slice(i, i+1)) // not UTF-8: left as it is
		} else {
			b.as(t, i, string(f(n, r)))
		}
		n++
	}
	return b.Text()
}

// runeOffset returns the byte offset of rune n, len(s) for the rune count.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
