package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"scout/bench/internal/programs"
)

// limited runs scout inside a group.
type limited struct {
	g      *group
	scout  string
	models []string
	sizes  []int64
	state  string
	base   int64 // what scout holds with next to no model
}

func newLimited(dir string, g *group) (*limited, error) {
	repository, err := programs.Repository()
	if err != nil {
		return nil, err
	}
	l := &limited{g: g, state: filepath.Join(dir, "state")}
	if l.scout, err = programs.Scout.Build(repository, dir); err != nil {
		return nil, err
	}
	synth, err := programs.SynthModel.Build(repository, dir)
	if err != nil {
		return nil, err
	}
	if l.models, err = write(synth, dir); err != nil {
		return nil, err
	}
	for _, m := range l.models {
		info, err := os.Stat(m)
		if err != nil {
			return nil, err
		}
		l.sizes = append(l.sizes, info.Size())
	}
	var b benched
	if err := l.ask(&b, "bench", "demo", "--json", "--pp", "0", "--tg", "2", "--reps", "1"); err != nil {
		return nil, err
	}
	l.base = max(0, b.Peak-b.Weights-b.Cache-b.Compute)
	return l, nil
}

type fit struct {
	Fits    string `json:"fits"`
	Devices []struct {
		Total int64 `json:"total_bytes"`
	} `json:"devices"`
}

type benched struct {
	Peak    int64 `json:"peak_rss_bytes"`
	Weights int64 `json:"weight_bytes"`
	Cache   int64 `json:"cache_bytes"`
	Compute int64 `json:"compute_bytes"`
}

// errNo is scout's exit code for what does not fit.
const errNo = 3

// ask runs scout in the group.
func (l *limited) ask(into any, args ...string) error {
	cmd := exec.Command("sh", append([]string{"-c", l.g.inside(), "sh", l.scout}, args...)...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+l.state)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("scout %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return json.Unmarshal(out, into)
}

// killed says whether the system ended a process, and exited with what code it ended
// by itself.
func killed(err error) bool {
	var e *exec.ExitError
	if !errors.As(err, &e) {
		return false
	}
	status, ok := e.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

func exited(err error, code int) bool {
	var e *exec.ExitError
	return errors.As(err, &e) && e.ExitCode() == code
}

// one is a run with a model, a context, a cache and a limit by chance.
func (l *limited) one(i int, rng *rand.Rand, t *tally) error {
	m := rng.IntN(len(l.models))
	context := 300 + rng.IntN(2000)
	kv := []string{"f16", "f32", "q8_0", "q4_0"}[rng.IntN(4)]
	limit := int64((0.4 + 2.6*rng.Float64()) * float64(l.sizes[m]+200<<20))
	if err := l.g.set(limit); err != nil {
		return err
	}
	var f fit
	err := l.ask(&f, "fit", l.models[m], "--json", "--ctx", fmt.Sprint(context), "--kv", kv)
	label := fmt.Sprintf("%3d: model %d, context %d in %s, limit %d MiB", i, m, context, kv, limit>>20)
	if exited(err, errNo) {
		t.refused++
		fmt.Println(label + ": refused")
		return nil
	}
	if err != nil {
		return err
	}
	t.allowed++
	if f.Fits != "yes" {
		t.streamed++
	}
	const prompt = 64
	var b benched
	// So deep that every position of the cache is used.
	err = l.ask(&b, "bench", l.models[m], "--json", "--pp", fmt.Sprint(prompt), "--tg", "8", "--reps", "1", "--kv", kv, "--depth", fmt.Sprint(context-prompt-1))
	switch {
	case killed(err):
		t.killed++
		fmt.Println(label+": KILLED", err)
		return nil
	case err != nil:
		t.failed++
		fmt.Println(label+": failed:", err)
		return nil
	}
	if f.Fits != "yes" {
		fmt.Println(label + ": runs from disk")
		return nil
	}
	predicted := f.Devices[0].Total + l.base
	off := float64(b.Peak - predicted)
	t.compared++
	t.worst = max(t.worst, math.Abs(off)/(1<<20))
	if math.Abs(off) > max(goalShare*float64(b.Peak), goalBytes) {
		t.off++
	}
	fmt.Printf("%s: predicted %d MiB, held %d MiB\n", label, predicted>>20, b.Peak>>20)
	return nil
}
