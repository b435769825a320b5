package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"scout/hardware/plan"
	"scout/ui/safetext"
)

func planDevice(d int) plan.Device { return plan.Device(d) }

// reportFit writes one plan. A model that would be read from disk at less than
// leastRate does not fit.
func (a *App) reportFit(c candidate, faster *candidate, m planMachine, f planFlags) error {
	if f.json {
		if err := a.writeJSON(newFitRecord(c, m, f)); err != nil {
			return err
		}
	} else if err := a.printf("%s", describeFit(c, faster, m)); err != nil {
		return err
	}
	if c.usable() {
		return nil
	}
	short := c.plan.Devices[0].OnDisk
	e := &planError{fit: fitError{context: f.context, need: needOf(c), have: roomOf(m)}}
	e.text = fmt.Sprintf("%s does not fit %s: %s too much for memory would be read from disk for every token, at %.2g tokens/s: ",
		c.name, m.Name, formatBytes(short), c.plan.Decode.Rate)
	context, kv := plan.Shorter(c.facts, m.Machine, f.options())
	e.text += wayOut(c.name, context, kv, m, f)
	return e
}

// describeFit is the answer for one model.
func describeFit(c candidate, faster *candidate, m planMachine) string {
	var b strings.Builder
	p := c.plan
	fmt.Fprintf(&b, "%s (%s) on %s\n\n", safetext.Line(c.facts.Name), formatSize(c.facts.Weights()), m.Name)
	describeSpeed(&b, c)
	fmt.Fprintln(&b)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "memory\tweights\tcache\tactivations\ttogether\tmay be used\tfree\n")
	for _, d := range p.Devices {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Name, formatBytes(d.Weights-d.OnDisk), formatBytes(d.KV), formatBytes(d.Compute),
			formatBytes(d.Total()), formatBytes(d.Budget), formatBytes(d.Free))
	}
	table.Flush() // into memory: it cannot fail
	fmt.Fprintln(&b)
	describePlacement(&b, c)
	if faster != nil {
		fmt.Fprintf(&b, "faster: %s, %s tokens/s; %s\n", faster.name, formatRate(faster.plan.Decode.Rate), faster.quant.Quality)
	}
	if c.quant.Quality != "" {
		fmt.Fprintf(&b, "quality: %s\n", c.quant.Quality)
	}
	if c.model.Name != "" {
		fmt.Fprintf(&b, "from: %s (%s)\n", c.model.Repo(c.quant), c.model.License)
	}
	if most := p.Facts.ContextLength; most > 0 && p.Options.Context > most {
		fmt.Fprintf(&b, "note: the model was made for a context of %d\n", most)
	}
	if word := c.runsWord(); word != "yes" && c.model.Name != "" {
		fmt.Fprintf(&b, "note: this version runs it: %s\n", word)
	}
	if p.Facts.Estimated {
		b.WriteString("note: the size is that of the repository; how it divides among the parts is estimated\n")
	}
	b.WriteString(m.notes())
	return b.String()
}

// describeSpeed is how fast it would be.
func describeSpeed(b *strings.Builder, c candidate) {
	p := c.plan
	fmt.Fprintf(b, "generating: %s with %d tokens in the context; %s with none\n", rateText(c), p.Options.Depth, predictedRate(p.DecodeEmpty.Rate))
	if p.Prefill.Rate > 0 {
		fmt.Fprintf(b, "reading a prompt: about %s tokens/s (limit: %s)\n", formatRate(p.Prefill.Rate), p.Prefill.Limit)
	} else {
		b.WriteString("reading a prompt: unknown, since a device's computing speed is\n")
	}
	if p.Load >= time.Second/10 {
		fmt.Fprintf(b, "loading: about %s from the disk, less if the file has been read lately\n", p.Load.Round(time.Second/10))
	}
}

// describePlacement says what lies where, exactly and in the usual count of layers.
func describePlacement(b *strings.Builder, c candidate) {
	p := c.plan
	layers := len(p.Facts.Layers)
	switch {
	case p.Streamed:
		fmt.Fprintf(b, "placement: %s of the weights have no room and would be read from disk again and again\n", formatBytes(p.Devices[0].OnDisk))
	case len(p.Machine.GPUs) == 0:
		fmt.Fprintf(b, "placement: everything in %s\n", p.Devices[0].Name)
	}
	if len(p.Machine.GPUs) == 0 {
		return
	}
	whole, attention, dense := p.On()
	if p.Facts.Experts > 0 {
		fmt.Fprintf(b, "placement: of %d layers, on GPUs: attention of %d, shared parts of %d, %.0f %% of the routed experts; %d layers whole",
			layers, attention, dense, 100*p.RoutedOn(), whole)
	} else {
		fmt.Fprintf(b, "placement: of %d layers, on GPUs: attention of %d, feed-forward of %d; %d layers whole", layers, attention, dense, whole)
	}
	if p.Placement.Output != plan.CPU {
		b.WriteString("; the output too")
	}
	fmt.Fprintln(b)
	n := p.Classic
	if n.Rate > 0 {
		fmt.Fprintf(b, "whole layers alone: %d of %d, about %s tokens/s", n.Layers, n.Of, formatRate(n.Rate))
	} else {
		fmt.Fprintf(b, "whole layers alone: %d of %d, and the rest does not fit RAM", n.Layers, n.Of)
	}
	if thirty := 30; n.Layers < thirty && n.Of > thirty {
		fmt.Fprintf(b, "; %d of %d would need %s of VRAM", thirty, n.Of, formatSize(p.Facts.WholeLayers(thirty, p.Options.Context, p.Options.KV)))
	}
	fmt.Fprintln(b)
}

