package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"scout/engine/gguf"
	"scout/engine/tokenizer"
)

func readVocabulary(name, path string) (*vocabulary, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	v := &vocabulary{Name: name, BOS: -1, EOS: -1}
	v.Pre, _ = f.String("tokenizer.ggml.pre")
	v.Tokens, _ = f.Strings("tokenizer.ggml.tokens")
	v.Merges, _ = f.Strings("tokenizer.ggml.merges")
	types, _ := f.Ints("tokenizer.ggml.token_type")
	for _, t := range types {
		v.Types = append(v.Types, int32(t))
	}
	for key, id := range map[string]*int32{"bos": &v.BOS, "eos": &v.EOS} {
		if n, ok := f.Uint("tokenizer.ggml." + key + "_token_id"); ok {
			*id = int32(n)
		}
	}
	return v, nil
}

// difference is one text of which scout's ids are not llama.cpp's.
type difference struct {
	line int // of the corpus, from 0
	kind string
}

// compare compares all lines on one vocabulary and prints the count. It fails
// where a difference is not explained: scout's ids must be those of the true
// expression, and llama.cpp's those of its approximation.
func compare(v *vocabulary, path string, p peer, lines []string, testdata string, update bool) error {
	ours, err := tokenizer.New(tokenizer.Config{Model: "gpt2", Pre: v.Pre, Tokens: tokenizer.Strings(v.Tokens), Types: v.Types, Merges: tokenizer.Strings(v.Merges),
		BOS: v.BOS, EOS: v.EOS, EOT: -1, EOM: -1, Pad: -1})
	if err != nil {
		return err
	}
	theirs, err := p.encode(path, lines)
	if err != nil {
		return err
	}
	pre := pretokenizers[v.Pre]
	exact := newReference(v, pre.exact, pre.wholeWords)
	approximate := newReference(v, pre.approximate, pre.wholeWords)
	var differ []difference
	kinds := make(map[string]int)
	wrong, nTokens := 0, 0
	for i, line := range lines {
		equal := true
		for mode, special := range []bool{false, true} {
			a, b := ours.Encode([]string{line}, special), theirs[i][mode]
			nTokens += len(a)
			if want := exact.encode(line, special); !slices.Equal(a, want) {
				wrong++
				fmt.Printf("%s: special=%v %q: scout %v, true expression %v\n", v.Name, special, line, a, want)
			}
			if want := approximate.encode(line, special); !slices.Equal(b, want) {
				wrong++
				fmt.Printf("%s: special=%v %q: llama.cpp %v, its expression %v\n", v.Name, special, line, b, want)
			}
			equal = equal && slices.Equal(a, b)
		}
		if !equal {
			d := difference{i, kind(pre, line)}
			kinds[d.kind]++
			differ = append(differ, d)
		}
	}
	fmt.Printf("%-10s %d tokens, %d merges; %d lines, %d ids in both modes; equal to llama.cpp: %d, different: %d %v; not explained: %d\n",
		v.Name, len(v.Tokens), len(v.Merges), len(lines), nTokens, len(lines)-len(differ), len(differ), kinds, wrong)
	if wrong > 0 {
		return fmt.Errorf("%s: %d results are not explained", v.Name, wrong)
	}
	if !update {
		return nil
	}
	if err := writeIDs(filepath.Join(testdata, v.Name+".ids.gz"), theirs); err != nil {
		return err
	}
	return writeDifferences(filepath.Join(testdata, v.Name+".differ.txt"), differ)
}

// kind says what the words on which the two forms of an expression disagree
// have: combining marks, or letters outside ASCII with case.
func kind(pre pretokenizer, line string) string {
	edges := func(words []string) map[int]bool {
		at, set := 0, make(map[int]bool)
		for _, w := range words {
			at += len(w)
			set[at] = true
		}
		return set
	}
	exact, approximate := edges(splitBy(pre.exact, line)), edges(splitBy(pre.approximate, line))
	marks, cased := false, false
	from, same := 0, true
	for i := 1; i <= len(line); i++ {
		same = same && exact[i] == approximate[i]
		if !exact[i] || !approximate[i] {
			continue
		}
		if !same {
			for _, r := range line[from:i] {
				marks = marks || unicode.Is(unicode.M, r)
				cased = cased || r > unicode.MaxASCII && unicode.In(r, unicode.Lu, unicode.Lt, unicode.Ll)
			}
		}
		from, same = i, true
	}
	switch {
	case marks && cased:
		return "marks+case"
	case marks:
		return "marks"
	case cased:
		return "case"
	}
	return "other"
}

// writeIDs writes for each line of the corpus two lines of ids, without and
// with special tokens; "=" stands for the same again.
func writeIDs(path string, ids [][2][]int32) error {
	return writeCompressed(path, func(w *bufio.Writer) error {
		for _, both := range ids {
			fmt.Fprintln(w, strings.Trim(fmt.Sprint(both[0]), "[]"))
			if slices.Equal(both[0], both[1]) {
				fmt.Fprintln(w, "=")
				continue
			}
			fmt.Fprintln(w, strings.Trim(fmt.Sprint(both[1]), "[]"))
		}
		return nil
	})
}

// writeDifferences lists the lines on which scout and llama.cpp differ: number
// and kind.
func writeDifferences(path string, differ []difference) error {
	var s strings.Builder
	fmt.Fprintln(&s, generated)
	fmt.Fprintln(&s, "// Lines of the corpus, from 0, whose ids are not llama.cpp's, which takes letters outside ASCII for both")
	fmt.Fprintln(&s, "// cases and combining marks for no letters. Here the true categories of Unicode make other words.")
	for _, d := range differ {
		fmt.Fprintln(&s, d.line, d.kind)
	}
	return os.WriteFile(path, []byte(s.String()), 0o666)
}
