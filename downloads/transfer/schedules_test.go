package transfer

import (
	"bufio"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
)

// faults are the ways a server can answer a request, of which a random
// schedule draws: each is survived.
var faults = []func(random *rand.Rand) faultserver.Action{
	func(r *rand.Rand) faultserver.Action { return faultserver.Cut(r.Int64N(5 * testPiece)) },
	func(r *rand.Rand) faultserver.Action { return faultserver.Reset(r.Int64N(5 * testPiece)) },
	func(r *rand.Rand) faultserver.Action { return faultserver.Stall(r.Int64N(5*testPiece) - 1) },
	func(r *rand.Rand) faultserver.Action { return faultserver.Trickle(1<<10 + r.Int64N(64<<10)) },
	func(r *rand.Rand) faultserver.Action { return faultserver.Status(500+r.IntN(5), "no") },
	func(r *rand.Rand) faultserver.Action {
		return faultserver.Status(429, "no", fmt.Sprintf("Retry-After: %d", r.IntN(20)))
	},
	func(*rand.Rand) faultserver.Action { return faultserver.Status(403, "no") },
	func(*rand.Rand) faultserver.Action {
		return faultserver.Status(200, "<html>", "Content-Type: text/html")
	},
	func(*rand.Rand) faultserver.Action { return faultserver.Header("Content-Range") },
	func(*rand.Rand) faultserver.Action { return faultserver.WholeFile },
	func(r *rand.Rand) faultserver.Action { return faultserver.WholeFileCut(r.Int64N(5 * testPiece)) },
	func(r *rand.Rand) faultserver.Action {
		share := r.Float64()
		return faultserver.Raw(func(w *bufio.Writer, c *faultserver.Call, from, to int64) {
			fmt.Fprintf(w, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\n\r\n", from, to-1, c.Content.Size)
			w.Write(c.Bytes(from, from+int64(share*float64(to-from))))
		})
	},
}

// TestSchedules runs transfers against random scripts, and stops them at
// random. The file comes out right, nothing in the journal is fetched again.
func TestSchedules(t *testing.T) {
	for seed := range uint64(schedules(40, 20000)) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			b := newBench(t, faultserver.New(t), disktest.NewMemory(), 1+random.Int64N(40*testPiece))
			for range random.IntN(4) {
				b.Script(rule{
					Role: onStore, When: faultserver.Sometimes(random.Float64()*0.6, random.Uint64()),
					Times: 1 + random.IntN(30), Act: faults[random.IntN(len(faults))](random),
				})
			}
			o := Options{Connections: 1 + random.IntN(9)}
			for {
				had, sent := b.journalled(), len(b.Requests(onStore))
				ctx, cancel := contextWithCause(t)
				if random.IntN(3) > 0 {
					time.AfterFunc(time.Duration(random.IntN(60))*time.Second, func() { cancel(nil) })
				}
				tr := b.start(ctx, o)
				b.watch(tr)
				cancel(nil)
				mustJournalTheTruth(t, b)
				if !b.streamed() {
					b.notAgain(had, b.Requests(onStore)[sent:])
				}
				if err := tr.Wait(); err == nil {
					break
				} else if ctx.Err() == nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			b.mustHave(b.blob.Name(), b.content)
		})
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// streamed tells whether the server has sent the whole file where a part was
// asked for: it decides then what comes again.
func (b *bench) streamed() bool {
	for _, r := range b.Requests(onStore) {
		if r.Sent > r.To-r.From {
			return true
		}
	}
	return false
}

// TestHugeFile fetches the ends of files whose sizes go beyond 31, 32 and 37
// bits, without the rest of them: the journal says that is there.
func TestHugeFile(t *testing.T) { // 42
	for _, size := range []int64{1<<31 + 2<<20 + 17, 1<<32 + 2<<20, 220_000_000_123} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { hugeFile(t, size) })
		})
	}
}

