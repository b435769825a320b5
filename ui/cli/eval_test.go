package cli

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// rightNLL and wrongNLL are what the fake model's logits (8 for one token, 0
// for 255 others) give the token after id+1, and any other.
var (
	rightNLL = math.Log(math.Exp(8)+255) - 8
	wrongNLL = math.Log(math.Exp(8) + 255)
)

// evaluate runs eval with --json.
func evaluate(t *testing.T, a *testApp, args ...string) evalRecord {
	t.Helper()
	if code := a.run(append([]string{"eval", "m", "--json"}, args...)...); code != 0 {
		t.Fatalf("%v: code %d: %s", args, code, a.err.String())
	}
	var r evalRecord
	if err := json.Unmarshal(a.out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEvalIDs(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	r := evaluate(t, a, "--ids", "5,6,9", "--greedy", "3", "--start", "100", "--kv", "f32", "--threads", "3")
	want := (rightNLL + wrongNLL) / 2
	if r.Tokens != 3 || r.Predicted != 2 || math.Abs(*r.MeanNLL-want) > 1e-9 || math.Abs(*r.Perplexity-math.Exp(want)) > 1e-9 {
		t.Errorf("got %+v, want a mean of %v", r, want)
	}
	if joinInts(ints(r.Greedy)) != "10 11 12" || r.GreedyText != "\n\v\f" {
		t.Errorf("greedy: got %v, %q", r.Greedy, r.GreedyText)
	}
	if o := a.model.options; o.Context != 106 || o.KV != "f32" || o.Threads != 3 || a.model.seq.start != 100 {
		t.Errorf("opened with %+v and started at %d", o, a.model.seq.start)
	}
}

func ints(ids []int32) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = int(id)
	}
	return out
}

func TestEvalBatches(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	r := evaluate(t, a, "--ids", "5 6 7,8\n9", "--batch", "2")
	if r.Predicted != 4 || math.Abs(*r.MeanNLL-rightNLL) > 1e-9 {
		t.Errorf("got %+v", r)
	}
	var sizes []int
	for _, c := range a.model.seq.calls {
		sizes = append(sizes, len(c))
	}
	if got := joinInts(sizes); got != "2 2 1" {
		t.Errorf("calls of sizes %s, want 2 2 1", got)
	}
}

func TestEvalOneID(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	if r := evaluate(t, a, "--ids", "5"); r.MeanNLL != nil || r.Predicted != 0 {
		t.Errorf("nothing was predicted: got %+v", r)
	}
}

// TestEvalText cuts a text of 7 tokens into pieces of 3 and expects each to
// begin with the begin-of-text token.
func TestEvalText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte("abcdefg"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newTestApp(t, newFakeModel())
	a.model.bos = 'a' - 1
	r := evaluate(t, a, "-f", path, "--ctx", "4")
	var calls []string
	for _, c := range a.model.seq.calls {
		calls = append(calls, strings.ReplaceAll(joinInts(ints(c)), " ", ","))
	}
	if got, want := strings.Join(calls, " "), "96,97,98,99 96,100,101,102 96,103"; got != want {
		t.Errorf("pieces: got %s, want %s", got, want)
	}
	want := (5*rightNLL + 2*wrongNLL) / 7 // a, b, c, e and f follow what the model expects; d and g begin a piece
	if r.Tokens != 10 || r.Predicted != 7 || math.Abs(*r.MeanNLL-want) > 1e-9 {
		t.Errorf("got %+v, mean %v, want %v", r, *r.MeanNLL, want)
	}
	a = newTestApp(t, newFakeModel())
	a.In = strings.NewReader("abc")
	if r := evaluate(t, a, "-f", "-", "--ctx", "64"); r.Predicted != 2 {
		t.Errorf("standard input without a begin-of-text token: got %+v", r)
	}
}

func TestEvalLogits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.f32")
	a := newTestApp(t, newFakeModel())
	evaluate(t, a, "--ids", "5,6", "--logits", path, "--greedy", "4")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != 2*256*4 {
		t.Fatalf("%d bytes, want 2 rows of 256 float32", len(b))
	}
	for i := range 2 * 256 {
		want := float32(0)
		if i == 6 || i == 256+7 {
			want = 8
		}
		if got := math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])); got != want {
			t.Errorf("logit %d: got %v, want %v", i, got, want)
		}
	}
	a = newTestApp(t, newFakeModel())
	a.model.seq.appendErr = errDiskFull
	if code := a.run("eval", "m", "--ids", "5", "--logits", path); code != ExitError {
		t.Errorf("code: got %d, want 1", code)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, b) {
		t.Errorf("a run that failed changed the file that was there: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("files beside it: %v, %v; want none", entries, err)
	}
}

