package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"scout/downloads"
	"scout/engine"
	"scout/hardware"
	"scout/hardware/catalogue"
	"scout/hardware/plan"
)

// Offer is a model that can be chosen in the terminal app, or one quantization of it,
// with what this machine makes of it. What is not known is zero.
type Offer struct {
	Name    string // that it is opened or pulled by
	Quant   string
	Bytes   int64 // of all its files
	Here    bool  // else it has to be pulled
	Note    string
	Quality string
	Best    bool // of the quantizations of its model, what this machine does best with
	Pick    bool // of all models that our engine runs, what suits this machine best

	Fit        OfferFit
	Need       int64         // bytes of memory, context included
	Slow, Fast float64       // predicted tokens a second: with a full context, with an empty one
	Prefill    float64       // predicted tokens a second of a prompt
	Load       time.Duration // from this kind of disk
	Cached     float64       // share of its files that the system has in memory; negative: unknown
}

// OfferFit is how a model fits a machine.
type OfferFit int

// The fits.
const (
	FitUnknown OfferFit = iota
	FitYes              // into the memory that is free
	FitTight            // into the memory that there is, or from the disk at a bearable speed
	FitNo
)

// hubWait is how long a list waits for a hub. It is a look, and no pull.
const hubWait = 20 * time.Second

// offering makes offers on one machine.
type offering struct {
	machine planMachine
	flags   planFlags
	stored  []downloads.ModelUsage
	d       *downloads.Downloads // nil: nothing was ever pulled
	known   bool                 // the machine is
	picks   []candidate          // the best of each model that was looked at
}

// offer gathers what offers are made of, and lets work make some.
func (a *App) offer(ctx context.Context, o engine.Options, work func(*offering) ([]Offer, error)) ([]Offer, error) {
	f := planFlags{context: o.Context, kv: o.KV}
	if f.context <= 0 {
		f.context = engine.DefaultContext
	}
	f.depth = f.context
	w := &offering{flags: f}
	m, err := a.planMachine(ctx, f)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	w.machine, w.known = m, err == nil // on an unknown machine there are names and sizes
	if _, err := os.Stat(modelsDir()); err == nil {
		d, err := downloads.Open(downloads.Config{Dir: modelsDir(), UserAgent: "scout", Published: published})
		if err != nil {
			return nil, err
		}
		defer d.Close()
		usage, err := d.List()
		if err != nil {
			return nil, err
		}
		w.d, w.stored = d, usage.Models
	}
	return work(w)
}

// offers lists the models for the terminal app: the demo, what is here, and of every
// model of the catalogue what this machine does best with.
func (a *App) offers(ctx context.Context, o engine.Options) ([]Offer, error) {
	return a.offer(ctx, o, func(w *offering) ([]Offer, error) {
		all := []Offer{w.demo(a.files)}
		all = append(all, w.here(func(engine.Info) bool { return true })...)
		models, err := catalogue.All()
		if err != nil {
			return all, err
		}
		for _, m := range models {
			if !m.Runs(engine.Architectures()) {
				continue
			}
			if offer, ok := w.bestOf(m); ok && !has(all, offer.Name) {
				all = append(all, offer)
			}
		}
		w.pick(all)
		return all, nil
	})
}

// has is whether an offer of that name is there.
func has(all []Offer, name string) bool {
	return slices.ContainsFunc(all, func(o Offer) bool { return strings.EqualFold(o.Name, name) })
}

// demo is the offer of the embedded model.
func (w *offering) demo(files modelFiles) Offer {
	o := Offer{Name: demoName, Bytes: int64(len(files.demo)), Here: true, Note: "a toy inside this program, to try it out", Cached: 1}
	if info, err := files.inspect(demoName); err == nil {
		o.Quant = MainType(info)
		w.measure(&o, factsOf(info))
	}
	return o
}

