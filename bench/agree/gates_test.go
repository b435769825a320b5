package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"scout/bench/internal/routes"
)

// example is an answer for two tokens, a vocabulary of two and one layer of two experts.
func example() answer {
	return answer{
		logits: []float32{1, 0, 2, 0},
		routes: &routes.Routes{Layers: []*routes.Layer{{Experts: [][]int32{{0}, {1}}, Logits: [][]float32{{1, 0}, {0, 0.01}}}}},
		greedy: []int{4, 5},
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name    string
		gate    gate
		change  func(*answer)
		problem string // in the message, "" for none
	}{
		{"the same", exactGate, func(*answer) {}, ""},
		{"a small difference", exactGate, func(a *answer) { a.logits[0] += 5e-5 }, ""},
		{"a difference", exactGate, func(a *answer) { a.logits[0] += 2e-4 }, "differs by 0.0002"},
		{"a difference that half precision may make", halfGate, func(a *answer) { a.logits[0] += 5e-3 }, ""},
		{"the continuation", exactGate, func(a *answer) { a.greedy[1] = 9 }, "token 1 of 2"},
		{"no continuation", exactGate, func(a *answer) { a.greedy = nil }, "token 0 of 2"},
		{"the continuation after rounding", quantGate, func(a *answer) { a.greedy[1] = 9 }, ""},
		{"divergence", quantGate, func(a *answer) { a.logits[0] = 1.5 }, "mean KL"},
		{"top tokens", quantGate, func(a *answer) { copy(a.logits, []float32{0, 1, 0, 2}) }, "agree at 0.0 %"},
		{"a close flip", quantGate, func(a *answer) { a.routes.Layers[0].Experts[1][0] = 0; a.logits[2] = -9 }, ""},
		{"a flip", quantGate, func(a *answer) { a.routes.Layers[0].Experts[0][0] = 1 }, "expert 1 instead of 0"},
		{"unknown routes", quantGate, func(a *answer) { a.routes = nil; a.logits[2] = -9 }, ""},
	} {
		got := example()
		c.change(&got)
		r, err := judge(testCase{tokens: 2, greedy: 2, gate: c.gate}, example(), got)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		text := strings.Join(r.problems, "; ")
		if c.problem == "" && text != "" || !strings.Contains(text, c.problem) {
			t.Errorf("%s: problems are %q, want %q", c.name, text, c.problem)
		}
	}
}

func TestJudgeRefusesOtherSizes(t *testing.T) {
	got := example()
	got.logits = got.logits[:2]
	if _, err := judge(testCase{tokens: 2}, example(), got); err == nil {
		t.Error("half of the logits were taken")
	}
}

// TestJudgeSkipsWhatRoundingDecides: when the first token's experts are close
// and the other side says nothing about its own, there is nothing to compare.
func TestJudgeSkipsWhatRoundingDecides(t *testing.T) {
	want, got := example(), example()
	want.routes.Layers[0].Logits[0] = []float32{0.02, 0}
	got.routes = nil
	_, err := judge(testCase{tokens: 2, gate: quantGate}, want, got)
	if skip := new(skipError); !errors.As(err, &skip) {
		t.Errorf("got %v, want a skip", err)
	}
}

func TestMatrixNamesAreDistinct(t *testing.T) {
	var names []string
	types := []string{"f32", "q8_0", "mxfp4"}
	for _, c := range slices.Concat(shapes(), positions(), caches(), mixes(types), undecided(), families()) {
		if slices.Contains(names, c.name) {
			t.Errorf("two cases are called %s", c.name)
		}
		names = append(names, c.name)
		if c.tokens < 1 || len(c.ids()) != c.tokens || c.gate.name == "" || c.kv == "" || c.model == "" {
			t.Errorf("%s is not complete: %+v", c.name, c)
		}
		if id := slices.Max(c.ids()); id >= 266 {
			t.Errorf("%s has id %d, want less than 266, the ids that every vocabulary has", c.name, id)
		}
	}
	for _, want := range []string{"f32/long", "f32/e16-step2-hd128/300", "type/mxfp4/7", "type/q8_0-embd/7", "f16-kv/experts1-hd128/1"} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no case %s", want)
		}
	}
}

func TestSlug(t *testing.T) {
	if got, want := slug("-experts 1 -hd 128 -tied"), "experts1-hd128-tied"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
