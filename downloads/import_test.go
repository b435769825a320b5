package downloads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"scout/downloads/disk"
	"scout/downloads/faultserver"
)

// layouts makes the folders of other programs in an empty home: see
// testdata/elsewhere/README.md.
func layouts(t *testing.T, programs ...string) (home string) {
	t.Helper()
	home = t.TempDir()
	for _, program := range programs {
		text, err := os.ReadFile(filepath.Join("testdata", "elsewhere", program+".txt"))
		must(t, err)
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
				continue
			}
			entry(t, home, fill(t, line))
		}
	}
	return home
}

var (
	sumOf  = regexp.MustCompile(`\$sum\((\w+)\)`)
	sizeOf = regexp.MustCompile(`\$size\((\w+)\)`)
)

// contents are what the layouts' files hold.
func contents(name string) faultserver.Published {
	files := sharded()
	switch name {
	case "part1":
		return files[0]
	case "part2":
		return files[1]
	case "q8":
		return files[2]
	case "tower":
		return files[3]
	case "weights":
		return content(30, 70_000).At("weights.gguf")
	case "license":
		return faultserver.Data("license", []byte("license"))
	}
	return content(uint64(40+len(name)), 10_000).At(name)
}

func fill(t *testing.T, line string) string {
	line = sumOf.ReplaceAllStringFunc(line, func(m string) string { return contents(sumOf.FindStringSubmatch(m)[1]).SHA256 })
	return sizeOf.ReplaceAllStringFunc(line, func(m string) string { return fmt.Sprint(contents(sizeOf.FindStringSubmatch(m)[1]).Size) })
}

// entry makes one entry of a layout.
func entry(t *testing.T, home, line string) {
	t.Helper()
	kind, rest, _ := strings.Cut(line, " ")
	place, what, ok := strings.Cut(rest, " = ")
	if kind == "link" {
		place, what, ok = strings.Cut(rest, " -> ")
	}
	if !ok {
		t.Fatalf("the layout has the line %q", line)
	}
	p := filepath.Join(home, filepath.FromSlash(place))
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	switch kind {
	case "text":
		must(t, os.WriteFile(p, []byte(what), 0o644))
	case "file":
		f := contents(what)
		data, err := io.ReadAll(io.NewSectionReader(f.Bytes, 0, f.Size))
		must(t, err)
		must(t, os.WriteFile(p, data, 0o644))
	case "link":
		if err := os.Symlink(filepath.FromSlash(what), p); err != nil {
			if os.Getenv("SCOUT_CI") != "" {
				t.Fatalf("no symbolic links here: %v", err) // which CI promised
			}
			t.Skipf("no symbolic links here: %v", err)
		}
	}
}

