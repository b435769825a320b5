package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"scout/downloads/disk"
	"scout/downloads/disk/disktest"
	"scout/downloads/faultserver"
	"scout/downloads/transfer"
)

// depot is a store with a server to fill it from.
type depot struct {
	*Store
	t       *testing.T
	fsys    disk.FS
	server  *faultserver.Server
	fetcher *transfer.Fetcher
}

func newDepot(t *testing.T, fsys disk.FS) *depot {
	t.Helper()
	server := faultserver.New(t)
	fetcher := transfer.NewFetcher(fsys, server.Client(t))
	return &depot{Open(fsys, fetcher), t, fsys, server, fetcher}
}

func onDisk(t *testing.T) *depot {
	t.Helper()
	root, err := disk.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return newDepot(t, root)
}

// file is a file of a model; its content is a function of the seed.
func (d *depot) file(seed uint64, size int64) File {
	c := faultserver.Content{Seed: seed, Size: size}
	d.server.Add(fmt.Sprint(seed), c)
	return File{Role: Weights, Name: fmt.Sprint(seed), SHA256: c.SHA256(), Size: size}
}

// fetch brings a file.
func (d *depot) fetch(f File) {
	d.t.Helper()
	source := d.server.Source(d.server.Client(d.t), f.Name)
	if err := d.fetcher.Start(d.t.Context(), f.Blob(), source, transfer.Options{}).Wait(); err != nil {
		d.t.Fatal(err)
	}
}

// put fetches a model's files and puts it into the store.
func (d *depot) put(name string, files ...File) Manifest {
	d.t.Helper()
	m := Manifest{Name: name, Source: "test", Revision: "1", Complete: true, Files: files}
	for _, f := range files {
		if f.Path == "" {
			d.fetch(f)
		}
	}
	if err := d.Put(m); err != nil {
		d.t.Fatal(err)
	}
	got, err := d.Get(name)
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

func TestPutAndFind(t *testing.T) {
	d := onDisk(t)
	vision := d.file(9, 500)
	vision.Role = Projector
	d.put("llama4:scout", d.file(1, 3000), d.file(2, 2000), vision)
	d.put("hf.co/User/Repo:Q4_K_M", d.file(3, 100))
	for name, want := range map[string]struct {
		name, weights, projector string
		size                     int64
	}{
		"llama4:scout":           {"llama4:scout", "model-00001-of-00002.gguf", "mmproj.gguf", 3000},
		"Llama4:SCOUT":           {"llama4:scout", "model-00001-of-00002.gguf", "mmproj.gguf", 3000},
		"hf.co/user/repo:q4_k_m": {"hf.co/User/Repo:Q4_K_M", "model.gguf", "", 100},
	} {
		m, err := d.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name != want.name || filepath.Base(m.Weights) != want.weights || (m.Projector == "") != (want.projector == "") {
			t.Errorf("Find(%q) = %+v", name, m)
		}
		if info, err := os.Stat(m.Weights); err != nil || info.Size() != want.size {
			t.Errorf("%s: %v, %v", m.Weights, info, err)
		}
	}
	second := strings.Replace(mustFind(t, d, "llama4:scout").Weights, "00001", "00002", 1)
	if info, err := os.Stat(second); err != nil || info.Size() != 2000 {
		t.Errorf("the second part: %v, %v", info, err)
	}
	if _, err := d.Find("nothing"); !errors.Is(err, ErrNoModel) {
		t.Errorf("Find of nothing: %v", err)
	}
	all, broken, err := d.List()
	if err != nil || len(broken) > 0 || len(all) != 2 || all[0].Name != "hf.co/User/Repo:Q4_K_M" {
		t.Errorf("List = %+v, %v, %v", all, broken, err)
	}
}

func mustFind(t *testing.T, d *depot, name string) Model {
	t.Helper()
	m, err := d.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFindNoticesWhatIsMissing(t *testing.T) {
	d := onDisk(t)
	f := d.file(1, 3000)
	d.put("a", f)
	if err := os.Truncate(d.fsys.Path(f.Blob().Name()), 10); err != nil {
		t.Fatal(err)
	}
	wantIncomplete(t, d, "a", "has 10 bytes, want 3000")
	if err := os.Remove(d.fsys.Path(f.Blob().Name())); err != nil {
		t.Fatal(err)
	}
	wantIncomplete(t, d, "a", "is gone")
	if err := d.Put(Manifest{Name: "b", Files: []File{d.file(2, 100)}}); err != nil {
		t.Fatal(err)
	}
	wantIncomplete(t, d, "b", "0% of it are here: 'scout pull b' goes on")
}

func wantIncomplete(t *testing.T, d *depot, name, want string) {
	t.Helper()
	_, err := d.Find(name)
	var incomplete *IncompleteError
	if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), want) {
		t.Errorf("Find(%q): %v, want it incomplete: %q", name, err, want)
	}
}

