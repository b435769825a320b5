package cli

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// demoTowerFile is the demo model's vision tower.
const demoTowerFile = "../../testdata/models/mmproj-tiny-scout.gguf"

func TestBenchVision(t *testing.T) {
	run := func(args ...string) *testApp {
		t.Helper()
		a := newTestApp(t, newFakeModel())
		if code := a.run(append([]string{"bench", "m", "--pp", "2", "--tg", "0", "--threads", "2"}, args...)...); code != 0 {
			t.Fatal(code, a.err.String())
		}
		return a
	}
	text := run("--mmproj", demoTowerFile, "--reps", "2").out.String()
	want := `(?m)^vision +[0-9.]+ ms a tile, [0-9.]+ tiles/s \([0-9.]+ to [0-9.]+ ms in 2 runs\); [0-9]+ tokens of ([0-9]+)x([0-9]+) pixels each, with 2 threads$`
	if found := regexp.MustCompile(want).FindStringSubmatch(text); found == nil || found[1] != found[2] {
		t.Errorf("nothing like %s in\n%s", want, text)
	}
	var got benchRecord
	if err := json.Unmarshal(run("--mmproj", demoTowerFile, "--reps", "3", "--json").out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	v := got.Vision
	if v == nil || v.Tower != demoTowerFile || len(v.TileSeconds) != 3 || median(v.TileSeconds) <= 0 ||
		v.Threads != 2 || v.TileSize <= 0 || v.TokensPerTile <= 0 || v.WeightBytes <= 0 || v.ComputeBytes <= 0 {
		t.Errorf("got %+v", v)
	}
	if text := run("--reps", "1").out.String(); strings.Contains(text, "vision") {
		t.Errorf("a tower that nobody named:\n%s", text)
	}
}

// TestBenchVisionInside has a model that says its tower is in its own file: it is
// that file which is opened, unless another is named.
func TestBenchVisionInside(t *testing.T) {
	m := newFakeModel()
	m.info.Vision = true
	run := func(args ...string) (code int, out, errors string) {
		a := newTestApp(t, m)
		code = a.run(append([]string{"bench", "--pp", "2", "--tg", "0", "--reps", "1"}, args...)...)
		return code, a.out.String(), a.err.String()
	}
	for _, c := range []struct{ args, want string }{
		{demoTowerFile, `(?m)^vision +[0-9.]+ ms a tile, [0-9.]+ tiles/s; `},
		{"nowhere.gguf", `(?m)^vision +not measured: .*nowhere\.gguf`},
		{"nowhere.gguf --mmproj " + demoTowerFile, `(?m)^vision +[0-9.]+ ms a tile`},
	} {
		code, out, errors := run(strings.Fields(c.args)...)
		if code != 0 || !regexp.MustCompile(c.want).MatchString(out) {
			t.Errorf("bench %s: exit code %d %s, nothing like %s in\n%s", c.args, code, errors, c.want, out)
		}
	}
	if code, out, errors := run("m", "--mmproj", "nowhere.gguf"); code == 0 || out != "" || !strings.Contains(errors, "nowhere.gguf") {
		t.Errorf("a named tower that is missing: exit code %d, %q and %q, want a failure that names the file", code, out, errors)
	}
}

func TestBenchVisionText(t *testing.T) {
	for _, c := range []struct {
		seconds []float64
		want    string
	}{
		{[]float64{3.967}, "3967 ms a tile, 0.252 tiles/s; 144 tokens of 336x336 pixels each, with 2 threads"},
		{[]float64{0.00094, 0.00106, 0.001}, "1.0 ms a tile, 1000 tiles/s (0.9 to 1.1 ms in 3 runs); 144 tokens of 336x336 pixels each, with 2 threads"},
	} {
		v := &benchVision{TileSize: 336, TokensPerTile: 144, Threads: 2, TileSeconds: c.seconds}
		if got := v.String(); got != c.want {
			t.Errorf("%v: got %q, want %q", c.seconds, got, c.want)
		}
	}
}

// TestSlopes expects a tile in the range of a normalised picture, and no two
// channels alike.
func TestSlopes(t *testing.T) {
	const size = 20
	tile := slopes(size)
	for i, v := range tile {
		if v < -1 || v > 1 {
			t.Fatalf("number %d is %g, want -1 to 1", i, v)
		}
	}
	if at := size*size/2 + 1; len(tile) != 3*size*size || tile[at] == tile[size*size+at] || tile[at] == tile[2*size*size+at] {
		t.Errorf("%d numbers, of one pixel %g, %g, %g", len(tile), tile[at], tile[size*size+at], tile[2*size*size+at])
	}
}
