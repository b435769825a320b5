package tokenizer

// Encode returns the ids of a text that is given in parts. It adds no BOS.
//
// Special tokens are looked for inside each part, never across a boundary:
// control tokens only when special is set, user-defined ones always. The plain
// text between them is joined across parts before it is cut into words, so
// parts change nothing else. Bytes that are not UTF-8 are kept, each a symbol
// of its own: the ids stand for exactly the bytes of the text.
func (t *Tokenizer) Encode(parts []string, special bool) []int32 {
	m := &t.always
	if special {
		m = &t.template
	}
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	e := encoder{Tokenizer: t, ids: make([]int32, 0, n/3+1)} // English takes about four bytes a token
	for _, part := range parts {
		at := 0
		for _, f := range m.find(part) {
			e.plain = append(e.plain, part[at:f.start]...)
			e.flush()
			e.ids = append(e.ids, f.id)
			at = f.end
		}
		e.plain = append(e.plain, part[at:]...)
	}
	e.flush()
	return e.ids
}

// encoder is the state of one Encode.
type encoder struct {
	*Tokenizer
	ids     []int32
	plain   []byte // text since the last special token
	class   []class
	spelled []byte
	merger  merger
}

// flush encodes the plain text gathered and empties it.
func (e *encoder) flush() {
	e.class = classify(e.class[:0], e.plain)
	w := words{rules: e.rules, text: e.plain, class: e.class}
	for i := 0; i < len(e.plain); {
		end := w.next(i)
		e.word(e.plain[i:end])
		i = end
	}
	e.plain = e.plain[:0]
}

// word encodes one word, which is not empty.
func (e *encoder) word(word []byte) {
	if len(word) == 1 {
		e.ids = append(e.ids, e.bytes[word[0]])
		return
	}
	if e.rules.wholeWords {
		e.spelled = appendSpelled(e.spelled[:0], word)
		if id, ok := e.words.id(e.spelled); ok {
			e.ids = append(e.ids, id)
			return
		}
	}
	e.merger.run(word, &e.bytes, &e.merges)
	for i := 0; i < len(word); {
		end := int(e.merger.next[i])
		if s := e.merger.symbols[i]; int(s) < e.tokens.len() {
			e.ids = append(e.ids, s)
		} else {
			for _, b := range word[i:end] { // a symbol the vocabulary lacks
				e.ids = append(e.ids, e.bytes[b])
			}
		}
		i = end
	}
}
