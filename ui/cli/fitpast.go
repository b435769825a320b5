package cli

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"scout/engine"
	"scout/hardware"
	"scout/hardware/ledger"
	"scout/hardware/plan"
)

// What a run must have for its speed to say something.
const (
	leastGenerated = 16  // tokens
	leastPrompt    = 256 // tokens that were read
)

// pastFile is where runs are remembered.
func (a *App) pastFile() string { return filepath.Join(a.stateDir, "runs.jsonl") }

// pastRuns is what is remembered of a machine; nothing where that cannot be read.
func (a *App) pastRuns(machine string) ledger.Runs {
	runs, err := ledger.Read(a.pastFile(), machine)
	if err != nil {
		return nil // a prediction without a past is still one
	}
	return runs
}

// keyOf is what a prediction is remembered under. The model is told by the sizes of
// its parts, so that a file and the catalogue's row for it are the same.
func keyOf(p *plan.Plan, threads int) ledger.Key {
	f := p.Facts
	k := ledger.Key{
		Model:   sumOf(f.Layers, f.Embedding, f.Output, f.Experts, f.ExpertsUsed, f.Width, f.Heads, f.Vocabulary),
		Context: p.Options.Context, KV: string(cmp.Or(p.Options.KV, plan.F16)), Threads: threads, Placement: "cpu",
	}
	most := int64(0)
	for _, t := range f.Types {
		if n := t.Fixed.Bytes + t.Routed.Bytes; n > most {
			most, k.Type = n, t.Type
		}
	}
	if EnginePlacement(p.Placement) != nil {
		k.Placement = sumOf(p.Placement)
	}
	return k
}

// sumOf is a short sum of values.
func sumOf(values ...any) string {
	text, _ := json.Marshal(values) // numbers and structs of them: it cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// past is how predictions like one went.
type past struct{ decode, prefill ledger.Past }

// correct multiplies a plan's rates with what earlier runs on this machine came to.
func (m planMachine) correct(p *plan.Plan) (of past) {
	if p == nil || len(m.past) == 0 {
		return past{}
	}
	k := keyOf(p, m.Cores)
	of = past{m.past.Past(k, ledger.Decode), m.past.Past(k, ledger.Prefill)}
	for _, s := range []*plan.Speed{&p.Decode, &p.DecodeEmpty} {
		s.Rate *= of.decode.Ratio
		s.Bound = max(s.Bound, s.Rate)
	}
	p.Prefill.Rate *= of.prefill.Ratio
	return of
}

// pastText is what a prediction rests on: "±8 % from 12 runs".
func pastText(p ledger.Past) string {
	if p.Runs == 0 {
		return ""
	}
	return fmt.Sprintf("±%.0f %% from %s", 100*p.Error, plural(p.Runs, "run"))
}

// remembered is a model that was opened here, of whose answers is remembered how fast
// they were.
type remembered struct {
	app     *App
	info    engine.Info
	memory  engine.Memory
	o       engine.Options // as asked for
	context int
	threads int

	machine string
	plan    planMachine
	err     error
	looked  bool
}

// remembering makes what is opened with o remembered. What it is goes in by opened,
// before there is an answer.
func (a *App) remembering(o *engine.Options) *remembered {
	r := &remembered{app: a, o: *o}
	o.Answered = r.answered
	return r
}

func (r *remembered) opened(m interface {
	Info() engine.Info
	Memory() engine.Memory
	Context() int
	Threads() int
}) {
	r.info, r.memory, r.context, r.threads = m.Info(), m.Memory(), m.Context(), m.Threads()
}

// answered remembers an answer, if there is enough of it.
func (r *remembered) answered(s engine.Stats) {
	f := ledger.Figures{}
	if s.Generated >= leastGenerated {
		f.Decode = s.DecodePerSecond()
	}
	if s.PromptDone-s.Reused >= leastPrompt {
		f.Prefill = s.PrefillPerSecond()
	}
	r.add(f, s.Reused, s.PromptTokens+s.Generated/2)
}

// add remembers what was measured of a prompt that began after so many tokens, and of
// generating with so many in the context. What cannot be remembered is no error: it
// only makes the next prediction poorer.
func (r *remembered) add(f ledger.Figures, before, depth int) {
	onGPU := r.o.Split.Layers > 0 || r.o.Placement != nil
	if f.Decode <= 0 && f.Prefill <= 0 || r.context == 0 || onGPU {
		return
	}
	decode, err := r.predict(depth)
	if err != nil {
		return
	}
	prefill, err := r.predict(before)
	if err != nil {
		return
	}
	use := decode.Devices[0]
	f.Weights, f.KV, f.Compute = r.memory.Weights, r.memory.KV, r.memory.Compute
	if peak, err := hardware.PeakRSS(); err == nil {
		f.Peak = peak
	}
	_ = ledger.Add(r.app.pastFile(), ledger.Run{
		Time: time.Now().UTC().Truncate(time.Second), Machine: r.machine, Key: keyOf(decode, r.threads), Depth: depth,
		Predicted: ledger.Figures{Weights: use.Weights, KV: use.KV, Compute: use.Compute, Decode: decode.Decode.Rate, Prefill: prefill.Prefill.Rate},
		Measured:  f,
	})
}

// rememberBench remembers what was measured, a run for every depth.
func (a *App) rememberBench(m model, o engine.Options, b benchRecord) {
	r := &remembered{app: a, o: o}
	r.opened(m)
	by := map[int]ledger.Figures{}
	var depths []int
	tokens := 0
	for _, run := range b.Runs {
		f, ok := by[run.Depth]
		if !ok {
			depths = append(depths, run.Depth)
		}
		if run.Test == testDecode && run.Tokens >= leastGenerated {
			f.Decode, tokens = median(run.Rates), run.Tokens
		} else if run.Test != testDecode && run.Tokens >= leastPrompt {
			f.Prefill = median(run.Rates)
		}
		by[run.Depth] = f
	}
	for _, d := range depths {
		r.add(by[d], d, d+tokens/2)
	}
}

// predict plans the model for this machine as it would be without it, uncorrected.
func (r *remembered) predict(depth int) (*plan.Plan, error) {
	if !r.looked {
		r.looked = true
		r.plan, r.machine, r.err = r.app.processorOnly(r.threads)
	}
	if r.err != nil {
		return nil, r.err
	}
	o := plan.Options{Context: r.context, Depth: min(depth, r.context), KV: plan.KVType(cmp.Or(r.o.KV, "f16"))}
	return plan.Make(factsOf(r.info), r.plan.Machine, o)
}

// processorOnly is this machine without a look at its devices, which takes a moment.
func (a *App) processorOnly(threads int) (m planMachine, id string, err error) {
	memory, err := a.memory()
	if err != nil {
		return m, "", err
	}
	machine, err := a.snapshot()
	if err != nil {
		return m, "", err
	}
	measured, err := hardware.LoadCalibration(a.measurements(), machine.ID)
	if err != nil {
		return m, "", err
	}
	m.Name, m.Cores = "this machine", threads
	m.RAM = plan.RAM{Total: memory.Total, Free: memory.Total}
	m.Disk = plan.Disk{Name: "disk", Bandwidth: 1e9} // its speed is not in any rate that is remembered
	if err := m.setMemorySpeed(machineRecord{Measured: measured.Figures}); err != nil {
		return m, "", err
	}
	m.CPUFlops = float64(threads) * coreFlops
	m.setKernels(measured.Figures, engine.ProcessorFeatures())
	return m, machine.ID, nil
}
