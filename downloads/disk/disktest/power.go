package disktest

import (
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
	"time"

	"scout/downloads/disk"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// Memory is a file system in memory that knows what is on its disk and what is
// only on its way there: a write is on the disk after the file's Sync, a name
// after its folder's SyncDir. When the power is cut, any part of what is on
// its way may have arrived, in any order, torn between sectors.
type Memory struct {
	mu      sync.Mutex
	folders map[string]bool
	names   map[string]*node // now
	durable map[string]*node // on the disk
	cuts    int              // power cuts so far: files opened before are dead
}

// node is a file, whatever its names are.
type node struct {
	now, disk []byte
	pending   []write // since the last Sync
	locked    *memoryFile
	changed   time.Time
}

type write struct {
	at   int64
	data []byte
	size int64 // of the file after it; data is nil where only that changed
}

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{folders: map[string]bool{".": true}, names: map[string]*node{}, durable: map[string]*node{}}
}

var errPower = errors.New("the power was cut")

// Cut cuts the power: what was on its way arrives or not, as the random source
// says, and all open files are dead.
func (m *Memory) Cut(random *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cuts++
	// A folder's names arrive one by one, each or not.
	after := maps.Clone(m.durable)
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		if m.durable[name] != m.names[name] && random.IntN(2) == 0 {
			after[name] = m.names[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.durable)) {
		if m.names[name] == nil && random.IntN(2) == 0 {
			delete(after, name)
		}
	}
	survivors := map[*node]bool{}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		n := after[name]
		if !survivors[n] {
			survivors[n] = true
			n.cut(random)
		}
	}
	m.durable = after
	m.names = maps.Clone(after)
}

// cut leaves in a file what had arrived.
func (n *node) cut(random *rand.Rand) {
	data := slices.Clone(n.disk)
	for _, w := range n.pending {
		if w.data == nil {
			if random.IntN(2) == 0 {
				data = resize(data, w.size)
			}
			continue
		}
		for at := int64(0); at < int64(len(w.data)); {
			end := min(int64(len(w.data)), (w.at+at+sector)/sector*sector-w.at)
			if random.IntN(2) == 0 {
				data = resize(data, max(int64(len(data)), w.at+end))
				copy(data[w.at+at:], w.data[at:end])
			}
			at = end
		}
	}
	n.now, n.disk, n.pending, n.locked = data, slices.Clone(data), nil, nil
}

func resize(b []byte, size int64) []byte {
	if int64(len(b)) >= size {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

func memoryError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// Open opens a file.
func (m *Memory) Open(name string, flag int) (disk.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	switch {
	case n != nil && flag&os.O_EXCL != 0:
		return nil, memoryError("open", name, fs.ErrExist)
	case n == nil && flag&os.O_CREATE == 0, !m.folders[path.Dir(name)]:
		return nil, memoryError("open", name, fs.ErrNotExist)
	case n == nil:
		n = &node{changed: time.Now()}
		m.names[name] = n
	}
	f := &memoryFile{m: m, n: n, name: path.Base(name), cuts: m.cuts}
	if flag&os.O_TRUNC != 0 {
		n.truncate(0)
	}
	return f, nil
}

// Mkdir makes a folder; folders are on the disk at once.
func (m *Memory) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ; name != "."; name = path.Dir(name) {
		m.folders[name] = true
	}
	return nil
}

// Rename renames a file.
func (m *Memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[from]
	if n == nil || !m.folders[path.Dir(to)] {
		return memoryError("rename", from, fs.ErrNotExist)
	}
	m.names[to] = n
	delete(m.names, from)
	return nil
}

// Link gives a file a second name.
func (m *Memory) Link(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch n := m.names[from]; {
	case n == nil, !m.folders[path.Dir(to)]:
		return memoryError("link", from, fs.ErrNotExist)
	case m.names[to] != nil:
		return memoryError("link", to, fs.ErrExist)
	default:
		m.names[to] = n
		return nil
	}
}

// Remove removes a file or an empty folder.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.folders[name] {
		for other := range m.names {
			if path.Dir(other) == name {
				return memoryError("remove", name, errors.New("directory not empty"))
			}
		}
		delete(m.folders, name)
		return nil
	}
	if m.names[name] == nil {
		return memoryError("remove", name, fs.ErrNotExist)
	}
	delete(m.names, name)
	return nil
}

