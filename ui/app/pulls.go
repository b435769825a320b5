package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scout/ui/safetext"
)

// PullState is where a download stands.
type PullState string

// The states.
const (
	PullQueued   PullState = "queued"   // its turn comes
	PullRunning  PullState = "running"  // it is worked on now
	PullPaused   PullState = "paused"   // until it is resumed
	PullHeld     PullState = "held"     // its licence is to be agreed to first; Line says which
	PullFailed   PullState = "failed"   // Line says why, and what to do
	PullFinished PullState = "finished" // the model is here
)

// Pull is one download, at one moment.
type Pull struct {
	ID          int
	Name        string // of the model, as Config.Load is asked for it
	State       PullState
	Doing       string // of a running one: what is done just now, in a word or two
	Done, Total int64  // bytes; a Total of 0 is not known yet
	Rate        float64
	Left        time.Duration // until the end at that rate; negative where it cannot be told
	Connections int
	Line        string   // what it waits for or what went wrong, in one line; else empty
	Said        []string // what it told, the latest last
}

// share is how much of it is here, of 0 to 1.
func (p Pull) share() float64 {
	switch {
	case p.State == PullFinished:
		return 1
	case p.Total <= 0:
		return 0
	}
	return float64(p.Done) / float64(p.Total)
}

// Pulls is the downloads. Its methods may be called from any goroutine. Snapshot does
// not wait; the others may, for a disk.
type Pulls interface {
	// Snapshot is all of them, in order, those that are done too.
	Snapshot() []Pull
	// Changed is sent something after a change of what Snapshot gives.
	Changed() <-chan struct{}
	// Add puts a model at the end, or resumes it where it is.
	Add(name string) (id int, err error)
	Pause(id int) error
	Resume(id int) error
	// Agree agrees to the licence that one is held for, and resumes it.
	Agree(id int) error
	// Cancel takes one out; what has come of it stays on the disk.
	Cancel(id int) error
	// Discard takes one out and removes what has come of it, and tells what that frees.
	Discard(ctx context.Context, id int) (freed int64, err error)
	// Move puts one at a place of the order, from 0.
	Move(id, to int) error
	// Clear takes the finished ones out.
	Clear() error
	// SetLimit holds all together to a rate in bytes a second; 0 is none.
	SetLimit(bytesPerSecond int64)
	// Refresh looks again at what there is on the disk.
	Refresh() error
	// Close stops all and keeps them for the next time.
	Close() error
}

// pulling is what the app knows of the downloads.
type pulling struct {
	all     Pulls
	now     []Pull // as they were a moment ago
	opening bool
	wanted  []string // names to be added when it is open
	limit   int64    // bytes a second; 0: none
	offer   *Pull    // has just arrived, and may answer
	atOnce  bool     // what arrives answers from the next turn on
}

// The messages of the downloads.
type (
	pullsOpenedMsg struct {
		pulls Pulls
		err   error
	}
	pullsMsg struct{ now []Pull }
)

// openPulls opens the downloads if they are not.
func (r *root) openPulls() tea.Cmd {
	if r.pulls.all != nil || r.pulls.opening || r.config.OpenPulls == nil {
		return nil
	}
	r.pulls.opening = true
	open, held := r.config.OpenPulls, r.opened
	return func() tea.Msg {
		pulls, err := open()
		if err != nil {
			return pullsOpenedMsg{err: err}
		}
		held.mu.Lock()
		defer held.mu.Unlock()
		if held.done { // the app has ended meanwhile
			return pullsOpenedMsg{err: pulls.Close()}
		}
		held.pulls = pulls
		return pullsOpenedMsg{pulls: pulls}
	}
}

