package ledger

import (
	"math"
	"slices"
)

// Past is how predictions like one went.
type Past struct {
	Ratio float64 // measured over predicted, the median; what the next prediction is to be multiplied with
	Error float64 // how far predictions so corrected were off, the median, as a share
	Runs  int     // that this rests on; 0: nothing is known, and Ratio is 1
}

// Figure is what of a run is looked at.
type Figure func(Figures) float64

// The figures that are corrected.
var (
	Decode  Figure = func(f Figures) float64 { return f.Decode }
	Prefill Figure = func(f Figures) float64 { return f.Prefill }
)

const (
	latest    = 32 // runs that count, the newest
	leastLike = 3  // runs of other models that it takes to correct one
	// A ratio beyond these says that something else was going on.
	leastRatio, mostRatio = 0.2, 5
)

// Past looks for runs with the same model, threads, cache and placement; with that
// model at any context and cache type otherwise; or else with any model of the type, if
// there are several.
func (rs Runs) Past(k Key, figure Figure) Past {
	near := func(r Run) bool { return r.Threads == k.Threads && r.Placement == k.Placement }
	levels := []struct {
		least int
		like  func(r Run) bool
	}{
		{1, func(r Run) bool { return r.Key == k }},
		{1, func(r Run) bool { return near(r) && r.Model == k.Model }},
		{leastLike, func(r Run) bool { return near(r) && r.Type == k.Type && r.Type != "" }},
	}
	for _, l := range levels {
		if p := rs.past(l.like, figure); p.Runs >= l.least {
			return p
		}
	}
	return Past{Ratio: 1}
}

func (rs Runs) past(like func(Run) bool, figure Figure) Past {
	var ratios []float64
	for _, r := range slices.Backward(rs) {
		predicted, measured := figure(r.Predicted), figure(r.Measured)
		if !like(r) || predicted <= 0 || measured <= 0 {
			continue
		}
		if ratio := measured / predicted; ratio >= leastRatio && ratio <= mostRatio {
			if ratios = append(ratios, ratio); len(ratios) == latest {
				break
			}
		}
	}
	if len(ratios) == 0 {
		return Past{Ratio: 1}
	}
	p := Past{Ratio: median(ratios), Runs: len(ratios)}
	var errs []float64
	for _, r := range ratios {
		errs = append(errs, math.Abs(p.Ratio/r-1))
	}
	p.Error = median(errs)
	return p
}

// median is the middle of the values, or the middle of the two in the middle.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
