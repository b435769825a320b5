package sessions

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// memDisk is a disk in memory that can lose power: what was not synced is
// then there in part, or as zeros, or not at all. After a sync that failed, what
// it was about is lost for good, as on Linux, though later syncs succeed.
type memDisk struct {
	mu      sync.Mutex
	names   map[string]*memNode // as programs see them
	lasting map[string]*memNode // as they are after a power cut
	dirs    map[string]bool     // to whether it is lasting
	clock   time.Time
}

type memNode struct {
	data   []byte
	synced int      // bytes that survive a power cut
	doomed [][2]int // ranges that do not, since a sync of them failed
	mtime  time.Time
	shared int
	alone  bool
}

func newMemDisk() *memDisk {
	return &memDisk{
		names: map[string]*memNode{}, lasting: map[string]*memNode{}, dirs: map[string]bool{".": true},
		clock: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
	}
}

func (d *memDisk) tick() time.Time {
	d.clock = d.clock.Add(time.Millisecond)
	return d.clock
}

func (d *memDisk) open(name string, flag int) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	node := d.names[name]
	switch {
	case node == nil && flag&os.O_CREATE == 0, !d.isDir(path.Dir(name)):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case node != nil && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case node == nil:
		node = &memNode{mtime: d.tick()}
		d.names[name] = node
	}
	return &memFile{disk: d, node: node, name: name}, nil
}

func (d *memDisk) mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; name != "."; name = path.Dir(name) {
		if _, made := d.dirs[name]; !made {
			d.dirs[name] = false
		}
	}
	return nil
}

func (d *memDisk) readDir(name string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.isDir(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	var entries []fs.DirEntry
	for _, n := range slices.Sorted(maps.Keys(d.names)) {
		if path.Dir(n) == name {
			entries = append(entries, fs.FileInfoToDirEntry(d.info(n)))
		}
	}
	for n := range d.dirs {
		if n != "." && path.Dir(n) == name {
			entries = append(entries, fs.FileInfoToDirEntry(memInfo{name: path.Base(n), mode: fs.ModeDir}))
		}
	}
	return entries, nil
}

func (d *memDisk) isDir(name string) bool {
	_, is := d.dirs[name]
	return is
}

func (d *memDisk) info(name string) fs.FileInfo {
	n := d.names[name]
	return memInfo{name: path.Base(name), size: int64(len(n.data)), mtime: n.mtime, node: n}
}

func (d *memDisk) stat(name string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return d.info(name), nil
}

func (d *memDisk) touch(name string, at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return fs.ErrNotExist
	}
	d.names[name].mtime = at
	return nil
}

func (d *memDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[from]
	if n == nil {
		return fs.ErrNotExist
	}
	delete(d.names, from)
	d.names[to] = n
	return nil
}

func (d *memDisk) remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.names, name)
	return nil
}

func (d *memDisk) syncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.lasting, func(n string, _ *memNode) bool { return path.Dir(n) == name && d.names[n] == nil })
	for n, node := range d.names {
		if path.Dir(n) == name {
			d.lasting[n] = node
		}
	}
	for n := range d.dirs {
		if path.Dir(n) == name {
			d.dirs[n] = true
		}
	}
	return nil
}

func (d *memDisk) close() error { return nil }

// powerCut is the disk as it may be after the power was cut now.
func (d *memDisk) powerCut(rng *rand.Rand) *memDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newMemDisk()
	after.clock = d.clock
	for _, dir := range slices.Sorted(maps.Keys(d.dirs)) { // parents first
		if (d.dirs[dir] || rng.IntN(2) == 0) && after.isDir(path.Dir(dir)) {
			after.dirs[dir] = true
		}
	}
	for _, names := range []map[string]*memNode{d.lasting, d.names} {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if d.lasting[name] == nil && rng.IntN(2) == 0 || after.names[name] != nil || !after.isDir(path.Dir(name)) {
				continue
			}
			node := names[name].afterPowerCut(rng)
			after.names[name], after.lasting[name] = node, node
		}
	}
	return after
}

func (n *memNode) afterPowerCut(rng *rand.Rand) *memNode {
	end := n.synced + rng.IntN(len(n.data)-n.synced+1)
	data := bytes.Clone(n.data[:end])
	if tail := data[n.synced:]; len(tail) > 0 {
		switch from := rng.IntN(len(tail)); rng.IntN(4) {
		case 0:
			clear(tail[from:])
		case 1:
			clear(tail[:from])
		case 2:
			for i := range tail[from:] {
				tail[from+i] = byte(rng.Uint32())
			}
		}
	}
	for _, r := range n.doomed {
		if r[0] < len(data) {
			clear(data[r[0]:min(r[1], len(data))])
		}
	}
	return &memNode{data: data, synced: len(data), mtime: n.mtime}
}

type memInfo struct {
	name  string
	size  int64
	mode  fs.FileMode
	mtime time.Time
	node  *memNode
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return i.mode }
func (i memInfo) ModTime() time.Time { return i.mtime }
func (i memInfo) IsDir() bool        { return i.mode.IsDir() }
func (i memInfo) Sys() any           { return nil }

