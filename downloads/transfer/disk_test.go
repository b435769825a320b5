package transfer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
)

func TestDiskTooSmall(t *testing.T) { // 32, before the first byte
	synctest.Test(t, func(t *testing.T) {
		fsys := disktest.NewFaulty(disktest.NewMemory(), nil)
		fsys.Space = 5_000_000
		b := newBench(t, faultserver.New(t), fsys, 10_000_000)
		_, err := b.pull(Options{})
		var space *disk.SpaceError
		if !errors.As(err, &space) || space.Need != 20_000_000 || space.Free != 5_000_000 {
			t.Fatalf("error %v, want a SpaceError", err)
		}
		mustFail(t, err, "/memory needs 20.0 MB and 5.0 MB are free: free 15.0 MB there or choose another folder")
		if n := len(b.Requests(onStore)); n != 0 {
			t.Errorf("%d requests were made all the same", n)
		}
	})
}

func TestDiskFillsUp(t *testing.T) { // 32, in the middle, where nothing was reserved
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		written := 0
		faulty := disktest.NewFaulty(b.fsys, func(op disktest.Op, name string) error {
			if op == disktest.Write && strings.HasSuffix(name, partSuffix) {
				if written++; written > 30 {
					return syscall.ENOSPC
				}
			}
			return nil
		})
		b.fetcher.fsys = faulty
		_, err := b.pull(Options{})
		mustFail(t, err, "writing /memory/blobs/", "the disk is full; free some space")
		synctest.Wait() // until the server has noticed
		b.mustNotBeThere()
		partial, err := b.fetcher.ReadPartial(b.blob.SHA256)
		if err != nil || partial.Have == 0 {
			t.Fatalf("kept %+v, %v, want what was written", partial, err)
		}
		faulty.SetFail(nil)
		sent := b.Sent()
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		if got := b.Sent() - sent; got != b.blob.Size-partial.Have {
			t.Errorf("fetched %d bytes, want only the %d that were not kept", got, b.blob.Size-partial.Have)
		}
	})
}

// TestEveryOperationFails lets the first operation fail, then the second, and
// so on until a transfer needs no more of them: once, and from there on.
func TestEveryOperationFails(t *testing.T) { // 32
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
		for _, sticky := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v sticky=%v", errno, sticky), func(t *testing.T) {
				n := 1
				for failOperation(t, n, sticky, errno) {
					n++
				}
				if n < 15 {
					t.Errorf("a transfer took %d operations, expected more: is this test looking?", n)
				}
			})
		}
	}
}

// failOperation makes a transfer whose n-th operation fails, and tells whether
// there was an n-th.
func failOperation(t *testing.T, n int, sticky bool, errno syscall.Errno) (failed bool) {
	t.Helper()
	inBubble(t, 5*testPiece+7, func(t *testing.T, b *bench) {
		faulty := disktest.NewFaulty(b.fsys, disktest.Nth(n, sticky, errno))
		b.fetcher.fsys = faulty
		_, err := b.pull(Options{Connections: 1})
		failed = faulty.Count() >= n
		if err != nil {
			mustFail(t, err, Cause(errno))
		}
		if failed && err == nil && sticky && faulty.Count() > n {
			t.Errorf("operations from the %d-th on failed and the transfer says all is well", n)
		}
		faulty.SetFail(nil)
		mustJournalTheTruth(t, b)
		before := b.journalled()
		sent := len(b.Requests(onStore))
		if _, err := b.pull(Options{Connections: 1}); err != nil {
			t.Fatalf("after operation %d failed with %v: %v", n, errno, err)
		}
		b.mustHave(b.blob.Name(), b.content)
		b.notAgain(before, b.Requests(onStore)[sent:])
	})
	return failed
}

// Cause is the words for an errno.
func Cause(errno syscall.Errno) string { return disk.Why(errno).String() }

// journalled are the pieces that the journal has.
func (b *bench) journalled() map[int]uint32 {
	r, err := readJournal(b.fsys, b.blob.state())
	if err != nil {
		return nil
	}
	return r.have
}

// notAgain expects requests not to ask for bytes of pieces that the journal had.
func (b *bench) notAgain(had map[int]uint32, requests []faultserver.Request) {
	b.t.Helper()
	for _, r := range requests {
		for i := range had {
			start := int64(i) * testPiece
			if r.Sent > 0 && r.From < min(start+testPiece, b.blob.Size) && start < r.From+r.Sent {
				b.t.Errorf("%s was asked for and piece %d was in the journal", r.Range, i)
			}
		}
	}
}

