package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scout/engine"
	"scout/hardware/ledger"
)

// TestRunsAreRemembered answers as a model would, and expects the next prediction to
// be what was measured, with its error; and nothing in the file of what was asked.
func TestRunsAreRemembered(t *testing.T) {
	a := roomy(t)
	fit := func(args ...string) fitRecord {
		t.Helper()
		b := roomy(t)
		b.stateDir, b.model.info = a.stateDir, fileInfo()
		if code := b.run(append([]string{"fit", "small.gguf", "--json", "--threads", "4", "--ctx", "1000", "--depth", "400"}, args...)...); code != ExitDone {
			t.Fatal(code, b.err.String())
		}
		var r fitRecord
		if err := json.Unmarshal(b.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := fit()
	if before.PastRuns != 0 || before.Decode <= 0 {
		t.Fatalf("got %+v", before)
	}
	info := fileInfo()
	var o engine.Options
	r := a.remembering(&o)
	o.Answered(engine.Stats{PromptTokens: 300, Generated: 201, Decode: time.Second}) // not open yet
	r.info, r.context, r.threads = info, 1000, 4
	for _, rate := range []float64{0.5, 0.6, 0.7} { // of what was predicted
		seconds := 200 / (before.Decode * rate)
		o.Answered(engine.Stats{PromptTokens: 300, PromptDone: 300, Generated: 201, Prefill: time.Second, Decode: time.Duration(seconds * 1e9)})
	}
	o.Answered(engine.Stats{PromptTokens: 30, PromptDone: 30, Generated: 3, Prefill: time.Second, Decode: time.Second}) // too little
	after := fit()
	if after.PastRuns != 3 || after.PastError < 0.1 || after.PastError > 0.25 {
		t.Errorf("got %d runs with an error of %v", after.PastRuns, after.PastError)
	}
	if ratio := after.Decode / before.Decode; ratio < 0.598 || ratio > 0.602 {
		t.Errorf("the prediction is %v times the one before, want 0.6", ratio)
	}
	if other := fit("--ram", "64GB"); other.PastRuns != 0 {
		t.Errorf("another machine has %d runs", other.PastRuns)
	}
	text, err := os.ReadFile(a.pastFile())
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("got %s, %v", text, err)
	}
	if strings.Contains(string(text), "small") || strings.Contains(string(text), info.Path) && info.Path != "" {
		t.Errorf("the file says what was run: %s", text)
	}
}

// TestPastIsSaid reads the report.
func TestPastIsSaid(t *testing.T) {
	if got := pastText(ledger.Past{Ratio: 1}); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	if got := pastText(ledger.Past{Ratio: 0.9, Error: 0.084, Runs: 12}); got != "±8 % from 12 runs" {
		t.Errorf("got %q", got)
	}
}

// TestDemoIsRemembered runs the real engine through the door that the app opens.
func TestDemoIsRemembered(t *testing.T) {
	a := roomy(t)
	demo, err := os.ReadFile("../../testdata/models/tiny-scout-Q8_0.gguf")
	if err != nil {
		t.Fatal(err)
	}
	a.files = modelFiles{demo: demo}
	m, err := a.openForScreen(context.Background(), demoName, engine.Options{Context: 2048, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSequence()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	for d, err := range s.Generate(context.Background(), []engine.Message{{Role: engine.User, Content: strings.Repeat("a red circle ", 300)}}, engine.Sampling{MaxTokens: 40}) {
		if err != nil {
			t.Fatal(err)
		}
		n = d.Stats.Generated
	}
	t.Log(n, "tokens")
	runs := a.pastRuns("test")
	if n == 0 {
		t.Fatal("no answer")
	}
	if len(runs) != 1 {
		t.Fatalf("got %+v", runs)
	}
	r := runs[0]
	if r.Predicted.Weights != r.Measured.Weights || r.Predicted.KV != r.Measured.KV || r.Measured.Prefill <= 0 || r.Predicted.Prefill <= 0 || r.Context != 2048 || r.Measured.Peak <= 0 {
		t.Errorf("got %+v", r)
	}
}

// TestFitCountsTower expects room for a tower in a file of its own, when it is asked for.
func TestFitCountsTower(t *testing.T) {
	tower := filepath.Join(t.TempDir(), "mmproj.gguf")
	if err := os.WriteFile(tower, make([]byte, 12345), 0o600); err != nil {
		t.Fatal(err)
	}
	weights := func(args ...string) int64 {
		a := roomy(t)
		a.model.info = fileInfo()
		a.findTowers = func(string) []string { return []string{tower} }
		if code := a.run(append([]string{"fit", "small.gguf", "--json"}, args...)...); code != ExitDone {
			t.Fatal(code, a.err.String())
		}
		var r fitRecord
		if err := json.Unmarshal(a.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r.Devices[0].Weights
	}
	if got := weights("--vision") - weights(); got != 12345 {
		t.Errorf("the tower takes %d bytes, want 12345", got)
	}
}
