package cli

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// withoutControls is model text for a terminal: every control character but
// newline and tab is dropped (C0, DEL and C1, so no escape sequence is left),
// and bytes that are not UTF-8 become U+FFFD, since some terminals read lone
// bytes from 0x80 to 0x9F as controls.
func withoutControls(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// oneLine is text from outside (names in a file, messages) fit to stand in a
// line: a line break becomes "; ", any other control character its escape,
// spelled out.
func oneLine(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text)) {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		for _, r := range strings.TrimRight(line, "\r\n") {
			if unicode.IsControl(r) || r == utf8.RuneError {
				quoted := strconv.QuoteRuneToASCII(r)
				b.WriteString(quoted[1 : len(quoted)-1])
				continue
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}