// fitRecord is a plan as JSON. Sizes are bytes, rates tokens per second.
type fitRecord struct {
	Model       string         `json:"model"`
	Machine     string         `json:"machine"`
	Sources     []string       `json:"sources"`
	WeightBytes int64          `json:"weight_bytes"`
	PerToken    int64          `json:"bytes_per_token"` // of weights that generating reads
	Exact       bool           `json:"exact"`
	Context     int            `json:"context"`
	KV          string         `json:"kv"`
	Depth       int            `json:"depth"`
	Fits        string         `json:"fits"`
	Runs        string         `json:"runs"`
	Decode      float64        `json:"decode_tok_s,omitempty"`
	DecodeEmpty float64        `json:"decode_empty_tok_s,omitempty"`
	DecodeBound float64        `json:"decode_bound_tok_s,omitempty"`
	Limit       string         `json:"limit,omitempty"`
	PastRuns    int            `json:"past_runs,omitempty"`  // that the rates of generating are corrected by
	PastError   float64        `json:"past_error,omitempty"` // how far predictions so corrected were off, as a share
	Prefill     float64        `json:"prefill_tok_s,omitempty"`
	LoadSeconds float64        `json:"load_s,omitempty"`
	Devices     []deviceRecord `json:"devices"`
	Layers      []layerRecord  `json:"layers,omitempty"`
	Output      int            `json:"output_device"`
	WholeLayers int            `json:"whole_layers"` // that naive placement puts on GPUs, the output being one
	OfLayers    int            `json:"of_layers"`
	WholeRate   float64        `json:"whole_layers_tok_s,omitempty"`
	Quality     string         `json:"quality,omitempty"`
	Repository  string         `json:"repository,omitempty"`
	Error       string         `json:"error,omitempty"`
	Hardware    *machineRecord `json:"hardware,omitempty"` // of this machine
}

// deviceRecord is a device of a plan; its number is its place in the list.
type deviceRecord struct {
	Name        string `json:"name"`
	Weights     int64  `json:"weight_bytes"`
	OnDisk      int64  `json:"on_disk_bytes,omitempty"`
	KV          int64  `json:"cache_bytes"`
	Compute     int64  `json:"compute_bytes"`
	Free        int64  `json:"free_bytes"`
	MayBeUsed   int64  `json:"usable_bytes"`
	TotalInPlan int64  `json:"total_bytes"`
}

// layerRecord says on which devices the parts of a layer lie; experts by device.
type layerRecord struct {
	Attention int     `json:"attention"`
	Dense     int     `json:"dense"`
	Experts   []int16 `json:"experts,omitempty"`
}

// newFitRecord is one plan with its placement.
func newFitRecord(c candidate, m planMachine, f planFlags) fitRecord {
	r := newRow(c, m, f)
	r.Sources, r.Hardware = m.sources, m.hardware
	for _, l := range c.plan.Placement.Layers {
		row := layerRecord{Attention: int(l.Attention), Dense: int(l.Dense)}
		if l.Experts != nil {
			row.Experts = l.Experts[:len(c.plan.Devices)]
		}
		r.Layers = append(r.Layers, row)
	}
	return r
}

// newRow is a plan without its placement.
func newRow(c candidate, m planMachine, f planFlags) fitRecord {
	r := fitRecord{
		Model: safetext.Line(c.name), Machine: m.Name, Sources: []string{}, WeightBytes: c.facts.Weights(), PerToken: c.facts.PerToken(), Exact: !c.facts.Estimated,
		Context: f.context, KV: f.kv, Depth: f.depth, Fits: c.fitWord(), Runs: c.runsWord(), Quality: c.quant.Quality, Devices: []deviceRecord{},
	}
	if c.model.Name != "" {
		r.Repository = c.model.Repo(c.quant)
	}
	if c.plan == nil {
		r.Error = c.err.Error()
		return r
	}
	p := c.plan
	r.Context, r.Depth = p.Options.Context, p.Options.Depth
	r.Decode, r.DecodeEmpty, r.DecodeBound, r.Limit = p.Decode.Rate, p.DecodeEmpty.Rate, p.Decode.Bound, p.Decode.Limit
	r.PastRuns, r.PastError = c.past.decode.Runs, c.past.decode.Error
	r.Prefill, r.LoadSeconds, r.Output = p.Prefill.Rate, p.Load.Seconds(), int(p.Placement.Output)
	r.WholeLayers, r.OfLayers, r.WholeRate = p.Classic.Layers, p.Classic.Of, p.Classic.Rate
	for _, d := range p.Devices {
		r.Devices = append(r.Devices, deviceRecord{d.Name, d.Weights, d.OnDisk, d.KV, d.Compute, d.Free, d.Budget, d.Total()})
	}
	return r
}

// tableRecord is the catalogue's plans as JSON.
type tableRecord struct {
	Machine     string      `json:"machine"`
	Sources     []string    `json:"sources"`
	Models      []fitRecord `json:"models"`
	Recommended string      `json:"recommended"` // "" if nothing is

	Hardware *machineRecord `json:"hardware,omitempty"` // of this machine
}

func newTableRecord(all []candidate, pick *candidate, m planMachine, f planFlags) tableRecord {
	r := tableRecord{Machine: m.Name, Sources: m.sources, Hardware: m.hardware}
	for _, c := range all {
		r.Models = append(r.Models, newRow(c, m, f))
	}
	if pick != nil {
		r.Recommended = pick.name
	}
	return r
}