// here lists the pulled models that are whole and fit a question.
func (w *offering) here(fits func(engine.Info) bool) []Offer {
	var all []Offer
	for _, m := range w.stored {
		if !m.Complete {
			continue
		}
		at, err := w.d.Path(m.Name)
		if err != nil {
			continue // opening it says what is wrong
		}
		info, err := engine.Inspect(at.Weights)
		if err != nil || !fits(info) {
			continue
		}
		o := Offer{Name: m.Name, Quant: m.Quant, Bytes: m.Size(), Here: true, Note: "pulled " + m.Pulled.Local().Format("2006-01-02"), Cached: cachedShare(info.Files)}
		if o.Quant == "" {
			o.Quant = MainType(info)
		}
		w.measure(&o, factsOf(info))
		all = append(all, o)
	}
	return all
}

// measure plans an offer for the machine.
func (w *offering) measure(o *Offer, f plan.Facts) {
	if !w.known {
		return
	}
	p, err := plan.Make(f, w.machine.Machine, w.flags.options())
	if err != nil {
		var r *plan.Refusal
		if errors.As(err, &r) {
			o.Fit, o.Need = FitNo, max(r.Need, f.Weights())
		}
		return
	}
	for _, use := range p.Devices {
		o.Need += use.Total() + use.OnDisk
	}
	o.Slow, o.Fast, o.Prefill, o.Load = p.Decode.Rate, p.DecodeEmpty.Rate, p.Prefill.Rate, p.Load
	switch roomy := w.machine.Machine; {
	case !p.Streamed:
		o.Fit = FitYes
	default:
		o.Fit = FitNo
		roomy.RAM.Free = roomy.RAM.Total
		if whole, err := plan.Make(f, roomy, w.flags.options()); err == nil && !whole.Streamed || p.DecodeEmpty.Rate >= leastRate {
			o.Fit = FitTight
		}
	}
}

// listedOffer is the offer of a quantization of the catalogue.
func (w *offering) listedOffer(m catalogue.Model, q catalogue.Quant) Offer {
	o := Offer{Name: listedName(m, q), Quant: q.Name, Quality: q.Quality, Note: m.Title, Cached: -1}
	f, err := m.Facts(q)
	if err != nil {
		return o
	}
	o.Bytes = f.Weights() + m.VisionBytes
	w.measure(&o, f)
	return o
}

// pick marks the offer that suits the machine best.
func (w *offering) pick(all []Offer) {
	c := recommend(w.picks)
	if c == nil {
		return
	}
	name := listedName(c.model, c.quant)
	for i := range all {
		all[i].Pick = strings.EqualFold(all[i].Name, name)
	}
}

// listedName is the name by which a quantization of the catalogue is pulled.
func listedName(m catalogue.Model, q catalogue.Quant) string {
	return "hf.co/" + m.Repo(q) + ":" + q.Name
}

// bestOf is what the machine does best with of a model: the recommended quantization,
// or the smallest that is worth using. ok is false if the catalogue has none.
func (w *offering) bestOf(m catalogue.Model) (o Offer, ok bool) {
	q, found := w.bestQuant(m)
	if !found {
		i := slices.IndexFunc(m.Quants, func(q catalogue.Quant) bool { return !q.Poor })
		if i < 0 {
			return Offer{}, false
		}
		q = m.Quants[i]
	}
	o = w.listedOffer(m, q)
	o.Best = found
	return o, true
}

// bestQuant is the quantization that is recommended for the machine, if one is.
func (w *offering) bestQuant(m catalogue.Model) (q catalogue.Quant, ok bool) {
	if !w.known {
		return catalogue.Quant{}, false
	}
	pick := best(plannedAll(m, w.machine, w.flags))
	if pick == nil {
		return catalogue.Quant{}, false
	}
	w.picks = append(w.picks, *pick)
	return pick.quant, true
}

// shape is what files of one model have in common, whatever their quantization.
type shape struct {
	graph                                     string
	layers, width, heads, experts, vocabulary int
}

func shapeOf(i engine.Info) shape {
	return shape{i.Architecture, i.Layers, i.Width, i.Heads, i.Experts, i.Vocabulary}
}

// family is a model whose quantizations are looked for.
type family struct {
	shape shape
	known bool             // shape is
	model *catalogue.Model // nil: it is not in the catalogue
	path  string           // of a file that was opened by its path
}

