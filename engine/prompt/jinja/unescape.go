package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// simpleEscapes are Python's one-letter escapes.
var simpleEscapes = map[byte]string{
	'\n': "", '\\': `\`, '\'': "'", '"': `"`,
	'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// hexEscapes are Python's escapes of a fixed number of hexadecimal digits.
var hexEscapes = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// unescape resolves the escapes of a string literal as Python's
// "unicode-escape" codec does; an escape it does not know stays as it is.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		var out string
		out, s = unescapeOne(s[i+1:])
		b.WriteString(out)
	}
}

// unescapeOne resolves the escape after a backslash and returns what follows.
func unescapeOne(s string) (out, rest string) {
	c := s[0]
	if out, ok := simpleEscapes[c]; ok {
		return out, s[1:]
	}
	if n, ok := hexEscapes[c]; ok && len(s) > n {
		if v, err := strconv.ParseUint(s[1:1+n], 16, 32); err == nil && v <= utf8.MaxRune {
			return string(rune(v)), s[1+n:]
		}
	}
	if '0' <= c && c <= '7' {
		n := 1
		for n < 3 && n < len(s) && '0' <= s[n] && s[n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(s[:n], 8, 32) // at most 0o777
		return string(rune(v)), s[n:]
	}
	_, w := utf8.DecodeRuneInString(s)
	return `\` + s[:w], s[w:]
}
