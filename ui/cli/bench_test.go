package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"scout/engine"
)

func TestBenchJSON(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	if code := a.run("bench", "m", "--pp", "5", "--tg", "3", "--depth", "4", "--reps", "2", "--threads", "2", "--json"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	var keys map[string]any
	if err := json.Unmarshal(a.out.Bytes(), &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"engine", "load_s", "pp_tok_s", "tg_tok_s", "threads", "peak_rss_bytes", "memory_bandwidth_bytes_s", "bandwidth_share"} {
		if keys[key] == nil {
			t.Errorf("no key %q in %s", key, a.out.String())
		}
	}
	if keys["engine"] != "scout" || keys["threads"] != 2.0 || keys["peak_rss_bytes"].(float64) <= 0 || keys["memory_bandwidth_bytes_s"] != 1e9 {
		t.Errorf("got %s", a.out.String())
	}
	if len(keys["pp_tok_s"].([]any)) != 2 || len(keys["tg_tok_s"].([]any)) != 2 {
		t.Errorf("want one rate for each of 2 repetitions: %s", a.out.String())
	}
	// Warm-up, then twice: depth, prompt, one token after the other.
	var sizes []int
	for _, call := range a.model.seq.calls {
		sizes = append(sizes, len(call))
	}
	if got, want := joinInts(sizes), "8 4 5 1 1 1 4 5 1 1 1"; got != want {
		t.Errorf("calls of these sizes: %s, want %s", got, want)
	}
	if a.model.options.Context != 4+5+1 {
		t.Errorf("context: got %d, want 10", a.model.options.Context)
	}
}

func joinInts(n []int) string {
	b, _ := json.Marshal(n) // ints always encode
	return strings.NewReplacer("[", "", "]", "", ",", " ").Replace(string(b))
}

func TestBenchText(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	if code := a.run("bench", "m", "--pp", "0", "--tg", "2", "--reps", "1"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	for _, want := range []string{"model ", "threads ", "decode ", "memory ", "bandwidth "} {
		if !strings.Contains(a.out.String(), "\n"+want) && !strings.HasPrefix(a.out.String(), want) {
			t.Errorf("no line %q in\n%s", want, a.out.String())
		}
	}
	if !strings.Contains(a.out.String(), "of 1.0 GB/s: each token reads ") {
		t.Errorf("no share of the bandwidth in\n%s", a.out.String())
	}
	if strings.Contains(a.out.String(), "prefill") {
		t.Errorf("prefill was not measured:\n%s", a.out.String())
	}
}

// TestBenchWithoutBandwidth expects all else to be reported when the bandwidth
// cannot be measured, and an interrupt to end the command.
func TestBenchWithoutBandwidth(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.bandwidth = func(context.Context, int) (float64, error) { return 0, errors.New("too little memory") }
	if code := a.run("bench", "m", "--reps", "1"); code != 0 || !strings.Contains(a.out.String(), "not measured: too little memory") ||
		!strings.Contains(a.out.String(), "decode ") {
		t.Errorf("got code %d, output\n%s", code, a.out.String())
	}
	a = newTestApp(t, newFakeModel())
	a.bandwidth = func(ctx context.Context, _ int) (float64, error) {
		a.signals <- os.Interrupt
		<-ctx.Done()
		return 0, ctx.Err()
	}
	if code := a.run("bench", "m", "--reps", "1"); code != ExitInterrupted || a.out.Len() > 0 {
		t.Errorf("interrupted: got code %d, output %q", code, a.out.String())
	}
}

func TestBenchUsage(t *testing.T) {
	for _, args := range [][]string{
		{"bench"}, {"bench", "m", "x"}, {"bench", "m", "--reps", "0"}, {"bench", "m", "--pp", "-1"},
		{"bench", "m", "--pp", "0", "--tg", "0"}, {"bench", "m", "--threads", "-1"},
	} {
		a := newTestApp(t, newFakeModel())
		if code := a.run(args...); code != ExitUsage || strings.Count(a.err.String(), "\n") != 1 {
			t.Errorf("%v: got code %d, error %q", args, code, a.err.String())
		}
	}
}

func TestTokenBytes(t *testing.T) {
	info := engine.Info{
		Experts: 16, ExpertsUsed: 1, KVBytesPerToken: 10,
		Components: []engine.Component{
			{Name: "routed experts", Bytes: 1600}, {Name: "attention", Bytes: 50}, {Name: "token embedding", Bytes: 7},
			{Name: "output", Bytes: 8}, {Name: "vision", Bytes: 1000},
		},
	}
	if got, want := tokenBytes(info, 0), int64(100+50+8); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
	if got, want := tokenBytes(info, 3), int64(100+50+8+30); got != want {
		t.Errorf("at depth 3: got %d, want %d", got, want)
	}
	info.Components = append(info.Components[:3:3], info.Components[4:]...)
	if got, want := tokenBytes(info, 0), int64(100+50+7); got != want {
		t.Errorf("the embedding is the output too: got %d, want %d", got, want)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}} {
		if got := median(test.in); got != test.want {
			t.Errorf("%v: got %v, want %v", test.in, got, test.want)
		}
	}
}
