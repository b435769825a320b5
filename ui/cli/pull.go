package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"scout/downloads"
	"scout/ui/safetext"
)

// pullFlags is what "scout pull" can be told.
type pullFlags struct {
	json, noReuse, accept bool
	connections           int
	limit, caFile         string
	confirm               bool // ask before downloading; no flag, see fetch
}

// caFileHelp explains --ca-cert.
const caFileHelp = "file of further root certificates (PEM), for networks that inspect TLS"

// pullCommand is "scout pull": models from the hubs to the disk.
func (a *App) pullCommand() *cobra.Command {
	var f pullFlags
	cmd := &cobra.Command{
		Use:   "pull NAME...",
		Short: "Download models",
		Long: "Downloads models, one after the other, and checks every byte against its published checksum. NAME is\n\n" +
			"  user/repo:QUANT[@REVISION]   of Hugging Face, also as hf.co/... or a pasted address\n" +
			"  llama4:scout                 of the Ollama registry\n" +
			"  llama4:scout:QUANT           of a model that scout fit lists, on Hugging Face\n\n" +
			"Parts of a split model and its vision tower come along. What was stopped, by Ctrl+C or anything else, goes on where it was " +
			"when the same command is given again. Files that Ollama, LM Studio, llama.cpp or the Hugging Face cache have are used where they lie. " +
			"A licence with clauses is shown once, and the answer is remembered.\n\n" +
			"Models are kept in SCOUT_MODELS, or with your data in " + "scout/models. HF_TOKEN (or the file of huggingface-cli login) is shown to Hugging Face alone; " +
			"HF_ENDPOINT names a mirror, HTTPS_PROXY a proxy.",
		Example: "scout quants unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF\nscout pull unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:Q4_K_M\nscout pull llama4:scout --limit 20MB",
		Args:    cobra.ArbitraryArgs,
		RunE: a.keep(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageErrorf("pull takes the names of models: user/repo:QUANT or llama4:scout")
			}
			o, err := f.options()
			if err != nil {
				return err
			}
			return a.withDownloads(f.caFile, func(d *downloads.Downloads) error { return a.pullAll(cmd.Context(), d, args, o, f) })
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.json, "json", false, "write a JSON event a line: plan, progress, done, error")
	flags.IntVar(&f.connections, "connections", 0, "connections at once, 1 to 16 (default 8)")
	flags.StringVar(&f.limit, "limit", "", "most bytes a second, such as 20MB (default: as fast as it comes)")
	flags.BoolVar(&f.noReuse, "no-reuse", false, "download what other programs on this machine have, too")
	flags.BoolVar(&f.accept, "accept-license", false, "agree to the licences of these models; for scripts")
	flags.StringVar(&f.caFile, "ca-cert", "", caFileHelp)
	return cmd
}

// options checks the flags.
func (f pullFlags) options() (downloads.Options, error) {
	if f.connections < 0 || f.connections > 16 {
		return downloads.Options{}, usageErrorf("--connections is %d, want 1 to 16", f.connections)
	}
	o := downloads.Options{Connections: f.connections, NoReuse: f.noReuse}
	if f.limit == "" {
		return o, nil
	}
	var err error
	if o.Limit, err = parseBytes(f.limit); err != nil || o.Limit < 1000 {
		return o, usageErrorf("--limit is %q, want bytes a second such as 500kB or 20MB", f.limit)
	}
	return o, nil
}

// parseBytes reads a size in decimal units: 500kB, 20MB, 1.5GB.
func parseBytes(text string) (int64, error) {
	s := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "b")
	scale := 1.0
	for i, unit := range []string{"k", "m", "g", "t"} {
		if cut, ok := strings.CutSuffix(s, unit); ok {
			s = cut
			for range i + 1 {
				scale *= 1000
			}
			break
		}
	}
	var x float64
	var rest string
	if n, _ := fmt.Sscanf(strings.TrimSpace(s)+" .", "%g %s", &x, &rest); n != 2 || rest != "." || !(x >= 0 && x*scale < 1<<50) {
		return 0, fmt.Errorf("%q is no size", text)
	}
	return int64(x * scale), nil
}

