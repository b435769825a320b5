package hardware

import (
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

const (
	// probeMark is set in the environment of the process that looks, which starts no
	// further one, whatever program it turns out to be.
	probeMark = "SCOUT_PROBING"
	// mostProbeBytes is more than any machine's answer.
	mostProbeBytes = 1 << 20
	// mostComplaint is how much of what a broken driver writes is shown.
	mostComplaint = 200
)

// ProbeApart looks at this machine in a process of its own, for at most the given
// time, so that a broken driver ends that process and nothing else. command is the
// program and its arguments, which write a Probe as JSON to standard output. When it
// fails, the answer is empty, and the error says in one line how: it crashed, did
// not answer, or answered what is no Probe.
func ProbeApart(ctx context.Context, limit time.Duration, command ...string) (Probe, error) {
	if os.Getenv(probeMark) != "" {
		return Probe{}, errors.New("hardware: probing the GPUs: this process probes itself")
	}
	if len(command) == 0 {
		return Probe{}, errors.New("hardware: probing the GPUs: no program to do it")
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	// NO_COLOR keeps whatever writes help from asking a terminal for its colours.
	cmd.Env = append(os.Environ(), probeMark+"=1", "NO_COLOR=1")
	cmd.WaitDelay = time.Second / 4 // for pipes that a child of the child holds open
	out, complaint := &boundedBuffer{most: mostProbeBytes, stop: stop}, &boundedBuffer{most: mostComplaint}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	switch {
	case out.full:
		return Probe{}, fmt.Errorf("hardware: probing the GPUs: the answer is longer than %d bytes", mostProbeBytes)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Probe{}, fmt.Errorf("hardware: probing the GPUs: no answer in %v", limit)
	case ctx.Err() != nil:
		return Probe{}, fmt.Errorf("hardware: probing the GPUs: %w", context.Cause(ctx))
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // which says that something of it lives on; the answer counts
		return Probe{}, fmt.Errorf("hardware: probing the GPUs: the process that looked failed: %w%s", err, complaint.firstLine())
	}
	return decodeProbe(out.kept.Bytes())
}

// decodeProbe reads one answer, and refuses figures that no machine has.
func decodeProbe(answer []byte) (Probe, error) {
	var p Probe
	d := json.NewDecoder(bytes.NewReader(answer))
	if err := d.Decode(&p); err != nil {
		return Probe{}, fmt.Errorf("hardware: probing the GPUs: reading the answer: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Probe{}, errors.New("hardware: probing the GPUs: more follows the answer")
	}
	if len(p.GPUs) > mostGPUs {
		return Probe{}, fmt.Errorf("hardware: probing the GPUs: the answer has %d, want at most %d", len(p.GPUs), mostGPUs)
	}
	for _, g := range p.GPUs {
		if !sane(g.Total, g.Used, g.Free, g.Shared) || !(g.Bandwidth >= 0 && g.Bandwidth < 1e15) || !(g.TFLOPS >= 0 && g.TFLOPS < 1e7) {
			return Probe{}, fmt.Errorf("hardware: probing the GPUs: the answer has a GPU with %d bytes, %d free, at %g bytes/s", g.Total, g.Free, g.Bandwidth)
		}
	}
	for _, v := range p.Drives {
		if !sane(v.Total, v.Free) || !(v.Bandwidth >= 0 && v.Bandwidth < 1e15) {
			return Probe{}, fmt.Errorf("hardware: probing the GPUs: the answer has a disk with %d bytes, %d free", v.Total, v.Free)
		}
	}
	return p, nil
}

// sane says whether sizes can be those of a device: parts of the first one.
func sane(total int64, parts ...int64) bool {
	for _, part := range parts {
		if part < 0 || part > total {
			return false
		}
	}
	return total >= 0
}

// boundedBuffer keeps so many bytes; what follows is dropped, and stop, if there is
// one, is called. The buffer is no embedded field: copying would find its ReadFrom
// and pass the bound by.
type boundedBuffer struct {
	kept bytes.Buffer
	most int
	full bool
	stop func()
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	room := b.most - b.kept.Len()
	b.kept.Write(p[:min(room, len(p))])
	if len(p) > room {
		if b.full = true; b.stop != nil {
			b.stop()
		}
	}
	return len(p), nil
}

// firstLine is what was written, for the end of a message.
func (b *boundedBuffer) firstLine() string {
	line, _, _ := strings.Cut(strings.TrimSpace(b.kept.String()), "\n")
	if line == "" {
		return ""
	}
	return ": " + strings.ToValidUTF8(line, "?")
}
