package transfer

import (
	"context"
	"sync"
	"time"

	"scout/downloads/web"
)

const (
	// relocateEvery bounds how often the hub is asked for a new address while
	// none of them brings a byte.
	relocateEvery = time.Minute
	// expiryMargin is how long before its end an address is not used any more.
	expiryMargin = time.Minute
)

// places keeps the address where the bytes are, which all connections share:
// hubs count how often they are asked for it.
type places struct {
	asking chan struct{} // held by who asks the hub

	mu      sync.Mutex
	place   web.Place
	age     int // how many places there were
	valid   bool
	asked   time.Time // when the hub was asked last
	worked  bool      // the last place brought bytes
	tagSeen string    // strong entity tag of the file, at the first place that had one
}

func newPlaces() places { return places{asking: make(chan struct{}, 1)} }

// get is the place to ask, and its age, by which expire knows it.
func (p *places) get(ctx context.Context, source Source) (web.Place, int, error) {
	select {
	case p.asking <- struct{}{}:
	case <-ctx.Done():
		return web.Place{}, 0, context.Cause(ctx)
	}
	defer func() { <-p.asking }()
	place, age, usable, wait := p.current()
	if usable {
		return place, age, nil
	}
	sleep(ctx, wait)
	if ctx.Err() != nil {
		return web.Place{}, 0, context.Cause(ctx)
	}
	place, err := source.Locate(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = time.Now()
	if err != nil {
		return web.Place{}, 0, err
	}
	p.place, p.valid, p.worked = place, true, false
	p.age++
	return place, p.age, nil
}

// current is the place that is known, or how long to wait before asking for
// another.
func (p *places) current() (place web.Place, age int, usable bool, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.valid && (p.place.Expires.IsZero() || now.Before(p.place.Expires.Add(-expiryMargin)) || now.Sub(p.asked) < expiryMargin) {
		return p.place, p.age, true, 0
	}
	if p.age > 1 && !p.worked { // the first replacement is asked for at once
		wait = relocateEvery - now.Sub(p.asked)
	}
	return web.Place{}, 0, false, wait
}

// expire ends the use of a place. It answers false if it was not in use any
// more: another connection has seen to that.
func (p *places) expire(age int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age != p.age || !p.valid {
		return false
	}
	p.valid = false
	return true
}

// expireAny ends the use of whatever place there is.
func (p *places) expireAny() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.valid, p.worked = false, true // the place is not to blame: ask again at once
}

// tag is the strong entity tag that the file has, if one was seen.
func (p *places) tag() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tagSeen
}

// setTag notes an answer of a place that was right.
func (p *places) setTag(age int, tag string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age == p.age {
		p.worked = true
	}
	if p.tagSeen == "" {
		p.tagSeen = tag
	}
}
