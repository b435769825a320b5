package cli

import (
	"errors"
	"fmt"
	"slices"

	"scout/engine"
	"scout/hardware/catalogue"
	"scout/hardware/plan"
)

// candidate is one quantization of a model on one machine.
type candidate struct {
	name  string // to be asked for with
	model catalogue.Model
	quant catalogue.Quant
	facts plan.Facts
	plan  *plan.Plan // nil if err is not
	err   error
	runs  bool // our engine runs it
	past  past // that the plan's rates were corrected by
}

const (
	// leastRate is the rate below which a model that is read from disk counts as
	// not fitting: two seconds for a token are no conversation.
	leastRate = 0.5
	// goodRate is about as fast as people read aloud.
	goodRate = 3
	// fourBits is the highest rank of four-bit quantizations: larger ones cost speed
	// for little, so they are recommended only where the speed is there.
	fourBits = 65
	// worthOffering is how much faster a smaller quantization has to be to be named.
	worthOffering = 1.3
)

// planned plans a quantization of the catalogue.
func planned(m catalogue.Model, q catalogue.Quant, machine planMachine, f planFlags) candidate {
	c := candidate{name: m.Name + ":" + q.Name, model: m, quant: q, runs: m.Runs(engine.Architectures())}
	if c.facts, c.err = m.Facts(q); c.err != nil {
		return c
	}
	if f.vision {
		c.facts.Vision = m.VisionBytes
	}
	c.plan, c.err = plan.Make(c.facts, machine.Machine, f.options())
	c.past = machine.correct(c.plan)
	return c
}

// plannedAll plans every quantization of a model, the best first.
func plannedAll(m catalogue.Model, machine planMachine, f planFlags) []candidate {
	var all []candidate
	for _, q := range slices.Backward(m.Quants) {
		all = append(all, planned(m, q, machine, f))
	}
	return all
}

// resident says whether the model lies in memory as a whole.
func (c candidate) resident() bool { return c.plan != nil && !c.plan.Streamed }

// usable says whether it can be talked to at all.
func (c candidate) usable() bool {
	return c.plan != nil && (!c.plan.Streamed || c.plan.Decode.Rate >= leastRate)
}

// best picks one of a model's candidates: the best quality that lies in memory,
// beyond four bits only where nothing is left to the processor's memory or where it
// is unified and large; never below what is worth using. Nil if there is none.
func best(all []candidate) *candidate {
	var pick *candidate
	for i := range all {
		c := &all[i]
		if !c.resident() || c.quant.Poor || c.quant.Rank > fourBits && !c.roomy() {
			continue
		}
		if pick == nil || c.quant.Rank > pick.quant.Rank {
			pick = c
		}
	}
	return pick
}

// roomy says whether a large quantization is not slow: all of it on cards, in
// unified memory, or small enough to be fast from any memory.
func (c candidate) roomy() bool {
	const fast = 30 // tokens per second: much faster than people read
	whole, _, _ := c.plan.On()
	return whole == len(c.plan.Facts.Layers) || c.plan.Machine.RAM.Unified || c.plan.Decode.Rate >= fast
}

// faster is the next smaller quantization of the same model that is clearly faster,
// nil if there is none.
func (a *App) faster(m catalogue.Model, than candidate, machine planMachine, f planFlags) *candidate {
	for _, c := range plannedAll(m, machine, f) {
		if c.resident() && !c.quant.Poor && c.quant.Rank < than.quant.Rank && c.plan.Decode.Rate >= worthOffering*than.plan.Decode.Rate {
			return &c
		}
	}
	return nil
}

// alternative is the best model of the catalogue that our engine runs on the
// machine and that lies in memory; nil if there is none.
func alternative(machine planMachine, f planFlags) *candidate {
	models, err := catalogue.All()
	if err != nil {
		return nil
	}
	f.context = min(f.context, engine.DefaultContext)
	f.depth = min(f.depth, f.context)
	var picks []candidate
	for _, m := range models {
		if c := best(plannedAll(m, machine, f)); c != nil {
			picks = append(picks, *c)
		}
	}
	return recommend(picks)
}

// recommend picks one of the best candidates of several models, which come in the
// catalogue's order, the one to prefer first: the first that our engine runs whole
// and that is fast enough to talk to, or else the fastest that it runs. Nil if there
// is none.
func recommend(picks []candidate) *candidate {
	var fallback *candidate
	for i := range picks {
		c := &picks[i]
		if !c.runs || c.plan.Decode.Rate < leastRate {
			continue
		}
		if c.runsWord() == "yes" && c.plan.Decode.Rate >= goodRate {
			return c
		}
		if fallback == nil || c.plan.Decode.Rate > fallback.plan.Decode.Rate {
			fallback = c
		}
	}
	return fallback
}

// planError says that something does not fit a machine, with the limit and a way
// out.
type planError struct {
	text string
	fit  fitError
}

func (e *planError) Error() string { return e.text }

// Unwrap makes it count as what it is: a machine that is too small.
func (e *planError) Unwrap() error { return &e.fit }

// noFit is the error for a model that does not fit: what is short, and one thing
// that can be run.
func (a *App) noFit(name string, c candidate, m planMachine, f planFlags) error {
	var r *plan.Refusal
	if !errors.As(c.err, &r) {
		return usageErrorf("%w", c.err)
	}
	e := &planError{fit: fitError{context: r.Context, need: r.Need, have: r.Have, advice: r.FitContext}}
	e.text = fmt.Sprintf("%s does not fit %s: with a context of %d it needs %s of %s, and %s of that can be used",
		name, m.Name, r.Context, formatBytes(r.Need), r.Limit, formatBytes(r.Have))
	e.text += ": " + wayOut(name, r.FitContext, r.FitKV, m, f)
	return e
}

// wayOut is one thing that does fit: the same model with another context, if one
// helps, or another model.
func wayOut(name string, context int, kv plan.KVType, m planMachine, f planFlags) string {
	if context > 0 {
		s := fmt.Sprintf("try --ctx %d", context)
		if kv != plan.KVType(f.kv) {
			s += " --kv " + string(kv)
		}
		return s
	}
	if c := alternative(m, f); c != nil && c.name != name {
		return fmt.Sprintf("try %s (%s, %s), %s tokens/s", c.name, formatSize(c.facts.Weights()), c.model.Repo(c.quant), formatRate(c.plan.Decode.Rate))
	}
	return "\"scout run demo\" runs anywhere"
}

// formatSize is a file's size for people, in decimal units as the hubs show them.
func formatSize(n int64) string {
	switch x := float64(n); {
	case x >= 99.95e9:
		return fmt.Sprintf("%.0f GB", x/1e9)
	case x >= 1e9:
		return fmt.Sprintf("%.1f GB", x/1e9)
	case x >= 1e6:
		return fmt.Sprintf("%.0f MB", x/1e6)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1e3)
}
