package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// small is a vocabulary of the 256 bytes, of what merges make and of others.
// A token of others is given with its type: "3 <|eot|>".
func small(pre string, merges []string, others ...string) config {
	c := none(config{Config: Config{Model: "gpt2", Pre: pre}, Merges: merges})
	known := make(map[string]bool)
	add := func(text string, kind int32) {
		if !known[text] {
			known[text] = true
			c.Tokens, c.Types = append(c.Tokens, text), append(c.Types, kind)
		}
	}
	for _, s := range alphabet {
		add(s, typeNormal)
	}
	for _, m := range merges {
		add(strings.ReplaceAll(m, " ", ""), typeNormal)
	}
	for _, o := range others {
		add(o[2:], int32(o[0]-'0'))
	}
	return c
}

// names spells ids for messages, tokens separated by a bar.
func names(t *Tokenizer, ids []int32) string {
	var list []string
	for _, id := range ids {
		list = append(list, string(t.tokens.at(id)))
	}
	return strings.Join(list, "|")
}

func TestEncodeParts(t *testing.T) {
	tok := open(t, small("llama4", []string{"h e", "l l", "he ll", "hell o", "Ġ hello", "1 2", "12 3"},
		"3 <|eot|>", "3 <|eom|>", "4 <tool>", "2 <unk>", "5 [PAD]", "4 ab=>", "4 =>>>>", "4 ab"))
	for _, test := range []struct {
		parts   []string
		special bool
		want    string
	}{
		{[]string{"hello hello"}, true, "hello|Ġhello"},
		{[]string{"hel", "lo h", "", "ello"}, true, "hello|Ġhello"}, // joined before words are cut
		{[]string{"12", "3", "123"}, true, "123|123"},
		{[]string{"hello<|eot|>hello"}, true, "hello|<|eot|>|hello"},
		{[]string{"hello<|eot|>hello"}, false, "hello|<|||e|o|t|||>|hello"},
		{[]string{"<|e", "ot|>"}, true, "<|||e|o|t|||>"}, // never across a boundary
		{[]string{"<|eot|>", "<|eom|>"}, true, "<|eot|>|<|eom|>"},
		{[]string{"he", "llo<|eot|>", " he", "llo"}, true, "hello|<|eot|>|Ġhello"},
		{[]string{"a<tool>b"}, false, "a|<tool>|b"}, // user-defined: always
		{[]string{"a<to", "ol>b"}, false, "a|<|t|o|o|l|>|b"},
		{[]string{"<unk>[PAD]"}, true, "<unk>|[|P|A|D|]"},
		{[]string{"<unk>"}, false, "<|u|n|k|>"},
		{[]string{"xab=>>>>"}, false, "x|ab|=>>>>"}, // the longest first
		{[]string{"xab=>>>"}, false, "x|ab=>|>|>"},
		{[]string{"abab=>ab"}, false, "ab|ab=>|ab"},
		{[]string{""}, true, ""},
		{nil, true, ""},
	} {
		if got := names(tok, tok.Encode(test.parts, test.special)); got != test.want {
			t.Errorf("%q, special %v: got %s, want %s", test.parts, test.special, got, test.want)
		}
	}
}

func TestEncodeWholeWords(t *testing.T) {
	for pre, want := range map[string]string{"llama4": "cat", "llama-bpe": "cat", "tekken": "cat", "pixtral": "cat", "qwen2": "c|at"} {
		tok := open(t, small(pre, []string{"a t"}, "1 cat", "1 ca"))
		if got := names(tok, tok.Encode([]string{"cat"}, false)); got != want {
			t.Errorf("%s: got %s, want %s", pre, got, want)
		}
	}
}

