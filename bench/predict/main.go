// Command predict holds what scout fit predicts against what scout bench measures, on
// synthetic models of several shapes and types:
//
//	predict                      # eight models of 0.5 to 2 GB, one after the other
//	predict -models 'moe|slice' -slice FILE -depths 0,4096
//	predict -reps 5 -json FILE
//
// Run it inside the repository, on a machine that does nothing else: half of what it
// compares is a measurement. It measures the machine once (scout fit --measure) into a
// folder of its own, and then predicts every model before it is run. The goals are the
// medians of the errors: 10 % in generating, 20 % in reading prompts.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"scout/bench/internal/programs"
)

// The goals, as shares.
const (
	decodeGoal  = 0.10
	prefillGoal = 0.20
	promptSize  = 512 // tokens of a prompt: the engine's batch, which predictions are for
)

type options struct {
	models, slice, depths, folder, json string
	reps, threads                       int
}

func main() {
	var o options
	flag.StringVar(&o.models, "models", ".", "which models, a regular `expression`")
	flag.StringVar(&o.slice, "slice", "", "a `file` to predict too")
	flag.StringVar(&o.depths, "depths", "0,4096", "tokens in the context, `list`")
	flag.StringVar(&o.folder, "folder", os.TempDir(), "`folder` for models, one at a time")
	flag.StringVar(&o.json, "json", "", "write the rows to this `file` too")
	flag.IntVar(&o.reps, "reps", 3, "repetitions of each measurement")
	flag.IntVar(&o.threads, "threads", 0, "threads; 0: scout's own choice")
	flag.Parse()
	ok, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "predict:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(3) // a goal was missed
	}
}

// run compares, prints, and says whether the goals were met.
func run(o options) (bool, error) {
	which, err := regexp.Compile(o.models)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp(o.folder, "predict-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	p, err := newPredictor(dir, o)
	if err != nil {
		return false, err
	}
	if err := p.calibrate(); err != nil {
		return false, err
	}
	var rows []row
	fmt.Printf("%-10s %6s %6s  %9s %9s %7s  %9s %9s %7s\n", "model", "GB", "depth", "decode", "measured", "error", "prefill", "measured", "error")
	for _, m := range models {
		if !which.MatchString(m.name) {
			continue
		}
		path := filepath.Join(dir, m.name+".gguf")
		if _, err := programs.Output(p.synth, append(strings.Fields(m.shape+" -fast"), "-o", path)...); err != nil {
			return false, err
		}
		some, err := p.compare(m.name, path)
		os.Remove(path)
		if err != nil {
			return false, err
		}
		rows = append(rows, some...)
	}
	if o.slice != "" {
		some, err := p.compare("file", o.slice)
		if err != nil {
			return false, err
		}
		rows = append(rows, some...)
	}
	if len(rows) == 0 {
		return false, errors.New("no model has such a name")
	}
	if o.json != "" {
		text, err := json.MarshalIndent(rows, "", "  ")
		if err != nil {
			return false, err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o666); err != nil {
			return false, err
		}
	}
	return summary(rows), nil
}

// row is one comparison. Rates are tokens per second.
type row struct {
	Model                            string
	Gigabytes                        float64
	Depth                            int
	Decode, Decoded, Prefill, Filled float64 // predicted, measured; of a prompt
}

func off(predicted, measured float64) float64 { return predicted/measured - 1 }

func (r row) print() {
	fmt.Printf("%-10s %6.2f %6d  %9.2f %9.2f %+6.1f%%  %9.1f %9.1f %+6.1f%%\n", r.Model, r.Gigabytes, r.Depth,
		r.Decode, r.Decoded, 100*off(r.Decode, r.Decoded), r.Prefill, r.Filled, 100*off(r.Prefill, r.Filled))
}

// summary prints the medians and says whether the goals were met.
func summary(rows []row) bool {
	var decode, prefill []float64
	for _, r := range rows {
		decode = append(decode, math.Abs(off(r.Decode, r.Decoded)))
		prefill = append(prefill, math.Abs(off(r.Prefill, r.Filled)))
	}
	d, p := median(decode), median(prefill)
	fmt.Printf("\n%d rows; median error of decode %.1f %% (goal %.0f), worst %.1f %%; of prefill %.1f %% (goal %.0f), worst %.1f %%\n",
		len(rows), 100*d, 100*decodeGoal, 100*slices.Max(decode), 100*p, 100*prefillGoal, 100*slices.Max(prefill))
	return d <= decodeGoal && p <= prefillGoal
}

// median is the middle of the values, or the middle of the two in the middle.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// numbers reads a list with commas.
func numbers(list string) (out []int, err error) {
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no list of depths", list)
		}
		out = append(out, n)
	}
	return out, nil
}
