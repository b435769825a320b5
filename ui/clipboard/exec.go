package clipboard

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// mostSaid is how much of what a program complains of is kept.
const mostSaid = 512

// Exec is the Runner that runs programs.
func Exec(ctx context.Context, most int, name string, args ...string) ([]byte, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, name, args...)
	// A program that has given its picture and holds the pipe is not waited for.
	cmd.WaitDelay = time.Second
	said := &head{most: mostSaid}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	data, err := io.ReadAll(io.LimitReader(out, int64(most)+1))
	if len(data) > most {
		stop()
		_ = cmd.Wait() // it was ended by us
		return nil, fmt.Errorf("%s: %w: more than %d bytes", name, ErrTooLarge, most)
	}
	if waitErr := cmd.Wait(); waitErr != nil {
		err = waitErr
	}
	if err != nil {
		if line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n"); line != "" {
			return nil, fmt.Errorf("%s: %s (%w)", name, line, err)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// head keeps the beginning of what is written to it.
type head struct {
	bytes.Buffer
	most int
}

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), max(0, h.most-h.Len()))])
	return len(p), nil
}
