package downloads

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"scout/downloads/disk"
	"scout/downloads/hub"
	"scout/downloads/store"
	"scout/downloads/transfer"
)

// Result is what a pull did.
type Result struct {
	Model
	Received int64 // bytes that came over the network
	Reused   int64 // bytes that were here, of an earlier pull or another program
	Already  bool  // everything was here
}

// pulling is one pull under way.
type pulling struct {
	d         *Downloads
	options   Options
	now       Progress
	best      int64
	have      []int64               // bytes of each file that are here
	elsewhere map[int][]store.Found // files that other programs may have
	sets      [][]store.Found       // folders that may have all parts of a split set
	told      map[string]bool       // notices that the person has been told
}

func newPulling(d *Downloads, name string, o Options) *pulling {
	return &pulling{d: d, options: o, now: Progress{Name: name, Left: -1}, told: map[string]bool{}}
}

// tell changes the progress and shows it.
func (p *pulling) tell(change func(*Progress)) {
	change(&p.now)
	p.best = max(p.best, p.now.Done)
	p.now.Done = p.best
	if p.options.Each != nil {
		p.options.Each(p.now)
	}
	p.now.Notices = nil
}

// notice keeps a sentence for the next tell, once.
func (p *pulling) notice(sentence string) {
	if !p.told[sentence] {
		p.told[sentence] = true
		p.now.Notices = append(p.now.Notices, sentence)
	}
}

// Pull brings the model of that name into the store: it finds its files,
// makes sure that the disk has room, fetches what is not here, checks every
// byte against its published sum, and only then calls the model whole. It goes
// on where an earlier pull was stopped; two at once share the work. When ctx
// ends, what has come is kept, and the error is the cause.
func (d *Downloads) Pull(ctx context.Context, name string, o Options) (Result, error) {
	p := newPulling(d, name, o)
	result, resumed, err := p.run(ctx, name, false)
	var gone *hub.NotFoundError
	if resumed && errors.As(err, &gone) && ctx.Err() == nil {
		p.notice("what was begun is no longer on the hub: looking for what is there now")
		result, _, err = p.run(ctx, name, true)
	}
	return result, err
}

// errPlanned ends a pull that was only to be planned.
var errPlanned = errors.New("planned")

// Plan is what a pull of that name would take. Nothing is fetched or written.
func (d *Downloads) Plan(ctx context.Context, name string, o Options) (Plan, error) {
	var plan Plan
	o.Before = func(p Plan) error { plan = p; return errPlanned }
	_, err := d.Pull(ctx, name, o)
	if errors.Is(err, errPlanned) {
		return plan, nil
	}
	return Plan{}, err
}

// run is one try at a pull.
func (p *pulling) run(ctx context.Context, name string, fresh bool) (r Result, resumed bool, err error) {
	w, err := p.decide(ctx, name, fresh)
	if err != nil {
		return Result{}, false, err
	}
	plan, err := p.plan(&w)
	if err != nil {
		return Result{}, w.resumed, err
	}
	p.tell(func(g *Progress) {
		g.Name, g.State, g.Trouble = w.target, Preparing, ""
		g.Done, g.Total, g.Parts = plan.Here, plan.Size, plan.Files
	})
	if p.options.Before != nil {
		if err := p.options.Before(plan); err != nil {
			return Result{}, w.resumed, err
		}
	}
	if !plan.Already {
		if err := p.bring(ctx, &w); err != nil {
			return Result{Received: p.now.Received}, w.resumed, err
		}
	}
	if plan.Already && w.renew {
		if err := p.d.store.Put(w.manifest); err != nil {
			return Result{}, w.resumed, err
		}
	}
	model, err := p.d.store.Find(w.target)
	if err != nil {
		return Result{Received: p.now.Received}, w.resumed, err
	}
	p.tell(func(g *Progress) { g.State, g.Done, g.Rate, g.Left, g.Trouble = Done, g.Total, 0, 0, "" })
	return Result{Model: model, Received: p.now.Received, Reused: plan.Size - p.now.Received, Already: plan.Already}, w.resumed, nil
}

