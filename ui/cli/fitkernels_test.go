package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestMeasuredKernels measures a processor of invented rates and expects predictions
// by them, later too, and other ones without.
func TestMeasuredKernels(t *testing.T) {
	fit := func(stateDir string, args ...string) fitRecord {
		t.Helper()
		a := roomy(t)
		if stateDir != "" {
			a.stateDir = stateDir
		}
		a.kernels = func(_ context.Context, threads, bytes int, put func(what, of string, value float64, unit string)) error {
			if threads != 4 || bytes <= 0 {
				t.Errorf("measured with %d threads and %d bytes", threads, bytes)
			}
			for _, name := range []string{"Q4_K", "Q6_K"} {
				put(figureDecode, name, 5e9, "B/s")
				put(figureSmall, name, 1e11, "products/s")
				put(figureLarge, name, 4e11, "products/s")
			}
			return nil
		}
		if code := a.run(append([]string{"fit", "llama3.1:8b:Q4_K_M", "--json", "--threads", "4", "--depth", "0"}, args...)...); code != ExitDone {
			t.Fatal(code, a.err.String())
		}
		var r fitRecord
		if err := json.Unmarshal(a.out.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	dir := t.TempDir()
	fit(dir, "--measure")
	r := fit(dir)
	if want := 5e9 / float64(r.PerToken); r.Decode < want*0.999 || r.Decode > want*1.001 {
		t.Errorf("predicted %v tokens/s, want %v", r.Decode, want)
	}
	if !strings.Contains(strings.Join(r.Sources, "\n"), "processor: 5.0 GB/s of Q4_K weights (measured") {
		t.Errorf("sources are %q", r.Sources)
	}
	if r.Prefill < 40 || r.Prefill > 60 { // 8e9 weights a token at 4e11 a second
		t.Errorf("predicted %v tokens/s of a prompt", r.Prefill)
	}
	if other := fit(t.TempDir()); other.Decode == r.Decode || strings.Contains(strings.Join(other.Sources, "\n"), "of Q4_K weights") {
		t.Errorf("another folder has the same rate, %v", other.Decode)
	}
}

// TestKernelsFail leaves the assumed rates where measuring fails.
func TestKernelsFail(t *testing.T) {
	a := roomy(t)
	a.kernels = func(context.Context, int, int, func(what, of string, value float64, unit string)) error {
		return errors.New("engine: no memory")
	}
	if code := a.run("fit", "llama3.1:8b:Q4_K_M", "--measure", "--json"); code != ExitDone || !strings.Contains(a.out.String(), "engine: no memory") {
		t.Errorf("got code %d, %s", code, a.err.String())
	}
}