// pullAll pulls models one after the other. One that fails does not keep the
// others from coming.
func (a *App) pullAll(ctx context.Context, d *downloads.Downloads, names []string, o downloads.Options, f pullFlags) error {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	ask := a.newAsker()
	if err := a.askFirst(ctx, d, names, o, f, ask); err != nil {
		return orInterrupted(ctx, err)
	}
	var failed []error
	for _, name := range names {
		err := a.pullOne(ctx, d, name, o, f, ask)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil, errors.Is(err, errReaderGone):
			return orInterrupted(ctx, err)
		}
		failed = append(failed, err)
		if len(names) > 1 {
			a.note("%s: %s", safetext.Line(name), safetext.Line(err.Error()))
		}
	}
	if len(failed) > 0 && len(names) > 1 {
		return fmt.Errorf("%d of %d models could not be pulled", len(failed), len(names))
	}
	return errors.Join(failed...)
}

// askFirst asks everything that is to be asked before several models are
// pulled, so that nobody has to stay for it. What goes wrong with one of them
// is said when it is its turn.
func (a *App) askFirst(ctx context.Context, d *downloads.Downloads, names []string, o downloads.Options, f pullFlags, ask *asker) error {
	if len(names) < 2 || f.json || !a.InTerminal || !a.ErrTerminal {
		return nil
	}
	view := a.newPullView("", false)
	defer view.end()
	var together, free int64
	for _, name := range names {
		p, err := d.Plan(ctx, name, o)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			continue
		}
		together, free = together+p.Fetch(), p.Free
		if err := a.agreeTo(ctx, p, f, view, ask); err != nil {
			return err // a no to one of them: the person may want to think again
		}
	}
	if together > free {
		a.note("together they take %s, and %s are free in %s: the last ones will not fit", downloads.Bytes(together), downloads.Bytes(free), safetext.Line(d.Dir()))
	}
	return nil
}

// pullOne pulls a model and says how it went.
func (a *App) pullOne(ctx context.Context, d *downloads.Downloads, name string, o downloads.Options, f pullFlags, ask *asker) error {
	view := a.newPullView(name, f.json)
	o.Before = func(p downloads.Plan) error {
		if f.json {
			if err := view.event(newPlanRecord(p, a.advice(p))); err != nil {
				return err
			}
		} else {
			view.show(func() { a.announce(d, p) })
		}
		if err := a.agreeTo(ctx, p, f, view, ask); err != nil {
			return err
		}
		return a.confirm(ctx, p, f, view, ask)
	}
	o.Each = view.update
	result, err := d.Pull(ctx, name, o)
	view.end()
	if err == nil {
		switch {
		case f.json:
			return view.event(newPulledRecord(result))
		case f.confirm: // standard output is for what comes after
			a.note("%s", safetext.Line(pulledLine(result)))
			return nil
		}
		return a.printf("%s\n", safetext.Line(pulledLine(result)))
	}
	if f.json {
		return errors.Join(err, view.event(errorRecord{Event: "error", Name: name, Error: err.Error()}))
	}
	if errors.Is(context.Cause(ctx), errInterrupted) {
		a.note("%s", safetext.Line(stoppedLine(name, view.last)))
		return errInterrupted
	}
	a.listChoices(err)
	return err
}

// pulledLine says what a pull did.
func pulledLine(r downloads.Result) string {
	switch {
	case r.Already:
		return fmt.Sprintf("%s is here already (%s): scout run %s", r.Name, downloads.Bytes(r.Size()), r.Name)
	case r.Received == 0:
		return fmt.Sprintf("%s is here (%s, 0 B downloaded): scout run %s", r.Name, downloads.Bytes(r.Size()), r.Name)
	}
	return fmt.Sprintf("%s is here (%s, all checksums right): scout run %s", r.Name, downloads.Bytes(r.Size()), r.Name)
}