// at opens a store beside the folders of other programs.
func at(t *testing.T, s *faultserver.Server, home string, fsys disk.FS, env map[string]string) *Downloads {
	t.Helper()
	d, err := Open(Config{
		FS: fsys, Client: s.Client(t), Home: home, Registry: s.Hub,
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
	must(t, err)
	return d
}

func importables(t *testing.T, d *Downloads) []Importable {
	t.Helper()
	all, err := d.Importables()
	must(t, err)
	return all
}

// show is what a list of models says.
func show(all []Importable) []string {
	var lines []string
	for _, i := range all {
		line := fmt.Sprintf("%s, %s, %d bytes, %d parts", i.Name, i.Program, i.Size, i.Parts)
		if i.Tower {
			line += ", tower"
		}
		if i.Why != "" {
			line += ": " + i.Why
		}
		lines = append(lines, line)
	}
	return lines
}

func TestImportables(t *testing.T) {
	tests := map[string][]string{
		"ollama": {
			"hf.co/someone/Scout-GGUF:Q8_0, Ollama, 400000 bytes, 1 parts",
			"llama4:scout, Ollama, 70000 bytes, 1 parts",
			"someone/seeing:7b, Ollama, 120000 bytes, 1 parts, tower",
		},
		"huggingface": {
			"hf.co/someone/Scout-GGUF:Q4_K_M, the Hugging Face cache, 550001 bytes, 2 parts, tower",
			"someone/Half-GGUF, the Hugging Face cache, 0 bytes, 0 parts: the set Half-Q4_K_M-of-00002 is not whole there: part 2 is missing",
		},
		"lmstudio": {"hf.co/someone/Scout-GGUF:Q8_0, LM Studio, 450000 bytes, 1 parts, tower"},
		"llamacpp": {
			"bare-Q4_0, llama.cpp, 300000 bytes, 1 parts",
			"hf.co/someone/Scout-GGUF:Q8_0, llama.cpp, 400000 bytes, 1 parts",
			"someone_Tagged-GGUF_Tagged-Q4_0, llama.cpp, 70000 bytes, 1 parts",
		},
	}
	s, _ := newHub(t)
	for program, want := range tests {
		d := at(t, s, layouts(t, program), openRoot(t), nil)
		got := show(importables(t, d))
		if !slices.Equal(got, want) {
			t.Errorf("of %s:\n%s\nwant\n%s", program, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	// llama.cpp uses the layout of Hugging Face now, in a folder that may be named.
	home := layouts(t, "huggingface")
	cache := filepath.Join(home, ".cache", "huggingface", "hub")
	if got := show(importables(t, at(t, s, home, openRoot(t), map[string]string{"LLAMA_CACHE": cache}))); !slices.Equal(got, tests["huggingface"]) {
		t.Errorf("with LLAMA_CACHE: %q", got)
	}
	if all := importables(t, at(t, s, t.TempDir(), openRoot(t), nil)); len(all) != 0 {
		t.Errorf("of an empty home: %q", show(all))
	}
}

// Everything that can be imported is: verified, used where it lies, seen as
// such, and nothing is copied.
func TestImport(t *testing.T) {
	s, _ := newHub(t)
	home := layouts(t, "ollama", "huggingface", "lmstudio", "llamacpp")
	d := at(t, s, home, openRoot(t), nil)
	imported := map[string]Imported{}
	for _, i := range importables(t, d) {
		if i.Why != "" {
			if _, err := d.Import(t.Context(), i, nil); !errors.As(err, new(*NotImportableError)) {
				t.Errorf("%s of %s: %v", i.Name, i.Program, err)
			}
			continue
		}
		var last, total int64
		got, err := d.Import(t.Context(), i, func(done, all int64) { last, total = done, all })
		if err != nil {
			t.Errorf("%s of %s: %v", i.Name, i.Program, err)
			continue
		}
		if last > total || total != 0 && total != i.Size {
			t.Errorf("%s: %d of %d bytes were read, of %d", i.Name, last, total, i.Size)
		}
		if !strings.HasPrefix(got.Weights, home) || i.Tower && !strings.HasPrefix(got.Projector, home) {
			t.Errorf("%s is at %s and %s", i.Name, got.Weights, got.Projector)
		}
		imported[i.Program+" "+got.Name] = got
	}
	if s.Sent() != 0 {
		t.Errorf("%d bytes were sent", s.Sent())
	}
	u, err := d.List()
	must(t, err)
	if u.Total != 0 || len(u.Broken) != 0 || len(u.Unused) != 0 {
		t.Errorf("the store has %+v", u)
	}
	// Sums come from the place, from the hub, or from nowhere.
	for name, published := range map[string]bool{
		"Ollama llama4:scout": true, "the Hugging Face cache hf.co/someone/Scout-GGUF:Q4_K_M": true,
		"llama.cpp someone_Tagged-GGUF_Tagged-Q4_0": true, "llama.cpp bare-Q4_0": false,
	} {
		if got, ok := imported[name]; !ok || got.Published != published {
			t.Errorf("%s: %v, published %v", name, ok, got.Published)
		}
	}
	for _, i := range importables(t, d) {
		if i.Why == "" || !i.Here && i.Size > 0 {
			t.Errorf("%s of %s is not marked as here: %+v", i.Name, i.Program, i)
		}
	}
	before := u
	for _, i := range importables(t, d) { // and it is not imported twice
		_, _ = d.Import(t.Context(), i, nil)
	}
	if u, err := d.List(); err != nil || len(u.Models) != len(before.Models) {
		t.Errorf("there are %d models, %d before, %v", len(u.Models), len(before.Models), err)
	}
}

// What the program's own record says is not what the file holds.
func TestImportOfDamaged(t *testing.T) {
	s, _ := newHub(t)
	home := layouts(t, "ollama", "lmstudio")
	flip(t, filepath.Join(home, ".ollama", "models", "blobs", "sha256-"+contents("weights").SHA256))
	flip(t, filepath.Join(home, ".lmstudio", "models", "someone", "Scout-GGUF", "Scout-Q8_0.gguf"))
	d := at(t, s, home, openRoot(t), nil)
	damaged := 0
	for _, i := range importables(t, d) {
		if i.Name == "llama4:scout" || i.Program == "LM Studio" {
			_, err := d.Import(t.Context(), i, nil)
			mustSay(t, err, "cannot be used from there", "its checksum differs")
			damaged++
		}
	}
	if u, err := d.List(); err != nil || len(u.Models) != 0 || damaged != 2 {
		t.Errorf("the store has %+v, %v, %d were damaged", u, err, damaged)
	}
}

// Without the hub, a file whose place names no sum counts as it is.
func TestImportOffline(t *testing.T) {
	s, _ := newHub(t)
	d := at(t, s, layouts(t, "lmstudio"), openRoot(t), map[string]string{"HF_HUB_OFFLINE": "1"})
	got, err := d.Import(t.Context(), importables(t, d)[0], nil)
	must(t, err)
	if got.Published || len(got.Notices) != 1 || !strings.Contains(got.Notices[0], "the published checksums could not be had") {
		t.Errorf("Import = %+v", got)
	}
	if c, err := d.Verify(t.Context(), got.Name, nil); err != nil || !c.Right() {
		t.Errorf("Verify = %+v, %v", c, err)
	}
	// With the hub back, a pull finds that it has all of it.
	r := mustPull(t, at(t, s, "/nowhere", d.fsys, nil), got.Name)
	if r.Received != 0 || s.Sent() != 0 || r.Revision != firstCommit {
		t.Errorf("Pull = %+v, %d bytes were sent", r, s.Sent())
	}
}

func TestImportInterrupted(t *testing.T) {
	s, _ := newHub(t)
	d := at(t, s, layouts(t, "huggingface"), openRoot(t), nil)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := d.Import(ctx, importables(t, d)[0], func(done, _ int64) { cancel(stop) })
	if !errors.Is(err, stop) {
		t.Errorf("Import = %v", err)
	}
	if u, err := d.List(); err != nil || len(u.Models) != 0 {
		t.Errorf("the store has %+v, %v", u, err)
	}
}

// The other program deletes its file, or changes it: that is said, the rest
// goes on, and a pull fetches what is gone.
func TestImportedIsDeleted(t *testing.T) {
	s, _ := newHub(t)
	home := layouts(t, "huggingface")
	root := openRoot(t)
	d := at(t, s, home, root, nil)
	got, err := d.Import(t.Context(), importables(t, d)[0], nil)
	must(t, err)
	must(t, os.Remove(filepath.Join(home, ".cache", "huggingface", "hub", "models--someone--Scout-GGUF", "blobs", contents("part2").SHA256)))
	_, err = d.Path(got.Name)
	mustSay(t, err, "is not whole", "which the Hugging Face cache had, is gone", "'scout pull "+stored1+"' fetches what is missing")
	u, err := d.List()
	if err != nil || len(u.Models) != 1 || !strings.Contains(u.Models[0].Missing, "is gone") {
		t.Errorf("List = %+v, %v", u, err)
	}
	if c, err := d.Verify(t.Context(), got.Name, nil); err != nil || c.Right() {
		t.Errorf("Verify = %+v, %v", c, err)
	}
	r := mustPull(t, d, got.Name)
	// Parts find each other by where they are, so both come; the tower stays.
	if s.Sent() != 500_001 || strings.HasPrefix(r.Weights, home) || !strings.HasPrefix(r.Projector, home) {
		t.Errorf("%d bytes were sent; the files are %s and %s", s.Sent(), r.Weights, r.Projector)
	}
	for n := range 2 {
		if _, err := os.Stat(filepath.Join(filepath.Dir(r.Weights), fmt.Sprintf("model-%05d-of-00002.gguf", n+1))); err != nil {
			t.Error(err)
		}
	}
	files := sharded()
	mustBe(t, d, got.Name, files[0], files[1], files[3])
	// Removing it frees what was fetched and leaves the other program's files.
	rm, err := d.Remove(got.Name)
	if err != nil || rm.Freed == 0 {
		t.Errorf("Remove = %+v, %v", rm, err)
	}
	if _, err := os.Stat(filepath.Join(home, ".cache", "huggingface", "hub", "models--someone--Scout-GGUF", "blobs", contents("part1").SHA256)); err != nil {
		t.Error(err)
	}
}

// A part that is damaged where another program has it is repaired here.
func TestRepairOfImported(t *testing.T) {
	s, _ := newHub(t)
	home := layouts(t, "huggingface")
	d := at(t, s, home, openRoot(t), nil)
	got, err := d.Import(t.Context(), importables(t, d)[0], nil)
	must(t, err)
	blob := filepath.Join(home, ".cache", "huggingface", "hub", "models--someone--Scout-GGUF", "blobs", contents("part2").SHA256)
	flip(t, blob)
	c, err := d.Verify(t.Context(), got.Name, nil)
	if err != nil || c.Right() {
		t.Fatalf("Verify = %+v, %v", c, err)
	}
	before, err := os.ReadFile(blob)
	must(t, err)
	c, err = d.Repair(t.Context(), c, Options{})
	if err != nil || !c.Repaired || s.Sent() != 500_001 {
		t.Errorf("Repair = %+v, %v, %d bytes were sent", c, err, s.Sent())
	}
	files := sharded()
	mustBe(t, d, got.Name, files[0], files[1], files[3])
	if m, err := d.Path(got.Name); err != nil || strings.HasPrefix(m.Weights, home) {
		t.Errorf("Path = %s, %v", m.Weights, err)
	}
	if after, err := os.ReadFile(blob); err != nil || string(after) != string(before) {
		t.Errorf("the other program's file was written to: %v", err)
	}
}

// One that came from no hub cannot be fetched from one.
func TestImportedFromNowhereIsDeleted(t *testing.T) {
	s, _ := newHub(t)
	home := layouts(t, "llamacpp")
	d := at(t, s, home, openRoot(t), nil)
	got, err := d.Import(t.Context(), importables(t, d)[0], nil)
	must(t, err)
	must(t, os.Remove(got.Weights))
	_, err = d.Path(got.Name)
	mustSay(t, err, "bare-Q4_0 is not whole", "which llama.cpp had, is gone", "'scout rm bare-Q4_0' forgets it")
}

// A split set that another program has whole is used where it lies, and a pull
// of it fetches nothing.
func TestPullOfSetThatIsHere(t *testing.T) {
	for _, broken := range []bool{false, true} {
		t.Run(fmt.Sprint("broken ", broken), func(t *testing.T) {
			s, _ := newHub(t)
			home := layouts(t, "huggingface")
			if broken {
				flip(t, filepath.Join(home, ".cache", "huggingface", "hub", "models--someone--Scout-GGUF", "blobs", contents("part2").SHA256))
			}
			d := at(t, s, home, openRoot(t), nil)
			var plan Plan
			r, err := pull(t, d, name, Options{Before: func(p Plan) error { plan = p; return nil }})
			must(t, err)
			if plan.Reusable != 550_001 || plan.Fetch() != 0 {
				t.Errorf("the plan is %+v", plan)
			}
			want := int64(0)
			if broken { // then all of it: parts find each other by where they are
				want = 500_001
			}
			if s.Sent() != want || strings.HasPrefix(r.Weights, home) == broken {
				t.Errorf("%d bytes were sent, want %d; the weights are %s", s.Sent(), want, r.Weights)
			}
			files := sharded()
			mustBe(t, d, name, files[0], files[1], files[3])
		})
	}
}

// What was verified once is not read again while it is as it was.
func TestVerifiedOnce(t *testing.T) {
	s, _ := newHub(t)
	home := layouts(t, "ollama")
	d := at(t, s, home, openRoot(t), nil)
	var i Importable
	for _, each := range importables(t, d) {
		if each.Name == "hf.co/someone/Scout-GGUF:Q8_0" {
			i = each
		}
	}
	_, err := d.Import(t.Context(), i, nil)
	must(t, err)
	var read []string
	_, err = pull(t, d, "someone/Scout-GGUF:Q8_0", Options{Each: func(p Progress) {
		if p.State == Reusing {
			read = append(read, p.File)
		}
	}})
	must(t, err)
	if slices.Contains(read, i.Paths[0]) || s.Sent() != 0 {
		t.Errorf("it read %q, and %d bytes were sent", read, s.Sent())
	}
	// Changed, it is read again, and found right or wrong.
	later := time.Now().Add(time.Hour)
	must(t, os.Chtimes(i.Paths[0], later, later))
	if _, err := d.Path("someone/Scout-GGUF:Q8_0"); err == nil {
		t.Error("a file that was changed is used")
	}
	s.Forget()
	mustPull(t, d, "someone/Scout-GGUF:Q8_0")
	if s.Sent() != 0 {
		t.Errorf("%d bytes were sent for a file that is right", s.Sent())
	}
}
