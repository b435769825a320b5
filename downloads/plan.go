package downloads

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"scout/downloads/disk"
	"scout/downloads/hub"
	"scout/downloads/store"
	"scout/downloads/transfer"
)

// License is what a model may be used for, as the hub says it.
type License = hub.License

// Plan is what a pull will do.
type Plan struct {
	Name     string // by which the model will be stored
	Source   string // the hub and the repository
	Revision string // the commit, or the manifest's digest
	License  License
	Size     int64    // bytes of all files
	Here     int64    // of them, what is here already, of an earlier pull too
	Reusable int64    // of the rest, what another program seems to have
	Programs []string // those programs
	Free     int64    // bytes free on the disk
	Files    int
	Tower    bool      // a vision tower is among the files
	Resumed  bool      // a pull that was stopped goes on
	Update   bool      // another version of the model is here, and is kept until this one is whole
	Already  bool      // everything is here: nothing will be fetched
	Others   []Variant // all variants of the repository; empty if the hub was not asked
	Warnings []string
}

// Fetch is the bytes that have to come over the network.
func (p Plan) Fetch() int64 { return p.Size - p.Here - p.Reusable }

// While a newer version of a stored model is fetched, it is stored under its
// name with the first suffix; when it is whole, the older one gets the second
// and is removed. No name that a person can pull ends like that.
const (
	updateSuffix = " (update)"
	beforeSuffix = " (before)"
)

// work is a pull that is decided on.
type work struct {
	manifest store.Manifest
	target   string // the name in the end
	ref      Ref
	resumed  bool
	update   bool
	renew    bool // only what is said of the model is new, its files are the same
	others   []Variant
	license  License
	warnings []string
}

// decide finds out what a name stands for and what of it is here. A pull that
// was stopped goes on with the files it began with, unless fresh is set.
func (p *pulling) decide(ctx context.Context, name string, fresh bool) (work, error) {
	known, err := p.d.begun(name)
	if err != nil {
		return work{}, err
	}
	if known != nil && !known.Complete && !fresh {
		return resume(*known)
	}
	ref, err := p.d.published.Parse(name)
	if err != nil {
		return work{}, err
	}
	l, err := p.find(ctx, ref)
	if errors.Is(err, hub.ErrOffline) && known != nil { // all of it is here: it can be used
		return work{manifest: *known, target: known.Name, ref: ref}, nil
	}
	if err != nil {
		return work{}, err
	}
	v, err := l.Pick()
	if err != nil {
		return work{}, err
	}
	w := newWork(l, v)
	return p.d.besides(w, fresh)
}

// begun is the manifest of exactly that name, or nil.
func (d *Downloads) begun(name string) (*store.Manifest, error) {
	names := []string{name}
	if ref, err := d.published.Parse(name); err == nil {
		names = append(names, ref.Name())
		for _, other := range d.published.Others(ref) {
			names = append(names, other.Name())
		}
	}
	for _, n := range names {
		m, err := d.store.Get(n)
		if err == nil {
			return &m, nil
		}
		if !errors.Is(err, ErrNoModel) {
			return nil, err
		}
	}
	return nil, nil
}

// resume is the work that is left of a pull that was stopped.
func resume(m store.Manifest) (work, error) {
	w := work{manifest: m, target: strings.TrimSuffix(m.Name, updateSuffix), resumed: true}
	w.update = w.target != m.Name
	w.license.Name = m.License
	var err error
	if w.ref, err = hub.ParseRef(w.target); err != nil {
		return work{}, fmt.Errorf("the stored model %q cannot be pulled again: %w", m.Name, err)
	}
	return w, nil
}

// newWork is the pull of a variant.
func newWork(l Listing, v Variant) work {
	named := l.Named(v)
	w := work{ref: named, target: named.Name(), others: l.Variants, license: l.License, warnings: l.Warnings}
	source := "hf.co/" + l.Ref.Repo
	if l.Ref.Kind == hub.Ollama {
		source = "ollama.com/" + l.Ref.Repo
	}
	w.manifest = store.Manifest{Name: w.target, Source: source, Revision: l.Revision, Quant: v.Quant, License: l.License.Name}
	for _, f := range v.Files {
		w.manifest.Files = append(w.manifest.Files, stored(store.Weights, f))
	}
	if v.Projector != nil {
		w.manifest.Files = append(w.manifest.Files, stored(store.Projector, *v.Projector))
	}
	return w
}

