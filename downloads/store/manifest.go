package store

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"scout/downloads/disk"
	"scout/downloads/transfer"
)

// Role is what a file is to its model.
type Role string

// The roles.
const (
	Weights   Role = "model"
	Projector Role = "projector" // the vision tower, where it is a file of its own
)

// File is a file of a model.
type File struct {
	Role   Role   `json:"role"`
	Name   string `json:"name"` // where it came from; only to be shown
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`

	// A file that another program has, and which is used where it lies.
	Path     string    `json:"path,omitempty"`
	Modified time.Time `json:"modified,omitzero"` // when it was verified there
	Owner    string    `json:"owner,omitempty"`   // the program
}

// Blob is the file's content.
func (f File) Blob() transfer.Blob { return transfer.Blob{SHA256: f.SHA256, Size: f.Size} }

// Manifest is a model in the store.
type Manifest struct {
	Version  int       `json:"version"`
	Name     string    `json:"name"`     // "hf.co/user/repo:Q4_K_M", "llama4:scout"
	Source   string    `json:"source"`   // the hub and the repository
	Revision string    `json:"revision"` // the commit or the manifest's digest
	Quant    string    `json:"quant,omitempty"`
	License  string    `json:"license,omitempty"` // its name, as the hub gives it
	Pulled   time.Time `json:"pulled"`
	Complete bool      `json:"complete"` // all files were there once, and right
	Files    []File    `json:"files"`
}

const (
	manifestFolder  = "manifests"
	modelFolder     = "models"
	manifestVersion = 1
	manifestSuffix  = ".json"
	maxManifest     = 4 << 20
	maxFiles        = 100_000
	maxName         = 1000
)

// hasHub tells whether the model can be fetched from a hub.
func (m Manifest) hasHub() bool { return strings.Contains(m.Source, "/") }

// Size is the bytes of all files.
func (m Manifest) Size() int64 {
	var sum int64
	for _, f := range m.Files {
		sum += f.Size
	}
	return sum
}

// check tells whether a manifest can be trusted with being one.
func (m Manifest) check() error {
	switch {
	case m.Version > manifestVersion:
		return fmt.Errorf("a later version of this program wrote it (format %d, this one knows %d)", m.Version, manifestVersion)
	case m.Version < 1:
		return fmt.Errorf("it is of format %d", m.Version)
	case m.Name == "" || len(m.Name) > maxName:
		return fmt.Errorf("its name has %d bytes", len(m.Name))
	case len(m.Files) == 0 || len(m.Files) > maxFiles:
		return fmt.Errorf("it names %d files", len(m.Files))
	}
	for i, f := range m.Files {
		if err := f.Blob().Check(); err != nil {
			return fmt.Errorf("file %d: %w", i+1, err)
		}
		if f.Role == "" {
			return fmt.Errorf("file %d has no role", i+1)
		}
	}
	return nil
}

// parseManifest reads a manifest.
func parseManifest(data []byte) (Manifest, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	var m Manifest
	if err := d.Decode(&m); err != nil {
		return Manifest{}, err
	}
	if d.More() {
		return Manifest{}, errors.New("there is something behind its end")
	}
	return m, m.check()
}

// slug is a name for the disk that is ours: what of the model's name is
// harmless, and a part of its sum, so that no two are the same.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case b.Len() >= 80:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	sum := sha256.Sum256([]byte(name))
	return "m-" + strings.Trim(b.String(), "-") + "-" + hex.EncodeToString(sum[:5])
}

func manifestName(name string) string {
	return path.Join(manifestFolder, slug(name)+manifestSuffix)
}

// Store is the models of one directory.
type Store struct {
	fsys    disk.FS
	fetcher *transfer.Fetcher
	now     func() time.Time
}

// Open opens a store. Nothing is written until something is put into it.
func Open(fsys disk.FS, fetcher *transfer.Fetcher) *Store {
	return &Store{fsys: fsys, fetcher: fetcher, now: time.Now}
}

// Path is the directory.
func (s *Store) Path() string { return s.fsys.Path(".") }

// Put writes a model's manifest in place of the one of that name, and gives
// its files their names if it is complete.
func (s *Store) Put(m Manifest) error {
	m.Version = manifestVersion
	if m.Pulled.IsZero() {
		m.Pulled = s.now().UTC().Truncate(time.Second)
	}
	if err := m.check(); err != nil {
		return fmt.Errorf("store: a manifest of %q: %w", m.Name, err)
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.fsys.Mkdir(manifestFolder); err != nil {
		return s.diskError("making the folder", manifestFolder, err)
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("store: a manifest of %q: %w", m.Name, err)
	}
	if m.Complete { // first, so that a complete model has its names
		if err := s.link(m); err != nil {
			return err
		}
	}
	if err := disk.Replace(s.fsys, manifestName(m.Name), append(data, '\n')); err != nil {
		return s.diskError("writing", manifestName(m.Name), err)
	}
	return nil
}

// ErrNoModel is a name that the store does not have.
var ErrNoModel = errors.New("no such model")

// BrokenError is a manifest that cannot be read.
type BrokenError struct {
	Path string
	Err  error
}

func (e *BrokenError) Error() string {
	var unread *disk.Error
	if errors.As(e.Err, &unread) {
		return unread.Error()
	}
	return fmt.Sprintf("the manifest %s makes no sense: %v; look at it, and remove it if the model is of no use", e.Path, e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// Get is the manifest of a name, whatever its letters' case.
func (s *Store) Get(name string) (Manifest, error) {
	m, err := s.read(path.Base(manifestName(name)))
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	all, _, err := s.List()
	if err != nil {
		return Manifest{}, err
	}
	for _, m := range all {
		if strings.EqualFold(m.Name, name) {
			return m, nil
		}
	}
	return Manifest{}, fmt.Errorf("store: %q: %w", name, ErrNoModel)
}

// read reads the manifest in a file of the folder.
func (s *Store) read(file string) (Manifest, error) {
	name := path.Join(manifestFolder, file)
	data, err := disk.ReadFile(s.fsys, name, maxManifest)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Manifest{}, err
		}
		return Manifest{}, &BrokenError{Path: s.fsys.Path(name), Err: s.diskError("reading", name, err)}
	}
	m, err := parseManifest(data)
	if err == nil && path.Base(manifestName(m.Name)) != file {
		err = fmt.Errorf("it is the manifest of %q", m.Name)
	}
	if err != nil {
		return Manifest{}, &BrokenError{Path: s.fsys.Path(name), Err: err}
	}
	return m, nil
}

// List is all models, by name, and the manifests that cannot be read.
func (s *Store) List() ([]Manifest, []*BrokenError, error) {
	entries, err := s.fsys.ReadDir(manifestFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, s.diskError("reading", manifestFolder, err)
	}
	var (
		all    []Manifest
		broken []*BrokenError
	)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), manifestSuffix) {
			continue
		}
		m, err := s.read(e.Name())
		var b *BrokenError
		switch {
		case err == nil:
			all = append(all, m)
		case errors.As(err, &b):
			broken = append(broken, b)
		case !errors.Is(err, fs.ErrNotExist): // gone meanwhile
			return nil, nil, err
		}
	}
	slices.SortFunc(all, func(a, b Manifest) int { return cmp.Compare(a.Name, b.Name) })
	return all, broken, nil
}

// lockWait is how long a change of the store waits for another.
const lockWait = 30 * time.Second

// lock takes the lock of the store's manifests, which is held for moments.
func (s *Store) lock() (unlock func(), err error) {
	if err := s.fsys.Mkdir(transfer.LockFolder); err != nil {
		return nil, s.diskError("making the folder", transfer.LockFolder, err)
	}
	name := path.Join(transfer.LockFolder, "store")
	for began := time.Now(); ; {
		lock, owner, err := disk.TryLock(s.fsys, name)
		switch {
		case err != nil:
			return nil, s.diskError("locking", name, err)
		case lock != nil:
			return func() { _ = lock.Unlock() }, nil // a lock that is closed is let go
		case time.Since(began) > lockWait:
			return nil, fmt.Errorf("store: process %d is changing %s and does not finish", owner, s.Path())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Store) diskError(doing, name string, err error) error {
	return &disk.Error{Doing: doing, Path: s.fsys.Path(name), Err: err}
}
