package downloads

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
)

// three are the models of a hub with three small repositories.
var three = []string{"a/one:Q8_0", "b/two:Q8_0", "c/three:Q8_0"}

func threeModels(t *testing.T) *faultserver.Server {
	t.Helper()
	s := faultserver.New(t)
	for i, name := range three {
		s.Repository(strings.TrimSuffix(name, ":Q8_0")).Commit(firstCommit, content(uint64(10+i), 100_000).At("Model-Q8_0.gguf"))
	}
	return s
}

func newQueue(t *testing.T, d *Downloads, o QueueOptions) *Queue {
	t.Helper()
	q, err := d.NewQueue(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func add(t *testing.T, q *Queue, names ...string) []int {
	t.Helper()
	var ids []int
	for _, name := range names {
		id, err := q.Add(name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// until reads changes until what the queue shows is right.
func until(t *testing.T, q *Queue, what string, right func([]Item) bool) []Item {
	t.Helper()
	patience := time.After(time.Minute)
	for {
		if items := q.Snapshot(); right(items) {
			return items
		}
		select {
		case <-q.Changed():
		case <-patience:
			t.Fatalf("no %s: the queue is %+v", what, q.Snapshot())
		}
	}
}

func all(s Status) func([]Item) bool {
	return func(items []Item) bool {
		return !slices.ContainsFunc(items, func(i Item) bool { return i.Status != s })
	}
}

func statuses(items []Item) string {
	var s []string
	for _, i := range items {
		s = append(s, i.Name+" "+string(i.Status))
	}
	return strings.Join(s, ", ")
}

func mustShow(t *testing.T, q *Queue, want string) {
	t.Helper()
	if got := statuses(q.Snapshot()); got != want {
		t.Errorf("the queue is %s\nwant %s", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gate lets pulls through one by one, and notes which came.
type gate struct {
	mu   sync.Mutex
	came []string
	open chan struct{}
}

func (g *gate) before(p Plan) error {
	g.mu.Lock()
	g.came = append(g.came, p.Name)
	g.mu.Unlock()
	<-g.open
	return nil
}

func (g *gate) names() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.came, " ")
}

func TestQueueKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{Before: g.before})
		ids := add(t, q, three...)
		synctest.Wait()
		mustShow(t, q, "hf.co/a/one:Q8_0 running, hf.co/b/two:Q8_0 queued, hf.co/c/three:Q8_0 queued")
		must(t, q.Move(ids[2], 1))
		mustShow(t, q, "hf.co/a/one:Q8_0 running, hf.co/c/three:Q8_0 queued, hf.co/b/two:Q8_0 queued")
		must(t, q.Move(ids[0], 99))
		mustShow(t, q, "hf.co/c/three:Q8_0 queued, hf.co/b/two:Q8_0 queued, hf.co/a/one:Q8_0 running")
		close(g.open)
		items := until(t, q, "end", all(Finished))
		if got, want := g.names(), "hf.co/a/one:Q8_0 hf.co/c/three:Q8_0 hf.co/b/two:Q8_0"; got != want {
			t.Errorf("they were pulled in the order %s\nwant %s", got, want)
		}
		for _, i := range items {
			if i.Done != 100_000 || i.Total != 100_000 || i.Plan == nil || i.Line() != "" {
				t.Errorf("an item that is done is %+v", i)
			}
		}
		must(t, q.Clear())
		mustShow(t, q, "")
	})
}

func TestQueueAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{AtOnce: 2, Before: g.before})
		add(t, q, three...)
		synctest.Wait()
		mustShow(t, q, "hf.co/a/one:Q8_0 running, hf.co/b/two:Q8_0 running, hf.co/c/three:Q8_0 queued")
		q.SetAtOnce(3)
		synctest.Wait()
		mustShow(t, q, "hf.co/a/one:Q8_0 running, hf.co/b/two:Q8_0 running, hf.co/c/three:Q8_0 running")
		close(g.open)
		until(t, q, "end", all(Finished))
	})
}

