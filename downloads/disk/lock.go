package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	heartbeat  = 5 * time.Second
	staleAfter = 60 * time.Second // a dozen missed heartbeats: its process has ended or sleeps
)

// Lock is the right to work under a name, held by one owner among all
// processes of this machine and, as far as the file system carries locks
// there, of others.
type Lock struct {
	held File   // the locked file
	stop func() // ends the heartbeat, where locks lock nothing
	once sync.Once
}

// TryLock takes the lock of that name, a file that is made if need be. If
// somebody else holds it, the Lock is nil and owner is its process id, or 0 if
// it cannot be read.
//
// On file systems where locks lock nothing (some network mounts), a second
// file with a heartbeat stands in for the lock.
func TryLock(fsys FS, name string) (l *Lock, owner int, err error) {
	f, err := fsys.Open(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, 0, err
	}
	locked, err := f.TryLock()
	if err != nil || !locked {
		owner = readOwner(f)
		return nil, owner, errors.Join(err, f.Close())
	}
	works, err := lockLocks(fsys, name)
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	l = &Lock{held: f, stop: func() {}}
	if !works {
		stop, owner, err := beat(fsys, name+".pid")
		if err != nil || stop == nil {
			return nil, owner, errors.Join(err, f.Close())
		}
		l.stop = stop
	}
	if err := writeOwner(f); err != nil {
		return nil, 0, errors.Join(err, l.Unlock())
	}
	return l, 0, nil
}

// Unlock lets the lock go. It may be called twice.
func (l *Lock) Unlock() error {
	var err error
	l.once.Do(func() {
		l.stop()
		err = l.held.Close()
	})
	return err
}

// lockLocks tells whether a lock that is held keeps others out: a second open
// file must not get it.
func lockLocks(fsys FS, name string) (works bool, err error) {
	second, err := fsys.Open(name, os.O_RDWR)
	if err != nil {
		return false, err
	}
	also, err := second.TryLock()
	return !also, errors.Join(err, second.Close())
}

// writeOwner notes who has the lock, for people who wait for it.
func writeOwner(f File) error {
	text := fmt.Appendf(nil, "%d\n", os.Getpid())
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(text)))
}

// readOwner is the process id in a lock file, or 0.
func readOwner(f File) int {
	var b [24]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	text, _, _ := strings.Cut(string(b[:n]), "\n")
	pid, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return pid
}

// beat makes the file that stands in for a lock and writes to it now and then.
// stop is nil if somebody else's is there and alive.
func beat(fsys FS, name string) (stop func(), owner int, err error) {
	f, err := fsys.Open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if errors.Is(err, fs.ErrExist) {
		stale, owner, err := readBeat(fsys, name)
		if err != nil || !stale {
			return nil, owner, err
		}
		if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, err
		}
		f, err = fsys.Open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if errors.Is(err, fs.ErrExist) {
			return nil, 0, nil // somebody was faster
		}
		if err != nil {
			return nil, 0, err
		}
	} else if err != nil {
		return nil, 0, err
	}
	if err := writeOwner(f); err != nil {
		return nil, 0, errors.Join(err, f.Close(), fsys.Remove(name))
	}
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = writeOwner(f) // a missed beat is followed by another
			}
		}
	})
	return func() {
		close(done)
		beating.Wait()
		_ = f.Close()
		_ = fsys.Remove(name) // what stays is stale in a minute
	}, 0, nil
}

// readBeat tells whether the owner of a stand-in has ended.
func readBeat(fsys FS, name string) (stale bool, owner int, err error) {
	f, err := fsys.Open(name, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return true, 0, nil
	}
	if err != nil {
		return false, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, 0, err
	}
	return time.Since(info.ModTime()) > staleAfter, readOwner(f), nil
}
