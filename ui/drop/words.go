package drop

import "strings"

// word is one item of a drop.
type word struct {
	text   string // without quotes and escapes
	source string // as it stands in the line
}

// posixWords splits a line as a POSIX shell would: at spaces, with backslashes,
// single and double quotes. Paths of Windows are taken as they are, in double quotes
// or up to a space, since their backslashes escape nothing. Nothing else that means
// something to a shell does here. ok is false if a quote is not closed, nothing
// follows a backslash, or there are too many words.
func posixWords(line string) (words []word, ok bool) {
	for at := 0; ; {
		for at < len(line) && line[at] == ' ' {
			at++
		}
		if at == len(line) {
			return words, len(words) > 0
		}
		if len(words) == mostPaths {
			return nil, false
		}
		text, n, ok := windowsWord(line[at:])
		if !ok {
			text, n, ok = posixWord(line[at:])
		}
		if !ok {
			return nil, false
		}
		words = append(words, word{text, line[at : at+n]})
		at += n
	}
}

// windowsWord is the path of Windows that a line begins with, and its length there.
func windowsWord(line string) (text string, n int, ok bool) {
	if isDrive(line) || isUNC(line) {
		text, _, _ = strings.Cut(line, " ")
		return text, len(text), true
	}
	inner, quoted := strings.CutPrefix(line, `"`)
	if !quoted || !isDrive(inner) && !isUNC(inner) {
		return "", 0, false
	}
	text, rest, closed := strings.Cut(inner, `"`)
	if !closed || rest != "" && rest[0] != ' ' {
		return "", 0, false
	}
	return text, len(text) + 2, true
}

// posixWord is the word that a line begins with, and its length there.
func posixWord(line string) (text string, n int, ok bool) {
	var b strings.Builder
	for n < len(line) && line[n] != ' ' {
		switch c := line[n]; c {
		case '\\':
			if n+1 == len(line) {
				return "", 0, false
			}
			b.WriteByte(line[n+1])
			n += 2
		case '\'':
			end := strings.IndexByte(line[n+1:], '\'')
			if end < 0 {
				return "", 0, false
			}
			b.WriteString(line[n+1 : n+1+end])
			n += end + 2
		case '"':
			length, closed := doubleQuoted(line[n+1:], &b)
			if !closed {
				return "", 0, false
			}
			n += length + 2
		default:
			b.WriteByte(c)
			n++
		}
	}
	return b.String(), n, true
}

// doubleQuoted writes what stands before the closing double quote, and gives its
// length in s. A backslash escapes there only what would mean something (POSIX.1,
// XCU 2.2.3).
func doubleQuoted(s string, b *strings.Builder) (length int, closed bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i, true
		case c == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\", s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return 0, false
}

// spaceWords splits a line whose names have a backslash before each space and are
// left alone otherwise. ok is false if none has, or there are too many.
func spaceWords(line string) (words []word, ok bool) {
	if !strings.Contains(line, `\ `) {
		return nil, false
	}
	for begin, at := 0, 0; at <= len(line); at++ {
		if at < len(line) && (line[at] != ' ' || at > 0 && line[at-1] == '\\') {
			continue
		}
		if source := line[begin:at]; source != "" {
			words = append(words, word{strings.ReplaceAll(source, `\ `, " "), source})
		}
		begin = at + 1
	}
	return words, len(words) <= mostPaths
}

// starts is where in a line an item may begin: at its beginning, and after spaces
// where a path or a quoted path follows.
func starts(line string) []int {
	var list []int
	for at := range len(line) {
		if (at == 0 || line[at-1] == ' ') && startsItem(line[at:]) {
			list = append(list, at)
		}
	}
	return list
}

// looseWords is how a piece of a line, with the spaces that follow it, may be one
// item without escapes: raw, or in quotes that a quote inside does not end. The
// spaces at its end belong to the terminal, or to the name.
func looseWords(piece string) []word {
	trimmed := strings.TrimRight(piece, " ")
	if q := trimmed[0]; q == '"' || q == '\'' {
		if len(trimmed) < 3 || trimmed[len(trimmed)-1] != q {
			return nil
		}
		return []word{{trimmed[1 : len(trimmed)-1], trimmed}}
	}
	words := []word{{trimmed, trimmed}}
	for _, spaces := range []int{len(piece), len(piece) - 1} {
		if spaces > len(trimmed) {
			words = append(words, word{piece[:spaces], piece[:spaces]})
		}
	}
	return words
}
