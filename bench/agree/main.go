// Command agree compares scout with llama.cpp on synthetic models of many
// shapes. For each case it writes the model, lets both compute the logits of
// the same token ids, and prints how far apart they are:
//
//	agree                          # everything; exit status 1 if a case fails
//	agree -run 'q4_k|long' -v      # the cases whose names match
//	agree -against peer            # llama.cpp with itself, other kernels: what the gates are worth
//	agree -list
//
// Both sides are programs of their own, so this one needs neither engine. It is
// run inside the repository and builds what it needs; the folder of llama.cpp's
// libraries is in YZMA_LIB (bench/setup).
//
// Routing is a jump: noise in the last bits can send a token to another expert,
// after which nothing agrees. Flips are found by comparing which experts both
// sides chose, when scout can say (eval --routes).
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"
)

func main() {
	var o options
	o.flags(flag.CommandLine)
	flag.Parse()
	failed, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	peer, synth, scout string
	against, pattern   string
	list, verbose      bool
}

func (o *options) flags(f *flag.FlagSet) {
	f.StringVar(&o.peer, "peer", "", "the peer `program`; built when not given")
	f.StringVar(&o.synth, "synth", "", "the synthmodel `program`; built when not given")
	f.StringVar(&o.scout, "scout", "", "the scout `program`; built when not given")
	f.StringVar(&o.against, "against", "scout", "what to compare llama.cpp with: scout or peer")
	f.StringVar(&o.pattern, "run", "", "only the cases whose names match this regular `expression`")
	f.BoolVar(&o.list, "list", false, "print the cases and stop")
	f.BoolVar(&o.verbose, "v", false, "print the command that writes each model, and every flip")
}

// run returns how many cases failed.
func run(o options) (failed int, err error) {
	pattern, err := regexp.Compile(o.pattern)
	if err != nil {
		return 0, fmt.Errorf("agree: -run: %w", err)
	}
	dir, err := os.MkdirTemp("", "agree-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	t := &tools{dir: dir, peer: o.peer, synth: o.synth, scout: o.scout, against: o.against}
	if err := t.prepare(); err != nil {
		return 0, err
	}
	cases, err := matrix(t)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	var passed, skipped int
	for _, c := range cases {
		if !pattern.MatchString(c.name) {
			continue
		}
		if o.list {
			fmt.Printf("%-34s synthmodel %s\n", c.name, c.model)
			continue
		}
		r, err := t.compare(c)
		var skip *skipError
		switch {
		case errors.As(err, &skip):
			skipped++
			fmt.Printf("SKIP %-34s %v\n", c.name, skip)
			continue
		case err != nil:
			r.problems = append(r.problems, err.Error())
		}
		r.print(os.Stdout, c, o.verbose)
		if len(r.problems) > 0 {
			failed++
		} else {
			passed++
		}
	}
	if !o.list {
		fmt.Printf("%d passed, %d failed, %d skipped in %.0f s\n", passed, failed, skipped, time.Since(start).Seconds())
	}
	return failed, nil
}
