package cli

import (
	"context"
	"time"

	"scout/engine"
)

// stopwatch measures the speed of one sequence.
type stopwatch struct {
	model model
	seq   sequence
	flags benchFlags
	turns *turns
}

// warmUp is how many tokens come before the first test: enough to need nearly
// all experts of a model that has sixteen and takes one a token. They bring the
// weights into memory, which the first test would be charged for.
const warmUp = 128

// measure runs every test at every depth.
func (w *stopwatch) measure(ctx context.Context) ([]benchRun, error) {
	if err := w.append(ctx, w.tokens(min(warmUp, w.flags.depths[0]+w.flags.most()), 0)); err != nil {
		return nil, err
	}
	if err := w.turns.ready(); err != nil {
		return nil, err
	}
	var all []benchRun
	for _, depth := range w.flags.depths {
		runs, err := w.atDepth(ctx, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, runs...)
	}
	return all, nil
}

// atDepth runs every test behind depth tokens.
func (w *stopwatch) atDepth(ctx context.Context, depth int) ([]benchRun, error) {
	var runs []benchRun
	for _, n := range w.flags.prefills {
		runs = append(runs, benchRun{Test: testPrefill, Tokens: n, Depth: depth})
	}
	if w.flags.decode > 0 {
		runs = append(runs, benchRun{Test: testDecode, Tokens: w.flags.decode, Depth: depth})
	}
	for rep := range w.flags.reps {
		if err := w.turns.wait(ctx); err != nil {
			return nil, err
		}
		for i := range runs {
			d, err := w.time(ctx, &runs[i], runs[i].Tokens, rep+1)
			if err != nil {
				return nil, err
			}
			runs[i].Rates = append(runs[i].Rates, float64(runs[i].Tokens)/d.Seconds())
		}
		if rep == w.flags.reps-1 {
			if err := w.profile(ctx, runs); err != nil {
				return nil, err
			}
		}
		if err := w.turns.done(); err != nil {
			return nil, err
		}
	}
	return runs, w.rewind(ctx, depth)
}

// time is how long n tokens of a test take; seed chooses them.
func (w *stopwatch) time(ctx context.Context, run *benchRun, n, seed int) (time.Duration, error) {
	if err := w.rewind(ctx, run.Depth); err != nil {
		return 0, err
	}
	ids := w.tokens(n, seed)
	each := len(ids)
	if run.Test == testDecode {
		each = 1
	}
	begin := time.Now()
	for i := 0; i < len(ids); i += each {
		if err := w.append(ctx, ids[i:i+each]); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// profile runs the tests once more with the engine's own clock on, for what
// they read, how fast that can be read and, if wanted, where their time goes.
// Decoding reads alike for every token, so one is enough when only the bytes are
// asked for.
func (w *stopwatch) profile(ctx context.Context, runs []benchRun) error {
	for i := range runs {
		run, n := &runs[i], runs[i].Tokens
		if !w.flags.ops {
			if run.Test == testPrefill {
				continue
			}
			n = 1
		}
		if err := w.rewind(ctx, run.Depth); err != nil { // before the clock runs
			return err
		}
		w.model.Profile(true)
		d, err := w.time(ctx, run, n, 1)
		w.model.Profile(false)
		if err != nil {
			return err
		}
		ops := perToken(w.model.OpTimes(), d, n)
		if run.Test == testDecode {
			for _, op := range ops {
				run.TokenBytes += op.Bytes
			}
			if run.Bandwidth, err = w.model.WeightBandwidth(ctx); err != nil {
				return err
			}
			if run.Bandwidth > 0 {
				run.BandwidthShare = float64(run.TokenBytes) * median(run.Rates) / run.Bandwidth
			}
		}
		if w.flags.ops {
			run.Ops = ops
		}
	}
	return nil
}

// perToken is what operations cost for each of n tokens that took d together.
// What is left of d is one more operation: handing over batches and logits.
func perToken(times []engine.OpTime, d time.Duration, n int) []benchOp {
	var ops []benchOp
	add := func(group, step string, spent time.Duration, bytes int64) {
		ops = append(ops, benchOp{
			Group: group, Step: step, Seconds: spent.Seconds() / float64(n),
			Share: spent.Seconds() / d.Seconds(), Bytes: bytes / int64(n),
		})
	}
	left := d
	for _, t := range times {
		add(t.Group, t.Step, t.Duration, t.Bytes)
		left -= t.Duration
	}
	add("outside", "between batches", left, 0)
	return ops
}

func (w *stopwatch) append(ctx context.Context, ids []int32) error {
	return w.seq.Append(ctx, ids, engine.LastLogits, nil)
}

// rewind leaves depth tokens in the cache and puts in those that are missing.
// All that the cache keeps from one test to the next begins with the same tokens.
func (w *stopwatch) rewind(ctx context.Context, depth int) error {
	if kept := w.seq.Truncate(depth); kept < depth {
		return w.append(ctx, w.tokens(depth, 0)[kept:])
	}
	return nil
}

// tokens is n token ids that are the same in every run: the first 256 of the
// vocabulary, which every byte-level tokenizer has, in a scattered order, so
// that a mixture of experts has its experts picked as unevenly as in text.
func (w *stopwatch) tokens(n, seed int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((i*7919 + seed*104729) % min(w.model.Info().Vocabulary, 256))
	}
	return ids
}