// mustJournalTheTruth expects every piece of the journal to be in the part.
func mustJournalTheTruth(t *testing.T, b *bench) {
	t.Helper()
	r, err := readJournal(b.fsys, b.blob.state())
	if err != nil {
		return // nothing is claimed
	}
	f, err := b.fsys.Open(b.blob.part(), os.O_RDONLY)
	if err != nil {
		if len(r.have) > 0 {
			if f, err = b.fsys.Open(b.blob.Name(), os.O_RDONLY); err != nil {
				t.Errorf("the journal has %d pieces and there is no file", len(r.have))
				return
			}
		} else {
			return
		}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.have {
		n := pieceLength(b.blob.Size, r.pieceSize, i)
		got, want := make([]byte, n), make([]byte, n)
		if int64(i)*r.pieceSize+n > info.Size() {
			continue // a cut file: recover sees that
		}
		if _, err := f.ReadAt(got, int64(i)*r.pieceSize); err != nil && int64(len(got)) != n {
			t.Fatal(err)
		}
		_, _ = b.content.ReadAt(want, int64(i)*r.pieceSize)
		if string(got) != string(want) {
			t.Errorf("the journal has piece %d and the file does not", i)
		}
	}
}

// TestPowerCuts cuts the power at random moments, with whatever was on its way
// to the disk arriving or not.
func TestPowerCuts(t *testing.T) {
	for seed := range schedules(8, 1000) {
		inBubble(t, 50*testPiece+9, func(t *testing.T, b *bench) {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			memory := b.fsys.(*disktest.Memory)
			b.Script(rule{Role: onStore, Act: faultserver.Trickle(16 << 10)}) // 26 s in all
			for range 20 {
				sent := len(b.Requests(onStore))
				had := b.journalled()
				tr := b.start(t.Context(), Options{})
				select {
				case <-tr.Over():
				case <-time.After(time.Duration(random.IntN(8000)) * time.Millisecond):
					memory.Cut(random)
					<-tr.Over()
				}
				if tr.Wait() == nil {
					break
				}
				mustJournalTheTruth(t, b)
				b.notAgain(had, b.Requests(onStore)[sent:])
			}
			b.Clear()
			if _, err := b.pull(Options{}); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			b.mustHave(b.blob.Name(), b.content)
		})
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// TestPowerCutAtEveryOperation cuts it after each operation in turn.
func TestPowerCutAtEveryOperation(t *testing.T) {
	for n := 1; ; n++ {
		over := false
		inBubble(t, 5*testPiece+7, func(t *testing.T, b *bench) {
			memory := b.fsys.(*disktest.Memory)
			random := rand.New(rand.NewPCG(uint64(n), 2))
			seen := 0
			faulty := disktest.NewFaulty(memory, func(op disktest.Op, _ string) error {
				if op != disktest.Read {
					seen++
				}
				if seen == n {
					memory.Cut(random)
				}
				return nil
			})
			b.fetcher.fsys = faulty
			_, _ = b.pull(Options{Connections: 1}) // fails, as a rule, and must not leave lies
			over = seen < n
			faulty.SetFail(nil)
			mustJournalTheTruth(t, b)
			if _, err := b.pull(Options{}); err != nil {
				t.Fatal(err)
			}
			b.mustHave(b.blob.Name(), b.content)
		})
		if t.Failed() {
			t.Fatalf("with the power cut at operation %d", n)
		}
		if over {
			break
		}
	}
}

// TestNamesBecomeDurable cuts the power in a transfer whose files an earlier
// one made, without being able to make their names durable.
func TestNamesBecomeDurable(t *testing.T) {
	for seed := range uint64(8) {
		inBubble(t, manyPieces, func(t *testing.T, b *bench) {
			memory := b.fsys.(*disktest.Memory)
			failed := false
			b.fetcher.fsys = disktest.NewFaulty(memory, func(op disktest.Op, _ string) error {
				if op == disktest.SyncDir && !failed {
					failed = true
					return syscall.EIO
				}
				return nil
			})
			if _, err := b.pull(Options{}); err == nil || !failed {
				t.Fatalf("error %v, want that of the folder", err)
			}
			b.fetcher.fsys = memory
			b.Script(rule{Role: onStore, Act: faultserver.Trickle(16 << 10)})
			tr := b.start(t.Context(), Options{})
			time.Sleep(16 * time.Second)
			had := b.journalled()
			memory.Cut(rand.New(rand.NewPCG(seed, 6)))
			_ = tr.Wait() // fails
			if got := b.journalled(); len(had) == 0 || len(got) < len(had) {
				t.Errorf("with seed %d the journal had %d pieces and has %d after the power cut", seed, len(had), len(got))
			}
			mustJournalTheTruth(t, b)
			if _, err := b.fsys.Stat(b.blob.part()); err != nil {
				t.Errorf("with seed %d: %v", seed, err)
			}
		})
	}
}

// TestDoneIsDurable cuts the power right after a transfer said that it is done.
func TestDoneIsDurable(t *testing.T) {
	for seed := range uint64(20) {
		inBubble(t, 3*testPiece, func(t *testing.T, b *bench) {
			if _, err := b.pull(Options{}); err != nil {
				t.Fatal(err)
			}
			b.fsys.(*disktest.Memory).Cut(rand.New(rand.NewPCG(seed, 5)))
			b.mustHave(b.blob.Name(), b.content)
		})
	}
}

func TestDiskChangesBits(t *testing.T) { // 20, on the disk
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		damaged := false
		faulty := disktest.NewFaulty(b.fsys, nil)
		faulty.SetFail(func(op disktest.Op, name string) error {
			if op == disktest.Sync && strings.HasSuffix(name, partSuffix) && !damaged {
				damaged = true
				flipBit(t, b.fsys, name, 20*testPiece+3)
			}
			return nil
		})
		b.fetcher.fsys = faulty
		// The damage is done with the first save, and the hash has not come by
		// that piece yet: the pieces before it come last.
		b.Script(rule{Role: onStore, When: func(c *faultserver.Call) bool { return c.Request.From < testPiece }, Act: faultserver.Trickle(4 << 10)})
		tr, err := b.pull(Options{})
		if err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		mustSay(t, tr, "the checksum differs: 1 piece changed on the disk, refetching them")
		b.overhead(testPiece + 16<<10) // and what was on its way when the slow connection was dropped
	})
}

func flipBit(t *testing.T, fsys disk.FS, name string, at int64) {
	t.Helper()
	f, err := fsys.Open(name, os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 4
	if _, err := f.WriteAt(one[:], at); err != nil {
		t.Fatal(err)
	}
}

func TestRepair(t *testing.T) {
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		flipBit(t, b.fsys, b.blob.Name(), 3*testPiece)
		flipBit(t, b.fsys, b.blob.Name(), manyPieces-1)
		health, err := b.fetcher.Verify(t.Context(), b.blob, nil)
		if err != nil || health.Right || !health.Mapped || fmt.Sprint(health.Damaged) != "[3 60]" || health.Bytes != testPiece+123 {
			t.Fatalf("Verify = %+v, %v", health, err)
		}
		if err := b.fetcher.Demote(b.blob, health); err != nil {
			t.Fatal(err)
		}
		b.mustNotBeThere()
		sent := b.Sent()
		if _, err := b.pull(Options{}); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		if got := b.Sent() - sent; got != health.Bytes {
			t.Errorf("repair fetched %d bytes, want the %d that were wrong", got, health.Bytes)
		}
	})
}

