package downloads

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
	"scout/downloads/transfer"
)

// tally is what a campaign of pulls cost, over all its models.
type tally struct {
	runs   int
	size   int64 // of all models that became whole
	sent   int64 // bytes that the storage sent for them
	again  int64 // of those, bytes that a journal had when they were asked for
	stream int64 // bytes of servers that send whole files, which decide themselves
	ended  map[string]int
}

func newTally() *tally { return &tally{ended: map[string]int{}} }

func (c *tally) String() string {
	percent := func(n int64) float64 { return 100 * float64(n) / float64(max(c.size, 1)) }
	s := fmt.Sprintf("%d runs, %d bytes of models; sent %d (%.2f %% more, what was not saved yet when a run ended), %d asked for that a journal had (%.3f %%)",
		c.runs, c.size, c.sent, percent(c.sent-c.size), c.again, percent(c.again))
	if c.stream > 0 {
		s += fmt.Sprintf("; %d more by servers that send whole files", c.stream)
	}
	if len(c.ended) > 0 {
		s += fmt.Sprintf("; runs ended %v", c.ended)
	}
	return s
}

// journals is what the journals have, by file.
type journals map[string][]transfer.Range

// keptOf reads the journals and holds them against the bytes that are there:
// what a journal claims must be in the file.
func keptOf(t *testing.T, fsys disk.FS, files []faultserver.Published) journals {
	t.Helper()
	f := transfer.NewFetcher(fsys, nil)
	all := journals{}
	for _, p := range files {
		blob := transfer.Blob{SHA256: p.SHA256, Size: p.Size}
		if info, err := fsys.Stat(blob.Name()); err == nil && info.Size() == p.Size {
			all[p.Path] = []transfer.Range{{From: 0, To: p.Size}}
			mustHold(t, fsys, blob.Name(), p, all[p.Path])
			continue
		}
		all[p.Path] = f.Kept(p.SHA256)
		mustHold(t, fsys, blob.Name()+".part", p, all[p.Path])
	}
	return all
}

// mustHold expects a file to have the published bytes in those ranges.
func mustHold(t *testing.T, fsys disk.FS, name string, p faultserver.Published, ranges []transfer.Range) {
	t.Helper()
	if len(ranges) == 0 {
		return
	}
	file, err := fsys.Open(name, os.O_RDONLY)
	if err != nil {
		t.Errorf("the journal has %v of %s: %v", ranges, p.Path, err)
		return
	}
	defer file.Close()
	for _, r := range ranges {
		got, want := make([]byte, r.To-r.From), make([]byte, r.To-r.From)
		if _, err := file.ReadAt(got, r.From); err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("bytes %d to %d of %s: %v", r.From, r.To, p.Path, err)
		}
		_, _ = p.Bytes.ReadAt(want, r.From)
		if string(got) != string(want) {
			t.Errorf("the journal has bytes %d to %d of %s and the file does not", r.From, r.To, p.Path)
		}
	}
}

func (k journals) bytes() int64 {
	var sum int64
	for _, ranges := range k {
		for _, r := range ranges {
			sum += r.To - r.From
		}
	}
	return sum
}

// count adds the requests of one run to the tally. What was journalled before
// the run must not have been asked for, unless the server sends whole files.
func (c *tally) count(t *testing.T, had journals, requests []faultserver.Request) {
	t.Helper()
	for _, r := range requests {
		if r.Sent > r.To-r.From {
			c.stream += r.Sent
			continue
		}
		c.sent += r.Sent
		for path, ranges := range had {
			if !strings.HasSuffix(r.Path, "/"+path) {
				continue
			}
			for _, h := range ranges {
				if n := min(h.To, r.To) - max(h.From, r.From); n > 0 {
					c.again += n
					t.Errorf("%s of %s was asked for, and the journal had bytes %d to %d", r.Range, path, h.From, h.To)
				}
			}
		}
	}
}

