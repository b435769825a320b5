package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestEncodeIsJSON(t *testing.T) {
	s := stored{shape: json.RawMessage(`{"arch":"llama4"}`), sha256: "ab", ids: []int{1, 2}, start: 7, experts: map[int][]int32{1: {0, 3}}, margin: 0.5}
	b, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	if !strings.Contains(first, "DO NOT EDIT") {
		t.Errorf("the first line is %q, want it to say that the file is generated", first)
	}
	var got struct {
		Shape   struct{ Arch string }
		SHA256  string
		IDs     []int
		Start   int
		Experts map[int][]int32
		Margin  float32
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Shape.Arch != "llama4" || got.SHA256 != "ab" || !slices.Equal(got.IDs, s.ids) || got.Start != 7 ||
		!slices.Equal(got.Experts[1], s.experts[1]) || got.Margin != 0.5 {
		t.Errorf("got %+v", got)
	}
}

func TestVectorsAreDistinct(t *testing.T) {
	var names []string
	for _, v := range vectors {
		if slices.Contains(names, v.name) {
			t.Errorf("two vectors are called %s", v.name)
		}
		names = append(names, v.name)
		if ids := v.ids(); len(ids) != v.tokens || slices.Max(ids) >= 266 {
			t.Errorf("%s has ids %v, want %d below 266", v.name, ids, v.tokens)
		}
	}
}
