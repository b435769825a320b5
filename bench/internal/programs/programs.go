// Package programs builds and runs the programs that bench compares: scout,
// llama.cpp's runner and the writer of synthetic models. They are separate
// programs so that none can lean on another.
package programs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program is one of the programs, by the folder it is built from.
type Program struct {
	module string // folder of its module in the repository
	pkg    string
}

// The programs.
var (
	Peer       = Program{"bench", "./peer"}
	SynthModel = Program{".", "./engine/internal/synth/synthmodel"}
	Scout      = Program{".", "."}
)

// Repository is the folder of the main module, found from the current folder
// upwards.
func Repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "bench", "go.mod")); err == nil {
			return d, nil
		}
		if filepath.Dir(d) == d {
			return "", fmt.Errorf("programs: %s is not inside the repository", dir)
		}
	}
}

// Build builds a program into a folder and returns its path.
func (p Program) Build(repository, into string) (string, error) {
	name := filepath.Base(p.pkg)
	if p == Scout {
		name = "scout"
	}
	path := filepath.Join(into, name+".exe") // the suffix matters on Windows only
	cmd := exec.Command("go", "build", "-o", path, p.pkg)
	cmd.Dir = filepath.Join(repository, p.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("programs: building %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// Output runs a program and returns what it wrote to its standard output. An
// error ends in the last line of what it wrote to its standard error.
func Output(program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lines[len(lines)-1])
	}
	return stdout.String(), nil
}

// ReadFloats reads a file of little-endian float32, such as logits.
func ReadFloats(path string) ([]float32, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b)%4 != 0 {
		return nil, fmt.Errorf("programs: %s has %d bytes, want a multiple of 4", path, len(b))
	}
	x := make([]float32, len(b)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x, nil
}