// watchPull pulls, and fails the test if progress falls.
func watchPull(t *testing.T, ctx context.Context, d *Downloads, o Options) error {
	t.Helper()
	var last int64
	o.Each = func(p Progress) {
		if p.Done < last || p.Done > p.Total {
			t.Errorf("progress went from %d to %d of %d", last, p.Done, p.Total)
		}
		last = p.Done
	}
	_, err := d.Pull(ctx, name, o)
	return err
}

// The pieces of the campaigns' models are small, so that there are many.
const campaignPiece = 4 << 10

// storeFaults and hubFaults are the ways a storage and a hub can answer of
// which a random schedule draws. A pull survives each, or says what it is.
var storeFaults = []func(random *rand.Rand) faultserver.Action{
	func(r *rand.Rand) faultserver.Action { return faultserver.Cut(r.Int64N(5 * campaignPiece)) },
	func(r *rand.Rand) faultserver.Action { return faultserver.Reset(r.Int64N(5 * campaignPiece)) },
	func(r *rand.Rand) faultserver.Action { return faultserver.Stall(r.Int64N(5*campaignPiece) - 1) },
	func(r *rand.Rand) faultserver.Action { return faultserver.Trickle(100 + r.Int64N(8<<10)) },
	func(*rand.Rand) faultserver.Action {
		return faultserver.Status(200, "<html>", "Content-Type: text/html")
	},
	func(*rand.Rand) faultserver.Action { return faultserver.Status(403, "no") },
	func(*rand.Rand) faultserver.Action { return faultserver.Header("Content-Range") },
	func(*rand.Rand) faultserver.Action { return faultserver.Header("Content-Encoding: gzip") },
	func(*rand.Rand) faultserver.Action { return faultserver.WholeFile },
	func(r *rand.Rand) faultserver.Action { return faultserver.WholeFileCut(r.Int64N(9 * campaignPiece)) },
	func(r *rand.Rand) faultserver.Action {
		share := r.Float64()
		return faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
			fmt.Fprintf(w, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\n\r\n", from, to-1, c.Content.Size)
			w.Write(c.Bytes(from, from+int64(share*float64(to-from))))
		})
	},
}

var hubFaults = []func(random *rand.Rand) faultserver.Action{
	func(r *rand.Rand) faultserver.Action { return faultserver.Status(500+r.IntN(5), "no") },
	func(r *rand.Rand) faultserver.Action {
		return faultserver.Status(429, "no", "Retry-After: "+strconv.Itoa(r.IntN(20)))
	},
	func(*rand.Rand) faultserver.Action { return faultserver.Stall(-1) },
	func(*rand.Rand) faultserver.Action {
		return faultserver.Raw(func(*bufio.Writer, *faultserver.Call, int64, int64) {}) // hangs up
	},
}

// script draws the rules of one schedule.
func script(random *rand.Rand) []faultserver.Rule {
	var rules []faultserver.Rule
	add := func(role faultserver.Role, faults []func(*rand.Rand) faultserver.Action) {
		rules = append(rules, faultserver.Rule{
			Role: role, When: faultserver.Sometimes(random.Float64()*0.6, random.Uint64()),
			Times: 1 + random.IntN(30), Act: faults[random.IntN(len(faults))](random),
		})
	}
	for range random.IntN(3) {
		add(faultserver.Store, storeFaults)
	}
	for range random.IntN(3) {
		add([]faultserver.Role{faultserver.Hub, faultserver.Store}[random.IntN(2)], hubFaults)
	}
	if random.IntN(4) > 0 { // slow otherwise, so that there is something to stop
		rules = append(rules, faultserver.Rule{Role: faultserver.Store, Act: faultserver.Trickle(200 + random.Int64N(4<<10))})
	}
	return rules
}

