package tokenizer

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzEncode checks, for every pre-tokenizer, that decoding gives the text back,
// that plain text makes no control token, that the ids with special tokens
// allowed stand for the same text, and that the words are the pattern's.
func FuzzEncode(f *testing.F) {
	for i, line := range corpus(f) {
		if i%40 == 0 {
			f.Add(line)
		}
	}
	toks := make(map[string]*Tokenizer)
	for _, name := range synthetic {
		toks[name] = open(f, vocabulary(f, name))
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, tok := range toks {
			checkPlain(t, tok, s, tok.Encode([]string{s}, false))
			if got := text(tok, tok.Encode([]string{s}, true), true); got != s {
				t.Errorf("%s: with special tokens: got %q, want %q", name, got, s)
			}
			if utf8.ValidString(s) && len(s) < 1000 {
				if got, want := split(name, s), splitByPattern(t, name, s); !slices.Equal(got, want) {
					t.Errorf("%s: words of %+q: got %+q, want %+q", name, s, got, want)
				}
			}
		}
	})
}

// FuzzStream checks that the text is the same however the bytes are cut.
func FuzzStream(f *testing.F) {
	for _, s := range []string{"", "aé€😀", "\xe2\x82", "\xf0\x9f\x98\x80\xf0\x9f", "\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", "\ufffd\xef\xbf"} {
		f.Add([]byte(s), uint64(0x5555))
		f.Add([]byte(s), uint64(0xffff))
	}
	f.Fuzz(func(t *testing.T, b []byte, cuts uint64) {
		checkStream(t, string(b), func(i int) bool { return cuts>>(i%64)&1 == 1 })
	})
}
