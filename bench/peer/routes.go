package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ebitengine/purego"

	"scout/bench/internal/routes"
)

// Names that llama.cpp gives the router's tensors; the layer number follows.
const (
	routerLogits = "ffn_moe_logits-" // [tokens, experts] float32
	routerChoice = "ffn_moe_topk-"   // [tokens, experts used] int32, a view into a wider tensor
)

// recorder collects routes through llama.cpp's evaluation callback.
type recorder struct {
	routes routes.Routes
	check  tensorCheck
	err    error
}

// newRecorder returns a recorder for ids from position start on.
func newRecorder(start int) (*recorder, error) {
	check, err := newTensorCheck()
	return &recorder{routes: routes.Routes{Start: start}, check: check}, err
}

// callback is the address to give to llama.cpp. A program can make a limited
// number of callbacks and never frees one.
func (r *recorder) callback() uintptr { return purego.NewCallback(r.evaluate) }

// evaluate is ggml_backend_sched_eval_callback. It is asked once for each
// tensor whether its value is wanted, and called again with those that are.
func (r *recorder) evaluate(t *tensor, ask bool, _ uintptr) bool {
	name := t.label()
	logits, isLogits := strings.CutPrefix(name, routerLogits)
	choice, isChoice := strings.CutPrefix(name, routerChoice)
	if ask || r.err != nil {
		return isLogits || isChoice
	}
	if r.err = r.check.run(t); r.err != nil {
		return true
	}
	switch {
	case isLogits:
		r.add(logits, func(l *routes.Layer) { l.Logits = appendRows[float32](l.Logits, t) })
	case isChoice:
		r.add(choice, func(l *routes.Layer) { l.Experts = appendRows[int32](l.Experts, t) })
	}
	return true
}

// add finds the layer that a tensor's name ends in.
func (r *recorder) add(suffix string, to func(*routes.Layer)) {
	n, err := strconv.Atoi(suffix)
	if err != nil {
		r.err = fmt.Errorf("peer: recording routes: a router tensor is of layer %q, want a number", suffix)
		return
	}
	to(r.routes.Layer(n))
}

// write stores what was recorded of so many tokens.
func (r *recorder) write(path string, tokens int) error {
	if r.err != nil {
		return r.err
	}
	if err := r.routes.Check(tokens); err != nil {
		return err
	}
	return r.routes.Write(path)
}
