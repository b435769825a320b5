package main

import (
	"fmt"
	"slices"
)

// result is one case, measured.
type result struct {
	Case       string   `json:"case"`
	Model      string   `json:"model"`    // arguments of synthmodel
	Commands   []string `json:"commands"` // as they were run
	Seconds    float64  `json:"seconds"`
	LoadBefore string   `json:"load_before"` // the system's averages over 1, 5 and 15 minutes
	LoadAfter  string   `json:"load_after"`
	Scout      record   `json:"scout"`
	Peer       record   `json:"peer"`
	Figures    []figure `json:"figures"`
}

// figure is one test of both engines.
type figure struct {
	Test   string    `json:"test"`
	Tokens int       `json:"tokens"`
	Depth  int       `json:"depth"`
	Scout  spread    `json:"scout"`  // tokens per second
	Peer   spread    `json:"peer"`   // tokens per second
	Ratios spread    `json:"ratios"` // scout's rate over the peer's in the same round
	Ratio  float64   `json:"ratio_of_medians"`
	Bar    float64   `json:"bar"`
	Share  float64   `json:"bandwidth_share,omitempty"` // of decoding: bytes read at the median rate over the bandwidth
	Rounds []float64 `json:"round_ratios"`
}

// met says whether the figure is what the project wants.
func (f figure) met() bool { return f.Ratio >= f.Bar }

// spread is the middle and the ends of some values.
type spread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

func spreadOf(values []float64) spread {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return spread{Median: (s[(n-1)/2] + s[n/2]) / 2, Least: s[0], Most: s[n-1]}
}

// pair holds the two records against each other.
func (r *result) pair(c testCase) error {
	for _, t := range c.tests {
		ours, err := r.Scout.find("scout", t, c.depth)
		if err != nil {
			return err
		}
		theirs, err := r.Peer.find("llama.cpp", t, c.depth)
		if err != nil {
			return err
		}
		if len(ours.Rates) != len(theirs.Rates) {
			return fmt.Errorf("scout measured %s %d %d times, llama.cpp %d times", t.kind, t.tokens, len(ours.Rates), len(theirs.Rates))
		}
		f := figure{Test: t.kind, Tokens: t.tokens, Depth: c.depth, Bar: t.bar,
			Scout: spreadOf(ours.Rates), Peer: spreadOf(theirs.Rates)}
		for i, rate := range ours.Rates {
			f.Rounds = append(f.Rounds, rate/theirs.Rates[i])
		}
		f.Ratios, f.Ratio = spreadOf(f.Rounds), f.Scout.Median/f.Peer.Median
		if r.Scout.Bandwidth > 0 {
			f.Share = float64(ours.TokenBytes) * f.Scout.Median / r.Scout.Bandwidth
		}
		r.Figures = append(r.Figures, f)
	}
	return nil
}

// find is the test's run in what an engine measured.
func (r record) find(name string, t test, depth int) (measured, error) {
	for _, run := range r.Runs {
		if run.Test == t.kind && run.Tokens == t.tokens && run.Depth == depth && len(run.Rates) > 0 {
			return run, nil
		}
	}
	return measured{}, fmt.Errorf("%s measured no %s of %d tokens at depth %d", name, t.kind, t.tokens, depth)
}