func TestStateFiles(t *testing.T) { // 33
	damage := func(f func(data []byte) []byte) func(t *testing.T, b *bench) {
		return func(t *testing.T, b *bench) {
			data, err := disk.ReadFile(b.fsys, b.blob.state(), maxJournal)
			if err != nil {
				t.Fatal(err)
			}
			if err := disk.Replace(b.fsys, b.blob.state(), f(data)); err != nil {
				t.Fatal(err)
			}
		}
	}
	part := func(size int64) func(t *testing.T, b *bench) {
		return func(t *testing.T, b *bench) {
			f, err := b.fsys.Open(b.blob.part(), os.O_RDWR)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := f.Truncate(size); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, nothing := int64(-1), int64(0)
	for name, c := range map[string]struct {
		do   func(t *testing.T, b *bench)
		keep int64 // bytes that must not be fetched again, at least
		say  string
	}{
		"untouched":    {func(*testing.T, *bench) {}, all, ""},
		"torn":         {damage(func(d []byte) []byte { return d[:len(d)-3] }), 1, ""},
		"junk behind":  {damage(func(d []byte) []byte { return append(d, strings.Repeat("sctj", 50)...) }), all, ""},
		"junk before":  {damage(func(d []byte) []byte { d[0], d[9] = 'X', 77; return d }), all, ""},
		"empty":        {damage(func([]byte) []byte { return nil }), nothing, "could not reuse 4.2 MB of an earlier download: of its journal, it does not say which file it is of"},
		"only junk":    {damage(func(d []byte) []byte { return make([]byte, len(d)) }), nothing, "could not reuse"},
		"later":        {damage(laterVersion), nothing, "a later version of this program wrote it"},
		"missing":      {func(t *testing.T, b *bench) { _ = b.fsys.Remove(b.blob.state()) }, nothing, "could not reuse 4.2 MB of an earlier download: the journal beside it is gone"},
		"another size": {otherBlob, nothing, "its journal is of a file of 99 bytes"},
		"hash ahead":   {hashAhead, all, ""},
		"part cut":     {part(20 * testPiece), 10 * testPiece, "the file was cut"},
		"part longer":  {part(manyPieces * 2), all, ""},
		"part missing": {func(t *testing.T, b *bench) { _ = b.fsys.Remove(b.blob.part()) }, nothing, "the file was cut"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, manyPieces+4*testPiece, func(t *testing.T, b *bench) {
				b.half()
				kept := b.keptBytes()
				c.do(t, b)
				sent := b.Sent()
				tr, err := b.pull(Options{})
				if err != nil {
					t.Fatal(err)
				}
				b.mustHave(b.blob.Name(), b.content)
				want := c.keep
				if want == all {
					want = kept
				}
				if got := b.blob.Size - (b.Sent() - sent); got < want {
					t.Errorf("reused %d bytes, want %d", got, want)
				}
				if c.say != "" {
					mustSay(t, tr, c.say)
				} else if n := tr.Progress().Notices; len(n) > 0 {
					t.Errorf("notices %q", n)
				}
			})
		})
	}
}

