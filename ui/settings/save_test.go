package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// written is the text of a file.
func written(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSave expects a new file to hold every setting, and to be again what it
// was when they are set back.
func TestSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "scout", "config.toml")
	if err := Save(path, Default(), Default()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a file was made for no change: %v", err)
	}
	if err := Save(path, Default(), full()); err != nil {
		t.Fatal(err)
	}
	got, problems, err := Load(path)
	if err != nil || len(problems) != 0 || !reflect.DeepEqual(got, full()) {
		t.Fatalf("%v, %v; got\n%+v\nwant\n%+v", problems, err, got, full())
	}
	for _, line := range strings.SplitAfter(Document(), "\n") {
		if !strings.Contains(written(t, path), line) {
			t.Errorf("the new file lacks %q", line)
		}
	}
	if err := Save(path, full(), Default()); err != nil {
		t.Fatal(err)
	}
	if got, problems, err := Load(path); err != nil || len(problems) != 0 || !reflect.DeepEqual(got, Default()) {
		t.Errorf("set back: %+v, %v, %v", got, problems, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the new file has mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the new folder has mode %v, %v", info.Mode(), err)
	}
}

// TestSaveKeeps expects nothing to change but what was asked for: not what is
// unknown, refused or written since.
func TestSaveKeeps(t *testing.T) {
	const text = "# Ann's\nthreads = \"many\"   # refused\nmine = { a = 1 } # unknown\n\ncontext=4_096\ntheme = 'moss'\n"
	path := file(t, text)
	before, problems, _ := Load(path)
	if len(problems) != 2 {
		t.Fatalf("problems %v, want 2", problems)
	}
	after := before.Clone()
	after.Theme = "ember"
	since := strings.Replace(text, "4_096", "8_192", 1) + "kv = 'q8_0'\n"
	if err := os.WriteFile(path, []byte(since), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, before, after); err != nil {
		t.Fatal(err)
	}
	if got, want := written(t, path), strings.Replace(since, "'moss'", `"ember"`, 1); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// The same again changes nothing, nor does it touch the spelling.
	if err := os.WriteFile(path, []byte("theme = 'ember'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, before, after); err != nil || written(t, path) != "theme = 'ember'\n" {
		t.Errorf("became %q, %v", written(t, path), err)
	}
	// A refused value can be set right.
	path = file(t, text)
	after = before.Clone()
	after.Threads = 3
	if err := Save(path, before, after); err != nil || written(t, path) != strings.Replace(text, `"many"`, "3", 1) {
		t.Errorf("became %q, %v", written(t, path), err)
	}
}

// TestSaveRefuses expects a file to stay as it is if a value is out of range or
// has no place in it.
func TestSaveRefuses(t *testing.T) {
	set := func(change func(*Settings)) Settings {
		s := Default()
		change(&s)
		return s
	}
	preset := func(p Preset) Settings {
		return set(func(s *Settings) { s.Presets["a"] = p })
	}
	for _, test := range []struct {
		name, text string
		after      Settings
		want       string
	}{
		{"range", "", set(func(s *Settings) { s.Context = -5 }), "context is -5, want a whole number from 0 to 2000000000"},
		{"choice", "", set(func(s *Settings) { s.KV = "q3" }), `kv is "q3", want f16`},
		{"control characters", "", set(func(s *Settings) { s.Editor = "vim\x1b" }), `editor is "vim\x1b", want`},
		{"not UTF-8", "", set(func(s *Settings) { s.Editor = "\xff" }), "editor"},
		{"preset that is not there", "", set(func(s *Settings) { s.Preset = "a" }), `preset is "a", want`},
		{"prompt that is not there", "", set(func(s *Settings) { s.Prompt = "a" }), `prompt is "a", want`},
		{"key", "", set(func(s *Settings) { s.Keys["send"] = []string{"ctrl+i"} }), `is tab in most terminals`},
		{"action", "", set(func(s *Settings) { s.Keys["Send it"] = []string{"a"} }), `not the name of an action`},
		{"name", "", set(func(s *Settings) { s.Prompts[""] = "x" }), `want a name`},
		{"prompt", "", set(func(s *Settings) { s.Prompts["x"] = strings.Repeat("x", longestPrompt+1) }), `want at most 65536 bytes`},
		{"NaN", "", preset(Preset{TopP: pointer(float32(math.NaN()))}), "top_p"},
		{"infinity", "", preset(Preset{Temperature: pointer(float32(math.Inf(1)))}), "temperature is"},
		{"seed", "", preset(Preset{Seed: pointer[uint64](math.MaxUint64)}), "no longer be TOML"},
		{"stop", "", preset(Preset{Stop: []string{""}}), "none of them empty"},
		{"no table", "keys = 5\n", set(func(s *Settings) { s.Keys["send"] = []string{"a"} }), "keys has a value, want a table"},
		{"a list of tables", "[[keys]]\nx = 1\n", set(func(s *Settings) { s.Keys["send"] = []string{"a"} }), "no longer be TOML"},
		{"a table", "[theme]\nx = 1\n", set(func(s *Settings) { s.Theme = "moss" }), "no longer be TOML"},
		{"size", "#" + strings.Repeat("x", largestFile-10), set(func(s *Settings) { s.Theme = "moss" }), "want at most 262144"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := file(t, test.text)
			err := Save(path, Default(), test.after)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("error %q, want %q in it", err, test.want)
			}
			if got := written(t, path); got != test.text {
				t.Errorf("the file became %.200q", got)
			}
			if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
				t.Errorf("left %v, %v", entries, err)
			}
		})
	}
	// The active preset cannot go alone.
	path := file(t, "preset = \"a\"\n[presets.a]\n")
	before, _, _ := Load(path)
	after := before.Clone()
	delete(after.Presets, "a")
	if err := Save(path, before, after); err == nil || !strings.Contains(err.Error(), `preset is "a"`) {
		t.Errorf("the active preset was taken away: %v", err)
	}
	after.Preset = DefaultPreset
	if err := Save(path, before, after); err != nil || written(t, path) != "preset = \"default\"\n" {
		t.Errorf("became %q, %v", written(t, path), err)
	}
}

