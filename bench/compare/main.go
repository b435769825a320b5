// Command compare measures scout and llama.cpp side by side on synthetic
// models, and says how they compare:
//
//	compare                        # everything: some 13 GB of models, a quarter of an hour
//	compare -quick                 # the smaller shapes
//	compare -models 'slice|dense' -sessions 5 -keep FOLDER
//	compare -realtime -json FILE   # on a machine that others use too
//	compare -list
//
// Run it inside the repository, on Linux on x86-64. It builds what it needs, and
// fetches llama.cpp's libraries unless YZMA_LIB says where they are (bench/setup).
//
// Both engines are programs of their own (scout bench, bench/peer) that have a
// model open at the same time and take turns: in each round first the one, then
// the other runs all tests while its rival sleeps. So what a machine does from
// one minute to the next meets both alike, and a ratio is of two figures that were
// measured one after the other. Each is set as it is fastest: llama.cpp may
// rearrange weights and uses flash attention, both keep keys and values in half
// precision.
//
// Memory need not be equally fast everywhere: on a virtual machine one part of it
// can be half as fast as another, and an engine that is unlucky stays so until it
// is started again. So all is done in several sessions, each with both engines
// started anew and a model written anew, which gives them other places.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

func main() {
	var o options
	o.flags(flag.CommandLine)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	pattern, keep, llama, json, markdown string
	sessions, rounds, threads            int
	quick, realtime, list                bool
}

func (o *options) flags(f *flag.FlagSet) {
	f.StringVar(&o.pattern, "models", "", "only the cases whose names match this regular `expression`")
	f.BoolVar(&o.quick, "quick", false, "only the smaller models")
	f.IntVar(&o.sessions, "sessions", 3, "how often engines are started and models written anew, at least 1")
	f.IntVar(&o.rounds, "rounds", 2, "how often each engine has its turn in a session, at least 1")
	f.IntVar(&o.threads, "threads", runtime.NumCPU(), "threads of each engine")
	f.StringVar(&o.keep, "keep", "", "keep the models in this `folder`, and use those that are there")
	f.StringVar(&o.llama, "llama", "", "`folder` for llama.cpp's libraries (default: YZMA_LIB, or one in the user's cache)")
	f.BoolVar(&o.realtime, "realtime", false, "run both engines before all other programs (chrt), which takes the machine from everybody else")
	f.StringVar(&o.json, "json", "", "write everything measured to this `file`")
	f.StringVar(&o.markdown, "md", "", "write the report to this `file` too")
	f.BoolVar(&o.list, "list", false, "print the cases and stop")
}

func run(ctx context.Context, o options) error {
	cases, err := o.cases()
	if err != nil || o.list {
		for _, c := range cases {
			fmt.Printf("%-14s %4.1f GB   synthmodel %s\n", c.Name, c.gigabytes, c.Model)
		}
		return err
	}
	if o.sessions < 1 || o.rounds < 1 || o.threads < 1 {
		return fmt.Errorf("compare: -sessions is %d, -rounds is %d and -threads is %d, want 1 or more", o.sessions, o.rounds, o.threads)
	}
	scratch, err := os.MkdirTemp("", "compare-")
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	defer os.RemoveAll(scratch)
	t, err := o.tools(scratch)
	if err != nil {
		return err
	}
	report := report{Date: time.Now().Format(time.DateOnly), Sessions: o.sessions, Rounds: o.rounds, Machine: readMachine(t, o)}
	models := models{folder: cmp.Or(o.keep, scratch), keep: o.keep != "", synth: t.synth}
	for _, c := range cases {
		r, err := t.compare(ctx, c, &models, o)
		if err != nil {
			return errors.Join(fmt.Errorf("compare: %s: %w", c.Name, err), report.write(o))
		}
		report.add(r)
	}
	models.drop()
	return report.write(o)
}

// cases are the cases that the flags choose.
func (o options) cases() ([]testCase, error) {
	pattern, err := regexp.Compile(o.pattern)
	if err != nil {
		return nil, fmt.Errorf("compare: -models: %w", err)
	}
	var chosen []testCase
	for _, c := range allCases() {
		if pattern.MatchString(c.Name) && !(o.quick && c.gigabytes > quickGigabytes) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("compare: no case is named like %q, -list shows them", o.pattern)
	}
	return chosen, nil
}

// libraries is the folder of llama.cpp's libraries.
func (o options) libraries() (string, error) {
	if folder := cmp.Or(o.llama, os.Getenv("YZMA_LIB")); folder != "" {
		return folder, nil
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "llama-peer"), err
}
