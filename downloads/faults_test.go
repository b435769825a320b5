package downloads

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
	"scout/downloads/transfer"
)

// The tests here are those cases of docs/downloads-faults.md that concern a
// whole pull; TestFaultTable checks that each case has a test.

// Storages answer HEAD with lies, with 405, or without the redirect that a GET
// gets: it is not used, at the hub neither.
func TestHeadIsNotUsed(t *testing.T) { // 29
	s, _ := newHub(t)
	isHead := func(c *faultserver.Call) bool { return c.HTTP.Method == http.MethodHead }
	for _, role := range []faultserver.Role{faultserver.Hub, faultserver.Store} {
		s.Script(faultserver.Rule{Role: role, When: isHead, Act: faultserver.Status(405, "")})
	}
	d := open(t, s, openRoot(t), nil)
	mustPull(t, d, name)
	for _, role := range []faultserver.Role{faultserver.Hub, faultserver.Store} {
		for _, r := range s.Requests(role) {
			if r.Method != http.MethodGet {
				t.Errorf("%s %s was asked", r.Method, r.Path)
			}
		}
	}
}

// Who looks at the progress may take for ever: the bytes do not wait.
func TestSlowProgress(t *testing.T) { // 41
	synctest.Test(t, func(t *testing.T) {
		s, _ := newHub(t)
		d := open(t, s, disktest.NewMemory(), nil)
		s.Script(faultserver.Rule{Role: faultserver.Store, Act: faultserver.Trickle(32 << 10)})
		began, slept := time.Now(), false
		var late Progress
		_, err := pull(t, d, name, Options{Each: func(p Progress) {
			if slept && late.Done == 0 {
				late = p
			}
			if p.Part == 1 && p.State == Fetching && p.Received > 0 && !slept {
				slept = true
				time.Sleep(time.Hour)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if !slept || late.Done < 300_000 {
			t.Errorf("after the hour %+v is shown, want the first file whole", late)
		}
		if took := time.Since(began); took > time.Hour+time.Minute {
			t.Errorf("it took %v", took)
		}
		files := sharded()
		mustBe(t, d, name, files[0], files[1], files[3])
	})
}

// Progress that panics is its owner's mistake and reaches its owner; the store
// is none the worse for it.
func TestPanickingProgress(t *testing.T) { // 41
	s, _ := newHub(t)
	root := openRoot(t)
	var got any
	func() {
		defer func() { got = recover() }()
		_, _ = open(t, s, root, nil).Pull(t.Context(), name, Options{Each: func(p Progress) {
			if p.State == Checking || p.State == Fetching {
				panic("a mistake")
			}
		}})
	}()
	if got != "a mistake" {
		t.Errorf("recovered %v, want what was thrown", got)
	}
	d := open(t, s, root, nil)
	mustPull(t, d, name)
	files := sharded()
	mustBe(t, d, name, files[0], files[1], files[3])
	if s.Sent() > 560_000 {
		t.Errorf("%d bytes were sent of 550001", s.Sent())
	}
}

// A model that another pull is at is not removed under it.
func TestRemoveWhilePulled(t *testing.T) { // 34
	synctest.Test(t, func(t *testing.T) {
		s, _ := newHub(t)
		memory := disktest.NewMemory()
		d := open(t, s, memory, nil)
		s.Script(faultserver.Rule{Role: faultserver.Store, Act: faultserver.Trickle(8 << 10)})
		over := make(chan error)
		go func() {
			_, err := d.Pull(t.Context(), name, Options{})
			over <- err
		}()
		time.Sleep(2 * time.Second)
		_, err := open(t, s, memory, nil).Remove(name)
		if !errors.As(err, new(*transfer.BusyError)) {
			t.Errorf("Remove = %v, want a BusyError", err)
		}
		mustSay(t, err, "is being downloaded by process")
		if err := <-over; err != nil {
			t.Fatal(err)
		}
		files := sharded()
		mustBe(t, d, name, files[0], files[1], files[3])
	})
}

// A repository of very many files is read page by page.
func TestVeryManyFiles(t *testing.T) { // 37
	if testing.Short() {
		t.Skip("100,000 files take long with the race detector")
	}
	s := faultserver.New(t)
	r := s.Repository(repository)
	r.PerPage = 1000
	files := make([]faultserver.Published, 100_000-1) // and one: as many as are taken
	for i := range files {
		files[i] = faultserver.Published{Path: fmt.Sprintf("checkpoint/%06d.bin", i), Size: 1, SHA256: strings.Repeat("a", 64)}
	}
	wanted := content(5, 70_000).At("Scout-Q4_K_M.gguf")
	r.Commit(firstCommit, append(files, wanted)...)
	d := open(t, s, openRoot(t), nil)
	mustPull(t, d, name)
	mustBe(t, d, name, wanted)
	if n := len(s.Requests(faultserver.Hub)); n < 100 || n > 110 {
		t.Errorf("the hub was asked %d times, want once a page and a little", n)
	}
	r.Commit(secondCommit, append(files, wanted, wanted)...)
	_, err := d.Look(t.Context(), name, Options{})
	mustSay(t, err, "bad listing from", "has more than 100000 files")
}

// A file of a repository that is empty, or one byte, or a piece, is a file.
func TestSmallFiles(t *testing.T) { // 42
	for _, size := range []int64{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := faultserver.New(t)
			tower := content(9, size).At("mmproj-F16.gguf")
			weights := content(8, 1000).At("Scout-Q4_K_M.gguf")
			s.Repository(repository).Commit(firstCommit, weights, tower)
			d := open(t, s, openRoot(t), nil)
			mustPull(t, d, name)
			mustBe(t, d, name, weights, tower)
			if s.Sent() != 1000+size {
				t.Errorf("%d bytes were sent of %d", s.Sent(), 1000+size)
			}
		})
	}
}
