package downloads

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/time/rate"
)

// Status is where an item of a queue stands.
type Status string

// The statuses.
const (
	Queued   Status = "queued"   // its turn comes
	Running  Status = "running"  // it is pulled now; Progress.State says what is done
	Paused   Status = "paused"   // until it is resumed
	Held     Status = "held"     // QueueOptions.Before wants something first; Err says what
	Failed   Status = "failed"   // Err says why; it can be resumed
	Finished Status = "finished" // the model is here
)

// Item is one pull of a queue, at one moment.
type Item struct {
	ID     int // it stays the same, and is not used again
	Status Status
	// Progress is the latest that is known: what is here and how much there is,
	// and while it is Running the file, the rate, the time left and what it
	// waits for (Trouble). Its Name is that of the model, its Notices are empty.
	Progress
	// Said are the notices of the pull, the latest last, at most maxSaid.
	Said []string
	// Plan is what the pull takes; nil until it has been found out.
	Plan *Plan
	Err  error // of Held and Failed, else nil
	// Process is another process that is pulling this model, or 0.
	Process int
}

// Line says in one line what an item waits for or what went wrong with it; it
// is empty if there is nothing to say.
func (i Item) Line() string {
	switch {
	case i.Err != nil:
		return i.Err.Error()
	case i.Status == Paused && i.Process > 0:
		return fmt.Sprintf("process %d is downloading it", i.Process)
	case i.Status == Running && i.State == Following:
		return fmt.Sprintf("process %d is downloading it, this one takes over if it stops", i.Owner)
	case i.Status == Running:
		return i.Trouble
	}
	return ""
}

// maxSaid is how many notices of an item are kept.
const maxSaid = 20

// QueueOptions is what a queue can be told. The zero value suits.
type QueueOptions struct {
	AtOnce int // how many are pulled at once; 0 means 1
	// Pull is for every pull; its Limit is shared by all of them, its Before
	// and Each are not used.
	Pull Options
	// Before, if not nil, is told what a pull will take, before its first byte.
	// Its error keeps the pull from going on: one that is a *HeldError makes
	// the item Held, any other Failed. Resume asks again. It is called from
	// the goroutine of the pull.
	Before func(Plan) error
}

// HeldError is why an item of a queue cannot go on before somebody has done
// something, for instance has agreed to a licence.
type HeldError struct {
	Why string
	Err error // what it is about; may be nil
}

func (e *HeldError) Error() string { return e.Why }
func (e *HeldError) Unwrap() error { return e.Err }

// Queue pulls models one after the other, or several at once, in an order that
// can be changed. Its methods may be called from any goroutine. Snapshot never
// waits; those that change something may wait for the disk, since the queue is
// kept there (an error of that leaves the change made); Discard and Close wait
// for a pull to end.
//
// A queue outlives its process: what was begun and what was waiting is found
// again by the next queue on the same store, and is paused there.
type Queue struct {
	d       *Downloads
	options QueueOptions
	limiter *rate.Limiter
	changed chan struct{}

	mu     sync.Mutex
	items  []*queued // in order
	nextID int
	closed bool
	kept   kept // what is on the disk of it
	work   sync.WaitGroup
}

// queued is an item with what only the queue needs to know.
type queued struct {
	Item
	asked string                  // the name that was asked for
	stop  context.CancelCauseFunc // of a pull under way, else nil
	over  chan struct{}           // closed when that pull has ended
}

// NewQueue makes a queue of a store. What an earlier queue left, and every
// model that was begun and is not whole, is in it and Paused.
func (d *Downloads) NewQueue(o QueueOptions) (*Queue, error) {
	o.AtOnce = max(o.AtOnce, 1)
	q := &Queue{d: d, options: o, limiter: newLimiter(o.Pull.Limit), changed: make(chan struct{}, 1)}
	q.options.Pull.limiter = q.limiter
	for _, name := range q.readKept() {
		if ref, err := d.published.Parse(name); err == nil {
			q.append(name, ref.Name(), Paused)
		}
	}
	return q, q.Refresh()
}

// Changed is sent something after a change of what Snapshot returns. Changes
// that nobody has read of yet are one; so it has to have one reader.
func (q *Queue) Changed() <-chan struct{} { return q.changed }

func (q *Queue) change() {
	select {
	case q.changed <- struct{}{}:
	default: // there is one to be read already
	}
}

// Snapshot is the items in order, those that are done too.
func (q *Queue) Snapshot() []Item {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := make([]Item, len(q.items))
	for i, it := range q.items {
		items[i] = it.Item
		items[i].Said = slices.Clone(it.Said)
	}
	return items
}

