package sessions

import (
	"bytes"
	"context"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hit is a message, or a title, that has all the words that were searched for.
type Hit struct {
	Session Summary
	Message Message // the zero Message if it is the title
	// Line is where the first word is, in one line without line breaks: the
	// words around it. From and To are that word's place in it, in bytes.
	Line     string
	From, To int
}

// query is what is searched for, ready for comparing.
type query struct {
	words []string // folded
	// plain is the longest piece of a word that a journal has as it is, or "".
	plain string
}

// newQuery takes a search apart: words, or "several words" in double quotes.
func newQuery(text string) query {
	var q query
	for i, piece := range strings.Split(text, `"`) {
		words := strings.Fields(piece)
		if i%2 == 1 && len(words) > 0 {
			words = []string{strings.Join(words, " ")}
		}
		for _, w := range words {
			q.words = append(q.words, foldAll(w))
		}
	}
	for _, w := range q.words {
		for _, run := range strings.FieldsFunc(w, func(r rune) bool { return !isPlain(r) }) {
			if len(run) > len(q.plain) {
				q.plain = run
			}
		}
	}
	return q
}

// isPlain reports whether a folded rune stands in a journal as it is, or as
// its capital: JSON escapes neither, and no other rune folds to it. The Kelvin
// sign folds to k, the long s to s.
func isPlain(r rune) bool {
	return 'a' <= r && r <= 'z' && r != 'k' && r != 's' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.'
}

// fold makes two runes the same that differ in case alone: the smallest of
// those that are one under simple folding.
func fold(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	if r < utf8.RuneSelf && r != 'k' && r != 's' {
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if 'A' <= least && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}

func foldAll(s string) string { return strings.Map(fold, s) }

// Search finds every message and title in which all words of a text are, in
// any case of letters, session by session in the order of List; deleted sessions
// are left out. Words in double quotes belong together. It ends with ctx.
func (st *Store) Search(ctx context.Context, text string) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		q := newQuery(text)
		if len(q.words) == 0 {
			return
		}
		all, err := st.List()
		if err != nil {
			yield(Hit{}, err)
			return
		}
		for _, s := range all {
			if err := ctx.Err(); err != nil {
				yield(Hit{}, err)
				return
			}
			if s.Deleted.IsZero() && !st.searchSession(s, q, yield) {
				return
			}
		}
	}
}

// searchSession searches one session and reports whether to go on.
func (st *Store) searchSession(s Summary, q query, yield func(Hit, error) bool) bool {
	if h, ok := q.find(s.Title); ok {
		h.Session = s
		if !yield(h, nil) {
			return false
		}
	}
	data, err := readAll(st.disk, s.ID+journalEnding)
	if err != nil {
		return yield(Hit{Session: s}, orNotFound(s.ID, err))
	}
	if !q.mayBeIn(data) {
		return true
	}
	state, _ := loadState(s.ID, data, 0)
	for _, m := range state.Messages {
		if h, ok := q.find(m.Text); ok {
			h.Session, h.Message = s, m
			if !yield(h, nil) {
				return false
			}
		}
	}
	return true
}

// mayBeIn reports whether a journal can have a hit, without reading it as
// one. An answer that is in parts may have a word that no part has.
func (q query) mayBeIn(journal []byte) bool {
	if q.plain == "" {
		return true
	}
	return bytes.Contains(bytes.ToLower(journal), []byte(q.plain)) || bytes.Contains(journal, []byte(`,"part":{"id"`))
}

// find looks for all words in a text.
func (q query) find(text string) (Hit, bool) {
	folded := foldAll(text)
	for _, w := range q.words {
		if !strings.Contains(folded, w) {
			return Hit{}, false
		}
	}
	// Folding keeps the number of runes, not of bytes.
	from := utf8.RuneCountInString(folded[:strings.Index(folded, q.words[0])])
	return excerpt([]rune(text), from, from+utf8.RuneCountInString(q.words[0])), true
}

// excerptRunes is how much of a text is shown on either side of a word.
const excerptRunes = 40

// excerpt is the surroundings of text[from:to], in one line.
func excerpt(text []rune, from, to int) Hit {
	start, end := max(0, from-excerptRunes), min(len(text), to+excerptRunes)
	before, word, after := oneLine(text[start:from]), oneLine(text[from:to]), oneLine(text[to:end])
	before, after = strings.TrimLeft(before, " "), strings.TrimRight(after, " ")
	if start > 0 {
		before = "…" + before
	}
	if end < len(text) {
		after += "…"
	}
	return Hit{Line: before + word + after, From: len(before), To: len(before) + len(word)}
}

// oneLine is text with a space in place of each run of white space.
func oneLine(text []rune) string {
	var b strings.Builder
	space := false
	for _, r := range text {
		if unicode.IsSpace(r) {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}