func (r *root) pullsOpened(msg pullsOpenedMsg) tea.Cmd {
	r.pulls.opening = false
	if msg.err != nil || msg.pulls == nil {
		r.pulls.wanted = nil
		if msg.err != nil {
			r.complain(fmt.Errorf("the downloads could not be opened: %w", msg.err))
		}
		return nil
	}
	r.pulls.all = msg.pulls
	r.pulls.now = msg.pulls.Snapshot()
	if r.pulls.limit > 0 { // which was set before there was anything to hold to it
		msg.pulls.SetLimit(r.pulls.limit)
	}
	cmds := []tea.Cmd{r.waitPulls()}
	for _, name := range r.pulls.wanted {
		cmds = append(cmds, r.pull(name))
	}
	r.pulls.wanted = nil
	return tea.Batch(cmds...)
}

// waitPulls waits for a change of the downloads, and then until it is worth a look:
// more often than twice a second it is not.
func (r *root) waitPulls() tea.Cmd {
	pulls, ctx := r.pulls.all, r.ctx
	return func() tea.Msg {
		select {
		case <-pulls.Changed():
		case <-ctx.Done():
			return nil
		}
		select {
		case <-time.After(busyTick):
		case <-ctx.Done():
			return nil
		}
		return pullsMsg{pulls.Snapshot()}
	}
}

// pull gets a model, in the background.
func (r *root) pull(name string) tea.Cmd {
	switch {
	case r.config.OpenPulls == nil:
		r.complain(errors.New("models cannot be downloaded here"))
		return nil
	case r.pulls.all == nil:
		r.pulls.wanted = append(r.pulls.wanted, name)
		return r.openPulls()
	}
	pulls := r.pulls.all
	said := name + " is downloading: " + r.keyOf("/downloads") + " shows how far it is." + r.meanwhile()
	return func() tea.Msg {
		if _, err := pulls.Add(name); err != nil {
			return saidMsg{err: err}
		}
		return saidMsg{text: said}
	}
}

// meanwhile is what to do until a download is complete.
func (r *root) meanwhile() string {
	if r.model != nil {
		return " You can go on here; when it is complete it is offered."
	}
	return " Until then " + r.keyOf("/model") + " opens a smaller one."
}

// pullNamed is /pull.
func pullNamed(r *root, arg string) tea.Cmd {
	if arg == "" {
		r.open(&question{title: "Download: user/repo:QUANT, llama4:scout or a pasted address", answer: func(r *root, text string) tea.Cmd {
			if text == "" {
				return nil
			}
			return r.pull(text)
		}})
		return nil
	}
	return r.pull(arg)
}

// pullsChanged takes the downloads as they are now, and offers what has arrived.
func (r *root) pullsChanged(msg pullsMsg) tea.Cmd {
	before := map[int]PullState{}
	for _, p := range r.pulls.now {
		before[p.ID] = p.State
	}
	r.pulls.now = msg.now
	for _, p := range msg.now {
		switch {
		case p.State == before[p.ID]:
		case p.State == PullFinished: // in this run: those of earlier ones are not kept
			r.pulls.offer = &p
			if len(r.layers) > 0 { // else the offer has a line of its own
				r.say(p.Name + " is here. " + r.offerText())
			}
		case p.State == PullFailed:
			r.complain(fmt.Errorf("%s: %s", p.Name, p.Line))
		case p.State == PullHeld:
			r.say(fmt.Sprintf("%s waits for you: %s; %s shows it.", p.Name, p.Line, r.keyOf("/downloads")))
		}
	}
	return tea.Batch(r.waitPulls(), r.swapIfDue())
}

// offerText is what can be done with what has arrived.
func (r *root) offerText() string {
	if r.pulls.atOnce && r.busy() {
		return "It answers after this reply."
	}
	return r.keyOf("/swap") + " has it answer from the next turn on."
}

// swapIfDue changes to what has arrived between two turns, if that is wanted at once.
func (r *root) swapIfDue() tea.Cmd {
	if r.pulls.offer == nil || !r.pulls.atOnce || r.busy() || r.loading != "" || len(r.queue) > 0 {
		return nil
	}
	return r.takeOffer()
}

func (r *root) takeOffer() tea.Cmd {
	p := r.pulls.offer
	r.pulls.offer = nil
	return r.switchTo(ModelEntry{Name: p.Name, Size: p.Total, Cached: -1})
}

