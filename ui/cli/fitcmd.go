package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"scout/engine"
	"scout/hardware/catalogue"
	"scout/hardware/plan"
)

// planFlags is what "scout fit" can be told.
type planFlags struct {
	gpus              []string
	ram, memory, disk string
	context, depth    int
	threads           int
	kv                string
	vision, measure   bool
	json              bool
}

// fitCommand is "scout fit": what runs on a machine, how fast, with what where.
func (a *App) fitCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "fit [MODEL]",
		Short: "Say what fits this machine, or one you may buy",
		Long: "Says whether a model fits, what would lie where, and how fast it would be, before anything is downloaded. " +
			"MODEL is a GGUF file, of which only the header is read, one on a hub (hf.co/user/repository:Q4_K_M), likewise, or a name of the catalogue, with a quantization or without: llama4:scout, llama4:scout:Q4_K_M. " +
			"Without a model, the whole catalogue is planned and one model recommended. " +
			"With --gpu, --ram or --memory the answer is about another machine.",
		Example: "scout fit\nscout fit model.gguf --ctx 32768 --measure\nscout fit llama4:scout --gpu \"RTX 4090\" --ram 64GB\nscout fit llama4:scout:Q4_K_M --gpu \"Apple M4 Max\"",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageErrorf("fit takes one model or none, got %d arguments", len(args))
			}
			if err := f.check(cmd.Flags().Changed("depth")); err != nil {
				return err
			}
			return a.fit(cmd.Context(), strings.Join(args, ""), f)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.gpus, "gpu", nil, "plan for a machine with this card, or for this machine with unified memory; may be given several times; here: this machine with its own cards; none: without")
	flags.StringVar(&f.ram, "ram", "", "plan for a machine with this much memory, such as 64GB")
	flags.StringVar(&f.memory, "memory", "", "plan for this kind of memory, such as \"12-channel DDR5-4800\" (default with --gpu or --ram: dual-channel DDR5-5600)")
	flags.StringVar(&f.disk, "disk", "", "kind of disk: hdd, sata, nvme, nvme4, nvme5, usb, mmc, network or virtual (default: that of the models, sata with --gpu or --ram)")
	flags.IntVar(&f.context, "ctx", engine.DefaultContext, "positions to make room for")
	flags.IntVar(&f.depth, "depth", 0, "tokens in the context for which speed is predicted (default: the context, full)")
	registerKV(flags, &f.kv)
	flags.IntVar(&f.threads, "threads", 0, "threads that compute (default: one per usable core; 16 with --gpu or --ram)")
	flags.BoolVar(&f.vision, "vision", false, "make room for the vision tower too")
	flags.BoolVar(&f.measure, "measure", false, "measure this machine's memory and the disk of its models, about six seconds, and remember it")
	flags.BoolVar(&f.json, "json", false, "write one JSON object")
	return cmd
}

// whatIf says whether the question is about another machine.
func (f *planFlags) whatIf() bool { return len(f.namedGPUs()) > 0 || f.ram != "" || f.memory != "" }

func (f *planFlags) check(depthGiven bool) error {
	if f.context < 1 || f.context > mostPositions {
		return usageErrorf("--ctx is %d, want 1 to %d", f.context, mostPositions)
	}
	if !depthGiven {
		f.depth = f.context
	}
	if f.depth < 0 || f.depth > f.context {
		return usageErrorf("--depth is %d, want 0 to %d, the context", f.depth, f.context)
	}
	if f.measure && f.whatIf() {
		return usageErrorf("--measure measures this machine, and --gpu, --ram and --memory ask about another")
	}
	if err := checkKV(f.kv); err != nil {
		return err
	}
	return checkSizes(0, f.threads)
}

func (f *planFlags) options() plan.Options {
	return plan.Options{Context: f.context, Depth: f.depth, KV: plan.KVType(f.kv)}
}

