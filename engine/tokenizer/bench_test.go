package tokenizer

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// large makes a vocabulary of the size of Llama 4's: 202,048 tokens, 2,048 of
// them special, and about 440,000 merges, every way to make a token of two.
func large() config {
	c := none(config{Config: Config{Model: "gpt2", Pre: "llama4"}})
	rng := rand.New(rand.NewPCG(1, 2))
	known := make(map[string]bool)
	add := func(text string) {
		known[text] = true
		c.Tokens, c.Types = append(c.Tokens, text), append(c.Types, typeNormal)
	}
	for _, s := range alphabet {
		add(s)
	}
	letters := strings.Split("Ġetaoin", "")
	for len(c.Tokens) < 200000 {
		l, r := letters[rng.IntN(len(letters))], letters[rng.IntN(len(letters))]
		if rng.IntN(5) > 0 {
			l = c.Tokens[rng.IntN(len(c.Tokens))]
		}
		if rng.IntN(5) == 0 {
			r = c.Tokens[rng.IntN(len(c.Tokens))]
		}
		if text := l + r; len(text) <= 24 && !known[text] {
			add(text)
			for i := range text {
				if i > 0 && known[text[:i]] && known[text[i:]] {
					c.Merges = append(c.Merges, text[:i]+" "+text[i:])
				}
			}
		}
	}
	for i := range 2048 {
		c.Tokens, c.Types = append(c.Tokens, fmt.Sprintf("<|reserved_special_token_%d|>", i)), append(c.Types, typeControl)
	}
	return c
}

func BenchmarkNew(b *testing.B) {
	c := large()
	b.ReportAllocs()
	for b.Loop() {
		open(b, c)
	}
}

// BenchmarkEncode reads one text of many lines, or one word.
func BenchmarkEncode(b *testing.B) {
	prose := strings.Repeat(strings.Join(corpus(b)[:20], " "), 80)
	for _, bm := range []struct {
		name, text string
		special    bool
	}{
		{"prose", prose, false},
		{"prose, special", prose, true},
		{"corpus", strings.Join(corpus(b), "\n"), true},
		{"one word of 100 kB", strings.Repeat("the", 1<<15), false},
		{"one word of 1 MB", strings.Repeat("the", 350000), false},
		{"half special tokens", strings.Repeat("<|reserved_special_token_", 1<<12), true},
	} {
		for _, pre := range []string{"llama4", "qwen2"} {
			b.Run(bm.name+"/"+pre, func(b *testing.B) {
				tok := open(b, vocabulary(b, pre))
				parts := []string{bm.text}
				b.SetBytes(int64(len(bm.text)))
				b.ReportAllocs()
				for b.Loop() {
					tok.Encode(parts, bm.special)
				}
			})
		}
	}
}
