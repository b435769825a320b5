package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"scout/bench/internal/programs"
	"scout/bench/internal/routes"
)

// tools are the programs that cases are run with, and a folder for their files.
type tools struct {
	dir                string
	peer, synth, scout string
	against            string
	routes             bool   // scout can say which experts it chose
	written            string // arguments of the model that is in the folder
}

// skipError is why a case could not be tried.
type skipError struct{ reason string }

func (e *skipError) Error() string { return e.reason }

// prepare builds the programs that were not given and looks what scout can do.
func (t *tools) prepare() error {
	if os.Getenv("YZMA_LIB") == "" {
		return errors.New("agree: YZMA_LIB is not set, want the folder that bench/setup filled with llama.cpp's libraries")
	}
	if err := t.build(); err != nil {
		return err
	}
	switch t.against {
	case "peer":
		t.routes = true
	case "scout":
		help, _ := exec.Command(t.scout, "eval", "--help").CombinedOutput()
		t.routes = bytes.Contains(help, []byte("--routes"))
	default:
		return fmt.Errorf("agree: -against is %q, want scout or peer", t.against)
	}
	return nil
}

// build builds the programs that were not given.
func (t *tools) build() error {
	root, err := programs.Repository()
	if err != nil {
		return err
	}
	for _, b := range []struct {
		path    *string
		program programs.Program
	}{{&t.peer, programs.Peer}, {&t.synth, programs.SynthModel}, {&t.scout, programs.Scout}} {
		if *b.path != "" || b.program == programs.Scout && t.against == "peer" {
			continue
		}
		if *b.path, err = b.program.Build(root, t.dir); err != nil {
			return fmt.Errorf("agree: %w", err)
		}
	}
	return nil
}

// types are the names of the weight types that synthmodel writes.
func (t *tools) types() ([]string, error) {
	out, err := programs.Output(t.synth, "-types")
	return strings.Fields(strings.ToLower(out)), err
}

// model writes the model of a case, unless it is there from the case before.
func (t *tools) model(c testCase) (path string, err error) {
	path = filepath.Join(t.dir, "model.gguf")
	if t.written == c.model {
		return path, nil
	}
	t.written = ""
	if _, err := programs.Output(t.synth, append(strings.Fields(c.model), "-o", path)...); err != nil {
		return "", err
	}
	t.written = c.model
	return path, nil
}

// answer is what one side computed.
type answer struct {
	logits []float32      // [tokens, vocabulary]
	routes *routes.Routes // nil when not known
	greedy []int
}

// ask runs one side and reads its files.
func (t *tools) ask(side, program string, c testCase, routed bool, args ...string) (a answer, err error) {
	logits, routing := filepath.Join(t.dir, side+".logits"), filepath.Join(t.dir, side+".routes")
	args = append(args, "--logits", logits)
	if routed {
		args = append(args, "--routes", routing)
	}
	out, err := programs.Output(program, args...)
	if err != nil {
		return a, err
	}
	if a.logits, err = programs.ReadFloats(logits); err != nil {
		return a, err
	}
	if routed {
		if a.routes, err = routes.Read(routing, c.tokens); err != nil {
			return a, fmt.Errorf("%s: %w", side, err)
		}
	}
	var said struct{ Greedy []int }
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		return a, fmt.Errorf("%s: reading what it printed: %w", side, err)
	}
	a.greedy = said.Greedy
	return a, nil
}

// askPeer asks llama.cpp with its plainest settings: no flash attention, and
// the weights as they are in the file.
func (t *tools) askPeer(side, model string, c testCase, more ...string) (answer, error) {
	args := []string{"-m", model, "-ids", join(c.ids()), "-start", strconv.Itoa(c.start), "-kv", c.kv, "-fa=false", "-repack=false",
		"-greedy", strconv.Itoa(c.greedy)}
	return t.ask(side, t.peer, c, true, append(args, more...)...)
}

func (t *tools) askScout(model string, c testCase) (answer, error) {
	args := []string{"eval", model, "--ids", join(c.ids()), "--start", strconv.Itoa(c.start), "--kv", c.kv,
		"--greedy", strconv.Itoa(c.greedy), "--json"}
	return t.ask("other", t.scout, c, t.routes, args...)
}

// compare runs a case.
func (t *tools) compare(c testCase) (result, error) {
	model, err := t.model(c)
	if err != nil {
		return result{}, err
	}
	want, err := t.askPeer("peer", model, c)
	if err != nil {
		return result{}, &skipError{"llama.cpp did not run it: " + err.Error()}
	}
	var got answer
	if t.against == "peer" {
		got, err = t.askPeer("other", model, c, "-repack=true", "-batch", "16")
	} else {
		got, err = t.askScout(model, c)
	}
	if err != nil {
		return result{}, err
	}
	return judge(c, want, got)
}

func join(ids []int) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(id))
	}
	return b.String()
}
