package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scout/downloads/faultserver"
)

const tinyRepo = "someone/Tiny-GGUF"

// puller runs the whole program against a hub, with a store of its own.
type puller struct {
	t    *testing.T
	repo *faultserver.Repository
	env  []string
	dir  string // of the store
}

func newPuller(t *testing.T, files ...faultserver.Published) *puller {
	t.Helper()
	s := faultserver.NewOnSockets(t)
	r := s.Repository(tinyRepo)
	r.Direct = true
	r.Commit("1111111111111111111111111111111111111111", files...)
	home, dir := t.TempDir(), filepath.Join(t.TempDir(), "models")
	p := &puller{t: t, repo: r, dir: dir}
	p.env = append(os.Environ(), "HF_ENDPOINT="+s.Hub, "SCOUT_MODELS="+dir, "HOME="+home, "USERPROFILE="+home, "NO_PROXY=127.0.0.1",
		"HF_TOKEN=", "HF_HOME=", "HF_HUB_OFFLINE=", "XDG_DATA_HOME="+home, "XDG_CACHE_HOME="+home, "LLAMA_CACHE=", "HF_HUB_CACHE=", "OLLAMA_MODELS=")
	return p
}

// command is the program with arguments: this test, under the program's name.
func (p *puller) command(args ...string) *exec.Cmd {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"scout"}, args...), Env: p.env, Dir: p.t.TempDir()}
}

// scout runs a command to its end and gives its standard output.
func (p *puller) scout(args ...string) string {
	p.t.Helper()
	var out, errs strings.Builder
	c := p.command(args...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		p.t.Fatalf("scout %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// TestPulledModelRuns pulls the demo model from a hub and runs it by its name,
// with its vision tower.
func TestPulledModelRuns(t *testing.T) {
	var files []faultserver.Published
	for published, name := range map[string]string{"Tiny-Q8_0.gguf": "tiny-scout-Q8_0.gguf", "mmproj-Tiny-F16.gguf": "mmproj-tiny-scout.gguf"} {
		data, err := os.ReadFile(filepath.Join("testdata", "models", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, faultserver.Data(published, data))
	}
	p := newPuller(t, files...)
	name := tinyRepo + ":Q8_0"
	p.scout("pull", name)
	for _, args := range [][]string{
		{"run", "Who are you?", "--temp", "0", "--max-tokens", "8"},
		{"tokens", "Hello world"},
	} {
		of := func(model string) string {
			return p.scout(append([]string{args[0], model}, args[1:]...)...)
		}
		if got, want := of(name), of("demo"); got != want || got == "" {
			t.Errorf("scout %s answers %q with the pulled model, %q with the demo that it is", args[0], got, want)
		}
	}
	pictures, err := filepath.Glob(filepath.Join("testdata", "tiny-scout", "images", "*.png"))
	if err != nil || len(pictures) == 0 {
		t.Fatalf("no pictures to show: %v", err)
	}
	picture, err := filepath.Abs(pictures[0])
	if err != nil {
		t.Fatal(err)
	}
	of := func(model string) string {
		return p.scout("run", model, "What is this?", "-i", picture, "--temp", "0", "--max-tokens", "8")
	}
	if got, want := of(name), of("demo"); got != want || got == "" {
		t.Errorf("with a picture the pulled model answers %q, the demo %q", got, want)
	}
}

// TestPullSurvivesKill kills the program in the middle of a pull. What was
// saved is not fetched again.
func TestPullSurvivesKill(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the first save of a pull, 5 s")
	}
	t.Parallel()
	content := faultserver.Content{Seed: 11, Size: 48 << 20}
	p := newPuller(t, content.At("Tiny-Q4_0.gguf"))
	p.repo.Slow(60 * time.Millisecond) // 8 connections: about 8 MB/s
	name := tinyRepo + ":Q4_0"
	c := p.command("pull", name)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if !p.savedWithin(20 * time.Second) {
		_ = c.Process.Kill()
		t.Fatal("nothing was saved")
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil {
		t.Fatal("the pull ended before it was killed")
	}
	have, complete := p.have()
	if complete || have < 4<<20 {
		t.Fatalf("after the kill there are %d bytes, complete %t", have, complete)
	}
	p.repo.Slow(0)
	before := p.repo.Sent()
	p.scout("pull", name)
	// A server sends a little more on a connection whose rest another has taken over.
	most := (content.Size - have) * 102 / 100
	if sent := p.repo.Sent() - before; sent > most {
		t.Errorf("%d bytes were sent, want the %d that were not there and at most 2 %% more", sent, content.Size-have)
	}
	if out := p.scout("verify"); out != "hf.co/"+name+": right\n" {
		t.Errorf("verify wrote %q", out)
	}
}

// savedWithin waits until the journal of a pull has grown beyond its beginning.
func (p *puller) savedWithin(limit time.Duration) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		journals, _ := filepath.Glob(filepath.Join(p.dir, "blobs", "*.state"))
		for _, j := range journals {
			if info, err := os.Stat(j); err == nil && info.Size() > 200 {
				return true
			}
		}
	}
	return false
}

// have is how much of the only model is here.
func (p *puller) have() (bytes int64, complete bool) {
	p.t.Helper()
	var list struct {
		Models []struct {
			Have     int64 `json:"have"`
			Complete bool  `json:"complete"`
		} `json:"models"`
	}
	out := p.scout("ls", "--json")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Models) != 1 {
		p.t.Fatalf("ls --json wrote %q, %v", out, err)
	}
	return list.Models[0].Have, list.Models[0].Complete
}
