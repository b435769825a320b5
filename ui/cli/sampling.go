package cli

import (
	"math"
	"math/rand/v2"

	"github.com/spf13/pflag"

	"scout/engine"
)

// samplingFlags is the flags that say how the next token is chosen.
type samplingFlags struct {
	temperature, topP, minP          float32
	repeat, presence, frequency      float32
	topK, maxTokens, topLogProbs     int
	seed                             uint64
	stop                             []string
	temperatureSet, topPSet, seedSet bool
}

// register adds the flags to a command's.
func (f *samplingFlags) register(flags *pflag.FlagSet) {
	flags.Float32Var(&f.temperature, "temp", 0, "temperature; 0 always takes the likeliest token (default 0.6, for demo 0)")
	flags.Float32Var(&f.topP, "top-p", 0, "keep the likeliest tokens that together have this probability; 1 keeps all (default 0.9)")
	flags.IntVar(&f.topK, "top-k", 0, "keep this many of the likeliest tokens; 0 keeps all")
	flags.Float32Var(&f.minP, "min-p", 0, "keep tokens at least this share as likely as the likeliest")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of the random choices (default: drawn, shown by --stats)")
	flags.IntVar(&f.maxTokens, "max-tokens", 0, "end the answer after this many tokens; 0 is no limit but the context")
	flags.StringArrayVar(&f.stop, "stop", nil, "end the answer before this text; may be given several times")
	flags.Float32Var(&f.repeat, "repeat-penalty", 1, "divide the score of recent tokens by this; 1 is none")
	flags.Float32Var(&f.presence, "presence-penalty", 0, "lower the score of recent tokens by this")
	flags.Float32Var(&f.frequency, "frequency-penalty", 0, "lower the score of recent tokens by this for each time they came up")
	flags.IntVar(&f.topLogProbs, "top-logprobs", 0, "with --json or --jsonl, report this many likeliest tokens at each step")
}

// check refuses values that mean nothing, and notes which flags were given.
func (f *samplingFlags) check(flags *pflag.FlagSet) error {
	f.temperatureSet, f.topPSet, f.seedSet = flags.Changed("temp"), flags.Changed("top-p"), flags.Changed("seed")
	ranges := []struct {
		flag      string
		got       float32
		low, high float32
	}{
		{"temp", f.temperature, 0, math.MaxFloat32},
		{"top-p", f.topP, 0, 1},
		{"min-p", f.minP, 0, 1},
		{"repeat-penalty", f.repeat, 0, math.MaxFloat32},
		{"presence-penalty", f.presence, -math.MaxFloat32, math.MaxFloat32},
		{"frequency-penalty", f.frequency, -math.MaxFloat32, math.MaxFloat32},
	}
	for _, r := range ranges {
		if !(r.got >= r.low && r.got <= r.high) { // so that NaN is refused too
			return usageErrorf("--%s is %v, want %s", r.flag, r.got, interval(r.low, r.high))
		}
	}
	for flag, got := range map[string]int{"top-k": f.topK, "max-tokens": f.maxTokens, "top-logprobs": f.topLogProbs} {
		if got < 0 {
			return usageErrorf("--%s is %d, want 0 or more", flag, got)
		}
	}
	for _, s := range f.stop {
		if s == "" {
			return usageErrorf("--stop is empty, want a text to stop before")
		}
	}
	return nil
}

// interval says in words which numbers are allowed.
func interval(low, high float32) string {
	switch {
	case low == 0 && high == 1:
		return "0 to 1"
	case low == 0:
		return "a number, 0 or more"
	}
	return "a number"
}

// sampling is what the engine is asked for. What was not given follows the
// model family's own recommendation, temperature 0.6 and top-p 0.9 for Llama 4
// and the Llama 3 family before it (their published generation settings). The
// demo model knows few sentences by heart and gains nothing from chance, so it
// is greedy.
func (f *samplingFlags) sampling(demo bool) engine.Sampling {
	s := engine.Sampling{
		Temperature: 0.6, TopP: 0.9,
		TopK: f.topK, MinP: f.minP,
		RepeatPenalty: f.repeat, PresencePenalty: f.presence, FrequencyPenalty: f.frequency,
		Seed: f.seed, MaxTokens: f.maxTokens, Stop: f.stop, TopLogProbs: f.topLogProbs,
	}
	if demo {
		s.Temperature = 0
	}
	if f.temperatureSet {
		s.Temperature = f.temperature
	}
	if f.topPSet {
		s.TopP = f.topP
	}
	if !f.seedSet {
		// 32 bits, so that every JSON reader keeps it exactly.
		s.Seed = uint64(rand.Uint32())
	}
	return s
}

// samplingRecord is what it takes to get the same answer again, as JSON.
type samplingRecord struct {
	Temperature      float32  `json:"temperature"`
	TopP             float32  `json:"top_p"`
	TopK             int      `json:"top_k"`
	MinP             float32  `json:"min_p"`
	RepeatPenalty    float32  `json:"repeat_penalty"`
	PresencePenalty  float32  `json:"presence_penalty"`
	FrequencyPenalty float32  `json:"frequency_penalty"`
	Seed             uint64   `json:"seed"`
	MaxTokens        int      `json:"max_tokens"`
	Stop             []string `json:"stop"`
}

func newSamplingRecord(s engine.Sampling) samplingRecord {
	stop := s.Stop
	if stop == nil {
		stop = []string{}
	}
	return samplingRecord{
		Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, MinP: s.MinP,
		RepeatPenalty: s.RepeatPenalty, PresencePenalty: s.PresencePenalty, FrequencyPenalty: s.FrequencyPenalty,
		Seed: s.Seed, MaxTokens: s.MaxTokens, Stop: stop,
	}
}