func TestRemoveKeepsWhatOthersUse(t *testing.T) {
	d := onDisk(t)
	shared, own := d.file(1, 5_000_000), d.file(2, 3_000_000)
	d.put("a", shared, own)
	d.put("b", shared)
	// Of the third only the manifest is there: its download has begun.
	if err := d.Put(Manifest{Name: "c", Files: []File{shared}}); err != nil {
		t.Fatal(err)
	}
	r, err := d.Remove("a")
	if err != nil {
		t.Fatal(err)
	}
	if r.Freed < own.Size || r.Freed > own.Size+8192+4096 || len(r.Kept) != 1 || fmt.Sprint(r.Kept[0].By) != "[b c]" {
		t.Errorf("Remove = %+v, want the file of its own freed and the other kept for b and c", r)
	}
	mustFind(t, d, "b")
	if _, err := d.Get("a"); !errors.Is(err, ErrNoModel) {
		t.Errorf("after its removal: %v", err)
	}
	if r, err = d.Remove("b"); err != nil || len(r.Kept) != 1 || fmt.Sprint(r.Kept[0].By) != "[c]" {
		t.Errorf("Remove = %+v, %v", r, err)
	}
	if r, err = d.Remove("c"); err != nil || r.Freed < shared.Size || len(r.Kept) != 0 {
		t.Errorf("Remove = %+v, %v", r, err)
	}
	for _, folder := range []string{transfer.BlobFolder, manifestFolder, modelFolder} {
		if left, err := d.fsys.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", folder, left, err)
		}
	}
}

func TestNothingIsRemovedBlindly(t *testing.T) {
	d := onDisk(t)
	f := d.file(1, 100)
	d.put("a", f)
	d.put("b", f)
	for name, damage := range map[string]string{
		"cut":        `{"version": 1, "name": "b", "files": [`,
		"later":      `{"version": 2, "name": "b"}`,
		"empty":      ``,
		"other name": `{"version":1,"name":"x","source":"","revision":"","pulled":"2026-01-01T00:00:00Z","complete":true,"files":[{"role":"model","name":"1","sha256":"` + f.SHA256 + `","size":100}]}`,
		"bad digest": `{"version":1,"name":"b","files":[{"role":"model","name":"1","sha256":"../../x","size":100}]}`,
		"two":        `{"version":1,"name":"b","files":[{"role":"model","name":"1","sha256":"` + f.SHA256 + `","size":100}]}{}`,
	} {
		if err := os.WriteFile(d.fsys.Path(manifestName("b")), []byte(damage), 0o644); err != nil {
			t.Fatal(err)
		}
		var broken *BrokenError
		if _, err := d.Remove("a"); !errors.As(err, &broken) || !strings.Contains(err.Error(), "nothing is removed while it is unknown") {
			t.Errorf("%s: Remove: %v", name, err)
		}
		if _, err := d.RemoveUnused(); !errors.As(err, &broken) {
			t.Errorf("%s: RemoveUnused: %v", name, err)
		}
		mustFind(t, d, "a")
		u, err := d.Usage()
		if err != nil || len(u.Broken) != 1 || len(u.Models) != 1 {
			t.Errorf("%s: Usage = %+v, %v", name, u, err)
		}
	}
}

