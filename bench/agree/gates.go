package main

import (
	"fmt"
	"io"
	"strings"

	"scout/bench/internal/routes"
)

// gate is what a case must keep to. Where nothing else is said, the limits are
// those that the project accepts numerically.
type gate struct {
	name string
	// The largest difference of a logit, of positions below and from coarse on. 0
	// means that it does not matter.
	near, far float64
	// For quantised weights, where both sides round activations.
	meanKL, top1 float64
	greedy       bool // the continuation must be the same
}

// coarse is the position from which llama.cpp's RoPE angles show: it multiplies
// them up in float32. The same tokens, begun at 4096 or at 8180 instead of 0,
// which changes nothing in exact arithmetic, move its logits by 1e-4 and 3e-4.
const coarse = 4096

// closeMargin is how close two logits must be for a change of their order to
// be rounding: the two best of a router, or those of two tokens.
const closeMargin = 0.05

var (
	exactGate = gate{name: "exact", near: 1e-4, far: 1e-3, greedy: true}
	halfGate  = gate{name: "f16 kv", near: 1e-2, far: 1e-2}
	// Real models are held to a mean KL of 0.01. These stay near 1e-4, so that less
	// is a mistake already.
	quantGate = gate{name: "quantised", meanKL: 1e-3, top1: 0.97}
)

// result is the figures of a case and what is wrong with them.
type result struct {
	figures  figures
	flips    []routes.Flip
	known    bool // both sides said which experts they chose
	greedy   int  // equal tokens of the continuation
	problems []string
}

// judge compares two answers and holds them against the case's gate.
func judge(c testCase, want, got answer) (result, error) {
	r := result{known: want.routes != nil && got.routes != nil}
	if len(want.logits) == 0 || len(want.logits) != len(got.logits) {
		return r, fmt.Errorf("%d logits, want the %d of llama.cpp", len(got.logits), len(want.logits))
	}
	compared, err := r.comparable(c, want, got)
	if err != nil {
		return r, err
	}
	r.figures = measure(want.logits, got.logits, c.tokens, compared, c.start)
	for r.greedy < min(len(want.greedy), len(got.greedy)) && want.greedy[r.greedy] == got.greedy[r.greedy] {
		r.greedy++
	}
	r.problems = c.gate.problems(c, r)
	return r, nil
}

// comparable is how many tokens can be compared: those before the first flip, or
// when flips are not known and activations are rounded, those before the first
// that might be one.
func (r *result) comparable(c testCase, want, got answer) (tokens int, err error) {
	tokens = c.tokens
	switch {
	case r.known:
		if r.flips, err = routes.Flips(want.routes, got.routes); err == nil && len(r.flips) > 0 {
			tokens = r.flips[0].Token
		}
	case want.routes != nil && c.gate.meanKL > 0:
		tokens = want.routes.FirstClose(closeMargin, c.tokens)
	}
	if err == nil && tokens == 0 && (len(r.flips) == 0 || r.flips[0].Margin < closeMargin) {
		err = &skipError{"the first token's routing may change with rounding"}
	}
	return tokens, err
}

// problems are the gate's limits that the result does not keep.
func (g gate) problems(c testCase, r result) []string {
	var p []string
	say := func(format string, args ...any) { p = append(p, fmt.Sprintf(format, args...)) }
	f := r.figures
	if f.invalid > 0 {
		say("%d logits are no numbers", f.invalid)
	}
	if len(r.flips) > 0 {
		first := r.flips[0]
		if first.Margin >= closeMargin {
			say("token %d takes expert %d instead of %d in layer %d, a margin of %.3g", first.Token, first.Got, first.Want, first.Layer, first.Margin)
		}
	}
	if g.near > 0 && f.near > g.near {
		say("a logit differs by %.2g below position %d, limit %.0e", f.near, coarse, g.near)
	}
	if g.far > 0 && f.far > g.far {
		say("a logit differs by %.2g from position %d on, limit %.0e", f.far, coarse, g.far)
	}
	if g.meanKL > 0 && f.compared > 0 {
		if f.meanKL >= g.meanKL {
			say("mean KL is %.2g, limit %.0e", f.meanKL, g.meanKL)
		}
		// One position is more than the limit allows in a short prompt.
		if f.top1() <= g.top1 && f.missed > 1 {
			say("top tokens agree at %.1f %%, limit %.0f %%", 100*f.top1(), 100*g.top1)
		}
	}
	if g.greedy && len(r.flips) == 0 && r.greedy != c.greedy {
		say("the continuation differs at token %d of %d", r.greedy, c.greedy)
	}
	return p
}

// print writes one line, and with verbose what led to it.
func (r result) print(w io.Writer, c testCase, verbose bool) {
	verdict := "PASS"
	if len(r.problems) > 0 {
		verdict = "FAIL"
	}
	flips := "?"
	if r.known {
		flips = fmt.Sprint(len(r.flips))
	}
	f := r.figures
	fmt.Fprintf(w, "%s %-34s max %.1e  KL %.1e  top-1 %5.1f%%  %d/%d compared  flips %s  greedy %d/%d",
		verdict, c.name, max(f.near, f.far), f.meanKL, 100*f.top1(), f.compared, c.tokens, flips, r.greedy, c.greedy)
	if len(r.problems) > 0 {
		fmt.Fprintf(w, "  [%s: %s]", c.gate.name, strings.Join(r.problems, "; "))
	}
	fmt.Fprintln(w)
	if verbose {
		fmt.Fprintf(w, "     synthmodel %s\n", c.model)
		for _, f := range r.flips {
			fmt.Fprintf(w, "     token %d layer %d: expert %d instead of %d, margin %.3g\n", f.Token, f.Layer, f.Got, f.Want, f.Margin)
		}
	}
}