// One that is paused lets the next go first, and loses nothing.
func TestQueuePauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newHub(t)
		s.Repository("b/two").Commit(firstCommit, content(11, 100_000).At("Model-Q8_0.gguf"))
		d := open(t, s, disktest.NewMemory(), nil)
		second := func(c *faultserver.Call) bool { return strings.Contains(c.Name, "00002-of") }
		s.Script(faultserver.Rule{Role: faultserver.Store, When: second, Act: faultserver.Stall(0)})
		q := newQueue(t, d, QueueOptions{})
		ids := add(t, q, name, three[1])
		until(t, q, "second file", func(items []Item) bool { return items[0].Part == 2 && items[0].State == Fetching })
		must(t, q.Pause(ids[0]))
		items := until(t, q, "turn of the second", func(items []Item) bool { return items[1].Status == Finished })
		if it := items[0]; it.Status != Paused || it.Done < 300_000 || it.Total != 550_001 || it.Rate != 0 || it.Trouble != "" || it.Line() != "" {
			t.Errorf("the paused item is %+v", it)
		}
		s.Forget()
		s.Clear()
		must(t, q.Resume(ids[0]))
		must(t, q.Pause(ids[1])) // it is finished, and stays so
		until(t, q, "end", all(Finished))
		if s.Sent() > 250_001 {
			t.Errorf("%d bytes were sent after the pause, want only the rest", s.Sent())
		}
		files := sharded()
		mustBe(t, d, name, files[0], files[1], files[3])
	})
}

// A pull that is resumed before its pause has come through goes on all the same.
func TestQueueResumeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{})
		ids := add(t, q, three[0])
		for range 20 {
			must(t, q.Pause(ids[0]))
			must(t, q.Resume(ids[0]))
		}
		until(t, q, "end", all(Finished))
	})
}

func TestQueuePauseAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{AtOnce: 2, Before: g.before})
		add(t, q, three...)
		synctest.Wait()
		must(t, q.PauseAll())
		close(g.open)
		synctest.Wait()
		mustShow(t, q, "hf.co/a/one:Q8_0 paused, hf.co/b/two:Q8_0 paused, hf.co/c/three:Q8_0 paused")
		if strings.Contains(g.names(), "three") {
			t.Error("the third got a turn while all were being paused")
		}
		must(t, q.ResumeAll())
		until(t, q, "end", all(Finished))
	})
}

// What an earlier process left is there again, paused, in its order.
func TestQueueSurvives(t *testing.T) {
	s, _ := newHub(t)
	for _, n := range three {
		s.Repository(strings.TrimSuffix(n, ":Q8_0")).Commit(firstCommit, content(10, 100_000).At("Model-Q8_0.gguf"))
	}
	root := openRoot(t)
	d := open(t, s, root, nil)
	stopInSecondFile(t, d) // begun by a command, so in no queue
	g := &gate{open: make(chan struct{})}
	q, err := d.NewQueue(QueueOptions{Before: g.before})
	must(t, err)
	ids := add(t, q, three...)
	must(t, q.Move(ids[2], 0))
	must(t, q.Cancel(ids[1]))
	close(g.open)
	must(t, q.Close())
	if err := q.Pause(ids[0]); !errors.Is(err, ErrQueueClosed) {
		t.Errorf("Pause of a closed queue = %v", err)
	}
	if _, err := q.Add(three[0]); !errors.Is(err, ErrQueueClosed) {
		t.Errorf("Add to a closed queue = %v", err)
	}

	q = newQueue(t, open(t, s, root, nil), QueueOptions{})
	items := q.Snapshot()
	var names []string
	for _, i := range items {
		if i.Status == Finished || i.Name == "hf.co/b/two:Q8_0" {
			t.Errorf("%s is %s in the new queue", i.Name, i.Status)
		}
		names = append(names, i.Name)
	}
	at := slices.Index(names, stored1)
	if at < 0 || items[at].Status != Paused || items[at].Done < 300_000 || items[at].Total != 550_001 || items[at].Process != 0 {
		t.Fatalf("the begun model is not among %+v", items)
	}
	if c := slices.Index(names, "hf.co/c/three:Q8_0"); c < 0 || c > at {
		t.Errorf("the order is %q", names)
	}
	// And it can go, with what came of it.
	r, err := q.Discard(t.Context(), items[at].ID)
	if err != nil || r.Freed < 300_000 {
		t.Errorf("Discard = %+v, %v", r, err)
	}
	if u, err := q.d.List(); err != nil || slices.ContainsFunc(u.Models, func(m ModelUsage) bool { return m.Name == stored1 }) {
		t.Errorf("List = %+v, %v", u, err)
	}
}

