package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"scout/engine"
	"scout/hardware"
)

// benchFlags is what "scout bench" can be told.
type benchFlags struct {
	prefills, depths     []int
	decode               int
	reps, threads        int
	gpu                  gpuFlags
	kv, mmproj           string
	ops, takeTurns, json bool
}

// benchCommand is "scout bench": how fast a model runs here.
func (a *App) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench MODEL",
		Short: "Measure speed on this machine",
		Long: "Measures how fast a prompt is read and text is generated, how much memory that takes, and how near to the limit generating " +
			"comes: a token can be no faster than the weights it needs can be read, which is measured too, with plain reads of the same weights. " +
			"With a vision tower, in the model's file or in one of its own, it also measures how fast a tile of a picture becomes tokens.",
		Example: "scout bench model.gguf --pp 32,512 --depth 0,8192\nscout bench model.gguf --ops\nscout bench model.gguf --mmproj mmproj.gguf",
		Args:    cobra.ArbitraryArgs,
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
	flags.IntSliceVar(&f.prefills, "pp", []int{256}, "tokens of prompt to read, several with commas between; 0 leaves it out")
	flags.IntVar(&f.decode, "tg", 64, "tokens to generate; 0 leaves it out")
	flags.IntSliceVar(&f.depths, "depth", []int{0}, "tokens in the cache before measuring, several with commas between")
	flags.IntVar(&f.reps, "reps", 3, "repetitions")
	registerKV(flags, &f.kv)
	flags.IntVar(&f.threads, "threads", 0, "worker threads (default: one per usable core)")
	f.gpu.register(flags)
	flags.StringVar(&f.mmproj, "mmproj", "", "file of the vision tower to measure too (default: the one in the model's file, if any)")
	flags.BoolVar(&f.ops, "ops", false, "show where the time goes, by operation: one repetition more, with a clock")
	flags.BoolVar(&f.takeTurns, "turns", false, "wait for a line on standard input before every repetition, and say when it is done: "+
		"to be measured in turn with another program")
	flags.BoolVar(&f.json, "json", false, "write one JSON object")
	return cmd
}

func (f *benchFlags) check() error {
	for _, n := range []struct {
		flag  string
		got   []int
		least int
	}{{"pp", f.prefills, 0}, {"tg", []int{f.decode}, 0}, {"depth", f.depths, 0}, {"reps", []int{f.reps}, 1}} {
		if len(n.got) == 0 || slices.Min(n.got) < n.least || slices.Max(n.got) > mostPositions {
			return usageErrorf("--%s is %s, want %d to %d", n.flag, strings.Trim(fmt.Sprint(n.got), "[]"), n.least, mostPositions)
		}
	}
	f.prefills = slices.DeleteFunc(f.prefills, func(n int) bool { return n == 0 })
	if len(f.prefills) == 0 && f.decode == 0 {
		return usageErrorf("nothing to measure: --pp and --tg are both 0")
	}
	if err := checkKV(f.kv); err != nil {
		return err
	}
	if err := f.gpu.check(); err != nil {
		return err
	}
	return checkSizes(0, f.threads)
}

// most is the most tokens a repetition adds to the cache.
func (f benchFlags) most() int { return slices.Max(append([]int{f.decode}, f.prefills...)) }

// bench measures and reports.
func (a *App) bench(ctx context.Context, name string, f benchFlags) error {
	begin := time.Now()
	room := slices.Max(f.depths) + f.most() + 1
	o := engine.Options{Threads: f.threads, Context: room, KV: f.kv}
	f.gpu.place(&o)
	m, s, err := a.openSequence(ctx, name, o)
	if err != nil {
		return err
	}
	defer m.Close()
	defer s.Close()

	ctx, stop := a.interruptible(ctx)
	defer stop()
	r := benchRecord{
		Engine: "scout", Version: a.version, Model: name, LoadSeconds: time.Since(begin).Seconds(), Threads: m.Threads(), KV: f.kv,
		WeightBytes: m.Memory().Weights, CacheBytes: m.Memory().KV, ComputeBytes: m.Memory().Compute,
	}
	turns := a.newTurns(f.takeTurns)
	stopwatch := stopwatch{model: m, seq: s, flags: f, turns: turns}
	if r.Runs, err = stopwatch.measure(ctx); err != nil {
		return orInterrupted(ctx, err)
	}
	a.rememberBench(m, o, r)
	if r.PeakRSSBytes, err = hardware.PeakRSS(); err != nil { // before the bandwidth's buffer adds to it
		return err
	}
	if err := turns.wait(ctx); err != nil {
		return orInterrupted(ctx, err)
	}
	if err := r.measureVision(ctx, m.Info().Vision, f); err != nil {
		return orInterrupted(ctx, err)
	}
	if err := a.measureBandwidth(ctx, &r); err != nil {
		return orInterrupted(ctx, err)
	}
	if f.json {
		return a.writeJSON(r)
	}
	return a.printf("%s", describeBench(r, m.Info()))
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
	return nil
}