// memFile is an open file; it is only ever appended to.
type memFile struct {
	disk          *memDisk
	node          *memNode
	name          string
	at            int
	shared, alone bool
}

func (f *memFile) Read(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.at >= len(f.node.data) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[f.at:])
	f.at += n
	return n, nil
}

func (f *memFile) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.node.data = append(f.node.data, p...)
	f.node.mtime = f.disk.tick()
	return len(p), nil
}

func (f *memFile) Stat() (fs.FileInfo, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return memInfo{name: path.Base(f.name), size: int64(len(f.node.data)), mtime: f.node.mtime, node: f.node}, nil
}

func (f *memFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.node.synced = len(f.node.data)
	return nil
}

// failSync is a sync that fails: what it was about is lost.
func (f *memFile) failSync() {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.node.synced < len(f.node.data) {
		f.node.doomed = append(f.node.doomed, [2]int{f.node.synced, len(f.node.data)})
	}
}

func (f *memFile) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.shared {
		f.node.shared--
	}
	if f.alone {
		f.node.alone = false
	}
	f.shared, f.alone = false, false
	return nil
}

func (f *memFile) lock(alone bool) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.node.alone || alone && f.node.shared > 0 {
		return errLocked
	}
	if alone {
		f.alone, f.node.alone = true, true
	} else {
		f.shared = true
		f.node.shared++
	}
	return nil
}

func (f *memFile) same(info fs.FileInfo) bool { return info.(memInfo).node == f.node }

// faultyDisk lets chosen operations of a memDisk fail.
type faultyDisk struct {
	*memDisk
	fail func(op string) bool // asked before each operation
}

var errFault = errors.New("input/output error")

func (d *faultyDisk) open(name string, flag int) (file, error) {
	if d.fail("open " + name) {
		return nil, errFault
	}
	f, err := d.memDisk.open(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f.(*memFile), d}, nil
}

func (d *faultyDisk) mkdir(name string) error {
	if d.fail("mkdir " + name) {
		return errFault
	}
	return d.memDisk.mkdir(name)
}

func (d *faultyDisk) touch(name string, at time.Time) error {
	if d.fail("touch " + name) {
		return errFault
	}
	return d.memDisk.touch(name, at)
}

func (d *faultyDisk) rename(from, to string) error {
	if d.fail("rename " + to) {
		return errFault
	}
	return d.memDisk.rename(from, to)
}

func (d *faultyDisk) remove(name string) error {
	if d.fail("remove " + name) {
		return errFault
	}
	return d.memDisk.remove(name)
}

func (d *faultyDisk) syncDir(name string) error {
	if d.fail("syncDir " + name) {
		return errFault
	}
	return d.memDisk.syncDir(name)
}

type faultyFile struct {
	*memFile
	disk *faultyDisk
}

// Write fails after the first half of what it is given.
func (f *faultyFile) Write(p []byte) (int, error) {
	if f.disk.fail("write " + f.name) {
		n, _ := f.memFile.Write(p[:len(p)/2])
		return n, errFault
	}
	return f.memFile.Write(p)
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if f.disk.fail("read " + f.name) {
		return 0, errFault
	}
	return f.memFile.Read(p)
}

func (f *faultyFile) Sync() error {
	if f.disk.fail("sync " + f.name) {
		f.failSync()
		return errFault
	}
	return f.memFile.Sync()
}

func (f *faultyFile) lock(alone bool) error {
	if f.disk.fail("lock " + f.name) {
		return errFault
	}
	return f.memFile.lock(alone)
}

func (f *faultyFile) Close() error {
	f.memFile.Close()
	if f.disk.fail("close " + f.name) {
		return errFault
	}
	return nil
}

// eachDisk runs a test on the real file system and on one in memory.
func eachDisk(t *testing.T, test func(t *testing.T, st *Store)) {
	t.Run("files", func(t *testing.T) { test(t, openTemp(t)) })
	t.Run("memory", func(t *testing.T) { test(t, newStore(newMemDisk())) })
}

func openTemp(t *testing.T) *Store {
	t.Helper()
	st, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// TestWriteWhole expects a file to be the old or the new, whichever call fails.
func TestWriteWhole(t *testing.T) {
	for n := 1; ; n++ {
		ops := 0
		d := &faultyDisk{memDisk: newMemDisk(), fail: func(string) bool { return false }}
		st := newStore(d)
		if err := st.writeWhole("index", []byte("old")); err != nil {
			t.Fatal(err)
		}
		d.fail = func(string) bool { ops++; return ops == n }
		err := st.writeWhole("index", []byte("new"))
		failed := ops >= n
		d.fail = func(string) bool { return false }
		got, readErr := readAll(d, "index")
		if readErr != nil {
			t.Fatal(readErr)
		}
		if want := map[bool]string{true: "new", false: "old"}[err == nil]; string(got) != want {
			t.Errorf("call %d fails: the file is %q, the error %v", n, got, err)
		}
		if !failed {
			break
		}
		for name := range d.names {
			if strings.HasSuffix(name, temporaryEnding) && n < ops {
				t.Errorf("call %d fails: %s is left", n, name)
			}
		}
	}
}
