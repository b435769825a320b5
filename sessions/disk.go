package sessions

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// disk is what the store needs of a file system. Names are relative, with
// slashes. The tests have disks that fail and that lose power.
type disk interface {
	// open opens a file with the flags of package os; files that are created
	// are for their owner alone.
	open(name string, flag int) (file, error)
	mkdir(name string) error
	readDir(name string) ([]fs.DirEntry, error)
	stat(name string) (fs.FileInfo, error)
	touch(name string, at time.Time) error
	rename(from, to string) error
	remove(name string) error
	// syncDir makes what was created, renamed and removed in a folder lasting.
	syncDir(name string) error
	close() error
}

// file is an open file.
type file interface {
	io.Reader
	io.Writer
	Stat() (fs.FileInfo, error)
	Sync() error
	Close() error
	// lock takes the file's lock without waiting, alone or with others, until
	// the file is closed. It fails with errLocked if someone has it.
	lock(alone bool) error
	// same reports whether info describes this very file.
	same(info fs.FileInfo) bool
}

// errLocked is that somebody else has a lock.
var errLocked = errors.New("somebody else has it open for writing")

// rootDisk is a folder of the real file system, out of which no name leads.
type rootDisk struct{ root *os.Root }

// openDisk opens the folder dir, which is made if it is missing.
func openDisk(dir string) (rootDisk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return rootDisk{}, err
	}
	root, err := os.OpenRoot(dir)
	return rootDisk{root}, err
}

func (d rootDisk) open(name string, flag int) (file, error) {
	f, err := d.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")})
	}
	return rootFile{f}, nil
}

func (d rootDisk) mkdir(name string) error { return d.root.MkdirAll(name, 0o700) }
func (d rootDisk) readDir(name string) ([]fs.DirEntry, error) {
	return fs.ReadDir(d.root.FS(), name)
}
func (d rootDisk) stat(name string) (fs.FileInfo, error) { return d.root.Stat(name) }
func (d rootDisk) touch(name string, at time.Time) error { return d.root.Chtimes(name, at, at) }
func (d rootDisk) rename(from, to string) error          { return d.root.Rename(from, to) }
func (d rootDisk) remove(name string) error              { return d.root.Remove(name) }
func (d rootDisk) close() error                          { return d.root.Close() }

type rootFile struct{ *os.File }

func (f rootFile) lock(alone bool) error { return lockFile(f.File, alone) }

func (f rootFile) same(info fs.FileInfo) bool {
	own, err := f.Stat()
	return err == nil && os.SameFile(own, info)
}

// readAll is the bytes of a file of that name.
func readAll(d disk, name string) ([]byte, error) {
	f, err := d.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f)
}

// mostJournal is the largest file that is read whole, in bytes. Writing stops
// well before it.
const mostJournal = 1 << 30

// readBounded reads a file to its end.
func readBounded(f file) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > mostJournal {
		return nil, tooLarge(info.Size())
	}
	data := make([]byte, 0, info.Size()+512)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if int64(len(data)) > mostJournal {
			return nil, tooLarge(int64(len(data)))
		}
	}
}
