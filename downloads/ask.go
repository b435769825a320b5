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
	ref, err := hub.ParseRef(name)
	if err != nil {
		return Listing{}, err
	}
	return p.look(ctx, ref)
}

const longestPause = 30 * time.Second

// look asks the hub until it answers.
func (p *pulling) look(ctx context.Context, ref Ref) (Listing, error) {
	began := time.Now()
	for attempt := 1; ; attempt++ {
		p.tell(func(g *Progress) { g.State, g.Trouble = Asking, "" })
		l, err := p.d.hub.Look(ctx, ref)
		if err == nil {
			return l, nil
		}
		wait, words := patience(err, attempt)
		switch {
		case ctx.Err() != nil:
			return Listing{}, context.Cause(ctx)
		case words == "":
			return Listing{}, err
		case p.options.GiveUp > 0 && time.Since(began)+wait > p.options.GiveUp:
			return Listing{}, err
		}
		if err := p.countDown(ctx, wait, words); err != nil {
			return Listing{}, err
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
