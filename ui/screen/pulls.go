package screen

import (
	"context"
	"errors"
	"fmt"

	"scout/downloads"
	"scout/ui/app"
	"scout/ui/cli"
)

// pulls is the queue of downloads as the app takes it.
type pulls struct {
	*downloads.Queue
	store *downloads.Downloads
}

// openPulls opens the store of models and its queue.
func openPulls(s cli.Screen) func() (app.Pulls, error) {
	return func() (app.Pulls, error) {
		d, err := s.OpenDownloads()
		if err != nil {
			return nil, err
		}
		q, err := d.NewQueue(downloads.QueueOptions{Before: beforePull})
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		return &pulls{Queue: q, store: d}, nil
	}
}

// termsHeld is the licence that a pull is held for.
type termsHeld struct{ terms cli.Terms }

func (e *termsHeld) Error() string { return e.terms.Name }

// beforePull holds a pull whose licence has clauses that were not agreed to.
func beforePull(p downloads.Plan) error {
	terms, ok := cli.TermsOf(p)
	if !ok || p.Already || cli.Agreed(terms) {
		return nil
	}
	return &downloads.HeldError{Why: licenceText(terms), Err: &termsHeld{terms}}
}

// licenceText is a licence in a line, for who has to agree to it.
func licenceText(t cli.Terms) string {
	text := "it comes with " + t.Name
	if t.Link != "" {
		text += " (" + t.Link + ")"
	}
	if len(t.Clauses) == 0 {
		return text + ", which we have no notes on: read it; a agrees"
	}
	text += ": "
	for i, c := range t.Clauses {
		if i > 0 {
			text += "; "
		}
		text += c
	}
	return text + ". The licence counts, not these notes; a agrees"
}

// Snapshot is the items as the app draws them.
func (p *pulls) Snapshot() []app.Pull {
	states := map[downloads.Status]app.PullState{
		downloads.Queued: app.PullQueued, downloads.Running: app.PullRunning, downloads.Paused: app.PullPaused,
		downloads.Held: app.PullHeld, downloads.Failed: app.PullFailed, downloads.Finished: app.PullFinished,
	}
	var all []app.Pull
	for _, it := range p.Queue.Snapshot() {
		all = append(all, app.Pull{
			ID: it.ID, Name: it.Name, State: states[it.Status], Doing: string(it.State), Done: it.Done, Total: it.Total,
			Rate: it.Rate, Left: it.Left, Connections: it.Connections, Line: it.Line(), Said: it.Said,
		})
	}
	return all
}

// Agree keeps the person's answer and lets the pull go on.
func (p *pulls) Agree(id int) error {
	for _, it := range p.Queue.Snapshot() {
		var held *termsHeld
		if it.ID != id || !errors.As(it.Err, &held) {
			continue
		}
		if err := cli.Agree(held.terms, it.Name); err != nil {
			return fmt.Errorf("keeping the answer: %w", err)
		}
		return p.Resume(id)
	}
	return nil
}

// Discard removes what has come of a pull.
func (p *pulls) Discard(ctx context.Context, id int) (freed int64, err error) {
	removal, err := p.Queue.Discard(ctx, id)
	return removal.Freed, err
}

// Close stops all and keeps them for the next time.
func (p *pulls) Close() error { return errors.Join(p.Queue.Close(), p.store.Close()) }