// swap has what was downloaded last answer; "at once" and "ask" say what is to happen
// from now on by itself.
func swap(r *root, arg string) tea.Cmd {
	switch arg {
	case "at once":
		r.pulls.atOnce = true
		r.say("What is downloaded answers as soon as it is complete, between two turns.")
		return tea.Batch(r.keepSwap(), r.swapIfDue())
	case "ask":
		r.pulls.atOnce = false
		r.say("What is downloaded is offered when it is complete.")
		return r.keepSwap()
	case "":
	default:
		r.complain(fmt.Errorf("/swap is alone, or before \"at once\" or \"ask\", not %q", arg))
		return nil
	}
	if r.pulls.offer == nil {
		r.say("Nothing has been downloaded that could answer now; \"/swap at once\" takes what comes by itself.")
		return nil
	}
	return r.takeOffer()
}

// keepSwap remembers what is to happen with what is downloaded.
func (r *root) keepSwap() tea.Cmd {
	save, atOnce := r.config.SaveSwap, r.pulls.atOnce
	if save == nil {
		return nil
	}
	return func() tea.Msg { return saidMsg{err: save(atOnce)} }
}

// dropOffer lets go of an offer that was taken in another way.
func (r *root) dropOffer(name string) {
	if r.pulls.offer != nil && r.pulls.offer.Name == name {
		r.pulls.offer = nil
	}
}

// offerLine is the line that offers what has arrived.
func (r *root) offerLine(w int) []string {
	p := r.pulls.offer
	if p == nil || r.loading != "" {
		return nil
	}
	before, after := r.keyOf("/swap")+" switches to ", ", which has just arrived"
	if r.pulls.atOnce && r.busy() {
		before, after = "after this reply ", " answers"
	}
	name := shortName(p.Name)
	if room := max(8, w-2-len(before)-len(after)); len(name) > room {
		name = strings.TrimSpace(shorten(name, room))
	}
	return []string{cut(" "+r.styles.good.Render(before+name+after), w)}
}

// pullsText is the downloads in a few cells of the status line.
func (r *root) pullsText() string {
	var done, total int64
	n, rate := 0, 0.0
	for _, p := range r.pulls.now {
		if p.State == PullRunning {
			n++
			done, total, rate = done+p.Done, total+p.Total, rate+p.Rate
		}
	}
	if n == 0 {
		return ""
	}
	text := "↓"
	if total > 0 {
		text += fmt.Sprintf(" %d%%", int(100*float64(done)/float64(total)))
	}
	if rate > 0 {
		text += " " + fileText(int64(rate)) + "/s"
	}
	return text
}

// shortName is a model's name without whose it is and where, and without what all have
// in common: what people call it.
func shortName(name string) string {
	if i := strings.LastIndexAny(name, "/\\"); i >= 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	return safetext.Line(strings.Replace(name, "-GGUF:", ":", 1))
}

// fileText is the size of a file, in the decimal units that hubs and disks are
// measured in.
func fileText(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	size, units, i := float64(n), "kMGTPE", -1
	for size >= unit && i+1 < len(units) {
		size /= unit
		i++
	}
	if size < 99.95 {
		return fmt.Sprintf("%.1f %cB", size, units[i])
	}
	return fmt.Sprintf("%.0f %cB", size, units[i])
}

// parseRate reads a rate such as 20MB or 500k; "none" and 0 are none.
func parseRate(text string) (int64, error) {
	s := strings.ToLower(strings.TrimSpace(text))
	s = strings.TrimSuffix(strings.TrimSuffix(s, "/s"), "b")
	if s == "" || s == "none" || s == "0" {
		return 0, nil
	}
	scale := 1.0
	if i := strings.IndexByte("kmgt", s[len(s)-1]); i >= 0 {
		s = s[:len(s)-1]
		for range i + 1 {
			scale *= 1000
		}
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(x*scale >= 1000 && x*scale < 1e12) {
		return 0, fmt.Errorf("the limit is %q, want bytes a second such as 500kB or 20MB, or none", text)
	}
	return int64(x * scale), nil
}