// fit answers for one model or for the catalogue.
func (a *App) fit(ctx context.Context, name string, f planFlags) error {
	m, err := a.planMachine(ctx, f)
	if err != nil {
		return err
	}
	if name == "" {
		return a.fitCatalogue(m, f)
	}
	entry, quantization, known := catalogue.Find(name)
	if _, err := os.Stat(name); err == nil || !known {
		return a.fitFile(ctx, name, m, f)
	}
	if quantization == "" {
		return a.fitModel(entry, m, f)
	}
	q, ok := entry.Quant(quantization)
	if !ok {
		return usageErrorf("%s has no quantization %q, want one of %s", entry.Name, quantization, strings.Join(quantNames(entry), ", "))
	}
	c := planned(entry, q, m, f)
	if c.err != nil {
		return a.noFit(entry.Name+":"+q.Name, c, m, f)
	}
	return a.reportFit(c, a.faster(entry, c, m, f), m, f)
}

func quantNames(m catalogue.Model) []string {
	var names []string
	for _, q := range m.Quants {
		names = append(names, q.Name)
	}
	return names
}

// fitFile plans the model of a file, or the demo.
func (a *App) fitFile(ctx context.Context, name string, m planMachine, f planFlags) error {
	info, read, err := a.inspectAnywhere(ctx, name)
	if errors.Is(err, fs.ErrNotExist) && !strings.HasSuffix(name, ".gguf") {
		return usageErrorf("%s is no file and not in the catalogue, which has %s", name, strings.Join(catalogue.Names(), ", "))
	}
	if err != nil {
		return err
	}
	if read > 0 {
		m.source("model: the headers of its files, %s of %s", formatSize(read), formatSize(info.Bytes))
	}
	c := candidate{name: name, runs: true, facts: factsOf(info)}
	if f.vision && c.facts.Vision == 0 {
		c.facts.Vision = a.towerBytes(name, &m)
	}
	c.plan, c.err = plan.Make(c.facts, m.Machine, f.options())
	c.past = m.correct(c.plan)
	if c.err != nil {
		return a.noFit(name, c, m, f)
	}
	return a.reportFit(c, nil, m, f)
}

// towerBytes is the size of the vision tower that lies beside a model; 0 without one.
func (a *App) towerBytes(name string, m *planMachine) int64 {
	for _, tower := range a.findTowers(name) {
		if info, err := os.Stat(tower); err == nil {
			m.source("vision: a tower of %s in a file of its own", formatSize(info.Size()))
			return info.Size()
		}
	}
	m.source("vision: no tower was found beside the model")
	return 0
}

// factsOf is what planning needs of a file's header.
func factsOf(info engine.Info) plan.Facts {
	h := plan.Header{
		Name: cmp.Or(info.Name, info.Path), Width: info.Width, Heads: info.Heads, KVHeads: info.KVHeads, HeadDim: info.HeadDim,
		FF: info.FF, ExpertFF: info.ExpertFF, Experts: info.Experts, ExpertsUsed: info.ExpertsUsed,
		Vocabulary: info.Vocabulary, ContextLength: info.ContextLength, Bytes: info.Bytes,
	}
	for _, b := range info.Blocks {
		h.Layers = append(h.Layers, plan.Layer{Attention: b.Attention, Dense: b.Dense, Experts: b.Experts, Chunk: b.Chunk})
	}
	for _, r := range info.Reads {
		h.Types = append(h.Types, plan.TypeUse{Type: r.Type, Fixed: plan.Amount(r.Fixed), Routed: plan.Amount(r.Routed), Output: plan.Amount(r.Output)})
	}
	for _, c := range info.Components {
		switch c.Name {
		case "token embedding":
			h.Embedding = c.Bytes
		case "output":
			h.Output = c.Bytes
		case "vision":
			h.Vision = c.Bytes
		case "routed experts":
			h.RoutedParameters = c.Parameters
		default:
			h.LayerParameters += c.Parameters
		}
	}
	return plan.FactsOf(h)
}
