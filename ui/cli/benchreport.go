package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"scout/engine"
	"scout/ui/safetext"
)

// The tests of "scout bench", as JSON names them.
const (
	testPrefill = "pp"
	testDecode  = "tg"
)

// benchRecord is the result, as JSON.
type benchRecord struct {
	Engine         string     `json:"engine"`
	Version        string     `json:"version"`
	Model          string     `json:"model"`
	LoadSeconds    float64    `json:"load_s"`
	Threads        int        `json:"threads"`
	KV             string     `json:"kv"` // element type of the cache
	Runs           []benchRun `json:"runs"`
	PeakRSSBytes   int64      `json:"peak_rss_bytes"`
	WeightBytes    int64      `json:"weight_bytes"`
	CacheBytes     int64      `json:"cache_bytes"` // at the context that was measured
	ComputeBytes   int64      `json:"compute_bytes"`
	Bandwidth      float64    `json:"memory_bandwidth_bytes_s"`  // of a buffer; 0 if it could not be measured
	BandwidthError string     `json:"bandwidth_error,omitempty"` // why it could not be measured
	Machine        string     `json:"machine,omitempty"`         // the processor's name
	UsableCPUs     int        `json:"usable_cpus,omitempty"`     // hardware threads this process may use
	MemoryBytes    int64      `json:"machine_memory_bytes,omitempty"`

	Vision      *benchVision `json:"vision,omitempty"`
	VisionError string       `json:"vision_error,omitempty"` // why the tower inside could not be measured
}

// benchRun is one test at one depth.
type benchRun struct {
	Test           string    `json:"test"`   // "pp": a prompt is read, "tg": text is generated
	Tokens         int       `json:"tokens"` // that a repetition has
	Depth          int       `json:"depth"`  // tokens in the cache before
	Rates          []float64 `json:"tok_s"`  // tokens per second, one for each repetition
	TokenBytes     int64     `json:"bytes_per_token,omitempty"`
	Bandwidth      float64   `json:"weight_bandwidth_bytes_s,omitempty"` // plain reads of the weights of the last token
	BandwidthShare float64   `json:"bandwidth_share,omitempty"`          // of Bandwidth, at the median rate
	Ops            []benchOp `json:"ops,omitempty"`
}

// benchOp is what one kind of operation costs, over all layers.
type benchOp struct {
	Group   string  `json:"group"`
	Step    string  `json:"step"`
	Seconds float64 `json:"s_per_token"`
	Share   float64 `json:"share"`           // of all time
	Bytes   int64   `json:"bytes_per_token"` // of weights and cache; a batch reads a weight once for all its tokens
}

// describeBench is the result for people.
func describeBench(r benchRecord, info engine.Info) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, safetext.Line(fmt.Sprintf(format, args...)))
	}
	row("model", "%s, %s, %s", cmp.Or(info.Name, r.Model), formatCount(info.Parameters), formatBytes(r.WeightBytes))
	if r.Machine != "" {
		row("machine", "%s, %s of memory", r.Machine, formatBytes(r.MemoryBytes))
	}
	row("threads", "%d, of %d usable", r.Threads, r.UsableCPUs)
	row("load", "%.2f s", r.LoadSeconds)
	row("memory", "%s resident at most (weights %s, cache %s, activations %s)",
		formatBytes(r.PeakRSSBytes), formatBytes(r.WeightBytes), formatBytes(r.CacheBytes), formatBytes(r.ComputeBytes))
	if r.BandwidthError != "" {
		row("bandwidth", "not measured: %s", r.BandwidthError)
	} else {
		row("bandwidth", "%s, plain reads of memory with as many threads", formatBandwidth(r.Bandwidth))
	}
	for _, run := range r.Runs {
		row(run.name(), "%s tok/s, %s%s", formatRate(median(run.Rates)), run.what(), spread(run.Rates))
		if run.Test == testDecode {
			row("", "each token reads %s: %s, %.0f%% of the %s that plain reads of the same weights get", formatBytes(run.TokenBytes),
				formatBandwidth(float64(run.TokenBytes)*median(run.Rates)), 100*run.BandwidthShare, formatBandwidth(run.Bandwidth))
		}
	}
	if r.VisionError != "" {
		row("vision", "not measured: %s", r.VisionError)
	} else if r.Vision != nil {
		row("vision", "%v", r.Vision)
	}
	table.Flush() // into memory: it cannot fail
	for _, run := range r.Runs {
		if run.Ops != nil {
			b.WriteString("\n" + describeOps(run))
		}
	}
	return b.String()
}

func (r benchRun) name() string {
	if r.Test == testPrefill {
		return "prefill"
	}
	return "decode"
}

// what says how many tokens a run has, and behind how many.
func (r benchRun) what() string {
	if r.Depth > 0 {
		return fmt.Sprintf("%d tokens after %d", r.Tokens, r.Depth)
	}
	return fmt.Sprintf("%d tokens", r.Tokens)
}

// describeOps is a run's operations for people: each group with its sum, then
// its steps. Steps that take next to nothing are left out.
func describeOps(r benchRun) string {
	const leastShare = 0.0005 // what would show as 0.0%
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(&b, "%s of %s, by operation\n", r.name(), r.what())
	fmt.Fprint(table, "ms a token\tshare\tGB/s\t\n")
	row := func(indent string, op benchOp, name string) {
		rate := ""
		if op.Bytes > 0 && op.Seconds > 0 {
			rate = fmt.Sprintf("%.1f", float64(op.Bytes)/op.Seconds/1e9)
		}
		fmt.Fprintf(table, "%.3f\t%.1f%%\t%s\t  %s%s\n", 1e3*op.Seconds, 100*op.Share, rate, indent, safetext.Line(name))
	}
	for rest := r.Ops; len(rest) > 0; {
		group := rest[:1]
		for len(group) < len(rest) && rest[len(group)].Group == group[0].Group {
			group = rest[:len(group)+1]
		}
		rest = rest[len(group):]
		var sum benchOp
		for _, op := range group {
			sum.Seconds, sum.Share, sum.Bytes = sum.Seconds+op.Seconds, sum.Share+op.Share, sum.Bytes+op.Bytes
		}
		row("", sum, group[0].Group)
		for _, op := range group {
			if len(group) > 1 && op.Share >= leastShare {
				row("  ", op, op.Step)
			}
		}
	}
	table.Flush() // into memory: it cannot fail
	return b.String()
}

// spread says how far several measurements lie apart.
func spread(rates []float64) string {
	if len(rates) < 2 {
		return ""
	}
	return fmt.Sprintf(" (%s to %s in %d runs)", formatRate(slices.Min(rates)), formatRate(slices.Max(rates)), len(rates))
}

// median is the middle one of the values, or the mean of the middle two. There
// is at least one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
