package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"scout/downloads/transfer"
)

// Removal is what removing a model did.
type Removal struct {
	Name  string
	Freed int64
	Kept  []Kept
}

// Kept is a file that stays, and why.
type Kept struct {
	File File
	By   []string // models that use it too; empty for one that is not ours
}

// Remove removes a model and the files that no other model uses. While any
// manifest cannot be read, nothing is removed. Files of other programs stay.
func (s *Store) Remove(name string) (Removal, error) {
	m, err := s.Get(name)
	if err != nil {
		return Removal{}, err
	}
	unlock, err := s.lock()
	if err != nil {
		return Removal{}, err
	}
	defer unlock()
	users, err := s.users()
	if err != nil {
		return Removal{}, err
	}
	r := Removal{Name: m.Name}
	digests := map[string]bool{} // a file may be in a model twice
	for _, f := range m.Files {
		others := slices.DeleteFunc(slices.Clone(users[f.SHA256]), func(user string) bool { return user == m.Name })
		switch {
		case f.Path != "":
			r.Kept = append(r.Kept, Kept{File: f})
		case len(others) > 0:
			r.Kept = append(r.Kept, Kept{File: f, By: others})
		default:
			digests[f.SHA256] = true
		}
	}
	for digest := range digests {
		if err := s.nobodyAt(digest); err != nil {
			return Removal{}, err
		}
	}
	// First what makes it a model, then what it is made of: cut short, the
	// rest is files that nobody uses, which RemoveUnused finds.
	if err := s.fsys.Remove(manifestName(m.Name)); err != nil {
		return Removal{}, s.diskError("removing", manifestName(m.Name), err)
	}
	if err := s.fsys.SyncDir(manifestFolder); err != nil {
		return r, s.diskError("removing", manifestName(m.Name), err)
	}
	if err := s.unlink(path.Join(modelFolder, slug(m.Name))); err != nil {
		return r, err
	}
	for digest := range digests {
		freed, err := s.fetcher.Remove(digest)
		r.Freed += freed
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// nobodyAt fails if a process is fetching a file.
func (s *Store) nobodyAt(digest string) error {
	p, err := s.fetcher.ReadPartial(digest)
	if err == nil && p.Owner >= 0 {
		return &transfer.BusyError{Blob: p.Blob, Owner: p.Owner}
	}
	return nil
}

// users maps every file to the models that use it. It fails if a manifest
// cannot be read.
func (s *Store) users() (map[string][]string, error) {
	all, broken, err := s.List()
	if err != nil {
		return nil, err
	}
	if len(broken) > 0 {
		return nil, fmt.Errorf("nothing is removed while it is unknown what is in use: %w", broken[0])
	}
	users := map[string][]string{}
	for _, m := range all {
		for _, f := range m.Files {
			if !slices.Contains(users[f.SHA256], m.Name) {
				users[f.SHA256] = append(users[f.SHA256], m.Name)
			}
		}
	}
	return users, nil
}

// Usage is what the store takes on its disk.
type Usage struct {
	Models  []ModelUsage
	Unused  []transfer.Partial // files that no model uses, whole (Have is OnDisk then) or not
	Total   int64              // bytes on the disk, each file once
	Foreign int64              // bytes of other programs that models use
	Free    int64              // of the disk
	Broken  []*BrokenError
}

// ModelUsage is what one model takes.
type ModelUsage struct {
	Manifest
	OnDisk int64 // bytes of its files here, shared ones too
	Shared int64 // of those, bytes that other models use too
	Have   int64 // bytes that are fetched; Size if it is complete
	Owner  int   // the process that is fetching it, -1 if none is
	// Missing says what was there and is not any more; empty if all is as it was.
	Missing string
}

// Usage measures the store.
func (s *Store) Usage() (Usage, error) {
	all, broken, err := s.List()
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Broken: broken}
	blobs, err := s.blobs()
	if err != nil {
		return Usage{}, err
	}
	count := map[string]int{}
	for _, m := range all {
		for _, digest := range m.digests() {
			count[digest]++
		}
	}
	for _, m := range all {
		u.Models = append(u.Models, s.modelUsage(m, blobs, count, &u.Foreign))
	}
	for digest, p := range blobs {
		u.Total += p.OnDisk
		if count[digest] == 0 {
			u.Unused = append(u.Unused, p)
		}
	}
	slices.SortFunc(u.Unused, func(a, b transfer.Partial) int { return int(min(max(b.OnDisk-a.OnDisk, -1), 1)) })
	if u.Free, err = s.fsys.Free(); err != nil {
		return Usage{}, s.diskError("looking for free space on", ".", err)
	}
	return u, nil
}

// digests are a model's files, each once.
func (m Manifest) digests() []string {
	var all []string
	for _, f := range m.Files {
		if !slices.Contains(all, f.SHA256) {
			all = append(all, f.SHA256)
		}
	}
	return all
}

func (s *Store) modelUsage(m Manifest, blobs map[string]transfer.Partial, count map[string]int, foreign *int64) ModelUsage {
	u := ModelUsage{Manifest: m, Owner: -1, Have: m.Size()}
	if !m.Complete {
		u.Have = s.have(m)
	}
	for _, f := range m.Files {
		if f.Path != "" {
			*foreign += f.Size
		}
		if m.Complete && u.Missing == "" {
			u.Missing = s.missing(f)
		}
	}
	for _, digest := range m.digests() {
		p, here := blobs[digest]
		if !here {
			continue
		}
		u.OnDisk += p.OnDisk
		if count[digest] > 1 {
			u.Shared += p.OnDisk
		}
		if p.Owner >= 0 {
			u.Owner = p.Owner
		}
	}
	return u
}

// blobs are the files in the folder of blobs, by digest.
func (s *Store) blobs() (map[string]transfer.Partial, error) {
	entries, err := s.fsys.ReadDir(transfer.BlobFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.diskError("reading", transfer.BlobFolder, err)
	}
	found := map[string]transfer.Partial{}
	for _, e := range entries {
		digest, kind := transfer.ParseName(e.Name())
		switch kind {
		case transfer.Whole:
			p, err := s.whole(digest, e)
			if err != nil {
				return nil, err
			}
			found[digest] = p
		case transfer.Part, transfer.Bad:
			p, err := s.fetcher.ReadPartial(digest)
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) {
					continue // finished meanwhile
				}
				return nil, err
			}
			if other, both := found[digest]; !both || other.OnDisk == 0 {
				found[digest] = p
			}
		case transfer.State, transfer.Pieces:
			// Alone they are what a removal that was cut short left over.
			if _, has := found[digest]; !has {
				found[digest] = transfer.Partial{Blob: transfer.Blob{SHA256: digest}, Owner: -1}
			}
		}
	}
	return found, nil
}

// whole describes a whole file.
func (s *Store) whole(digest string, e fs.DirEntry) (transfer.Partial, error) {
	info, err := e.Info()
	if err != nil {
		return transfer.Partial{}, s.diskError("looking at", path.Join(transfer.BlobFolder, e.Name()), err)
	}
	blob := transfer.Blob{SHA256: digest, Size: info.Size()}
	return transfer.Partial{Blob: blob, Have: info.Size(), OnDisk: info.Size(), Owner: -1}, nil
}

// RemoveUnused removes the files that no model uses, and tells what that frees.
func (s *Store) RemoveUnused() (freed int64, err error) {
	unlock, err := s.lock()
	if err != nil {
		return 0, err
	}
	defer unlock()
	users, err := s.users()
	if err != nil {
		return 0, err
	}
	blobs, err := s.blobs()
	if err != nil {
		return 0, err
	}
	for digest := range blobs {
		if len(users[digest]) > 0 {
			continue
		}
		n, err := s.fetcher.Remove(digest)
		freed += n
		if err != nil && !errors.As(err, new(*transfer.BusyError)) {
			return freed, err
		}
	}
	return freed, nil
}