// ErrQueueClosed is a queue that was closed.
var ErrQueueClosed = errors.New("downloads: the queue is closed")

// errStopped ends a pull that is paused, cancelled or closed.
var errStopped = errors.New("stopped")

// NoItemError is an item that is not in the queue, or not any more.
type NoItemError struct{ ID int }

func (e *NoItemError) Error() string { return fmt.Sprintf("downloads: the queue has no item %d", e.ID) }

// Add puts a model at the end of the queue and returns its item. A name that
// is in the queue already is resumed where it is; one that no model can have
// is an error.
func (q *Queue) Add(name string) (id int, err error) {
	ref, err := q.d.published.Parse(name)
	if err != nil {
		return 0, err
	}
	err = q.edit(func() error {
		for _, it := range q.items {
			if it.asked != name && it.Name != name && it.Name != ref.Name() {
				continue
			}
			if it.Status != Finished {
				q.resume(it)
				id = it.ID
				return nil
			}
			q.drop(it) // pulled before: now once more, as the hub may have something newer
			break
		}
		id = q.append(name, ref.Name(), Queued).ID
		return nil
	})
	return id, err
}

// append makes an item at the end. The caller holds mu.
func (q *Queue) append(asked, name string, s Status) *queued {
	q.nextID++
	it := &queued{asked: asked, Item: Item{ID: q.nextID, Status: s, Progress: Progress{Name: name, Left: -1}}}
	q.items = append(q.items, it)
	return it
}

// Pause stops an item; what has come of it is kept. The next in the queue gets
// its turn. One that is not running or queued stays as it is.
func (q *Queue) Pause(id int) error {
	return q.with(id, func(it *queued) {
		if it.Status == Running || it.Status == Queued {
			q.pause(it)
		}
	})
}

// PauseAll pauses every item that is running or queued.
func (q *Queue) PauseAll() error {
	return q.edit(func() error {
		for _, it := range q.items {
			if it.Status == Running || it.Status == Queued {
				q.pause(it)
			}
		}
		return nil
	})
}

// ResumeAll resumes every item that is paused.
func (q *Queue) ResumeAll() error {
	return q.edit(func() error {
		for _, it := range q.items {
			if it.Status == Paused {
				q.resume(it)
			}
		}
		return nil
	})
}

// Resume makes a paused, held or failed item wait for its turn again.
func (q *Queue) Resume(id int) error { return q.with(id, q.resume) }

// Cancel stops an item and takes it out of the queue. What has come of it
// stays on the disk: a pull of the same name goes on with it, and the next
// queue finds it. See Discard.
func (q *Queue) Cancel(id int) error {
	return q.with(id, func(it *queued) {
		q.halt(it)
		q.drop(it)
	})
}

// Discard cancels an item and removes from the disk what has come of it. A
// model that is whole is not removed, nor the older version of one that is
// being updated.
func (q *Queue) Discard(ctx context.Context, id int) (Removal, error) {
	var over chan struct{}
	var name string
	err := q.with(id, func(it *queued) {
		over, name = it.over, it.Name
		q.halt(it)
		q.drop(it)
	})
	if err != nil {
		return Removal{}, err
	}
	if over != nil {
		select {
		case <-over:
		case <-ctx.Done():
			return Removal{}, context.Cause(ctx)
		}
	}
	return q.d.discardBegun(name)
}

// Move puts an item at a place of the order, from 0; places beyond the end are
// the end. A pull that is under way is not stopped for one that comes before
// it: pause it for that.
func (q *Queue) Move(id, to int) error {
	return q.with(id, func(it *queued) {
		q.drop(it)
		q.items = slices.Insert(q.items, min(max(to, 0), len(q.items)), it)
	})
}

// Clear takes the items that are finished out of the queue.
func (q *Queue) Clear() error {
	return q.edit(func() error {
		q.items = slices.DeleteFunc(q.items, func(it *queued) bool { return it.Status == Finished })
		return nil
	})
}

// SetAtOnce changes how many are pulled at once, at least one. Those under way
// go on.
func (q *Queue) SetAtOnce(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.options.AtOnce = max(n, 1)
	q.fill()
	q.change()
}

// SetLimit holds all pulls together to a rate in bytes a second, from now on;
// 0 means none.
func (q *Queue) SetLimit(bytesPerSecond int64) { setLimit(q.limiter, bytesPerSecond) }

