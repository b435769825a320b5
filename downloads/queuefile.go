package downloads

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"scout/downloads/disk"
	"scout/downloads/hub"
	"scout/downloads/store"
)

const (
	queueFile    = "queue.json"
	queueVersion = 1
	maxQueueFile = 1 << 20
)

// queueRecord is a queue on the disk: the names in order. How far each is, and
// what was begun besides, the store knows.
type queueRecord struct {
	Version int      `json:"version"`
	Names   []string `json:"names"`
}

// kept is which state of a queue is on the disk.
type kept struct {
	asked int // states that were to be kept; under Queue.mu

	mu      sync.Mutex
	written int // the latest that was
	names   string
}

// names are those to keep, with the number of this state. The caller holds mu.
func (q *Queue) names() (names []string, version int) {
	names = []string{}
	for _, it := range q.items {
		if it.Status != Finished {
			names = append(names, it.asked)
		}
	}
	q.kept.asked++
	return names, q.kept.asked
}

// keep writes a state to the disk, unless a later one was or nothing changed.
func (q *Queue) keep(names []string, version int) error {
	k := &q.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	joined := strings.Join(names, "\n")
	if version < k.written || joined == k.names {
		k.written = max(k.written, version)
		return nil
	}
	data, err := json.Marshal(queueRecord{queueVersion, names})
	if err == nil {
		err = disk.Replace(q.d.fsys, queueFile, append(data, '\n'))
	}
	if err != nil {
		return &disk.Error{Doing: "keeping the queue in", Path: q.d.fsys.Path(queueFile), Err: err}
	}
	k.written, k.names = version, joined
	return nil
}

// readKept are the names that an earlier queue kept. A file that cannot be
// read is as none: what was begun is in the store.
func (q *Queue) readKept() []string {
	data, err := disk.ReadFile(q.d.fsys, queueFile, maxQueueFile)
	var r queueRecord
	if err != nil || json.Unmarshal(data, &r) != nil || r.Version != queueVersion {
		return nil
	}
	q.kept.names = strings.Join(r.Names, "\n")
	return r.Names
}

// Refresh looks again at what was begun in the store: by another process, or
// before this one. New ones come to the end, Paused; of those that are here and
// do not run it is found out how far they are and who is at them.
func (q *Queue) Refresh() error {
	begun, err := q.d.begunModels() // reads the disk, so before the lock
	if err != nil {
		return err
	}
	return q.edit(func() error {
		for _, it := range q.items {
			if it.stop == nil && it.Status != Finished {
				it.Done, it.Process = 0, 0 // unless it is among those below
			}
		}
		for _, b := range begun {
			it := q.find(b.name)
			if it == nil {
				it = q.append(b.name, b.name, Paused)
			}
			if it.stop != nil || it.Status == Finished {
				continue
			}
			it.Name, it.Done, it.Total, it.Parts = b.name, b.have, b.size, b.parts
			it.Process = max(b.owner, 0)
		}
		return nil
	})
}

// find is the item of a model. The caller holds mu.
func (q *Queue) find(name string) *queued {
	for _, it := range q.items {
		if it.Name == name || it.asked == name {
			return it
		}
	}
	return nil
}

// begunModel is a model, or an update of one, that is not whole.
type begunModel struct {
	name       string // that it is pulled by
	have, size int64
	parts      int
	owner      int // the process that is at it, -1 if none is
}

func (d *Downloads) begunModels() ([]begunModel, error) {
	u, err := d.store.Usage()
	if err != nil {
		return nil, err
	}
	var begun []begunModel
	for _, m := range u.Models {
		name := strings.TrimSuffix(m.Name, updateSuffix)
		if _, err := hub.ParseRef(name); m.Complete || err != nil {
			continue
		}
		begun = append(begun, begunModel{name, m.Have, m.Size(), len(m.Files), m.Owner})
	}
	return begun, nil
}

// discardBegun removes what has come of a model that is not whole, or of an
// update of one that is.
func (d *Downloads) discardBegun(name string) (Removal, error) {
	for _, n := range []string{name + updateSuffix, name} {
		m, err := d.store.Get(n)
		switch {
		case errors.Is(err, store.ErrNoModel):
		case err != nil:
			return Removal{}, err
		case !m.Complete:
			return d.store.Remove(m.Name)
		}
	}
	return Removal{Name: name}, nil // nothing had come yet
}