// stoppedLine says how a pull that was interrupted can go on.
func stoppedLine(name string, p downloads.Progress) string {
	if p.Done == 0 {
		return "stopped before a piece was whole: nothing was kept"
	}
	return fmt.Sprintf("stopped at %s of %s; nothing of it is lost: 'scout pull %s' goes on from there", downloads.Bytes(p.Done), downloads.Bytes(p.Total), name)
}

// announce says what a pull will take, before it takes it.
func (a *App) announce(d *downloads.Downloads, p downloads.Plan) {
	if p.Already {
		return
	}
	line := fmt.Sprintf("%s: %s in %s", p.Name, downloads.Bytes(p.Size), plural(p.Files, "file"))
	if p.Tower {
		line += ", vision tower included"
	}
	if p.Here > 0 {
		line += fmt.Sprintf("; %s are here already", downloads.Bytes(p.Here))
	}
	if p.Reusable > 0 {
		line += fmt.Sprintf("; %s seem to be on this machine already (%s), and are used where they lie if they are right", downloads.Bytes(p.Reusable), strings.Join(p.Programs, ", "))
	}
	line += fmt.Sprintf("; %s to download, %s free in %s", downloads.Bytes(p.Fetch()), downloads.Bytes(p.Free), d.Dir())
	a.note("%s", safetext.Line(line))
	if p.License.Name != "" {
		license := "licence: " + p.License.Name
		if p.License.Link != "" {
			license += ", " + p.License.Link
		}
		a.note("%s", safetext.Line(license))
	}
	if p.Update {
		a.note("the version that is here is kept until this one is whole")
	}
	for _, w := range p.Warnings {
		a.note("%s", safetext.Line(w))
	}
	if advice := a.advice(p); advice != "" {
		a.note("%s", safetext.Line(advice))
	}
}

// memoryFor is about how much memory a model of that many bytes wants: its
// weights, and a tenth or 1 GiB for the context and the rest of the system.
func memoryFor(size int64) int64 { return size + max(size/10, 1<<30) }

// fits tells whether a model can be held in this machine's memory. known is
// false if that cannot be told.
func (a *App) fits(size int64) (fits, known bool) {
	memory, err := a.memory()
	if err != nil {
		return false, false
	}
	return memoryFor(size) <= memory.Total, true
}

// advice says that the memory is too small for a model, and what to take
// instead; it is empty for one that fits.
func (a *App) advice(p downloads.Plan) string {
	if fits, known := a.fits(p.Size); fits || !known {
		return ""
	}
	memory, _ := a.memory() // was known a moment ago
	s := fmt.Sprintf("this machine has %s of memory and the model wants about %s: parts of it will be read from the disk over and over, which is slow",
		downloads.Bytes(memory.Total), downloads.Bytes(memoryFor(p.Size)))
	if len(p.Others) < 2 {
		return s
	}
	var best *downloads.Variant
	smallest := p.Others[0]
	for _, v := range p.Others {
		if v.Size() < smallest.Size() {
			smallest = v
		}
		if fits, _ := a.fits(v.Size()); fits && (best == nil || v.Size() > best.Size()) {
			best = &v
		}
	}
	if best != nil {
		return s + fmt.Sprintf("; %s (%s) fits", best.Label(), downloads.Bytes(best.Size()))
	}
	return s + fmt.Sprintf("; no quantization of it fits, the smallest is %s (%s)", smallest.Label(), downloads.Bytes(smallest.Size()))
}

// listChoices shows what a name that is not enough could mean.
func (a *App) listChoices(err error) {
	var (
		several *downloads.AmbiguousError
		none    *downloads.NoVariantError
	)
	switch {
	case errors.As(err, &several):
		a.note("the choices:\n%s", strings.TrimRight(columns(a.variantRows(several.Choices, nil)), "\n"))
	case errors.As(err, &none):
		a.note("the choices:\n%s", strings.TrimRight(columns(a.variantRows(none.Choices, nil)), "\n"))
	}
}
