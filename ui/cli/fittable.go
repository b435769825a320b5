package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"scout/engine"
	"scout/hardware/catalogue"
	"scout/ui/safetext"
)

// fitCatalogue answers for every model of the catalogue.
func (a *App) fitCatalogue(m planMachine, f planFlags) error {
	models, err := catalogue.All()
	if err != nil {
		return err
	}
	var all, picks []candidate
	for _, model := range models {
		some := plannedAll(model, m, f)
		all = append(all, some...)
		if c := best(some); c != nil {
			picks = append(picks, *c)
		}
	}
	if err := a.reportTable(all, recommend(picks), m, f); err != nil {
		return err
	}
	if slices.ContainsFunc(all, candidate.usable) {
		return nil
	}
	return &planError{
		text: fmt.Sprintf("nothing fits %s, of which %s can be used with a context of %d: \"scout run demo\" runs anywhere", m.Name, formatBytes(roomOf(m)), f.context),
		fit:  fitError{context: f.context, have: roomOf(m)},
	}
}

// fitModel answers for every quantization of one model.
func (a *App) fitModel(model catalogue.Model, m planMachine, f planFlags) error {
	all := plannedAll(model, m, f)
	pick := best(all)
	if pick != nil && pick.plan.Decode.Rate < leastRate {
		pick = nil
	}
	if err := a.reportTable(all, pick, m, f); err != nil || pick != nil {
		return err
	}
	return a.nothingFits(model, all, m, f)
}

// nothingFits is the error when no quantization that is worth using lies in memory.
func (a *App) nothingFits(model catalogue.Model, all []candidate, m planMachine, f planFlags) error {
	smallest := all[0]
	for _, c := range all {
		if !c.quant.Poor {
			smallest = c // they come from the best to the smallest
		}
	}
	weights, room := smallest.facts.Weights(), roomOf(m)
	e := &planError{fit: fitError{context: f.context, need: weights, have: room}}
	e.text = fmt.Sprintf("%s does not fit %s: the smallest quantization worth using, %s, has %s of weights, and %s of memory can be used: ",
		model.Name, m.Name, smallest.quant.Name, formatSize(weights), formatSize(room))
	e.text += wayOut(model.Name, 0, "", m, f)
	return e
}

// roomOf is what plans may use of all devices together.
func roomOf(m planMachine) (n int64) {
	for d := range len(m.GPUs) + 1 {
		n += m.Budget(planDevice(d))
	}
	return n
}

// reportTable writes the table and the recommendation.
func (a *App) reportTable(all []candidate, pick *candidate, m planMachine, f planFlags) error {
	if f.json {
		return a.writeJSON(newTableRecord(all, pick, m, f))
	}
	return a.printf("%s", a.describeTable(all, pick, m, f))
}

// describeTable is the table of "scout fit".
func (a *App) describeTable(all []candidate, pick *candidate, m planMachine, f planFlags) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; a context of %d, speeds with %d tokens in it\n\n", capital(m.Name), f.context, f.depth)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "model\tsize\tneeds\tfits\ttokens/s\truns\tquality\n")
	for _, c := range all {
		need, rate := "-", "-"
		if c.plan != nil {
			need, rate = formatBytes(needOf(c)), predictedRate(c.plan.Decode.Rate)
		}
		size := formatSize(c.facts.Weights())
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.name, size, need, c.fitWord(), rate, c.runsWord(), safetext.Line(c.quant.Quality))
	}
	table.Flush() // into memory: it cannot fail
	if pick != nil {
		fmt.Fprintf(&b, "\nrecommended: %s\n", oneLine(*pick))
		if c := a.faster(pick.model, *pick, m, f); c != nil {
			fmt.Fprintf(&b, "faster: %s, %s tokens/s; %s\n", c.name, formatRate(c.plan.Decode.Rate), c.quant.Quality)
		}
		fmt.Fprintf(&b, "all about it: %s\n", safetext.Line("scout fit "+pick.name+m.flags(f)))
	}
	b.WriteString(m.notes())
	return b.String()
}

// predictedRate is a rate for people, of which more digits would be a lie.
func predictedRate(tokensPerSecond float64) string {
	if tokensPerSecond < 0.1 {
		return fmt.Sprintf("%.2g", tokensPerSecond)
	}
	return formatRate(tokensPerSecond)
}

// needOf is the memory that a plan takes on all devices, and what has no room.
func needOf(c candidate) (n int64) {
	for _, d := range c.plan.Devices {
		n += d.Total() + d.OnDisk
	}
	return n
}

// fitWord says whether it fits.
func (c candidate) fitWord() string {
	switch {
	case c.resident():
		return "yes"
	case c.usable():
		return "from disk"
	}
	return "no"
}

// runsWord says whether our engine runs it.
func (c candidate) runsWord() string {
	switch {
	case !c.runs:
		return "not yet"
	case c.model.VisionBytes > 0 && !c.model.VisionRuns:
		return "text only"
	}
	return "yes"
}

// oneLine is a plan in a sentence: what it takes, how fast it is and what limits
// it, and what whole layers would give.
func oneLine(c candidate) string {
	var parts []string
	for _, d := range c.plan.Devices {
		if d.Total() > 0 {
			parts = append(parts, fmt.Sprintf("%s of %s free %s", formatBytes(d.Total()), formatBytes(d.Free), d.Name))
		}
	}
	s := fmt.Sprintf("%s (%s): %s, context %d -> %s", c.name, formatSize(c.facts.Weights()), strings.Join(parts, ", "), c.plan.Options.Context, rateText(c))
	if n := c.plan.Classic; len(c.plan.Machine.GPUs) > 0 && n.Rate > 0 && n.Layers < n.Of {
		s += fmt.Sprintf("; whole layers alone, %d of %d, would give %s", n.Layers, n.Of, formatRate(n.Rate))
	}
	return s
}

func rateText(c candidate) string {
	behind := fmt.Sprintf("at most %s; limit: %s", predictedRate(c.plan.Decode.Bound), c.plan.Decode.Limit)
	if s := pastText(c.past.decode); s != "" {
		behind = s + "; " + behind
	}
	return fmt.Sprintf("about %s tokens/s (%s)", predictedRate(c.plan.Decode.Rate), behind)
}

// notes says where the figures come from, and what is not to be had yet.
func (m planMachine) notes() string {
	var b strings.Builder
	b.WriteString("\n")
	for _, s := range m.sources {
		fmt.Fprintf(&b, "%s\n", s)
	}
	switch {
	case len(m.GPUs) > 0 || m.RAM.Unified:
		b.WriteString("note: this version computes on the processor only: plans with a GPU cannot be run with it yet\n")
	case !m.whatIf:
		b.WriteString("note: this version computes on the processor only: GPUs of this machine are left out\n")
	}
	return b.String()
}

// flags is what has to be said to ask about the same machine again.
func (m planMachine) flags(f planFlags) string {
	var b strings.Builder
	for _, g := range f.gpus {
		fmt.Fprintf(&b, " --gpu %q", g)
	}
	if f.ram != "" {
		fmt.Fprintf(&b, " --ram %s", f.ram)
	}
	if f.memory != "" {
		fmt.Fprintf(&b, " --memory %q", f.memory)
	}
	if f.disk != "" {
		fmt.Fprintf(&b, " --disk %s", f.disk)
	}
	if f.context != engine.DefaultContext {
		fmt.Fprintf(&b, " --ctx %d", f.context)
	}
	return b.String()
}

// capital is a sentence's beginning.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
