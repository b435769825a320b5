package transfer

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Phase is what a transfer is at.
type Phase int

// The phases, in the order they come.
const (
	Preparing Phase = iota // opening files, reserving space
	Following              // another process is fetching this file
	Fetching
	Checking // hashing, after the last byte has come
	Done
	Failed
)

var phaseNames = [...]string{"preparing", "following", "fetching", "checking", "done", "failed"}

func (p Phase) String() string { return phaseNames[p] }

// Progress is how far a transfer is, at one moment.
type Progress struct {
	Phase Phase
	Total int64 // bytes of the file
	// Done is how many of them are written. It never falls.
	Done     int64
	Reused   int64 // of Done, from an earlier run
	Received int64 // bytes that came over the network in this run
	Checked  int64 // bytes that are hashed

	Rate        float64       // bytes a second, over about ten seconds
	Left        time.Duration // until the end at that rate; negative where that cannot be told
	Connections int           // at work
	Owner       int           // of Following: the process id, 0 if that is not known

	// Trouble says why nothing comes, if nothing comes; else it is empty.
	Trouble string
	// Notices are the sentences for the person so far, one each.
	Notices []string
}

const (
	maxNotices   = 100
	quietAfter   = 10 * time.Second // silences shorter than that need no words
	rateSeconds  = 10
	leftAfter    = 5 // seconds of rates before a time left is worth showing
	untellable   = time.Duration(-1)
	longestShown = 1000 * time.Hour
)

// report is what a transfer notes of itself, under its lock.
type report struct {
	phase    Phase
	owner    int
	total    int64
	best     int64
	reused   int64
	received int64
	lastByte time.Time

	rate     float64
	seconds  int
	measured int64 // received, a second ago

	troubles  map[int]trouble // by connection
	lastCause error
	notices   []string
}

type trouble struct {
	words   string
	attempt int
	until   time.Time
}

func newReport(total int64) report {
	return report{total: total, lastByte: time.Now(), troubles: map[int]trouble{}}
}

// raise moves the bytes that are done, never back.
func (r *report) raise(done int64) { r.best = max(r.best, min(done, r.total)) }

// end notes how it ended.
func (r *report) end(err error) {
	r.phase = Done
	if err != nil {
		r.phase = Failed
		return
	}
	r.best = r.total
}

// measure takes in the bytes of the last second: an average in which they
// weigh less the longer ago they came (and the first ones not too much).
func (r *report) measure() {
	came := float64(r.received - r.measured)
	r.measured = r.received
	r.seconds++
	weight := max(1-math.Exp(-1.0/rateSeconds), 1/float64(r.seconds))
	r.rate += weight * (came - r.rate)
}

// setPhase notes what the transfer is at.
func (t *Transfer) setPhase(p Phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.phase = p
}

// setTrouble notes what a connection waits for.
func (t *Transfer) setTrouble(connection int, v verdict, attempt int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.troubles[connection] = trouble{v.words, attempt, time.Now().Add(v.wait)}
	if v.cause != nil {
		t.report.lastCause = unwrapOurs(v.cause)
	}
}

// Progress is how far the transfer is now.
func (t *Transfer) Progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.report
	p := Progress{
		Phase: r.phase, Total: r.total, Done: r.best, Reused: r.reused, Received: r.received,
		Checked: t.hashed, Rate: r.rate, Left: untellable, Owner: r.owner,
		Notices: slices.Clone(r.notices),
	}
	if r.phase == Done {
		p.Checked = r.total
	}
	if r.phase != Fetching || t.table == nil {
		return p
	}
	p.Connections = len(t.table.spans)
	switch {
	case t.table.complete():
		p.Phase = Checking
	case time.Since(r.lastByte) >= quietAfter, time.Now().Before(t.quietUntil):
		p.Trouble = r.silence()
	case r.seconds >= leftAfter && r.rate > 0:
		left := float64(r.total-r.best) / r.rate
		p.Left = time.Duration(min(left, longestShown.Seconds()) * float64(time.Second))
	}
	return p
}

// silence says why nothing comes: the words of the connection that tries again
// first, and when.
func (r *report) silence() string {
	now := time.Now()
	var first *trouble
	for _, t := range r.troubles {
		if t.words != "" && (first == nil || t.until.Before(first.until)) && !t.until.Before(now) {
			first = &t
		}
	}
	silent := int(now.Sub(r.lastByte).Seconds())
	switch {
	case first == nil:
		return fmt.Sprintf("no data for %d s, reconnecting", silent)
	default:
		return fmt.Sprintf("%s; retry %d in %d s", first.words, first.attempt, int(math.Ceil(first.until.Sub(now).Seconds())))
	}
}
