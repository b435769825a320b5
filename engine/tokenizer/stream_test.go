package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// beginnings holds every proper beginning of a character's bytes.
var beginnings = func() map[string]bool {
	set := make(map[string]bool)
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if s := string(r); utf8.ValidRune(r) {
			for n := 1; n < len(s); n++ {
				set[s[:n]] = true
			}
		}
	}
	return set
}()

// repaired is the definition of a stream's text: whole characters stay, and of
// the rest each longest beginning of a character, or else each byte, is U+FFFD.
func repaired(b string) string {
	var s strings.Builder
	for len(b) > 0 {
		if r, size := utf8.DecodeRuneInString(b); r != utf8.RuneError || size == 3 {
			s.WriteRune(r)
			b = b[size:]
			continue
		}
		n := 1
		for n < len(b) && beginnings[b[:n+1]] {
			n++
		}
		s.WriteRune(utf8.RuneError)
		b = b[n:]
	}
	return s.String()
}

func TestStream(t *testing.T) {
	for _, test := range []struct {
		pushes []string
		want   string // texts of the pushes and of the end, separated by a bar
	}{
		{[]string{"a", "é"}, "a|é|"},
		{[]string{"\xc3", "\xa9"}, "|é|"},
		{[]string{"x\xe2\x82", "\xacy"}, "x|€y|"},
		{[]string{"\xf0", "\x9f", "\x98", "\x80"}, "|||😀|"},
		{[]string{"\xf0\x9f\x98"}, "|\ufffd"},
		{[]string{"\xe2\x82", "x"}, "|\ufffdx|"},
		{[]string{"\xe2", "\xe2\x82\xac"}, "|\ufffd€|"},
		{[]string{"\x80\xff"}, "\ufffd\ufffd|"},
		{[]string{"\xc0", "\x80"}, "\ufffd|\ufffd|"},           // over-long
		{[]string{"\xed\xa0", "\x80"}, "\ufffd\ufffd|\ufffd|"}, // surrogate
		{[]string{"\xf4\x90"}, "\ufffd\ufffd|"},                // above U+10FFFF
		{[]string{"\ufffd", ""}, "\ufffd||"},
	} {
		var s Stream
		var got []string
		for _, p := range test.pushes {
			got = append(got, s.Push([]byte(p)))
		}
		got = append(got, s.Flush())
		if strings.Join(got, "|") != test.want {
			t.Errorf("%q: got %q, want %q", test.pushes, strings.Join(got, "|"), test.want)
		}
		if again := s.Push([]byte("a")) + s.Flush(); again != "a" {
			t.Errorf("%q: after Flush, got %q, want a", test.pushes, again)
		}
	}
}

// TestStreamSplits checks every way to cut short texts, and random ways for
// longer ones.
func TestStreamSplits(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	pieces := []string{"a", "é", "€", "😀", "\ufffd", "\x80", "\xbf", "\xc3", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f", "\xf0\x9f\x98", "\xc0", "\xe0\x80", "\xed\xa0", "\xf4\x90", "\xf5", "\xff"}
	for i := range 600 {
		var b strings.Builder
		for range 1 + rng.IntN(4) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		text := b.String()
		if i%2 == 0 && len(text) <= 10 {
			for cuts := range 1 << (len(text) - 1) {
				checkStream(t, text, func(i int) bool { return cuts>>(i-1)&1 == 1 })
			}
			continue
		}
		checkStream(t, strings.Repeat(text, 3), func(int) bool { return rng.IntN(3) == 0 })
	}
}

// checkStream pushes text cut before the bytes that cut names.
func checkStream(t *testing.T, text string, cut func(int) bool) {
	t.Helper()
	var s Stream
	var got strings.Builder
	start := 0
	for i := 1; i <= len(text); i++ {
		if i < len(text) && !cut(i) {
			continue
		}
		out := s.Push([]byte(text[start:i]))
		if !utf8.ValidString(out) {
			t.Fatalf("%q: Push gives %q", text, out)
		}
		got.WriteString(out)
		if s.nHeld > 0 && !beginnings[string(s.held[:s.nHeld])] {
			t.Fatalf("%q: held back %q, which is no beginning of a character", text, s.held[:s.nHeld])
		}
		start = i
	}
	got.WriteString(s.Flush())
	if want := repaired(text); got.String() != want {
		t.Fatalf("%q: got %q, want %q", text, got.String(), want)
	}
	if utf8.ValidString(text) && got.String() != text {
		t.Fatalf("%q: got %q", text, got.String())
	}
}
