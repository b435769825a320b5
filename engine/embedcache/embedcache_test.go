package embedcache

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func key(n int) Key { return KeyOf(fmt.Appendf(nil, "picture %d", n), "llama4", 16, "tower") }

// numbers are embeddings that differ from those of other seeds, with every odd value.
func numbers(seed, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(seed*1000+i) / 7
	}
	copy(out, []float32{float32(math.Inf(1)), float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32})
	return out
}

// entrySize is the bytes of an entry of n numbers.
func entrySize(n int) int64 { return int64(len(pack(id{}, make([]float32, n)))) }

func mustHave(t *testing.T, c *Cache, n, size int) {
	t.Helper()
	if got, ok := c.Get(key(n)); !ok || !slices.Equal(got, numbers(n, size)) {
		t.Errorf("entry %d is there: %v, with %d numbers, want its %d", n, ok, len(got), size)
	}
}

func mustLack(t *testing.T, c *Cache, n int) {
	t.Helper()
	if _, ok := c.Get(key(n)); ok {
		t.Errorf("entry %d is there", n)
	}
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestRemembers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when needed")
	c := New(dir, 1<<20, 1<<20)
	mustLack(t, c, 1)
	c.Put(key(1), numbers(1, 50))
	c.Put(key(2), numbers(2, 60))
	c.Put(key(3), nil)
	mustHave(t, c, 1, 50)
	mustHave(t, c, 2, 60)
	other := New(dir, 1<<20, 0) // another session, which has nothing in memory
	mustHave(t, other, 1, 50)
	mustHave(t, other, 2, 60)
	if got, ok := other.Get(key(3)); !ok || len(got) != 0 {
		t.Errorf("an entry of no numbers is there: %v, %v", ok, got)
	}
	c.Put(key(1), numbers(1, 70)) // in place of the first
	mustHave(t, c, 1, 70)
	mustHave(t, other, 1, 70)
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("files are %v, want three entries and nothing else", got)
	}
}

// TestKeys changes every part of a key.
func TestKeys(t *testing.T) {
	keys := []Key{
		KeyOf([]byte("a"), "llama4", 16, "t"), KeyOf([]byte("b"), "llama4", 16, "t"), KeyOf([]byte("a"), "llama", 16, "4t"),
		KeyOf([]byte("a"), "llama4", 9, "t"), KeyOf([]byte("a"), "llama4", 16, "u"), KeyOf([]byte("a"), "llama4t", 16, ""),
	}
	c := New("", 0, 1<<20)
	for i, k := range keys {
		c.Put(k, []float32{float32(i)})
	}
	for i, k := range keys {
		if got, ok := c.Get(k); !ok || got[0] != float32(i) {
			t.Errorf("key %d is that of entry %v", i, got)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := New("", 0, 4*100)
	for n := range 4 {
		c.Put(key(n), numbers(n, 25))
	}
	mustHave(t, c, 0, 25)          // used again, so number 1 is the oldest
	c.Put(key(4), numbers(4, 30))  // which goes, and with it number 2
	c.Put(key(9), numbers(9, 101)) // too large for any
	for n, want := range []int{25, 0, 0, 25, 30} {
		if want == 0 {
			mustLack(t, c, n)
		} else {
			mustHave(t, c, n, want)
		}
	}
	mustLack(t, c, 9)
	if c.used != 4*80 || c.recent.Len() != 3 {
		t.Errorf("%d bytes in %d entries, want 320 in 3", c.used, c.recent.Len())
	}
	c.Put(key(4), numbers(4, 101)) // no longer fits, so the old one must not be there either
	mustLack(t, c, 4)
}

func TestDiskIsBounded(t *testing.T) {
	dir := t.TempDir()
	c := New(dir, 3*entrySize(20), 0)
	for n := range 3 {
		c.Put(key(n), numbers(n, 20))
		old(t, c, n, time.Duration(10-n)*time.Minute)
	}
	mustHave(t, c, 0, 20) // used now, so number 1 is the oldest
	c.Put(key(3), numbers(3, 20))
	for n, want := range []bool{true, false, true, true} {
		if want {
			mustHave(t, c, n, 20)
		} else {
			mustLack(t, c, n)
		}
	}
	c.Put(key(4), numbers(4, 1000)) // larger than all the room
	mustLack(t, c, 4)
	mustHave(t, c, 3, 20)
	c.Put(key(5), numbers(5, 60)) // as large as several
	mustHave(t, c, 5, 60)
	if size := total(t, dir); size > 3*entrySize(20) {
		t.Errorf("%d bytes on disk, want at most %d", size, 3*entrySize(20))
	}
}

// old sets back the time that an entry was used.
func old(t *testing.T, c *Cache, n int, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(c.store.path(key(n).id()), at, at); err != nil {
		t.Fatal(err)
	}
}

func total(t *testing.T, dir string) (size int64) {
	t.Helper()
	files, err := realDisk{}.list(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		size += f.size
	}
	return size
}

// TestDamaged cuts an entry at every length and changes each of its bytes. It is not
// there then, not on disk either, and can be put again.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	c := New(dir, 1<<20, 0)
	c.Put(key(1), numbers(1, 9))
	path := c.store.path(key(1).id())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Get(key(1)); ok {
			t.Errorf("%s: there are %d numbers", what, len(got))
		}
		if got := names(t, dir); len(got) != 0 {
			t.Errorf("%s: %v is still there", what, got)
		}
	}
	for n := range whole {
		check(fmt.Sprintf("cut to %d bytes", n), whole[:n])
		bad := bytes.Clone(whole)
		bad[n] ^= 0x10
		check(fmt.Sprintf("byte %d changed", n), bad)
	}
	check("a byte more", append(bytes.Clone(whole), 0))
	check("another's entry", pack(key(2).id(), numbers(2, 9)))
	c.Put(key(1), numbers(1, 9))
	mustHave(t, c, 1, 9)
}

