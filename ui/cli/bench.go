package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"scout/engine"
	"scout/hardware"
)

// benchFlags is what "scout bench" can be told.
type benchFlags struct {
	prefill, decode, depth, reps, threads int
	json                                  bool
}

// benchCommand is "scout bench": how fast a model runs here.
func (a *App) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench MODEL",
		Short: "Measure speed on this machine",
		Long: "Measures how fast a prompt is read and text is generated, how much memory that takes, and what share of this machine's " +
			"memory bandwidth generating uses: every weight a token needs is read once for it, so that share says how much speed is left to gain. " +
			"A model that fits the processor's caches can show more than 100%.",
		Args: cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageErrorf("bench takes one model, got %d arguments", len(args))
			}
			if err := f.check(); err != nil {
				return err
			}
			return a.bench(cmd.Context(), args[0], f)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.prefill, "pp", 256, "tokens of prompt to read; 0 leaves it out")
	flags.IntVar(&f.decode, "tg", 64, "tokens to generate; 0 leaves it out")
	flags.IntVar(&f.depth, "depth", 0, "tokens in the cache before measuring")
	flags.IntVar(&f.reps, "reps", 3, "repetitions")
	flags.IntVar(&f.threads, "threads", 0, "worker threads (default: one per usable core)")
	flags.BoolVar(&f.json, "json", false, "write one JSON object")
	return cmd
}

func (f benchFlags) check() error {
	for _, n := range []struct {
		flag       string
		got, least int
	}{{"pp", f.prefill, 0}, {"tg", f.decode, 0}, {"depth", f.depth, 0}, {"reps", f.reps, 1}} {
		if n.got < n.least {
			return usageErrorf("--%s is %d, want %d or more", n.flag, n.got, n.least)
		}
	}
	if f.prefill == 0 && f.decode == 0 {
		return usageErrorf("nothing to measure: --pp and --tg are both 0")
	}
	return checkSizes(0, f.threads)
}

// benchRecord is the result, as JSON. Rates are one for each repetition.
type benchRecord struct {
	Engine         string    `json:"engine"`
	Model          string    `json:"model"`
	LoadSeconds    float64   `json:"load_s"`
	PrefillRates   []float64 `json:"pp_tok_s"` // tokens per second
	DecodeRates    []float64 `json:"tg_tok_s"` // tokens per second
	PrefillTokens  int       `json:"pp"`
	DecodeTokens   int       `json:"tg"`
	Depth          int       `json:"depth"`
	Threads        int       `json:"threads"`
	PeakRSSBytes   int64     `json:"peak_rss_bytes"`
	WeightBytes    int64     `json:"weight_bytes"`
	CacheBytes     int64     `json:"cache_bytes"` // at the context that was measured
	ComputeBytes   int64     `json:"compute_bytes"`
	TokenBytes     int64     `json:"bytes_per_token"`           // read to generate one token
	Bandwidth      float64   `json:"memory_bandwidth_bytes_s"`  // measured; 0 if it could not be
	BandwidthShare float64   `json:"bandwidth_share"`           // of Bandwidth, at the median rate; 0 if unknown
	BandwidthError string    `json:"bandwidth_error,omitempty"` // why it could not be measured
	Machine        string    `json:"machine,omitempty"`         // the processor's name
	UsableCPUs     int       `json:"usable_cpus,omitempty"`     // hardware threads this process may use
	MemoryBytes    int64     `json:"machine_memory_bytes,omitempty"`
}

// bench measures and reports.
func (a *App) bench(ctx context.Context, name string, f benchFlags) error {
	begin := time.Now()
	room := f.depth + max(f.prefill, f.decode) + 1
	m, s, err := a.openSequence(ctx, name, engine.Options{Threads: f.threads, Context: room})
	if err != nil {
		return err
	}
	defer m.Close()
	defer s.Close()

	ctx, stop := a.interruptible(ctx)
	defer stop()
	r := benchRecord{
		Engine: "scout", Model: name, LoadSeconds: time.Since(begin).Seconds(), Threads: m.Threads(),
		PrefillTokens: f.prefill, DecodeTokens: f.decode, Depth: f.depth,
		WeightBytes: m.Memory().Weights, CacheBytes: m.Memory().KV, ComputeBytes: m.Memory().Compute,
		PrefillRates: []float64{}, DecodeRates: []float64{},
	}
	if err := measureSpeed(ctx, s, m.Info().Vocabulary, f, &r); err != nil {
		return orInterrupted(ctx, err)
	}
	if r.PeakRSSBytes, err = hardware.PeakRSS(); err != nil { // before the bandwidth's buffer adds to it
		return err
	}
	r.TokenBytes = tokenBytes(m.Info(), f.depth+f.decode/2)
	if err := a.measureBandwidth(ctx, &r); err != nil {
		return orInterrupted(ctx, err)
	}
	if f.json {
		return a.writeJSON(r)
	}
	return a.printf("%s", describeBench(r, m.Info()))
}

