package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/adrg/xdg"

	"scout/downloads/faultserver"
	"scout/engine"
	"scout/hardware"
)

const (
	hubCommit = "1111111111111111111111111111111111111111"
	hubRepo   = "someone/Tiny-GGUF"
	hubModel  = "someone/Tiny-GGUF:Q8_0"
	hubStored = "hf.co/someone/Tiny-GGUF:Q8_0"
)

// hubWith starts a hub with a repository of the demo model, its tower, and
// more files, and points the environment at it and at an empty store.
func hubWith(t *testing.T, more ...faultserver.Published) *faultserver.Repository {
	t.Helper()
	_, r := hubServer(t, more...)
	return r
}

// hubServer is hubWith with the server.
func hubServer(t *testing.T, more ...faultserver.Published) (*faultserver.Server, *faultserver.Repository) {
	t.Helper()
	s := faultserver.NewOnSockets(t)
	r := s.Repository(hubRepo)
	r.Direct = true
	files := more
	for published, name := range map[string]string{"Tiny-Q8_0.gguf": "tiny-scout-Q8_0.gguf", "mmproj-Tiny-F16.gguf": "mmproj-tiny-scout.gguf"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "models", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, faultserver.Data(published, data))
	}
	r.Commit(hubCommit, files...)
	r.Card = map[string]any{"cardData": map[string]any{"license": "llama4"}}
	home := t.TempDir()
	for name, value := range map[string]string{
		"HF_ENDPOINT": s.Hub, "SCOUT_MODELS": filepath.Join(t.TempDir(), "models"), "XDG_STATE_HOME": t.TempDir(), "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
		"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": "", "HF_HUB_OFFLINE": "", "MODEL_ENDPOINT": "", "HOME": home, "USERPROFILE": home, "OLLAMA_MODELS": "",
		"HF_HOME": "", "HF_HUB_CACHE": "", "HUGGINGFACE_HUB_CACHE": "", "LLAMA_CACHE": "", "XDG_CACHE_HOME": "", "LOCALAPPDATA": "",
		"HTTP_PROXY": "", "HTTPS_PROXY": "", "ALL_PROXY": "", "http_proxy": "", "https_proxy": "", "all_proxy": "", "NO_PROXY": "", "no_proxy": "",
	} {
		t.Setenv(name, value)
	}
	cache := xdg.CacheHome
	xdg.CacheHome = t.TempDir()
	t.Cleanup(func() { xdg.CacheHome = cache })
	if err := Agree(Terms{ID: "llama4"}, "all of these tests"); err != nil { // licence_test.go has the ones where it was not
		t.Fatal(err)
	}
	return s, r
}

// scout runs a command with a machine of 64 GB, and expects an exit code.
func scoutCommand(t *testing.T, want int, args ...string) (out, err string) {
	t.Helper()
	a := newTestApp(t, newFakeModel())
	a.App.memory = func() (hardware.Memory, error) { return hardware.Memory{Total: 64e9, Available: 32e9}, nil }
	if code := a.run(args...); code != want {
		t.Fatalf("scout %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, a.out.String(), a.err.String())
	}
	return a.out.String(), a.err.String()
}

func mustContain(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q, want it to have %q", text, w)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("%q has an escape byte", text)
	}
}

