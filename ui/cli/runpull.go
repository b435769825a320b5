package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scout/downloads"
	"scout/engine"
	"scout/ui/safetext"
)

// openOrFetch is openSeeing, and for a model that is not here, or not whole,
// an offer to a person at the terminal to download it first.
func (a *App) openOrFetch(ctx context.Context, name string, o engine.Options, f *pictureFlags, given, mayCome bool) (model, sequence, error) {
	m, s, err := a.openSeeing(ctx, name, o, f, given, mayCome)
	if !canBeFetched(err) || !a.InTerminal || !a.ErrTerminal {
		return m, s, err
	}
	fetched, fetchErr := a.fetch(ctx, name)
	switch {
	case fetchErr != nil:
		return nil, nil, fetchErr
	case !fetched:
		return nil, nil, err
	}
	return a.openSeeing(ctx, name, o, f, given, mayCome)
}

// canBeFetched tells whether opening a model failed of something that a hub
// may have.
func canBeFetched(err error) bool {
	var (
		missing *notHereError
		partial *downloads.IncompleteError
	)
	return errors.As(err, &missing) || errors.As(err, &partial) && !partial.Lost
}

// askTime is how long the hubs are asked for a name that may be a mistake.
const askTime = 20 * time.Second

// fetch downloads a model if the person says yes to it.
func (a *App) fetch(ctx context.Context, name string) (fetched bool, err error) {
	ctx, stop := a.interruptible(ctx)
	defer stop()
	a.note("%s is not here: looking for it", safetext.Line(name))
	err = a.withDownloads("", func(d *downloads.Downloads) error {
		o := a.waiting(name)
		o.GiveUp = askTime
		if _, err := d.Plan(ctx, name, o); err != nil {
			a.listChoices(err)
			return err
		}
		return a.pullOne(ctx, d, name, downloads.Options{}, pullFlags{confirm: true}, a.newAsker())
	})
	if errors.Is(err, errNotWanted) {
		return false, nil // what to do instead is said by who opens it
	}
	return err == nil, orInterrupted(ctx, err)
}

// errNotWanted is a download that the person said no to.
var errNotWanted = errors.New("not downloaded")

// confirm asks whether a download is wanted, once it is known how large it is.
func (a *App) confirm(ctx context.Context, p downloads.Plan, f pullFlags, view *pullView, ask *asker) error {
	if !f.confirm || p.Already || p.Fetch() == 0 {
		return nil
	}
	var yes bool
	var err error
	view.show(func() { yes, err = ask.yes(ctx, fmt.Sprintf("Download %s? [y/N] ", downloads.Bytes(p.Fetch()))) })
	if err == nil && !yes {
		err = errNotWanted
	}
	return err
}
