package downloads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
	"scout/downloads/hub"
)

const (
	firstCommit  = "1111111111111111111111111111111111111111"
	secondCommit = "2222222222222222222222222222222222222222"
	repository   = "someone/Scout-GGUF"
	name         = "someone/Scout-GGUF:Q4_K_M"
	stored1      = "hf.co/someone/Scout-GGUF:Q4_K_M"
)

// content is a file of the test hub.
func content(seed uint64, size int64) faultserver.Content {
	return faultserver.Content{Seed: seed, Size: size}
}

// sharded are the files of a repository with a split set, a single file and a
// vision tower.
func sharded() []faultserver.Published {
	return []faultserver.Published{
		content(1, 300_000).At("Q4_K_M/Scout-Q4_K_M-00001-of-00002.gguf"),
		content(2, 200_001).At("Q4_K_M/Scout-Q4_K_M-00002-of-00002.gguf"),
		content(3, 400_000).At("Scout-Q8_0.gguf"),
		content(4, 50_000).At("mmproj-F16.gguf"),
	}
}

// newHub is a server with a repository.
func newHub(t *testing.T) (*faultserver.Server, *faultserver.Repository) {
	t.Helper()
	s := faultserver.New(t)
	r := s.Repository(repository)
	r.Commit(firstCommit, sharded()...)
	return s, r
}

