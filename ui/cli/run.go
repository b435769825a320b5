package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"scout/engine"
	"scout/ui/safetext"
)

// runFlags is what "scout run" can be told.
type runFlags struct {
	system, kv         string
	context, threads   int
	json, jsonl, stats bool
	sampling           samplingFlags
	pictures           pictureFlags
	keep               keepFlags
	gpu                gpuFlags
}

// runCommand is "scout run": one answer, or a chat.
func (a *App) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run MODEL [PROMPT|-]",
		Short: "Answer a prompt, or chat",
		Long: "Answers a prompt. Text on standard input is added to the prompt after a blank line; - takes the prompt itself from there. " +
			"Pictures go before the prompt: files by -i, in order, and one on standard input, which is told by its content. " +
			"A model that is not on this disk is looked for on the hubs and downloaded, at a terminal and after a yes. " +
			"Without a prompt, at a terminal, it starts a chat; /help in the chat lists its commands.\n\n" +
			"Standard output is the answer and nothing else. Exit codes: 0 done, 1 error, 2 usage, 3 does not fit this machine, " +
			"4 the prompt does not fit the context, 130 interrupted.",
		Example: "scout run demo\nscout run demo \"What is a mixture of experts?\"\ngit diff | scout run model.gguf \"Write a commit message\"\n" +
			"scout run model.gguf \"What is this?\" -i photo.jpg\nscout run model.gguf \"Which is larger?\" -i a.png -i b.png --max-tiles 4",
		Args: cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return usageErrorf("run takes a model and one prompt, got %d arguments: put the prompt in quotes", len(args))
			}
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.run(cmd.Context(), args[0], args[1:], &f)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.system, "system", "", "system message, before the conversation")
	f.sampling.register(flags)
	flags.IntVar(&f.context, "ctx", 0, "context: positions to make room for (default: the model's limit, at most 16384)")
	f.pictures.register(flags)
	f.keep.register(flags)
	registerKV(flags, &f.kv)
	flags.IntVar(&f.threads, "threads", 0, "worker threads (default: one per usable core)")
	f.gpu.register(flags)
	flags.BoolVar(&f.json, "json", false, "write one JSON object: text, tokens, counts, sampling")
	flags.BoolVar(&f.jsonl, "jsonl", false, "write a JSON event a line, as the answer comes")
	flags.BoolVar(&f.stats, "stats", false, "write counts and speed to standard error afterwards")
	return cmd
}

// check refuses flags that make no sense, before a model is opened.
func (f *runFlags) check(cmd *cobra.Command) error {
	if err := f.sampling.check(cmd.Flags()); err != nil {
		return err
	}
	if err := f.pictures.check(cmd.Flags()); err != nil {
		return err
	}
	if err := f.keep.check(f.system); err != nil {
		return err
	}
	if f.json && f.jsonl {
		return usageErrorf("--json and --jsonl exclude each other")
	}
	if f.sampling.topLogProbs > 0 && !f.json && !f.jsonl {
		return usageErrorf("--top-logprobs needs --json or --jsonl")
	}
	if err := checkKV(f.kv); err != nil {
		return err
	}
	if err := f.gpu.check(); err != nil {
		return err
	}
	return checkSizes(f.context, f.threads)
}

// checkSizes refuses negative sizes; 0 stands for the default.
func checkSizes(context, threads int) error {
	if context < 0 || context > mostPositions {
		return usageErrorf("--ctx is %d, want 1 to %d", context, mostPositions)
	}
	if threads < 0 || threads > mostThreads {
		return usageErrorf("--threads is %d, want 1 to %d", threads, mostThreads)
	}
	return nil
}

// The most of anything that is worth asking for: two hundred times the longest
// context of any model, and more threads than any machine has cores.
const (
	mostPositions = 2_000_000_000
	mostThreads   = 1024
)

