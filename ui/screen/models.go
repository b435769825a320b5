package screen

import (
	"context"
	"time"

	"scout/engine"
	"scout/ui/app"
	"scout/ui/cli"
	"scout/ui/settings"
)

// listTime is how long the list of models may take to be put together.
const listTime = 20 * time.Second

// openOptions is how models are opened, as the settings say.
func openOptions(now settings.Settings) engine.Options {
	return engine.Options{Context: now.Context, Threads: now.Threads, KV: now.KV, MostTiles: now.MaxTiles}
}

// knownModels lists the demo, the models that were pulled, and those that could be.
func knownModels(s cli.Screen, kept *kept) func() []app.ModelEntry {
	return func() []app.ModelEntry {
		ctx, stop := context.WithTimeout(context.Background(), listTime)
		defer stop()
		offers, err := s.Offers(ctx, openOptions(kept.settings()))
		if err == nil {
			return entries(offers)
		}
		// The catalogue or the store is broken: what can be had without them.
		known := []app.ModelEntry{{Name: cli.DemoName, Size: s.DemoBytes, Note: "a toy inside this program, to try it out"}}
		for _, m := range s.Models() {
			known = append(known, app.ModelEntry{Name: m.Name, Size: m.Bytes, Note: m.Note})
		}
		return known
	}
}

// quants lists the quantizations of a model.
func quants(s cli.Screen, kept *kept) func(context.Context, string, bool) ([]app.ModelEntry, error) {
	return func(ctx context.Context, name string, online bool) ([]app.ModelEntry, error) {
		offers, err := s.Quants(ctx, name, online, openOptions(kept.settings()))
		return entries(offers), err
	}
}

// entries is offers as the app takes them.
func entries(offers []cli.Offer) []app.ModelEntry {
	fits := map[cli.OfferFit]app.Fit{cli.FitYes: app.Fits, cli.FitTight: app.Tight, cli.FitNo: app.TooBig}
	var all []app.ModelEntry
	for _, o := range offers {
		e := app.ModelEntry{
			Name: o.Name, Quant: o.Quant, Size: o.Bytes, Note: o.Note, Away: !o.Here, Best: o.Best, Pick: o.Pick,
			Fit: fits[o.Fit], Need: o.Need, Slow: o.Slow, Fast: o.Fast, Prefill: o.Prefill,
			Read: o.Load, Cached: o.Cached, Quality: o.Quality,
		}
		if o.Cached > 0 {
			e.Read = time.Duration(float64(o.Load) * (1 - o.Cached))
		}
		all = append(all, e)
	}
	return all
}