// A merge may make a text that is no token; then its bytes are.
func TestEncodeMergeWithoutToken(t *testing.T) {
	c := small("qwen2", []string{"a b", "ab c", "d e", "abc de", "abcde f"})
	for i, text := range c.Tokens {
		switch text {
		case "abc":
			c.Types[i] = typeControl // plain text must not become it
		case "abcde":
			c.Tokens[i] = "other"
		}
	}
	tok := open(t, c)
	for text, want := range map[string]string{"ab": "ab", "abc": "a|b|c", "abcde": "a|b|c|d|e", "abcdef": "abcdef", "xdeab": "x|de|ab"} {
		if got := names(tok, tok.Encode([]string{text}, false)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// TestMergesLikeDefinition compares the heap with a search of all pairs for
// every merge, on random tables of merges over three letters.
func TestMergesLikeDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		symbols := []string{"a", "b", "c"}
		var merges []string
		for range 1 + rng.IntN(30) {
			l, r := symbols[rng.IntN(len(symbols))], symbols[rng.IntN(len(symbols))]
			merges = append(merges, l+" "+r)
			symbols = append(symbols, l+r)
		}
		tok := open(t, small("qwen2", merges))
		for range 20 {
			word := make([]byte, 1+rng.IntN(40))
			for i := range word {
				word[i] = "abc"[rng.IntN(3)]
			}
			got := names(tok, tok.Encode([]string{string(word)}, false))
			if want := strings.Join(mergeAll(string(word), merges), "|"); got != want {
				t.Fatalf("merges %q, word %q: got %s, want %s", merges, word, got, want)
			}
		}
	}
}

func mergeAll(word string, merges []string) []string {
	parts := strings.Split(word, "")
	for {
		best, at := len(merges), -1
		for i := range len(parts) - 1 {
			if rank := slices.Index(merges, parts[i]+" "+parts[i+1]); rank >= 0 && rank < best {
				best, at = rank, i
			}
		}
		if at < 0 {
			return parts
		}
		parts = slices.Replace(parts, at, at+2, parts[at]+parts[at+1])
	}
}

// TestEncodeLongWord has a word that an algorithm of n^2 steps would not end.
func TestEncodeLongWord(t *testing.T) {
	var merges []string
	for n := 1; n < 1024; n *= 2 {
		merges = append(merges, strings.Repeat("a", n)+" "+strings.Repeat("a", n))
	}
	tok := open(t, small("llama4", merges))
	const n = 1 << 20
	got := tok.Encode([]string{strings.Repeat("a", n+3)}, false)
	if len(got) != n/1024+2 {
		t.Fatalf("got %d tokens, want %d", len(got), n/1024+2)
	}
	if tail := names(tok, got[n/1024:]); tail != "aa|a" {
		t.Errorf("the last tokens are %s, want aa|a", tail)
	}
	upper := tok.Encode([]string{strings.Repeat("中A", n/16) + strings.Repeat("A", n)}, false)
	if len(upper) != n/16*4+n {
		t.Errorf("got %d tokens, want %d", len(upper), n/16*4+n)
	}
}

// TestEncodeSplitAnywhere checks that parts change nothing where no special
// token is cut.
func TestEncodeSplitAnywhere(t *testing.T) {
	tok := open(t, vocabulary(t, "llama4"))
	rng := rand.New(rand.NewPCG(7, 8))
	for _, line := range corpus(t) {
		if strings.Contains(line, "=>") || strings.Contains(line, "<tool_call>") {
			continue // user-defined tokens
		}
		var parts []string
		for rest := line; rest != ""; {
			n := 1 + rng.IntN(min(len(rest), 9))
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		if got, want := tok.Encode(parts, false), tok.Encode([]string{line}, false); !slices.Equal(got, want) {
			t.Fatalf("%q: got %v, whole %v", parts, got, want)
		}
	}
}

func TestEncodeInvalid(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	toks := map[string]*Tokenizer{}
	for _, name := range synthetic {
		toks[name] = open(t, vocabulary(t, name))
	}
	const bytes = "\xff\xc3\x28\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\x80 aA'\n\x80\x00"
	for range 2000 {
		b := make([]byte, rng.IntN(20))
		for i := range b {
			b[i] = bytes[rng.IntN(len(bytes))]
		}
		for _, tok := range toks {
			ids := tok.Encode([]string{string(b)}, true)
			if !slices.Equal(ids, tok.Encode([]string{string(b)}, true)) {
				t.Fatalf("%q: different ids the second time", b)
			}
			checkPlain(t, tok, string(b), ids)
		}
	}
}

// TestEncodeConcurrently is for the race detector.
func TestEncodeConcurrently(t *testing.T) {
	tok := open(t, vocabulary(t, "llama4"))
	lines := corpus(t)[:200]
	var want [][]int32
	for _, l := range lines {
		want = append(want, tok.Encode([]string{l}, true))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, l := range lines {
				if got := tok.Encode([]string{l}, true); !slices.Equal(got, want[i]) {
					t.Errorf("%q: got %v, want %v", l, got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

// TestMatcherLikeDefinition compares the search for special tokens with its
// definition: each text, longest first, cut out of what is left.
func TestMatcherLikeDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	random := func(n int) string {
		b := make([]byte, 1+rng.IntN(n))
		for i := range b {
			b[i] = "ab<"[rng.IntN(3)]
		}
		return string(b)
	}
	for range 2000 {
		var list []string
		seen := map[string]bool{}
		for range 1 + rng.IntN(8) {
			if text := random(5); !seen[text] {
				seen[text] = true
				list = append(list, text)
			}
		}
		m := newMatcher(t, list)
		text := random(30)
		var got []string
		at := 0
		for _, f := range m.find(text) {
			got = append(got, text[at:f.start], fmt.Sprintf("%d", f.id))
			at = f.end
		}
		got = append(got, text[at:])
		if want := cutAll(text, list); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Fatalf("%q in %q: got %q, want %q", list, text, got, want)
		}
	}
}

func newMatcher(tb testing.TB, list []string) *matcher {
	tb.Helper()
	texts, err := readTexts(Strings(list))
	if err != nil {
		tb.Fatal(err)
	}
	m := matcher{texts: &texts}
	for i := range list {
		m.add(int32(i))
	}
	m.sort()
	return &m
}

// cutAll returns plain texts and the ids between them in turn.
func cutAll(text string, list []string) []string {
	// The leftmost of the longest that occur.
	best, at := -1, 0
	for i, s := range list {
		k := strings.Index(text, s)
		if k >= 0 && (best < 0 || len(s) > len(list[best]) || len(s) == len(list[best]) && k < at) {
			best, at = i, k
		}
	}
	if best < 0 {
		return []string{text}
	}
	s := list[best]
	cut := append(cutAll(text[:at], list), fmt.Sprintf("%d", best))
	return append(cut, cutAll(text[at+len(s):], list)...)
}
