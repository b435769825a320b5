//go:build unix

// The errors here are those of Unix.

package disk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
)

func openRoot(t *testing.T) *disk.Root {
	t.Helper()
	r, err := disk.OpenRoot(filepath.Join(t.TempDir(), "a", "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// TestNothingOutside tries to reach files outside the root in all ways.
func TestNothingOutside(t *testing.T) {
	r := openRoot(t)
	outside := filepath.Join(filepath.Dir(r.Path(".")), "victim")
	if err := os.WriteFile(outside, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Mkdir("blobs"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../victim", r.Path("blobs/link")); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	if err := os.Symlink("..", r.Path("up")); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	for _, name := range []string{"../victim", "blobs/../../victim", outside, "blobs/link", "up/victim", "blobs/./../../victim"} {
		if f, err := r.Open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC); err == nil {
			f.Close()
			t.Errorf("%s was opened", name)
		}
		if err := r.Rename("blobs", name); err == nil && name != "blobs/link" {
			t.Errorf("renamed to %s", name)
		}
		if err := r.Mkdir(name + "/x"); err == nil {
			t.Errorf("%s/x was made", name)
		}
		if err := r.Remove(name); err == nil && name != "blobs/link" { // the link itself may go
			t.Errorf("%s was removed", name)
		}
	}
	if got, err := os.ReadFile(outside); err != nil || string(got) != "untouched" {
		t.Errorf("the file outside is %q, %v", got, err)
	}
}

func TestErrorsNameWholePaths(t *testing.T) {
	r := openRoot(t)
	_, err := r.Open("blobs/x", os.O_RDONLY)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), r.Path("blobs/x")) {
		t.Errorf("error %v, want it to name %s", err, r.Path("blobs/x"))
	}
}

func TestAllocate(t *testing.T) {
	r := openRoot(t)
	f, err := r.Open("x", os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int64{0, 1, 1 << 20, 5} {
		if err := f.Allocate(size); err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil || info.Size() < size {
			t.Errorf("after Allocate(%d) the file has %d bytes (%v)", size, info.Size(), err)
		}
	}
	if free, err := r.Free(); err != nil || free <= 0 {
		t.Errorf("Free = %d, %v", free, err)
	}
	if err := f.Allocate(1 << 55); err == nil {
		t.Log("this file system promises 36 PB")
	} else if c := disk.Why(err); c != disk.Full && c != disk.TooLarge {
		t.Errorf("Allocate(2^55): %v is %v, want Full or TooLarge", err, c)
	}
}

// TestReplace fails every operation in turn: the name stands for the old file
// or for the new one, always.
func TestReplace(t *testing.T) {
	for n := 1; ; n++ {
		m := disktest.NewMemory()
		if err := disk.Replace(m, "x", []byte("old")); err != nil {
			t.Fatal(err)
		}
		f := disktest.NewFaulty(m, disktest.Nth(n, false, syscall.EIO))
		err := disk.Replace(f, "x", []byte("new!"))
		got, readErr := disk.ReadFile(m, "x", 100)
		if s := string(got); readErr != nil || (s != "old" && s != "new!") || (err == nil && s != "new!") {
			t.Fatalf("operation %d failed: %v, then the file is %q, %v", n, err, s, readErr)
		}
		if err == nil {
			if n < 5 {
				t.Fatalf("only %d operations?", n)
			}
			return
		}
	}
}

func TestReadFileIsBounded(t *testing.T) {
	m := disktest.NewMemory()
	if err := disk.Replace(m, "x", []byte("12345")); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.ReadFile(m, "x", 4); err == nil {
		t.Error("a longer file was read")
	}
	if got, err := disk.ReadFile(m, "x", 5); err != nil || string(got) != "12345" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestLocks(t *testing.T) {
	for name, fsys := range map[string]disk.FS{"root": openRoot(t), "memory": disktest.NewMemory()} {
		t.Run(name, func(t *testing.T) {
			first, _, err := disk.TryLock(fsys, "lock")
			if err != nil || first == nil {
				t.Fatalf("the first lock: %v, %v", first, err)
			}
			second, owner, err := disk.TryLock(fsys, "lock")
			if err != nil || second != nil || owner != os.Getpid() {
				t.Errorf("the second lock: %v, owner %d, %v, want none and owner %d", second, owner, err, os.Getpid())
			}
			if other, _, err := disk.TryLock(fsys, "other"); err != nil || other == nil {
				t.Errorf("another name: %v, %v", other, err)
			} else if err := other.Unlock(); err != nil {
				t.Error(err)
			}
			if err := first.Unlock(); err != nil {
				t.Error(err)
			}
			if err := first.Unlock(); err != nil {
				t.Error(err)
			}
			third, _, err := disk.TryLock(fsys, "lock")
			if err != nil || third == nil {
				t.Fatalf("after Unlock: %v, %v", third, err)
			}
			if err := third.Unlock(); err != nil {
				t.Error(err)
			}
		})
	}
}

// lockless is a file system whose locks lock nothing.
type lockless struct{ disk.FS }

type locklessFile struct{ disk.File }

func (l lockless) Open(name string, flag int) (disk.File, error) {
	f, err := l.FS.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return locklessFile{f}, nil
}

func (locklessFile) TryLock() (bool, error) { return true, nil }

func TestLocksThatLockNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := lockless{disktest.NewMemory()}
		first, _, err := disk.TryLock(fsys, "lock")
		if err != nil || first == nil {
			t.Fatalf("the first lock: %v, %v", first, err)
		}
		for range 3 {
			time.Sleep(45 * time.Second) // its heart goes on beating
			second, owner, err := disk.TryLock(fsys, "lock")
			if err != nil || second != nil || owner != os.Getpid() {
				t.Fatalf("the second lock: %v, owner %d, %v", second, owner, err)
			}
		}
		if err := first.Unlock(); err != nil {
			t.Error(err)
		}
		third, _, err := disk.TryLock(fsys, "lock")
		if err != nil || third == nil {
			t.Fatalf("after Unlock: %v, %v", third, err)
		}
		if err := third.Unlock(); err != nil {
			t.Fatal(err)
		}
		// The file of a process that died.
		if err := disk.Replace(fsys, "lock.pid", []byte("1\n")); err != nil {
			t.Fatal(err)
		}
		if dead, owner, err := disk.TryLock(fsys, "lock"); dead != nil || owner != 1 || err != nil {
			t.Errorf("right after it died: %v, owner %d, %v", dead, owner, err)
		}
		time.Sleep(61 * time.Second)
		fourth, _, err := disk.TryLock(fsys, "lock")
		if err != nil || fourth == nil {
			t.Fatalf("a minute after its owner died: %v, %v", fourth, err)
		}
		if err := fourth.Unlock(); err != nil {
			t.Error(err)
		}
	})
}

func TestCauses(t *testing.T) {
	for errno, want := range map[syscall.Errno]disk.Cause{
		syscall.ENOSPC: disk.Full, syscall.EROFS: disk.ReadOnly, syscall.EIO: disk.Broken, syscall.EFBIG: disk.TooLarge,
		syscall.ENAMETOOLONG: disk.TooLong, syscall.EACCES: disk.Denied, syscall.EINVAL: disk.Other,
	} {
		err := fmt.Errorf("wrapped: %w", &fs.PathError{Op: "write", Path: "p", Err: errno})
		if got := disk.Why(err); got != want {
			t.Errorf("Why(%v) = %v, want %v", errno, got, want)
		}
		message := (&disk.Error{Doing: "writing", Path: "/x/y", Err: err}).Error()
		if !strings.HasPrefix(message, "writing /x/y: ") || strings.Count(message, "/x/y") != 1 {
			t.Errorf("message %q", message)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 67_400_000_000: "67.4 GB"} {
		if got := disk.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}
