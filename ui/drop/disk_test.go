package drop

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// png is a beginning that picture.Sniff takes for a PNG.
const png = "\x89PNG\r\n\x1a\n"

// disk is a file system in memory: names to contents. Names that end in a slash are
// folders. It counts how often it is asked.
type disk struct {
	files map[string]string
	fail  map[string]error // of Stat
	mode  map[string]fs.FileMode
	open  error // of Open, if not nil
	asked int
}

func newDisk(names ...string) *disk {
	d := &disk{files: map[string]string{}, fail: map[string]error{}, mode: map[string]fs.FileMode{}}
	for _, name := range names {
		d.files[name] = png
	}
	return d
}

func (d *disk) Stat(name string) (fs.FileInfo, error) {
	d.asked++
	if err := d.fail[name]; err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if _, ok := d.files[strings.TrimRight(name, "/")+"/"]; ok {
		return info{name: path.Base(name), mode: fs.ModeDir}, nil
	}
	data, ok := d.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return info{path.Base(name), int64(len(data)), d.mode[name]}, nil
}

func (d *disk) Open(name string) (io.ReadCloser, error) {
	if d.open != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: d.open}
	}
	return io.NopCloser(bytes.NewReader([]byte(d.files[name]))), nil
}

// info is what Stat says, and an entry of a folder.
type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) Mode() fs.FileMode          { return i.mode }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.mode.IsDir() }
func (i info) Sys() any                   { return nil }
func (i info) Type() fs.FileMode          { return i.mode.Type() }
func (i info) Info() (fs.FileInfo, error) { return i, nil }
