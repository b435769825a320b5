// Package safetext makes text from outside fit for a terminal: what models
// write, templates, names and metadata in files, paths, error messages of other
// programs, saved conversations.
//
// It is a list of runes that may pass, and not a search for escape sequences.
// Searching fails: what one reader takes for the middle of a broken character
// another takes for the escape byte that it is ("\xe2\x1b]52;c;…" comes whole out
// of a well-known strip function), and there are more ways to steer a terminal
// than sequences. On the list are line feed, tab, and what Unicode calls graphic,
// less what is drawn as nothing. So no control character passes, in seven bits or
// eight, and none of the marks that turn text round (bidirectional overrides),
// hide text in text (tags, zero-width spaces, variation selectors), or heap
// hundreds of accents on a letter. Letters of scripts that run from right to left
// pass, and so do the joiners that emoji and Indic and Persian words need, where
// they join something.
//
// The program's own colours are put round safe text afterwards.
package safetext

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostMarks is how many combining marks, joiners and selectors may follow one
// character. Vietnamese needs two, Tibetan and emoji a few; hundreds are an
// attack on the lines above and below.
const mostMarks = 8

// Filter lets safe text through, piece by piece: what comes out does not depend
// on where the text was cut. The zero Filter is at the beginning of a text. It
// takes no more room the longer the text is.
type Filter struct {
	held  []byte // the beginning of a character whose rest is still to come
	marks marks
}

// marks is what may follow the character that came last.
type marks struct {
	base rune // what marks would be put on; 0: nothing that bears them
	n    int  // marks on it so far
	last rune // the last mark, 0 if there is none
}

// Write is the safe text of a piece. The beginning of a character at its end is
// kept for the next piece.
func (f *Filter) Write(piece string) string {
	if len(f.held) > 0 {
		piece = string(f.held) + piece
		f.held = f.held[:0]
	}
	whole := wholeLength(piece)
	f.held = append(f.held, piece[whole:]...)
	return f.pass(piece[:whole])
}

// Flush is what is left at the end of a text: U+FFFD for half a character. The
// filter is then at the beginning of the next text.
func (f *Filter) Flush() string {
	rest := f.pass(string(f.held))
	*f = Filter{held: f.held[:0]}
	return rest
}

// wholeLength is how much of a text is whole characters; what is no UTF-8
// counts as whole.
func wholeLength(s string) int {
	for i := len(s) - 1; i >= 0 && i > len(s)-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:]) {
				return i
			}
			break
		}
	}
	return len(s)
}

// pass is the runes of s that may pass.
func (f *Filter) pass(s string) string {
	if isPlain(s) {
		if s != "" {
			f.marks = after(rune(s[len(s)-1]))
		}
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s { // bytes that are no UTF-8 are U+FFFD here
		if r == '\u2028' || r == '\u2029' {
			r = '\n' // a line's or paragraph's end
		}
		switch {
		case f.marks.allow(r):
			b.WriteRune(r)
		case isUnknown(r):
			f.marks.allow(utf8.RuneError)
			b.WriteRune(utf8.RuneError)
		}
	}
	return b.String()
}

// isUnknown reports whether nobody here can say what a rune looks like: it is
// for private use, or of a newer Unicode. Its place is shown.
func isUnknown(r rune) bool {
	return unicode.In(r, unicode.Co, unicode.Cn) && !isInvisible(r)
}

// isPlain reports whether a text is ASCII without controls, as most of it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7F || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// after is what may follow a rune that is no mark.
func after(r rune) marks {
	if r == '\n' || r == '\t' {
		return marks{}
	}
	return marks{base: r}
}

// allow reports whether r may come next, and goes on to what may follow it.
func (m *marks) allow(r rune) bool {
	if r == '\n' || r == '\t' {
		*m = marks{}
		return true
	}
	if !mayPass(r) {
		return false
	}
	if !isMark(r) {
		*m = after(r)
		return true
	}
	switch {
	case m.base == 0, m.n == mostMarks:
		return false // nothing to put it on, or too many
	case isJoiner(r) && (m.base < utf8.RuneSelf || isJoiner(m.last)):
		return false // joins nothing
	case isSelector(r) && m.n > 0:
		return false // a selector comes first
	}
	m.n++
	m.last = r
	return true
}

// isMark reports whether a rune is drawn on the one before it.
func isMark(r rune) bool { return isJoiner(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) }

// isJoiner reports whether a rune joins its neighbours, or keeps them apart:
// zero-width joiner and non-joiner.
func isJoiner(r rune) bool { return r == '\u200D' || r == '\u200C' }

// isSelector reports whether a rune asks for text or emoji style.
func isSelector(r rune) bool { return r == '\uFE0E' || r == '\uFE0F' }

// mayPass reports whether a rune is on the list, wherever it stands.
func mayPass(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r >= ' ' && r != 0x7F
	case isJoiner(r), isSelector(r):
		return true
	case isInvisible(r):
		return false
	}
	// Letters, marks, numbers, punctuation, symbols, spaces; of the formatting
	// characters those that are seen, such as the Arabic number sign.
	return unicode.IsGraphic(r) || unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// isInvisible reports whether a graphic rune is drawn as nothing: it could
// only hide something. The table is Unicode's Other_Default_Ignorable_Code_Point
// (fillers, the grapheme joiner) and the variation selectors, of which two are
// let through elsewhere.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Text is a whole text of one or more lines, made safe. Carriage returns go,
// so that lines may end either way.
func Text(s string) string {
	var f Filter
	return f.Write(s) + f.Flush()
}

// Line is a text made safe and fit to stand in a line: line breaks become
// "; ", and what may not pass is spelled out as Go would escape it, since of a
// name every character counts.
func Line(s string) string {
	var b strings.Builder
	var m marks
	for line := range strings.FieldsFuncSeq(strings.TrimSpace(s), isLineBreak) {
		line = strings.TrimRight(line, "\r")
		if line == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		m = marks{}
		for _, r := range line {
			if r != '\t' && r != utf8.RuneError && m.allow(r) {
				b.WriteRune(r)
				continue
			}
			m = marks{base: 'x'}
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

func isLineBreak(r rune) bool { return r == '\n' || r == '\u2028' || r == '\u2029' }

// JSON is a JSON text in which everything that may not pass, and everything
// that it takes context to judge, is escaped; it means the same.
func JSON(text []byte) []byte {
	plain := true
	for _, c := range text {
		plain = plain && c < 0x7F
	}
	if plain {
		return text // encoders escape the rest of the controls
	}
	out := make([]byte, 0, len(text)+16)
	for _, r := range string(text) {
		if r < 0x7F || mayPass(r) && !isMark(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		out = appendEscape(out, r)
	}
	return out
}

// appendEscape appends a rune as JSON's \uXXXX, or two of them.
func appendEscape(out []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	units := []rune{r}
	if r >= 0x10000 {
		units = []rune{0xD800 + (r-0x10000)>>10, 0xDC00 + (r-0x10000)&0x3FF}
	}
	for _, u := range units {
		out = append(out, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
	}
	return out
}
