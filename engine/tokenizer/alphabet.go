package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// alphabet spells each byte as the one visible character that stands for it in
// normal tokens and merges (GPT-2's byte-to-unicode table): the bytes that
// are visible in Latin-1 are themselves, the other 68 are U+0100 and on, in
// order. A space is "Ġ", a newline "Ċ".
var alphabet = func() (spelled [256]string) {
	next := rune(0x100)
	for b := range 256 {
		if visible(b) {
			spelled[b] = string(rune(b))
			continue
		}
		spelled[b] = string(next)
		next++
	}
	return spelled
}()

// alphabetBytes is the inverse of alphabet by code point; -1 is no byte.
var alphabetBytes = func() (bytes [0x100 + 68]int16) {
	for r := range bytes {
		bytes[r] = -1
	}
	for b, s := range alphabet {
		for _, r := range s {
			bytes[r] = int16(b)
		}
	}
	return bytes
}()

func visible(b int) bool {
	return b >= 33 && b <= 126 || b >= 161 && b <= 172 || b >= 174
}

// appendSpelled appends a word in the byte alphabet.
func appendSpelled(dst, word []byte) []byte {
	for _, b := range word {
		dst = append(dst, alphabet[b]...)
	}
	return dst
}

// appendBytes appends the bytes that a normal token's text stands for. A
// character outside the alphabet stands for itself.
func appendBytes(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if int(r) < len(alphabetBytes) && alphabetBytes[r] >= 0 {
			dst = append(dst, byte(alphabetBytes[r]))
		} else {
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst
}

// byteToken reads the text of a byte token, "<0x0A>".
func byteToken(text string) (byte, bool) {
	hex, ok := strings.CutPrefix(text, "<0x")
	hex, closed := strings.CutSuffix(hex, ">")
	b, err := strconv.ParseUint(hex, 16, 8)
	return byte(b), ok && closed && err == nil
}
