package downloads

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"scout/downloads/hub"
	"scout/downloads/store"
)

// Importable is a model that another program has on this disk.
type Importable struct {
	Name    string // by which it would be stored
	Program string // "Ollama"
	Size    int64
	Parts   int  // files of weights
	Tower   bool // a vision tower is beside it
	Paths   []string
	// Why says why it cannot be used, or what it is already; empty if it can be.
	Why string
	// Here is set if it is stored already, and Used if that uses these files.
	Here, Used bool

	manifest store.Manifest // without sums where the place says none
}

// Importables lists what Ollama, the Hugging Face cache, LM Studio and
// llama.cpp have. Nobody is asked and no model is read.
func (d *Downloads) Importables() ([]Importable, error) {
	stored, _, err := d.store.List()
	if err != nil {
		return nil, err
	}
	var all []Importable
	for _, c := range d.elsewhere.Collections() {
		all = append(all, importablesOf(c)...)
	}
	seen := map[string]bool{} // two snapshots of a repository may have one file
	all = slices.DeleteFunc(all, func(i Importable) bool {
		key := i.Program + i.Name + sums(i.manifest)
		double := seen[key] && i.manifest.Files[0].SHA256 != ""
		seen[key] = true
		return double
	})
	for i := range all {
		all[i].standing(stored)
	}
	slices.SortStableFunc(all, func(a, b Importable) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Program, b.Program))
	})
	return all, nil
}

// Unreadable are folders of other programs that may have models and cannot be
// read.
func (d *Downloads) Unreadable() []string { return d.elsewhere.Unreadable() }

// sums are the digests of a model's files.
func sums(m store.Manifest) string {
	var s string
	for _, f := range m.Files {
		s += " " + f.SHA256
	}
	return s
}

// standing notes whether a model is in the store already.
func (i *Importable) standing(stored []store.Manifest) {
	for _, m := range stored {
		uses := slices.ContainsFunc(m.Files, func(f store.File) bool { return f.Path != "" && slices.Contains(i.Paths, f.Path) })
		same := i.manifest.Files[0].SHA256 != "" && sameFiles(m, i.manifest)
		if !uses && !same {
			continue
		}
		i.Here, i.Used, i.Why = true, uses, "it is here as "+m.Name
		if uses {
			return
		}
	}
}

// importablesOf are the models of a collection.
func importablesOf(c store.Collection) []Importable {
	if c.Name != "" { // of Ollama: one model, with roles
		m := store.Manifest{Name: c.Name, Source: "ollama.com/" + ollamaRepo(c.Name), Revision: c.Revision}
		_, m.Quant, _ = strings.Cut(c.Name, ":")
		for _, f := range c.Files {
			m.Files = append(m.Files, foreign(f, f.Role))
		}
		return []Importable{newImportable(c.Program, m)}
	}
	files := make([]hub.File, len(c.Files))
	byPath := map[string]store.Found{}
	for i, f := range c.Files {
		files[i] = hub.File{Path: f.Name, SHA256: f.SHA256, Size: f.Size}
		byPath[f.Name] = f
	}
	l := Listing{Ref: Ref{Kind: hub.HuggingFace, Repo: c.Repo}, Revision: c.Revision}
	var broken []error
	l.Variants, broken = hub.Group(files)
	var all []Importable
	for _, v := range l.Variants {
		m := store.Manifest{Name: nameOf(l, v), Source: c.Program, Quant: v.Quant}
		if c.Repo != "" {
			m.Source, m.Revision = "hf.co/"+c.Repo, c.Revision
		}
		for _, f := range v.Files {
			m.Files = append(m.Files, foreign(byPath[f.Path], store.Weights))
		}
		if v.Projector != nil { // a file that stands alone has none
			m.Files = append(m.Files, foreign(byPath[v.Projector.Path], store.Projector))
		}
		all = append(all, newImportable(c.Program, m))
	}
	for _, b := range broken {
		var set *hub.ShardError
		if errors.As(b, &set) {
			m := store.Manifest{Name: cmp.Or(c.Repo, set.Set), Files: []store.File{{}}}
			i := newImportable(c.Program, m)
			i.Why = fmt.Sprintf("the set %s is not whole there: part %d %s", set.Set, set.Part, set.Why)
			all = append(all, i)
		}
	}
	return all
}

func newImportable(program string, m store.Manifest) Importable {
	i := Importable{Name: m.Name, Program: program, Size: m.Size(), manifest: m}
	for _, f := range m.Files {
		i.Paths = append(i.Paths, f.Path)
		switch f.Role {
		case store.Weights:
			i.Parts++
		case store.Projector:
			i.Tower = true
		}
	}
	return i
}

// foreign is a file of another program as one of a model, not verified yet.
func foreign(f store.Found, role store.Role) store.File {
	return store.File{Role: role, Name: f.Name, SHA256: f.SHA256, Size: f.Size, Path: f.Path, Owner: f.Program}
}

// ollamaRepo is the repository of a name that Ollama shows.
func ollamaRepo(name string) string {
	if ref, err := hub.ParseRef("ollama.com/" + name); err == nil && strings.Contains(name, "/") {
		return ref.Repo
	}
	repo, _, _ := strings.Cut(name, ":")
	return "library/" + repo
}

