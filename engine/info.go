package engine

import (
	"fmt"
	"slices"
	"strings"

	"scout/engine/gguf"
	"scout/engine/model"
)

// Info is what a file's header says of the model in it.
type Info struct {
	Name         string
	Path         string
	Files        []string // all parts, in order
	Architecture string
	License      string
	Tokenizer    string // kind and splitter, such as "gpt2/llama4"
	Template     string // Jinja source of the chat template, "" if the file has none

	Layers, Width, Heads, KVHeads, HeadDim int
	FF, ExpertFF, Experts, ExpertsUsed     int
	Vocabulary, ContextLength              int
	Vision                                 bool // the vision tower is in the same file

	Parameters      int64
	Bytes           int64 // of tensor data
	Components      []Component
	Types           []TypeShare
	Blocks          []Block // by layer
	Reads           []TypeRead
	KVBytesPerToken int64 // f16 keys and values of every layer; chunked layers stop growing at their chunk

	Warnings []string // what is odd about the file and does not stop it from running
}

// Component is the size of one kind of tensor.
type Component struct {
	Name       string
	Parameters int64
	Bytes      int64
}

// TypeShare is how much of a file one tensor type makes up.
type TypeShare struct {
	Type    string
	Tensors int
	Bytes   int64
}

// Inspect reads the header of the file at path, in milliseconds.
func Inspect(path string) (Info, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return Info{}, err
	}
	return inspectAndClose(f)
}

// InspectEmbedded is Inspect for a file in memory.
func InspectEmbedded(name string, data []byte) (Info, error) {
	f, err := gguf.Parse(name, data)
	if err != nil {
		return Info{}, err
	}
	return inspectAndClose(f)
}

// Beginning is the first bytes of a model's file, for InspectHeader.
type Beginning = gguf.Beginning

// ErrMore says that more bytes of a file's beginning are needed.
var ErrMore = gguf.ErrMore

// InspectHeader is Inspect for the beginnings of a model's files, all parts in order.
// With ErrMore, short is the number of the file, from 0, whose beginning is too short.
func InspectHeader(files []Beginning) (info Info, short int, err error) {
	f, short, err := gguf.ParseHeader(files)
	if err != nil {
		return Info{}, short, err
	}
	info, err = inspect(f)
	return info, 0, err
}

func inspectAndClose(f *gguf.File) (info Info, err error) {
	err = f.Guard(func() error {
		info, err = inspect(f)
		return err
	})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return info, err
}

func inspect(f *gguf.File) (Info, error) {
	c, err := model.ReadConfig(metadata{f})
	if err != nil {
		return Info{}, fmt.Errorf("engine: reading %s: %w", f.Path(), err)
	}
	text := func(key string) string { s, _ := f.String(key); return s }
	info := Info{
		Name: text("general.name"), Path: f.Path(), Files: f.Paths(), Architecture: c.Architecture,
		License: text("general.license"), Template: text("tokenizer.chat_template"),
		Tokenizer: text("tokenizer.ggml.model") + "/" + text("tokenizer.ggml.pre"),
		Layers:    c.Layers, Width: c.Width, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim,
		FF: c.FF, ExpertFF: c.ExpertFF, Experts: c.Experts, ExpertsUsed: c.ExpertsUsed,
		Vocabulary: c.Vocabulary, ContextLength: c.ContextLength,
		KVBytesPerToken: int64(c.Layers) * int64(c.KVHeads) * int64(c.HeadDim) * 2 * 2,
	}
	info.measure(f)
	info.measureBlocks(f, c)
	info.measureReads(f)
	info.Warnings = append(info.Warnings, oldRopeFactors(f, c)...)
	return info, nil
}

// measure adds up the tensors.
func (i *Info) measure(f *gguf.File) {
	parts, types := map[string]*Component{}, map[string]*TypeShare{}
	for _, t := range f.Tensors() {
		name := componentOf(t.Name)
		if parts[name] == nil {
			parts[name] = &Component{Name: name}
		}
		if types[t.Type.String()] == nil {
			types[t.Type.String()] = &TypeShare{Type: t.Type.String()}
		}
		part, share, n := parts[name], types[t.Type.String()], t.Elements()
		part.Parameters += n
		part.Bytes += t.Bytes()
		share.Tensors++
		share.Bytes += t.Bytes()
		i.Parameters += n
		i.Bytes += t.Bytes()
		i.Vision = i.Vision || name == "vision"
	}
	for _, p := range parts {
		i.Components = append(i.Components, *p)
	}
	for _, t := range types {
		i.Types = append(i.Types, *t)
	}
	slices.SortFunc(i.Components, func(a, b Component) int { return largerFirst(a.Bytes, b.Bytes, a.Name, b.Name) })
	slices.SortFunc(i.Types, func(a, b TypeShare) int { return largerFirst(a.Bytes, b.Bytes, a.Type, b.Type) })
}

func largerFirst(a, b int64, nameA, nameB string) int {
	if a != b {
		return int(max(-1, min(1, b-a)))
	}
	return strings.Compare(nameA, nameB)
}

// componentOf is the part of a model that a tensor belongs to, by its name.
func componentOf(name string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(name, "blk."), ".")
	switch {
	case strings.HasPrefix(name, "v."), strings.HasPrefix(name, "mm."):
		return "vision"
	case strings.HasPrefix(name, "token_embd."):
		return "token embedding"
	case strings.HasPrefix(name, "output."):
		return "output"
	case strings.Contains(rest, "_exps."):
		return "routed experts"
	case strings.Contains(rest, "_shexp."):
		return "shared experts"
	case strings.HasPrefix(rest, "attn_") && !strings.HasPrefix(rest, "attn_norm."):
		return "attention"
	case strings.HasPrefix(rest, "ffn_") && !strings.HasPrefix(rest, "ffn_norm.") && !strings.HasPrefix(rest, "ffn_gate_inp."):
		return "dense ffn"
	}
	return "norms and router"
}

// oldRopeFactors warns of Scout files made in the first days of its release,
// whose rope_freqs carry another model's factor of 8.
func oldRopeFactors(f *gguf.File, c model.Config) []string {
	t, ok := f.Tensor("rope_freqs.weight")
	if !ok || c.Architecture != "llama4" || c.Experts != 16 || len(t.Data) < 4 {
		return nil
	}
	if last := t.Data[len(t.Data)-4:]; string(last) == "\x00\x00\x00\x41" { // 8.0
		return []string{"rope_freqs ends in 8 where Scout has 16: the file was made by an early converter and loses quality at long positions"}
	}
	return nil
}
