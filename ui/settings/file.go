package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// disk is what reading and writing the file needs of the system, so that tests
// can make each step fail. Errors are those of package os.
type disk interface {
	Lstat(path string) (fs.FileInfo, error)
	Readlink(path string) (string, error)
	Read(path string, most int64) ([]byte, error)
	MkdirAll(path string) error
	Create(folder string) (tempFile, error)
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(path string) error
}

// tempFile is a new file with a name of its own.
type tempFile interface {
	io.Writer
	Name() string
	Chmod(fs.FileMode) error
	Sync() error
	Close() error
}

// osDisk is the real disk.
type osDisk struct{}

func (osDisk) Lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }
func (osDisk) Readlink(path string) (string, error)   { return os.Readlink(path) }
func (osDisk) MkdirAll(path string) error             { return os.MkdirAll(path, 0o700) }
func (osDisk) Rename(from, to string) error           { return os.Rename(from, to) }
func (osDisk) Remove(path string) error               { return os.Remove(path) }

func (osDisk) Read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

func (osDisk) Create(folder string) (tempFile, error) {
	f, err := os.CreateTemp(folder, ".config-*.tmp")
	if err != nil {
		return nil, err
	}
	return f, nil
}

// SyncDir makes a rename in a folder durable. Windows does so by itself.
func (osDisk) SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// config is the file of settings as it was read.
type config struct {
	path    string // where it is, behind all symbolic links
	text    string
	mode    fs.FileMode
	missing bool
}

// mostLinks is how many symbolic links may lead to the file, as in Linux.
const mostLinks = 40

// readConfig reads the file of settings. If there is none, the error is one of
// fs.ErrNotExist and the config says where it would be.
func readConfig(d disk, path string) (config, error) {
	f := config{path: path, mode: 0o600, missing: true}
	for range mostLinks {
		info, err := d.Lstat(f.path)
		if err != nil {
			return f, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return f, f.read(d, info)
		}
		to, err := d.Readlink(f.path)
		if err != nil {
			return f, err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(f.path), to)
		}
		f.path = to
	}
	return f, fmt.Errorf("%s: more than %d symbolic links, want a file", path, mostLinks)
}

// read reads a file that is there.
func (f *config) read(d disk, info fs.FileInfo) error {
	f.missing = false
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a file, want the settings", f.path)
	}
	f.mode = info.Mode().Perm()
	text, err := d.Read(f.path, largestFile+1)
	if err != nil {
		return err
	}
	if len(text) > largestFile {
		return fmt.Errorf("%s: more than %d bytes, too many for settings", f.path, largestFile)
	}
	f.text = string(text)
	return nil
}

// replace writes text in the place of f, if that is still what it was. Until
// the rename the old file is whole, from then on the new one.
func replace(d disk, f config, text string) error {
	if f.mode&0o200 == 0 {
		return fmt.Errorf("%s is read-only: change its permissions, or set it in the file itself", f.path)
	}
	folder := filepath.Dir(f.path)
	if f.missing {
		if err := d.MkdirAll(folder); err != nil {
			return err
		}
	}
	temporary, err := writeBeside(d, folder, f.mode, text)
	if err != nil {
		return err
	}
	if err := unchanged(d, f); err != nil {
		d.Remove(temporary) // no use to anyone; the error that counts is the other one
		return err
	}
	if err := d.Rename(temporary, f.path); err != nil {
		d.Remove(temporary)
		return err
	}
	if err := d.SyncDir(folder); err != nil {
		return fmt.Errorf("the settings are saved, but a power cut could still undo it: %w", err)
	}
	return nil
}

// writeBeside writes text to a new file of a folder and brings it to the disk.
// If that fails there is no new file.
func writeBeside(d disk, folder string, mode fs.FileMode, text string) (string, error) {
	t, err := d.Create(folder)
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(t, text)
	if err == nil {
		err = t.Chmod(mode)
	}
	if err == nil {
		err = t.Sync()
	}
	err = errors.Join(err, t.Close())
	if err != nil {
		d.Remove(t.Name())
		return "", err
	}
	return t.Name(), nil
}

// unchanged is errChanged if the file is no longer what was read. A moment
// remains between this and the rename, in which another program that writes
// the file would lose what it wrote; a lock would not keep an editor out.
func unchanged(d disk, f config) error {
	now, err := readConfig(d, f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.missing:
		return nil
	case errors.Is(err, fs.ErrNotExist), err == nil && (f.missing || now.text != f.text || now.path != f.path):
		return errChanged
	}
	return err
}