// A queue file that makes no sense is as none.
func TestQueueFileBroken(t *testing.T) {
	for _, data := range []string{"", "{", `{"version":2,"names":["a/one:Q8_0"]}`, `{"version":1,"names":["::::"]}`, strings.Repeat("x", maxQueueFile+1)} {
		root := openRoot(t)
		must(t, disk.Replace(root, queueFile, []byte(data)))
		q := newQueue(t, open(t, threeModels(t), root, nil), QueueOptions{})
		mustShow(t, q, "")
		add(t, q, three[0])
		until(t, q, "end", all(Finished))
	}
}

// Discarding an update keeps the version that is here.
func TestQueueDiscardKeepsTheOldVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := newHub(t)
		d := open(t, s, disktest.NewMemory(), nil)
		mustPull(t, d, name)
		r.Commit(secondCommit, content(7, 300_000).At("Scout-Q4_K_M.gguf"))
		s.Script(faultserver.Rule{Role: faultserver.Store, Act: faultserver.Stall(100_000)})
		q := newQueue(t, d, QueueOptions{})
		ids := add(t, q, name)
		until(t, q, "bytes", func(items []Item) bool { return items[0].State == Fetching && items[0].Received > 0 })
		if _, err := q.Discard(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
		u, err := d.List()
		if err != nil || len(u.Models) != 1 || !u.Models[0].Complete || len(u.Unused) != 0 {
			t.Errorf("List = %+v, %v", u, err)
		}
		files := sharded()
		mustBe(t, d, name, files[0], files[1], files[3])
		if _, err := q.Discard(t.Context(), ids[0]); !errors.As(err, new(*NoItemError)) {
			t.Errorf("Discard of what is not there = %v", err)
		}
	})
}

// One that needs an answer waits for it, one that fails says why, and neither
// keeps the others.
func TestQueueHeldAndFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		agreed := false
		before := func(p Plan) error {
			mu.Lock()
			defer mu.Unlock()
			if p.Name == "hf.co/a/one:Q8_0" && !agreed {
				return &HeldError{Why: "its licence wants an answer"}
			}
			return nil
		}
		q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{Before: before})
		ids := add(t, q, three[0], "nobody/nothing:Q8_0", three[1])
		items := until(t, q, "end", func(items []Item) bool { return items[2].Status == Finished })
		if items[0].Status != Held || items[0].Line() != "its licence wants an answer" || items[0].Plan == nil {
			t.Errorf("the held item is %+v", items[0])
		}
		if items[1].Status != Failed || !strings.Contains(items[1].Line(), "there is no repository nobody/nothing") {
			t.Errorf("the failed item is %+v", items[1])
		}
		mu.Lock()
		agreed = true
		mu.Unlock()
		must(t, q.Resume(ids[0]))
		until(t, q, "end", func(items []Item) bool { return items[0].Status == Finished && items[0].Err == nil })
	})
}

// One that is paused and then fails stays paused: what it failed of may be over
// when it is resumed.
func TestQueueFailureAfterPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		before := func(p Plan) error { _ = g.before(p); return errors.New("too late") }
		q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{Before: before})
		ids := add(t, q, three[0])
		synctest.Wait()
		must(t, q.Pause(ids[0]))
		close(g.open)
		synctest.Wait()
		if items := q.Snapshot(); items[0].Status != Paused || items[0].Err != nil {
			t.Errorf("the item is %+v", items[0])
		}
	})
}

// A model that is whole is not removed with its item.
func TestQueueDiscardOfWholeModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, threeModels(t), disktest.NewMemory(), nil)
		mustPull(t, d, three[0])
		g := &gate{open: make(chan struct{})}
		q := newQueue(t, d, QueueOptions{Before: g.before})
		ids := add(t, q, three[0])
		synctest.Wait()
		go func() { time.Sleep(time.Second); close(g.open) }()
		if r, err := q.Discard(t.Context(), ids[0]); err != nil || r.Freed != 0 {
			t.Errorf("Discard = %+v, %v", r, err)
		}
		if _, err := d.Path(three[0]); err != nil {
			t.Error(err)
		}
	})
}

// What is finished is not in the next queue.
func TestQueueForgetsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, threeModels(t), disktest.NewMemory(), nil)
		q := newQueue(t, d, QueueOptions{})
		add(t, q, three[0])
		until(t, q, "end", all(Finished))
		must(t, q.Close())
		mustShow(t, newQueue(t, d, QueueOptions{}), "")
	})
}

func TestQueueNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{Before: g.before})
		if _, err := q.Add("no name at all"); err == nil {
			t.Error("a name of nothing was added")
		}
		ids := add(t, q, three[0], "hf.co/"+three[0], three[1])
		if ids[0] != ids[1] || ids[1] == ids[2] {
			t.Errorf("the items are %v", ids)
		}
		if err := q.Pause(99); !errors.As(err, new(*NoItemError)) {
			t.Errorf("Pause(99) = %v", err)
		}
		close(g.open)
		until(t, q, "end", all(Finished))
		again := add(t, q, three[0])
		if again[0] == ids[0] {
			t.Error("an item that was finished was used again")
		}
		until(t, q, "end", all(Finished))
		if len(q.Snapshot()) != 2 {
			t.Errorf("the queue is %+v", q.Snapshot())
		}
	})
}

// Changes that nobody read are one.
func TestQueueChangesCoalesce(t *testing.T) {
	q := newQueue(t, open(t, threeModels(t), disktest.NewMemory(), nil), QueueOptions{})
	for range 100 {
		must(t, q.PauseAll())
	}
	<-q.Changed()
	select {
	case <-q.Changed():
		t.Error("there were two changes to read")
	default:
	}
}

// The rate is that of all pulls together, and can be changed on the way.
func TestQueueSharesItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faultserver.New(t)
		for i, repo := range []string{"a/one", "b/two"} {
			s.Repository(repo).Commit(firstCommit, content(uint64(i), 4<<20).At("Model-Q8_0.gguf"))
		}
		q := newQueue(t, open(t, s, disktest.NewMemory(), nil), QueueOptions{AtOnce: 2, Pull: Options{Limit: 1 << 20}})
		began := time.Now()
		add(t, q, three[:2]...)
		until(t, q, "end", all(Finished))
		if took := time.Since(began); took < 6*time.Second || took > 10*time.Second {
			t.Errorf("8 MiB at 1 MiB/s took %s", took)
		}
		q.SetLimit(0)
		must(t, q.Clear())
		began = time.Now()
		s.Repository("d/four").Commit(firstCommit, content(9, 8<<20).At("Model-Q8_0.gguf"))
		add(t, q, "d/four:Q8_0")
		until(t, q, "end", all(Finished))
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("8 MiB without a limit took %s", took)
		}
	})
}

// Another process at a model is seen, and so is what it has begun.
func TestQueueRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newHub(t)
		memory := disktest.NewMemory()
		q := newQueue(t, open(t, s, memory, nil), QueueOptions{})
		second := func(c *faultserver.Call) bool { return strings.Contains(c.Name, "00002-of") }
		s.Script(faultserver.Rule{Role: faultserver.Store, When: second, Act: faultserver.Stall(0)})
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan struct{})
		at := make(chan struct{}, 1)
		go func() {
			defer close(over)
			_, _ = open(t, s, memory, nil).Pull(ctx, name, Options{Each: func(p Progress) {
				if p.Part == 2 && p.State == Fetching {
					select {
					case at <- struct{}{}:
					default:
					}
				}
			}})
		}()
		<-at
		must(t, q.Refresh())
		items := q.Snapshot()
		if len(items) != 1 || items[0].Status != Paused || items[0].Process != os.Getpid() || !strings.Contains(items[0].Line(), "is downloading it") || items[0].Done < 300_000 {
			t.Errorf("the queue is %+v", items)
		}
		if _, err := q.Discard(ctx, items[0].ID); err == nil {
			t.Error("what another process is at was removed")
		}
		stop()
		<-over
		must(t, q.Refresh())
		if items := q.Snapshot(); len(items) != 1 || items[0].Process != 0 || items[0].Line() != "" {
			t.Errorf("the queue is %+v", items)
		}
	})
}

// A disk that cannot keep the queue is said, and the change is made.
func TestQueueOnFailingDisk(t *testing.T) {
	memory := disktest.NewMemory()
	faulty := disktest.NewFaulty(memory, func(_ disktest.Op, name string) error {
		if strings.HasPrefix(name, queueFile) {
			return syscall.ENOSPC
		}
		return nil
	})
	d := open(t, threeModels(t), faulty, nil)
	q, err := d.NewQueue(QueueOptions{})
	must(t, err)
	id, err := q.Add(three[0])
	if !errors.Is(err, syscall.ENOSPC) || id == 0 {
		t.Errorf("Add = %d, %v", id, err)
	}
	until(t, q, "end", all(Finished))
	faulty.SetFail(nil)
	must(t, q.Close())
}
