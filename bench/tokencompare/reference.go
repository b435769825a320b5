package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/dlclark/regexp2"
)

// A pretokenizer is a splitter as a regular expression, in its true form and in
// the one llama.cpp has: its expressions know \p{L} and \p{N} only, so a
// letter outside ASCII counts as both cases, and a combining mark as no
// letter.
type pretokenizer struct {
	exact, approximate *regexp2.Regexp
	wholeWords         bool // of llama.cpp
}

var pretokenizers = func() map[string]pretokenizer {
	const (
		p     = `[^\r\n\p{L}\p{N}]?`
		c     = `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`
		cased = p + `U*W+C|` + p + `U+W*C|`
		own   = c + `|` + p + `\p{L}+|`
		tail  = `| ?[^S\p{L}\p{N}]+[\r\n]*|[S]*[\r\n]+|[S]+(?![^S])|[S]+`
		white = `\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`
	)
	slash := strings.Replace(tail, `[\r\n]*`, `[\r\n/]*`, 1)
	compile := func(pattern string, set ...string) *regexp2.Regexp {
		pattern = strings.ReplaceAll(pattern, "[S]", "["+white+"]")
		pattern = strings.ReplaceAll(pattern, "[^S", "[^"+white)
		return regexp2.MustCompile(strings.NewReplacer(set...).Replace(pattern), regexp2.None)
	}
	both := func(pattern, contraction string, whole bool) pretokenizer {
		return pretokenizer{
			exact:       compile(pattern, "U", `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, "W", `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`, "C", contraction),
			approximate: compile(pattern, "U", `(?:(?=\p{L})[^a-z])`, "W", `(?:(?=\p{L})[^A-Z])`, "C", contraction),
			wholeWords:  whole,
		}
	}
	return map[string]pretokenizer{
		"llama4":    both(cased+`\p{N}{1,3}`+slash, c+"?", false),
		"llama-bpe": both(own+`\p{N}{1,3}`+tail, "", true),
		"qwen2":     both(own+`\p{N}`+tail, "", false),
		"tekken":    both(cased+`\p{N}`+slash, "", true),
	}
}()

func splitBy(re *regexp2.Regexp, text string) []string {
	var words []string
	m, err := re.FindStringMatch(text)
	for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
		words = append(words, m.String())
	}
	if err != nil || strings.Join(words, "") != text {
		panic(fmt.Sprintf("tokencompare: pattern does not cover %q: %v", text, err))
	}
	return words
}

// reference is the plainest tokenizer there is: expressions for words, a search
// of all pairs for every merge.
type reference struct {
	split      *regexp2.Regexp
	wholeWords bool
	ids        map[string]int32 // normal tokens
	ranks      map[[2]string]int
	specials   []int32 // longest text first
	v          *vocabulary
}

func newReference(v *vocabulary, split *regexp2.Regexp, wholeWords bool) *reference {
	r := &reference{split: split, wholeWords: wholeWords, ids: make(map[string]int32), ranks: make(map[[2]string]int), v: v}
	for i, t := range v.Tokens {
		switch v.Types[i] {
		case normal:
			r.ids[t] = int32(i)
		case control, unknown, userDefined:
			r.specials = append(r.specials, int32(i))
		}
	}
	sort.SliceStable(r.specials, func(a, b int) bool { return len(v.Tokens[r.specials[a]]) > len(v.Tokens[r.specials[b]]) })
	for i, m := range v.Merges {
		left, right, _ := strings.Cut(m, " ")
		r.ranks[[2]string{left, right}] = i
	}
	return r
}

func (r *reference) encode(text string, special bool) []int32 {
	type fragment struct {
		text string
		id   int32 // -1: text
	}
	fragments := []fragment{{text, -1}}
	for _, id := range r.specials {
		if r.v.Types[id] != userDefined && !special {
			continue
		}
		var next []fragment
		for _, f := range fragments {
			for f.id < 0 {
				before, after, ok := strings.Cut(f.text, r.v.Tokens[id])
				if !ok {
					break
				}
				next = append(next, fragment{before, -1}, fragment{"", id})
				f.text = after
			}
			next = append(next, f)
		}
		fragments = next
	}
	var ids []int32
	for _, f := range fragments {
		if f.id >= 0 {
			ids = append(ids, f.id)
			continue
		}
		for _, w := range splitBy(r.split, f.text) {
			ids = append(ids, r.word(w)...)
		}
	}
	return ids
}

func (r *reference) word(w string) []int32 {
	parts := spell(w)
	if id, ok := r.ids[strings.Join(parts, "")]; ok && r.wholeWords {
		return []int32{id}
	}
	for {
		best, at := len(r.ranks), -1
		for i := range len(parts) - 1 {
			if rank, ok := r.ranks[[2]string{parts[i], parts[i+1]}]; ok && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			break
		}
		parts = slices.Replace(parts, at, at+2, parts[at]+parts[at+1])
	}
	var ids []int32
	for _, p := range parts {
		id, ok := r.ids[p]
		if !ok {
			panic(fmt.Sprintf("tokencompare: no token %q", p))
		}
		ids = append(ids, id)
	}
	return ids
}

// spell returns the characters that stand for the bytes of a word in GGUF's
// "gpt2" vocabularies.
func spell(w string) []string {
	parts := make([]string, len(w))
	for i := range len(w) {
		parts[i] = byteNames[w[i]]
	}
	return parts
}

var byteNames = func() (names [256]string) {
	hidden := rune(256)
	for b := range 256 {
		r := rune(b)
		if b <= ' ' || b >= 127 && b <= 160 || b == 173 {
			r = hidden
			hidden++
		}
		names[b] = string(r)
	}
	return names
}()
