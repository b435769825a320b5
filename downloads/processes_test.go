package downloads

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"scout/downloads/faultserver"
	"scout/downloads/transfer"
	"scout/downloads/web"
)

// What a process that pulls is told, in its environment.
const (
	childStore = "SCOUT_TEST_STORE" // the folder; set only for children
	childHub   = "SCOUT_TEST_HUB"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(childStore); folder != "" {
		if err := child(folder, os.Getenv(childHub)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childPiece is the size of a child's pieces, which it saves a hundred times a
// second: else there would be little to kill.
const childPiece = 64 << 10

// child pulls the model into a folder, tells its progress in lines of JSON, and
// may be killed at any moment.
func child(folder, hub string) error {
	client, err := web.New(web.Options{Trusted: []string{"127.0.0.1"}, Environment: func(string) string { return "" }})
	if err != nil {
		return err
	}
	d, err := Open(Config{Dir: folder, Home: folder, Client: client, Environment: func(name string) string {
		return map[string]string{"HF_ENDPOINT": hub}[name]
	}})
	if err != nil {
		return err
	}
	defer d.Close()
	d.fetcher.Tune(childPiece, 10*time.Millisecond)
	lines := json.NewEncoder(os.Stdout)
	_, err = d.Pull(context.Background(), name, Options{Connections: 4, Each: func(p Progress) { _ = lines.Encode(p) }})
	return err
}

// process is a child that pulls.
type process struct {
	*exec.Cmd
	t     *testing.T
	lines *bufio.Scanner
	began time.Time
}

func startChild(t *testing.T, folder string, s *faultserver.Server) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0]), t: t, began: time.Now()}
	p.Env = append(os.Environ(), childStore+"="+folder, childHub+"="+s.Hub)
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// until reads progress up to one that is wanted, and fails the test if it falls.
func (p *process) until(want func(Progress) bool) Progress {
	p.t.Helper()
	var last Progress
	for p.lines.Scan() {
		var now Progress
		if err := json.Unmarshal(p.lines.Bytes(), &now); err != nil {
			break // cut by a kill
		}
		if now.Done < last.Done {
			p.t.Errorf("progress of process %d went from %d to %d", p.Process.Pid, last.Done, now.Done)
		}
		last = now
		if want(now) {
			return now
		}
	}
	return last
}

// toTheEnd reads the rest of a child's progress; whole tells that it ended
// with the model whole, and not with a kill.
func (p *process) toTheEnd() (last Progress, whole bool) {
	p.t.Helper()
	last = p.until(func(Progress) bool { return false })
	return last, p.Wait() == nil
}

// paced are the rates of the servers that children pull from: a few MB/s on
// each connection, in small steps.
func paced(bytesPerSecond int64) faultserver.Rule {
	const steps = 100
	return faultserver.Rule{Role: faultserver.Store, Act: func(c *faultserver.Call) {
		c.Pace(bytesPerSecond/steps, time.Second/steps)
	}}
}

// killedFiles are the model of the tests with processes.
func killedFiles(seed uint64) []faultserver.Published {
	return []faultserver.Published{
		content(seed, 1<<20+321).At("Scout-Q4_K_M-00001-of-00002.gguf"),
		content(seed+1, 2<<20+7).At("Scout-Q4_K_M-00002-of-00002.gguf"),
		content(seed+2, 3*childPiece).At("mmproj-F16.gguf"),
	}
}

