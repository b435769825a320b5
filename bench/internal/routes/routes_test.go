package routes

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// two is two layers with three experts and two tokens.
func two() *Routes {
	r := &Routes{Start: 8180}
	for _, n := range []int{3, 1} { // out of order
		l := r.Layer(n)
		l.Experts = [][]int32{{0}, {2}}
		l.Logits = [][]float32{{2, 1, -1}, {0, 0.5, 0.75}}
	}
	return r
}

func TestLayersAreInOrder(t *testing.T) {
	r := two()
	if len(r.Layers) != 2 || r.Layers[0].Layer != 1 || r.Layers[1].Layer != 3 {
		t.Errorf("layers are %v", r.Layers)
	}
	if r.Layer(3) != r.Layers[1] {
		t.Error("a layer that is there was made again")
	}
}

func TestFileHoldsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routes.json")
	want := two()
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := Read(path, 3); err == nil {
		t.Error("routes of two tokens were taken for those of three")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Routes)
	}{
		{"no logits", func(r *Routes) { r.Layers[0].Logits = nil }},
		{"an expert missing", func(r *Routes) { r.Layers[1].Experts[1] = nil }},
		{"an expert too high", func(r *Routes) { r.Layers[1].Experts[1] = []int32{3} }},
		{"a negative expert", func(r *Routes) { r.Layers[1].Experts[1] = []int32{-1} }},
	} {
		r := two()
		c.spoil(r)
		if err := r.Check(2); err == nil || !strings.Contains(err.Error(), "layer") {
			t.Errorf("%s: got %v, want an error that names the layer", c.name, err)
		}
	}
	if err := two().Check(2); err != nil {
		t.Error(err)
	}
}

func TestFlipsAreInOrderOfComputation(t *testing.T) {
	want, got := two(), two()
	got.Layers[0].Experts[1] = []int32{1} // layer 1, token 1
	got.Layers[1].Experts[0] = []int32{1} // layer 3, token 0
	got.Layers[1].Experts[1] = []int32{0} // layer 3, token 1
	flips, err := Flips(want, got)
	if err != nil {
		t.Fatal(err)
	}
	if w := []Flip{{0, 3, 0, 1, 1}, {1, 1, 2, 1, 0.25}, {1, 3, 2, 0, 0.75}}; !reflect.DeepEqual(flips, w) {
		t.Errorf("got %v, want %v", flips, w)
	}
	got.Layers = got.Layers[:1]
	if _, err := Flips(want, got); err == nil {
		t.Error("routes of one layer were compared with those of two")
	}
}

func TestMargins(t *testing.T) {
	r := two()
	if got := r.Margin(); got != 0.25 {
		t.Errorf("the smallest margin is %g, want 0.25", got)
	}
	for margin, want := range map[float32]int{0.2: 2, 0.3: 1, 2: 0} {
		if got := r.FirstClose(margin, 2); got != want {
			t.Errorf("the first token closer than %g is %d, want %d", margin, got, want)
		}
	}
	single := &Routes{Layers: []*Layer{{Experts: [][]int32{{0}}, Logits: [][]float32{{1}}}}}
	if got := single.Margin(); got != 0 {
		t.Errorf("the margin of a single expert is %g, want 0", got)
	}
	if got := single.FirstClose(1, 1); got != 1 {
		t.Errorf("a single expert is called close at token %d", got)
	}
}