// familyOf finds out which model a name means.
func familyOf(files modelFiles, name string) family {
	var f family
	if info, err := files.inspect(name); err == nil {
		f.shape, f.known = shapeOf(info), true
	}
	if looksLikePath(name) {
		f.path = name
	}
	models, err := catalogue.All()
	if err != nil {
		return f
	}
	if m, _, ok := catalogue.Find(name); ok {
		f.model = &m
	} else if i := slices.IndexFunc(models, func(m catalogue.Model) bool { return isOf(m, name) || f.known && listedShape(m) == f.shape }); i >= 0 {
		f.model = &models[i]
	}
	if f.model != nil && !f.known {
		f.shape, f.known = listedShape(*f.model), true
	}
	return f
}

func listedShape(m catalogue.Model) shape {
	s := m.Shape
	return shape{m.Graph, s.Layers, s.Width, s.Heads, s.Experts, s.Vocabulary}
}

// isOf is whether a name of a hub is that of one of the model's repositories.
func isOf(m catalogue.Model, name string) bool {
	repository, _, _ := strings.Cut(strings.TrimPrefix(name, "hf.co/"), ":")
	return slices.ContainsFunc(m.Quants, func(q catalogue.Quant) bool { return strings.EqualFold(m.Repo(q), repository) })
}

// quantsOf lists the quantizations of a model: those that are here, those of the
// catalogue, and if online those that its hub has besides.
func (a *App) quantsOf(ctx context.Context, name string, online bool, o engine.Options) ([]Offer, error) {
	return a.offer(ctx, o, func(w *offering) ([]Offer, error) {
		f := familyOf(a.files, name)
		var all []Offer
		if name == demoName {
			all = append(all, w.demo(a.files))
		}
		same := func(i engine.Info) bool { return f.known && shapeOf(i) == f.shape }
		all = append(all, w.here(same)...)
		if f.path != "" {
			all = append(all, w.beside(f.path, same)...)
		}
		if f.model != nil {
			w.judge(all, *f.model)
			all = append(all, w.listed(*f.model, all)...)
		}
		if !online {
			return all, nil
		}
		more, err := w.ask(ctx, name, f)
		for _, offer := range more {
			if !has(all, offer.Name) {
				all = append(all, offer)
			}
		}
		return all, err
	})
}

// mostBeside is how many files of a folder are looked at.
const mostBeside = 64

