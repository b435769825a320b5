package transfer

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"scout/downloads/disk"
	"scout/downloads/web"
)

// Source knows where the bytes of a file can be fetched.
type Source interface {
	// Locate asks the hub for an address that works now. An error that has a
	// method Permanent() bool answering true ends the transfer; any other is
	// waited out.
	Locate(ctx context.Context) (web.Place, error)
}

// Options is what a transfer can be told. The zero value suits.
type Options struct {
	// Connections is how many are open at once; 0 means 8, at most 16.
	Connections int
	// Limiter holds all transfers that share it to a rate in bytes a second.
	Limiter *rate.Limiter
	// GiveUp ends a transfer after so long without a byte; 0 means never.
	GiveUp time.Duration
}

const (
	defaultConnections = 8
	maxConnections     = 16
)

// Fetcher makes transfers into one store.
type Fetcher struct {
	fsys   disk.FS
	client *web.Client

	pieceSize int64            // of new journals, 0 for pieceSizeFor; tests want small ones
	saveEvery time.Duration    // how much work a process that is killed may lose
	wall      func() time.Time // the clock on the wall, which goes on while the machine sleeps
}

// NewFetcher makes transfers into fsys with client.
func NewFetcher(fsys disk.FS, client *web.Client) *Fetcher {
	return &Fetcher{fsys: fsys, client: client, saveEvery: saveEvery, wall: time.Now}
}

// Transfer is one file on its way. All its methods may be called from any
// goroutine at any time, and none of them holds it up.
type Transfer struct {
	fetcher *Fetcher
	blob    Blob
	source  Source
	options Options
	over    chan struct{} // closed when err stands

	places places
	part   disk.File
	log    *journal

	writing sync.Mutex // see write
	saving  sync.Mutex // one save at a time; taken before mu

	mu      sync.Mutex
	changed *sync.Cond // the table, the limits, or the end
	table   *table
	report  report
	err     error

	sum    hash.Hash // of the first hashed bytes; only the hasher touches it
	hashed int64
	sumAt  []byte // the state of sum there, fit for the journal

	limit      int       // connections that may be open
	lowered    time.Time // when the limit was last lowered or raised
	quietUntil time.Time // the server asked us to keep away
	streaming  bool      // the server knows no ranges
	streams    int       // whole files that are being read
	longest    int64     // bytes to ask for at once
	strikes    map[fault]strike
	drops      map[int]int // how often a piece's connection was dropped for being slow
	usual      float64     // speed of one connection, bytes a second
	diskFaults int         // how often pieces had changed on the disk

	previous map[int]uint32 // checksums of pieces that are fetched again, of the first time
	differed int            // pieces that came out otherwise
}

// Start begins to fetch a blob. It goes on in the background until it is done,
// cannot go on, or ctx ends, which keeps all that has come.
func (f *Fetcher) Start(ctx context.Context, blob Blob, source Source, o Options) *Transfer {
	o.Connections = min(o.Connections, maxConnections)
	if o.Connections <= 0 {
		o.Connections = defaultConnections
	}
	t := &Transfer{
		fetcher: f, blob: blob, source: source, options: o,
		over:    make(chan struct{}),
		places:  newPlaces(),
		limit:   o.Connections,
		longest: longestSpan,
		strikes: map[fault]strike{},
		drops:   map[int]int{},
		report:  newReport(blob.Size),
	}
	t.changed = sync.NewCond(&t.mu)
	go func() {
		err := t.work(ctx)
		t.mu.Lock()
		t.err = err
		t.report.end(err)
		t.mu.Unlock()
		close(t.over)
	}()
	return t
}

// Wait waits for the end. A nil error means that the file is in the store, whole
// and with the right sum.
func (t *Transfer) Wait() error {
	<-t.over
	return t.err
}

// Over is closed at the end.
func (t *Transfer) Over() <-chan struct{} { return t.over }

// work is the whole life of a transfer.
func (t *Transfer) work(ctx context.Context) (err error) {
	if err := t.blob.Check(); err != nil {
		return err
	}
	fsys := t.fetcher.fsys
	for _, folder := range []string{BlobFolder, LockFolder} {
		if err := fsys.Mkdir(folder); err != nil {
			return t.diskError("making the folder", folder, err)
		}
	}
	lock, err := t.lock(ctx)
	if lock == nil || err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if there, err := t.isThere(); there || err != nil {
		return errors.Join(err, t.tidy())
	}
	if err := t.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	for {
		if err := t.fetch(ctx); err != nil {
			return err
		}
		right, err := t.judgeSum()
		if err != nil {
			return err
		}
		if right {
			return t.publish()
		}
	}
}

