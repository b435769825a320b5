package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"scout/engine"
)

func TestBenchJSON(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.ops = []engine.OpTime{{Group: "output", Step: "output", Duration: 1, Bytes: 90}, {Group: "norms", Step: "norm", Bytes: 10}}
	if code := a.run("bench", "m", "--pp", "5,2", "--tg", "3", "--depth", "4,20", "--reps", "2", "--threads", "2", "--kv", "q8_0", "--json"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	var got benchRecord
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Engine != "scout" || got.Version != "test" || got.Threads != 2 || got.PeakRSSBytes <= 0 || got.Bandwidth != 1e9 {
		t.Errorf("got %s", a.out.String())
	}
	var tests []string
	for _, r := range got.Runs {
		tests = append(tests, fmt.Sprintf("%s %d after %d: %d rates", r.Test, r.Tokens, r.Depth, len(r.Rates)))
		if r.Test == "tg" && (r.TokenBytes != 100 || r.Bandwidth != 1e6 || math.Abs(r.BandwidthShare/(100*median(r.Rates)/1e6)-1) > 1e-9) {
			t.Errorf("%d bytes and %v of the bandwidth at %v tokens a second", r.TokenBytes, r.BandwidthShare, r.Rates)
		}
		if r.Ops != nil {
			t.Errorf("operations nobody asked for: %v", r.Ops)
		}
	}
	want := "pp 5 after 4: 2 rates, pp 2 after 4: 2 rates, tg 3 after 4: 2 rates, pp 5 after 20: 2 rates, pp 2 after 20: 2 rates, tg 3 after 20: 2 rates"
	if got := strings.Join(tests, ", "); got != want {
		t.Errorf("tests are\n%s\nwant\n%s", got, want)
	}
	// Warm-up, then twice both prompts and one token after the other, and a token
	// to count bytes; the same behind the 16 tokens that are missing then.
	var sizes []int
	for _, call := range a.model.seq.calls {
		sizes = append(sizes, len(call))
	}
	if got, want := joinInts(sizes), "9 5 2 1 1 1 5 2 1 1 1 1 16 5 2 1 1 1 5 2 1 1 1 1"; got != want {
		t.Errorf("calls of these sizes: %s, want %s", got, want)
	}
	if got, want := a.model.profiles, []bool{true, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("profiling was switched %v, want %v", got, want)
	}
	if o := a.model.options; o.Context != 20+5+1 || o.KV != "q8_0" || got.KV != "q8_0" {
		t.Errorf("opened with %+v, reported %q: want a context of 26 and q8_0", o, got.KV)
	}
}

// TestBenchDepthIsOneText expects what is in the cache at any depth to be the
// beginning of one list of tokens, whatever was measured in between.
func TestBenchDepthIsOneText(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	if code := a.run("bench", "m", "--pp", "3", "--tg", "2", "--depth", "4,30", "--reps", "1", "--json"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	calls := a.model.seq.calls
	w := stopwatch{model: a.model}
	all := w.tokens(30, 0)
	if !slices.Equal(calls[0], all[:7]) { // the warm-up, as long as the first depth and its tests
		t.Errorf("warm-up is %v, want %v", calls[0], all[:7])
	}
	if fill := calls[5]; !slices.Equal(fill, all[4:]) {
		t.Errorf("the second depth adds %v, want %v", fill, all[4:])
	}
}

func joinInts(n []int) string {
	b, _ := json.Marshal(n) // ints always encode
	return strings.NewReplacer("[", "", "]", "", ",", " ").Replace(string(b))
}

func TestBenchText(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.ops = []engine.OpTime{{Group: "output", Step: "output", Duration: 1, Bytes: 2048}}
	if code := a.run("bench", "m", "--pp", "0", "--tg", "2", "--depth", "0,3", "--reps", "1"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	for _, want := range []string{
		`(?m)^model +Fake, `, `(?m)^threads +1, of `, `(?m)^memory `, `(?m)^bandwidth +1\.0 GB/s`,
		`(?m)^decode +[0-9.]+ tok/s, 2 tokens\n +each token reads 2\.0 KiB: [0-9.]+ GB/s, [0-9]+% of the 0\.0 GB/s that plain reads of the same weights get$`,
		`(?m)^decode +[0-9.]+ tok/s, 2 tokens after 3$`,
	} {
		if !regexp.MustCompile(want).MatchString(a.out.String()) {
			t.Errorf("nothing like %s in\n%s", want, a.out.String())
		}
	}
	if strings.Contains(a.out.String(), "prefill") || strings.Contains(a.out.String(), "by operation") {
		t.Errorf("more than was asked for:\n%s", a.out.String())
	}
}

func TestBenchOps(t *testing.T) {
	run := benchRun{Test: testDecode, Tokens: 4, Depth: 7, Ops: perToken([]engine.OpTime{
		{Group: "routed experts", Step: "ffn_up_exps", Duration: 40 * time.Millisecond, Bytes: 4e8},
		{Group: "routed experts", Step: "gather", Duration: 4 * time.Millisecond},
		{Group: "routed experts", Step: "scatter", Duration: 4 * time.Microsecond},
		{Group: "output", Step: "output", Duration: 20 * time.Millisecond, Bytes: 4e8},
	}, 80*time.Millisecond, 4)}
	want := `decode of 4 tokens after 7, by operation
   ms a token   share   GB/s
       11.001   55.0%    9.1  routed experts
       10.000   50.0%   10.0    ffn_up_exps
        1.000    5.0%           gather
        5.000   25.0%   20.0  output
        3.999   20.0%         outside
`
	if got := describeOps(run); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBenchOpsJSON(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.model.ops = []engine.OpTime{{Group: "output", Step: "output", Duration: 1, Bytes: 120}}
	if code := a.run("bench", "m", "--pp", "3", "--tg", "4", "--reps", "1", "--ops", "--json"); code != 0 {
		t.Fatal(code, a.err.String())
	}
	var got benchRecord
	if err := json.Unmarshal(a.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for i, bytes := range []int64{40, 30} {
		ops := got.Runs[i].Ops
		if len(ops) != 2 || ops[0].Group != "output" || ops[0].Bytes != bytes || ops[1].Group != "outside" {
			t.Errorf("run %d: got operations %v, want %d bytes a token", i, ops, bytes)
		}
		if sum := ops[0].Share + ops[1].Share; math.Abs(sum-1) > 1e-9 {
			t.Errorf("run %d: shares add up to %v", i, sum)
		}
	}
}

// TestBenchTurns takes turns with the command: nothing is computed before a
// line arrives, and every piece of work is answered.
func TestBenchTurns(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	in, lines := io.Pipe()
	said, out := io.Pipe()
	a.In, a.Out = in, out
	code := make(chan int)
	go func() {
		code <- a.run("bench", "m", "--pp", "5", "--tg", "0", "--reps", "2", "--turns", "--json")
		out.Close()
	}()
	answers := bufio.NewScanner(said)
	expect := func(want string, calls int) {
		t.Helper()
		if !answers.Scan() || answers.Text() != want {
			t.Fatalf("got %q, want %q", answers.Text(), want)
		}
		if n := len(a.model.seq.calls); n != calls {
			t.Fatalf("%d calls by %s, want %d", n, want, calls)
		}
	}
	expect(`{"turn":0}`, 1)
	for i, want := range []string{`{"turn":1}`, `{"turn":2}`} {
		if _, err := io.WriteString(lines, "\n"); err != nil {
			t.Fatal(err)
		}
		expect(want, 2+i)
	}
	lines.Close() // the last turn needs no line
	var record benchRecord
	if !answers.Scan() || json.Unmarshal(answers.Bytes(), &record) != nil || len(record.Runs) != 1 || len(record.Runs[0].Rates) != 2 {
		t.Errorf("got %q, want the record", answers.Text())
	}
	if c := <-code; c != 0 {
		t.Errorf("exit code %d: %s", c, a.err.String())
	}
}

// TestBenchTurnsInterrupted expects an interrupt to end the wait for a turn.
func TestBenchTurnsInterrupted(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	said, out := io.Pipe()
	a.In, a.Out = neverReader{}, out
	code := make(chan int)
	go func() { code <- a.run("bench", "m", "--turns") }()
	if !bufio.NewScanner(said).Scan() {
		t.Fatal("it did not say that it is ready")
	}
	a.signals <- os.Interrupt
	if c := <-code; c != ExitInterrupted {
		t.Errorf("exit code %d: %s", c, a.err.String())
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
		{"bench", "m", "--pp", "0", "--tg", "0"}, {"bench", "m", "--threads", "-1"}, {"bench", "m", "--kv", "q8"},
		{"bench", "m", "--pp", "4,-4"}, {"bench", "m", "--depth", "4,-4"}, {"bench", "m", "--tg", "9223372036854775807"}, {"bench", "m", "--depth", "x"}, {"bench", "m", "--depth", ""},
	} {
		a := newTestApp(t, newFakeModel())
		if code := a.run(args...); code != ExitUsage || strings.Count(a.err.String(), "\n") != 1 {
			t.Errorf("%v: got code %d, error %q", args, code, a.err.String())
		}
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
