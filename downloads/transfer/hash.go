package transfer

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"scout/downloads/disk"
)

const hashChunk = 1 << 20

// hasher computes the file's sum close behind the pieces, from what the disk
// gives back and not from what came over the network.
func (t *Transfer) hasher(ctx context.Context, stop context.CancelCauseFunc) {
	buffer := make([]byte, hashChunk)
	for {
		from, to := t.nextToHash(ctx)
		if from == to {
			return
		}
		n, err := t.part.ReadAt(buffer[:min(to-from, hashChunk)], from)
		if err != nil && !(errors.Is(err, io.EOF) && n > 0) {
			stop(t.diskError("reading back", t.blob.part(), err))
			return
		}
		t.sum.Write(buffer[:n])
		state, err := t.sum.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			stop(fmt.Errorf("transfer: sha256: %w", err))
			return
		}
		t.mu.Lock()
		t.hashed += int64(n)
		t.sumAt = state
		t.mu.Unlock()
	}
}

// nextToHash waits for bytes that can be hashed. from equals to at the end.
func (t *Transfer) nextToHash(ctx context.Context) (from, to int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ctx.Err() == nil && t.hashed < t.blob.Size {
		if ready := min(t.table.start(t.table.prefix), t.blob.Size); ready > t.hashed {
			return t.hashed, ready
		}
		t.changed.Wait()
	}
	return 0, 0
}

const (
	// hashBehind is how far the hasher may fall behind what it could hash.
	hashBehind = 32 << 20
	// hashPause is how long a connection then leaves the processors to it, for
	// each buffer: little enough that no network below 200 MB/s a connection is
	// slowed down, whose bytes wait in the system meanwhile.
	hashPause = 5 * time.Millisecond
)

// letHasherWork keeps a connection away for a moment if the hasher lags behind.
// Where there are fewer processors than work, connections would take them all,
// and at the end all would wait for the one that hashes.
func (t *Transfer) letHasherWork(ctx context.Context) {
	t.mu.Lock()
	behind := min(t.table.start(t.table.prefix), t.blob.Size) - t.hashed
	t.mu.Unlock()
	if behind > hashBehind {
		sleep(ctx, hashPause)
	}
}

// CorruptError is a file that was fetched twice and had the wrong sum each time.
type CorruptError struct {
	Blob Blob
	Got  string // its SHA-256
	Kept string // where the file lies
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the server's copy is bad: fetched twice, its SHA-256 is %.12s... and should be %.12s...; "+
		"it is kept as %s for a look, and can be removed", e.Got, e.Blob.SHA256, e.Kept)
}

// judgeSum tells whether the file has the right sum. If not, the pieces that
// are to blame are made missing: those whose checksum is no longer the one they
// came with, which the disk has changed; and if there are none, all of them,
// once, since then the wrong bytes came over the network.
func (t *Transfer) judgeSum() (right bool, err error) {
	got := hex.EncodeToString(t.sum.Sum(nil))
	if got == t.blob.SHA256 {
		if t.previous != nil {
			t.tell("the checksum is right now: %d of %d pieces had come wrong the first time", t.differed, len(t.table.state))
		}
		return true, nil
	}
	t.setPhase(Checking)
	changed, err := changedPieces(t.part, t.table)
	if err != nil {
		return false, t.diskError("reading back", t.blob.part(), err)
	}
	if len(changed) > 0 {
		if t.diskFaults++; t.diskFaults >= maxDiskFaults {
			return false, &disk.Error{Doing: "keeping", Path: t.fetcher.fsys.Path(t.blob.part()),
				Err: errors.New("what is written there reads back otherwise, again and again; look after the disk")}
		}
		t.tell("the checksum differs: %s changed on the disk, refetching them", countPieces(len(changed)))
		return false, t.refetch(changed)
	}
	if t.previous != nil {
		return false, t.setAside(got)
	}
	t.tell("the checksum differs and the disk is not to blame: fetching all of it again")
	t.previous = map[int]uint32{}
	all := make([]int, len(t.table.state))
	for i := range all {
		all[i] = i
		t.previous[i] = t.table.crc[i]
	}
	return false, t.refetch(all)
}

// maxDiskFaults is how often pieces may change on the disk before it is not
// to be trusted with more.
const maxDiskFaults = 3

func countPieces(n int) string {
	if n == 1 {
		return "1 piece"
	}
	return fmt.Sprintf("%d pieces", n)
}

// changedPieces are the pieces whose bytes are no longer those that came.
func changedPieces(f io.ReaderAt, t *table) ([]int, error) {
	buffer := make([]byte, t.pieceSize)
	var changed []int
	for i := range t.state {
		b := buffer[:t.end(i)-t.start(i)]
		if n, err := f.ReadAt(b, t.start(i)); err != nil && !(errors.Is(err, io.EOF) && n == len(b)) {
			return nil, err
		}
		if crc32.Checksum(b, castagnoli) != t.crc[i] {
			changed = append(changed, i)
		}
	}
	return changed, nil
}

// refetch makes pieces missing, in the journal too, and begins the sum anew.
func (t *Transfer) refetch(pieces []int) error {
	t.saving.Lock()
	defer t.saving.Unlock()
	if err := t.log.append(note{forget: pieces}); err != nil {
		return t.diskError("writing the journal", t.blob.state(), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range pieces {
		t.table.forget(i)
	}
	t.sum, t.hashed, t.sumAt = sha256.New(), 0, nil
	return nil
}

// setAside keeps a file with the wrong sum under another name, so that the
// next attempt begins from nothing.
func (t *Transfer) setAside(got string) error {
	fsys := t.fetcher.fsys
	if err := fsys.Rename(t.blob.part(), t.blob.bad()); err != nil {
		return t.diskError("setting aside", t.blob.part(), err)
	}
	if err := fsys.Remove(t.blob.state()); err != nil {
		return t.diskError("removing", t.blob.state(), err)
	}
	return &CorruptError{Blob: t.blob, Got: got, Kept: fsys.Path(t.blob.bad())}
}
