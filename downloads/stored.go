package downloads

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"scout/downloads/hub"
	"scout/downloads/store"
)

// List is what is stored: whole models, those under way, and files that no
// model uses.
func (d *Downloads) List() (Usage, error) { return d.store.Usage() }

// Show is one stored model, whole or not.
func (d *Downloads) Show(name string) (ModelUsage, error) {
	m, err := d.stored(name)
	if err != nil {
		return ModelUsage{}, err
	}
	u, err := d.store.Usage()
	if err != nil {
		return ModelUsage{}, err
	}
	for _, other := range u.Models {
		if other.Name == m.Name {
			return other, nil
		}
	}
	return ModelUsage{}, fmt.Errorf("store: %q: %w", name, ErrNoModel) // removed meanwhile
}

// Path is where the files of a stored model are, ready to be opened. A model
// that is not whole is an *IncompleteError, an unknown name ErrNoModel.
func (d *Downloads) Path(name string) (Model, error) {
	m, err := d.stored(name)
	if err != nil {
		return Model{}, err
	}
	return d.store.Find(m.Name)
}

// Remove removes a model and those of its files that no other model uses.
func (d *Downloads) Remove(name string) (Removal, error) {
	m, err := d.stored(name)
	if err != nil {
		return Removal{}, err
	}
	return d.store.Remove(m.Name)
}

// RemoveUnused removes the files that no model uses, and tells what that frees.
func (d *Downloads) RemoveUnused() (freed int64, err error) { return d.store.RemoveUnused() }

// SeveralError is a name that several stored models could be meant by.
type SeveralError struct {
	Name  string
	Names []string
	Sizes []int64 // bytes of each
}

func (e *SeveralError) Error() string {
	var choices []string
	for i, name := range e.Names {
		choices = append(choices, fmt.Sprintf("%s (%s)", name, Bytes(e.Sizes[i])))
	}
	return fmt.Sprintf("%s is stored in %d variants: name one of %s", e.Name, len(e.Names), strings.Join(choices, ", "))
}

// stored is the manifest that a name means: the one of that name, or the only
// one of that repository if the name says no quantization.
func (d *Downloads) stored(name string) (store.Manifest, error) {
	m, err := d.store.Get(name)
	if !errors.Is(err, ErrNoModel) {
		return m, err
	}
	ref, parseErr := d.published.Parse(name)
	if parseErr != nil {
		return store.Manifest{}, err // "no such model" says it better: the name may be anything
	}
	for _, r := range append([]Ref{ref}, d.published.Others(ref)...) {
		m, err = d.store.Get(r.Name())
		if errors.Is(err, ErrNoModel) && r.Kind == hub.HuggingFace && r.Quant == "" {
			m, err = d.onlyOf(name, r, err)
		}
		if !errors.Is(err, ErrNoModel) {
			break
		}
	}
	return m, err
}

// onlyOf is the only stored model of a repository; missing is the error if
// there is none.
func (d *Downloads) onlyOf(name string, ref Ref, missing error) (store.Manifest, error) {
	all, _, err := d.store.List()
	if err != nil {
		return store.Manifest{}, err
	}
	var found []store.Manifest
	var names []string
	var sizes []int64
	for _, m := range all {
		other, err := hub.ParseRef(m.Name)
		if err != nil || other.Kind != ref.Kind || !strings.EqualFold(other.Repo, ref.Repo) || ref.Rev != "" && other.Rev != ref.Rev {
			continue
		}
		if ref.File != "" && !hasFile(m, ref.File) {
			continue
		}
		found, names, sizes = append(found, m), append(names, m.Name), append(sizes, m.Size())
	}
	switch len(found) {
	case 0:
		return store.Manifest{}, missing
	case 1:
		return found[0], nil
	}
	return store.Manifest{}, &SeveralError{Name: name, Names: names, Sizes: sizes}
}

func hasFile(m store.Manifest, path string) bool {
	for _, f := range m.Files {
		if f.Name == path {
			return true
		}
	}
	return false
}

// Checked is what verifying a model found, and what repairing it did.
type Checked struct {
	Name     string
	Files    []FileHealth
	Repaired bool
	Fetched  int64 // bytes that the repair took
}

// Right tells whether every file is as it was published.
func (c Checked) Right() bool {
	for _, f := range c.Files {
		if !f.Right {
			return false
		}
	}
	return true
}

// Verify reads all of a model's files and holds them against their sums. each,
// if not nil, is told how many bytes have been read.
func (d *Downloads) Verify(ctx context.Context, name string, each func(done, total int64)) (Checked, error) {
	m, err := d.stored(name)
	if err != nil {
		return Checked{}, err
	}
	c := Checked{Name: m.Name}
	c.Files, err = d.store.Verify(ctx, m.Name, each)
	return c, err
}

// Repair fetches what Verify found damaged, and only that, at the commit that
// the model was pulled from.
func (d *Downloads) Repair(ctx context.Context, c Checked, o Options) (Checked, error) {
	if c.Right() {
		return c, nil
	}
	if err := d.store.Demote(c.Name, c.Files); err != nil {
		return c, err
	}
	o.NoReuse = true // what another program has was found wrong a moment ago
	result, err := d.Pull(ctx, c.Name, o)
	c.Fetched = result.Received
	c.Repaired = err == nil
	return c, err
}

// IsName tells whether a text can be the name of a model on a hub, or a short
// one that p knows.
func IsName(text string, p Published) bool {
	_, err := p.Parse(text)
	return err == nil
}