// Close stops all pulls, waits for them to end, and keeps the queue for the
// next one.
func (q *Queue) Close() error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	names, version := q.names()
	for _, it := range q.items {
		q.halt(it)
	}
	q.mu.Unlock()
	q.work.Wait()
	return q.keep(names, version)
}

// edit changes the queue, lets others have their turn, and keeps it.
func (q *Queue) edit(do func() error) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrQueueClosed
	}
	err := do()
	q.fill()
	q.change()
	names, version := q.names()
	q.mu.Unlock()
	if err != nil {
		return err
	}
	return q.keep(names, version) // not under the lock: the disk may take its time
}

// with changes one item.
func (q *Queue) with(id int, do func(*queued)) error {
	return q.edit(func() error {
		for _, it := range q.items {
			if it.ID == id {
				do(it)
				return nil
			}
		}
		return &NoItemError{id}
	})
}

// The caller of these holds mu.

func (q *Queue) pause(it *queued) {
	q.halt(it)
	it.Status = Paused
	it.rest()
}

func (q *Queue) resume(it *queued) {
	if it.Status == Paused || it.Status == Held || it.Status == Failed {
		it.Status, it.Err, it.Process = Queued, nil, 0
	}
}

// halt tells a pull to end. It ends a moment later: see over.
func (q *Queue) halt(it *queued) {
	if it.stop != nil {
		it.stop(errStopped)
	}
}

func (q *Queue) drop(it *queued) {
	q.items = slices.DeleteFunc(q.items, func(other *queued) bool { return other == it })
}

// rest takes out of an item what is true of a running one alone.
func (it *queued) rest() {
	it.Rate, it.Left, it.Connections, it.Owner, it.Trouble = 0, -1, 0, 0, ""
}

// fill starts the items whose turn it is. One whose last pull has not ended
// yet waits for that: fill is called again then.
func (q *Queue) fill() {
	if q.closed {
		return
	}
	running := 0
	for _, it := range q.items {
		if it.Status == Running {
			running++
		}
	}
	for _, it := range q.items {
		if running >= q.options.AtOnce {
			return
		}
		if it.Status == Queued && it.stop == nil {
			q.start(it)
			running++
		}
	}
}

// start pulls an item.
func (q *Queue) start(it *queued) {
	ctx, stop := context.WithCancelCause(context.Background())
	it.Status, it.Err, it.stop, it.over = Running, nil, stop, make(chan struct{})
	it.State, it.Process = Asking, 0
	o := q.options.Pull
	o.Each = func(p Progress) { q.update(it, p) }
	o.Before = func(p Plan) error { return q.before(ctx, it, p) }
	over, asked := it.over, it.asked
	q.work.Go(func() {
		_, err := q.d.Pull(ctx, asked, o)
		q.end(it, err)
		close(over)
	})
}

func (q *Queue) before(ctx context.Context, it *queued, p Plan) error {
	q.mu.Lock()
	it.Plan = &p
	q.mu.Unlock()
	q.change()
	if q.options.Before != nil {
		if err := q.options.Before(p); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// update takes in how far a pull is.
func (q *Queue) update(it *queued, p Progress) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it.say(p.Notices...)
	p.Notices = nil
	if p.Total == 0 { // nothing is known yet of this try: what is known of the last one still holds
		p.Name, p.Done, p.Total = it.Name, it.Done, it.Total
	}
	if p.Done < it.Done && p.Total == it.Total {
		p.Done = it.Done
	}
	it.Progress = p
	if it.Status != Running { // it was paused a moment ago
		it.rest()
	}
	q.change()
}

// end notes how a pull ended, and gives the next its turn.
func (q *Queue) end(it *queued, err error) {
	q.mu.Lock()
	it.stop(nil)
	it.stop, it.over = nil, nil
	it.rest()
	var held *HeldError
	switch {
	case err == nil:
		it.Status = Finished
	case errors.Is(err, errStopped): // whoever stopped it has said what it is now
		if it.Status == Running {
			it.Status = Paused
		}
	case it.Status != Running: // it failed as it was stopped: that is no matter then
	case errors.As(err, &held):
		it.Status, it.Err = Held, err
	default:
		it.Status, it.Err = Failed, err
	}
	q.fill()
	names, version := q.names()
	q.mu.Unlock()
	q.change()
	if err := q.keep(names, version); err != nil {
		q.say(it, err.Error())
	}
}

// say adds a notice to an item.
func (q *Queue) say(it *queued, notices ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it.say(notices...)
	q.change()
}

func (it *queued) say(notices ...string) {
	it.Said = append(it.Said, notices...)
	it.Said = it.Said[max(0, len(it.Said)-maxSaid):]
}
