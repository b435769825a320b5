package synth

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"scout/engine/quant"
)

// Shape is everything that decides the bytes of a model. A zero field means
// the value that its comment names, except where it says otherwise. Resolved
// fills them in.
type Shape struct {
	Arch    string `json:"arch"`     // llama4 (the default), llama, qwen2 or qwen2vl
	Layers  int    `json:"layers"`   // 5; llama.cpp refuses a llama4 of less than 4
	Hidden  int    `json:"hidden"`   // width of the residual stream: 256
	Heads   int    `json:"heads"`    // 4
	KVHeads int    `json:"kv_heads"` // 2
	HeadDim int    `json:"head_dim"` // 64
	FF      int    `json:"ff"`       // width of each expert: 256
	DenseFF int    `json:"dense_ff"` // width of layers without experts: twice FF, so that a mix-up fails
	Experts int    `json:"experts"`  // of llama4: 4
	MoEStep int    `json:"moe_step"` // every how many layers has experts: 1. More than Layers makes all of them dense
	Vocab   int    `json:"vocab"`    // 512
	Context int    `json:"context"`  // positions the model claims to be made for: 32768

	// Types of the weights. Down, V and Output default to Quant where they are
	// zero, which is also F32: Types can name that.
	Quant  quant.Type `json:"quant"`
	Down   quant.Type `json:"down"`   // ffn_down of every kind
	V      quant.Type `json:"v"`      // attn_v
	Output quant.Type `json:"output"` // output and token_embd
	// Types overrides the type of tensors by full name ("blk.0.attn_k.weight")
	// or by what they are in any layer ("attn_k"). Only matrices have a choice.
	Types map[string]quant.Type `json:"types,omitempty"`

	RopeTheta   float64 `json:"rope_theta"`         // RoPE base: 500000
	RopeFreqs   bool    `json:"rope_freqs"`         // divide the angles of long wavelengths by 16, as Scout does
	NoChunks    bool    `json:"no_chunks"`          // llama4 with a sliding window of zero: global attention and RoPE everywhere; llama.cpp aborts
	Tied        bool    `json:"tied"`               // no output matrix of its own
	Chunk       int     `json:"chunk,omitempty"`    // llama4 with a chunk length of its own in the file; llama.cpp ignores it and takes 8192
	OneFile     bool    `json:"one_file,omitempty"` // llama4 as Ollama writes it: the vision tower in the same file, and keys of that writer
	RouterScale float64 `json:"router_scale"`       // standard deviation of router logits: 3
	// Decisive makes the token choose its expert by a margin that rounding
	// cannot overcome: token t goes to expert t mod Experts in every layer. It
	// needs a token_embd of a float type.
	Decisive bool `json:"decisive"`

	Seed  uint64 `json:"seed"`  // 1
	Split int    `json:"split"` // number of files: 1
	Fast  bool   `json:"fast"`  // repeat a pool of random blocks in large tensors, for files of many GB
}

// Resolved is the shape with every default filled in.
func (s Shape) Resolved() Shape {
	s.Arch = cmp.Or(s.Arch, "llama4")
	s.Layers = cmp.Or(s.Layers, 5)
	s.Hidden = cmp.Or(s.Hidden, 256)
	s.Heads = cmp.Or(s.Heads, 4)
	s.KVHeads = cmp.Or(s.KVHeads, 2)
	s.HeadDim = cmp.Or(s.HeadDim, 64)
	s.FF = cmp.Or(s.FF, 256)
	s.DenseFF = cmp.Or(s.DenseFF, 2*s.FF)
	s.MoEStep = cmp.Or(s.MoEStep, 1)
	s.Vocab = cmp.Or(s.Vocab, 512)
	s.Context = cmp.Or(s.Context, 32768)
	s.Down = cmp.Or(s.Down, s.Quant)
	s.V = cmp.Or(s.V, s.Quant)
	s.Output = cmp.Or(s.Output, s.Quant)
	s.RopeTheta = cmp.Or(s.RopeTheta, 500000)
	s.Seed = cmp.Or(s.Seed, 1)
	s.Split = cmp.Or(s.Split, 1)
	if s.Arch == "llama4" {
		s.Experts = cmp.Or(s.Experts, 4)
		s.RouterScale = cmp.Or(s.RouterScale, 3)
	}
	return s
}

// Limits that keep every product of a tensor's dimensions inside an int64.
const (
	maxLength = 1 << 22
	maxCount  = 1 << 12
)

