//go:build unix

package downloads

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
)

// What a disk cannot do is said in words that tell what to do.
func TestDiskWords(t *testing.T) { // 32
	for name, c := range map[string]struct {
		op    disktest.Op
		errno syscall.Errno
		want  string
	}{
		"quota":         {disktest.Write, syscall.EDQUOT, "the disk is full; free some space or choose another folder for models"},
		"FAT32":         {disktest.Allocate, syscall.EFBIG, "cannot hold so large a file (FAT32 ends at 4 GiB); choose a folder on another disk"},
		"path too long": {disktest.Open, syscall.ENAMETOOLONG, "the path is too long; choose a folder for models with a shorter one"},
		"may not write": {disktest.Mkdir, syscall.EACCES, "you may not write there; change the permissions or choose another folder"},
		"device gone":   {disktest.Sync, syscall.ENODEV, "the disk reports an error; look after it before trusting it with more"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newHub(t)
			memory := disktest.NewMemory()
			fsys := disktest.NewFaulty(memory, func(op disktest.Op, _ string) error {
				if op == c.op {
					return c.errno
				}
				return nil
			})
			_, err := open(t, s, fsys, nil).Pull(t.Context(), stored1, Options{})
			var onDisk *disk.Error
			if !errors.As(err, &onDisk) || !errors.Is(err, c.errno) {
				t.Errorf("error %#v, want a disk.Error of %v", err, c.errno)
			}
			mustSay(t, err, c.want)
		})
	}
}

// A process that is stopped with Ctrl-Z and goes on later, its connections
// dead meanwhile, goes on with what it has.
func TestSuspendedProcess(t *testing.T) { // 35
	t.Parallel()
	s := faultserver.NewOnSockets(t)
	files := killedFiles(9)
	s.Repository(repository).Commit(firstCommit, files...)
	s.Script(paced(600_000))
	root := openRoot(t)
	p := startChild(t, root.Path("."), s)
	p.until(func(p Progress) bool { return p.State == Fetching && p.Done > 4*childPiece })
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	had := keptOf(t, root, files)
	sent := len(s.Requests(faultserver.Store))
	s.Break()
	s.Clear()
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if last, whole := p.toTheEnd(); !whole || last.State != Done {
		t.Fatalf("it ended at %+v", last)
	}
	newTally().count(t, had, s.Requests(faultserver.Store)[sent:])
	mustBe(t, open(t, s, root, nil), name, files...)
}

// Pulls leave no file open, however they end.
func TestNoFileStaysOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are counted in /proc, which only Linux has")
	}
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s, _ := newHub(t)
	root := openRoot(t)
	mustPull(t, open(t, s, root, nil), name)
	before := count()
	for range 3 {
		fsys := openRoot(t)
		d := open(t, s, fsys, nil)
		stopInSecondFile(t, d)
		faulty := disktest.NewFaulty(fsys, disktest.Nth(25, false, syscall.EIO))
		_, _ = open(t, s, faulty, nil).Pull(t.Context(), name, Options{}) // fails
		mustPull(t, open(t, s, fsys, nil), name)
	}
	if after := count(); after > before+3 { // the five roots themselves
		t.Errorf("%d files were open and now there are %d", before, after)
	}
}
