// Command peer runs llama.cpp (prebuilt shared libraries, found through YZMA_LIB;
// bench/setup fetches them) on a GGUF file. It is the independent side of
// correctness and speed checks, and prints one line of JSON:
//
//	peer -m m.gguf -ids 1,5,9 -logits out.f32 -routes routes.json -greedy 16
//	peer -m m.gguf -pp 32,512 -tg 32 -r 5 -t 2
//	peer -m m.gguf -text "It's 12345" -special=false
//
// The first decoded token of a fresh file includes page faults; speed is
// measured after a short prompt. llama.cpp's own answers move with -fa, -kv,
// -repack and the processor (key "cpu").
package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"
)

func main() {
	runtime.LockOSThread()
	var o options
	o.flags(flag.CommandLine)
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	config                    config
	speed                     speed
	ids, logits, routes, text string
	greedy, start             int
	special, verbose          bool
}

func (o *options) flags(f *flag.FlagSet) {
	f.StringVar(&o.config.model, "m", "", "model `file`")
	f.StringVar(&o.ids, "ids", "1,2,3", "token `ids` with commas between, or @file with ids between white space or commas, or a JSON array")
	f.IntVar(&o.start, "start", 0, "position of the first id")
	f.StringVar(&o.logits, "logits", "", "write the logits of every id here: little-endian float32 [tokens, vocabulary]")
	f.StringVar(&o.routes, "routes", "", "write the router logits and chosen experts of every layer and id here, as JSON")
	f.IntVar(&o.greedy, "greedy", 0, "tokens to continue with greedily")
	f.Var(&o.speed.prompts, "pp", "speed: prompt `tokens`, several with commas between")
	f.IntVar(&o.speed.decode, "tg", 0, "speed: decoded tokens")
	f.IntVar(&o.speed.depth, "depth", 0, "speed: tokens in the cache before measuring")
	f.IntVar(&o.speed.repetitions, "r", 3, "speed: repetitions")
	f.BoolVar(&o.speed.turns, "turns", false, "speed: wait for a line on standard input before each repetition, and say when it is done")
	f.IntVar(&o.config.threads, "t", runtime.NumCPU(), "threads")
	f.StringVar(&o.text, "text", "", "tokenize this text and print its ids")
	f.BoolVar(&o.special, "special", true, "parse special tokens in -text")
	f.IntVar(&o.config.batch, "batch", 0, "tokens to decode in one call (0: all)")
	f.StringVar(&o.config.kv, "kv", "f16", "element type of the KV cache: f16, f32 or q8_0")
	f.BoolVar(&o.config.flash, "fa", true, "flash attention")
	f.BoolVar(&o.config.repack, "repack", true, "let the CPU backend rearrange weights for its own kernels")
	f.BoolVar(&o.verbose, "v", false, "llama.cpp's log")
}

func run(o options) error {
	start := time.Now()
	if err := loadLibrary(o.verbose); err != nil {
		return err
	}
	s, err := loadModel(o.config)
	if err != nil {
		return err
	}
	switch {
	case o.text != "":
		return printJSON(llama.Tokenize(s.vocab, o.text, false, o.special))
	case o.speed.wanted():
		return o.measure(s, start)
	}
	return o.evaluate(s)
}

// measure prints prefill and decode speed.
func (o options) measure(s *session, start time.Time) error {
	o.config.context, o.config.windows = o.speed.cells(), true
	if err := s.start(o.config); err != nil {
		return err
	}
	load := time.Since(start)
	runs, err := o.speed.run(s)
	if err != nil {
		return err
	}
	return printJSON(map[string]any{"engine": "llama.cpp", "cpu": cpuVariant(), "threads": o.config.threads,
		"load_s": load.Seconds(), "runs": runs})
}

// slack is how many cells of the KV cache are left unused.
const slack = 8

// evaluate decodes the ids, writes what was asked for, and continues greedily.
func (o options) evaluate(s *session) error {
	ids, err := parseIDs(o.ids)
	if err != nil {
		return err
	}
	o.config.context = len(ids) + o.greedy + slack
	last, err := o.prompt(s, ids)
	if err != nil {
		return err
	}
	next, err := continueGreedily(s, last, o.start+len(ids), o.greedy)
	if err != nil {
		return err
	}
	return printJSON(map[string]any{"vocab": s.nVocab, "greedy": next, "first": last[:min(8, len(last))], "cpu": cpuVariant()})
}

// prompt starts a context, decodes the ids, writes logits and routes where
// they are wanted, and returns the logits of the last id.
func (o options) prompt(s *session, ids []llama.Token) (last []float32, err error) {
	var rec *recorder
	if o.routes != "" {
		if rec, err = newRecorder(o.start); err != nil {
			return nil, err
		}
		o.config.eval = rec.callback()
	}
	if err := s.start(o.config); err != nil {
		return nil, err
	}
	out := io.Discard
	if o.logits != "" {
		f, err := os.Create(o.logits)
		if err != nil {
			return nil, fmt.Errorf("peer: writing logits: %w", err)
		}
		defer func() { err = cmp.Or(err, f.Close()) }()
		out = f
	}
	err = s.decode(ids, o.start, true, func(row []float32) error {
		last = append(last[:0], row...)
		_, err := out.Write(bytesOf(row))
		return err
	})
	if err == nil && rec != nil {
		err = rec.write(o.routes, len(ids))
	}
	return last, err
}

// continueGreedily decodes the best token n times, from the logits given.
func continueGreedily(s *session, logits []float32, at, n int) ([]int, error) {
	var ids []int
	logits = slices.Clone(logits)
	for i := range n {
		best := 0
		for j, v := range logits {
			if v > logits[best] {
				best = j
			}
		}
		ids = append(ids, best)
		err := s.decode([]llama.Token{llama.Token(best)}, at+i, true, func(row []float32) error {
			logits = append(logits[:0], row...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// parseIDs reads token ids from a flag, or from the file it names after an @.
func parseIDs(s string) ([]llama.Token, error) {
	if path, ok := strings.CutPrefix(s, "@"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("peer: reading ids: %w", err)
		}
		s = string(b)
	}
	var ids []llama.Token
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(", \t\r\n[]", r) }) {
		n, err := strconv.ParseInt(f, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("peer: reading ids: %w", err)
		}
		ids = append(ids, llama.Token(n))
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("peer: reading ids: there are none")
	}
	return ids, nil
}

func printJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	fmt.Println(string(b))
	return nil
}
