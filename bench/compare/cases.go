package main

import (
	"strconv"
	"strings"
)

// testCase is one model at one depth, and what to measure there.
type testCase struct {
	Name      string
	Model     string // arguments of synthmodel
	gigabytes float64
	depth     int  // tokens in the cache before
	long      bool // a round or its preparation takes minutes: all rounds in one session
	tests     []test
}

// sessions is in how many sessions of how many rounds a case is measured.
func (c testCase) sessions(o options) (sessions, rounds int) {
	if c.long {
		return 1, o.sessions * o.rounds
	}
	return o.sessions, o.rounds
}

// test is one figure, and what this project wants of it.
type test struct {
	kind   string  // "pp": a prompt is read, "tg": text is generated
	tokens int     // of a repetition
	bar    float64 // least ratio to llama.cpp
}

// decoded is how many tokens are generated in a turn: a second or more with
// models of this size.
const decoded = 24

// quickGigabytes is the largest model that -quick takes.
const quickGigabytes = 3

// slice is four layers of Llama 4 Scout with its true widths and vocabulary, in
// the types that llama.cpp's Q4_K_M gives them. Four are the fewest with a global
// layer, which llama.cpp cannot do without.
const slice = "-layers 4 -hidden 5120 -heads 40 -kv 8 -hd 128 -ff 8192 -experts 16 -vocab 202048 " +
	"-quant q4_k -qdown q6_k -qv q6_k -qout q6_k -fast"

// small is four layers of a model that reads about a billion weights for a
// token: more than caches hold.
const small = "-layers 4 -hidden 4096 -heads 32 -kv 8 -hd 128 -ff 8192 -ffd 16384 -experts 4 -vocab 4096 -fast "

// allCases are the cases with the bars of the project's plan for its CPU speed.
func allCases() []testCase {
	others := []test{{"pp", 512, 1.5}, {"tg", decoded, 1.1}}
	return []testCase{
		{Name: "q8_0", Model: small + "-quant q8_0 -qout q8_0", gigabytes: 2.4, tests: others},
		{Name: "q5_k", Model: small + "-quant q5_k -qout q6_k", gigabytes: 1.6, tests: others},
		{Name: "iq4_xs", Model: small + "-quant iq4_xs -qout q6_k", gigabytes: 1.2, tests: others},
		{Name: "dense", Model: small + "-moestep 99 -quant q4_k -qdown q6_k -qv q6_k -qout q6_k", gigabytes: 0.7, tests: others},
		// The short prompt last: whatever an engine does first after its rival's turn is
		// up to a sixth slower, and a test that takes a fifth of a second is all of it.
		{Name: "slice", Model: slice, gigabytes: 7.5, tests: []test{{"pp", 512, 3}, {"pp", 128, 2}, {"pp", 32, 2}, {"tg", decoded, 1.2}}},
		{Name: "slice-4096", Model: slice, gigabytes: 7.5, long: true, tests: []test{{"pp", 4096, 2.5}}},
		{Name: "slice-16384", Model: slice, gigabytes: 7.5, long: true, depth: 16384, tests: []test{{"tg", decoded, 1.3}}},
	}
}

// prompts are the lengths of a case's prompts, as both engines' -pp takes them.
func (c testCase) prompts() string {
	lengths := []string{}
	for _, t := range c.tests {
		if t.kind == "pp" {
			lengths = append(lengths, strconv.Itoa(t.tokens))
		}
	}
	if len(lengths) == 0 {
		return "0"
	}
	return strings.Join(lengths, ",")
}

// generated is how many tokens a case generates.
func (c testCase) generated() int {
	for _, t := range c.tests {
		if t.kind == "tg" {
			return t.tokens
		}
	}
	return 0
}