// bring fetches all files and makes them the model.
func (p *pulling) bring(ctx context.Context, w *work) error {
	d := p.d
	if err := p.adopt(ctx, w.manifest.Files); err != nil {
		return err
	}
	if err := d.checkSpace(w.manifest); err != nil {
		return err
	}
	sources, err := d.sources(w)
	if err != nil {
		return err
	}
	// Before the first byte, so that what comes is seen, and nobody's removal
	// takes it away.
	w.manifest.Complete = false
	w.manifest.Pulled = time.Time{}
	if err := d.store.Put(w.manifest); err != nil {
		return err
	}
	if err := p.fetchAll(ctx, w.manifest.Files, sources); err != nil {
		return err
	}
	return p.commit(w)
}

// sources are where the files can be fetched.
func (d *Downloads) sources(w *work) ([]transfer.Source, error) {
	files := make([]hub.File, len(w.manifest.Files))
	for i, f := range w.manifest.Files {
		files[i] = hub.File{Path: f.Name, SHA256: f.SHA256, Size: f.Size}
	}
	l, err := hub.Pinned(w.ref, w.manifest.Revision, files)
	if err != nil {
		return nil, err
	}
	sources := make([]transfer.Source, len(files))
	for i, f := range files {
		sources[i] = d.hub.Source(l, f)
	}
	return sources, nil
}

// adopt verifies files of other programs and uses those that are right.
func (p *pulling) adopt(ctx context.Context, files []store.File) error {
	for i, candidates := range p.elsewhere {
		for _, found := range candidates {
			f, err := p.adoptOne(ctx, files[i], i, found)
			if err != nil {
				return err
			}
			if f != nil {
				p.use(files, i, *f)
				break
			}
		}
	}
	parts := weightsOf(store.Manifest{Files: files})
	for _, set := range p.sets {
		adopted, err := p.adoptSet(ctx, files, parts, set)
		if err != nil {
			return err
		}
		if adopted {
			break
		}
	}
	return nil
}

// adoptSet adopts all parts of a split set, or none.
func (p *pulling) adoptSet(ctx context.Context, files []store.File, parts []int, set []store.Found) (bool, error) {
	adopted := make([]store.File, len(parts))
	for n, i := range parts {
		f, err := p.adoptOne(ctx, files[i], i, set[n])
		if err != nil || f == nil {
			return false, err
		}
		adopted[n] = *f
	}
	for n, i := range parts {
		p.use(files, i, adopted[n])
	}
	return true, nil
}

// adoptOne verifies a file of another program; nil is one that is not right.
func (p *pulling) adoptOne(ctx context.Context, file store.File, i int, found store.Found) (*store.File, error) {
	begun := time.Time{}
	each := func(done int64) {
		if time.Since(begun) < tellEvery {
			return
		}
		begun = time.Now()
		p.tell(func(g *Progress) {
			g.State, g.Part, g.File = Reusing, i+1, found.Path
			g.Trouble = fmt.Sprintf("checking the file of %s: %s of %s", found.Program, Bytes(done), Bytes(found.Size))
		})
	}
	f, why, err := p.d.adoptFile(ctx, found, file.SHA256, each)
	if err != nil {
		return nil, err
	}
	if why != "" {
		p.notice(fmt.Sprintf("not used, %s of %s: %s", found.Path, found.Program, why))
		return nil, nil
	}
	f.Role, f.Name = file.Role, file.Name
	return &f, nil
}

// use makes an adopted file that of the model.
func (p *pulling) use(files []store.File, i int, f store.File) {
	files[i], p.have[i] = f, f.Size
	p.notice(fmt.Sprintf("using %s that %s has, where it is: %s", Bytes(f.Size), f.Owner, f.Path))
	p.tell(func(g *Progress) { g.Done, g.Trouble = p.sum(-1, 0), "" })
}

// sum is the bytes that are here, with done for file i.
func (p *pulling) sum(i int, done int64) int64 {
	var sum int64
	for j, have := range p.have {
		if j == i {
			have = max(have, done)
		}
		sum += have
	}
	return sum
}

