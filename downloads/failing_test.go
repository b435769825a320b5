package downloads

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
)

// TestEveryOperationFails lets the first operation of a pull fail, then the
// second, and so on until a pull needs no more of them: once, and from there
// on, as a full disk, a broken one and one that cannot be written fail. The
// error says what to do about it, and what the journals had is not fetched
// again.
func TestEveryOperationFails(t *testing.T) { // 32
	for name, c := range map[string]failing{
		"full once":            {syscall.ENOSPC, false, false},
		"full":                 {syscall.ENOSPC, true, false},
		"broken once":          {syscall.EIO, false, false},
		"broken once, resumed": {syscall.EIO, false, true},
		"read-only":            {syscall.EROFS, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := map[disktest.Op]int{}
			n, step := 1, 1
			if testing.Short() {
				step = 4 // every fourth: with the race detector it takes long
			}
			for c.operation(t, n, failed) && !t.Failed() {
				n += step
			}
			if testing.Short() {
				return
			}
			for _, op := range []disktest.Op{disktest.Open, disktest.Mkdir, disktest.Write, disktest.Sync, disktest.SyncDir, disktest.Rename, disktest.Allocate, disktest.Link} {
				if failed[op] == 0 {
					t.Errorf("no %s failed in %d pulls: is this test looking? %v", op, n, failed)
				}
			}
		})
	}
}

// failing is how the operations of a disk fail.
type failing struct {
	errno  syscall.Errno
	sticky bool // from the n-th on
	begun  bool // in a pull that was stopped before
}

// failingModel has two parts, whose names in a model's folder are links, and a
// tower, and is a few pieces long.
func failingModel() []faultserver.Published {
	return []faultserver.Published{
		content(31, 2*campaignPiece+5).At("Scout-Q4_K_M-00001-of-00002.gguf"),
		content(32, 2*campaignPiece).At("Scout-Q4_K_M-00002-of-00002.gguf"),
		content(33, 100).At("mmproj-F16.gguf"),
	}
}

// operation pulls with a disk whose n-th operation fails, and tells whether
// there was an n-th.
func (c failing) operation(t *testing.T, n int, failed map[disktest.Op]int) (there bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := faultserver.New(t)
		files := failingModel()
		s.Repository(repository).Commit(firstCommit, files...)
		memory := disktest.NewMemory()
		before := journals{}
		if c.begun {
			stopInLastFile(t, s, memory)
			before = keptOf(t, memory, files)
		}
		nth := disktest.Nth(n, c.sticky, c.errno)
		what := ""
		faulty := disktest.NewFaulty(memory, func(op disktest.Op, name string) error {
			err := nth(op, name)
			if err != nil && what == "" {
				what = fmt.Sprintf("%s %s", op, name)
				failed[op]++
			}
			return err
		})
		pull := func(fsys disk.FS) error {
			d := open(t, s, fsys, nil)
			d.fetcher.Tune(campaignPiece, time.Second)
			return watchPull(t, t.Context(), d, Options{Connections: 1})
		}
		begun := len(s.Requests(faultserver.Store))
		err := pull(faulty)
		there = faulty.Count() >= n
		if err != nil {
			mustSay(t, err, disk.Why(c.errno).String())
			if !errors.Is(err, c.errno) {
				t.Errorf("the error is %#v, want one of %v", err, c.errno)
			}
		} else if there && c.sticky && faulty.Count() > n {
			t.Error("operations failed and the pull says all is well")
		}
		synctest.Wait()
		had := keptOf(t, memory, files)
		newTally().count(t, before, s.Requests(faultserver.Store)[begun:])
		if had.bytes() < before.bytes() {
			t.Errorf("the journals had %v and have %v", before, had)
		}
		sent := len(s.Requests(faultserver.Store))
		if err := pull(memory); err != nil {
			t.Errorf("the pull after it: %v", err)
		}
		newTally().count(t, had, s.Requests(faultserver.Store)[sent:])
		d := open(t, s, memory, nil)
		mustBe(t, d, name, files...)
		if u, err := d.List(); err != nil || len(u.Models) != 1 || len(u.Unused) != 0 {
			t.Errorf("List = %+v, %v, want one model and nothing left over", u, err)
		}
		if t.Failed() {
			t.Fatalf("when operation %d, %s, failed with %v", n, strings.ReplaceAll(what, "\n", " "), err)
		}
	})
	return there
}

// stopInLastFile stops a pull that has its first files and a part of the last.
func stopInLastFile(t *testing.T, s *faultserver.Server, memory *disktest.Memory) {
	t.Helper()
	d := open(t, s, memory, nil)
	d.fetcher.Tune(campaignPiece, time.Second)
	s.Script(faultserver.Rule{Role: faultserver.Store, Act: faultserver.Trickle(campaignPiece / 4)})
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	_, err := d.Pull(ctx, name, Options{Connections: 1, Each: func(p Progress) {
		if p.Part == 2 && p.State == Fetching && p.Received >= 2*campaignPiece+5+campaignPiece {
			cancel(stop)
		}
	}})
	if !errors.Is(err, stop) {
		t.Fatalf("error %v, want the cause", err)
	}
	s.Clear()
	synctest.Wait()
}
