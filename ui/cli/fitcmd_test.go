package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strings"
	"testing"

	"scout/engine"
	"scout/hardware"
	"scout/hardware/plan"
)

// desktopFlags is the machine of most questions.
var desktopFlags = []string{"--gpu", "RTX 4090", "--ram", "64GB", "--disk", "nvme"}

func fitArgs(args ...string) []string { return append([]string{"fit"}, args...) }

// TestFitGolden holds whole answers against files: the desktop of most questions,
// a unified machine, two cards, a server without one.
func TestFitGolden(t *testing.T) {
	tests := []struct {
		name string
		args []string
	}{
		{"fit-desktop", append([]string{"llama4:scout:Q4_K_M"}, desktopFlags...)},
		{"fit-desktop-table", desktopFlags},
		{"fit-unified", []string{"llama4:scout:Q4_K_M", "--gpu", "apple m4 max", "--vision"}},
		{"fit-two-cards", []string{"llama3.3:70b:Q4_K_M", "--gpu", "RTX 3090", "--gpu", "RTX 3090", "--ram", "32GB", "--ctx", "32768"}},
		{"fit-server", []string{"llama4:scout", "--memory", "12-channel DDR5-4800", "--ram", "256GB", "--threads", "48"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newTestApp(t, newFakeModel())
			if code := a.run(fitArgs(test.args...)...); code != ExitDone {
				t.Fatal(code, a.err.String())
			}
			golden(t, test.name+".golden", a.out.String())
		})
	}
}

// TestFitThisMachine plans for the machine of the test: nothing of a GPU, and
// memory as the machine says.
func TestFitThisMachine(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.App.memory = func() (hardware.Memory, error) { return hardware.Memory{Total: 24 << 30, Available: 22 << 30}, nil }
	if code := a.run("fit", "--threads", "8", "--json"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	var got tableRecord
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Recommended != "llama3.1:8b:Q4_K_M" {
		t.Errorf("recommended is %q", got.Recommended)
	}
	for _, m := range got.Models {
		if len(m.Devices) != 1 || m.Devices[0].TotalInPlan > m.Devices[0].MayBeUsed || m.Devices[0].MayBeUsed > 22<<30 {
			t.Errorf("%s: got devices %+v", m.Model, m.Devices)
		}
		if strings.HasPrefix(m.Model, "qwen2.5-vl") && m.Runs == "yes" {
			t.Errorf("%s is said to run", m.Model)
		}
	}
}

// fileInfo is the header of a small mixture of experts.
func fileInfo() engine.Info {
	i := engine.Info{
		Name: "Small\x1b[2J", Path: "small.gguf", Architecture: "llama4", Layers: 4, Width: 512, Heads: 8, KVHeads: 2, HeadDim: 64, FF: 2048, ExpertFF: 1024,
		Experts: 4, ExpertsUsed: 1, Vocabulary: 1000, ContextLength: 8192,
		Components: []engine.Component{{Name: "token embedding", Parameters: 1e6, Bytes: 1e6}, {Name: "output", Parameters: 1e6, Bytes: 2e6}, {Name: "routed experts", Parameters: 4e8, Bytes: 4e8},
			{Name: "attention", Parameters: 4e7, Bytes: 4e7}, {Name: "shared experts", Parameters: 8e7, Bytes: 8e7}},
		Bytes: 523e6,
	}
	for l := range 4 {
		b := engine.Block{Attention: 1e7, Dense: 2e7, Experts: 1e8}
		if l != 3 {
			b.Chunk = 128
		}
		i.Blocks = append(i.Blocks, b)
	}
	return i
}

// TestFitFile plans a file with the bandwidth that was measured: 120 MB of layers,
// 100 MB of experts and 2 MB of output a token, at 0.85 of 10 GB/s, which is
// what a byte for each weight reaches.
func TestFitFile(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.info = fileInfo()
	a.App.memory = func() (hardware.Memory, error) { return hardware.Memory{Total: 8 << 30, Available: 8 << 30}, nil }
	asked := 0
	a.bandwidth = bandwidthOf(10e9, &asked)
	if code := a.run("fit", "small.gguf", "--measure", "--ctx", "1000", "--depth", "0", "--json", "--threads", "3"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	var got fitRecord
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if asked != measurements {
		t.Errorf("measured %d times", asked)
	}
	const perToken = 4*1e7 + 4*2e7 + 4*1e8/4 + 2e6
	if got.WeightBytes != 523e6 || got.PerToken != perToken || math.Abs(got.Decode/(0.85*10e9/perToken)-1) > 0.01 {
		t.Errorf("got %d bytes, %d a token, %.3f tokens/s", got.WeightBytes, got.PerToken, got.Decode)
	}
	if d := got.Devices[0]; d.KV != 2*2*64*2*(3*128+1000) || d.Weights != 523e6 {
		t.Errorf("got %+v", d)
	}
	if !got.Exact || got.Fits != "yes" || got.Limit != "RAM at 8 GB/s" && got.Limit != "RAM at 9 GB/s" {
		t.Errorf("got %+v", got)
	}
	a = newTestApp(t, newFakeModel())
	a.model.info = fileInfo()
	a.run("fit", "small.gguf", "--ctx", "9000")
	if strings.Contains(a.out.String(), "\x1b") || !strings.Contains(a.out.String(), "made for a context of 8192") {
		t.Errorf("got %q", a.out.String())
	}
}

// TestFitRefusals expects every refusal to be one line that names the limit and
// something that can be done, and code 3.
func TestFitRefusals(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string // a regular expression
	}{
		{"one quantization", []string{"llama4:scout:Q4_K_M", "--ram", "16GB"}, `does not fit 16\.0 GiB of .*: .* GiB too much for memory .*: try llama3\.1:8b:Q4_K_M \(4\.9 GB, [^)]+\), \d+\.\d tokens/s`},
		{"a model", []string{"llama4:scout", "--ram", "16GB"}, `llama4:scout does not fit .* UD-Q2_K_XL, has 42\.2 GB of weights, and .* can be used: try llama3\.1:8b`},
		{"only what is not worth using", []string{"llama4:scout", "--ram", "47GB"}, `UD-Q2_K_XL, has 42\.2 GB of weights, and .* can be used: try llama3`},
		{"context", []string{"llama3.1:8b:Q4_K_M", "--ram", "16GB", "--ctx", "1000000"}, `with a context of 1000000 it needs .* of RAM, and .* can be used: try --ctx \d+( --kv q8_0)?$`},
		{"nothing at all", []string{"--ram", "256MB"}, `nothing fits .*"scout run demo" runs anywhere`},
		{"nothing of a model", []string{"llama4:maverick", "--ram", "1GB"}, `"scout run demo" runs anywhere`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newTestApp(t, newFakeModel())
			code := a.run(fitArgs(test.args...)...)
			if code != ExitDoesNotFit || strings.Count(a.err.String(), "\n") != 1 || !regexp.MustCompile(test.want).MatchString(strings.TrimSpace(a.err.String())) {
				t.Errorf("got code %d, error %q", code, a.err.String())
			}
		})
	}
}