// beside lists the files in the folder of a file that hold the same model.
func (w *offering) beside(path string, same func(engine.Info) bool) []Offer {
	names, err := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(path)), "*.gguf"))
	if err != nil {
		return nil
	}
	var all []Offer
	seen := map[string]bool{}
	for _, name := range names[:min(len(names), mostBeside)] {
		info, err := engine.Inspect(name)
		if err != nil || !same(info) || len(info.Files) == 0 || seen[info.Files[0]] {
			continue // no model, another one, or a further part of one
		}
		seen[info.Files[0]] = true
		if sameFile(name, path) {
			name = path
		}
		o := Offer{Name: name, Quant: MainType(info), Here: true, Note: filepath.Base(name), Cached: cachedShare(info.Files)}
		for _, file := range info.Files {
			if at, err := os.Stat(file); err == nil {
				o.Bytes += at.Size()
			}
		}
		w.measure(&o, factsOf(info))
		all = append(all, o)
	}
	return all
}

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// escapeGlob makes a folder's name stand for itself in a pattern.
func escapeGlob(dir string) string {
	if filepath.Separator == '\\' {
		return dir // patterns have no escapes there, and names no stars
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// judge adds to offers what the catalogue says of their quantizations.
func (w *offering) judge(all []Offer, m catalogue.Model) {
	best, found := w.bestQuant(m)
	for i := range all {
		if q, ok := m.Quant(all[i].Quant); ok {
			all[i].Quality = q.Quality
			all[i].Best = found && q.Name == best.Name
		}
	}
}

// listed are the quantizations of the catalogue that are not among those here, the
// best first.
func (w *offering) listed(m catalogue.Model, here []Offer) []Offer {
	best, found := w.bestQuant(m)
	var all []Offer
	for _, q := range slices.Backward(m.Quants) {
		o := w.listedOffer(m, q)
		if o.Best = found && q.Name == best.Name; !has(here, o.Name) {
			all = append(all, o)
		}
	}
	return all
}

// ask asks the hub what there is of a model.
func (w *offering) ask(ctx context.Context, name string, f family) ([]Offer, error) {
	d := w.d
	if d == nil {
		var err error
		if d, err = downloads.Open(downloads.Config{Dir: modelsDir(), UserAgent: "scout", Published: published}); err != nil {
			return nil, err
		}
		defer d.Close()
	}
	if f.model != nil && !downloads.IsName(name, published) {
		name = f.model.Repository
	}
	if !downloads.IsName(name, published) {
		return nil, errors.New("no hub is known that has this model: /pull NAME gets one by its name")
	}
	ctx, stop := context.WithTimeoutCause(ctx, hubWait, errHubSlow)
	defer stop()
	l, err := d.Look(ctx, name, downloads.Options{GiveUp: hubWait})
	if err != nil {
		return nil, err
	}
	var all []Offer
	for _, v := range l.Variants {
		o := Offer{Name: l.Named(v).Name(), Quant: v.Label(), Bytes: v.Size(), Note: "on the hub", Cached: -1}
		if _, err := d.Path(o.Name); err == nil {
			o.Here = true
		}
		w.guess(&o)
		all = append(all, o)
	}
	return all, nil
}

var errHubSlow = errors.New("the hub does not answer: look again when the network is there")

// guess judges an offer of which only the size is known.
func (w *offering) guess(o *Offer) {
	if !w.known {
		return
	}
	o.Need = memoryFor(o.Bytes)
	switch ram := w.machine.RAM; {
	case o.Need <= ram.Free:
		o.Fit = FitYes
	case o.Need <= ram.Total:
		o.Fit = FitTight
	default:
		o.Fit = FitNo
	}
}

// forecast is what is predicted of an opened model on this machine.
func (a *App) forecast(ctx context.Context, info engine.Info, o engine.Options) (*plan.Plan, error) {
	f := planFlags{context: o.Context, depth: o.Context, kv: o.KV, threads: o.Threads}
	m, err := a.planMachine(ctx, f)
	if err != nil {
		return nil, err
	}
	m.RAM.Free = m.RAM.Total // it is open: what it has is not free, and is its own
	p, err := plan.Make(factsOf(info), m.Machine, f.options())
	m.correct(p)
	return p, err
}

// openDownloads opens the store of models for the terminal app.
func openDownloads() (*downloads.Downloads, error) {
	return downloads.Open(downloads.Config{Dir: modelsDir(), UserAgent: "scout", Published: published})
}

// ContextThatFits is the context that an error of opening says would fit; 0 if it says
// none.
func ContextThatFits(err error) int {
	var full *fitError
	if errors.As(err, &full) {
		return full.advice
	}
	return 0
}

// describeMachine is what this machine is, a line each.
func (a *App) describeMachine(ctx context.Context) []string {
	m, err := a.planMachine(ctx, planFlags{context: engine.DefaultContext, depth: engine.DefaultContext})
	if err != nil {
		return nil
	}
	return []string{
		fmt.Sprintf("%s of %s of memory are free, %s.", formatBytes(m.RAM.Free), formatBytes(m.RAM.Total), plural(m.Cores, "core")),
	}
}

// gpuTime is how long a look at the graphics cards may take.
const gpuTime = 5 * time.Second

// cards is the graphics cards of this machine of which it is known how full they are.
func (a *App) cards(ctx context.Context) []hardware.GPU {
	ctx, stop := context.WithTimeout(ctx, gpuTime)
	defer stop()
	p, err := a.probe(ctx, probeGPUs)
	if err != nil {
		return nil // a figure less is shown
	}
	return slices.DeleteFunc(p.GPUs, func(g hardware.GPU) bool {
		return g.Kind != hardware.Discrete || g.Total <= 0 || !g.FreeKnown()
	})
}
