package tokenizer

import (
	"maps"
	"slices"
)

// modelBPE is the tokenizer.ggml.model of byte-level BPE.
const modelBPE = "gpt2"

// rules says how one family of vocabularies cuts text into words, and what
// goes with that. The patterns are those of the families' tokenizer.json
// files; \s is Unicode's White_Space throughout.
type rules struct {
	// cased splits words at a change from lower to upper case, as the pattern of
	// OpenAI's o200k does. With P=[^\r\n\p{L}\p{N}], U=[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
	// and W=[\p{Ll}\p{Lm}\p{Lo}\p{M}]:
	//	P?U*W+ | P?U+W*
	// Otherwise a word is
	//	P?\p{L}+
	cased bool
	// contractions says where 's 't 're 've 'm 'll 'd, in either case of ASCII,
	// are kept together.
	contractions contractions
	digits       int  // at most so many \p{N} are one word
	slash        bool // symbols take following slashes along: [\r\n/]* instead of [\r\n]*

	// wholeWords looks a word up in the vocabulary before it tries merges
	// (ignore_merges of tokenizer.json).
	wholeWords bool
	addBOS     bool   // where the file does not say
	bos        string // the text of BOS, where the file gives no id
}

type contractions uint8

const (
	noContractions contractions = iota
	suffixes                    // at the end of a word: it's
	ownWords                    // before all else, as words: it, 's
)

// The four pre-tokenizers. All end alike:
//
//	\p{N}{1,digits} |  ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// wholeWords is true for O200K as in Meta's own code; llama.cpp leaves it out,
// which matters only for tokens that no sequence of merges reaches.
var (
	o200k = rules{cased: true, contractions: suffixes, digits: 3, slash: true,
		wholeWords: true, addBOS: true, bos: "<|begin_of_text|>"}
	llama3 = rules{contractions: ownWords, digits: 3,
		wholeWords: true, addBOS: true, bos: "<|begin_of_text|>"}
	qwen2  = rules{contractions: ownWords, digits: 1}
	tekken = rules{cased: true, digits: 1, slash: true,
		wholeWords: true, addBOS: true, bos: "<s>"}
)

// preTokenizers are the values of tokenizer.ggml.pre that this package knows.
var preTokenizers = map[string]*rules{
	"llama4": &o200k, "gpt-4o": &o200k,
	"llama-bpe": &llama3, "llama3": &llama3, "llama-v3": &llama3, "pixtral": &llama3,
	"qwen2":  &qwen2,
	"tekken": &tekken,
}

func rulesOf(pre string) (*rules, error) {
	r, ok := preTokenizers[pre]
	if !ok {
		return nil, &UnsupportedError{Key: "tokenizer.ggml.pre", Got: pre, Want: slices.Sorted(maps.Keys(preTokenizers))}
	}
	return r, nil
}
