package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// fileNames are the names that a model's files get: a split set keeps the
// pattern by which its parts find each other (gguf-split's), a single file is
// model.gguf. A file that is used where another program has it keeps its place.
func fileNames(m Manifest) []string {
	parts := 0
	for _, f := range m.Files {
		if f.Role == Weights {
			parts++
		}
	}
	names := make([]string, len(m.Files))
	part, projectors := 0, 0
	for i, f := range m.Files {
		switch {
		case f.Role == Weights && parts == 1:
			names[i] = "model.gguf"
		case f.Role == Weights:
			part++
			names[i] = fmt.Sprintf("model-%05d-of-%05d.gguf", part, parts)
		case f.Role == Projector:
			projectors++
			names[i] = "mmproj.gguf"
			if projectors > 1 {
				names[i] = fmt.Sprintf("mmproj-%d.gguf", projectors)
			}
		}
	}
	return names
}

// link gives a model's files their names, next to each other.
func (s *Store) link(m Manifest) error {
	folder := path.Join(modelFolder, slug(m.Name))
	if err := s.unlink(folder); err != nil {
		return err
	}
	if err := s.fsys.Mkdir(folder); err != nil {
		return s.diskError("making the folder", folder, err)
	}
	for i, name := range fileNames(m) {
		if name == "" || m.Files[i].Path != "" {
			continue
		}
		if err := s.fsys.Link(m.Files[i].Blob().Name(), path.Join(folder, name)); err != nil {
			return s.diskError("naming", path.Join(folder, name), err)
		}
	}
	if err := s.fsys.SyncDir(folder); err != nil {
		return s.diskError("naming the files in", folder, err)
	}
	return nil
}

// unlink removes the names of a model's files.
func (s *Store) unlink(folder string) error {
	entries, err := s.fsys.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.diskError("reading", folder, err)
	}
	for _, e := range entries {
		if err := s.fsys.Remove(path.Join(folder, e.Name())); err != nil {
			return s.diskError("removing", path.Join(folder, e.Name()), err)
		}
	}
	if err := s.fsys.Remove(folder); err != nil {
		return s.diskError("removing", folder, err)
	}
	return nil
}

// Model is a model that can be opened.
type Model struct {
	Manifest
	Weights   string // path of the file, or of the first of a split set
	Projector string // path of the vision tower's file; empty if there is none
}

// IncompleteError is a model whose files are not all there.
type IncompleteError struct {
	Name       string
	Have, Size int64
	Why        string // of a file that was there and is not any more
	Lost       bool   // it came from another program's folder, and no hub has it
}

func (e *IncompleteError) Error() string {
	if e.Lost {
		return fmt.Sprintf("%s is not whole: %s, and no hub is known to have it: 'scout rm %s' forgets it", e.Name, e.Why, e.Name)
	}
	if e.Why != "" {
		return fmt.Sprintf("%s is not whole: %s; 'scout pull %s' fetches what is missing", e.Name, e.Why, e.Name)
	}
	return fmt.Sprintf("%s is not whole, %d%% of it are here: 'scout pull %s' goes on with it", e.Name, percent(e.Have, e.Size), e.Name)
}

func percent(part, whole int64) int64 {
	if whole <= 0 {
		return 0
	}
	return int64(float64(part) / float64(whole) * 100)
}

// Find is the model of that name, ready to be opened: all its files are there,
// of the right size, and those of other programs are as they were when they
// were verified.
func (s *Store) Find(name string) (Model, error) {
	m, err := s.Get(name)
	if err != nil {
		return Model{}, err
	}
	if !m.Complete {
		return Model{}, &IncompleteError{Name: m.Name, Have: s.have(m), Size: m.Size()}
	}
	folder := path.Join(modelFolder, slug(m.Name))
	model := Model{Manifest: m}
	for i, file := range fileNames(m) {
		f := m.Files[i]
		where := f.Path
		if where == "" {
			where = s.fsys.Path(path.Join(folder, file))
		}
		if why := s.missing(f); why != "" {
			return Model{}, &IncompleteError{Name: m.Name, Size: m.Size(), Why: why, Lost: !m.hasHub()}
		}
		switch {
		case f.Role == Weights && model.Weights == "":
			model.Weights = where
		case f.Role == Projector && model.Projector == "":
			model.Projector = where
		}
	}
	if model.Weights == "" {
		return Model{}, fmt.Errorf("store: %s has no file of weights", m.Name)
	}
	return model, nil
}

// missing says why a file cannot be used, or "".
func (s *Store) missing(f File) string {
	if f.Path == "" {
		info, err := s.fsys.Stat(f.Blob().Name())
		switch {
		case err != nil:
			return fmt.Sprintf("%s is gone", s.fsys.Path(f.Blob().Name()))
		case info.Size() != f.Size:
			return fmt.Sprintf("%s has %d bytes, want %d", s.fsys.Path(f.Blob().Name()), info.Size(), f.Size)
		}
		return ""
	}
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s, which %s had, is gone", f.Path, f.Owner)
	case err != nil:
		return fmt.Sprintf("%s, which %s has, cannot be read", f.Path, f.Owner)
	case info.Size() != f.Size || !info.ModTime().Equal(f.Modified):
		return fmt.Sprintf("%s, which %s has, was changed", f.Path, f.Owner)
	}
	return ""
}

// have is how much of a model that is being fetched is here.
func (s *Store) have(m Manifest) int64 {
	var sum int64
	for _, f := range m.Files {
		switch {
		case s.missing(f) == "":
			sum += f.Size
		default:
			if p, err := s.fetcher.ReadPartial(f.SHA256); err == nil {
				sum += p.Have
			}
		}
	}
	return sum
}
