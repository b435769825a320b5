package cli

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scout/engine"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scoutInfo is the header of a published Scout file, in round numbers.
func scoutInfo() engine.Info {
	return engine.Info{
		Name: "Llama 4 Scout\x1b[2J", Path: "scout-Q4_K_M-00001-of-00002.gguf",
		Files:        []string{"scout-Q4_K_M-00001-of-00002.gguf", "scout-Q4_K_M-00002-of-00002.gguf"},
		Architecture: "llama4", License: "llama4", Tokenizer: "gpt2/llama4", Template: "{{ a }}\n{{ b }}\n",
		Layers: 48, Width: 5120, Heads: 40, KVHeads: 8, HeadDim: 128, FF: 16384, ExpertFF: 8192, Experts: 16, ExpertsUsed: 1,
		Vocabulary: 202048, ContextLength: 10485760, Parameters: 107_770_000_000, Bytes: 65_000_000_000,
		Components: []engine.Component{
			{Name: "routed experts", Parameters: 96_600_000_000, Bytes: 56_000_000_000},
			{Name: "attention", Parameters: 3_020_000_000, Bytes: 2_000_000_000},
			{Name: "token embedding", Parameters: 1_034_000_000, Bytes: 1_000_000_000},
			{Name: "output", Parameters: 1_034_000_000, Bytes: 6_000_000_000},
		},
		Types:           []engine.TypeShare{{Type: "Q4_K", Tensors: 433, Bytes: 50_000_000_000}, {Type: "Q6_K", Tensors: 48, Bytes: 15_000_000_000}},
		KVBytesPerToken: 196608,
		Warnings:        []string{"something is odd"},
	}
}

// golden compares with a file of testdata, or writes it anew with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestShow(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.info = scoutInfo()
	if code := a.run("show", "m"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	golden(t, "show-scout.golden", a.out.String())

	a = newTestApp(t, newFakeModel())
	a.model.info = engine.Info{Path: "dense.gguf", Files: []string{"dense.gguf"}, Architecture: "llama", Layers: 2, FF: 64}
	a.run("show", "m")
	golden(t, "show-dense.golden", a.out.String())
}

func TestShowTemplate(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.info = scoutInfo()
	if code := a.run("show", "m", "--template"); code != 0 || a.out.String() != "{{ a }}\n{{ b }}\n" {
		t.Errorf("got code %d, output %q", code, a.out.String())
	}
	a = newTestApp(t, newFakeModel())
	if code := a.run("show", "m", "--template"); code != ExitError || a.err.String() != "scout: m has no chat template; a built-in one is used\n" {
		t.Errorf("without one: got code %d, error %q", code, a.err.String())
	}
}

func TestShowJSON(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.info = scoutInfo()
	a.run("show", "m", "--json")
	if strings.Contains(a.out.String(), "\x1b") {
		t.Error("an escape byte in the output")
	}
	var got infoRecord
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "Llama 4 Scout\x1b[2J" || got.ContextLength != 10485760 || len(got.Components) != 4 || got.Types[1].Tensors != 48 || len(got.Files) != 2 {
		t.Errorf("got %+v", got)
	}
	a = newTestApp(t, newFakeModel())
	a.run("show", "m", "--json")
	if strings.Contains(a.out.String(), "null") {
		t.Errorf("lists that are empty must be lists: %s", a.out.String())
	}
}

func TestShowInterrupted(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.inspectModel = func(string) (engine.Info, error) {
		a.signals <- os.Interrupt
		select {} // a disk that does not answer
	}
	if code := a.run("show", "m"); code != ExitInterrupted || a.err.Len() > 0 {
		t.Errorf("got code %d, error %q", code, a.err.String())
	}
}

func TestShowUsage(t *testing.T) {
	for _, args := range [][]string{{"show"}, {"show", "a", "b"}, {"show", "a", "--json", "--template"}, {"show", "a", "--jsn"}} {
		a := newTestApp(t, newFakeModel())
		if code := a.run(args...); code != ExitUsage || strings.Count(a.err.String(), "\n") != 1 || a.out.Len() > 0 {
			t.Errorf("%v: got code %d, output %q, error %q", args, code, a.out.String(), a.err.String())
		}
	}
}
