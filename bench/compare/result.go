package main

import (
	"fmt"
	"slices"
)

// result is one case, measured.
type result struct {
	Case     string    `json:"case"`
	Model    string    `json:"model"`    // arguments of synthmodel
	Commands []string  `json:"commands"` // as they were run
	Figures  []figure  `json:"figures"`
	Sessions []session `json:"sessions"`
}

// session is one run of both engines, in turn.
type session struct {
	LoadBefore string  `json:"load_before"` // the system's averages over 1, 5 and 15 minutes
	LoadAfter  string  `json:"load_after"`
	Seconds    float64 `json:"seconds"`
	Scout      record  `json:"scout"`
	Peer       record  `json:"peer"`
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
	Share  spread    `json:"bandwidth_share"` // of decoding, a value for each session
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

// pair holds what the engines measured against each other.
func (r *result) pair(c testCase) error {
	for _, t := range c.tests {
		f := figure{Test: t.kind, Tokens: t.tokens, Depth: c.depth, Bar: t.bar}
		var ours, theirs, shares []float64
		for _, s := range r.Sessions {
			a, err := s.Scout.find("scout", t, c.depth)
			if err != nil {
				return err
			}
			b, err := s.Peer.find("llama.cpp", t, c.depth)
			if err != nil {
				return err
			}
			if len(a.Rates) != len(b.Rates) {
				return fmt.Errorf("scout measured %s %d %d times, llama.cpp %d times", t.kind, t.tokens, len(a.Rates), len(b.Rates))
			}
			ours, theirs, shares = append(ours, a.Rates...), append(theirs, b.Rates...), append(shares, a.Share)
		}
		for i, rate := range ours {
			f.Rounds = append(f.Rounds, rate/theirs[i])
		}
		f.Scout, f.Peer, f.Ratios, f.Share = spreadOf(ours), spreadOf(theirs), spreadOf(f.Rounds), spreadOf(shares)
		f.Ratio = f.Scout.Median / f.Peer.Median
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
