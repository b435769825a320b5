package transfer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"scout/downloads/disk"
)

const (
	governEvery = time.Second
	// sleptAfter is how far the clock on the wall may run ahead of ours before
	// the machine is taken to have slept.
	sleptAfter = 30 * time.Second
	// slowShare is how slow a connection is, against what is usual, to be
	// dropped; slowSeconds how long it has to prove that.
	slowShare   = 0.1
	slowSeconds = 5
	maxDrops    = 3
	// lowSpace is what has to stay free for the journal, where the file's own
	// space could not be reserved.
	lowSpace   = 32 << 20
	spaceEvery = 5
)

// governor looks after the connections once a second: it measures, drops what
// is too slow, notices that the machine slept, and ends a transfer that was
// told not to wait for ever.
func (t *Transfer) governor(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(governEvery)
	defer tick.Stop()
	began := time.Now()
	wall := t.fetcher.wall().Round(0)
	for seconds := 1; ; seconds++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := t.fetcher.wall().Round(0)
		if now.Sub(wall) > governEvery+sleptAfter {
			t.wokeUp(now.Sub(wall))
		}
		wall = now
		t.measure()
		if err := t.patience(began); err != nil {
			stop(err)
			return
		}
		if seconds%spaceEvery == 0 {
			if err := t.checkSpace(); err != nil {
				stop(err)
				return
			}
		}
	}
}

// wokeUp drops every connection: after a sleep they are dead and do not know
// it, and signed addresses may have ended.
func (t *Transfer) wokeUp(slept time.Duration) {
	t.tell("going on after the machine slept for %v", slept.Round(time.Second))
	t.places.expireAny()
	t.mu.Lock()
	for s := range t.table.spans {
		s.drop(errSlept)
	}
	t.quietUntil = time.Time{}
	t.mu.Unlock()
	t.fetcher.client.DropConnections()
}

// measure takes the speeds of the last second and acts on them.
func (t *Transfer) measure() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.measure()
	var speeds []float64
	for s := range t.table.spans {
		s.tick()
		if s.seconds >= slowSeconds {
			speeds = append(speeds, s.speed())
		}
	}
	if len(speeds) >= 3 {
		slices.Sort(speeds)
		t.usual = speeds[len(speeds)/2]
	}
	limited := t.options.Limiter != nil && limits(t.options.Limiter) // what waits for us is not slow
	for s := range t.table.spans {
		piece := t.table.piece(s.pos)
		slow := !limited && s.speed() < slowShare*t.usual
		if s.seconds >= slowSeconds && slow && t.drops[piece] < maxDrops {
			t.drops[piece]++
			s.drop(errSlow)
		}
	}
	if t.limit < t.options.Connections && time.Since(t.lowered) >= raiseEvery {
		t.limit, t.lowered = t.limit+1, time.Now()
	}
	t.changed.Broadcast()
}

// patience ends a transfer whose time without a byte is used up.
func (t *Transfer) patience(began time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.options.GiveUp <= 0 || t.table.complete() {
		return nil
	}
	last := t.report.lastByte
	if last.Before(began) {
		last = began
	}
	if time.Since(last) < t.options.GiveUp {
		return nil
	}
	return &GiveUpError{After: t.options.GiveUp, Last: t.report.lastCause}
}

// checkSpace stops before the disk is so full that the journal cannot be
// written, where the file's own space is not reserved.
func (t *Transfer) checkSpace() error {
	t.mu.Lock()
	rest := t.blob.Size - t.table.bytes()
	t.mu.Unlock()
	allocated, err := t.part.Allocated()
	if err != nil || allocated >= t.blob.Size || rest == 0 {
		return nil // a write will tell
	}
	free, err := t.fetcher.fsys.Free()
	if err != nil || free >= min(lowSpace, rest+lowSpace/8) {
		return nil
	}
	return &disk.SpaceError{Path: t.fetcher.fsys.Path("."), Need: rest + lowSpace, Free: free}
}

// tell leaves a sentence for the person, once.
func (t *Transfer) tell(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.report.notices) < maxNotices && !slices.Contains(t.report.notices, text) {
		t.report.notices = append(t.report.notices, text)
	}
}