// half stops a transfer in the middle.
func (b *bench) half() {
	b.t.Helper()
	b.Script(rule{Role: onStore, Act: faultserver.Trickle(16 << 10)})
	ctx, cancel := contextWithCause(b.t)
	tr := b.start(ctx, Options{})
	time.Sleep(16 * time.Second)
	cancel(nil)
	if tr.Wait() == nil {
		b.t.Fatal("the transfer was over before it was stopped")
	}
	synctest.Wait() // until the server has noticed
	b.Clear()
}

func (b *bench) keptBytes() int64 {
	b.t.Helper()
	p, err := b.fetcher.ReadPartial(b.blob.SHA256)
	if err != nil || p.Have == 0 || p.Have == b.blob.Size {
		b.t.Fatalf("kept %+v, %v, want a part of the file", p, err)
	}
	return p.Have
}

// laterVersion makes all frames those of a later version.
func laterVersion(d []byte) []byte {
	var out []byte
	for len(d) > 0 {
		kind, _, number, payload, whole := readFrame(d)
		frame := appendFrame(nil, kind, number, payload)
		frame[5] = frameVersion + 1
		frame = frame[:len(frame)-frameTail]
		out = append(out, sealed(frame)...)
		d = d[whole:]
	}
	return out
}

// hashAhead adds a state of the hash that is beyond what the file has.
func hashAhead(t *testing.T, b *bench) {
	r, err := readJournal(b.fsys, b.blob.state())
	if err != nil {
		t.Fatal(err)
	}
	j, err := reopenJournal(b.fsys, r)
	if err != nil {
		t.Fatal(err)
	}
	defer j.file.Close()
	if err := j.append(note{hashed: 60 * testPiece, hashState: stateAt(t, 60*testPiece)}); err != nil {
		t.Fatal(err)
	}
}

func otherBlob(t *testing.T, b *bench) {
	f, err := b.fsys.Open(b.blob.state(), os.O_RDWR|os.O_TRUNC)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	j := &journal{file: f, blob: Blob{SHA256: b.blob.SHA256, Size: 99}, pieceSize: 10}
	if err := j.append(note{have: []int{1}, crcs: []uint32{2}}); err != nil {
		t.Fatal(err)
	}
}