// campaignModel publishes a model of random files.
func campaignModel(s *faultserver.Server, random *rand.Rand) []faultserver.Published {
	shards := 1 + random.IntN(3)
	var files []faultserver.Published
	for i := range shards {
		path := "Scout-Q4_K_M.gguf"
		if shards > 1 {
			path = fmt.Sprintf("Scout-Q4_K_M-%05d-of-%05d.gguf", i+1, shards)
		}
		files = append(files, content(random.Uint64(), 1+random.Int64N(25*campaignPiece)).At(path))
	}
	if random.IntN(2) == 0 {
		files = append(files, content(random.Uint64(), 1+random.Int64N(5*campaignPiece)).At("mmproj-F16.gguf"))
	}
	s.Repository(repository).Commit(firstCommit, files...)
	return files
}

// TestPullSchedules pulls models from servers that answer wrongly at random, on
// disks that fail at random, and stops the pulls and cuts the power at random.
// Each model comes out right, no byte of a journal is fetched again, and
// progress never falls. With SCOUT_LONG set there are 20,000 schedules.
func TestPullSchedules(t *testing.T) {
	all, most := newTally(), campaignLength(60, 20_000)
	for seed := range uint64(most) {
		synctest.Test(t, func(t *testing.T) { schedule(t, seed, all) })
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
	t.Logf("%d schedules: %v", most, all)
}

// worstSchedule is after how many runs the faults end: a server that never
// answers rightly is not what is tested here.
const worstSchedule = 12

func schedule(t *testing.T, seed uint64, all *tally) {
	random := rand.New(rand.NewPCG(seed, 11))
	s := faultserver.New(t)
	files := campaignModel(s, random)
	s.Script(script(random)...)
	memory := disktest.NewMemory()
	for run := 1; ; run++ {
		if run > worstSchedule {
			s.Clear()
		}
		had := keptOf(t, memory, files)
		sent := len(s.Requests(faultserver.Store))
		how, err := scheduledRun(t, s, memory, random, run)
		synctest.Wait() // until the server has noticed
		all.runs++
		all.ended[how]++
		all.count(t, had, s.Requests(faultserver.Store)[sent:])
		if t.Failed() {
			t.Fatalf("run %d ended %s: %v", run, how, err)
		}
		keptOf(t, memory, files)
		if err == nil {
			break
		}
		if run > worstSchedule+20 {
			t.Fatalf("after %d runs: %v", run, err)
		}
	}
	d := open(t, s, memory, nil)
	mustBe(t, d, name, files...)
	for _, f := range files {
		all.size += f.Size
	}
}

// scheduledRun pulls until the model is whole or something ends that, and
// tells what that was.
func scheduledRun(t *testing.T, s *faultserver.Server, memory *disktest.Memory, random *rand.Rand, run int) (how string, err error) {
	t.Helper()
	var fsys disk.FS = memory
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	after := time.Duration(random.IntN(60_000)) * time.Millisecond
	kind := random.IntN(4)
	if run > worstSchedule {
		kind = 3
	}
	switch kind {
	case 0:
		defer time.AfterFunc(after, func() { cancel(stop) }).Stop()
	case 1:
		seed := random.Uint64()
		defer time.AfterFunc(after, func() { memory.Cut(rand.New(rand.NewPCG(seed, 1))) }).Stop()
	case 2:
		errno := []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS}[random.IntN(3)]
		fsys = disktest.NewFaulty(memory, disktest.Nth(1+random.IntN(60), random.IntN(2) == 0, errno))
	}
	d := open(t, s, fsys, nil)
	d.fetcher.Tune(campaignPiece, 2*time.Second)
	err = watchPull(t, ctx, d, Options{Connections: 1 + random.IntN(9), GiveUp: time.Hour})
	var onDisk *disk.Error
	switch {
	case err == nil:
		return "whole", nil
	case errors.Is(err, stop):
		return "stopped", err
	case kind == 1: // the layers say it in their words
		return "power cut", err
	case errors.As(err, &onDisk), kind == 2:
		return "disk", err
	}
	mustSay(t, err, "") // one line
	return "server", err
}

// campaignLength is how long a campaign is: short as a rule, long where
// SCOUT_LONG is set.
func campaignLength(short, long int) int {
	if os.Getenv("SCOUT_LONG") != "" {
		return long
	}
	return short
}