// TestFitWaysOutWork asks for what a refusal offers.
func TestFitWaysOutWork(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.run("fit", "llama3.1:8b:Q4_K_M", "--ram", "16GB", "--ctx", "1000000")
	_, advice, ok := strings.Cut(strings.TrimSpace(a.err.String()), ": try ")
	if !ok {
		t.Fatalf("no advice in %q", a.err.String())
	}
	b := newTestApp(t, newFakeModel())
	if code := b.run(fitArgs(append([]string{"llama3.1:8b:Q4_K_M", "--ram", "16GB"}, strings.Fields(advice)...)...)...); code != ExitDone {
		t.Errorf("%q: code %d, %s", advice, code, b.err.String())
	}
}

func TestFitUsage(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"a", "b"}, "one model"},
		{[]string{"--gpu", "RTX 4099"}, "RTX 4090"},
		{[]string{"--gpu", strings.Repeat("x", 10000)}, "nearest"},
		{[]string{"--ram", "-4GB"}, "want 256.0 MiB"},
		{[]string{"--ram", "much"}, "64GB"},
		{[]string{"--ram", "nan"}, "64GB"},
		{[]string{"--ram", "1e300"}, "want 256.0 MiB"},
		{[]string{"--memory", "DDR9"}, "nearest"},
		{[]string{"--disk", "floppy"}, "nvme4"},
		{[]string{"--ctx", "0"}, "--ctx"},
		{[]string{"--ctx", "-5"}, "--ctx"},
		{[]string{"--depth", "99999", "--ctx", "10"}, "--depth"},
		{[]string{"--kv", "q3"}, "--kv"},
		{[]string{"--threads", "-1"}, "--threads"},
		{[]string{"--measure", "--ram", "64GB"}, "--measure"},
		{[]string{"--gpu", "Apple M4 Max", "--gpu", "RTX 4090"}, "unified"},
		{[]string{"llama4:scout:Q9"}, "Q4_K_M"},
	}
	for _, test := range tests {
		a := newTestApp(t, newFakeModel())
		code := a.run(fitArgs(test.args...)...)
		if code != ExitUsage || strings.Count(a.err.String(), "\n") != 1 || len(a.err.String()) > 400 || !strings.Contains(a.err.String(), test.want) || a.out.Len() > 0 {
			t.Errorf("%.80v: got code %d, output %q, error %q", test.args, code, a.out.String(), a.err.String())
		}
	}
	a := newTestApp(t, newFakeModel())
	a.inspectModel = func(string) (engine.Info, error) { return engine.Info{}, fmt.Errorf("gguf: %w", fs.ErrNotExist) }
	if code := a.run("fit", "lama4:scout"); code != ExitUsage || !strings.Contains(a.err.String(), "llama4:scout") {
		t.Errorf("an unknown name: got code %d, error %q", code, a.err.String())
	}
}