// measureSpeed fills in the rates. A run of a few tokens comes first: it reads
// the weights into memory, which the file's first use would be charged for.
func measureSpeed(ctx context.Context, s sequence, vocabulary int, f benchFlags, r *benchRecord) error {
	run := func(ids []int32) error { return s.Append(ctx, ids, engine.LastLogits, nil) }
	// rewind leaves depth tokens in the cache, putting in those that are missing.
	depth := benchTokens(f.depth, 0, vocabulary)
	rewind := func(keep int) error {
		if kept := s.Truncate(keep); kept < f.depth {
			return run(depth[kept:])
		}
		return nil
	}
	if err := run(benchTokens(min(8, f.depth+max(f.prefill, f.decode)), 0, vocabulary)); err != nil {
		return err
	}
	for rep := range f.reps {
		if err := rewind(0); err != nil {
			return err
		}
		if f.prefill > 0 {
			ids := benchTokens(f.prefill, rep+1, vocabulary)
			begin := time.Now()
			if err := run(ids); err != nil {
				return err
			}
			r.PrefillRates = append(r.PrefillRates, float64(f.prefill)/time.Since(begin).Seconds())
			if err := rewind(f.depth); err != nil {
				return err
			}
		}
		ids := benchTokens(f.decode, rep+1, vocabulary)
		begin := time.Now()
		for i := range ids {
			if err := run(ids[i : i+1]); err != nil {
				return err
			}
		}
		if f.decode > 0 {
			r.DecodeRates = append(r.DecodeRates, float64(f.decode)/time.Since(begin).Seconds())
		}
	}
	return nil
}

// benchTokens is n token ids that are the same in every run: the first 256 of
// the vocabulary, which every byte-level tokenizer has, in a scattered order,
// so that a mixture of experts has its experts picked as unevenly as in text.
func benchTokens(n, seed, vocabulary int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((i*7919 + seed*104729) % min(vocabulary, 256))
	}
	return ids
}

// tokenBytes estimates how many bytes are read to generate one token at that
// depth: all weights but the embedding's other rows and the picture tower, the
// routed experts as far as they are used, and the cache. Chunked layers look
// at less of the cache, so past their chunk this is on the high side.
func tokenBytes(info engine.Info, depth int) int64 {
	var total, embedding, output int64
	for _, c := range info.Components {
		switch c.Name {
		case "vision":
		case "token embedding":
			embedding = c.Bytes
		case "routed experts":
			if info.Experts > 0 {
				total += c.Bytes * int64(info.ExpertsUsed) / int64(info.Experts)
			}
		case "output":
			output = c.Bytes
			total += c.Bytes
		default:
			total += c.Bytes
		}
	}
	if output == 0 { // the embedding serves as the output too
		total += embedding
	}
	return total + int64(depth)*info.KVBytesPerToken
}

// measureBandwidth fills in what the machine is and how fast its memory is.
// What cannot be measured is left out, with its reason; only an interrupt is
// an error.
func (a *App) measureBandwidth(ctx context.Context, r *benchRecord) error {
	if machine, err := hardware.Snapshot(); err == nil {
		r.Machine, r.UsableCPUs, r.MemoryBytes = machine.CPU.Model, machine.CPU.Usable, machine.Memory.Total
	}
	bandwidth, err := a.bandwidth(ctx, r.Threads)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.BandwidthError = err.Error()
		return nil
	}
	r.Bandwidth = bandwidth
	if len(r.DecodeRates) > 0 {
		r.BandwidthShare = float64(r.TokenBytes) * median(r.DecodeRates) / bandwidth
	}
	return nil
}

// describeBench is the result for people.
func describeBench(r benchRecord, info engine.Info) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	row("model", "%s, %s, %s", cmp.Or(info.Name, r.Model), formatCount(info.Parameters), formatBytes(r.WeightBytes))
	if r.Machine != "" {
		row("machine", "%s, %s of memory", r.Machine, formatBytes(r.MemoryBytes))
	}
	row("threads", "%d, of %d usable", r.Threads, r.UsableCPUs)
	row("load", "%.2f s", r.LoadSeconds)
	after := ""
	if r.Depth > 0 {
		after = fmt.Sprintf(" after %d", r.Depth)
	}
	if len(r.PrefillRates) > 0 {
		row("prefill", "%s tok/s, %d tokens%s%s", formatRate(median(r.PrefillRates)), r.PrefillTokens, after, spread(r.PrefillRates))
	}
	if len(r.DecodeRates) > 0 {
		row("decode", "%s tok/s, %d tokens%s%s", formatRate(median(r.DecodeRates)), r.DecodeTokens, after, spread(r.DecodeRates))
	}
	row("memory", "%s resident at most (weights %s, cache %s, activations %s)",
		formatBytes(r.PeakRSSBytes), formatBytes(r.WeightBytes), formatBytes(r.CacheBytes), formatBytes(r.ComputeBytes))
	switch {
	case r.BandwidthError != "":
		row("bandwidth", "not measured: %s", r.BandwidthError)
	case len(r.DecodeRates) > 0:
		row("bandwidth", "%s of %s: each token reads %s", formatBandwidth(float64(r.TokenBytes)*median(r.DecodeRates)),
			formatBandwidth(r.Bandwidth), formatBytes(r.TokenBytes))
		row("", "%.0f%% of what plain reads get with as many threads", 100*r.BandwidthShare)
	default:
		row("bandwidth", "%s", formatBandwidth(r.Bandwidth))
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