// open opens a store that knows only that server.
func open(t *testing.T, s *faultserver.Server, fsys disk.FS, env map[string]string) *Downloads {
	t.Helper()
	d, err := Open(Config{
		FS: fsys, Client: s.Client(t), Home: "/nowhere", Registry: s.Hub,
		Environment: func(name string) string {
			if v, ok := env[name]; ok {
				return v
			}
			if name == "HF_ENDPOINT" {
				return s.Hub
			}
			return ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func openRoot(t testing.TB) *disk.Root {
	t.Helper()
	root, err := disk.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// pull pulls, and fails the test if progress falls or does not add up.
func pull(t *testing.T, d *Downloads, name string, o Options) (Result, error) {
	t.Helper()
	var last Progress
	each := o.Each
	o.Each = func(p Progress) {
		if p.Done < last.Done || p.Done > p.Total {
			t.Errorf("progress went from %d to %d of %d", last.Done, p.Done, p.Total)
		}
		last = p
		if each != nil {
			each(p)
		}
	}
	r, err := d.Pull(t.Context(), name, o)
	if err == nil && (last.State != Done || last.Done != last.Total || last.Total != r.Size()) {
		t.Errorf("the last progress is %+v of a model of %d bytes", last, r.Size())
	}
	return r, err
}

func mustPull(t *testing.T, d *Downloads, name string) Result {
	t.Helper()
	r, err := pull(t, d, name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mustBe expects a model's files to be what was published, under the names by
// which they find each other.
func mustBe(t *testing.T, d *Downloads, name string, want ...faultserver.Published) {
	t.Helper()
	c, err := d.Verify(t.Context(), name, nil)
	if err != nil || !c.Right() {
		t.Errorf("Verify = %+v, %v, want all right", c, err)
	}
	if len(c.Files) != len(want) {
		t.Fatalf("%s has %d files, want %d", name, len(c.Files), len(want))
	}
	for i, f := range c.Files {
		if f.SHA256 != want[i].SHA256 || f.Size != want[i].Size {
			t.Errorf("file %d is %s, want %s", i+1, f.Name, want[i].Path)
		}
	}
}

func mustSay(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q, want it to say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
		t.Errorf("error %q is more than a few lines on a screen", err)
	}
}

func TestPullSharded(t *testing.T) {
	s, r := newHub(t)
	r.PerPage = 1 // every file on a page of its own
	root := openRoot(t)
	d := open(t, s, root, nil)
	var plan Plan
	planned, err := d.Plan(t.Context(), name, Options{})
	if u, listErr := d.List(); err != nil || planned.Fetch() != 550_001 || listErr != nil || len(u.Models) != 0 || s.Sent() != 0 {
		t.Errorf("Plan = %+v, %v; the store has %+v, %v", planned, err, u, listErr)
	}
	got, err := pull(t, d, name, Options{Before: func(p Plan) error { plan = p; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	files := sharded()
	want := []faultserver.Published{files[0], files[1], files[3]}
	mustBe(t, d, stored1, want...)
	if plan.Name != stored1 || plan.Size != 550_001 || plan.Fetch() != 550_001 || plan.Files != 3 || !plan.Tower || plan.Already || len(plan.Others) != 2 || plan.Revision != firstCommit {
		t.Errorf("the plan is %+v", plan)
	}
	if got.Received < 550_001 || got.Already {
		t.Errorf("the result is %+v", got)
	}
	m, err := d.Path("someone/scout-gguf") // the only one of its repository, whatever its letters' case
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(m.Weights) != "model-00001-of-00002.gguf" || filepath.Base(m.Projector) != "mmproj.gguf" {
		t.Errorf("the paths are %s and %s", m.Weights, m.Projector)
	}
	for _, other := range []string{"someone/Other-GGUF", "someone/Scout-GGUF:Q5_K_M", "someone/Scout-GGUF@v2", "scout:latest", "..", ""} {
		if _, err := d.Path(other); !errors.Is(err, ErrNoModel) {
			t.Errorf("Path(%q) = %v, want ErrNoModel", other, err)
		}
	}
	data, err := os.ReadFile(m.Weights)
	bytes := make([]byte, 300_000)
	_, _ = content(1, 300_000).ReadAt(bytes, 0)
	if err != nil || !slices.Equal(data, bytes) {
		t.Errorf("%s is not the file of the hub: %v", m.Weights, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(m.Weights), "model-00002-of-00002.gguf")); err != nil {
		t.Error(err)
	}
	// Again: nothing is fetched.
	s.Forget()
	again, err := pull(t, d, name, Options{})
	if err != nil || !again.Already || again.Received != 0 || s.Sent() != 0 {
		t.Errorf("again: %+v, %v, %d bytes were sent", again, err, s.Sent())
	}
}

// A stopped pull goes on at its commit, even if the hub has another by then:
// without asking, or where a shorter name has to be looked up, all the same.
func TestStoppedPullGoesOn(t *testing.T) {
	for _, again := range []string{name, repository} {
		t.Run(again, func(t *testing.T) {
			s, r := newHub(t)
			d := open(t, s, openRoot(t), nil)
			stopInSecondFile(t, d)
			r.Commit(secondCommit, content(9, 1000).At("Scout-Q4_K_M.gguf"))
			s.Forget()
			var plan Plan
			if _, err := pull(t, d, again, Options{Before: func(p Plan) error { plan = p; return nil }}); err != nil {
				t.Fatal(err)
			}
			if !plan.Resumed || plan.Here < 300_000 {
				t.Errorf("the plan is %+v", plan)
			}
			if s.Sent() > 250_001 {
				t.Errorf("%d bytes were sent, want only the rest", s.Sent())
			}
			for _, q := range s.Requests(faultserver.Hub) {
				if again == name && strings.HasPrefix(q.Path, "/api/") {
					t.Errorf("the hub was asked for %s, which is known", q.Path)
				}
			}
			files := sharded()
			mustBe(t, d, name, files[0], files[1], files[3])
		})
	}
}

// stopInSecondFile stops a pull in its second file, and expects that to be seen.
func stopInSecondFile(t *testing.T, d *Downloads) {
	t.Helper()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := d.Pull(ctx, name, Options{Each: func(p Progress) {
		if p.Part == 2 {
			cancel(stop)
		}
	}})
	if !errors.Is(err, stop) {
		t.Fatalf("error %v, want the cause", err)
	}
	var partial *IncompleteError
	if _, err := d.Path(name); !errors.As(err, &partial) || partial.Have < 300_000 {
		t.Errorf("Path = %v, want one that says how much is here", err)
	}
	u, err := d.List()
	if err != nil || len(u.Models) != 1 || u.Models[0].Complete || u.Models[0].Have < 300_000 || len(u.Unused) != 0 {
		t.Errorf("List = %+v, %v", u, err)
	}
}

// What was begun is gone from the hub: what is there now is pulled.
func TestRewrittenHistory(t *testing.T) {
	s, r := newHub(t)
	d := open(t, s, openRoot(t), nil)
	stopInSecondFile(t, d)
	r.Commit(secondCommit, sharded()...)
	r.Forget(firstCommit)
	s.Forget()
	mustPull(t, d, name)
	if s.Sent() > 250_001 {
		t.Errorf("%d bytes were sent: the first part was here", s.Sent())
	}
}

// A newer version takes the place of the older one when it is whole, not
// before; its files are not left over.
func TestUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the storage is asked for minutes before it is believed
		s, r := newHub(t)
		update(t, s, r)
	})
}

func update(t *testing.T, s *faultserver.Server, r *faultserver.Repository) {
	d := open(t, s, disktest.NewMemory(), nil)
	mustPull(t, d, name)
	newer := []faultserver.Published{content(7, 310_000).At("Scout-Q4_K_M.gguf"), content(4, 50_000).At("mmproj-F16.gguf")}
	r.Commit(secondCommit, newer...)
	s.Script(faultserver.Rule{Role: faultserver.Store, Act: faultserver.Status(404, "")})
	if _, err := d.Pull(t.Context(), name, Options{}); err == nil {
		t.Fatal("no error of a file that is not there")
	}
	files := sharded()
	mustBe(t, d, name, files[0], files[1], files[3]) // the older one still
	s.Clear()
	s.Forget()
	mustPull(t, d, name)
	mustBe(t, d, name, newer...)
	if s.Sent() != 310_000 {
		t.Errorf("%d bytes were sent, want the new weights alone", s.Sent())
	}
	u, err := d.List()
	if err != nil || len(u.Models) != 1 || len(u.Unused) != 0 {
		t.Errorf("List = %+v, %v, want nothing of the older version", u, err)
	}
}

func TestRemoveKeepsShared(t *testing.T) {
	s, _ := newHub(t)
	d := open(t, s, openRoot(t), nil)
	mustPull(t, d, name)
	mustPull(t, d, "someone/Scout-GGUF:q8_0")
	if _, err := d.Path("someone/Scout-GGUF"); err == nil {
		t.Error("a name of two models was taken for one")
	} else {
		mustSay(t, err, "name one of", ":Q4_K_M", ":Q8_0")
	}
	r, err := d.Remove(name)
	if err != nil || len(r.Kept) != 1 || r.Kept[0].File.Size != 50_000 || !slices.Equal(r.Kept[0].By, []string{"hf.co/someone/Scout-GGUF:Q8_0"}) || r.Freed < 500_001 {
		t.Errorf("Remove = %+v, %v, want the tower kept for the other model", r, err)
	}
	files := sharded()
	mustBe(t, d, "someone/Scout-GGUF", files[2], files[3])
	if _, err := d.Show(name); !errors.Is(err, ErrNoModel) {
		t.Errorf("Show = %v, want ErrNoModel", err)
	}
}

func TestRepairFetchesOnlyWhatIsDamaged(t *testing.T) {
	s, _ := newHub(t)
	root := openRoot(t)
	d := open(t, s, root, nil)
	got := mustPull(t, d, name)
	files := sharded()
	flip(t, got.Projector)
	if err := os.Truncate(got.Weights, 100); err != nil {
		t.Fatal(err)
	}
	c, err := d.Verify(t.Context(), name, nil)
	if err != nil || c.Right() || c.Files[0].Right || !c.Files[1].Right || c.Files[2].Right {
		t.Fatalf("Verify = %+v, %v", c, err)
	}
	s.Forget()
	c, err = d.Repair(t.Context(), c, Options{})
	if err != nil || !c.Repaired || c.Fetched == 0 || s.Sent() > 350_000 {
		t.Errorf("Repair = %+v, %v, %d bytes were sent", c, err, s.Sent())
	}
	mustBe(t, d, name, files[0], files[1], files[3])
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Stat()
	var b [1]byte
	if _, err := f.ReadAt(b[:], info.Size()/2); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// A blob that was cut behind the store's back is set right by a pull of a
// model that needs it.
func TestPullOfCutFile(t *testing.T) {
	s, _ := newHub(t)
	d := open(t, s, openRoot(t), nil)
	got := mustPull(t, d, name)
	if err := os.Truncate(got.Projector, 10); err != nil {
		t.Fatal(err)
	}
	s.Forget()
	mustPull(t, d, "someone/Scout-GGUF:Q8_0")
	files := sharded()
	mustBe(t, d, "someone/Scout-GGUF:Q8_0", files[2], files[3])
	mustBe(t, d, name, files[0], files[1], files[3])
}

// fullDisk has little room.
type fullDisk struct {
	disk.FS
	free int64
}

func (f fullDisk) Free() (int64, error) { return f.free, nil }

func TestFullDiskIsSeenBeforeTheFirstByte(t *testing.T) {
	s, _ := newHub(t)
	d := open(t, s, fullDisk{disktest.NewMemory(), 1_000_000}, nil)
	_, err := d.Pull(t.Context(), name, Options{})
	var space *disk.SpaceError
	if !errors.As(err, &space) || space.Need != 1_100_002 || space.Free != 1_000_000 {
		t.Fatalf("error %v, want one of space", err)
	}
	mustSay(t, err, "needs 1.1 MB and 1.0 MB are free", "free 100.0 kB there or choose another folder")
	if s.Sent() != 0 {
		t.Errorf("%d bytes were sent", s.Sent())
	}
	if u, _ := d.List(); len(u.Models) != 0 {
		t.Errorf("a model was noted: %+v", u.Models)
	}
}

// What a stopped pull has reserved is not asked for a second time.
func TestReservedSpaceCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newHub(t)
		memory := disktest.NewMemory()
		s.Script(faultserver.Rule{Role: faultserver.Store, Act: faultserver.Trickle(1 << 10), When: func(c *faultserver.Call) bool {
			return strings.Contains(c.Name, "00002-of")
		}})
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := open(t, s, memory, nil).Pull(ctx, name, Options{Each: func(p Progress) {
			if p.Part == 2 && p.State == Fetching {
				cancel(stop)
			}
		}})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		s.Clear()
		// The tower and as much again: nothing for the second part.
		mustPull(t, open(t, s, fullDisk{memory, 110_000}, nil), name)
	})
}

// Whatever write fails, the pull says so and the next one ends it.
func TestEveryFailingWrite(t *testing.T) {
	for n := 1; ; n++ {
		s, _ := newHub(t)
		memory := disktest.NewMemory()
		faulty := disktest.NewFaulty(memory, disktest.Nth(n, false, syscall.ENOSPC))
		_, err := open(t, s, faulty, nil).Pull(t.Context(), name, Options{})
		failed := err != nil
		if failed && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("operation %d: %v", n, err)
		}
		d := open(t, s, memory, nil)
		if _, err := d.Pull(t.Context(), name, Options{}); err != nil {
			t.Errorf("after operation %d failed: %v", n, err)
			continue
		}
		files := sharded()
		mustBe(t, d, name, files[0], files[1], files[3])
		s.Close()
		if n > faulty.Count() {
			if n < 20 {
				t.Errorf("only %d operations: the fault is not where the writes are", n)
			}
			return
		}
	}
}

func TestWrongBytes(t *testing.T) {
	s, _ := newHub(t)
	d := open(t, s, openRoot(t), nil)
	s.Script(faultserver.Rule{Role: faultserver.Store, When: func(c *faultserver.Call) bool {
		return strings.Contains(c.Name, "00002-of")
	}, Act: faultserver.Flip(1000)})
	_, err := pull(t, d, name, Options{})
	mustSay(t, err, "file 2 of 3", "Scout-Q4_K_M-00002-of-00002.gguf")
	if _, err := d.Path(name); err == nil {
		t.Error("a model with wrong bytes can be opened")
	}
	s.Clear()
	mustPull(t, d, name)
}

// One part that the hub does not have does not keep the others from coming.
func TestMissingPart(t *testing.T) {
	s, _ := newHub(t)
	d := open(t, s, openRoot(t), nil)
	s.Script(faultserver.Rule{Role: faultserver.Hub, When: func(c *faultserver.Call) bool {
		return strings.Contains(c.HTTP.URL.Path, "resolve") && strings.Contains(c.HTTP.URL.Path, "00001-of")
	}, Act: faultserver.Status(404, "", "X-Error-Code: EntryNotFound")})
	_, err := d.Pull(t.Context(), name, Options{})
	mustSay(t, err, "file 1 of 3", "there is no file Q4_K_M/Scout-Q4_K_M-00001-of-00002.gguf in "+repository)
	u, _ := d.List()
	if len(u.Models) != 1 || u.Models[0].Have != 250_001 {
		t.Errorf("List = %+v, want the other files here", u.Models)
	}
}

func TestGated(t *testing.T) {
	s, r := newHub(t)
	r.Gated = true
	d := open(t, s, openRoot(t), nil)
	_, err := d.Pull(t.Context(), "someone/Scout-GGUF:Q8_0", Options{})
	mustSay(t, err, "needs you to accept its licence", "https://huggingface.co/"+repository, "HF_TOKEN")
}

// The token goes to the hub, and to nobody that it sends us on to.
func TestTokenStaysAtTheHub(t *testing.T) {
	const secret = "hf_abcdefghijklmnopqrstuvwxyz0123456789"
	s, _ := newHub(t)
	var sentences []string
	d := open(t, s, openRoot(t), map[string]string{"HF_TOKEN": secret, "SCOUT_TRUST_MIRROR": "1"})
	_, err := d.Pull(t.Context(), name, Options{Each: func(p Progress) {
		sentences = append(sentences, fmt.Sprintf("%+v", p))
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests(faultserver.Hub) {
		if r.Authorization != "Bearer "+secret {
			t.Errorf("the hub was asked for %s with %q", r.Path, r.Authorization)
		}
	}
	for _, r := range s.Requests(faultserver.Store) {
		if r.Authorization != "" {
			t.Errorf("the storage was told the token")
		}
	}
	if strings.Contains(strings.Join(sentences, ""), secret) {
		t.Error("the token is in the progress")
	}
	// A mirror that nobody trusts is not told.
	s.Forget()
	d = open(t, s, openRoot(t), map[string]string{"HF_TOKEN": secret})
	var plan Plan
	if _, err := d.Pull(t.Context(), name, Options{Before: func(p Plan) error { plan = p; return nil }}); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests(faultserver.Hub) {
		if r.Authorization != "" {
			t.Error("a mirror was told the token")
		}
	}
	if !strings.Contains(strings.Join(plan.Warnings, "\n"), "the token is not shown to the mirror") {
		t.Errorf("warnings %q", plan.Warnings)
	}
}

// A hub that counts requests is waited for, and the seconds are counted down.
func TestRateLimitCountsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newHub(t)
		d := open(t, s, disktest.NewMemory(), nil)
		s.Script(faultserver.Rule{Role: faultserver.Hub, Times: 1, Act: faultserver.Status(429, "", `RateLimit: "api";r=0;t=55`)})
		began := time.Now()
		var said []string
		_, err := pull(t, d, name, Options{Each: func(p Progress) {
			if p.State == Waiting {
				said = append(said, p.Trouble)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited < 55*time.Second || waited > 70*time.Second {
			t.Errorf("it took %s, want 55 s and a little", waited)
		}
		if len(said) < 55 || !strings.HasSuffix(said[0], "asking again in 55 s") || !strings.HasSuffix(said[54], "in 1 s") || !strings.Contains(said[0], "HF_TOKEN") {
			t.Errorf("it said %q", said)
		}
	})
}

func TestNetworkComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newHub(t)
		d := open(t, s, disktest.NewMemory(), nil)
		away := time.Now().Add(5 * time.Minute)
		s.FailDial(func(string) error {
			if time.Now().Before(away) {
				return errors.New("no route to host")
			}
			return nil
		})
		if _, err := pull(t, d, name, Options{}); err != nil {
			t.Fatal(err)
		}
		if time.Now().Before(away) {
			t.Error("it came while the network was away")
		}
		// And whoever does not want to wait does not have to.
		s.FailDial(func(string) error { return errors.New("no route to host") })
		d = open(t, s, disktest.NewMemory(), nil) // without the open connection of before
		_, err := d.Pull(t.Context(), "someone/other", Options{GiveUp: time.Minute})
		mustSay(t, err, "cannot reach", "no route to host")
	})
}

// Two pulls of one model at once: each byte comes once.
func TestTwoAtOnce(t *testing.T) {
	s, _ := newHub(t)
	root := openRoot(t)
	results := make(chan error, 2)
	for range 2 {
		d := open(t, s, root, nil)
		go func() {
			_, err := d.Pull(t.Context(), name, Options{})
			results <- err
		}()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if s.Sent() != 550_001 {
		t.Errorf("%d bytes were sent, want 550001", s.Sent())
	}
	files := sharded()
	mustBe(t, open(t, s, root, nil), name, files[0], files[1], files[3])
}

// What Ollama has is used where it lies, once it has been read and found right.
func TestReuse(t *testing.T) {
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprint("broken ", broken), func(t *testing.T) {
			s, _ := newHub(t)
			models := t.TempDir()
			f := sharded()[2]
			path := filepath.Join(models, "blobs", "sha256-"+f.SHA256)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(io.NewSectionReader(f.Bytes, 0, f.Size))
			if err != nil {
				t.Fatal(err)
			}
			if broken {
				data[5]++
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			d := open(t, s, openRoot(t), map[string]string{"OLLAMA_MODELS": models})
			var plan Plan
			r, err := pull(t, d, "someone/Scout-GGUF:Q8_0", Options{Before: func(p Plan) error { plan = p; return nil }})
			if err != nil {
				t.Fatal(err)
			}
			if plan.Reusable != f.Size {
				t.Errorf("the plan is %+v", plan)
			}
			want := int64(50_000)
			if broken {
				want += f.Size
			}
			if (r.Weights == path) == broken || s.Sent() != want {
				t.Errorf("the weights are %s, and %d bytes were sent, want %d", r.Weights, s.Sent(), want)
			}
			mustBe(t, d, "someone/Scout-GGUF", f, sharded()[3])
			if r.Files[0].Name != f.Path { // by which it would be fetched, should it go
				t.Errorf("the file is noted as %s, want %s", r.Files[0].Name, f.Path)
			}
		})
	}
}

// Parts of a split set find each other by where they are: they are not taken
// from where another program has one of them.
func TestNoReuseOfParts(t *testing.T) {
	s, _ := newHub(t)
	models := t.TempDir()
	f := sharded()[0]
	data, err := io.ReadAll(io.NewSectionReader(f.Bytes, 0, f.Size))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(models, "blobs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(models, "blobs", "sha256-"+f.SHA256), data, 0o644); err != nil {
		t.Fatal(err)
	}
	d := open(t, s, openRoot(t), map[string]string{"OLLAMA_MODELS": models})
	mustPull(t, d, name)
	if s.Sent() != 550_001 {
		t.Errorf("%d bytes were sent, want all 550001", s.Sent())
	}
}

func TestOffline(t *testing.T) {
	s, _ := newHub(t)
	root := openRoot(t)
	mustPull(t, open(t, s, root, nil), name)
	s.Forget()
	d := open(t, s, root, map[string]string{"HF_HUB_OFFLINE": "1"})
	if r, err := d.Pull(t.Context(), name, Options{}); err != nil || !r.Already {
		t.Errorf("Pull = %+v, %v, want what is here", r, err)
	}
	_, err := d.Pull(t.Context(), "someone/else", Options{})
	mustSay(t, err, "HF_HUB_OFFLINE")
	if n := len(s.Requests(faultserver.Hub)); n != 0 {
		t.Errorf("the hub was asked %d times", n)
	}
}

// A model of the Ollama registry: weights and a vision tower as layers, bytes
// behind a redirect.
func TestPullFromRegistry(t *testing.T) {
	s := faultserver.New(t)
	weights, tower := content(21, 500_000), content(22, 60_000)
	layers := map[string]faultserver.Content{"model": weights, "projector": tower}
	s.Handle("/v2/library/llama4/manifests/scout", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "docker.distribution.manifest.v2+json") {
			t.Errorf("it accepts %q", r.Header.Get("Accept"))
		}
		var lines []string
		for _, kind := range []string{"model", "projector"} {
			lines = append(lines, fmt.Sprintf(`{"mediaType":"application/vnd.ollama.image.%s","digest":"sha256:%s","size":%d}`, kind, layers[kind].SHA256(), layers[kind].Size))
		}
		fmt.Fprintf(w, `{"schemaVersion":2,"layers":[%s]}`, strings.Join(lines, ","))
	})
	for _, c := range layers {
		s.Add(c.SHA256(), c)
		s.Handle("/v2/library/llama4/blobs/sha256:"+c.SHA256(), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", s.Store+"/blob/"+c.SHA256())
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
	}
	d := open(t, s, openRoot(t), map[string]string{"HF_TOKEN": "hf_abcdefghijklmnopqrstuvwxyz0123456789", "SCOUT_TRUST_MIRROR": "1"})
	d.hub = registryAt(t, s) // at another host than the hub, as it is
	r := mustPull(t, d, "llama4:scout")
	if r.Name != "llama4:scout" || filepath.Base(r.Weights) != "model.gguf" || filepath.Base(r.Projector) != "mmproj.gguf" || r.Source != "ollama.com/library/llama4" {
		t.Errorf("the model is %+v", r.Model)
	}
	mustBe(t, d, "ollama.com/library/llama4:scout", weights.At("model"), tower.At("projector"))
	for _, q := range append(s.Requests(faultserver.Hub), s.Requests(faultserver.Store)...) {
		if q.Authorization != "" {
			t.Error("the token of Hugging Face was told to the registry")
		}
	}
}

// registryAt is a client whose registry is the server, and whose hub is the
// official one, with a token.
func registryAt(t *testing.T, s *faultserver.Server) *hub.Client {
	t.Helper()
	c, err := hub.NewClient(s.Client(t), hub.Settings{Endpoint: "https://huggingface.co", Registry: s.Hub, Token: "hf_abcdefghijklmnopqrstuvwxyz0123456789"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAmbiguousName(t *testing.T) {
	s, _ := newHub(t)
	d := open(t, s, openRoot(t), nil)
	_, err := d.Pull(t.Context(), repository, Options{})
	var several *AmbiguousError
	if !errors.As(err, &several) || len(several.Choices) != 2 {
		t.Fatalf("error %v, want the choices", err)
	}
	_, err = d.Pull(t.Context(), repository+":Q4_K_S", Options{})
	mustSay(t, err, "has no Q4_K_S; did you mean Q4_K_M?")
}
