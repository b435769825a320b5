// Command synthmodel writes a GGUF file with random weights, of any shape that
// package synth knows:
//
//	synthmodel -o m.gguf -layers 5 -hidden 512 -experts 4 -quant q4_k -qdown q6_k
//	synthmodel -o scout.gguf -layers 48 -hidden 5120 -heads 40 -kv 8 -hd 128 -ff 8192 -experts 16 -vocab 202048 -fast
//	synthmodel tower -o mmproj.gguf -quant f16 -fast
//
// It lives beside the package because bench, a module of its own, may not
// import what is internal to the engine.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"scout/engine/internal/synth"
	"scout/engine/quant"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	if len(args) > 0 && args[0] == "tower" {
		return runTower(args[1:])
	}
	s := synth.Shape{Quant: quant.Q4_K, Output: quant.Q6_K, Layers: 4, Hidden: 512, HeadDim: 128, FF: 1024, Vocab: 1024}
	f := flag.NewFlagSet("synthmodel", flag.ContinueOnError)
	out := f.String("o", "", "output `file`; -split puts the part's number before .gguf")
	asJSON := f.Bool("json", false, "print the shape as JSON, with its defaults filled in")
	types := f.Bool("types", false, "print the names of the types, one a line, and stop")
	shapeFlags(f, &s)
	if err := f.Parse(args); err != nil {
		return err
	}
	if *types {
		for _, t := range quant.Types() {
			fmt.Fprintln(stdout, t)
		}
		return nil
	}
	s = s.Resolved()
	if err := s.Validate(); err != nil {
		return err
	}
	if *asJSON {
		b, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s\n", b)
	}
	if *out == "" {
		return nil
	}
	return write(*out, s)
}

// write writes the file or the files of a shape.
func write(path string, s synth.Shape) error {
	for i := range s.Split {
		name := path
		if s.Split > 1 {
			name = synth.PartName(strings.TrimSuffix(path, ".gguf"), i, s.Split)
		}
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		if err := errors.Join(synth.WritePart(f, s, i), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// shapeFlags defines a flag for every field of a shape.
func shapeFlags(f *flag.FlagSet, s *synth.Shape) {
	f.Func("shape", "read the shape from this JSON `file`; flags after it change it", func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		*s = synth.Shape{}
		return json.Unmarshal(b, s)
	})
	f.StringVar(&s.Arch, "arch", s.Arch, "llama4, llama, qwen2 or qwen2vl")
	f.IntVar(&s.Layers, "layers", s.Layers, "blocks; llama.cpp wants 4 of llama4")
	f.IntVar(&s.Hidden, "hidden", s.Hidden, "embedding length")
	f.IntVar(&s.Heads, "heads", s.Heads, "query heads")
	f.IntVar(&s.KVHeads, "kv", s.KVHeads, "key/value heads")
	f.IntVar(&s.HeadDim, "hd", s.HeadDim, "head dimension")
	f.IntVar(&s.FF, "ff", s.FF, "feed-forward length of each expert")
	f.IntVar(&s.DenseFF, "ffd", s.DenseFF, "feed-forward length of layers without experts")
	f.IntVar(&s.Experts, "experts", s.Experts, "experts of llama4")
	f.IntVar(&s.MoEStep, "moestep", s.MoEStep, "every how many layers has experts; more than there are layers makes all dense")
	f.IntVar(&s.Vocab, "vocab", s.Vocab, "vocabulary")
	f.IntVar(&s.Context, "ctx", s.Context, "context length in the metadata")
	f.IntVar(&s.Split, "split", s.Split, "number of files")
	typeFlag(f, &s.Quant, "quant", "type of the matrices")
	typeFlag(f, &s.Down, "qdown", "type of ffn_down; default -quant")
	typeFlag(f, &s.V, "qv", "type of attn_v; default -quant")
	typeFlag(f, &s.Output, "qout", "type of output and token_embd")
	f.Func("set", "type of other tensors, as `name=type`: attn_k=q5_1, token_embd=f32 or blk.0.attn_k.weight=q5_1", func(v string) error {
		name, typ, _ := strings.Cut(v, "=")
		t, err := synth.ParseType(typ)
		if s.Types == nil {
			s.Types = map[string]quant.Type{}
		}
		s.Types[name] = t
		return err
	})
	f.Float64Var(&s.RopeTheta, "theta", s.RopeTheta, "rope base")
	f.BoolVar(&s.RopeFreqs, "ropefreqs", s.RopeFreqs, "add a rope_freqs tensor")
	f.BoolVar(&s.NoChunks, "nochunks", s.NoChunks, "llama4 with a sliding window of zero")
	f.BoolVar(&s.Tied, "tied", s.Tied, "no output matrix of its own")
	f.Float64Var(&s.RouterScale, "router", s.RouterScale, "standard deviation of router logits")
	f.BoolVar(&s.Decisive, "decisive", s.Decisive, "tokens choose their expert by a wide margin; needs -set token_embd=f32")
	f.Uint64Var(&s.Seed, "seed", s.Seed, "seed")
	f.BoolVar(&s.Fast, "fast", s.Fast, "repeat a pool of random blocks, for very large files")
}

func typeFlag(f *flag.FlagSet, to *quant.Type, name, usage string) {
	f.Func(name, usage, func(v string) (err error) {
		*to, err = synth.ParseType(v)
		return err
	})
}