func stored(role store.Role, f hub.File) store.File {
	return store.File{Role: role, Name: f.Path, SHA256: f.SHA256, Size: f.Size}
}

// besides holds a pull against what is stored under its name: the same files,
// others, or the same on their way.
func (d *Downloads) besides(w work, fresh bool) (work, error) {
	old, err := d.store.Get(w.target)
	switch {
	case errors.Is(err, ErrNoModel):
		return w, nil
	case err != nil:
		return work{}, err
	case !old.Complete && !fresh:
		return resumeWith(old, w)
	case !old.Complete:
		return w, nil
	case sameFiles(old, w.manifest):
		// As the hub has it now, so that it can be fetched should it go; the
		// files stay where they are.
		w.renew = old.Revision != w.manifest.Revision
		w.manifest.Pulled, w.manifest.Complete = old.Pulled, true
		for i, f := range old.Files {
			w.manifest.Files[i].Path, w.manifest.Files[i].Modified, w.manifest.Files[i].Owner = f.Path, f.Modified, f.Owner
		}
		return w, nil
	}
	w.update = true
	w.manifest.Name = w.target + updateSuffix
	begun, err := d.store.Get(w.manifest.Name)
	switch {
	case errors.Is(err, ErrNoModel) || err == nil && fresh:
		return w, nil
	case err != nil:
		return work{}, err
	}
	return resumeWith(begun, w)
}

// resumeWith is resume with what the hub said a moment ago.
func resumeWith(m store.Manifest, said work) (work, error) {
	w, err := resume(m)
	w.others, w.license, w.warnings = said.others, said.license, said.warnings
	return w, err
}

func sameFiles(a, b store.Manifest) bool {
	if len(a.Files) != len(b.Files) {
		return false
	}
	for i := range a.Files {
		if a.Files[i].SHA256 != b.Files[i].SHA256 || a.Files[i].Role != b.Files[i].Role {
			return false
		}
	}
	return true
}

// plan measures a pull.
func (p *pulling) plan(w *work) (Plan, error) {
	d := p.d
	plan := Plan{
		Name: w.target, Source: w.manifest.Source, Revision: w.manifest.Revision, License: w.license,
		Size: w.manifest.Size(), Files: len(w.manifest.Files), Resumed: w.resumed, Update: w.update,
		Others: w.others, Warnings: w.warnings,
	}
	p.have = make([]int64, len(w.manifest.Files))
	p.forgetLost(w.manifest.Files)
	for i := range w.manifest.Files {
		f := &w.manifest.Files[i]
		plan.Tower = plan.Tower || f.Role == store.Projector
		switch {
		case d.isHere(*f):
			p.have[i] = f.Size
		default:
			if part, err := d.fetcher.ReadPartial(f.SHA256); err == nil {
				p.have[i] = min(part.Have, f.Size)
			}
		}
		plan.Here += p.have[i]
	}
	plan.Already = w.manifest.Complete && plan.Here == plan.Size
	free, err := d.fsys.Free()
	if err != nil {
		return Plan{}, &disk.Error{Doing: "looking for free space on", Path: d.Dir(), Err: err}
	}
	plan.Free = free
	if !plan.Already && !p.options.NoReuse {
		plan.Reusable = p.findElsewhere(w.manifest)
		plan.Programs = p.programs()
	}
	return plan, nil
}

// forgetLost makes files of other programs that were changed, or are gone,
// files that have to come from the hub. Parts of a split set find each other by
// where they are, so that one lost part takes the others along.
func (p *pulling) forgetLost(files []store.File) {
	forget := func(i int) { files[i].Path, files[i].Owner, files[i].Modified = "", "", time.Time{} }
	for i, f := range files {
		if f.Path != "" && !isAsVerified(f) {
			forget(i)
		}
	}
	parts := weightsOf(store.Manifest{Files: files})
	elsewhere := func(i int) bool { return files[i].Path != "" }
	if all := !slices.ContainsFunc(parts, func(i int) bool { return !elsewhere(i) }); all || !slices.ContainsFunc(parts, elsewhere) {
		return
	}
	p.notice("parts of the model that another program has are gone: all parts have to be in one place, so all are fetched")
	for _, i := range parts {
		forget(i)
	}
}

