package plan

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// FuzzMake makes models and machines out of any numbers: nothing panics, what is
// planned fits, and what is not is a line.
func FuzzMake(f *testing.F) {
	f.Add(8, 16, 1, int64(5e8), int64(9e8), int64(5e9), int64(64<<30), int64(60<<30), 89.6e9, int64(24<<30), 1e12, 16384, 500e6)
	f.Add(3, 0, 0, int64(5e8), int64(9e8), int64(0), int64(8<<30), int64(1<<30), 51e9, int64(4<<30), 2e11, 1<<20, 0.0)
	f.Add(1, 2, 2, int64(0), int64(0), int64(1), int64(1), int64(1), math.Inf(1), int64(-1), math.NaN(), -1, -1.0)
	f.Add(5, 128, 1, int64(math.MaxInt64), int64(1), int64(math.MaxInt64), int64(math.MaxInt64), int64(5), 1e-300, int64(math.MaxInt64), 1e300, 1<<30, 1e300)
	f.Fuzz(func(t *testing.T, layers, experts, used int, attention, dense, routed, ram, free int64, bandwidth float64, card int64, cardBandwidth float64, context int, disk float64) {
		facts := Facts{Name: "fuzz", Experts: experts, ExpertsUsed: used, Embedding: dense, Output: attention, Width: 64, Heads: 4, FF: 64, Vocabulary: 100}
		for range layers % 12 {
			facts.Layers = append(facts.Layers, Layer{Attention: attention, Dense: dense, Experts: routed, KVHeads: 2, HeadDim: 64})
		}
		m := Machine{Name: "fuzz", RAM: RAM{Total: ram, Free: free, Bandwidth: bandwidth}, Disk: Disk{Bandwidth: disk}}
		if card != 0 {
			m.GPUs = []GPU{{Name: "card", Total: card, Free: card, Bandwidth: cardBandwidth}}
		}
		p, err := Make(facts, m, Options{Context: context})
		var r *Refusal
		switch {
		case errors.As(err, &r):
			if r.FitContext > 0 {
				if _, err := Make(facts, m, Options{Context: r.FitContext, KV: r.FitKV}); err != nil {
					t.Errorf("what is offered does not fit: %v", err)
				}
			}
		case err != nil:
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line", err)
			}
		default:
			for d, use := range p.Devices {
				if use.Total() > use.Free || use.Total() > use.Budget {
					t.Errorf("device %d: %+v", d, use)
				}
			}
		}
	})
}
