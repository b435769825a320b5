package cli

import (
	"encoding/json"
	"slices"

	"scout/engine"
)

// routesFile is which experts each of the evaluated tokens went to, for holding
// two engines against each other: where their logits part, the first difference
// here says whether rounding tipped a close choice.
type routesFile struct {
	Start  int           `json:"start"`  // position of the first token
	Layers []*routeLayer `json:"layers"` // those with experts, in order

	tokens int // later ones, of a continuation, are left out
}

// routeLayer is the routing of one layer.
type routeLayer struct {
	Layer   int         `json:"layer"`
	Experts [][]int32   `json:"experts"` // [tokens, experts used], best first
	Logits  [][]float32 `json:"logits"`  // [tokens, experts], before any sigmoid
}

func newRoutes(start, tokens int) *routesFile { return &routesFile{Start: start, tokens: tokens} }

// add takes what the engine tells after each batch: layers in order, tokens in
// order.
func (r *routesFile) add(e engine.Routed) {
	if e.Position >= r.Start+r.tokens {
		return
	}
	i, found := slices.BinarySearchFunc(r.Layers, e.Layer, func(l *routeLayer, n int) int { return l.Layer - n })
	if !found {
		r.Layers = slices.Insert(r.Layers, i, &routeLayer{Layer: e.Layer})
	}
	l := r.Layers[i]
	l.Experts = append(l.Experts, e.Experts)
	l.Logits = append(l.Logits, slices.Clone(e.Logits))
}

// write stores the routes.
func (r *routesFile) write(path string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	out, err := createOut(path)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b, '\n'))
	return out.finish(err)
}
