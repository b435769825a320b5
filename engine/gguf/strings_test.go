package gguf

import (
	"encoding/binary"
	"slices"
	"testing"
)

// TestStringArray holds the strings in place to the copies, and to what happens
// to them when the file is closed or written to.
func TestStringArray(t *testing.T) {
	path := small().Build(t).Write(t.TempDir(), "m.gguf")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	a, ok := f.StringArray("strings")
	want, _ := f.Strings("strings")
	if got := collect(a); !ok || a.Len() != len(want) || !slices.Equal(got, want) {
		t.Errorf("got %q of %d, %v, want %q", got, a.Len(), ok, want)
	}
	for s := range a.All() {
		if string(s) == want[0] {
			break // leaving early is allowed
		}
	}
	for _, key := range []string{"text", "nowhere"} {
		if a, ok := f.StringArray(key); ok || a.Len() != 0 || collect(a) != nil {
			t.Errorf("%s: an array of %d strings, want none", key, a.Len())
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := collect(a); a.Len() != len(want) || got != nil {
		t.Errorf("after Close: %q of %d, want no strings of %d", got, a.Len(), len(want))
	}
}

// TestStringArrayWrittenTo lets lengths lie after the header has been checked,
// as another process can make them.
func TestStringArrayWrittenTo(t *testing.T) {
	img := small().Build(t)
	f, err := Parse("m", img.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := f.StringArray("strings")
	p, e := f.entry("strings")
	for _, n := range []uint64{uint64(e.size), 1 << 63, ^uint64(0)} {
		binary.LittleEndian.PutUint64(p.data[e.off:], n)
		if got := collect(a); got != nil {
			t.Errorf("first length %d: got %q, want nothing", n, got)
		}
		if got, ok := f.Strings("strings"); ok {
			t.Errorf("first length %d: got %q, want none", n, got)
		}
	}
}

func TestStringArrayAllocatesNothing(t *testing.T) {
	f, err := Parse("m", vocabulary(t, 1000).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := f.StringArray("tokenizer.ggml.tokens")
	total := 0
	if n := testing.AllocsPerRun(3, func() {
		for s := range a.All() {
			total += len(s)
		}
	}); n != 0 || total == 0 {
		t.Errorf("walking over %d strings of %d bytes makes %g allocations, want none", a.Len(), total, n)
	}
}

func collect(a StringArray) (list []string) {
	for s := range a.All() {
		list = append(list, string(s))
	}
	return list
}