// TestFitLyingHeader expects nonsense sizes to be refused in a line.
func TestFitLyingHeader(t *testing.T) {
	for name, lie := range map[string]func(*engine.Info){
		"no layers":       func(i *engine.Info) { i.Blocks = nil },
		"negative sizes":  func(i *engine.Info) { i.Blocks[0].Dense = -5 },
		"overflow":        func(i *engine.Info) { i.Blocks[0].Experts = math.MaxInt64 - 3 },
		"more are used":   func(i *engine.Info) { i.ExpertsUsed = 99 },
		"millions of KVs": func(i *engine.Info) { i.KVHeads = math.MaxInt },
	} {
		a := newTestApp(t, newFakeModel())
		a.model.info = fileInfo()
		lie(&a.model.info)
		if code := a.run("fit", "small.gguf"); code == ExitDone || code == ExitDoesNotFit || strings.Count(a.err.String(), "\n") != 1 {
			t.Errorf("%s: got code %d, error %q", name, code, a.err.String())
		}
	}
}

func TestShowEntry(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	if code := a.run("show", "llama4:scout"); code != ExitDone {
		t.Fatal(code, a.err.String())
	}
	golden(t, "show-entry.golden", a.out.String())
	a = newTestApp(t, newFakeModel())
	a.run("show", "qwen2.5-vl:7b", "--json")
	var got entryRecord
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Runs || got.Name != "qwen2.5-vl:7b" || len(got.Quants) != 2 || strings.Contains(a.out.String(), "null") {
		t.Errorf("got %s", a.out.String())
	}
	a = newTestApp(t, newFakeModel())
	if code := a.run("show", "llama4:scout", "--template"); code != ExitUsage {
		t.Errorf("--template: got code %d", code)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"64GB": 64 << 30, "64": 64 << 30, "64gib": 64 << 30, " 1.5 tb ": 3 << 39, "512MB": 512 << 20, "16g": 16 << 30} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GB", "-1GB", "0", "1e400", "inf", "12PB", "64 GB GB", "0x10"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

var errNoMemory = errors.New("no such file")

func TestFitUnknownMemory(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.App.memory = func() (hardware.Memory, error) { return hardware.Memory{}, errNoMemory }
	if code := a.run("fit"); code != ExitError || !strings.Contains(a.err.String(), "--ram") {
		t.Errorf("got code %d, error %q", code, a.err.String())
	}
}

// bandwidthOf is a machine's memory that always reads as fast, and counts.
func bandwidthOf(rate float64, asked *int) func(context.Context, int) (float64, error) {
	return func(context.Context, int) (float64, error) { *asked++; return rate, nil }
}

// TestRecommend expects what runs and is fast enough, and of several the one that
// the catalogue has first.
func TestRecommend(t *testing.T) {
	pick := func(name string, runs bool, rate float64) candidate {
		return candidate{name: name, runs: runs, plan: &plan.Plan{Decode: plan.Speed{Rate: rate}}}
	}
	tests := []struct {
		name  string
		picks []candidate
		want  string
	}{
		{"the first", []candidate{pick("a", true, 5), pick("b", true, 50)}, "a"},
		{"not what does not run", []candidate{pick("a", false, 50), pick("b", true, 5)}, "b"},
		{"not what is slow", []candidate{pick("a", true, 2), pick("b", true, 5)}, "b"},
		{"the fastest of slow ones", []candidate{pick("a", true, 1), pick("b", true, 2)}, "b"},
		{"nothing that does not run", []candidate{pick("a", false, 50)}, ""},
		{"nothing that crawls", []candidate{pick("a", true, 0.1)}, ""},
		{"nothing", nil, ""},
	}
	for _, test := range tests {
		got := ""
		if c := recommend(test.picks); c != nil {
			got = c.name
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