// fetchAll fetches the files one after the other. One that the hub does not
// give does not keep the others from coming.
func (p *pulling) fetchAll(ctx context.Context, files []store.File, sources []transfer.Source) error {
	o := p.options.transferOptions()
	var failed error
	for i, f := range files {
		if f.Path != "" {
			continue
		}
		err := p.fetch(ctx, i, f, sources[i], o)
		if err == nil {
			p.have[i] = f.Size
			continue
		}
		var onDisk *disk.Error
		var space *disk.SpaceError
		if ctx.Err() != nil || errors.As(err, &onDisk) || errors.As(err, &space) {
			return err
		}
		if len(files) > 1 {
			err = fmt.Errorf("file %d of %d, %s: %w", i+1, len(files), fileName(f), err)
		}
		if failed == nil {
			failed = err
		}
		p.notice(err.Error())
	}
	return failed
}

// tellEvery is how often progress is told.
const tellEvery = 250 * time.Millisecond

// fetch fetches one file.
func (p *pulling) fetch(ctx context.Context, i int, f store.File, source transfer.Source, o transfer.Options) error {
	blob := f.Blob()
	if info, err := p.d.fsys.Stat(blob.Name()); err == nil && info.Size() != f.Size {
		// Cut or grown since it came: what is right of it comes out by its
		// checksums, or else it is fetched again.
		health, err := p.d.fetcher.Verify(ctx, blob, nil)
		if err != nil {
			return err
		}
		p.notice(fmt.Sprintf("%s was changed on the disk: fetching what is damaged", fileName(f)))
		if err := p.d.fetcher.Demote(blob, health); err != nil {
			return err
		}
	}
	t := p.d.fetcher.Start(ctx, blob, source, o)
	before := p.now.Received
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		over := false
		select {
		case <-t.Over():
			over = true
		case <-tick.C:
		}
		p.show(i, f, t.Progress(), before)
		if over {
			return t.Wait()
		}
	}
}

// show tells the progress of one file as that of the model.
func (p *pulling) show(i int, f store.File, t transfer.Progress, before int64) {
	for _, n := range t.Notices {
		p.notice(n)
	}
	p.tell(func(g *Progress) {
		g.State = stateOf(t.Phase)
		g.File, g.Part = fileName(f), i+1
		g.Done = p.sum(i, t.Done)
		g.Received = before + t.Received
		g.Rate, g.Connections, g.Owner, g.Trouble = t.Rate, t.Connections, t.Owner, t.Trouble
		g.Left = -1
		if t.Left >= 0 && t.Rate > 0 {
			seconds := min(float64(g.Total-g.Done)/t.Rate, (1000 * time.Hour).Seconds())
			g.Left = time.Duration(seconds * float64(time.Second))
		}
	})
}

func stateOf(phase transfer.Phase) State {
	switch phase {
	case transfer.Following:
		return Following
	case transfer.Fetching:
		return Fetching
	case transfer.Checking, transfer.Done:
		return Checking
	}
	return Preparing
}

// commit makes the files the model of its name, in place of an older version.
func (p *pulling) commit(w *work) error {
	d := p.d
	for _, f := range w.manifest.Files {
		if !d.isHere(f) {
			return fmt.Errorf("%s was removed while it was pulled: %w", w.target, os.ErrNotExist)
		}
	}
	pending := w.manifest.Name
	w.manifest.Name, w.manifest.Complete = w.target, true
	old, err := d.store.Get(w.target)
	replaces := err == nil && old.Complete && !sameFiles(old, w.manifest)
	if replaces { // so that its files have a user until they are removed
		old.Name = w.target + beforeSuffix
		if err := d.store.Put(old); err != nil {
			return err
		}
	}
	if err := d.store.Put(w.manifest); err != nil {
		return err
	}
	if pending != w.target {
		p.discard(pending)
	}
	if replaces {
		p.discard(old.Name)
	}
	return nil
}

// discard removes a manifest that an update leaves over. If it cannot be
// removed now, it is still seen, and can be removed by hand.
func (p *pulling) discard(name string) {
	r, err := p.d.store.Remove(name)
	switch {
	case errors.Is(err, ErrNoModel): // another process was faster
	case err != nil:
		p.notice(fmt.Sprintf("%q stays in the store: %v", name, err))
	case r.Freed > 0:
		p.notice(fmt.Sprintf("the older version is gone, %s are free again", Bytes(r.Freed)))
	}
}
