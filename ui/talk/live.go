package talk

import (
	"time"

	"scout/engine"
)

// The resolution of the live figures.
const (
	slot      = 100 * time.Millisecond // what tokens are counted by
	rateSlots = 20                     // that Live.Rate looks back over
	perPoint  = 5                      // slots that a point of Live.Rates is made of
	mostRates = 60                     // points that are kept
)

// figures is what is known of the reply that is being written. Counting a token
// allocates nothing.
type figures struct {
	phase      Phase
	stats      engine.Stats
	started    time.Time
	firstToken time.Duration
	meter      meter
}

// begin begins a reply. The history of rates goes on.
func (f *figures) begin(now time.Time) {
	*f = figures{phase: Loading, started: now, meter: f.meter}
	f.meter.restart()
}

// count takes the figures of a step of the reply.
func (f *figures) count(s engine.Stats, now time.Time) {
	tokens := s.Generated - f.stats.Generated
	f.stats = s
	switch {
	case s.Generated > 0:
		if f.firstToken == 0 {
			f.firstToken = now.Sub(f.started)
		}
		f.meter.add(tokens, now)
		f.step(Writing)
	case s.TilesDone < s.Tiles:
		f.step(Seeing)
	default:
		f.step(Reading)
	}
}

// step enters a phase; what is stopping stays so until it has stopped.
func (f *figures) step(p Phase) {
	if f.phase != Stopping {
		f.phase = p
	}
}

// meter counts tokens by slots of time.
type meter struct {
	running bool
	first   time.Time // when the first token came
	at      int64     // the current slot, counted from first
	slots   [rateSlots]int
	points  [mostRates]float64 // the last ones, a ring
	known   int                // points there have been
	sum     int                // tokens of the point that is being made
}

// restart waits for the first token of another reply; the points stay.
func (m *meter) restart() {
	*m = meter{points: m.points, known: m.known}
}

// add counts tokens that have just come.
func (m *meter) add(tokens int, now time.Time) {
	if !m.running {
		m.running, m.first = true, now
	}
	m.advance(now)
	m.slots[m.at%rateSlots] += tokens
	m.sum += tokens
}

// advance comes to the present slot.
func (m *meter) advance(now time.Time) {
	if !m.running {
		return
	}
	to := int64(now.Sub(m.first) / slot)
	if m.at < to-rateSlots-perPoint*mostRates { // nothing older is kept
		skip := to - rateSlots - perPoint*mostRates - m.at
		m.at += skip - skip%perPoint
	}
	for m.at < to {
		m.at++
		m.slots[m.at%rateSlots] = 0
		if m.at%perPoint == 0 {
			m.points[m.known%mostRates] = float64(m.sum) / (perPoint * slot).Seconds()
			m.known++
			m.sum = 0
		}
	}
}

// rate is tokens per second over the slots that are kept, or since the first token
// if that is less; 0 until there is something to divide.
func (m *meter) rate(now time.Time) float64 {
	if !m.running {
		return 0
	}
	m.advance(now)
	total := 0
	for _, n := range m.slots {
		total += n
	}
	// The slots reach back to the start of the oldest one, in the middle of which
	// nothing begins but the first token.
	span := now.Sub(m.first)
	if kept := now.Sub(m.first.Add(time.Duration(m.at-rateSlots+1) * slot)); kept < span {
		span = kept
	} else {
		total-- // the first token ends the wait for it, and begins the span
	}
	if span <= 0 || total <= 0 {
		return 0
	}
	return float64(total) / span.Seconds()
}

// rates is the points, oldest first.
func (m *meter) rates() []float64 {
	n := min(m.known, mostRates)
	list := make([]float64, 0, n)
	for i := m.known - n; i < m.known; i++ {
		list = append(list, m.points[i%mostRates])
	}
	return list
}

// Live is the figures of the reply that is being written, or of the last one: those
// of its end, then.
func (t *Talk) Live() Live {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &t.live
	now := time.Now()
	l := Live{Phase: f.phase, Stats: f.stats, FirstToken: f.firstToken, Started: f.started}
	if t.running != nil {
		l.Rate = f.meter.rate(now)
	} else if t.next != nil || t.waits() {
		l.Phase = Loading
	}
	l.Rates = f.meter.rates()
	if t.model != nil {
		l.Context = t.model.Context()
	}
	l.ContextUsed = t.used()
	return l
}

// used is how many positions the shown branch takes, as far as is known.
func (t *Talk) used() int {
	n := t.tree.head
	if n.draft != nil {
		return t.live.stats.PromptDone + t.live.stats.Generated
	}
	for ; !n.isRoot(); n = n.parent {
		if n.Reply != nil && n.Reply.Stats.PromptTokens > 0 {
			return n.Reply.Stats.PromptTokens + n.Reply.Stats.Generated
		}
	}
	return 0
}
