package disktest

import (
	"io/fs"
	"sync"

	"scout/downloads/disk"
)

// Op is an operation of a file system that can fail.
type Op string

// The operations.
const (
	Open     Op = "open"
	Mkdir    Op = "mkdir"
	Rename   Op = "rename"
	Link     Op = "link"
	Remove   Op = "remove"
	Write    Op = "write"
	Truncate Op = "truncate"
	Sync     Op = "sync"
	SyncDir  Op = "syncdir"
	Allocate Op = "allocate"
	Read     Op = "read"
)

// Faulty is a file system some of whose operations fail.
type Faulty struct {
	disk.FS
	// Space, if not negative, is what Free answers.
	Space int64

	mu    sync.Mutex
	fail  func(op Op, name string) error
	count int
}

// NewFaulty wraps a file system. fail is asked before every operation; nil
// lets all pass.
func NewFaulty(fsys disk.FS, fail func(op Op, name string) error) *Faulty {
	return &Faulty{FS: fsys, Space: -1, fail: fail}
}

// Nth fails the n-th operation (1 is the first) of those that are not reads,
// and all after it if it is sticky.
func Nth(n int, sticky bool, err error) func(Op, string) error {
	seen := 0
	return func(op Op, _ string) error {
		if op == Read {
			return nil
		}
		seen++
		if seen == n || (sticky && seen > n) {
			return err
		}
		return nil
	}
}

// SetFail changes what fails.
func (f *Faulty) SetFail(fail func(op Op, name string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// Count is how many operations there were, reads left out.
func (f *Faulty) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

func (f *Faulty) check(op Op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if op != Read {
		f.count++
	}
	if f.fail == nil {
		return nil
	}
	if err := f.fail(op, name); err != nil {
		return &fs.PathError{Op: string(op), Path: name, Err: err}
	}
	return nil
}

// Free is Space, or what the file system says.
func (f *Faulty) Free() (int64, error) {
	if f.Space >= 0 {
		return f.Space, nil
	}
	return f.FS.Free()
}

// Open opens a file, or fails.
func (f *Faulty) Open(name string, flag int) (disk.File, error) {
	if err := f.check(Open, name); err != nil {
		return nil, err
	}
	file, err := f.FS.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f, name}, nil
}

// Mkdir makes a folder, or fails.
func (f *Faulty) Mkdir(name string) error {
	if err := f.check(Mkdir, name); err != nil {
		return err
	}
	return f.FS.Mkdir(name)
}

// Rename renames a file, or fails.
func (f *Faulty) Rename(from, to string) error {
	if err := f.check(Rename, from); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

// Link links a file, or fails.
func (f *Faulty) Link(from, to string) error {
	if err := f.check(Link, to); err != nil {
		return err
	}
	return f.FS.Link(from, to)
}

// Remove removes a file, or fails.
func (f *Faulty) Remove(name string) error {
	if err := f.check(Remove, name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// SyncDir brings names to the disk, or fails.
func (f *Faulty) SyncDir(name string) error {
	if err := f.check(SyncDir, name); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

type faultyFile struct {
	disk.File
	fsys *Faulty
	name string
}

// WriteAt writes, or writes a part and fails: that is how a full disk does it.
func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fsys.check(Write, f.name); err != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], off)
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fsys.check(Read, f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fsys.check(Truncate, f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if err := f.fsys.check(Sync, f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) Allocate(size int64) error {
	if err := f.fsys.check(Allocate, f.name); err != nil {
		return err
	}
	return f.File.Allocate(size)
}
