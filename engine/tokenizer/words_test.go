package tokenizer

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"
)

// patterns are the pre-tokenizers as regular expressions for a backtracking
// matcher, which knows nothing of the scanners. \s is spelled out: matchers
// differ about it.
var patterns = func() map[string]*regexp2.Regexp {
	const (
		p     = `[^\r\n\p{L}\p{N}]?`
		u     = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
		w     = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
		c     = `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`
		cased = p + u + `*` + w + `+C|` + p + u + `+` + w + `*C|`
		own   = c + `|` + p + `\p{L}+|`
		white = `\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`
		tail  = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	)
	slash := strings.Replace(tail, `[\r\n]*`, `[\r\n/]*`, 1)
	compiled := make(map[string]*regexp2.Regexp)
	for pre, pattern := range map[string]string{
		"llama4": strings.ReplaceAll(cased, "C", c+"?") + `\p{N}{1,3}` + slash,
		"llama3": own + `\p{N}{1,3}` + tail,
		"qwen2":  own + `\p{N}` + tail,
		"tekken": strings.ReplaceAll(cased, "C", "") + `\p{N}` + slash,
	} {
		// [^\s...] must come before a lone \s is bracketed.
		pattern = strings.ReplaceAll(pattern, `[^\s`, `[^`+white)
		pattern = strings.ReplaceAll(pattern, `\s`, `[`+white+`]`)
		pattern = strings.ReplaceAll(pattern, `\S`, `[^`+white+`]`)
		compiled[pre] = regexp2.MustCompile(pattern, regexp2.None)
	}
	return compiled
}()

func splitByPattern(t *testing.T, pre, text string) []string {
	t.Helper()
	var list []string
	m, err := patterns[pre].FindStringMatch(text)
	for ; m != nil && err == nil; m, err = patterns[pre].FindNextMatch(m) {
		list = append(list, m.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(list, "") != text {
		t.Fatalf("%s: the pattern does not cover %q: %q", pre, text, list)
	}
	return list
}

func split(pre, text string) []string {
	var list []string
	w := words{rules: preTokenizers[pre], text: []byte(text), class: classify(nil, []byte(text))}
	for i := 0; i < len(text); {
		end := w.next(i)
		list = append(list, text[i:end])
		i = end
	}
	return list
}

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		pre, text string
		want      []string
	}{
		{"llama4", "It's camelCase HTTPServer", []string{"It's", " camel", "Case", " HTTPServer"}},
		{"llama4", "WE'LL we'Ve 'tis", []string{"WE'LL", " we'Ve", " '", "tis"}},
		{"llama4", "12345 a1b", []string{"123", "45", " a", "1", "b"}},
		{"llama4", "://x//\n/y", []string{"://", "x", "//\n/", "y"}},
		{"llama4", "a  \n\n  b", []string{"a", "  \n\n", " ", " b"}},
		{"llama4", "éÉcoleÉtat", []string{"é", "École", "État"}},
		{"llama4", "e\u0301E\u0301x", []string{"e\u0301", "E\u0301x"}},
		{"llama4", "हिन्दी है", []string{"हिन्दी", " है"}},
		{"llama3", "It's WE'LL", []string{"It", "'s", " WE", "'LL"}},
		{"llama3", "हिन्दी", []string{"ह", "िन", "्द", "ी"}},
		{"llama3", "1234\n5", []string{"123", "4", "\n", "5"}},
		{"llama3", "!!\r\n/x", []string{"!!\r\n", "/x"}},
		{"qwen2", "123", []string{"1", "2", "3"}},
		{"qwen2", "\u3000\u3000x", []string{"\u3000", "\u3000x"}},
		{"tekken", "it's IT'S 42", []string{"it", "'s", " IT", "'S", " ", "4", "2"}},
		{"tekken", "x  ", []string{"x", "  "}},
	} {
		if got := split(test.pre, test.text); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q: got %q, want %q", test.pre, test.text, got, test.want)
		}
		if want := splitByPattern(t, test.pre, test.text); !slices.Equal(test.want, want) {
			t.Errorf("%s: %q: the pattern gives %q, the table %q", test.pre, test.text, want, test.want)
		}
	}
}

// TestSplitLikePatterns compares the scanners with the regular expressions on
// random strings of characters that have given trouble. SCOUT_SPLIT_STRINGS
// sets how many for each pre-tokenizer.
func TestSplitLikePatterns(t *testing.T) {
	n := 3000
	if s := os.Getenv("SCOUT_SPLIT_STRINGS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	// Lower, upper, title case, modifier, other letter, marks (Mn, Mc, Me),
	// digits (Nd, Nl, No), every kind of space, symbols, outside the BMP,
	// not assigned, zero-width joiner.
	alphabet := []rune("aszdmtrevlSTREVLMDéÉßſKKZǅǲʰªաԱЖжΣςⅣⅷ中ひ한\u0301\u0903\u093f\u20dd\u0e31กहन" +
		"0159٣४½²₃ \t\n\r\v\f\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u200b\u200d\ufeff\ufffd" +
		"''''’/-_.!<|>#\\\"€😀👩🏽\U00010400\U00010428\U0001d7d8\U0001d400\U000e0001\U0002a700\u0378\ue000\x00\x7f")
	for pre := range patterns {
		t.Run(pre, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, 2))
			for range n {
				var s strings.Builder
				// A few characters a string, so that each meets the others often.
				few := make([]rune, 1+rng.IntN(6))
				for i := range few {
					few[i] = alphabet[rng.IntN(len(alphabet))]
				}
				for range 1 + rng.IntN(24) {
					if rng.IntN(4) > 0 {
						s.WriteRune(few[rng.IntN(len(few))])
					} else {
						s.WriteRune(alphabet[rng.IntN(len(alphabet))])
					}
				}
				if got, want := split(pre, s.String()), splitByPattern(t, pre, s.String()); !slices.Equal(got, want) {
					t.Fatalf("%+q:\ngot  %+q\nwant %+q", s.String(), got, want)
				}
			}
		})
	}
}

func TestSplitInvalid(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"a\xffb", []string{"a", "\xffb"}},
		{"\xff\xfe", []string{"\xff\xfe"}},
		{"é\xc3", []string{"é", "\xc3"}},
		{"\xe4\xb8x", []string{"\xe4\xb8", "x"}}, // two symbols, not one character
		{" \x80\n", []string{" \x80\n"}},
	} {
		for pre := range patterns {
			if got := split(pre, test.text); !slices.Equal(got, test.want) {
				t.Errorf("%s: %q: got %q, want %q", pre, test.text, got, test.want)
			}
		}
	}
}
