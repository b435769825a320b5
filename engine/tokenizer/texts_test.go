package tokenizer

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// cutShort is a list that says it has more texts than it gives.
type cutShort struct{ Strings }

func (c cutShort) Len() int { return len(c.Strings) + 1 }

// growing gives more texts than it says.
type growing struct{ Strings }

func (g growing) All() iter.Seq[[]byte] { return append(slices.Clone(g.Strings), "more").All() }

// TestListsOfWrongLength is about lists in a mapped file that another process
// writes to.
func TestListsOfWrongLength(t *testing.T) {
	c := small("qwen2", []string{"a b"})
	for _, test := range []struct {
		name           string
		tokens, merges Texts
		want           string
	}{
		{"tokens", cutShort{c.Tokens}, nil, "vocabulary of 258 tokens ends after 257"},
		{"merges", Strings(c.Tokens), cutShort{c.Merges}, "list of 2 merges ends after 1"},
		{"more tokens", growing{c.Tokens}, nil, "vocabulary of 257 tokens goes on"},
		{"more merges", Strings(c.Tokens), growing{c.Merges}, "list of 1 merges goes on"},
	} {
		c.Config.Tokens, c.Config.Merges, c.Config.Types = test.tokens, test.merges, nil
		if _, err := New(c.Config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", test.name, err, test.want)
		}
	}
	c.Config.Tokens, c.Config.Merges = nil, nil
	if _, err := New(c.Config); err == nil || !strings.Contains(err.Error(), "0 tokens") {
		t.Errorf("no lists: got %v", err)
	}
}

// TestDictionaryLikeMap holds the table to a map filled in the same order, with
// few texts and many, and with texts that are there twice.
func TestDictionaryLikeMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, n := range []int{0, 1, 2, 3, 4, 5, 12, 13, 1000, 5000} {
		list, want := make([]string, n), map[string]int32{}
		for i := range list {
			list[i] = fmt.Sprint(rng.IntN(2*n + 1))
			if i%7 == 3 {
				list[i] = ""
			}
			if i%5 != 2 { // the others are in the list and not in the dictionary
				want[list[i]] = int32(i)
			}
		}
		texts, err := readTexts(Strings(list))
		if err != nil {
			t.Fatal(err)
		}
		d := newDictionary(&texts, n)
		for i := range list {
			if i%5 != 2 {
				d.add(int32(i))
			}
		}
		for i := range 2*n + 2 {
			text := fmt.Sprint(i)
			if i == 2*n+1 {
				text = ""
			}
			id, ok := d.id([]byte(text))
			if w, there := want[text]; ok != there || ok && id != w {
				t.Fatalf("%d texts: %q is %d, %v, want %d, %v", n, text, id, ok, w, there)
			}
		}
	}
}

// TestMergesOfRepeatedTokens has merges whose results look like the guess that a
// reader of merges makes first, and are not what the dictionary finds.
func TestMergesOfRepeatedTokens(t *testing.T) {
	c := small("qwen2", []string{"a b", "ab c"})
	c.Tokens, c.Types = append(c.Tokens, "abc"), append(c.Types, typeNormal)
	tok := open(t, c)
	if got, last := tok.Encode([]string{"abc"}, false), int32(len(c.Tokens)-1); !slices.Equal(got, []int32{last}) {
		t.Errorf("a token that is there twice: got %v, want the later one, %d", got, last)
	}
	c = small("qwen2", []string{"a b", "b c"}, "3 bc")
	for i, text := range c.Tokens {
		if text == "bc" {
			c.Types[i] = typeControl // it follows "ab", so it is the next guess
		}
	}
	if got := names(open(t, c), open(t, c).Encode([]string{"ab bc"}, false)); got != "ab|Ġ|b|c" {
		t.Errorf("a merge makes a control token: got %s", got)
	}
}

// TestManyMergesLikeFew reads more merges than are looked up at a time, in an
// order in which hardly any result is the next token.
func TestManyMergesLikeFew(t *testing.T) {
	c := vocabulary(t, "llama4")
	rng := rand.New(rand.NewPCG(15, 16))
	rng.Shuffle(len(c.Merges), func(i, j int) { c.Merges[i], c.Merges[j] = c.Merges[j], c.Merges[i] })
	c.Merges = append(c.Merges, "q qq", "qq q", "qqq qq") // symbols that are no tokens
	tok := open(t, c)
	id := map[string]int32{}
	for i, text := range c.Tokens {
		if c.Types[i] == typeNormal {
			id[text] = int32(i)
		}
	}
	number := func(text string) int32 {
		if _, ok := id[text]; !ok {
			id[text] = int32(len(c.Tokens)) + int32(len(id))
		}
		return id[text]
	}
	names := map[int32]string{}
	for rank, line := range c.Merges {
		left, right, _ := strings.Cut(line, " ")
		m := tok.merges.list[rank]
		for _, side := range []struct {
			text string
			got  int32
		}{{left, m.left}, {right, m.right}, {left + right, m.result}} {
			if want := number(side.text); want < int32(len(c.Tokens)) && side.got != want {
				t.Fatalf("merge %q: %q is %d, want %d", line, side.text, side.got, want)
			}
			if was, ok := names[side.got]; ok && was != side.text {
				t.Fatalf("merge %q: %q is %d, and so is %q", line, side.text, side.got, was)
			}
			names[side.got] = side.text
		}
		if got := tok.merges.rank(m.left, m.right); got != rank {
			t.Fatalf("merge %q: rank is %d, want %d", line, got, rank)
		}
	}
}

// TestFewPointers holds a tokenizer to what keeps collections of garbage short:
// nothing in it has pointers by the token.
func TestFewPointers(t *testing.T) {
	var walk func(path string, v reflect.Type)
	walk = func(path string, v reflect.Type) {
		switch v.Kind() {
		case reflect.Slice, reflect.Array:
			if pointers(v.Elem()) {
				t.Errorf("%s is %v, whose elements hold pointers", path, v)
			}
		case reflect.Map, reflect.String, reflect.Interface:
			t.Errorf("%s is %v", path, v)
		case reflect.Struct:
			for f := range v.Fields() {
				walk(path+"."+f.Name, f.Type)
			}
		case reflect.Pointer:
			if v.Elem() != reflect.TypeFor[rules]() {
				walk(path, v.Elem())
			}
		}
	}
	walk("tokenizer", reflect.TypeFor[Tokenizer]())
}

// pointers says whether a value of the type holds any.
func pointers(v reflect.Type) bool {
	switch v.Kind() {
	case reflect.Array:
		return pointers(v.Elem())
	case reflect.Struct:
		for f := range v.Fields() {
			if pointers(f.Type) {
				return true
			}
		}
		return false
	}
	return v.Kind() > reflect.Complex128
}
