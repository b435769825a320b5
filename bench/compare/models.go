package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"scout/bench/internal/programs"
)

// models writes the synthetic models into a folder.
type models struct {
	folder, synth string
	keep          bool
	last          string // the file that drop removes
}

// get returns the model of a case with its bytes in the page cache; anew says
// that it is to be written even if it is there. Unless models are kept, the one
// before is removed when another is written.
func (m *models) get(ctx context.Context, c testCase, anew bool) (string, error) {
	path := filepath.Join(m.folder, modelName(c))
	if anew {
		os.Remove(path) // if it cannot be, writing it will say so
	}
	if _, err := os.Stat(path); err != nil {
		m.drop()
		if err := m.write(ctx, c, path); err != nil {
			return "", err
		}
	}
	m.last = path
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := io.Copy(io.Discard, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return path, nil
}

// modelName has a sum of the arguments in it, so that a kept model is not
// taken for one of another shape.
func modelName(c testCase) string {
	sum := fnv.New32a()
	sum.Write([]byte(c.Model))
	return fmt.Sprintf("synthetic-%08x.gguf", sum.Sum32())
}

// write writes a model, under another name until it is whole.
func (m *models) write(ctx context.Context, c testCase, path string) error {
	if err := os.MkdirAll(m.folder, 0o777); err != nil {
		return err
	}
	if err := checkDisk(ctx, m.folder, c.gigabytes); err != nil {
		return err
	}
	part := path + ".part"
	if _, err := programs.Output(m.synth, append(strings.Fields(c.Model), "-o", part)...); err != nil {
		os.Remove(part)
		return err
	}
	return os.Rename(part, path)
}

// drop removes the last model unless it is to be kept.
func (m *models) drop() {
	if !m.keep && m.last != "" {
		os.Remove(m.last)
		m.last = ""
	}
}

// spareGigabytes are left free on a disk.
const spareGigabytes = 2

// checkDisk refuses to fill the disk that a folder is on.
func checkDisk(ctx context.Context, folder string, need float64) error {
	out, err := exec.CommandContext(ctx, "df", "-Pk", folder).Output()
	if err != nil {
		return fmt.Errorf("asking df for the free space of %s: %w", folder, err)
	}
	free, err := freeGigabytes(string(out))
	if err != nil {
		return fmt.Errorf("the free space of %s: %w", folder, err)
	}
	if free < need+spareGigabytes {
		return fmt.Errorf("%s has %.1f GB free, want %.1f for the model and %d to spare: -keep names another folder", folder, free, need, spareGigabytes)
	}
	return nil
}

// freeGigabytes reads what "df -Pk" prints: a line of names and one for the
// folder, with what is free in units of 1024 bytes as the fourth word.
func freeGigabytes(df string) (float64, error) {
	lines := strings.Split(strings.TrimSpace(df), "\n")
	words := strings.Fields(lines[len(lines)-1])
	if len(lines) < 2 || len(words) < 6 {
		return 0, fmt.Errorf("df printed %q, want two lines", df)
	}
	free, err := strconv.ParseFloat(words[3], 64)
	return free * 1024 / 1e9, err
}
