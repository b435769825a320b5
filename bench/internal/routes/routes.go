// Package routes holds which experts each token was sent to, as a file that
// both sides of a comparison write.
package routes

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Routes is the routing of a run of tokens.
type Routes struct {
	Start  int      `json:"start"`  // position of the first token
	Layers []*Layer `json:"layers"` // those with experts, in order
}

// Layer is the routing of one layer. Tokens are in the order they were decoded in.
type Layer struct {
	Layer   int         `json:"layer"`
	Experts [][]int32   `json:"experts"` // [tokens, experts used], best first
	Logits  [][]float32 `json:"logits"`  // [tokens, experts], before any sigmoid
}

// Layer finds a layer by its number and adds it where it is missing.
func (r *Routes) Layer(n int) *Layer {
	i, found := slices.BinarySearchFunc(r.Layers, n, func(l *Layer, n int) int { return l.Layer - n })
	if !found {
		r.Layers = slices.Insert(r.Layers, i, &Layer{Layer: n})
	}
	return r.Layers[i]
}

// Check says whether every layer has an expert and logits for each of so many
// tokens.
func (r *Routes) Check(tokens int) error {
	for _, l := range r.Layers {
		if len(l.Logits) != tokens || len(l.Experts) != tokens {
			return fmt.Errorf("routes: layer %d has logits of %d tokens and experts of %d, want %d", l.Layer, len(l.Logits), len(l.Experts), tokens)
		}
		for i, e := range l.Experts {
			if len(e) == 0 || slices.Min(e) < 0 || int(slices.Max(e)) >= len(l.Logits[i]) {
				return fmt.Errorf("routes: layer %d sends token %d to experts %d, want one or more of %d", l.Layer, i, e, len(l.Logits[i]))
			}
		}
	}
	return nil
}

// Write stores the routes.
func (r *Routes) Write(path string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("routes: encoding: %w", err)
	}
	return os.WriteFile(path, b, 0o666)
}

// Read reads the routes of so many tokens.
func Read(path string, tokens int) (*Routes, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Routes)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("routes: reading %s: %w", path, err)
	}
	return r, r.Check(tokens)
}

// Flip is a token that two sides sent to different experts.
type Flip struct {
	Token, Layer int
	Want, Got    int32
	Margin       float32 // the wanted expert's router logit less that of the one taken, on the wanted side
}

// Flips compares the best expert of every token and layer. They are in the
// order of the computation, by token and then by layer: all after the first
// one may be its consequences.
func Flips(want, got *Routes) ([]Flip, error) {
	if len(want.Layers) != len(got.Layers) {
		return nil, fmt.Errorf("routes: %d layers with experts, want %d", len(got.Layers), len(want.Layers))
	}
	var flips []Flip
	for i, w := range want.Layers {
		g := got.Layers[i]
		if g.Layer != w.Layer || len(g.Experts) != len(w.Experts) {
			return nil, fmt.Errorf("routes: layer %d with %d tokens, want layer %d with %d", g.Layer, len(g.Experts), w.Layer, len(w.Experts))
		}
		for t, experts := range w.Experts {
			a, b := experts[0], g.Experts[t][0]
			if a == b {
				continue
			}
			l := w.Logits[t]
			if int(b) >= len(l) {
				return nil, fmt.Errorf("routes: layer %d sends token %d to expert %d, want one of %d", w.Layer, t, b, len(l))
			}
			flips = append(flips, Flip{t, w.Layer, a, b, l[a] - l[b]})
		}
	}
	slices.SortFunc(flips, func(a, b Flip) int { return cmp.Or(a.Token-b.Token, a.Layer-b.Layer) })
	return flips, nil
}

// margin is how far the best expert of a token was ahead of the second, or ok is
// false when there is no second.
func (l *Layer) margin(token int) (m float32, ok bool) {
	best := l.Experts[token][0]
	for e, v := range l.Logits[token] {
		if d := l.Logits[token][best] - v; int32(e) != best && (!ok || d < m) {
			m, ok = d, true
		}
	}
	return m, ok
}

// Margin is how far the best expert was ahead of the second, where it was least.
// It is 0 when there never are two.
func (r *Routes) Margin() float32 {
	var least float32
	first := true
	for _, l := range r.Layers {
		for t := range l.Experts {
			if m, ok := l.margin(t); ok && (first || m < least) {
				least, first = m, false
			}
		}
	}
	return least
}

// FirstClose is the first token whose best expert was ahead by less than a
// margin in some layer, or the number of tokens given.
func (r *Routes) FirstClose(margin float32, tokens int) int {
	for t := range tokens {
		for _, l := range r.Layers {
			if m, ok := l.margin(t); ok && m < margin {
				return t
			}
		}
	}
	return tokens
}
