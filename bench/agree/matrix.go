package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// testCase is one model and one prompt.
type testCase struct {
	name   string
	model  string // arguments of synthmodel
	tokens int
	start  int    // position of the first token
	kv     string // element type of the KV cache
	greedy int    // tokens to continue with, one at a time
	gate   gate
}

// ids are token ids that are spread over the vocabulary, the same for every
// case of a length. All but the special tokens of the smallest vocabulary occur.
func (c testCase) ids() []int {
	r := rand.New(rand.NewPCG(7, uint64(c.tokens)))
	ids := make([]int, c.tokens)
	for i := range ids {
		ids[i] = r.IntN(266)
	}
	return ids
}

// Prompts that all models are tried with: decoding alone, less than any tile of
// a kernel, and several.
var promptLengths = []int{1, 7, 300}

const continued = 8 // tokens of the greedy continuation

// matrix is every case, ordered so that cases with one model follow each other.
func matrix(t *tools) ([]testCase, error) {
	types, err := t.types()
	if err != nil {
		return nil, fmt.Errorf("agree: asking synthmodel for its types: %w", err)
	}
	cases := shapes()
	cases = append(cases, positions()...)
	cases = append(cases, caches()...)
	cases = append(cases, mixes(types)...)
	cases = append(cases, undecided()...)
	return append(cases, families()...), nil
}

// exact are the arguments that all float models share. Rows are no multiples
// of 256, and dense layers are wider than experts.
const exact = "-quant f32 -qout f32 -hidden 128 -ff 96 -ffd 160 -vocab 512 -ropefreqs"

func prompts(name, model string, lengths ...int) []testCase {
	var cases []testCase
	for _, n := range lengths {
		cases = append(cases, testCase{name: fmt.Sprintf("%s/%d", name, n), model: model, tokens: n, kv: "f32",
			greedy: continued, gate: exactGate})
	}
	return cases
}

// shapes are the float models: experts, dense layers between, head dimensions.
func shapes() []testCase {
	var cases []testCase
	for _, experts := range []int{1, 4, 16} {
		for _, step := range []int{1, 2} {
			for _, dim := range []int{64, 128} {
				layers := 3 + 2*step // 5 and 7: one global layer that is not the last
				name := fmt.Sprintf("f32/e%d-step%d-hd%d", experts, step, dim)
				model := fmt.Sprintf("%s -layers %d -experts %d -moestep %d -hd %d", exact, layers, experts, step, dim)
				cases = append(cases, prompts(name, model, promptLengths...)...)
			}
		}
	}
	for _, v := range []struct{ name, args string }{
		{"f32/e128", "-layers 5 -experts 128 -hd 64"}, // Maverick's number, which means no QK norm
		{"f32/dense", "-layers 5 -moestep 99 -hd 64"},
		{"f32/tied", "-layers 5 -tied -hd 64"},
		{"f32/kv1", "-layers 9 -heads 6 -kv 1 -hd 64"},
		{"f32/kv-all", "-layers 5 -heads 3 -kv 3 -hd 32"},
	} {
		cases = append(cases, prompts(v.name, exact+" "+v.args, promptLengths...)...)
	}
	return cases
}

// positions are the float models at and beyond the chunk length of 8192: prompts
// that begin shortly before a chunk does, and one that is longer than a chunk.
func positions() []testCase {
	var cases []testCase
	for _, start := range []int{8180, 16375} {
		for _, v := range []string{"-experts 4 -hd 64", "-experts 16 -hd 128 -moestep 2"} {
			c := testCase{name: fmt.Sprintf("f32/start%d/%s", start, slug(v)), model: exact + " -layers 5 " + v,
				tokens: 40, start: start, kv: "f32", greedy: continued, gate: exactGate}
			cases = append(cases, c)
		}
	}
	return append(cases, testCase{name: "f32/long", tokens: 8300, kv: "f32", greedy: continued, gate: exactGate,
		model: "-quant f32 -qout f32 -layers 5 -hidden 64 -heads 2 -kv 1 -hd 64 -ff 64 -ffd 96 -experts 1 -vocab 300 -ropefreqs"})
}

// caches are the float models with a KV cache of half precision.
func caches() []testCase {
	var cases []testCase
	for _, v := range []string{"-experts 1 -hd 128", "-experts 4 -hd 64 -moestep 2"} {
		for _, n := range promptLengths {
			cases = append(cases, testCase{name: fmt.Sprintf("f16-kv/%s/%d", slug(v), n), model: exact + " -layers 5 " + v,
				tokens: n, kv: "f16", gate: halfGate})
		}
	}
	return cases
}

// mixes has every weight type, in models whose routing rounding cannot change;
// and in the token embedding and output of models with a single expert.
func mixes(types []string) []testCase {
	var cases []testCase
	add := func(name, args string, lengths ...int) {
		for _, c := range prompts(name, "-layers 5 -hidden 256 -hd 64 -ff 256 -ffd 512 -vocab 512 -ropefreqs "+args, lengths...) {
			c.gate = quantGate
			cases = append(cases, c)
		}
	}
	for _, t := range types {
		if t == "f32" {
			continue
		}
		add("type/"+t, fmt.Sprintf("-quant %s -qout %s -set token_embd=f32 -decisive -experts 4 -moestep 2", t, t), promptLengths...)
		add("type/"+t+"-embd", fmt.Sprintf("-quant q8_0 -qout %s -experts 1", t), 7)
	}
	add("type/q4_k-m", "-quant q4_k -qdown q6_k -qv q6_k -qout q6_k -set token_embd=f32 -decisive -experts 16", promptLengths...)
	return cases
}

// undecided are quantised models with routers like a real one's, where flips
// are to be expected.
func undecided() []testCase {
	var cases []testCase
	for _, v := range []struct{ name, args string }{
		{"q8_0", "-quant q8_0 -qout q8_0"},
		{"q4_k", "-quant q4_k -qdown q6_k -qout q6_k"},
	} {
		for _, c := range prompts("router/"+v.name, "-layers 5 -hidden 256 -hd 64 -ff 256 -experts 16 -vocab 512 "+v.args, promptLengths...) {
			c.gate = quantGate
			cases = append(cases, c)
		}
	}
	return cases
}

// families are the other architectures.
func families() []testCase {
	var cases []testCase
	for _, v := range []struct{ name, args string }{
		{"f32/llama-hd64", exact + " -arch llama -hd 64"},
		{"f32/llama-hd128-tied", exact + " -arch llama -hd 128 -tied"},
		// Heads times their dimension are the hidden width of every qwen2.
		{"f32/qwen2-hd64", exact + " -arch qwen2 -heads 2 -kv 1 -hd 64 -ropefreqs=false"},
		{"f32/qwen2-hd32-tied", exact + " -arch qwen2 -heads 4 -kv 2 -hd 32 -ropefreqs=false -tied"},
	} {
		cases = append(cases, prompts(v.name, v.args+" -layers 5", promptLengths...)...)
	}
	return cases
}

// slug turns arguments into part of a name: "-experts 1 -hd 128" is "experts1-hd128".
func slug(args string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.ReplaceAll(" "+args, " -", "-"), " ", ""), "-")
}