// TestPullKilled kills pulling processes at random points of the time that one
// takes which is left alone, again and again, until each model is whole. With SCOUT_LONG set there are 2,000 kills.
func TestPullKilled(t *testing.T) {
	t.Parallel()
	s := faultserver.NewOnSockets(t)
	s.Script(paced(3_000_000))
	r := s.Repository(repository)
	random := rand.New(rand.NewPCG(8, 8))
	all, models, kills, most := newTally(), 0, 0, campaignLength(4, 2000)
	var lifetime time.Duration
	for ; kills < most; models++ {
		files := killedFiles(uint64(models) * 3)
		r.Commit(firstCommit, files...)
		if models%20 == 0 { // the machine may be slower by now
			p := startChild(t, t.TempDir(), s)
			if _, whole := p.toTheEnd(); !whole {
				t.Fatal("a pull that was left alone failed")
			}
			lifetime = time.Since(p.began)
			s.Forget()
		}
		root := openRoot(t)
		for whole := false; !whole; {
			had := keptOf(t, root, files)
			sent := len(s.Requests(faultserver.Store))
			p := startChild(t, root.Path("."), s)
			timer := time.AfterFunc(time.Duration(random.Int64N(int64(lifetime))), func() { _ = p.Process.Kill() })
			first := p.until(func(p Progress) bool { return p.State == Preparing })
			if first.State == Preparing && first.Done < had.bytes() {
				t.Errorf("a pull begins at %d bytes, the journals have %d", first.Done, had.bytes())
			}
			if _, whole = p.toTheEnd(); !whole {
				kills++
			}
			timer.Stop()
			s.Break() // and what a server still writes to nobody is not counted
			all.runs++
			all.count(t, had, s.Requests(faultserver.Store)[sent:])
			keptOf(t, root, files)
			if t.Failed() {
				t.Fatalf("after %d kills", kills)
			}
		}
		mustBe(t, open(t, s, root, nil), name, files...)
		for _, f := range files {
			all.size += f.Size
		}
		s.Forget()
	}
	t.Logf("%d kills, %d models: %v", kills, models, all)
}

// TestTwoProcesses pulls one model in two processes: one downloads, the other
// follows, takes over when the first is killed, and fetches nothing again.
func TestTwoProcesses(t *testing.T) { // 34
	t.Parallel()
	s := faultserver.NewOnSockets(t)
	files := killedFiles(1)
	s.Repository(repository).Commit(firstCommit, files...)
	s.Script(paced(100_000)) // 8 s in all, if nobody were killed
	root := openRoot(t)

	first := startChild(t, root.Path("."), s)
	first.until(func(p Progress) bool { return p.State == Fetching && p.Done > 4*childPiece })
	second := startChild(t, root.Path("."), s)
	follows := second.until(func(p Progress) bool { return p.State == Following && p.Done > 0 })
	if follows.Owner != first.Process.Pid || follows.Received != 0 {
		t.Fatalf("the second is at %+v, want it to follow process %d", follows, first.Process.Pid)
	}
	// Removing what another process works on is refused.
	f := transfer.NewFetcher(root, nil)
	if _, err := f.Remove(files[0].SHA256); err == nil {
		t.Error("what is being downloaded was removed")
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, whole := first.toTheEnd(); whole {
		t.Fatal("the first ended before it was killed")
	}
	had := keptOf(t, root, files)
	sent := len(s.Requests(faultserver.Store))
	s.Clear()
	said := false
	last := second.until(func(p Progress) bool {
		for _, n := range p.Notices {
			said = said || n == "the other process has stopped: going on in its place"
		}
		return false
	})
	if err := second.Wait(); err != nil || last.State != Done {
		t.Fatalf("the second ended at %+v, %v", last, err)
	}
	if !said {
		t.Error("the second did not say that it took over")
	}
	if had.bytes() == 0 {
		t.Error("the first had saved nothing: is this test looking?")
	}
	newTally().count(t, had, s.Requests(faultserver.Store)[sent:])
	mustBe(t, open(t, s, root, nil), name, files...)
}

// TestTwoProcessesToTheEnd lets both live: each byte comes once.
func TestTwoProcessesToTheEnd(t *testing.T) { // 34
	t.Parallel()
	s := faultserver.NewOnSockets(t)
	files := killedFiles(5)
	s.Repository(repository).Commit(firstCommit, files...)
	s.Script(paced(1_000_000))
	root := openRoot(t)
	var children []*process
	for range 2 {
		children = append(children, startChild(t, root.Path("."), s))
	}
	var received int64
	for _, c := range children {
		last, whole := c.toTheEnd()
		if !whole || last.State != Done {
			t.Fatalf("process %d ended at %+v", c.Process.Pid, last)
		}
		received += last.Received
	}
	var size int64
	for _, f := range files {
		size += f.Size
	}
	if received != size {
		t.Errorf("the two received %d bytes, want %d", received, size)
	}
	mustBe(t, open(t, s, root, nil), name, files...)
}