// isThere tells whether the store has the whole file.
func (t *Transfer) isThere() (bool, error) {
	info, err := t.fetcher.fsys.Stat(t.blob.Name())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, t.diskError("looking for", t.blob.Name(), err)
	case info.Size() != t.blob.Size:
		return false, fmt.Errorf("transfer: %s has %d bytes, want %d: it was changed; 'verify --repair' sets it right",
			t.fetcher.fsys.Path(t.blob.Name()), info.Size(), t.blob.Size)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.reused = t.blob.Size
	t.report.raise(t.blob.Size)
	return true, nil
}

// open opens the part and its journal, takes over what of them is to be
// trusted, and reserves the space for the rest.
func (t *Transfer) open() (err error) {
	fsys := t.fetcher.fsys
	t.part, err = fsys.Open(t.blob.part(), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return t.diskError("opening", t.blob.part(), err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.part.Close())
		}
	}()
	info, err := t.part.Stat()
	if err != nil {
		return t.diskError("looking at", t.blob.part(), err)
	}
	kept, why, err := t.recover(info.Size())
	if err != nil {
		return err
	}
	pieceSize := t.fetcher.pieceSize
	switch {
	case kept != nil:
		pieceSize = kept.pieceSize
	case pieceSize == 0:
		pieceSize = pieceSizeFor(t.blob.Size)
	}
	t.mu.Lock()
	t.table = newTable(t.blob.Size, pieceSize)
	t.mu.Unlock()
	if why != "" {
		t.tell("%s", why)
	}
	if err := t.reserve(kept); err != nil {
		return err
	}
	if kept == nil {
		t.log, err = createJournal(fsys, t.blob, pieceSize)
	} else {
		t.log, err = reopenJournal(fsys, kept)
	}
	if err != nil {
		return t.diskError("opening the journal", t.blob.state(), err)
	}
	t.restore(kept)
	return nil
}

// recover reads the journal of an earlier run. It returns nil if there is
// nothing to take over, and says why if something was lost with that. A disk
// that does not give the journal is an error: with the next try it may, and
// nothing is lost until then.
func (t *Transfer) recover(partSize int64) (r *record, why string, err error) {
	r, err = readJournal(t.fetcher.fsys, t.blob.state())
	var onDisk *fs.PathError
	lost := func(n int64, why string) string {
		return fmt.Sprintf("could not reuse %s of an earlier download: %s", disk.Bytes(n), why)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && partSize == 0:
		return nil, "", nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, lost(partSize, "the journal beside it is gone"), nil
	case errors.As(err, &onDisk):
		return nil, "", t.diskError("reading the journal", t.blob.state(), err)
	case err != nil:
		return nil, lost(partSize, "of its journal, "+err.Error()), nil
	case r.blob != t.blob:
		return nil, lost(r.bytes(), fmt.Sprintf("its journal is of a file of %d bytes, this one has %d", r.blob.Size, t.blob.Size)), nil
	}
	before := r.bytes()
	for i := range r.have { // a part that was cut has lost its end
		if int64(i)*r.pieceSize+pieceLength(t.blob.Size, r.pieceSize, i) > partSize {
			delete(r.have, i)
		}
	}
	if after := r.bytes(); after < before {
		why = lost(before-after, "the file was cut")
	}
	return r, why, nil
}

// reserveMargin is what is to stay free on the disk beside the file, for the
// rest of the system.
const reserveMargin = 1 << 30

// reserve checks that the disk has room and takes it.
func (t *Transfer) reserve(kept *record) error {
	fsys := t.fetcher.fsys
	if info, err := t.part.Stat(); err != nil {
		return t.diskError("looking at", t.blob.part(), err)
	} else if info.Size() > t.blob.Size {
		if err := t.part.Truncate(t.blob.Size); err != nil {
			return t.diskError("cutting", t.blob.part(), err)
		}
	}
	allocated, err := t.part.Allocated()
	if err != nil {
		return t.diskError("looking at", t.blob.part(), err)
	}
	if allocated < 0 && kept != nil {
		allocated = kept.bytes()
	}
	free, err := fsys.Free()
	if err != nil {
		return t.diskError("looking for free space on", ".", err)
	}
	if rest := t.blob.Size - max(allocated, 0); rest > 0 && free < rest+min(reserveMargin, t.blob.Size) {
		return &disk.SpaceError{Path: fsys.Path("."), Need: rest + min(reserveMargin, t.blob.Size), Free: free}
	}
	if err := t.part.Allocate(t.blob.Size); err != nil {
		return t.diskError(fmt.Sprintf("reserving %s for", disk.Bytes(t.blob.Size)), t.blob.part(), err)
	}
	return nil
}

