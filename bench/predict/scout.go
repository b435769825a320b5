package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"scout/bench/internal/programs"
)

// models are those that are predicted: half of them mixtures of experts, six types of
// weights, from narrow to as wide as Scout.
var models = []struct{ name, shape string }{
	{"moe-q4_k", "-layers 4 -hidden 4096 -heads 32 -kv 8 -hd 128 -ff 4096 -experts 16 -vocab 8192 -quant q4_k -qdown q6_k"},
	{"moe-q6_k", "-layers 4 -hidden 2048 -heads 16 -kv 8 -hd 128 -ff 4096 -experts 16 -vocab 32768 -quant q6_k"},
	{"moe-q8_0", "-layers 6 -hidden 2048 -heads 16 -kv 4 -hd 128 -ff 3072 -experts 16 -vocab 8192 -quant q8_0 -qout q8_0"},
	{"moe-iq4_xs", "-layers 4 -hidden 4096 -heads 32 -kv 8 -hd 128 -ff 4096 -experts 16 -vocab 8192 -quant iq4_xs"},
	{"dense-q4_k", "-arch llama -layers 8 -hidden 4096 -heads 32 -kv 8 -hd 128 -ffd 14336 -vocab 8192 -quant q4_k -qdown q6_k"},
	{"dense-q5_k", "-arch qwen2 -layers 12 -hidden 3584 -heads 28 -kv 4 -hd 128 -ffd 9472 -vocab 16384 -quant q5_k"},
	{"dense-q8_0", "-arch llama -layers 10 -hidden 3072 -heads 24 -kv 8 -hd 128 -ffd 8192 -vocab 65536 -quant q8_0 -qout q8_0"},
	{"dense-q3_k", "-arch llama -layers 8 -hidden 4096 -heads 32 -kv 8 -hd 128 -ffd 14336 -vocab 8192 -quant q3_k"},
}

// predictor runs scout with a state of its own.
type predictor struct {
	scout, synth, state string
	o                   options
	depths              []int
}

func newPredictor(dir string, o options) (*predictor, error) {
	p := &predictor{o: o, state: filepath.Join(dir, "state")}
	var err error
	if p.depths, err = numbers(o.depths); err != nil {
		return nil, err
	}
	repository, err := programs.Repository()
	if err != nil {
		return nil, err
	}
	if p.scout, err = programs.Scout.Build(repository, dir); err != nil {
		return nil, err
	}
	p.synth, err = programs.SynthModel.Build(repository, dir)
	return p, err
}

// ask runs scout and decodes what it says.
func (p *predictor) ask(into any, args ...string) error {
	if p.o.threads > 0 {
		args = append(args, "--threads", fmt.Sprint(p.o.threads))
	}
	cmd := exec.Command(p.scout, args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+p.state)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("scout %v: %w", args, err)
	}
	return json.Unmarshal(out, into)
}

// fit is what is used of scout fit's answer.
type fit struct {
	Decode  float64  `json:"decode_tok_s"`
	Prefill float64  `json:"prefill_tok_s"`
	Weights int64    `json:"weight_bytes"`
	Sources []string `json:"sources"`
}

// calibrate measures the machine.
func (p *predictor) calibrate() error {
	var f fit
	if err := p.ask(&f, "fit", "demo", "--measure", "--json"); err != nil {
		return err
	}
	for _, s := range f.Sources {
		fmt.Println(s)
	}
	fmt.Println()
	return nil
}

// benched is what is used of scout bench's answer.
type benched struct {
	Runs []struct {
		Test  string    `json:"test"`
		Depth int       `json:"depth"`
		Rates []float64 `json:"tok_s"`
	} `json:"runs"`
}

// compare predicts a model at every depth, then measures it, and prints.
func (p *predictor) compare(name, path string) (rows []row, err error) {
	const generated = 32
	for _, depth := range p.depths {
		var f fit
		context := fmt.Sprint(depth + promptSize + 1)
		// Halfway through what is generated.
		if err := p.ask(&f, "fit", path, "--json", "--ctx", context, "--depth", fmt.Sprint(depth+generated/2)); err != nil {
			return nil, err
		}
		r := row{Model: name, Gigabytes: float64(f.Weights) / 1e9, Depth: depth, Decode: f.Decode}
		if err := p.ask(&f, "fit", path, "--json", "--ctx", context, "--depth", fmt.Sprint(depth)); err != nil {
			return nil, err
		}
		r.Prefill = f.Prefill
		var b benched
		if err := p.ask(&b, "bench", path, "--json", "--pp", fmt.Sprint(promptSize), "--tg", fmt.Sprint(generated),
			"--depth", fmt.Sprint(depth), "--reps", fmt.Sprint(p.o.reps)); err != nil {
			return nil, err
		}
		for _, run := range b.Runs {
			if run.Test == "tg" {
				r.Decoded = median(run.Rates)
			} else {
				r.Filled = median(run.Rates)
			}
		}
		if r.Decoded <= 0 || r.Filled <= 0 || r.Prefill <= 0 {
			return nil, fmt.Errorf("%s at %d: got predicted %v and measured %v tokens/s", name, depth, r.Prefill, r.Filled)
		}
		r.print()
		rows = append(rows, r)
	}
	return rows, nil
}
