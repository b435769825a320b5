// Package model turns a model file's metadata and weights into a graph. It is
// mathematics only: it never computes, of all weights it reads the few RoPE
// factors alone, and it never asks where anything runs beyond writing down the
// Placement it was given.
//
// One file per architecture; each opens with what is easy to get wrong.
package model

import (
	"fmt"
	"sort"
	"strings"

	"scout/engine/kvcache"
	"scout/engine/tensor"
)

// Model is a graph ready to compile, with what a sequence needs to know of it.
type Model struct {
	Config Config
	Graph  *tensor.Graph
	Cache  []kvcache.Layer // by block
}

// Metadata is what the package reads of a file's header, by full key.
type Metadata interface {
	Has(key string) bool
	Uint(key string) (uint64, bool)
	Float(key string) (float64, bool)
	Bool(key string) (bool, bool)
	Ints(key string) ([]int64, bool)
	String(key string) (string, bool)
	Len(key string) (int, bool) // elements of an array
	Place(key string) string    // where its value is, for error messages; "" if it is nowhere
}

// Source finds a weight by its name in the file.
type Source func(name string) (*tensor.Weight, bool)

// UnsupportedError is a file that is well formed and that this program cannot
// run.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "model: " + e.What }

// architecture is one entry of the registry.
type architecture struct {
	config func(*header) Config
	build  func(*builder)
}

// architectures is a plain table: a new architecture is a file and a line.
var architectures = map[string]architecture{
	"llama":  {llamaConfig, buildLlama},
	"llama4": {llama4Config, buildLlama4},
	"qwen2":  {llamaConfig, buildQwen2},
}

// Architectures lists the names that Build knows.
func Architectures() []string {
	var names []string
	for n := range architectures {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func lookup(md Metadata) (string, architecture, error) {
	name, ok := md.String("general.architecture")
	if !ok {
		return "", architecture{}, fmt.Errorf("model: key general.architecture is missing or not a string")
	}
	a, ok := architectures[name]
	if !ok {
		return name, a, &UnsupportedError{fmt.Sprintf("architecture is %q, want one of %s", name, strings.Join(Architectures(), ", "))}
	}
	return name, a, nil
}

// ReadConfig reads the hyper-parameters of a file.
func ReadConfig(md Metadata) (Config, error) {
	name, a, err := lookup(md)
	if err != nil {
		return Config{}, err
	}
	h := &header{md: md, prefix: name + "."}
	c := a.config(h)
	c.Architecture = name
	return c, h.err
}

// Build makes the graph of the model that md and src describe. Every weight is
// checked against the shape the hyper-parameters ask for.
func Build(md Metadata, src Source, p *Placement) (*Model, error) {
	c, err := ReadConfig(md)
	if err != nil {
		return nil, err
	}
	b := &builder{Config: c, g: &tensor.Graph{}, src: src, place: p}
	architectures[c.Architecture].build(b)
	if b.err != nil {
		return nil, b.err
	}
	return &Model{Config: c, Graph: b.g, Cache: b.cache}, nil
}
