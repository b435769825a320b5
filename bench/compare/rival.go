package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// rival is one engine with a model open, waiting for its turns. The protocol is
// that of "scout bench --turns": it answers each line on its standard input with
// a line {"turn":n} when that turn's measurements are done, n counting from 0 for
// having loaded the model; behind the last turn it prints its record.
type rival struct {
	name    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
	stderr  bytes.Buffer
	turn    int
}

// record is what an engine measured. Both print more than this.
type record struct {
	Engine      string     `json:"engine"`
	Version     string     `json:"version,omitempty"` // scout's
	CPU         string     `json:"cpu,omitempty"`     // llama.cpp's build
	LoadSeconds float64    `json:"load_s"`
	Runs        []measured `json:"runs"`
	PeakRSS     int64      `json:"peak_rss_bytes,omitempty"`
	Bandwidth   float64    `json:"memory_bandwidth_bytes_s,omitempty"`
	Machine     string     `json:"machine,omitempty"`
}

// measured is one test of an engine, in all its turns.
type measured struct {
	Test       string    `json:"test"`
	Tokens     int       `json:"tokens"`
	Depth      int       `json:"depth"`
	Rates      []float64 `json:"tok_s"` // tokens per second, one for each turn
	TokenBytes int64     `json:"bytes_per_token,omitempty"`
	Share      float64   `json:"bandwidth_share,omitempty"` // bytes read at the median rate, of what plain reads of the same weights get
}

// start starts an engine and waits until it is ready.
func start(ctx context.Context, name string, command, environment []string) (*rival, error) {
	r := &rival{name: name, cmd: exec.CommandContext(ctx, command[0], command[1:]...), turn: -1}
	r.cmd.Env = append(os.Environ(), environment...)
	r.cmd.Stderr = &r.stderr
	// An engine that computes before all other programs sees a polite signal late.
	r.cmd.WaitDelay = time.Second
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.answers = bufio.NewReader(out)
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := r.await(); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// takeTurn lets the engine run its tests once.
func (r *rival) takeTurn() error {
	if _, err := io.WriteString(r.in, "\n"); err != nil {
		return r.failed(err)
	}
	return r.await()
}

// await reads the answer that ends the current turn.
func (r *rival) await() error {
	r.turn++
	line, err := r.answers.ReadBytes('\n')
	if err != nil {
		return r.failed(err)
	}
	var said struct{ Turn *int }
	if err := json.Unmarshal(line, &said); err != nil || said.Turn == nil || *said.Turn != r.turn {
		return fmt.Errorf("%s: it said %q, want the end of turn %d", r.name, line, r.turn)
	}
	return nil
}

// finish ends the engine behind its last turn and reads its record.
func (r *rival) finish() (record, error) {
	var got record
	if err := r.in.Close(); err != nil {
		return got, r.failed(err)
	}
	line, err := r.answers.ReadBytes('\n')
	if err != nil {
		return got, r.failed(err)
	}
	if err := json.Unmarshal(line, &got); err != nil {
		return got, fmt.Errorf("%s: reading its record: %w", r.name, err)
	}
	if err := r.cmd.Wait(); err != nil {
		return got, r.failed(err)
	}
	return got, nil
}

// failed is err with the last thing the engine complained of. It ends the
// engine, so that all of that is there.
func (r *rival) failed(err error) error {
	if wait := r.stop(); errors.Is(err, io.EOF) && wait != nil {
		err = wait
	}
	lines := strings.Split(strings.TrimSpace(r.stderr.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Errorf("%s: %w: %s", r.name, err, last)
	}
	return fmt.Errorf("%s: %w", r.name, err)
}

// stop ends the engine. Stopping again does nothing.
func (r *rival) stop() error {
	if r.cmd.ProcessState != nil {
		return nil
	}
	_ = r.cmd.Process.Kill() // it may have ended by itself
	return r.cmd.Wait()
}

// stopAfter ends the engine if there was an error; that it did not end well
// then is no news.
func (r *rival) stopAfter(err error) {
	if err != nil {
		_ = r.stop()
	}
}
