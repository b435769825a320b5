// Command tokencompare compares the ids of scout's tokenizer with llama.cpp's,
// on a corpus and on vocabularies that it makes itself, one for each
// pre-tokenizer, and on a model's. A third tokenizer, of regular expressions
// and plain loops, says who is right where they differ.
//
// llama.cpp's shared libraries are found through YZMA_LIB. With -update the
// corpus, the vocabularies and llama.cpp's ids are written for the tests of
// engine/tokenizer.
//
//	go run ./tokencompare -update -testdata ../engine/tokenizer/testdata -model ../testdata/models/tiny-scout-Q8_0.gguf
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

func main() {
	runtime.LockOSThread() // llama.cpp is called from one thread
	testdata := flag.String("testdata", filepath.Join("..", "engine", "tokenizer", "testdata"), "folder of the test data")
	model := flag.String("model", "", "a GGUF file to compare as well, by the name tiny-scout")
	update := flag.Bool("update", false, "write corpus, vocabularies and llama.cpp's ids")
	merges := flag.Int("merges", 8000, "merges of each vocabulary")
	flag.Parse()
	if err := run(*testdata, *model, *merges, *update); err != nil {
		fmt.Fprintln(os.Stderr, "tokencompare:", err)
		os.Exit(1)
	}
}

func run(testdata, model string, nMerges int, update bool) error {
	lines := corpusLines()
	if update {
		if err := writeCorpus(filepath.Join(testdata, "corpus.txt"), lines); err != nil {
			return err
		}
	}
	peer, err := loadPeer()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "tokencompare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)

	var half []string // to train on, so that the other half has words never seen
	for i := 0; i < len(lines); i += 2 {
		if !strings.Contains(lines[i], "=>") { // no merge may make a user-defined token: llama.cpp aborts on a text that two tokens have
			half = append(half, lines[i])
		}
	}
	for _, f := range families {
		v := train(f.name, f.pre, half, nMerges, f.whole, f.specials, f.first)
		path := filepath.Join(scratch, f.name+".gguf")
		if err := v.writeGGUF(path); err != nil {
			return err
		}
		if update {
			if err := v.write(filepath.Join(testdata, f.name+".vocab.gz")); err != nil {
				return err
			}
		}
		if err := compare(v, path, peer, lines, testdata, update); err != nil {
			return err
		}
	}
	if model == "" {
		return nil
	}
	v, err := readVocabulary("tiny-scout", model)
	if err != nil {
		return err
	}
	return compare(v, model, peer, lines, testdata, update)
}