// TestOutFileDirect writes to what is not a regular file, and leaves it there
// whatever happens.
func TestOutFileDirect(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no null device in the file system")
	}
	for _, failure := range []error{nil, errDiskFull} {
		out, err := createOut(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.finish(failure); !errors.Is(err, failure) {
			t.Errorf("error is %v, want %v", err, failure)
		}
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("the null device is %v, %v", info, err)
	}
	if _, err := createOut(t.TempDir()); err == nil {
		t.Error("a directory: no error")
	}
}

func TestEvalReadsIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids.json")
	if err := os.WriteFile(path, []byte("[5, 6,\n7]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newTestApp(t, newFakeModel())
	if r := evaluate(t, a, "--ids", "@"+path); r.Tokens != 3 {
		t.Errorf("got %+v", r)
	}
}

func TestEvalForPeople(t *testing.T) {
	a := newTestApp(t, newFakeModel())
	a.run("eval", "m", "--ids", "72,73", "--greedy", "2")
	want := "tokens       2\nperplexity   1.0855 over 1 predicted token (mean negative log-likelihood 0.08208)\ngreedy       74 75\n             \"JK\"\n"
	if a.out.String() != want {
		t.Errorf("got %q, want %q", a.out.String(), want)
	}
}

func TestEvalMistakes(t *testing.T) {
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"eval"}, 2, "eval takes one model, got 0 arguments"},
		{[]string{"eval", "m"}, 2, "eval takes either --ids or -f"},
		{[]string{"eval", "m", "--ids", "1", "-f", "x"}, 2, "eval takes either --ids or -f"},
		{[]string{"eval", "m", "--ids", ""}, 2, "--ids holds no token ids"},
		{[]string{"eval", "m", "--ids", "1,b"}, 2, `--ids: token id 2 is "b", want a number, 0 or more`},
		{[]string{"eval", "m", "--ids", "-1"}, 2, `--ids: token id 1 is "-1", want a number, 0 or more`},
		{[]string{"eval", "m", "--ids", "1", "--kv", "q5_1"}, 2, `--kv is "q5_1", want f16, f32, q8_0 or q4_0`},
		{[]string{"eval", "m", "--ids", "1", "--greedy", "9223372036854775807"}, 2, "--greedy is 9223372036854775807, want 0 to 2000000000"},
		{[]string{"eval", "m", "--ids", "1", "--logits", "x", "--routes", "x"}, 2, "--logits and --routes name the same file"},
		{[]string{"eval", "m", "-f", "x", "--start", "5"}, 2, "--start goes with --ids"},
		{[]string{"eval", "m", "-f", "x", "--routes", "r.json"}, 2, "--routes goes with --ids"},
		{[]string{"eval", "m", "--ids", "1", "--greedy", "-1"}, 2, "--greedy is -1, want 0 to 2000000000"},
		{[]string{"eval", "m", "--ids", "@" + filepath.Join("no", "where")}, 1, ""},
		{[]string{"eval", "m", "-f", filepath.Join("no", "where")}, 1, ""},
		{[]string{"eval", "m", "-f", "-"}, 1, "evaluating a text: it is empty"},
		{[]string{"eval", "m", "--ids", "1", "--logits", filepath.Join("no", "where")}, 1, ""},
	}
	for _, test := range tests {
		a := newTestApp(t, newFakeModel())
		code := a.run(test.args...)
		if code != test.code || strings.Count(a.err.String(), "\n") != 1 || a.out.Len() > 0 {
			t.Errorf("%v: got code %d, output %q, error %q; want code %d and one line", test.args, code, a.out.String(), a.err.String(), test.code)
		}
		if test.want != "" && a.err.String() != "scout: "+test.want+"\n" {
			t.Errorf("%v: got %q, want %q", test.args, a.err.String(), test.want)
		}
	}
}

func TestNegativeLogLikelihood(t *testing.T) {
	logits := []float32{1000, 999, -1000}
	got, err := negativeLogLikelihood(logits, 1)
	if want := math.Log(1+math.Exp(-1)) + 1; err != nil || math.Abs(got-want) > 1e-9 {
		t.Errorf("large logits: got %v, %v, want %v", got, err, want)
	}
	for _, bad := range [][]float32{{0, float32(math.NaN())}, {float32(math.Inf(1)), 0}} {
		if _, err := negativeLogLikelihood(bad, 1); err == nil {
			t.Errorf("%v: got no error", bad)
		}
	}
	if _, err := negativeLogLikelihood(logits, 3); err == nil {
		t.Error("an id outside: got no error")
	}
}

func TestLikeliest(t *testing.T) {
	for _, test := range []struct {
		logits []float32
		want   int32
	}{{[]float32{1}, 0}, {[]float32{1, 3, 2}, 1}, {[]float32{1, 3, 3}, 1}, {[]float32{-5, -4}, 1}} {
		if got := likeliest(test.logits); got != test.want {
			t.Errorf("%v: got %d, want %d", test.logits, got, test.want)
		}
	}
}
