package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/downloads"
	"scout/downloads/faultserver"
	"scout/engine"
)

// ollamaHas puts the demo model into Ollama's folder as tiny:latest, and gives
// the path of its file.
func ollamaHas(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "models", "tiny-scout-Q8_0.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	models := t.TempDir()
	t.Setenv("OLLAMA_MODELS", models)
	digest := sha256.Sum256(data)
	sum := hex.EncodeToString(digest[:])
	path := filepath.Join(models, "blobs", "sha256-"+sum)
	manifest := filepath.Join(models, "manifests", "registry.ollama.ai", "library", "tiny", "latest")
	for _, f := range []struct {
		path string
		data []byte
	}{
		{path, data},
		{manifest, fmt.Appendf(nil, `{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:%s","size":%d}]}`, sum, len(data))},
	} {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.path, f.data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestImport(t *testing.T) {
	r := hubWith(t)
	out, errs := scoutCommand(t, ExitDone, "import")
	if mustContain(t, errs, "neither Ollama nor the Hugging Face cache"); out != "" {
		t.Errorf("import wrote %q where there is nothing", out)
	}
	file := filepath.Join(t.TempDir(), "no folder")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OLLAMA_MODELS", file)
	_, errs = scoutCommand(t, ExitDone, "import")
	mustContain(t, errs, file+" cannot be read: what is in there is not listed")
	path := ollamaHas(t)
	out, errs = scoutCommand(t, ExitDone, "import")
	if out != "tiny:latest\t6.7 MB\tOllama\t\n" || errs != "" {
		t.Errorf("import wrote %q and %q", out, errs)
	}
	out, _ = scoutCommand(t, ExitDone, "import", "tiny:latest")
	mustContain(t, out, "tiny:latest is used where Ollama has it (6.7 MB, all checksums right, nothing copied): scout run tiny:latest")
	out, _ = scoutCommand(t, ExitDone, "import", path) // by its file, and again
	mustContain(t, out, "tiny:latest: it is here as tiny:latest")
	for _, name := range []string{"tiny", "tiny:latest"} {
		m, err := modelFiles{}.open(t.Context(), name, engine.Options{Context: 64})
		if err != nil {
			t.Fatalf("opening %s: %v", name, err)
		}
		m.Close()
	}
	out, _ = scoutCommand(t, ExitDone, "ls")
	mustContain(t, out, "tiny:latest\t6.7 MB\t", "uses a file of Ollama")
	out, errs = scoutCommand(t, ExitDone, "du")
	mustContain(t, out, "0 B\ttiny:latest\tuses a file of Ollama\n", "0 B\ttotal\t")
	mustContain(t, errs, "6.7 MB besides lie with other programs")
	if r.Sent() != 0 {
		t.Errorf("%d bytes were sent", r.Sent())
	}

	// The other program removes it: that is said wherever it matters.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	out, _ = scoutCommand(t, ExitDone, "ls")
	mustContain(t, out, "which Ollama had, is gone")
	if _, err := (modelFiles{}).open(t.Context(), "tiny", engine.Options{}); err == nil || !strings.Contains(err.Error(), "is gone; 'scout pull tiny:latest' fetches what is missing") {
		t.Errorf("opening what is gone: %v", err)
	}
	out, _ = scoutCommand(t, ExitError, "verify", "tiny")
	mustContain(t, out, "is gone")
	out, _ = scoutCommand(t, ExitDone, "rm", "tiny")
	mustContain(t, out, "removed tiny:latest: 0 B are free again")
}

func TestImportAll(t *testing.T) {
	hubWith(t)
	ollamaHas(t)
	out, _ := scoutCommand(t, ExitDone, "import", "--all", "--json")
	var got importRecord
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Name != "tiny:latest" || !got.Imported || !got.Published || got.Parts != 1 || len(got.Files) != 1 {
		t.Errorf("import wrote %q, %v", out, err)
	}
	_, errs := scoutCommand(t, ExitDone, "import", "--all")
	mustContain(t, errs, "there is nothing to import that is not here already")
	out, _ = scoutCommand(t, ExitDone, "import", "--json")
	mustContain(t, out, `"here":true`, `"note":"it is here as tiny:latest"`)
	_, errs = scoutCommand(t, ExitError, "import", "other")
	mustContain(t, errs, `no other program on this disk has a model "other": 'scout import' lists`)
	scoutCommand(t, ExitUsage, "import", "x", "--all")
}

// Of several programs that have a model, one whose files can be used is taken.
func TestChooseImports(t *testing.T) {
	list := []downloads.Importable{
		{Name: "hf.co/a/b:Q8_0", Program: "LM Studio", Why: "a part is missing"},
		{Name: "hf.co/a/b:Q8_0", Program: "Ollama", Paths: []string{"/o"}},
		{Name: "hf.co/a/b:Q8_0", Program: "llama.cpp", Paths: []string{"/l"}},
		{Name: "x", Program: "llama.cpp", Why: "it is broken"},
	}
	for name, want := range map[string]string{"a/b:q8_0": "Ollama", "hf.co/a/b:Q8_0": "Ollama", "/l": "llama.cpp", "x": "llama.cpp"} {
		if got, err := chooseImports(list, []string{name}, false); err != nil || len(got) != 1 || got[0].Program != want {
			t.Errorf("%s is taken from %+v, %v, want %s", name, got, err, want)
		}
	}
	if got, err := chooseImports(list, nil, true); err != nil || len(got) != 1 || got[0].Program != "Ollama" {
		t.Errorf("all are %+v, %v", got, err)
	}
}

// A damaged file is not used, and the message says which.
func TestImportDamaged(t *testing.T) {
	hubWith(t)
	path := ollamaHas(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs := scoutCommand(t, ExitError, "import", "tiny:latest")
	mustContain(t, errs, "tiny:latest cannot be used from there: "+path+": its checksum differs")
	if out, _ := scoutCommand(t, ExitDone, "ls"); out != "" {
		t.Errorf("ls wrote %q", out)
	}
}

// A pull finds what is on the disk already, and says so before and after.
func TestPullOfWhatIsHere(t *testing.T) {
	r := hubWith(t)
	ollamaHas(t)
	out, errs := scoutCommand(t, ExitDone, "pull", hubModel)
	mustContain(t, errs, "6.7 MB seem to be on this machine already (Ollama)", "918.6 kB to download", "using 6.7 MB that Ollama has, where it is")
	mustContain(t, out, "all checksums right")
	if sent := r.Sent(); sent > 1_000_000 {
		t.Errorf("%d bytes were sent for a tower of 918.6 kB", sent)
	}
}

func TestDu(t *testing.T) {
	hubWith(t, faultserver.Data("Tiny-Q4_0.gguf", []byte("not the demo")))
	pictures := embedCache().Dir
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, "x"), make([]byte, 3000), 0o644); err != nil {
		t.Fatal(err)
	}
	scoutCommand(t, ExitDone, "pull", hubModel, hubRepo+":Q4_0")
	if err := os.WriteFile(filepath.Join(os.Getenv("SCOUT_MODELS"), "blobs", "sha256-"+strings.Repeat("a", 64)), make([]byte, 5000), 0o644); err != nil {
		t.Fatal(err)
	}
	out, errs := scoutCommand(t, ExitDone, "du")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	want := []string{
		"7.6 MB\t" + hubStored + "\t918.6 kB shared with others",
		"918.6 kB\thf.co/" + hubRepo + ":Q4_0\t918.6 kB shared with others",
		"5.0 kB\tunused\t1 file that no model uses: 'scout rm --unused' removes them",
		"3.0 kB\tpictures\t",
		"7.6 MB\ttotal\t",
	}
	if len(lines) != len(want) || errs != "" {
		t.Fatalf("du wrote %q and %q", out, errs)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is %q, want %q", i+1, line, want[i])
		}
	}
	out, _ = scoutCommand(t, ExitDone, "du", "--json")
	var got diskRecord
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Models) != 2 || got.Pictures != 3000 || got.Unused != 5000 || got.Total < 7_600_000 || got.Models[0].Shared == 0 {
		t.Errorf("du --json wrote %q, %v", out, err)
	}
	scoutCommand(t, ExitUsage, "du", "x")
}
