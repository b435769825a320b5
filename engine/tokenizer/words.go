package tokenizer

import "bytes"

// words cuts one plain text into words as its rules say. Every method takes
// and returns byte offsets of characters; an offset may be the text's end.
//
// The scanners give what a backtracking matcher gives for the patterns of
// pretokenizer.go (a test compares them): greedy parts are taken whole, and
// given back only where the text says below.
type words struct {
	*rules
	text  []byte
	class []class // [len(text)]
}

// next returns the end of the word that begins at i < len(text).
func (w *words) next(i int) int {
	if w.contractions == ownWords {
		if end := w.contraction(i); end > i {
			return end
		}
	}
	if end := w.letters(i); end > i {
		return end
	}
	if w.class[i]&number != 0 {
		end := w.after(i)
		for n := 1; n < w.digits && end < len(w.text) && w.class[end]&number != 0; n++ {
			end = w.after(end)
		}
		return end
	}
	if end := w.symbols(i); end > i {
		return end
	}
	return w.spaces(i)
}

// letters matches a word of letters with at most one other character in
// front (P), or returns i.
func (w *words) letters(i int) int {
	start := i
	if w.class[i]&(newline|letter|number) == 0 {
		start = w.after(i)
	}
	if !w.cased {
		if end := w.run(start, letter); end > start {
			return end
		}
		return i
	}
	// A combining mark is both P and U: with it as P nothing may match and
	// with it as U something, so both are tried, first for all of one
	// alternative, then for the other.
	if end := w.lowerWord(start); end > start {
		return w.suffix(end)
	}
	if end := w.lowerWord(i); end > i {
		return w.suffix(end)
	}
	if end := w.upperWord(start); end > start {
		return w.suffix(end)
	}
	if end := w.upperWord(i); end > i {
		return w.suffix(end)
	}
	return i
}

// lowerWord matches U*W+ or returns i. U* gives back until one W is left for
// W+, which then ends where U* had ended or at the last W of that run.
func (w *words) lowerWord(i int) int {
	a := w.run(i, upper)
	if b := w.run(a, lower); b > a {
		return b
	}
	for a > i && w.class[a-1]&lower == 0 {
		a--
	}
	return a
}

// upperWord matches U+W* or returns i, where lowerWord has not matched: there
// is no W.
func (w *words) upperWord(i int) int { return w.run(i, upper) }

// symbols matches ` ?[^\s\p{L}\p{N}]+` and the line ends after it, or returns i.
func (w *words) symbols(i int) int {
	start := i
	if w.text[i] == ' ' {
		start++
	}
	end := start
	for end < len(w.text) && w.class[end]&(space|letter|number) == 0 {
		end++
	}
	if end == start {
		return i
	}
	for end < len(w.text) && (w.class[end]&newline != 0 || w.slash && w.text[end] == '/') {
		end++
	}
	return end
}

// spaces matches `\s*[\r\n]+ | \s+(?!\S) | \s+` at a space: up to the last line
// end if there is one, else all but the last space, which belongs to the
// word that follows.
func (w *words) spaces(i int) int {
	end := w.run(i, space)
	if k := bytes.LastIndexAny(w.text[i:end], "\r\n"); k >= 0 {
		return i + k + 1
	}
	if end == len(w.text) {
		return end
	}
	last := end - 1
	for w.class[last]&first == 0 {
		last--
	}
	if last == i {
		return end
	}
	return last
}

// suffix returns the end of a word of letters with its contraction, if the
// rules leave contractions at words.
func (w *words) suffix(end int) int {
	if w.contractions == suffixes {
		return w.contraction(end)
	}
	return end
}

// contraction returns the end of 's 't 're 've 'm 'll or 'd at i, or i.
func (w *words) contraction(i int) int {
	rest := w.text[i:]
	if len(rest) < 2 || rest[0] != '\'' {
		return i
	}
	// Setting the bit of lower case maps no other byte to these letters.
	a := rest[1] | 0x20
	switch a {
	case 's', 't', 'm', 'd':
		return i + 2
	}
	if len(rest) < 3 {
		return i
	}
	switch b := rest[2] | 0x20; {
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return i + 3
	}
	return i
}

// run returns the end of the characters of class c that begin at i.
func (w *words) run(i int, c class) int {
	for i < len(w.class) && w.class[i]&c != 0 {
		i++
	}
	return i
}

// after returns the end of the character at i.
func (w *words) after(i int) int {
	i++
	for i < len(w.class) && w.class[i]&first == 0 {
		i++
	}
	return i
}
