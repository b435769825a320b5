package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Run is one load of a model with what was made of it. Sizes are bytes, rates tokens
// per second; what was not predicted or not measured is 0.
type Run struct {
	Time    time.Time `json:"time"`
	Machine string    `json:"machine"` // as hardware.MachineID gives it
	Key
	Depth     int     `json:"depth"` // tokens in the context, about
	Predicted Figures `json:"predicted"`
	Measured  Figures `json:"measured"`
}

// Key is what a prediction is for.
type Key struct {
	Model     string `json:"model"`     // a sum of its shape
	Type      string `json:"type"`      // of most of its weights
	Context   int    `json:"context"`   // positions
	KV        string `json:"kv"`        // of the cache
	Threads   int    `json:"threads"`   // that compute
	Placement string `json:"placement"` // a sum, or "cpu"
}

// Figures is what is predicted and measured.
type Figures struct {
	Weights int64   `json:"weight_bytes,omitempty"`
	KV      int64   `json:"cache_bytes,omitempty"`
	Compute int64   `json:"compute_bytes,omitempty"`
	Peak    int64   `json:"peak_bytes,omitempty"` // of the process, resident
	Decode  float64 `json:"decode_tok_s,omitempty"`
	Prefill float64 `json:"prefill_tok_s,omitempty"`
}

// sane says whether a line can have been written by Add.
func (r Run) sane() bool {
	if r.Machine == "" || r.Model == "" || r.Context < 0 || r.Depth < 0 || r.Threads < 0 {
		return false
	}
	for _, f := range []Figures{r.Predicted, r.Measured} {
		if min(f.Weights, f.KV, f.Compute, f.Peak) < 0 {
			return false
		}
		for _, x := range []float64{f.Decode, f.Prefill} {
			if !(x >= 0) || math.IsInf(x, 0) {
				return false
			}
		}
	}
	return true
}

const (
	// mostFile is the size at which a file is put aside; the one put aside before goes.
	// A line takes some 400 bytes.
	mostFile = 512 << 10
	mostLine = 4 << 10
	// staleLock is the age of a lock that a process left behind.
	staleLock = 10 * time.Second
)

// older is where a full file is put.
func older(file string) string { return file + ".1" }

// Add writes a run to the end of a file. Several processes may do so at the same time:
// each line is one write.
func Add(file string, r Run) error {
	fail := func(err error) error { return fmt.Errorf("ledger: adding a run: %w", err) }
	if !r.sane() {
		return fail(fmt.Errorf("it cannot be one: %+v", r))
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fail(err)
	}
	if len(line) >= mostLine {
		return fail(fmt.Errorf("a line of %d bytes, want less than %d", len(line), mostLine))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fail(err)
	}
	if err := putAside(file); err != nil {
		return fail(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fail(err)
	}
	line = append(line, '\n')
	if torn(f) {
		line = append([]byte{'\n'}, line...)
	}
	_, err = f.Write(line)
	if err = errors.Join(err, f.Close()); err != nil {
		return fail(err)
	}
	return nil
}

// torn says whether the last line has no end: whoever wrote it was stopped.
func torn(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return false
	}
	return last[0] != '\n'
}

// putAside renames a file that is full. One process does it at a time; the others go
// on writing where they are.
func putAside(file string) error {
	if !full(file) {
		return nil
	}
	lock := file + ".lock"
	if info, err := os.Stat(lock); err == nil && time.Since(info.ModTime()) > staleLock {
		os.Remove(lock)
	}
	l, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer os.Remove(lock)
	defer l.Close()
	if !full(file) {
		return nil
	}
	if err := os.Rename(file, older(file)); err != nil && full(file) && !os.IsPermission(err) {
		return err
	}
	return nil
}

func full(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() >= mostFile
}

// Runs is what a file knows of one machine, the oldest first.
type Runs []Run

// Read reads the runs of a machine. Lines that cannot be understood are passed over,
// and that there is no file is no error.
func Read(file, machine string) (Runs, error) {
	var all Runs
	for _, name := range []string{older(file), file} {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return all, fmt.Errorf("ledger: reading runs: %w", err)
		}
		all = append(all, decode(io.LimitReader(f, 2*mostFile), machine)...)
		f.Close()
	}
	return all, nil
}

func decode(r io.Reader, machine string) (runs Runs) {
	lines := bufio.NewReaderSize(r, mostLine)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // longer than any of ours: to its end
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = lines.ReadSlice('\n')
			}
			line = nil
		}
		var one Run
		if json.Unmarshal(line, &one) == nil && one.Machine == machine && one.sane() {
			runs = append(runs, one)
		}
		if err != nil {
			return runs
		}
	}
}
