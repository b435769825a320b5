package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	readOnly        = os.O_RDONLY
	createTruncated = os.O_RDWR | os.O_CREATE | os.O_TRUNC

	// Models are no secret, but nobody else is to change them.
	filePermission   = 0o644
	folderPermission = 0o755
)

// Root is a directory of this machine. No name reaches a file outside it: not
// by "..", not absolutely, not through a symbolic link (see os.Root).
type Root struct {
	root *os.Root
	path string
}

// OpenRoot opens the directory at path, which is made if need be.
func OpenRoot(path string) (*Root, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, folderPermission); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Root{root, path}, nil
}

// Close ends the use of the directory. Files that are open stay open.
func (r *Root) Close() error { return r.root.Close() }

// Open opens a file of the directory.
func (r *Root) Open(name string, flag int) (File, error) {
	f, err := r.root.OpenFile(filepath.FromSlash(name), flag, filePermission)
	if err != nil {
		return nil, r.whole(err)
	}
	return &RootFile{File: f, path: r.Path(name)}, nil
}

// Mkdir makes a folder and those above it.
func (r *Root) Mkdir(name string) error {
	return r.whole(r.root.MkdirAll(filepath.FromSlash(name), folderPermission))
}

// Rename gives a file another name, in place of what had it.
func (r *Root) Rename(from, to string) error {
	return r.whole(retrySharing(func() error {
		return r.root.Rename(filepath.FromSlash(from), filepath.FromSlash(to))
	}))
}

// Link gives a file a second name.
func (r *Root) Link(from, to string) error {
	err := r.root.Link(filepath.FromSlash(from), filepath.FromSlash(to))
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return r.whole(err)
	}
	relative, relErr := filepath.Rel(filepath.Dir(filepath.FromSlash(to)), filepath.FromSlash(from))
	if relErr != nil || r.root.Symlink(relative, filepath.FromSlash(to)) != nil {
		return r.whole(err) // that of the hard link says more
	}
	return nil
}

// Remove removes a file or an empty folder.
func (r *Root) Remove(name string) error {
	return r.whole(retrySharing(func() error { return r.root.Remove(filepath.FromSlash(name)) }))
}

// Stat describes a file.
func (r *Root) Stat(name string) (fs.FileInfo, error) {
	info, err := r.root.Stat(filepath.FromSlash(name))
	return info, r.whole(err)
}

// ReadDir lists a folder, sorted by name.
func (r *Root) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := r.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, r.whole(err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, r.whole(err)
}

// SyncDir makes the names in a folder durable, where the system can do that
// by itself; Windows does it with the rename.
func (r *Root) SyncDir(name string) error {
	f, err := r.root.Open(filepath.FromSlash(name))
	if err != nil {
		return r.whole(err)
	}
	defer f.Close()
	return r.whole(syncFolder(f))
}

// Free is how many bytes this user can still write to the disk.
func (r *Root) Free() (int64, error) { return freeBytes(r.path) }

// Path is the whole path of a name.
func (r *Root) Path(name string) string { return filepath.Join(r.path, filepath.FromSlash(name)) }

// whole makes an error name the whole path: a person cannot find "blobs/x".
func (r *Root) whole(err error) error {
	var (
		pathError *fs.PathError
		linkError *os.LinkError
	)
	switch {
	case errors.As(err, &pathError):
		return &fs.PathError{Op: trimAt(pathError.Op), Path: r.Path(pathError.Path), Err: pathError.Err}
	case errors.As(err, &linkError):
		return &os.LinkError{Op: trimAt(linkError.Op), Old: r.Path(linkError.Old), New: r.Path(linkError.New), Err: linkError.Err}
	}
	return err
}

// trimAt makes the system's name of an operation, openat, the one people know.
func trimAt(op string) string { return strings.TrimSuffix(op, "at") }

// RootFile is an open file of a Root.
type RootFile struct {
	*os.File
	path string
}

// Allocate reserves the file's first size bytes.
func (f *RootFile) Allocate(size int64) error {
	if size == 0 {
		return nil
	}
	if err := allocate(f.File, size); err != nil {
		return &fs.PathError{Op: "allocate", Path: f.path, Err: err}
	}
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	return f.Truncate(size)
}

// WriteBack begins to bring bytes to the disk.
func (f *RootFile) WriteBack(from, n int64) { writeBack(f.File, from, n) }

// Allocated is how much of the disk the file takes, or -1.
func (f *RootFile) Allocated() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return allocatedBytes(info), nil
}

// TryLock takes the file's lock if nobody has it.
func (f *RootFile) TryLock() (bool, error) {
	locked, err := tryLock(f.File)
	if err != nil {
		return false, &fs.PathError{Op: "lock", Path: f.path, Err: err}
	}
	return locked, nil
}
