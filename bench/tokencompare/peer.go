package main

import (
	"fmt"
	"os"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// peer is llama.cpp.
type peer struct{}

func loadPeer() (peer, error) {
	lib := os.Getenv("YZMA_LIB")
	if lib == "" {
		return peer{}, fmt.Errorf("YZMA_LIB does not name the folder of llama.cpp's libraries")
	}
	if err := llama.Load(""); err != nil {
		return peer{}, err
	}
	llama.LogSet(llama.LogSilent())
	llama.Init()
	return peer{}, llama.GGMLBackendLoadAllFromPath(lib)
}

// encode returns llama.cpp's ids of each text, without and with special tokens.
func (peer) encode(path string, texts []string) (ids [][2][]int32, err error) {
	params := llama.ModelDefaultParams()
	params.VocabOnly = 1
	model, err := llama.ModelLoadFromFile(path, params)
	if err != nil {
		return nil, fmt.Errorf("llama.cpp: %s: %w", path, err)
	}
	defer llama.ModelFree(model) //nolint:errcheck // nothing to do about it
	v := llama.ModelGetVocab(model)
	if llama.VocabNTokens(v) == 0 {
		return nil, fmt.Errorf("llama.cpp: %s has no vocabulary", path)
	}
	for _, text := range texts {
		var both [2][]int32
		for i := range both {
			for _, id := range llama.Tokenize(v, text, false, i == 1) {
				both[i] = append(both[i], int32(id))
			}
		}
		ids = append(ids, both)
	}
	return ids, nil
}
