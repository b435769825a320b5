package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"scout/downloads/disk"
)

// Health is what verifying a file found.
type Health struct {
	Right   bool  // its sum and its size are right
	Damaged []int // pieces that are not as they came; empty if that cannot be told
	Bytes   int64 // of them
	// Mapped is set if there were checksums of its pieces, so that a repair
	// fetches only those.
	Mapped bool
}

// Verify reads a whole file and holds it against its sum, and its pieces
// against theirs. each, if not nil, is told how many bytes have been read.
func (f *Fetcher) Verify(ctx context.Context, blob Blob, each func(done int64)) (Health, error) {
	if err := blob.Check(); err != nil {
		return Health{}, err
	}
	file, err := f.fsys.Open(blob.Name(), os.O_RDONLY)
	if err != nil {
		return Health{}, &disk.Error{Doing: "verifying", Path: f.fsys.Path(blob.Name()), Err: err}
	}
	defer file.Close()
	checksums := f.checksums(blob)
	pieceSize := pieceSizeFor(blob.Size)
	if checksums != nil {
		pieceSize = checksums.pieceSize
	}
	var (
		health = Health{Mapped: checksums != nil}
		sum    = sha256.New()
		buffer = make([]byte, pieceSize)
	)
	info, err := file.Stat()
	if err != nil {
		return Health{}, &disk.Error{Doing: "verifying", Path: f.fsys.Path(blob.Name()), Err: err}
	}
	for i := range pieceCount(blob.Size, pieceSize) {
		if ctx.Err() != nil {
			return Health{}, context.Cause(ctx)
		}
		want := buffer[:pieceLength(blob.Size, pieceSize, i)]
		n, err := file.ReadAt(want, int64(i)*pieceSize)
		if err != nil && !errors.Is(err, io.EOF) {
			n = 0 // an unreadable piece is a damaged one
		}
		sum.Write(want[:n])
		if checksums != nil {
			crc, known := checksums.have[i]
			if !known || n < len(want) || crc32.Checksum(want, castagnoli) != crc {
				health.Damaged = append(health.Damaged, i)
				health.Bytes += int64(len(want))
			}
		}
		if each != nil {
			each(int64(i)*pieceSize + int64(n))
		}
	}
	health.Right = info.Size() == blob.Size && hex.EncodeToString(sum.Sum(nil)) == blob.SHA256
	return health, nil
}

// checksums are those of a whole file's pieces, or nil.
func (f *Fetcher) checksums(blob Blob) *record {
	for _, name := range []string{blob.pieces(), blob.state()} { // the second, if publishing was cut short
		if r, err := readJournal(f.fsys, name); err == nil && r.blob == blob {
			return r
		}
	}
	return nil
}