// TestLeftovers removes what ended processes left, and only that.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	c := New(dir, 1<<20, 0)
	hourAgo := time.Now().Add(-2 * leftFor)
	for name, age := range map[string]time.Time{"1.part": hourAgo, "2.part": time.Now(), "notes.txt": hourAgo} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, age, age); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"+suffix), 0o700); err != nil {
		t.Fatal(err)
	}
	c.Put(key(1), numbers(1, 9))
	got := names(t, dir)
	want := []string{"2.part", filepath.Base(c.store.path(key(1).id())), "folder" + suffix, "notes.txt"}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
}

// TestNoFolder has a file where the folder should be, and no room at all.
func TestNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := New(filepath.Join(path, "sub"), 1<<20, 1<<20)
	c.Put(key(1), numbers(1, 9))
	mustHave(t, c, 1, 9) // from memory
	without := New(t.TempDir(), 0, 0)
	without.Put(key(1), numbers(1, 9))
	mustLack(t, without, 1)
}

// TestEntryThatIsNoFile has folders and an enormous file in an entry's place.
func TestEntryThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	c := New(dir, 1000, 0)
	path := c.store.path(key(1).id())
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	mustLack(t, c, 1)
	path = c.store.path(key(2).id())
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("the file system has no sparse files of 1 TiB: %v", err) // which CI promised
		}
		t.Skipf("the file system has no sparse files of 1 TiB: %v", err)
	}
	mustLack(t, c, 2)
}

var errFault = errors.New("the disk is gone")

// faulty fails at the operation with number at, counted from 0, and at all later ones if
// lasting. A write that fails has written half.
type faulty struct {
	realDisk
	at, n   int
	lasting bool
}

func (d *faulty) fails() bool {
	d.n++
	return d.n-1 == d.at || d.lasting && d.n > d.at
}

func (d *faulty) makeFolder(dir string) error {
	if d.fails() {
		return errFault
	}
	return d.realDisk.makeFolder(dir)
}

func (d *faulty) list(dir string) ([]file, error) {
	if d.fails() {
		return nil, errFault
	}
	return d.realDisk.list(dir)
}

func (d *faulty) read(path string, most int64) ([]byte, error) {
	if d.fails() {
		return nil, errFault
	}
	return d.realDisk.read(path, most)
}

func (d *faulty) write(dir, pattern string, data []byte) (string, error) {
	if d.fails() {
		name, err := d.realDisk.write(dir, pattern, data[:len(data)/2])
		return name, errors.Join(errFault, err)
	}
	return d.realDisk.write(dir, pattern, data)
}

