package main

import "strings"

// vocabulary is what a GGUF file holds of one.
type vocabulary struct {
	Name, Pre string
	Tokens    []string
	Types     []int32
	Merges    []string
	BOS, EOS  int32 // -1: none
}

// Token types of GGUF.
const (
	normal, unknown, control, userDefined, unused = 1, 2, 3, 4, 5
)

// train makes a vocabulary of nMerges merges from texts, cut into words by the
// true form of a pre-tokenizer, and of special tokens, put where the family
// has them. As many words as nWhole are tokens without a merge to
// reach them: they tell whether whole words are looked up first.
func train(name, pre string, texts []string, nMerges, nWhole int, specials []specialToken, specialsFirst bool) *vocabulary {
	v := &vocabulary{Name: name, Pre: pre, BOS: -1, EOS: -1}
	if specialsFirst {
		v.addSpecials(specials)
	}
	for _, n := range byteNames {
		v.add(n, normal)
	}
	counts := make(map[string]int)
	for _, t := range texts {
		for _, w := range splitBy(pretokenizers[pre].exact, t) {
			counts[w]++
		}
	}
	t := newTrainer(counts)
	known := make(map[string]bool)
	for len(v.Merges) < nMerges {
		p, ok := t.best()
		if !ok {
			break
		}
		t.apply(p)
		v.Merges = append(v.Merges, p[0]+" "+p[1])
		if text := p[0] + p[1]; !known[text] {
			known[text] = true
			v.add(text, normal)
		}
	}
	for _, w := range t.words {
		if text := strings.Join(w.parts, ""); len(w.parts) > 2 && nWhole > 0 && !known[text] {
			known[text] = true
			v.add(text, normal)
			nWhole--
		}
	}
	if !specialsFirst {
		v.addSpecials(specials)
	}
	return v
}

func (v *vocabulary) add(text string, kind int32) {
	v.Tokens = append(v.Tokens, text)
	v.Types = append(v.Types, kind)
}

func (v *vocabulary) addSpecials(list []specialToken) {
	for _, s := range list {
		switch s.role {
		case 'b':
			v.BOS = int32(len(v.Tokens))
		case 'e':
			v.EOS = int32(len(v.Tokens))
		}
		v.add(s.text, s.kind)
	}
}

type pair [2]string

// trainer counts neighbouring symbols over all words and keeps the counts up to
// date merge by merge.
type trainer struct {
	words  []*trainWord
	counts map[pair]int
	where  map[pair]map[int]bool // words that may hold the pair
}

type trainWord struct {
	parts []string
	n     int
}

func newTrainer(counts map[string]int) *trainer {
	t := &trainer{counts: make(map[pair]int), where: make(map[pair]map[int]bool)}
	for _, w := range sortedKeys(counts) {
		t.words = append(t.words, &trainWord{spell(w), counts[w]})
	}
	for i := range t.words {
		t.count(i, 1)
	}
	return t
}

// count adds the pairs of a word, or with sign -1 takes them away.
func (t *trainer) count(i, sign int) {
	w := t.words[i]
	for k := range len(w.parts) - 1 {
		p := pair{w.parts[k], w.parts[k+1]}
		t.counts[p] += sign * w.n
		if t.where[p] == nil {
			t.where[p] = make(map[int]bool)
		}
		t.where[p][i] = true
	}
}

// best returns the most frequent pair, the first in order of equals.
func (t *trainer) best() (best pair, ok bool) {
	most := 0
	for p, n := range t.counts {
		if n > most || n == most && n > 0 && (p[0] < best[0] || p[0] == best[0] && p[1] < best[1]) {
			best, most = p, n
		}
	}
	return best, most > 0
}

func (t *trainer) apply(p pair) {
	for i := range t.where[p] {
		t.count(i, -1)
		w := t.words[i]
		var parts []string
		for k := 0; k < len(w.parts); k++ {
			if k+1 < len(w.parts) && w.parts[k] == p[0] && w.parts[k+1] == p[1] {
				parts = append(parts, p[0]+p[1])
				k++
				continue
			}
			parts = append(parts, w.parts[k])
		}
		w.parts = parts
		t.count(i, 1)
	}
	delete(t.counts, p)
	delete(t.where, p)
}
