package embedcache

import (
	"fmt"
	"io"
	"os"
	"time"
)

// disk is what a store asks of a file system; tests have one that fails.
type disk interface {
	makeFolder(dir string) error
	list(dir string) ([]file, error)
	// read reads a file of at most the given bytes.
	read(path string, most int64) ([]byte, error)
	// write makes a file with a new name of the given pattern. If there is an error and
	// a name, the file may be there in part.
	write(dir, pattern string, data []byte) (name string, err error)
	rename(from, to string) error
	remove(path string) error
	// touch makes now the time that a file was used.
	touch(path string) error
}

type file struct {
	name string
	size int64
	used time.Time
}

type realDisk struct{}

func (realDisk) makeFolder(dir string) error  { return os.MkdirAll(dir, 0o700) }
func (realDisk) rename(from, to string) error { return os.Rename(from, to) }
func (realDisk) remove(path string) error     { return os.Remove(path) }

func (realDisk) touch(path string) error {
	now := time.Now()
	return os.Chtimes(path, now, now)
}

func (realDisk) list(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := make([]file, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue // another process has removed it, or it is none of ours
		}
		files = append(files, file{e.Name(), info.Size(), info.ModTime()})
	}
	return files, nil
}

func (realDisk) read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("embedcache: %s has %d bytes, want a file of at most %d", path, info.Size(), most)
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

func (realDisk) write(dir, pattern string, data []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return f.Name(), err
}