func (d *faulty) rename(from, to string) error {
	if d.fails() {
		return errFault
	}
	return d.realDisk.rename(from, to)
}

func (d *faulty) remove(path string) error {
	if d.fails() {
		return errFault
	}
	return d.realDisk.remove(path)
}

func (d *faulty) touch(path string) error {
	if d.fails() {
		return errFault
	}
	return d.realDisk.touch(path)
}

// TestFaults lets every operation fail in turn, once and for good. Whatever is read
// then is right, and a cache that comes after works.
func TestFaults(t *testing.T) {
	for _, lasting := range []bool{false, true} {
		for at := 0; ; at++ {
			dir := t.TempDir()
			room := 3 * entrySize(20)
			d := &faulty{at: at, lasting: lasting}
			c := New(dir, room, 0)
			c.store.disk = d
			for n := range 5 { // more than there is room for
				c.Put(key(n), numbers(n, 20))
				if got, ok := c.Get(key(n)); ok && !slices.Equal(got, numbers(n, 20)) {
					t.Errorf("operation %d failed (lasting: %v): entry %d is another", at, lasting, n)
				}
			}
			after := New(dir, room, 0)
			for n := range 5 {
				if got, ok := after.Get(key(n)); ok && !slices.Equal(got, numbers(n, 20)) {
					t.Errorf("after operation %d failed (lasting: %v): entry %d is another", at, lasting, n)
				}
			}
			after.Put(key(7), numbers(7, 20))
			mustHave(t, after, 7, 20)
			for _, name := range names(t, dir) {
				if strings.HasSuffix(name, partial) && !lasting {
					t.Errorf("operation %d failed once, and %s is left", at, name)
				}
			}
			if d.n <= at {
				if at < 20 {
					t.Errorf("only %d operations failed, want some 20", at)
				}
				break
			}
		}
	}
}

// TestProcesses has several caches on a folder at once, as processes would: they share
// nothing but it. There is room for some of the entries only, so they remove each
// other's.
func TestProcesses(t *testing.T) {
	dir := t.TempDir()
	room := 4 * entrySize(200)
	var wait sync.WaitGroup
	hits := make([]int, 4)
	for p := range hits {
		c := New(dir, room, 0)
		wait.Go(func() {
			// Not in a circle: what is looked for next would be what was just removed,
			// and a process that happens to run alone would never find anything.
			random := rand.New(rand.NewPCG(uint64(p), 1))
			for range 100 {
				n := random.IntN(6)
				if got, ok := c.Get(key(n)); ok {
					hits[p]++
					if !slices.Equal(got, numbers(n, 200)) {
						t.Errorf("process %d: entry %d is another", p, n)
					}
					continue
				}
				c.Put(key(n), numbers(n, 200))
			}
		})
	}
	wait.Wait()
	for p, n := range hits {
		if n == 0 {
			t.Errorf("process %d found nothing", p)
		}
	}
	New(dir, room, 0).Put(key(9), numbers(9, 200))
	if size := total(t, dir); size > room {
		t.Errorf("%d bytes on disk, want at most %d", size, room)
	}
	for _, name := range names(t, dir) {
		if strings.HasSuffix(name, partial) {
			t.Errorf("%s is left", name)
		}
	}
}

// TestGoroutines uses one cache from several goroutines.
func TestGoroutines(t *testing.T) {
	c := New(t.TempDir(), 1<<20, 4*500)
	var wait sync.WaitGroup
	for p := range 4 {
		wait.Go(func() {
			for i := range 100 {
				n := (i + p) % 8
				if got, ok := c.Get(key(n)); ok && !slices.Equal(got, numbers(n, 100)) {
					t.Errorf("entry %d is another", n)
				}
				c.Put(key(n), numbers(n, 100))
			}
		})
	}
	wait.Wait()
}

// FuzzUnpack takes no bytes for an entry but those that pack makes.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(key(1).id(), numbers(1, 3)))
	f.Add(pack(key(1).id(), nil))
	f.Add([]byte(mark))
	f.Fuzz(func(t *testing.T, data []byte) {
		if embeds, ok := unpack(data, key(1).id()); ok && !bytes.Equal(pack(key(1).id(), embeds), data) {
			t.Errorf("%d bytes are an entry of %d numbers that has others", len(data), len(embeds))
		}
	})
}
