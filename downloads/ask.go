package downloads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"scout/downloads/hub"
	"scout/downloads/web"
)

// Look lists what there is under a name: the quantizations of a repository,
// or the one model that a tag of the Ollama registry stands for. A hub that is
// busy, and a network that is away, are waited for as o says.
func (d *Downloads) Look(ctx context.Context, name string, o Options) (Listing, error) {
	p := newPulling(d, name, o)
	ref, err := d.published.Parse(name)
	if err != nil {
		return Listing{}, err
	}
	return p.find(ctx, ref)
}

// find is look, and for what the Ollama registry does not have a look where
// the catalogue says.
func (p *pulling) find(ctx context.Context, ref Ref) (Listing, error) {
	l, err := p.look(ctx, ref)
	if !errors.As(err, new(*hub.NotFoundError)) {
		return l, err
	}
	for _, other := range p.d.published.Others(ref) {
		found, otherErr := p.look(ctx, other)
		if otherErr == nil {
			p.notice(fmt.Sprintf("the Ollama registry has no %s: taking %s", ref.Name(), other.Name()))
			p.tell(func(*Progress) {})
			return found, nil
		}
		if !errors.As(otherErr, new(*hub.NotFoundError)) {
			return Listing{}, otherErr
		}
	}
	return Listing{}, err
}

const longestPause = 30 * time.Second

// look asks the hub until it answers.
func (p *pulling) look(ctx context.Context, ref Ref) (l Listing, err error) {
	err = p.patiently(ctx, func() (err error) {
		l, err = p.d.hub.Look(ctx, ref)
		return err
	})
	return l, err
}

// Search finds repositories with GGUF files on the Hugging Face hub, a page at
// a time. A hub that is busy is waited for as o says.
func (d *Downloads) Search(ctx context.Context, q Query, o Options) (found Found, err error) {
	err = newPulling(d, q.Text, o).patiently(ctx, func() (err error) {
		found, err = d.hub.Search(ctx, q)
		return err
	})
	return found, err
}

// patiently asks a hub again until it answers, or says something that waiting
// does not help.
func (p *pulling) patiently(ctx context.Context, ask func() error) error {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		p.tell(func(g *Progress) { g.State, g.Trouble = Asking, "" })
		err := ask()
		if err == nil {
			return nil
		}
		wait, words := patience(err, attempt)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case words == "":
			return err
		case p.options.GiveUp > 0 && time.Since(began)+wait > p.options.GiveUp:
			return err
		}
		if err := p.countDown(ctx, wait, words); err != nil {
			return err
		}
	}
}

// countDown waits and says every second for how long still.
func (p *pulling) countDown(ctx context.Context, wait time.Duration, words string) error {
	until := time.Now().Add(wait)
	for {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		seconds := int((left + time.Second - 1) / time.Second)
		p.tell(func(g *Progress) {
			g.State, g.Trouble = Waiting, fmt.Sprintf("%s; asking again in %d s", words, seconds)
		})
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(left, time.Second)):
		}
	}
}

// patience says how long to wait after an error of a hub, and why. No words
// stand for an error that waiting does not help.
func patience(err error, attempt int) (wait time.Duration, words string) {
	wait = min(time.Second<<min(attempt-1, 10), longestPause)
	var (
		status  *web.StatusError
		network *web.NetworkError
	)
	switch {
	case errors.As(err, &status) && (status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout || status.Code >= 500):
		words = fmt.Sprintf("%s answers %d", status.Host, status.Code)
		if status.Wait.Asked {
			wait = max(status.Wait.For, time.Second)
			words = fmt.Sprintf("%s asks to wait", status.Host)
		}
		if status.Code == http.StatusTooManyRequests {
			words += " (it counts requests; with HF_TOKEN set there may be more)"
		}
		return wait, words
	case errors.As(err, &network):
		return wait, network.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return wait, "the answer broke off"
	}
	return 0, ""
}