func hugeFile(t *testing.T, size int64) {
	s := faultserver.New(t)
	content := faultserver.Content{Seed: 9, Size: size}
	s.Add(testName, content)
	fsys := newSparse(content)
	b := &bench{Server: s, t: t, fsys: fsys, content: content}
	b.fetcher = NewFetcher(fsys, s.Client(t))
	piece := pieceSizeFor(size)
	there := (size/piece - 5) * piece
	b.blob = Blob{SHA256: sumFrom(t, content, there), Size: size}
	writeJournal(t, fsys, b.blob, piece, there)
	tr, err := b.pull(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p := tr.Progress(); p.Received != size-there || p.Done != size || p.Reused != there {
		t.Errorf("progress %+v, want %d bytes received", p, size-there)
	}
	for _, r := range b.Requests(onStore) {
		if r.From < there {
			t.Errorf("%s was asked for, and %d bytes were there", r.Range, there)
		}
	}
}

// sumFrom is the SHA-256 of a file whose first bytes are not hashed: of those,
// the state of the hash is one that nobody computed.
func sumFrom(t *testing.T, c faultserver.Content, from int64) string {
	t.Helper()
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(stateAt(t, from)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(h, io.NewSectionReader(c, from, c.Size-from)); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// stateAt is a state of SHA-256 after so many bytes, a multiple of 64.
func stateAt(t *testing.T, n int64) []byte {
	t.Helper()
	state, err := sha256.New().(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(state[len(state)-8:], uint64(n)) // the length is its last part
	return state
}

// writeJournal writes a journal that has the first bytes of a file.
func writeJournal(t *testing.T, fsys disk.FS, blob Blob, piece, there int64) {
	t.Helper()
	if err := fsys.Mkdir(BlobFolder); err != nil {
		t.Fatal(err)
	}
	j, err := createJournal(fsys, blob, piece)
	if err != nil {
		t.Fatal(err)
	}
	n := note{hashed: there, hashState: stateAt(t, there)}
	for i := range int(there / piece) {
		n.have, n.crcs = append(n.have, i), append(n.crcs, 1)
	}
	if err := j.append(n); err != nil {
		t.Fatal(err)
	}
	if err := j.file.Close(); err != nil {
		t.Fatal(err)
	}
}

// sparse is a file system whose part has the right bytes everywhere, and looks
// at what is written to it.
type sparse struct {
	*disktest.Memory
	content faultserver.Content
}

func newSparse(c faultserver.Content) *sparse { return &sparse{disktest.NewMemory(), c} }

func (s *sparse) Open(name string, flag int) (disk.File, error) {
	f, err := s.Memory.Open(name, flag)
	if err != nil || len(name) < len(partSuffix) || name[len(name)-len(partSuffix):] != partSuffix {
		return f, err
	}
	return &sparseFile{f, s.content}, nil
}

type sparseFile struct {
	disk.File
	content faultserver.Content
}

type sparseInfo struct {
	os.FileInfo
	size int64
}

func (i sparseInfo) Size() int64 { return i.size }

func (f *sparseFile) Stat() (os.FileInfo, error) {
	info, err := f.File.Stat()
	return sparseInfo{info, f.content.Size}, err
}
func (f *sparseFile) Allocate(int64) error                    { return nil }
func (f *sparseFile) WriteBack(int64, int64)                  {}
func (f *sparseFile) Allocated() (int64, error)               { return f.content.Size, nil }
func (f *sparseFile) Truncate(int64) error                    { return nil }
func (f *sparseFile) ReadAt(p []byte, off int64) (int, error) { return f.content.ReadAt(p, off) }
func (f *sparseFile) WriteAt(p []byte, off int64) (int, error) {
	want := make([]byte, len(p))
	if n, err := f.content.ReadAt(want, off); n < len(p) {
		return 0, fmt.Errorf("written beyond the end, at %d: %w", off, err)
	}
	if string(want) != string(p) {
		return 0, fmt.Errorf("wrong bytes written at %d", off)
	}
	return len(p), nil
}