// run answers the prompt in args and on standard input, or starts a chat.
func (a *App) run(ctx context.Context, name string, args []string, f *runFlags) error {
	images, err := a.readImages(&f.pictures)
	if err != nil {
		return err
	}
	prompt, err := a.promptFor(args, f.pictures.wantsInput())
	if err != nil {
		return err
	}
	if prompt.image != nil {
		images = append(images, prompt.image)
	}
	given := prompt.given
	if !given && (f.json || f.jsonl) {
		return usageErrorf("no prompt: --json and --jsonl want one, as an argument or on standard input")
	}
	if !given && (!a.OutTerminal || f.pictures.wantsInput()) {
		return usageErrorf("no prompt: give one as an argument or on standard input (a chat needs a terminal)")
	}
	keep, conversation, err := a.openKeeper(&f.keep, !given, f.system)
	if err != nil {
		return err
	}
	defer keep.close()
	o := engine.Options{Threads: f.threads, Context: f.context, KV: f.kv, MostTiles: f.pictures.maxTiles, Embeds: embedCache()}
	f.gpu.place(&o)
	memory := a.remembering(&o)
	m, s, err := a.openOrFetch(ctx, name, o, &f.pictures, len(images) > 0 || hasImages(conversation), !given)
	if err != nil {
		return err
	}
	defer m.Close()
	defer s.Close()
	defer a.sayLost(m)
	memory.opened(m)
	sampling := f.sampling.sampling(name == demoName)
	keep.knows(m, sampling)
	if f.system != "" {
		conversation = append(conversation, engine.Message{Role: engine.System, Content: f.system})
	}
	if !given {
		c := chat{app: a, generator: s, conversation: conversation, sampling: sampling, stats: f.stats, price: m.Price, pending: images, keep: keep}
		return c.run(ctx, m.Info())
	}
	keep.asked(prompt.text, images)
	conversation = append(conversation, userMessage(prompt.text, images))
	return a.answerOnce(ctx, name, s, conversation, sampling, f, keep)
}

// answerOnce writes one answer.
func (a *App) answerOnce(ctx context.Context, name string, g generator, conversation []engine.Message, s engine.Sampling, f *runFlags, keep *keeper) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	r, err := a.newReporter(name, s, f)
	if err != nil {
		return err
	}
	out, err := answerTo(ctx, g, conversation, s, keep.answers(r))
	if err != nil {
		return err
	}
	if f.stats {
		a.note("%s", statsLine(out, s))
	}
	if out.Reason == interrupted {
		return errInterrupted
	}
	return nil
}

// newReporter is the form of output that the flags ask for.
func (a *App) newReporter(name string, s engine.Sampling, f *runFlags) (reporter, error) {
	switch {
	case f.json:
		return &jsonReporter{streams: a.Streams, progress: a.newProgress(), model: name, sampling: newSamplingRecord(s)}, nil
	case f.jsonl:
		return newJSONLReporter(a.Streams, name, newSamplingRecord(s))
	}
	return newTextReporter(a.Streams), nil
}

// openSeeing is openSequence with a vision tower, where pictures are given or may be:
// a tower that was merely found must not keep a chat from beginning.
func (a *App) openSeeing(ctx context.Context, name string, o engine.Options, f *pictureFlags, given, mayCome bool) (model, sequence, error) {
	o.Tower = f.tower
	found := false
	if given || mayCome {
		o.Tower, found = a.towerFor(name, f)
	}
	m, s, err := a.openSequence(ctx, name, o)
	var tower *engine.TowerError
	if found && !given && errors.As(err, &tower) {
		a.note("no pictures: %s", safetext.Line(err.Error()))
		o.Tower, found = "", false
		m, s, err = a.openSequence(ctx, name, o)
	}
	if found && err == nil {
		a.note("seeing with %s, found beside the model", safetext.Line(o.Tower))
	}
	return m, s, err
}

// openSequence opens a model, makes sure that its cache fits this machine, and
// begins a sequence. The caller closes both.
func (a *App) openSequence(ctx context.Context, name string, o engine.Options) (model, sequence, error) {
	ctx, stop := a.interruptible(ctx)
	m, s, err := a.prepare(ctx, name, o)
	stop()
	if err != nil {
		return nil, nil, orInterrupted(ctx, err)
	}
	// An interrupt may come when all is open already; nobody else will see it.
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return nil, nil, errors.Join(errInterrupted, s.Close(), m.Close())
	}
	return m, s, nil
}

// prepare is openSequence without regard to interrupts.
func (a *App) prepare(ctx context.Context, name string, o engine.Options) (model, sequence, error) {
	m, err := a.openModel(ctx, name, o)
	if err != nil {
		return nil, nil, err
	}
	if err := a.checkFit(m); err != nil {
		m.Close() // the error that matters is err
		return nil, nil, err
	}
	a.warn(m)
	s, err := m.newSequence()
	if err != nil {
		m.Close()
		return nil, nil, err
	}
	return m, s, nil
}

// warn tells a person at the terminal what is odd about a model that runs all
// the same.
func (a *App) warn(m model) {
	if !a.ErrTerminal {
		return
	}
	info := m.Info()
	for _, w := range info.Warnings {
		a.note("%s", safetext.Line(w))
	}
	if m.Context() > info.ContextLength {
		a.note("a context of %d is beyond the %d this model was made for", m.Context(), info.ContextLength)
	}
}