func TestUsageAndUnused(t *testing.T) {
	d := onDisk(t)
	shared, own, orphan := d.file(1, 5_000_000), d.file(2, 3_000_000), d.file(3, 2_000_000)
	d.put("a", shared, own)
	d.put("b", shared)
	d.fetch(orphan)
	u, err := d.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if u.Total != 10_000_000 || len(u.Unused) != 1 || u.Unused[0].Blob != orphan.Blob() || u.Free <= 0 {
		t.Errorf("Usage = %+v", u)
	}
	if a := u.Models[0]; a.OnDisk != 8_000_000 || a.Shared != 5_000_000 || a.Have != a.Size() || a.Owner != -1 {
		t.Errorf("of a: %+v", a)
	}
	if freed, err := d.RemoveUnused(); err != nil || freed < 2_000_000 {
		t.Errorf("RemoveUnused = %d, %v", freed, err)
	}
	mustFind(t, d, "a")
	mustFind(t, d, "b")
	if u, err = d.Usage(); err != nil || u.Total != 8_000_000 {
		t.Errorf("afterwards: %+v, %v", u, err)
	}
}

func TestPartialDownloadsAreSeenAndRemoved(t *testing.T) {
	d := onDisk(t)
	f := d.file(1, 50<<20)
	if err := d.Put(Manifest{Name: "big", Files: []File{f}}); err != nil {
		t.Fatal(err)
	}
	d.server.Script(faultserver.Rule{Role: faultserver.Store, Skip: 4, Act: faultserver.Stall(0)})
	ctx, cancel := context.WithCancel(t.Context())
	tr := d.fetcher.Start(ctx, f.Blob(), d.server.Source(d.server.Client(t), "1"), transfer.Options{})
	for tr.Progress().Done < 5<<20 {
		time.Sleep(time.Millisecond)
	}
	u, err := d.Usage()
	if err != nil || len(u.Models) != 1 || u.Models[0].Owner != os.Getpid() {
		t.Errorf("while it comes: %+v, %v", u, err)
	}
	if _, err := d.Remove("big"); !errors.As(err, new(*transfer.BusyError)) {
		t.Errorf("Remove while it comes: %v", err)
	}
	cancel()
	_ = tr.Wait()
	u, err = d.Usage()
	if err != nil || len(u.Models) != 1 || u.Models[0].Have == 0 || u.Models[0].Complete || u.Models[0].Owner != -1 {
		t.Errorf("afterwards: %+v, %v", u, err)
	}
	r, err := d.Remove("big")
	if err != nil || r.Freed < 5<<20 {
		t.Errorf("Remove = %+v, %v", r, err)
	}
	if left, err := d.fsys.ReadDir(transfer.BlobFolder); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestVerifyAndRepair(t *testing.T) {
	d := onDisk(t)
	f, g := d.file(1, 5_000_000), d.file(2, 1000)
	d.put("a", f, g)
	whole, err := d.Verify(t.Context(), "a", nil)
	if err != nil || len(whole) != 2 || !whole[0].Right || !whole[1].Right {
		t.Fatalf("Verify = %+v, %v", whole, err)
	}
	file, err := os.OpenFile(d.fsys.Path(f.Blob().Name()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{1, 2, 3}, 3_000_000); err != nil {
		t.Fatal(err)
	}
	file.Close()
	var last int64
	found, err := d.Verify(t.Context(), "a", func(done, total int64) {
		if done < last || total != 5_001_000 {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil || found[0].Right || fmt.Sprint(found[0].Damaged) != "[2]" || !found[1].Right || last != 5_001_000 {
		t.Fatalf("Verify = %+v, %v", found, err)
	}
	if err := d.Demote("a", found); err != nil {
		t.Fatal(err)
	}
	wantIncomplete(t, d, "a", "79% of it are here")
	sent := d.server.Sent()
	d.put("a", f, g)
	if got := d.server.Sent() - sent; got != 1<<20 {
		t.Errorf("repairing fetched %d bytes, want one piece", got)
	}
	if found, err = d.Verify(t.Context(), "a", nil); err != nil || !found[0].Right {
		t.Errorf("after the repair: %+v, %v", found, err)
	}
}

// TestEveryOperationFails lets every operation of putting and removing fail in
// turn. Manifests are old or new, files of other models stay.
func TestEveryOperationFails(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
		for n := 1; ; n++ {
			d := newDepot(t, disktest.NewMemory())
			shared, own := d.file(1, 100), d.file(2, 200)
			d.put("b", shared)
			d.put("a", shared, own)
			faulty := disktest.NewFaulty(d.fsys, disktest.Nth(n, true, errno))
			s := Open(faulty, transfer.NewFetcher(faulty, d.server.Client(t)))
			putErr := s.Put(Manifest{Name: "b", Revision: "2", Complete: true, Files: []File{shared}})
			_, removeErr := s.Remove("a")
			for _, err := range []error{putErr, removeErr} {
				if err != nil && !strings.Contains(err.Error(), disk.Why(errno).String()) {
					t.Errorf("operation %d: error %q does not say what to do", n, err)
				}
			}
			m, err := d.Get("b")
			if err != nil || (putErr == nil && m.Revision != "2") {
				t.Fatalf("operation %d: then b is %+v, %v", n, m, err)
			}
			if _, err := d.fsys.Stat(shared.Blob().Name()); err != nil {
				t.Fatalf("operation %d: the shared file is gone", n)
			}
			if _, err := d.Get("a"); (removeErr == nil) != errors.Is(err, ErrNoModel) && removeErr == nil {
				t.Errorf("operation %d: a was removed without an error and is there", n)
			}
			if faulty.Count() < n {
				break
			}
			// Once the disk is well, both can be done.
			if err := d.Put(Manifest{Name: "b", Complete: true, Files: []File{shared}}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Remove("a"); err != nil && !errors.Is(err, ErrNoModel) {
				t.Fatal(err)
			}
			if _, err := d.RemoveUnused(); err != nil {
				t.Fatal(err)
			}
			if left, err := d.fsys.ReadDir(transfer.BlobFolder); err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.Contains(e.Name(), own.SHA256) }) {
				t.Fatalf("operation %d: left: %v, %v", n, left, err)
			}
		}
	}
}

func TestOtherProgramsFiles(t *testing.T) { // 40
	home := t.TempDir()
	content := faultserver.Content{Seed: 5, Size: 10_000}
	blob := transfer.Blob{SHA256: content.SHA256(), Size: content.Size}
	bytes := make([]byte, content.Size)
	_, _ = content.ReadAt(bytes, 0)
	write := func(parts ...string) string {
		t.Helper()
		p := filepath.Join(append([]string{home}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, bytes, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	inOllama := write(".ollama", "models", "blobs", "sha256-"+blob.SHA256)
	inHub := write(".cache", "huggingface", "hub", "models--user--repo", "blobs", blob.SHA256)
	inStudio := write(".lmstudio", "models", "user", "repo", "x-Q4.gguf")
	inLlama := write(".cache", "llama.cpp", "user_repo_x.gguf")
	write(".lmstudio", "models", "user", "repo", "notes.txt")
	snapshot := filepath.Join(home, ".cache", "huggingface", "hub", "models--user--repo", "snapshots", "abc")
	if err := os.MkdirAll(snapshot, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../blobs/"+blob.SHA256, filepath.Join(snapshot, "x-Q4.gguf")); err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("no symbolic links here: %v", err) // which CI promised
		}
		t.Skipf("no symbolic links here: %v", err)
	}
	manifest := filepath.Join(home, ".ollama", "models", "manifests", "registry.ollama.ai", "library", "llama4")
	if err := os.MkdirAll(manifest, 0o755); err != nil {
		t.Fatal(err)
	}
	layer := fmt.Sprintf(`{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:%s","size":10000},{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:../../x"}]}`, blob.SHA256)
	if err := os.WriteFile(filepath.Join(manifest, "scout"), []byte(layer), 0o644); err != nil {
		t.Fatal(err)
	}
	e := NewElsewhere(func(string) string { return "" }, home)
	var paths []string
	for _, f := range e.Candidates(blob) {
		paths = append(paths, f.Path)
	}
	if want := []string{inOllama, inHub, inLlama, inStudio}; !slices.Equal(paths, want) {
		t.Errorf("candidates %q, want %q", paths, want)
	}
	ollama := e.Candidates(blob)[0]
	f, ok, why, err := Adopt(t.Context(), ollama, blob, nil)
	if !ok || err != nil || f.Path != inOllama || f.Owner != "Ollama" {
		t.Fatalf("Adopt = %+v, %v, %q, %v", f, ok, why, err)
	}
	d := onDisk(t)
	d.put("mine", f)
	if m := mustFind(t, d, "mine"); m.Weights != inOllama {
		t.Errorf("weights at %s, want %s", m.Weights, inOllama)
	}
	if r, err := d.Remove("mine"); err != nil || r.Freed != 0 || len(r.Kept) != 1 {
		t.Errorf("Remove = %+v, %v", r, err)
	}
	d.put("mine", f)
	for name, c := range map[string]struct {
		do  func()
		why string
	}{
		"changed":    {func() { os.WriteFile(inOllama, append([]byte{bytes[0] ^ 1}, bytes[1:]...), 0o644) }, "its checksum differs"},
		"truncated":  {func() { os.WriteFile(inOllama, bytes[:5], 0o644) }, "its checksum differs"},
		"gone":       {func() { os.Remove(inOllama) }, "it cannot be read any more"},
		"unreadable": {func() { os.Mkdir(inOllama, 0o755) }, "no plain file"},
	} {
		os.RemoveAll(inOllama)
		c.do()
		if _, ok, why, err := Adopt(t.Context(), ollama, blob, nil); ok || err != nil || !strings.Contains(why, c.why) {
			t.Errorf("%s: adopted %v, %q, %v, want %q", name, ok, why, err, c.why)
		}
		if _, err := d.Find("mine"); !errors.As(err, new(*IncompleteError)) {
			t.Errorf("%s: Find: %v", name, err)
		}
		found, err := d.Verify(t.Context(), "mine", nil)
		if err != nil || found[0].Right || found[0].Why == "" {
			t.Errorf("%s: Verify = %+v, %v", name, found, err)
		}
	}
}

// FuzzSlug expects names on disk to be ours, whatever the model's name is.
func FuzzSlug(f *testing.F) {
	for _, s := range []string{"llama4:scout", "../../etc/passwd", "hf.co/a/b:Q4_K_M", "CON", "a\x00b", "....", strings.Repeat("x", 1000), "Ünïcode", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		s := slug(name)
		if strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(s) > 100 || !strings.HasPrefix(s, "m-") {
			t.Fatalf("slug(%q) = %q", name, s)
		}
		if path.Base(manifestName(name)) != s+".json" {
			t.Fatalf("manifestName(%q) = %q", name, manifestName(name))
		}
	})
}

// FuzzManifest expects what is read to be checked, and to survive writing.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"version":1,"name":"a","files":[{"role":"model","sha256":"` + strings.Repeat("ab", 32) + `","size":5}]}`))
	f.Add([]byte(`{"version":1,"name":"a","files":[{"role":"model","sha256":"../x","size":-5}]}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if file.Blob().Check() != nil {
				t.Fatalf("took %+v", file)
			}
		}
	})
}
