package ledger

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func run(model string, predicted, measured float64) Run {
	return Run{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Machine: "here", Depth: 10,
		Key:       Key{Model: model, Type: "Q4_K", Context: 4096, KV: "f16", Threads: 4, Placement: "cpu"},
		Predicted: Figures{Weights: 1 << 30, Decode: predicted}, Measured: Figures{Weights: 1 << 30, Decode: measured, Prefill: 3},
	}
}

func add(t *testing.T, file string, runs ...Run) {
	t.Helper()
	for _, r := range runs {
		if err := Add(file, r); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, file string) Runs {
	t.Helper()
	runs, err := Read(file, "here")
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a", "ledger.jsonl")
	if got := read(t, file); len(got) != 0 {
		t.Errorf("nothing was written, got %+v", got)
	}
	other := run("m", 10, 20)
	other.Machine = "elsewhere"
	add(t, file, run("m", 10, 8), other, run("n", 5, 6))
	got := read(t, file)
	if len(got) != 2 || got[0] != run("m", 10, 8) || got[1] != run("n", 5, 6) {
		t.Errorf("got %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.jsonl")
	for name, change := range map[string]func(*Run){
		"no machine": func(r *Run) { r.Machine = "" },
		"no model":   func(r *Run) { r.Model = "" },
		"negative":   func(r *Run) { r.Measured.KV = -1 },
		"no number":  func(r *Run) { r.Measured.Decode = math.NaN() },
		"endless":    func(r *Run) { r.Predicted.Prefill = math.Inf(1) },
		"long":       func(r *Run) { r.Type = strings.Repeat("x", 5000) },
	} {
		r := run("m", 1, 1)
		change(&r)
		if err := Add(file, r); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("something was written")
	}
}

// TestTornTail cuts a line at every byte and expects the others, and the next one.
func TestTornTail(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.jsonl")
	add(t, file, run("first", 10, 8))
	one, _ := os.ReadFile(file)
	for cut := range len(one) {
		if err := os.WriteFile(file, append(bytes.Clone(one), one[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		add(t, file, run("last", 10, 9))
		got := read(t, file)
		whole := 2
		if cut == len(one)-1 { // all of it but the end of the line
			whole = 3
		}
		if len(got) != whole || got[0].Model != "first" || got[len(got)-1].Model != "last" {
			t.Fatalf("cut at %d: got %+v", cut, got)
		}
	}
}

// TestBounded writes more than is kept and expects the newest, in two files of a
// bounded size.
func TestBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.jsonl")
	line := bytes.Repeat([]byte("x"), 2000)
	line[1999] = '\n'
	if err := os.WriteFile(file, bytes.Repeat(line, mostFile/2000+1), 0o600); err != nil {
		t.Fatal(err)
	}
	add(t, file, run("a", 10, 8))
	if info, err := os.Stat(file); err != nil || info.Size() > 1000 {
		t.Errorf("the new file has %v, %v", info, err)
	}
	if got := read(t, file); len(got) != 1 || got[0].Model != "a" {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(file + ".lock"); err == nil {
		t.Error("the lock is still there")
	}
	// What is locked is left alone, unless the lock is old.
	if err := os.WriteFile(file, bytes.Repeat(line, mostFile/2000+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	add(t, file, run("b", 10, 8))
	if !full(file) {
		t.Error("it was put aside by two")
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file+".lock", old, old); err != nil {
		t.Fatal(err)
	}
	add(t, file, run("c", 10, 8))
	if got := read(t, file); len(got) != 2 || got[0].Model != "b" || got[1].Model != "c" {
		t.Errorf("got %+v", got)
	}
}

// TestManyWriters writes from many sides at once, with a file that is put aside
// meanwhile, and expects every line whole.
func TestManyWriters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.jsonl")
	line := append(bytes.Repeat([]byte("x"), 99), '\n')
	if err := os.WriteFile(file, bytes.Repeat(line, mostFile/100-50), 0o600); err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 40
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				if err := Add(file, run(fmt.Sprint(w, "-", i), 10, 8)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	seen := map[string]bool{}
	for _, r := range read(t, file) {
		seen[r.Model] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d of %d runs are there", len(seen), writers*each)
	}
}

func TestPast(t *testing.T) {
	var rs Runs
	if p := rs.Past(run("m", 1, 1).Key, Decode); p != (Past{Ratio: 1}) {
		t.Errorf("of nothing: got %+v", p)
	}
	for _, measured := range []float64{8, 7.6, 8.4, 8, 900} { // the last is none
		rs = append(rs, run("m", 10, measured))
	}
	p := rs.Past(rs[0].Key, Decode)
	if p.Runs != 4 || math.Abs(p.Ratio-0.8) > 1e-9 || p.Error < 0.02 || p.Error > 0.03 {
		t.Errorf("got %+v, want 0.8 ± 2.5 %% of 4", p)
	}
	if p := rs.Past(rs[0].Key, Prefill); p.Runs != 0 {
		t.Errorf("what was never predicted has %+v", p)
	}
	// The same at another context, and another model of the type.
	k := rs[0].Key
	k.Context, k.KV = 9999, "q8_0"
	if p := rs.Past(k, Decode); p.Runs != 4 {
		t.Errorf("another context: got %+v", p)
	}
	k.Model = "new"
	if p := rs.Past(k, Decode); p.Runs != 4 || math.Abs(p.Ratio-0.8) > 1e-9 {
		t.Errorf("another model: got %+v", p)
	}
	if p := rs[:2].Past(k, Decode); p.Runs != 0 {
		t.Errorf("another model, after two runs: got %+v", p)
	}
	k.Threads = 1
	if p := rs.Past(k, Decode); p.Runs != 0 {
		t.Errorf("other threads: got %+v", p)
	}
	// What is nearest counts alone, and of many the newest.
	rs = append(rs, run("new", 10, 5))
	if p := rs.Past(rs[len(rs)-1].Key, Decode); p.Runs != 1 || p.Ratio != 0.5 {
		t.Errorf("the model's own: got %+v", p)
	}
	for range 100 {
		rs = append(rs, run("m", 10, 12))
	}
	if p := rs.Past(rs[0].Key, Decode); p.Runs != latest || p.Ratio != 1.2 || p.Error != 0 {
		t.Errorf("the newest: got %+v", p)
	}
}

// FuzzRead feeds files that were not written by us.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"time":"2026-01-02T03:04:05Z","machine":"here","model":"m","threads":4,"predicted":{"decode_tok_s":1},"measured":{"decode_tok_s":2}}` + "\n"))
	f.Add([]byte("{}\n\n{\"machine\":\"here\",\"model\":\"m\",\"measured\":{\"decode_tok_s\":-1}}\n{\"mach"))
	f.Add(append(bytes.Repeat([]byte("y"), 9000), "\n{}"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range decode(bytes.NewReader(data), "here") {
			if !r.sane() || r.Machine != "here" {
				t.Fatalf("got %+v", r)
			}
			p := Runs{r}.Past(r.Key, Decode)
			if !(p.Ratio >= leastRatio && p.Ratio <= mostRatio) || !(p.Error >= 0) {
				t.Fatalf("got %+v", p)
			}
		}
	})
}
