package transfer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"scout/downloads/disk"
	"scout/downloads/faultserver"
	"scout/downloads/web"
)

func TestSecondFollowsAndTakesOver(t *testing.T) { // 34
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Trickle(8 << 10)}) // a minute in all
		ctx, cancel := contextWithCause(t)
		first := b.start(ctx, Options{})
		time.Sleep(10 * time.Second)
		second := b.start(t.Context(), Options{})
		time.Sleep(10 * time.Second)
		p := second.Progress()
		if p.Phase != Following || p.Owner != os.Getpid() || p.Received != 0 || p.Done == 0 {
			t.Errorf("the second is at %+v, want it to follow process %d", p, os.Getpid())
		}
		if q := first.Progress(); p.Done > q.Done {
			t.Errorf("the second shows %d bytes, the first %d", p.Done, q.Done)
		}
		if _, err := b.fetcher.Remove(b.blob.SHA256); !errors.As(err, new(*BusyError)) {
			t.Errorf("removing what is being downloaded: %v, want a BusyError", err)
		}
		cancel(nil)
		_ = first.Wait()
		had := b.journalled()
		sent := len(b.Requests(onStore))
		b.watch(second)
		if err := second.Wait(); err != nil {
			t.Fatal(err)
		}
		b.mustBeRight()
		b.notAgain(had, b.Requests(onStore)[sent:])
		mustSay(t, second, "the other process has stopped: going on in its place")
	})
}

func TestSecondOnlyFollows(t *testing.T) { // 34
	inBubble(t, manyPieces, func(t *testing.T, b *bench) {
		b.Script(rule{Role: onStore, Act: faultserver.Trickle(32 << 10)})
		first := b.start(t.Context(), Options{})
		time.Sleep(time.Second)
		second := b.start(t.Context(), Options{})
		b.watch(second)
		for _, tr := range []*Transfer{first, second} {
			if err := tr.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		b.mustBeRight()
		b.overhead(0)
		if p := second.Progress(); p.Received != 0 || p.Done != b.blob.Size {
			t.Errorf("the second ended at %+v", p)
		}
	})
}

// What a child process is told, in its environment.
const (
	childStore = "SCOUT_TEST_STORE" // the folder; set only for children
	childURL   = "SCOUT_TEST_URL"
	childSum   = "SCOUT_TEST_SHA256"
	childFast  = "SCOUT_TEST_FAST"
	childSize  = "SCOUT_TEST_SIZE"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(childStore); folder != "" {
		if err := child(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a process that fetches one file and may be killed at any moment.
func child(folder string) error {
	root, err := disk.OpenRoot(folder)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(os.Getenv(childSize), 10, 64)
	if err != nil {
		return err
	}
	client, err := web.New(web.Options{Trusted: []string{"127.0.0.1"}, Environment: func(string) string { return "" }})
	if err != nil {
		return err
	}
	f := NewFetcher(root, client)
	var o Options
	if os.Getenv(childFast) == "" { // else there would be nothing to kill
		f.pieceSize, f.saveEvery = testPiece, 10*time.Millisecond
		o.Limiter = rate.NewLimiter(16<<20, 64<<10)
	}
	source := &faultserver.Source{Client: client, URL: os.Getenv(childURL)}
	return f.Start(context.Background(), Blob{SHA256: os.Getenv(childSum), Size: size}, source, o).Wait()
}

// TestKill kills a downloading process at random moments, again and again.
// Each is killed some time after the server has seen it, so that how fast
// processes start on this machine is no matter.
func TestKill(t *testing.T) {
	const size = 4<<20 + 321
	s := faultserver.NewOnSockets(t)
	kills, files, most := 0, 0, schedules(8, 2000)
	random := rand.New(rand.NewPCG(4, 4))
	for ; kills < most; files++ {
		b := newBench(t, s, openRoot(t), size)
		for done := false; !done; {
			had := b.journalled()
			sent := len(s.Requests(onStore))
			done = b.runChild(time.Duration(random.IntN(150)) * time.Millisecond)
			if !done {
				kills++
			}
			mustJournalTheTruth(t, b)
			b.notAgain(had, s.Requests(onStore)[sent:])
			if t.Failed() {
				t.Fatalf("after %d kills", kills)
			}
		}
		b.mustHave(b.blob.Name(), b.content)
		s.Forget()
	}
	t.Logf("%d kills, %d files", kills, files)
}

// childCommand is a process that fetches a file.
func childCommand(folder, url string, blob Blob) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childStore+"="+folder, childURL+"="+url,
		childSum+"="+blob.SHA256, childSize+"="+strconv.FormatInt(blob.Size, 10))
	cmd.Stderr = os.Stderr
	return cmd
}

// runChild lets a process fetch the file and kills it after a while; done
// tells that it was faster.
func (b *bench) runChild(after time.Duration) (done bool) {
	b.t.Helper()
	cmd := childCommand(b.fsys.Path("."), b.Hub+"/file/"+testName, b.blob)
	before := len(b.Requests(onStore))
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for len(b.Requests(onStore)) == before && len(ended) == 0 {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-ended:
		if err != nil {
			b.t.Fatalf("the process failed: %v", err)
		}
		return true
	case <-time.After(after):
	}
	_ = cmd.Process.Kill()
	if err := <-ended; err == nil {
		return true // it was over just then
	}
	return false
}
