package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"scout/bench/internal/programs"
)

// tools are the programs that are run, and the folder of llama.cpp's libraries.
type tools struct {
	repository, libraries string
	scout, peer, synth    string
}

// tools builds the programs into a folder and fetches llama.cpp.
func (o options) tools(into string) (t tools, err error) {
	if t.repository, err = programs.Repository(); err != nil {
		return t, fmt.Errorf("compare: %w", err)
	}
	if t.libraries, err = o.libraries(); err != nil {
		return t, fmt.Errorf("compare: %w", err)
	}
	if o.realtime {
		if out, err := exec.Command(realtime[0], append(realtime[1:], "true")...).CombinedOutput(); err != nil {
			return t, fmt.Errorf("compare: -realtime: chrt cannot be used here: %w: %s", err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(t.libraries, "libllama.so")); err != nil {
		setup := exec.Command(filepath.Join(t.repository, "bench", "setup"), t.libraries)
		setup.Stderr = os.Stderr
		if err := setup.Run(); err != nil {
			return t, fmt.Errorf("compare: fetching llama.cpp with bench/setup: %w", err)
		}
	}
	for _, b := range []struct {
		path    *string
		program programs.Program
	}{{&t.scout, programs.Scout}, {&t.peer, programs.Peer}, {&t.synth, programs.SynthModel}} {
		if *b.path, err = b.program.Build(t.repository, into); err != nil {
			return t, fmt.Errorf("compare: %w", err)
		}
	}
	return t, nil
}

// realtime is the command in front of an engine that is to run before all
// other programs. Round robin and not first in, first out: two programs of the
// latter kind whose threads wait for one another can keep each other from ever
// running again.
var realtime = []string{"chrt", "-r", "10"}

// pause is how long a rival has to fall asleep after its turn: threads look for
// more work for some milliseconds first.
const pause = 200 * time.Millisecond

// commands are what runs a session of a case on each engine.
func (t tools) commands(c testCase, model string, o options) (scout, peer []string) {
	_, rounds := c.sessions(o)
	scout = []string{t.scout, "bench", model, "--pp", c.prompts(), "--tg", strconv.Itoa(c.generated()), "--depth", strconv.Itoa(c.depth),
		"--reps", strconv.Itoa(rounds), "--threads", strconv.Itoa(o.threads), "--turns", "--json"}
	peer = []string{t.peer, "-m", model, "-pp", c.prompts(), "-tg", strconv.Itoa(c.generated()), "-depth", strconv.Itoa(c.depth),
		"-r", strconv.Itoa(rounds), "-t", strconv.Itoa(o.threads), "-turns"}
	if o.realtime {
		scout, peer = append(realtime[:len(realtime):len(realtime)], scout...), append(realtime[:len(realtime):len(realtime)], peer...)
	}
	return scout, peer
}

// compare runs a case on both engines, in as many sessions as are wanted.
func (t tools) compare(ctx context.Context, c testCase, m *models, o options) (result, error) {
	r := result{Case: c.Name, Model: c.Model}
	sessions, rounds := c.sessions(o)
	for i := range sessions {
		fmt.Fprintf(os.Stderr, "%s, session %d of %d\n", c.Name, i+1, sessions)
		path, err := m.get(ctx, c, i > 0)
		if err != nil {
			return r, err
		}
		scout, peer := t.commands(c, path, o)
		r.Commands = []string{commandLine(scout), commandLine(peer)}
		s, err := match(ctx, scout, peer, []string{"YZMA_LIB=" + t.libraries}, rounds)
		if err != nil {
			return r, fmt.Errorf("session %d: %w", i+1, err)
		}
		r.Sessions = append(r.Sessions, s)
	}
	return r, r.pair(c)
}

// match lets two engines take turns.
func match(ctx context.Context, scout, peer, environment []string, rounds int) (r session, err error) {
	before := time.Now()
	r.LoadBefore = loadAverage()
	a, err := start(ctx, "scout", scout, environment)
	if err != nil {
		return r, err
	}
	defer func() { a.stopAfter(err) }()
	b, err := start(ctx, "llama.cpp", peer, environment)
	if err != nil {
		return r, err
	}
	defer func() { b.stopAfter(err) }()
	for round := range rounds {
		for _, rival := range []*rival{a, b} {
			time.Sleep(pause)
			if err := rival.takeTurn(); err != nil {
				return r, fmt.Errorf("round %d: %w", round+1, err)
			}
		}
		fmt.Fprintf(os.Stderr, "  round %d of %d, %.0f s\n", round+1, rounds, time.Since(before).Seconds())
	}
	r.LoadAfter = loadAverage()
	time.Sleep(pause)
	if r.Scout, err = a.finish(); err != nil {
		return r, err
	}
	if r.Peer, err = b.finish(); err != nil {
		return r, err
	}
	r.Seconds = time.Since(before).Seconds()
	return r, nil
}