func TestPullRunRemove(t *testing.T) {
	r := hubWith(t)
	out, errs := scoutCommand(t, ExitDone, "pull", hubModel)
	mustContain(t, out, hubStored+" is here (7.6 MB, all checksums right): scout run "+hubStored)
	mustContain(t, errs, "7.6 MB in 2 files, vision tower included; 7.6 MB to download", "licence: llama4", "checksums are those that the mirror")
	if sent := r.Sent(); sent > 7_700_000 {
		t.Errorf("%d bytes were sent of a model of 7.6 MB", sent)
	}

	out, _ = scoutCommand(t, ExitDone, "ls")
	mustContain(t, out, hubStored+"\t7.6 MB\t")
	out, _ = scoutCommand(t, ExitDone, "quants", hubRepo)
	if out != "Q8_0\t7.6 MB\tfits\tvision tower, here\n" {
		t.Errorf("quants wrote %q", out)
	}

	before := r.Sent()
	out, _ = scoutCommand(t, ExitDone, "pull", hubModel)
	mustContain(t, out, "is here already")
	if r.Sent() != before {
		t.Errorf("%d bytes were sent for what was here", r.Sent()-before)
	}

	// The engine opens it by its name, and finds its tower.
	for _, name := range []string{hubStored, hubModel, hubRepo} {
		m, err := modelFiles{}.open(t.Context(), name, engine.Options{Context: 64})
		if err != nil {
			t.Fatalf("opening %s: %v", name, err)
		}
		m.Close()
		if info, err := (modelFiles{}).inspect(name); err != nil || info.Architecture != "llama4" {
			t.Errorf("inspecting %s: %+v, %v", name, info, err)
		}
		if towers := (modelFiles{}).towers(name); len(towers) != 1 || filepath.Base(towers[0]) != "mmproj.gguf" {
			t.Errorf("the towers of %s are %q", name, towers)
		}
	}

	out, _ = scoutCommand(t, ExitDone, "rm", hubModel)
	mustContain(t, out, "removed "+hubStored+": 7.6 MB are free again")
	_, errs = scoutCommand(t, ExitError, "rm", hubModel)
	mustContain(t, errs, "no model \""+hubModel+"\" was pulled: 'scout ls' lists")
	if out, _ = scoutCommand(t, ExitDone, "ls"); out != "" {
		t.Errorf("ls wrote %q of an empty store", out)
	}
}