// TestSaveMode expects permissions to stay, and a file that is read-only to
// stay as it is.
func TestSaveMode(t *testing.T) {
	after := Default()
	after.Theme = "moss"
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o660} {
		path := file(t, "")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := Save(path, Default(), after); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != mode) {
			t.Errorf("mode %v became %v, %v", mode, info.Mode(), err)
		}
	}
	path := file(t, "# mine\n")
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(path, 0o644)
	if err := Save(path, Default(), after); err == nil || !strings.Contains(err.Error(), "is read-only") || written(t, path) != "# mine\n" {
		t.Errorf("%v, %q", err, written(t, path))
	}
}

// TestSaveLinks expects a symbolic link to stay one, and its file to change;
// also one that leads nowhere yet.
func TestSaveLinks(t *testing.T) {
	dir := t.TempDir()
	path, middle, target := filepath.Join(dir, "config.toml"), filepath.Join(dir, "middle"), filepath.Join(dir, "dotfiles", "scout.toml")
	if err := os.Symlink("middle", path); err != nil {
		if os.Getenv("SCOUT_CI") != "" {
			t.Fatalf("no symbolic links here: %v", err) // which CI promised
		}
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := os.Symlink(target, middle); err != nil {
		t.Fatal(err)
	}
	before, after := Default(), Default()
	after.Theme = "moss"
	for range 2 {
		if err := Save(path, before, after); err != nil {
			t.Fatal(err)
		}
		if got, _, err := Load(target); err != nil || !reflect.DeepEqual(got, after) {
			t.Errorf("the target holds %+v, %v", got, err)
		}
		for _, link := range []string{path, middle} {
			if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
				t.Errorf("%s is no link any more: %v", link, err)
			}
		}
		before, after = after, Default()
		after.Theme = "ember"
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// failing is a disk whose n-th step, from 1 on, fails. Writing fails with half
// of it done.
type failing struct {
	osDisk
	n, steps *int
	log      *[]string // steps done, by name
}

var errFault = errors.New("the disk is on fire")

func (d failing) step(name string) error {
	*d.log = append(*d.log, name)
	*d.steps++
	if *d.steps == *d.n {
		return errFault
	}
	return nil
}

func (d failing) Lstat(path string) (fs.FileInfo, error) {
	if err := d.step("Lstat"); err != nil {
		return nil, err
	}
	return d.osDisk.Lstat(path)
}

func (d failing) Readlink(path string) (string, error) {
	if err := d.step("Readlink"); err != nil {
		return "", err
	}
	return d.osDisk.Readlink(path)
}

func (d failing) Read(path string, most int64) ([]byte, error) {
	if err := d.step("Read"); err != nil {
		return nil, err
	}
	return d.osDisk.Read(path, most)
}

func (d failing) MkdirAll(path string) error {
	if err := d.step("MkdirAll"); err != nil {
		return err
	}
	return d.osDisk.MkdirAll(path)
}

func (d failing) Create(folder string) (tempFile, error) {
	if err := d.step("Create"); err != nil {
		return nil, err
	}
	f, err := d.osDisk.Create(folder)
	return failingFile{f, d}, err
}

func (d failing) Rename(from, to string) error {
	if err := d.step("Rename"); err != nil {
		return err
	}
	return d.osDisk.Rename(from, to)
}

func (d failing) SyncDir(path string) error {
	if err := d.step("SyncDir"); err != nil {
		return err
	}
	return d.osDisk.SyncDir(path)
}

type failingFile struct {
	tempFile
	d failing
}

func (f failingFile) Write(b []byte) (int, error) {
	if err := f.d.step("Write"); err != nil {
		n, _ := f.tempFile.Write(b[:len(b)/2])
		return n, err
	}
	return f.tempFile.Write(b)
}

func (f failingFile) Chmod(mode fs.FileMode) error {
	if err := f.d.step("Chmod"); err != nil {
		return err
	}
	return f.tempFile.Chmod(mode)
}

func (f failingFile) Sync() error {
	if err := f.d.step("Sync"); err != nil {
		return err
	}
	return f.tempFile.Sync()
}

func (f failingFile) Close() error {
	err := f.tempFile.Close() // a file is closed whatever Close says
	return errors.Join(f.d.step("Close"), err)
}

// TestSaveFaults makes every step of saving fail in turn: the old file is
// whole, or from the rename on the new one, the failure is said, and nothing
// is left beside it.
func TestSaveFaults(t *testing.T) {
	const text = "# mine\ntheme = 'moss'\n"
	for _, made := range []bool{true, false} { // whether the file is there before
		failures := 0
		for n := 1; ; n++ {
			dir := t.TempDir()
			path := filepath.Join(dir, "config.toml")
			target := path
			if made {
				target = filepath.Join(dir, "target.toml")
				if os.Symlink("target.toml", path) != nil {
					target = path // no symbolic links here
				}
				if err := os.WriteFile(target, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			steps, log := 0, []string{}
			after := Default()
			after.Theme = "ember"
			err := save(failing{osDisk{}, &n, &steps, &log}, path, Default(), after)
			if err == nil {
				if steps >= n {
					t.Fatalf("step %d failed and nobody said so", n)
				}
				// On the disk before it has the name, and the name after it.
				_, order, _ := strings.Cut(strings.Join(log, " "), " Create ")
				order = strings.ReplaceAll(strings.ReplaceAll(order, "Lstat ", ""), "Read ", "")
				if order != "Write Chmod Sync Close Rename SyncDir" {
					t.Errorf("the steps are %s", order)
				}
				break
			}
			failures++
			if !errors.Is(err, errFault) {
				t.Fatalf("step %d: %v", n, err)
			}
			left, readErr := os.ReadFile(path)
			now := string(left)
			saved := strings.Contains(err.Error(), "are saved")
			switch {
			case saved && strings.Contains(now, "theme = \"ember\"\n"):
			case !saved && made && now == text:
			case !saved && !made && errors.Is(readErr, fs.ErrNotExist):
			default:
				t.Errorf("step %d: the file is %q, %v, after %v", n, now, readErr, err)
			}
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				if strings.HasSuffix(e.Name(), ".tmp") {
					t.Errorf("step %d left %s", n, e.Name())
				}
			}
		}
		if failures < 9 {
			t.Errorf("%d steps can fail, want at least 9", failures)
		}
	}
}

// meddling is a disk on which someone else writes the file while it is saved.
type meddling struct {
	osDisk
	times *int
	path  string
}

func (d meddling) Create(folder string) (tempFile, error) {
	if *d.times > 0 {
		*d.times--
		if err := os.WriteFile(d.path, []byte(fmt.Sprintf("kv = 'q8_0'\ncontext = %d\n", *d.times)), 0o600); err != nil {
			return nil, err
		}
	}
	return d.osDisk.Create(folder)
}

// TestSaveMeanwhile expects what another program wrote meanwhile to stay.
func TestSaveMeanwhile(t *testing.T) {
	after := Default()
	after.Theme = "ember"
	for _, made := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "config.toml")
		if made {
			path = file(t, "threads = 3\n")
		}
		times := 2
		if err := save(meddling{osDisk{}, &times, path}, path, Default(), after); err != nil {
			t.Fatal(err)
		}
		if got, want := written(t, path), "kv = 'q8_0'\ncontext = 0\ntheme = \"ember\"\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		times = 1000
		later := after
		later.Threads = 5
		if err := save(meddling{osDisk{}, &times, path}, path, after, later); !errors.Is(err, errChanged) {
			t.Errorf("changed again and again: %v", err)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("left %v, %v", entries, err)
		}
	}
}

// TestCheck expects a text to be refused that says anything but what was
// wanted, even if only in its problems.
func TestCheck(t *testing.T) {
	was, known, err := parse("mine = 1\n[presets.a]\ntop_k = 1\n")
	if err != nil || len(known) != 1 {
		t.Fatalf("%v, %v", known, err)
	}
	for text, want := range map[string]string{
		"mine = 1\n[presets.a]\ntop_k = 1\n":                "",
		"mine = 2\n[presets.a]\ntop_k = 1 # one\n":          "",
		"mine = 1\n[presets.a]\ntop_k = 2\n":                "presets.a.top_k would not have the value",
		"mine = 1\n[presets.a]\ntop_k = 1\n[keys]\nx = 5\n": "keys.x is 5",
		"mine = 1\n[presets.a]\ntop_k = 1\nother = 1\n":     "unknown setting presets.a.other",
		"mine = 1\n[presets.a]\ntop_k = -1\n":               "presets.a.top_k is -1",
		"mine = 1\n[presets.a]\ntop_k = \n":                 "no longer be TOML",
	} {
		err := check(text, leaves(was), known)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// random is settings of which each differs from the defaults by chance.
func random(rng *rand.Rand) Settings {
	s, f := Default(), full()
	maybe := func() bool { return rng.IntN(3) == 0 }
	for name, p := range f.Presets {
		if maybe() {
			continue
		}
		for _, field := range presetFields {
			if maybe() {
				field.unset(&p)
			}
		}
		s.Presets[name] = p.clone()
	}
	for name, prompt := range f.Prompts {
		if maybe() {
			s.Prompts[name] = prompt[rng.IntN(2):]
		}
	}
	for action, bound := range f.Keys {
		if maybe() {
			s.Keys[action] = bound[:rng.IntN(len(bound)+1)]
		}
	}
	for _, field := range topFields {
		_, there := s.Presets[f.Preset]
		_, said := s.Prompts[f.Prompt]
		if maybe() && (field.key != "preset" || there) && (field.key != "prompt" || said) {
			if err := field.set(&s, field.get(&f)); err != nil {
				panic(err)
			}
		}
	}
	return s
}

// comments is every comment of a text, in order.
func comments(t *testing.T, text string) []string {
	t.Helper()
	items, err := layout(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var all []string
	for at := 0; at < len(text); {
		next := strings.IndexByte(text[at:], '#')
		if next < 0 {
			break
		}
		at += next
		in := -1
		for _, it := range items {
			if it.value <= at && at < it.end && !it.table {
				in = it.end
			}
		}
		if in >= 0 {
			at = in
			continue
		}
		end := endOfLine(text, at)
		all = append(all, text[at:end])
		at = end
	}
	return all
}

// TestSaveRandom walks from settings to settings in files of every layout: what
// was set is what is read, and no comment is lost or moved past another.
func TestSaveRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 7))
	for i := range 400 {
		text := seeds[i%len(seeds)]
		now, _, err := parse(text)
		if err != nil {
			continue
		}
		for range 5 {
			next := random(rng)
			was := comments(t, text)
			revised, err := revise(text, changes(leaves(now), leaves(next)))
			if err != nil {
				if strings.Contains(err.Error(), "set it in the file itself") || strings.Contains(err.Error(), "want a table") {
					break // the file has something else in that place
				}
				t.Fatalf("%q: %v", text, err)
			}
			got, _, err := parse(revised)
			if err != nil || !reflect.DeepEqual(leaves(got), leaves(next)) {
				t.Fatalf("%q\nbecame\n%q\nwhich is %+v, %v, want %+v", text, revised, got, err, next)
			}
			is := comments(t, revised)
			for _, c := range was {
				for len(is) > 0 && is[0] != c {
					is = is[1:]
				}
				if len(is) == 0 {
					t.Fatalf("%q\nlost the comment %q and became\n%q", text, c, revised)
				}
			}
			text, now = revised, next
		}
	}
}

// FuzzSave expects one change in any text to be that one, or to be refused.
func FuzzSave(f *testing.F) {
	for i, seed := range seeds {
		f.Add(seed, uint64(i))
	}
	f.Fuzz(func(t *testing.T, text string, chance uint64) {
		was, _, err := parse(text)
		if err != nil || len(text) > largestFile {
			return
		}
		next := random(rand.New(rand.NewPCG(chance, 1)))
		revised, err := revise(text, changes(leaves(was), leaves(next)))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("%q: error %q", text, err)
			}
			return
		}
		if got, _, err := parse(revised); err != nil || !reflect.DeepEqual(leaves(got), leaves(next)) {
			t.Fatalf("%q\nbecame\n%q", text, revised)
		}
		checkLayout(t, revised)
	})
}
