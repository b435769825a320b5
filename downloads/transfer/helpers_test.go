package transfer

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
)

// bench is a server, a store and a fetcher between them.
type bench struct {
	*faultserver.Server
	t       *testing.T
	fsys    disk.FS
	fetcher *Fetcher
	content faultserver.Content
	blob    Blob
	trouble []string // what Progress.Trouble said, each once
}

const (
	testPiece = 64 << 10
	testName  = "model.gguf"
)

// inBubble runs a test with a clock that goes only when everybody waits.
func inBubble(t *testing.T, size int64, test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, newBench(t, faultserver.New(t), disktest.NewMemory(), size))
	})
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

func newBench(t *testing.T, s *faultserver.Server, fsys disk.FS, size int64) *bench {
	t.Helper()
	content := faultserver.Content{Seed: 7, Size: size}
	s.Add(testName, content)
	b := &bench{Server: s, t: t, fsys: fsys, content: content, blob: Blob{SHA256: content.SHA256(), Size: size}}
	b.fetcher = NewFetcher(fsys, s.Client(t))
	b.fetcher.pieceSize = testPiece
	return b
}

// start starts a transfer of the file.
func (b *bench) start(ctx context.Context, o Options) *Transfer {
	return b.fetcher.Start(ctx, b.blob, b.Source(b.fetcher.client, testName), o)
}

// pull fetches the file and watches that progress never falls.
func (b *bench) pull(o Options) (*Transfer, error) {
	b.t.Helper()
	t := b.start(b.t.Context(), o)
	b.watch(t)
	return t, t.Wait()
}

// watch follows a transfer to its end, and fails the test if progress falls.
func (b *bench) watch(tr *Transfer) {
	t := b.t
	t.Helper()
	var last int64
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		p := tr.Progress()
		if p.Done < last || p.Done > p.Total {
			t.Errorf("progress went from %d to %d of %d", last, p.Done, p.Total)
		}
		last = p.Done
		if p.Trouble != "" && !slices.Contains(b.trouble, p.Trouble) {
			b.trouble = append(b.trouble, p.Trouble)
		}
		select {
		case <-tr.Over():
			return
		case <-tick.C:
		}
	}
}

// mustBeRight expects the whole file in the store, and nothing beside it but
// its checksums.
func (b *bench) mustBeRight() {
	b.t.Helper()
	b.mustHave(b.blob.Name(), b.content)
	for _, name := range []string{b.blob.part(), b.blob.state(), b.blob.bad()} {
		if _, err := b.fsys.Stat(name); err == nil {
			b.t.Errorf("%s is still there", name)
		}
	}
	health, err := b.fetcher.Verify(context.Background(), b.blob, nil)
	if err != nil || !health.Right || len(health.Damaged) > 0 || !health.Mapped {
		b.t.Errorf("Verify = %+v, %v, want right, with checksums of its pieces", health, err)
	}
}

// mustHave expects a file with that content.
func (b *bench) mustHave(name string, want faultserver.Content) {
	b.t.Helper()
	f, err := b.fsys.Open(name, os.O_RDONLY)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != want.Size {
		b.t.Fatalf("%s has %d bytes, want %d (%v)", name, info.Size(), want.Size, err)
	}
	got := make([]byte, 1<<20)
	expected := make([]byte, 1<<20)
	for at := int64(0); at < want.Size; at += int64(len(got)) {
		n, err := f.ReadAt(got, at)
		if err != nil && err != io.EOF {
			b.t.Fatal(err)
		}
		m, _ := want.ReadAt(expected, at)
		if n != m || string(got[:n]) != string(expected[:m]) {
			b.t.Fatalf("%s differs in the %d bytes from %d", name, m, at)
		}
	}
}

// mustNotBeThere expects no whole file: nothing that looks right and is not.
func (b *bench) mustNotBeThere() {
	b.t.Helper()
	if _, err := b.fsys.Stat(b.blob.Name()); err == nil {
		b.t.Errorf("%s is there, and must not be", b.blob.Name())
	}
}

// mustSay expects one of the transfer's sentences to have a part in it.
func mustSay(t *testing.T, tr *Transfer, want string) {
	t.Helper()
	for _, n := range tr.Progress().Notices {
		if strings.Contains(n, want) {
			return
		}
	}
	t.Errorf("notices %q, want one with %q", tr.Progress().Notices, want)
}

// mustShow expects words for a silence to have a part in them.
func (b *bench) mustShow(want string) {
	b.t.Helper()
	if !slices.ContainsFunc(b.trouble, func(s string) bool { return strings.Contains(s, want) }) {
		b.t.Errorf("troubles %q, want one with %q", b.trouble, want)
	}
}

// mustFail expects an error of one line that says all of want.
func mustFail(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q, want it to say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
		t.Errorf("error %q is more than two lines on a screen", err)
	}
}

func contextWithCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(t.Context())
}
