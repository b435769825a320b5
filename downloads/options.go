package downloads

import (
	"math"
	"time"

	"golang.org/x/time/rate"

	"scout/downloads/transfer"
)

// Options is what a pull can be told. The zero value suits.
type Options struct {
	// Connections is how many are open at once; 0 means 8, at most 16.
	Connections int
	// Limit holds the pull to a rate in bytes a second; 0 means none.
	Limit int64
	// GiveUp ends the pull after so long without a byte or an answer; 0 means
	// never.
	GiveUp time.Duration
	// NoReuse fetches files even if another program on this machine has them.
	NoReuse bool
	// Before, if not nil, is told what the pull will take, before the first
	// byte; its error ends the pull.
	Before func(Plan) error
	// Each, if not nil, is told how far the pull is, a few times a second. It
	// may take its time: transfers do not wait for it.
	Each func(Progress)

	limiter *rate.Limiter // shared with other pulls; nil for one of its own
}

// transferOptions are those of every file of one pull.
func (o Options) transferOptions() transfer.Options {
	t := transfer.Options{Connections: o.Connections, GiveUp: o.GiveUp}
	switch {
	case o.limiter != nil:
		t.Limiter = o.limiter
	case o.Limit > 0:
		t.Limiter = newLimiter(o.Limit)
	}
	return t
}

// newLimiter holds transfers to a rate in bytes a second; 0 means none.
func newLimiter(bytesPerSecond int64) *rate.Limiter {
	l := rate.NewLimiter(rate.Inf, 0)
	setLimit(l, bytesPerSecond)
	return l
}

// setLimit changes the rate of a limiter.
func setLimit(l *rate.Limiter, bytesPerSecond int64) {
	limit := rate.Limit(bytesPerSecond)
	if bytesPerSecond <= 0 {
		limit, bytesPerSecond = rate.Inf, math.MaxInt32
	}
	// A burst of a tenth of a second keeps the pace even; less than a buffer of
	// the network would never come through.
	l.SetBurst(int(max(bytesPerSecond/10, 1<<20)))
	l.SetLimit(limit)
}

// State is what a pull is at.
type State string

// The states, in the order they come.
const (
	Asking    State = "asking"    // the hub, what the name stands for
	Waiting   State = "waiting"   // the hub cannot be asked now; Trouble says why
	Reusing   State = "reusing"   // reading a file that another program has
	Preparing State = "preparing" // opening files, reserving space
	Following State = "following" // another process fetches it
	Fetching  State = "fetching"
	Checking  State = "checking" // hashing, after the last byte of a file
	Done      State = "done"
)

// Progress is how far a pull is, at one moment.
type Progress struct {
	Name        string // of the model
	State       State
	File        string // that is worked on, as the hub calls it
	Part, Parts int    // which file it is, from 1, of how many
	Done, Total int64  // bytes of the model; Done never falls
	Received    int64  // bytes that came over the network in this pull
	Rate        float64
	Left        time.Duration // until the end at that rate; negative where it cannot be told
	Connections int
	Owner       int    // of Following: the process id
	Trouble     string // why nothing comes; empty if something does
	// Notices are sentences for the person that have not been told before.
	Notices []string
}