// A vision tower that another program has is found where that has it.
func TestTowerElsewhere(t *testing.T) {
	hubWith(t)
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "models", "mmproj-tiny-scout.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	models := t.TempDir()
	t.Setenv("OLLAMA_MODELS", models)
	path := filepath.Join(models, "blobs", "sha256-"+faultserver.Data("", data).SHA256)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs := scoutCommand(t, ExitDone, "pull", hubModel)
	mustContain(t, errs, "918.6 kB seem to be on this machine already (Ollama), and are used where they lie if they are right; 6.7 MB to download", "using 918.6 kB that Ollama has, where it is: "+path)
	if towers := (modelFiles{}).towers(hubModel); len(towers) != 1 || towers[0] != path {
		t.Errorf("the towers are %q, want %s", towers, path)
	}
	out, _ := scoutCommand(t, ExitDone, "ls")
	mustContain(t, out, "uses a file of Ollama")
	out, _ = scoutCommand(t, ExitDone, "rm", hubModel)
	mustContain(t, out, path+" stays, it belongs to Ollama")
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// A name that is neither a file nor pulled says how to get it.
func TestNameOfNothing(t *testing.T) {
	hubWith(t)
	for name, want := range map[string]string{
		"someone/Tiny-GGUF:Q4_0": "'scout pull someone/Tiny-GGUF:Q4_0' fetches it",
		"missing.gguf":           "no such file",
	} {
		_, err := modelFiles{}.open(t.Context(), name, engine.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening %s: %v, want %q", name, err, want)
		}
	}
	if _, err := (modelFiles{}).open(t.Context(), "missing.gguf", engine.Options{}); strings.Contains(err.Error(), "pull") {
		t.Errorf("a path was taken for a name: %v", err)
	}
	if _, err := os.Stat(modelsDir()); err == nil {
		t.Error("looking for a model made the folder of models")
	}
}

func TestPullChoices(t *testing.T) {
	big := faultserver.Published{Path: "Tiny-BF16.gguf", Bytes: faultserver.Content{}, Size: 90e9, SHA256: strings.Repeat("a", 64)}
	hubWith(t, big)
	_, errs := scoutCommand(t, ExitError, "pull", hubRepo)
	mustContain(t, errs, "has 2 quantizations: name one, hf.co/someone/Tiny-GGUF:Q8_0 for instance", "Q8_0   7.6 MB    fits", "BF16   90.0 GB   larger than memory")
	_, errs = scoutCommand(t, ExitError, "pull", hubRepo+":Q8_1")
	mustContain(t, errs, "has no Q8_1; did you mean Q8_0?", "the choices:")
	_, errs = scoutCommand(t, ExitError, "pull", "nobody/nothing")
	mustContain(t, errs, "there is no repository nobody/nothing")
	scoutCommand(t, ExitUsage, "pull")
	scoutCommand(t, ExitUsage, "pull", "a/b", "--limit", "fast")
	scoutCommand(t, ExitUsage, "pull", "a/b", "--connections", "-1")
	_, errs = scoutCommand(t, ExitError, "pull", "../..", "nobody/nothing")
	mustContain(t, errs, "names no model", "2 of 2 models could not be pulled")
}

// A disk that is too small says so before the first byte, and memory that is
// too small is said with what would fit.
func TestPullTooLarge(t *testing.T) {
	huge := faultserver.Published{Path: "Tiny-BF16.gguf", Bytes: faultserver.Content{}, Size: 1 << 49, SHA256: strings.Repeat("a", 64)}
	r := hubWith(t, huge, faultserver.Content{Seed: 3, Size: 1000}.At("Tiny-Q2_K.gguf")) // fits too, and is the worse
	_, errs := scoutCommand(t, ExitError, "pull", hubRepo+":BF16")
	mustContain(t, errs, "this machine has 64.0 GB of memory and the model wants about 619.2 TB", "Q8_0 (7.6 MB) fits",
		"needs 563.0 TB and ", "are free: free ", "or choose another folder for models")
	if r.Sent() != 0 {
		t.Errorf("%d bytes were sent", r.Sent())
	}
	if out, _ := scoutCommand(t, ExitDone, "ls"); out != "" {
		t.Errorf("ls wrote %q", out)
	}
}

func TestPullJSON(t *testing.T) {
	hubWith(t)
	out, errs := scoutCommand(t, ExitDone, "pull", hubModel, "--json")
	if errs != "" {
		t.Errorf("standard error has %q", errs)
	}
	var kinds []string
	var last map[string]any
	for line := range strings.Lines(out) {
		last = map[string]any{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if kind := last["event"].(string); len(kinds) == 0 || kinds[len(kinds)-1] != kind {
			kinds = append(kinds, kind)
		}
	}
	if got := strings.Join(kinds, " "); got != "progress plan progress done" {
		t.Errorf("the events are %q", got)
	}
	if last["name"] != hubStored || last["size"] != 7633152.0 || filepath.Base(last["path"].(string)) != "model.gguf" || filepath.Base(last["tower"].(string)) != "mmproj.gguf" {
		t.Errorf("the last event is %v", last)
	}
	out, _ = scoutCommand(t, ExitDone, "ls", "--json")
	var u usageRecord
	if err := json.Unmarshal([]byte(out), &u); err != nil || len(u.Models) != 1 || !u.Models[0].Complete || u.Models[0].Name != hubStored || u.Models[0].Process != 0 {
		t.Errorf("ls --json wrote %q, %v", out, err)
	}
	out, _ = scoutCommand(t, ExitError, "pull", "nobody/nothing", "--json")
	mustContain(t, out, `"event":"error"`, "there is no repository")
	out, _ = scoutCommand(t, ExitDone, "quants", hubRepo, "--json")
	mustContain(t, out, `"quant":"Q8_0","name":"`+hubStored+`","size":7633152,"parts":1,"vision_tower":true,"fits":true,"here":true`)
}

// An interrupt keeps what has come and says how to go on.
func TestPullInterrupted(t *testing.T) {
	const name, stored = hubRepo + ":Q4_0", "hf.co/" + hubRepo + ":Q4_0"
	r := hubWith(t, faultserver.Content{Seed: 5, Size: 32 << 20}.At("Tiny-Q4_0.gguf"))
	r.Slow(10 * time.Millisecond) // after every 64 KiB of each connection
	a := newTestApp(t, newFakeModel())
	go func() {
		for r.Sent() < 16<<20 {
			time.Sleep(time.Millisecond)
		}
		a.signals <- os.Interrupt
	}()
	if code := a.run("pull", name); code != ExitInterrupted {
		t.Fatalf("exit code %d, want %d\n%s", code, ExitInterrupted, a.err.String())
	}
	mustContain(t, a.err.String(), "stopped at ", " of 34.5 MB; nothing of it is lost: 'scout pull "+name+"' goes on from there")
	out, _ := scoutCommand(t, ExitDone, "ls")
	mustContain(t, out, "% downloaded: 'scout pull' goes on")
	_, err := modelFiles{}.open(t.Context(), name, engine.Options{})
	if err == nil || !strings.Contains(err.Error(), "is not whole") || !strings.Contains(err.Error(), "'scout pull "+stored+"' goes on with it") {
		t.Errorf("opening what is not whole: %v", err)
	}
	_, errs := scoutCommand(t, ExitDone, "verify") // of all: what is on its way is no damage
	mustContain(t, errs, "is not whole")
	scoutCommand(t, ExitError, "verify", name)
	r.Slow(0)
	before := r.Sent()
	out, errs = scoutCommand(t, ExitDone, "pull", name)
	mustContain(t, out, "all checksums right")
	mustContain(t, errs, "are here already")
	if sent := r.Sent() - before; sent > 28<<20 {
		t.Errorf("%d bytes were sent for the rest of 34.5 MB", sent)
	}
}

func TestVerifyRepair(t *testing.T) {
	r := hubWith(t)
	scoutCommand(t, ExitDone, "pull", hubModel)
	out, _ := scoutCommand(t, ExitDone, "verify")
	if out != hubStored+": right\n" {
		t.Errorf("verify wrote %q", out)
	}
	m, ok, err := storedModel(hubModel)
	if err != nil || !ok {
		t.Fatal(err)
	}
	f, err := os.OpenFile(m.Weights, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("a flipped bit"), 3_000_000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	out, errs := scoutCommand(t, ExitError, "verify", hubModel)
	mustContain(t, out, hubStored+": Tiny-Q8_0.gguf is damaged, in 1 piece (")
	mustContain(t, errs, "1 model damaged: 'scout verify --repair'")
	out, _ = scoutCommand(t, ExitError, "verify", hubModel, "--json")
	mustContain(t, out, `{"name":"`+hubStored+`","right":false,"damaged":[{"name":"Tiny-Q8_0.gguf","why":"Tiny-Q8_0.gguf is damaged, in 1 piece`, `"repaired":false,"fetched":0}`)
	before := r.Sent()
	out, _ = scoutCommand(t, ExitDone, "verify", hubModel, "--repair")
	mustContain(t, out, hubStored+": repaired, ")
	if sent := r.Sent() - before; sent == 0 || sent > 6_800_000 {
		t.Errorf("%d bytes were sent for the repair", sent)
	}
	out, _ = scoutCommand(t, ExitDone, "verify")
	mustContain(t, out, ": right")
	out, _ = scoutCommand(t, ExitDone, "verify", "--json")
	if want := `{"name":"` + hubStored + `","right":true,"damaged":[],"repaired":false,"fetched":0}` + "\n"; out != want {
		t.Errorf("verify --json wrote %q, want %q", out, want)
	}
	_, errs = scoutCommand(t, ExitError, "verify", "someone/else")
	mustContain(t, errs, "no model \"someone/else\" was pulled")
}

// What another model uses too is kept, and it is said why.
func TestRmKeepsShared(t *testing.T) {
	hubWith(t, faultserver.Content{Seed: 3, Size: 1000}.At("Tiny-Q2_K.gguf"))
	scoutCommand(t, ExitDone, "pull", hubModel, hubRepo+":Q2_K")
	out, _ := scoutCommand(t, ExitDone, "ls")
	mustContain(t, out, "918.6 kB shared with others")
	out, _ = scoutCommand(t, ExitDone, "rm", hubModel)
	mustContain(t, out, "; kept mmproj-Tiny-F16.gguf (918.6 kB), which hf.co/someone/Tiny-GGUF:Q2_K uses too")
	out, _ = scoutCommand(t, ExitDone, "verify")
	mustContain(t, out, "hf.co/someone/Tiny-GGUF:Q2_K: right")
	out, _ = scoutCommand(t, ExitDone, "rm", "--unused")
	mustContain(t, out, "0 B are free again")
	out, _ = scoutCommand(t, ExitDone, "rm", "--unused", "--json")
	if want := `{"name":"","freed":0,"kept":[]}` + "\n"; out != want {
		t.Errorf("rm --json wrote %q, want %q", out, want)
	}
	scoutCommand(t, ExitDone, "pull", hubModel)
	out, _ = scoutCommand(t, ExitDone, "rm", hubModel, "--json")
	mustContain(t, out, `{"name":"`+hubStored+`","freed":6`, `"kept":[{"name":"mmproj-Tiny-F16.gguf","size":918`, `"used_by":["hf.co/someone/Tiny-GGUF:Q2_K"]}]}`)
	// A manifest that cannot be read holds on to what nobody knows.
	if err := os.WriteFile(filepath.Join(modelsDir(), "manifests", "m-x-0123456789.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs := scoutCommand(t, ExitError, "rm", hubRepo+":Q2_K")
	mustContain(t, errs, "nothing is removed while it is unknown what is in use")
	_, errs = scoutCommand(t, ExitError, "rm", "--unused")
	mustContain(t, errs, "nothing is removed while it is unknown what is in use")
	if _, ok, err := storedModel(hubRepo + ":Q2_K"); !ok || err != nil {
		t.Errorf("the model is gone, %v", err)
	}
	_, errs = scoutCommand(t, ExitDone, "ls")
	mustContain(t, errs, "makes no sense")
}

// A server with other bytes than it promised: nothing is called a model.
func TestPullWrongHash(t *testing.T) {
	wrong := faultserver.Content{Seed: 3, Size: 1000}.At("Tiny-Q2_K.gguf")
	wrong.SHA256 = strings.Repeat("b", 64)
	hubWith(t, wrong)
	_, errs := scoutCommand(t, ExitError, "pull", hubRepo+":Q2_K")
	mustContain(t, errs, "checksum")
	if _, ok, err := storedModel(hubRepo + ":Q2_K"); ok || err == nil {
		t.Errorf("it can be opened: %v, %v", ok, err)
	}
}

// At a terminal there is a bar, and it is gone when the work is done.
func TestPullAtATerminal(t *testing.T) {
	r := hubWith(t)
	r.Slow(3 * time.Millisecond)
	a := newTestApp(t, newFakeModel())
	a.terminal("")
	if code := a.run("pull", hubModel); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, a.err.String())
	}
	mustContain(t, a.err.String(), "%", " of 7.6 MB", "file 1 of 2")
	for line := range strings.SplitSeq(strings.ReplaceAll(a.err.String(), "\n", "\r"), "\r") {
		if len([]rune(line)) > 80 && !strings.HasPrefix(line, "scout: ") {
			t.Errorf("a line of %d letters on a terminal of 80: %q", len([]rune(line)), line)
		}
	}
	last := a.err.String()
	last = last[strings.LastIndexByte(strings.TrimRight(last, "\r"), '\r')+1:]
	if strings.TrimSpace(last) != "" {
		t.Errorf("the bar stays: %q", last)
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"20MB": 20e6, "500kB": 500e3, "1.5GB": 15e8, "1000": 1000, "3 mb": 3e6, "2T": 2e12} {
		if got, err := parseBytes(text); err != nil || got != want {
			t.Errorf("parseBytes(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "MB", "-1", "fast", "1e99", "NaN", "Inf", "1 2", "20MBx", "0x"} {
		if got, err := parseBytes(bad); err == nil {
			t.Errorf("parseBytes(%q) = %d, want an error", bad, got)
		}
	}
}