// isHere tells whether a file can be used as it is, by its size.
func (d *Downloads) isHere(f store.File) bool {
	if f.Path != "" {
		return isAsVerified(f)
	}
	info, err := d.fsys.Stat(f.Blob().Name())
	return err == nil && info.Size() == f.Size
}

// isAsVerified tells whether another program's file is as it was when it was
// verified, by its size and its time.
func isAsVerified(f store.File) bool {
	info, err := os.Stat(f.Path)
	return err == nil && info.Size() == f.Size && info.ModTime().Equal(f.Modified)
}

// findElsewhere notes which missing files other programs may have, and tells
// their bytes. Parts of a split set find each other by where they are, so they
// are taken from elsewhere all or none.
func (p *pulling) findElsewhere(m store.Manifest) int64 {
	p.elsewhere, p.sets = map[int][]store.Found{}, nil
	parts := weightsOf(m)
	var sum int64
	for i, f := range m.Files {
		if p.have[i] > 0 || f.Size == 0 || f.Role == store.Weights && len(parts) > 1 {
			continue // what has been begun is finished
		}
		if found := p.d.elsewhere.Candidates(f.Blob()); len(found) > 0 {
			p.elsewhere[i] = found
			sum += f.Size
		}
	}
	return sum + p.findSets(m, parts)
}

// programs are those that have what findElsewhere noted.
func (p *pulling) programs() []string {
	var names []string
	add := func(found []store.Found) {
		if len(found) > 0 && !slices.Contains(names, found[0].Program) {
			names = append(names, found[0].Program)
		}
	}
	for _, found := range p.elsewhere {
		add(found)
	}
	for _, set := range p.sets {
		add(set)
	}
	slices.Sort(names)
	return names
}

// weightsOf are the places of a model's files of weights.
func weightsOf(m store.Manifest) []int {
	var parts []int
	for i, f := range m.Files {
		if f.Role == store.Weights {
			parts = append(parts, i)
		}
	}
	return parts
}

// findSets notes which folders of other programs may have all parts of a split
// set, if none of it has been begun.
func (p *pulling) findSets(m store.Manifest, parts []int) int64 {
	if len(parts) < 2 {
		return 0
	}
	var blobs []transfer.Blob
	var sum int64
	for _, i := range parts {
		if p.have[i] > 0 {
			return 0
		}
		blobs = append(blobs, m.Files[i].Blob())
		sum += m.Files[i].Size
	}
	p.sets = p.d.elsewhere.Sets(blobs, func(name string, i int) bool { return hub.IsPart(name, i, len(parts)) })
	if len(p.sets) == 0 {
		return 0
	}
	return sum
}

// spaceMargin is what is to stay free on the disk, for the rest of the system.
const spaceMargin = 1 << 30

// checkSpace fails if the disk has no room for what is to come.
func (d *Downloads) checkSpace(m store.Manifest) error {
	var need int64
	for _, f := range m.Files {
		if d.isHere(f) {
			continue
		}
		var taken int64
		if part, err := d.fetcher.ReadPartial(f.SHA256); err == nil {
			taken = part.OnDisk
		}
		need += max(f.Size-taken, 0)
	}
	free, err := d.fsys.Free()
	if err != nil {
		return &disk.Error{Doing: "looking for free space on", Path: d.Dir(), Err: err}
	}
	if need += min(spaceMargin, need); free < need {
		return &disk.SpaceError{Path: d.Dir(), Need: need, Free: free}
	}
	return nil
}

// fileName is how a file is called to a person: by its name on the hub, or by
// what it is to the model where that is a digest.
func fileName(f store.File) string {
	if !strings.HasPrefix(f.Name, "sha256:") && f.Name != "" {
		return path.Base(f.Name)
	}
	if f.Role == store.Projector {
		return "vision tower"
	}
	return "weights"
}