// Stat describes a file or a folder.
func (m *Memory) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.names[name]; n != nil {
		return memoryInfo{name: path.Base(name), size: int64(len(n.now)), changed: n.changed}, nil
	}
	if m.folders[name] {
		return memoryInfo{name: path.Base(name), folder: true}, nil
	}
	return nil, memoryError("stat", name, fs.ErrNotExist)
}

// ReadDir lists a folder.
func (m *Memory) ReadDir(name string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.folders[name] {
		return nil, memoryError("open", name, fs.ErrNotExist)
	}
	var entries []fs.DirEntry
	for file, n := range m.names {
		if path.Dir(file) == name {
			entries = append(entries, fs.FileInfoToDirEntry(memoryInfo{name: path.Base(file), size: int64(len(n.now)), changed: n.changed}))
		}
	}
	for folder := range m.folders {
		if folder != "." && path.Dir(folder) == name {
			entries = append(entries, fs.FileInfoToDirEntry(memoryInfo{name: path.Base(folder), folder: true}))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// SyncDir brings a folder's names to the disk.
func (m *Memory) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.durable, func(file string, _ *node) bool { return path.Dir(file) == name && m.names[file] == nil })
	for file, n := range m.names {
		if path.Dir(file) == name {
			m.durable[file] = n
		}
	}
	return nil
}

// Free is more than any test writes.
func (m *Memory) Free() (int64, error) { return 1 << 60, nil }

// Path is the name below "/memory".
func (m *Memory) Path(name string) string { return path.Join("/memory", name) }

type memoryInfo struct {
	name    string
	size    int64
	folder  bool
	changed time.Time
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) ModTime() time.Time { return i.changed }
func (i memoryInfo) IsDir() bool        { return i.folder }
func (i memoryInfo) Sys() any           { return nil }
func (i memoryInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

type memoryFile struct {
	m    *Memory
	n    *node
	name string
	cuts int
}

// alive fails for files that were open when the power was cut. The lock is held.
func (f *memoryFile) alive() error {
	if f.cuts != f.m.cuts {
		return memoryError("use", f.name, errPower)
	}
	return nil
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	if off >= int64(len(f.n.now)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.now[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) WriteAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return 0, err
	}
	n := f.n
	n.now = resize(n.now, max(int64(len(n.now)), off+int64(len(p))))
	copy(n.now[off:], p)
	n.pending = append(n.pending, write{at: off, data: slices.Clone(p)})
	n.changed = time.Now()
	return len(p), nil
}

func (n *node) truncate(size int64) {
	if int64(len(n.now)) == size {
		return
	}
	n.now = slices.Clone(resize(n.now, size))
	n.pending = append(n.pending, write{size: size})
}

func (f *memoryFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	f.n.truncate(size)
	return nil
}

func (f *memoryFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	f.n.disk, f.n.pending = slices.Clone(f.n.now), nil
	return nil
}

func (f *memoryFile) Allocate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return err
	}
	f.n.truncate(max(size, int64(len(f.n.now))))
	return nil
}

func (f *memoryFile) WriteBack(int64, int64) {}

func (f *memoryFile) Allocated() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.n.now)), f.alive()
}

func (f *memoryFile) Stat() (fs.FileInfo, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return nil, err
	}
	return memoryInfo{name: f.name, size: int64(len(f.n.now)), changed: f.n.changed}, nil
}

func (f *memoryFile) TryLock() (bool, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.alive(); err != nil {
		return false, err
	}
	if f.n.locked == nil {
		f.n.locked = f
	}
	return f.n.locked == f, nil
}

func (f *memoryFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.n.locked == f {
		f.n.locked = nil
	}
	return nil
}