// restore puts what the journal has into the table.
func (t *Transfer) restore(r *record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum, t.hashed, t.sumAt = sha256.New(), 0, nil
	if r == nil {
		return
	}
	for i, crc := range r.have {
		t.table.restore(i, crc)
	}
	t.report.reused = t.table.doneBytes
	t.report.raise(t.table.doneBytes)
	if r.hashed > min(t.table.end(t.table.prefix-1), t.blob.Size) {
		return
	}
	if u := t.sum.(encoding.BinaryUnmarshaler); u.UnmarshalBinary(r.hashState) == nil {
		t.hashed, t.sumAt = r.hashed, r.hashState
	} else {
		t.sum = sha256.New()
	}
}

// close ends the use of the files.
func (t *Transfer) close() error {
	return errors.Join(t.part.Close(), t.log.file.Close())
}

// fetch brings all missing pieces and hashes the file.
func (t *Transfer) fetch(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(ctx, t.wake)()
	t.setPhase(Fetching)
	var running sync.WaitGroup
	for i := range t.options.Connections {
		running.Go(func() { t.connection(ctx, i, stop) })
	}
	running.Go(func() { t.hasher(ctx, stop) })
	helpers, done := context.WithCancel(ctx)
	var helping sync.WaitGroup
	helping.Go(func() { t.saver(helpers, stop) })
	helping.Go(func() { t.governor(helpers, stop) })
	running.Wait()
	done()
	helping.Wait()
	// Whatever ended it, what has come is kept.
	saved := t.save()
	if cause := context.Cause(ctx); cause != nil {
		if saved != nil && errors.Is(cause, context.Canceled) {
			return saved
		}
		return cause
	}
	return saved
}

// wake makes all that waits for a change look again.
func (t *Transfer) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed.Broadcast()
}

const (
	saveEvery = 5 * time.Second
	saveBytes = 512 << 20
)

// saver saves now and then, so that no more than that is lost with the power.
func (t *Transfer) saver(ctx context.Context, stop context.CancelCauseFunc) {
	every := t.fetcher.saveEvery
	tick := time.NewTicker(min(every, time.Second))
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		t.mu.Lock()
		unsaved := int64(len(t.table.fresh)) * t.table.pieceSize
		t.mu.Unlock()
		if unsaved < saveBytes && time.Since(last) < every {
			continue
		}
		if err := t.save(); err != nil {
			stop(err)
			return
		}
		last = time.Now()
	}
}

// save brings what has come to the disk and then says so in the journal. After
// an error nothing more is written: what the disk has of the data is unknown,
// and the journal does not claim it.
func (t *Transfer) save() error {
	t.saving.Lock()
	defer t.saving.Unlock()
	t.mu.Lock()
	n := note{have: t.table.fresh, hashed: t.hashed, hashState: t.sumAt}
	t.table.fresh = nil
	for _, i := range n.have {
		n.crcs = append(n.crcs, t.table.crc[i])
	}
	t.mu.Unlock()
	if len(n.have) == 0 {
		return nil
	}
	if err := t.part.Sync(); err != nil {
		return t.diskError("bringing to the disk", t.blob.part(), err)
	}
	if err := t.log.append(n); err != nil {
		return t.diskError("writing the journal", t.blob.state(), err)
	}
	return nil
}

// publish gives the whole file its name. Before it there is a part with a
// journal that has every piece, after it a blob: at each step in between, the
// next run finds its way.
func (t *Transfer) publish() error {
	fsys := t.fetcher.fsys
	if err := t.save(); err != nil {
		return err
	}
	if err := t.part.Sync(); err != nil {
		return t.diskError("bringing to the disk", t.blob.part(), err)
	}
	if err := fsys.Rename(t.blob.part(), t.blob.Name()); err != nil {
		return t.diskError("naming", t.blob.Name(), err)
	}
	if err := fsys.SyncDir(BlobFolder); err != nil {
		return t.diskError("naming", t.blob.Name(), err)
	}
	if err := fsys.Rename(t.blob.state(), t.blob.pieces()); err != nil {
		return t.diskError("naming", t.blob.pieces(), err)
	}
	return nil
}

// tidy ends what a publish began that was cut short after the file had its
// name.
func (t *Transfer) tidy() error {
	err := t.fetcher.fsys.Rename(t.blob.state(), t.blob.pieces())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return t.diskError("naming", t.blob.pieces(), err)
	}
	return nil
}

// diskError says what the disk did not do, to which file of the store.
func (t *Transfer) diskError(doing, name string, err error) error {
	return &disk.Error{Doing: doing, Path: t.fetcher.fsys.Path(name), Err: err}
}
