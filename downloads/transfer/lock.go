package transfer

import (
	"context"
	"time"

	"scout/downloads/disk"
)

// followEvery is how often another process's progress is looked at.
const followEvery = 500 * time.Millisecond

// lock takes the blob's lock. While another process has it, its progress is
// shown as ours; when it lets go, the file is there (then the lock is nil) or
// we go on where it stopped.
func (t *Transfer) lock(ctx context.Context) (*disk.Lock, error) {
	for first := true; ; first = false {
		lock, owner, err := disk.TryLock(t.fetcher.fsys, t.blob.Lock())
		if err != nil {
			return nil, t.diskError("locking", t.blob.Lock(), err)
		}
		if lock != nil {
			if !first {
				t.tell("the other process has stopped: going on in its place")
			}
			return lock, nil
		}
		if there, err := t.isThere(); there || err != nil {
			return nil, err
		}
		t.follow(owner)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(followEvery):
		}
	}
}

// follow shows how far the process is that has the lock.
func (t *Transfer) follow(owner int) {
	r, err := readJournal(t.fetcher.fsys, t.blob.state())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.phase, t.report.owner = Following, owner
	if err == nil && r.blob == t.blob {
		t.report.raise(r.bytes())
	}
}
