package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"scout/hardware/ledger"
)

// ledgerRecord is how predictions did on this machine. Ratios are what was measured
// over what was predicted, the median of the runs that tell; 0 where none does.
type ledgerRecord struct {
	Runs    int       `json:"runs"`
	Models  int       `json:"models"`
	Latest  time.Time `json:"latest,omitzero"`
	Decode  float64   `json:"decode_ratio,omitempty"`
	Prefill float64   `json:"prefill_ratio,omitempty"`
	Peak    float64   `json:"peak_memory_ratio,omitempty"`
}

// examineLedger sums up what is remembered of a machine's runs.
func examineLedger(file, machine string) (ledgerRecord, error) {
	runs, err := ledger.Read(file, machine)
	r := ledgerRecord{Runs: len(runs)}
	models := map[string]bool{}
	for _, run := range runs {
		models[run.Model] = true
		if run.Time.After(r.Latest) {
			r.Latest = run.Time
		}
	}
	r.Models = len(models)
	r.Decode = medianRatio(runs, ledger.Decode)
	r.Prefill = medianRatio(runs, ledger.Prefill)
	r.Peak = medianRatio(runs, func(f ledger.Figures) float64 { return float64(f.Peak) })
	return r, err
}

// medianRatio is the median of what was measured over what was predicted; 0 if no run
// has both.
func medianRatio(runs ledger.Runs, figure ledger.Figure) float64 {
	var ratios []float64
	for _, r := range runs {
		if predicted, measured := figure(r.Predicted), figure(r.Measured); predicted > 0 && measured > 0 {
			ratios = append(ratios, measured/predicted)
		}
	}
	if len(ratios) == 0 {
		return 0
	}
	slices.Sort(ratios)
	n := len(ratios)
	return (ratios[(n-1)/2] + ratios[n/2]) / 2
}

// text is the line of the ledger.
func (r ledgerRecord) text(line func(name, format string, args ...any)) {
	if r.Runs == 0 {
		line("predictions", "no run is remembered yet")
		return
	}
	var parts []string
	for _, p := range []struct {
		what  string
		ratio float64
	}{{"generating", r.Decode}, {"reading prompts", r.Prefill}, {"peak memory", r.Peak}} {
		if p.ratio > 0 {
			parts = append(parts, fmt.Sprintf("%s %.2f", p.what, p.ratio))
		}
	}
	if len(parts) == 0 {
		parts = []string{"none long enough to tell"}
	}
	line("predictions", "%s of %s; measured over predicted, before correction: %s", plural(r.Runs, "run"), plural(r.Models, "model"), strings.Join(parts, ", "))
}