// Validate says what makes a resolved shape impossible to write.
func (s Shape) Validate() error {
	if _, ok := preTokenizers[s.Arch]; !ok {
		return fmt.Errorf("synth: architecture is %q, want llama4, llama, qwen2 or qwen2vl", s.Arch)
	}
	err := errors.Join(
		inRange("layers", s.Layers, 1, maxCount), inRange("hidden", s.Hidden, 1, maxLength),
		inRange("heads", s.Heads, 1, maxCount), inRange("kv_heads", s.KVHeads, 1, s.Heads),
		inRange("head_dim", s.HeadDim, 2, maxCount), inRange("ff", s.FF, 1, maxLength),
		inRange("dense_ff", s.DenseFF, 1, maxLength), inRange("experts", s.Experts, 0, maxCount),
		inRange("moe_step", s.MoEStep, 1, maxLength), inRange("vocab", s.Vocab, smallestVocabulary, maxLength),
		inRange("context", s.Context, 1, 1<<30), inRange("split", s.Split, 1, 1<<15),
	)
	if err != nil {
		return err
	}
	switch {
	case s.Heads%s.KVHeads != 0:
		return fmt.Errorf("synth: heads is %d, want a multiple of the %d key/value heads", s.Heads, s.KVHeads)
	case s.HeadDim%2 != 0:
		return fmt.Errorf("synth: head_dim is %d, want an even number", s.HeadDim)
	case s.Arch != "llama4" && (s.Experts > 0 || s.Decisive || s.NoChunks || s.OneFile || s.Chunk != 0):
		return fmt.Errorf("synth: %s has experts, decisive, chunk, no_chunks or one_file, which only llama4 can", s.Arch)
	case s.Decisive && (s.Experts >= s.Hidden || s.Tied):
		return fmt.Errorf("synth: decisive wants a hidden width above the number of experts and an output of its own; they are %d, %d and %v",
			s.Hidden, s.Experts, !s.Tied)
	case strings.HasPrefix(s.Arch, "qwen2") && s.Heads*s.HeadDim != s.Hidden:
		return fmt.Errorf("synth: %s has %d heads of %d and a hidden width of %d, want their product, as llama.cpp does",
			s.Arch, s.Heads, s.HeadDim, s.Hidden)
	case !(s.RopeTheta > 0):
		return fmt.Errorf("synth: rope_theta is %g, want a positive number", s.RopeTheta)
	}
	return s.validateTypes()
}

func inRange(name string, v, low, high int) error {
	if v < low || v > high {
		return fmt.Errorf("synth: %s is %d, want %d to %d", name, v, low, high)
	}
	return nil
}

// validateTypes checks that every row is a whole number of blocks.
func (s Shape) validateTypes() error {
	used := map[string]bool{}
	for _, t := range s.tensors() {
		used[t.name], used[kind(t.name)] = true, true
		if !t.typ.Decodes() {
			return fmt.Errorf("synth: tensor %s: type is %v, want one whose weights can be used", t.name, t.typ)
		}
		if n, block := t.row(), t.typ.BlockSize(); n%block != 0 {
			return fmt.Errorf("synth: tensor %s: rows have %d weights, want a multiple of %d for %v", t.name, n, block, t.typ)
		}
		if t.add != nil && t.typ.BlockSize() != 1 {
			return fmt.Errorf("synth: tensor %s: type is %v, want a float type, since its weights are not only noise", t.name, t.typ)
		}
	}
	for name := range s.Types {
		if !used[name] {
			return fmt.Errorf("synth: types names %q, which is no tensor of this shape", name)
		}
	}
	return nil
}

// plain is Shape without its methods.
type plain Shape

// named is a Shape with its types by name, as JSON holds it.
type named struct {
	*plain
	Quant  typeName            `json:"quant"`
	Down   typeName            `json:"down"`
	V      typeName            `json:"v"`
	Output typeName            `json:"output"`
	Types  map[string]typeName `json:"types,omitempty"`
}

// MarshalJSON writes types by their names.
func (s Shape) MarshalJSON() ([]byte, error) {
	n := named{plain: (*plain)(&s), Quant: typeName(s.Quant), Down: typeName(s.Down), V: typeName(s.V), Output: typeName(s.Output)}
	if s.Types != nil {
		n.Types = map[string]typeName{}
		for k, t := range s.Types {
			n.Types[k] = typeName(t)
		}
	}
	return json.Marshal(n)
}

// UnmarshalJSON reads what MarshalJSON writes. Fields that are not there keep
// their value.
func (s *Shape) UnmarshalJSON(b []byte) error {
	n := named{plain: (*plain)(s), Quant: typeName(s.Quant), Down: typeName(s.Down), V: typeName(s.V), Output: typeName(s.Output)}
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	s.Quant, s.Down, s.V, s.Output = quant.Type(n.Quant), quant.Type(n.Down), quant.Type(n.V), quant.Type(n.Output)
	if n.Types != nil {
		s.Types = map[string]quant.Type{}
		for k, t := range n.Types {
			s.Types[k] = quant.Type(t)
		}
	}
	return nil
}

// typeName is a type that JSON holds by name.
type typeName quant.Type

func (t typeName) MarshalText() ([]byte, error) { return []byte(quant.Type(t).String()), nil }

func (t *typeName) UnmarshalText(b []byte) error {
	v, err := ParseType(string(b))
	*t = typeName(v)
	return err
}

// ParseType finds a type by its name, in any case.
func ParseType(name string) (quant.Type, error) {
	for _, t := range quant.Types() {
		if strings.EqualFold(name, t.String()) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("synth: type is %q, want one of %v", name, quant.Types())
}
