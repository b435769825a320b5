package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// speed is what to time: prompts of these lengths, decoded tokens, and how many
// tokens are in the cache before either.
type speed struct {
	prompts                    lengths
	decode, depth, repetitions int
	turns                      bool // wait for a line on standard input before each repetition
}

// lengths is a flag: numbers with commas between. Zeros are left out.
type lengths []int

func (l *lengths) String() string { return strings.Trim(fmt.Sprint([]int(*l)), "[]") }

func (l *lengths) Set(s string) error {
	*l = nil
	for f := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no number of tokens", f)
		}
		if n > 0 {
			*l = append(*l, n)
		}
	}
	return nil
}

func (p speed) wanted() bool { return len(p.prompts) > 0 || p.decode > 0 }

// cells is the room that the tests need in the KV cache.
func (p speed) cells() int {
	return max(p.depth+slices.Max(append([]int{p.decode}, p.prompts...)), warmUp) + slack
}

// speedRun is one test, in the form that "scout bench --json" has.
type speedRun struct {
	Test   string    `json:"test"` // "pp" or "tg"
	Tokens int       `json:"tokens"`
	Depth  int       `json:"depth"`
	Rates  []float64 `json:"tok_s"` // one for each repetition
}

// warmUp is the length of the untimed first prompt, scout's too. Its purpose is to
// fault the weights in and to start the threads.
const warmUp = 128

// run measures tokens per second of prefill and of decoding. With turns, it
// says when it is ready and when each repetition is done, as scout does.
func (p speed) run(s *session) ([]speedRun, error) {
	if err := s.decode(p.filler(s, warmUp, 0), 0, false, nil); err != nil {
		return nil, err
	}
	if err := s.wait(); err != nil {
		return nil, err
	}
	runs := make([]speedRun, 0, len(p.prompts)+1)
	for _, n := range p.prompts {
		runs = append(runs, speedRun{Test: "pp", Tokens: n, Depth: p.depth})
	}
	if p.decode > 0 {
		runs = append(runs, speedRun{Test: "tg", Tokens: p.decode, Depth: p.depth})
	}
	lines := bufio.NewReader(os.Stdin)
	for r := range p.repetitions {
		if err := p.takeTurn(lines, r); err != nil {
			return nil, err
		}
		for i := range runs {
			d, err := p.timed(s, &runs[i], r)
			if err != nil {
				return nil, err
			}
			runs[i].Rates = append(runs[i].Rates, float64(runs[i].Tokens)/d.Seconds())
		}
	}
	return runs, p.takeTurn(lines, p.repetitions)
}

// takeTurn says that n turns are over and waits for the next. The end of the
// input waits for nothing any more.
func (p speed) takeTurn(lines *bufio.Reader, n int) error {
	if !p.turns {
		return nil
	}
	if err := printJSON(map[string]int{"turn": n}); err != nil {
		return err
	}
	if _, err := lines.ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("peer: waiting for a turn: %w", err)
	}
	return nil
}

// timed is how long a test takes behind the wanted depth.
func (p speed) timed(s *session, run *speedRun, repetition int) (time.Duration, error) {
	if err := s.rewind(p.depth, p.filler(s, p.depth, 0)); err != nil {
		return 0, err
	}
	ids := p.filler(s, run.Tokens, repetition+1)
	each := run.Tokens
	if run.Test == "tg" {
		each = 1
	}
	start := time.Now()
	for i := 0; i < run.Tokens; i += each {
		if err := s.decode(ids[i:i+each], p.depth+i, false, nil); err != nil {
			return 0, err
		}
		if err := s.wait(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// filler is n token ids that are spread over the first 256, which every
// vocabulary has: the ones that "scout bench" takes too, so that both engines
// send a prompt to equally many experts. Different seeds give different ids.
func (p speed) filler(s *session, n, seed int) []llama.Token {
	ids := make([]llama.Token, n)
	for i := range ids {
		ids[i] = llama.Token((i*7919 + seed*104729) % min(s.nVocab, 256))
	}
	return ids
}