// nameOf is the name by which a variant is stored: that of the hub, or its
// file's where nobody knows the repository.
func nameOf(l Listing, v Variant) string {
	if l.Ref.Repo != "" {
		return l.Named(v).Name()
	}
	base := path.Base(v.Files[0].Path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// Imported is what importing a model did.
type Imported struct {
	Model
	Program string
	// Published is set if the files were held against sums that a hub
	// publishes or the program noted; without, what is there now counts.
	Published bool
	Notices   []string
}

// NotImportableError is a name by which no program has a model that can be used.
type NotImportableError struct {
	Name string
	Why  string // of one that is there and cannot be used
}

func (e *NotImportableError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("%s cannot be used from there: %s", e.Name, e.Why)
	}
	return fmt.Sprintf("no other program has a model %q", e.Name)
}

// Import puts a model that another program has into the store. Its files stay
// where they are and are only read: they are read once now, and held against
// the sums that their place or the hub names. each, if not nil, is told how
// many bytes have been read.
func (d *Downloads) Import(ctx context.Context, i Importable, each func(done, total int64)) (Imported, error) {
	if i.Why != "" {
		return Imported{}, &NotImportableError{i.Name, i.Why}
	}
	out := Imported{Program: i.Program, Published: true}
	m := i.manifest
	m.Files = slices.Clone(m.Files)
	if !haveSums(m) || strings.HasPrefix(m.Source, "hf.co/") && !hub.IsCommit(m.Revision) {
		d.lookUp(ctx, &m, &out)
	}
	var done int64
	for n, f := range m.Files {
		found := store.Found{Program: i.Program, Name: f.Name, Path: f.Path, Size: f.Size, SHA256: f.SHA256}
		tell := func(read int64) {
			if each != nil {
				each(done+read, m.Size())
			}
		}
		adopted, why, err := d.adoptFile(ctx, found, f.SHA256, tell)
		if err != nil {
			return Imported{}, err
		}
		if why != "" {
			return Imported{}, &NotImportableError{i.Name, fmt.Sprintf("%s: %s", found.Path, why)}
		}
		out.Published = out.Published && f.SHA256 != ""
		adopted.Role, adopted.Name = f.Role, f.Name
		m.Files[n] = adopted
		done += f.Size
	}
	m.Complete = true
	if old, err := d.store.Get(m.Name); err == nil && !sameFiles(old, m) {
		if old.Complete {
			m.Name += " (" + i.Program + ")" // another version of it is here, and is kept
		}
	} else if err != nil && !errors.Is(err, ErrNoModel) {
		return Imported{}, err
	}
	if err := d.store.Put(m); err != nil {
		return Imported{}, err
	}
	var err error
	out.Model, err = d.store.Find(m.Name)
	return out, err
}

func haveSums(m store.Manifest) bool {
	return !slices.ContainsFunc(m.Files, func(f store.File) bool { return f.SHA256 == "" })
}

func repoOf(m store.Manifest) string { return strings.TrimPrefix(m.Source, "hf.co/") }

// lookUp asks the hub once for the sums of files whose place names none. A hub
// that does not answer, or has other files now, is no obstacle.
func (d *Downloads) lookUp(ctx context.Context, m *store.Manifest, out *Imported) {
	if !strings.HasPrefix(m.Source, "hf.co/") {
		return
	}
	ctx, stop := context.WithTimeout(ctx, lookUpTime)
	defer stop()
	l, err := d.hub.Look(ctx, Ref{Kind: hub.HuggingFace, Repo: repoOf(*m)})
	if err != nil {
		out.Notices = append(out.Notices, "the published checksums could not be had: "+err.Error())
		return
	}
	published := map[string]hub.File{}
	for _, v := range l.Variants {
		for _, f := range v.Files {
			published[f.Path] = f
		}
		if v.Projector != nil {
			published[v.Projector.Path] = *v.Projector
		}
	}
	for _, f := range m.Files {
		p, ok := published[f.Name]
		if !ok || p.Size != f.Size || f.SHA256 != "" && f.SHA256 != p.SHA256 {
			out.Notices = append(out.Notices, fmt.Sprintf("%s is not as %s has it now", path.Base(f.Name), m.Source))
			return
		}
	}
	for n, f := range m.Files {
		m.Files[n].SHA256 = published[f.Name].SHA256
	}
	m.Revision, m.License = l.Revision, l.License.Name
}

// lookUpTime is how long an import waits for a hub.
const lookUpTime = 20 * time.Second

// adoptFile verifies a file of another program, unless that was done before
// and the file is as it was. An empty sum takes what is there. why says why it
// cannot be used.
func (d *Downloads) adoptFile(ctx context.Context, found store.Found, sum string, each func(int64)) (f store.File, why string, err error) {
	if known, ok := d.verified(found); ok && (sum == "" || sum == known.SHA256) {
		return known, "", nil
	}
	blob := store.File{SHA256: sum, Size: found.Size}.Blob()
	f, ok, why, err := store.Adopt(ctx, found, blob, each)
	if err != nil || !ok {
		return store.File{}, cmp.Or(why, "it cannot be read"), err
	}
	return f, "", nil
}

// verified is what was found when a file was verified before for another
// model, if it is as it was then.
func (d *Downloads) verified(found store.Found) (store.File, bool) {
	all, _, err := d.store.List()
	if err != nil {
		return store.File{}, false
	}
	for _, m := range all {
		for _, f := range m.Files {
			if f.Path == found.Path && f.Size == found.Size && f.Owner == found.Program && isAsVerified(f) {
				return f, true
			}
		}
	}
	return store.File{}, false
}
