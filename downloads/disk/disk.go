package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// File is an open file. *RootFile is the real one.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	// Sync returns when everything written is on the disk itself.
	Sync() error
	// WriteBack asks the system to begin bringing n bytes to the disk. It is a hint:
	// what comes of it is said by the next Sync, which has less left to do.
	WriteBack(from, n int64)
	// Allocate makes the file at least size bytes long and, where the file
	// system can, reserves their space, so that a disk that is too small says
	// so now. The new bytes read as zeros.
	Allocate(size int64) error
	// Allocated is how many bytes of disk the file takes, or -1 if the file
	// system does not say.
	Allocated() (int64, error)
	// TryLock takes the file's lock, which one open file in all processes can
	// hold. It is let go when the file is closed or its process ends.
	TryLock() (bool, error)
}

// FS is a directory of files. Errors name the file and are those of package
// os: errors.Is knows fs.ErrNotExist, syscall.ENOSPC and so on.
type FS interface {
	// Open opens a file with the os.O_ flags.
	Open(name string, flag int) (File, error)
	// Mkdir makes a folder and those above it. One that is there is no error.
	Mkdir(name string) error
	Rename(from, to string) error
	// Link gives a file a second name that is no file yet: a hard link or,
	// where the file system has none, a symbolic one.
	Link(from, to string) error
	Remove(name string) error
	Stat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	// SyncDir makes the names in a folder durable: files made, renamed and
	// removed there.
	SyncDir(name string) error
	// Free is how many bytes can still be written by this user.
	Free() (int64, error)
	// Path is the name as the rest of the system knows it.
	Path(name string) string
}

// ReadFile reads a whole file of at most limit bytes.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name, readOnly)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("reading %s: it has %d bytes, want at most %d", fsys.Path(name), info.Size(), limit)
	}
	data := make([]byte, info.Size())
	n, err := f.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

// Replace writes a whole file: whatever happens, the name stands for the file
// of before or for all of data. The folder must exist.
func Replace(fsys FS, name string, data []byte) error {
	temporary := name + ".new"
	if err := writeWhole(fsys, temporary, data); err != nil {
		// A half-written file is no use to anyone; if it cannot be removed
		// either, the next Replace writes over it.
		_ = fsys.Remove(temporary)
		return err
	}
	if err := fsys.Rename(temporary, name); err != nil {
		_ = fsys.Remove(temporary)
		return err
	}
	return fsys.SyncDir(path.Dir(name))
}

// writeWhole writes a file and brings it to the disk.
func writeWhole(fsys FS, name string, data []byte) (err error) {
	f, err := fsys.Open(name, createTruncated)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return f.Sync()
}