// Demote makes a damaged file a part again, which lacks its damaged pieces, so
// that fetching it repairs it. Without checksums of its pieces it lacks all.
func (f *Fetcher) Demote(blob Blob, health Health) (err error) {
	fail := func(doing, name string, err error) error {
		return &disk.Error{Doing: doing, Path: f.fsys.Path(name), Err: err}
	}
	lock, owner, err := disk.TryLock(f.fsys, blob.Lock())
	if err != nil {
		return fail("locking", blob.Lock(), err)
	}
	if lock == nil {
		return &BusyError{Blob: blob, Owner: owner}
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if checksums := f.checksums(blob); checksums != nil && len(health.Damaged) > 0 {
		if err := f.writeState(checksums, health.Damaged); err != nil {
			return fail("writing the journal", blob.state(), err)
		}
		if err := f.fsys.Rename(blob.Name(), blob.part()); err != nil {
			return fail("taking back", blob.Name(), err)
		}
	} else if err := f.fsys.Remove(blob.Name()); err != nil {
		return fail("removing", blob.Name(), err)
	}
	if err := f.fsys.SyncDir(BlobFolder); err != nil {
		return fail("taking back", blob.Name(), err)
	}
	if err := f.fsys.Remove(blob.pieces()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("removing", blob.pieces(), err)
	}
	return nil
}

// writeState writes the journal of a part that has what the checksums name,
// less the damaged pieces.
func (f *Fetcher) writeState(checksums *record, damaged []int) error {
	var n note
	for _, i := range damaged {
		delete(checksums.have, i)
	}
	for i, crc := range checksums.have {
		n.have, n.crcs = append(n.have, i), append(n.crcs, crc)
	}
	file, err := f.fsys.Open(checksums.blob.state(), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	j := &journal{file: file, blob: checksums.blob, pieceSize: checksums.pieceSize}
	return errors.Join(j.append(n), file.Close())
}

// BusyError is a file that another process works on.
type BusyError struct {
	Blob  Blob
	Owner int // its process id, or 0
}

func (e *BusyError) Error() string {
	if e.Owner == 0 {
		return fmt.Sprintf("sha256 %s... is being downloaded by another process: stop that first", e.Blob.short())
	}
	return fmt.Sprintf("sha256 %s... is being downloaded by process %d: stop that first", e.Blob.short(), e.Owner)
}

// Partial is a file that is not whole.
type Partial struct {
	Blob   Blob  // its size is 0 if the journal cannot be read
	Have   int64 // bytes that a download would not fetch again
	OnDisk int64 // bytes it takes
	Bad    bool  // it came whole, and wrong: nothing of it can be used
	Owner  int   // the process that works on it, -1 if none does
}

// ReadPartial looks at what there is of a file that is not whole.
func (f *Fetcher) ReadPartial(digest string) (Partial, error) {
	p := Partial{Blob: Blob{SHA256: digest}, Owner: -1}
	if err := p.Blob.Check(); err != nil {
		return Partial{}, err
	}
	if r, err := readJournal(f.fsys, p.Blob.state()); err == nil && r.blob.SHA256 == digest {
		p.Blob, p.Have = r.blob, r.bytes()
	}
	name := p.Blob.part()
	if _, err := f.fsys.Stat(name); errors.Is(err, fs.ErrNotExist) {
		name, p.Bad = p.Blob.bad(), true
	}
	file, err := f.fsys.Open(name, os.O_RDONLY)
	if err != nil {
		return Partial{}, &disk.Error{Doing: "looking at", Path: f.fsys.Path(name), Err: err}
	}
	defer file.Close()
	if p.OnDisk, err = file.Allocated(); err != nil || p.OnDisk < 0 {
		p.OnDisk = p.Have
	}
	lock, owner, err := disk.TryLock(f.fsys, p.Blob.Lock())
	switch {
	case err != nil: // a store that can only be read has nobody at work
	case lock == nil:
		p.Owner = owner
	default:
		return p, lock.Unlock()
	}
	return p, nil
}

// Remove removes all there is of a file, whole or not, and tells how many
// bytes that frees. A file that is being downloaded is a *BusyError.
func (f *Fetcher) Remove(digest string) (freed int64, err error) {
	blob := Blob{SHA256: digest}
	if err := blob.Check(); err != nil {
		return 0, err
	}
	lock, owner, err := disk.TryLock(f.fsys, blob.Lock())
	if err != nil {
		return 0, &disk.Error{Doing: "locking", Path: f.fsys.Path(blob.Lock()), Err: err}
	}
	if lock == nil {
		return 0, &BusyError{Blob: blob, Owner: owner}
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	// The journal goes last: a part without one would be fetched from zero, a
	// journal without a part claims nothing.
	for _, name := range []string{blob.Name(), blob.pieces(), blob.part(), blob.bad(), blob.state()} {
		n, err := f.removeOne(name)
		freed += n
		if err != nil {
			return freed, &disk.Error{Doing: "removing", Path: f.fsys.Path(name), Err: err}
		}
	}
	return freed, nil
}

// removeOne removes a file, if it is there, and tells what it took.
func (f *Fetcher) removeOne(name string) (int64, error) {
	file, err := f.fsys.Open(name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var took int64
	if err == nil {
		took, _ = file.Allocated() // what cannot be told is not counted
		if info, statErr := file.Stat(); took < 0 && statErr == nil {
			took = info.Size()
		}
		_ = file.Close()
	}
	return max(took, 0), f.fsys.Remove(name)
}
