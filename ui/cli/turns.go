package cli

import (
	"bufio"
	"context"
	"io"
)

// turns lets another program decide when work is done, so that two programs
// can be measured in turn on one machine: before each piece of work a line is
// read from standard input, after it a line of JSON is written to standard
// output. The end of the input waits for nothing any more.
type turns struct {
	app   *App
	lines <-chan error // one for each line, io.EOF when there are no more; nil if nobody takes turns
	count int
}

// turnRecord says which turn is over; 0 is getting ready.
type turnRecord struct {
	Turn int `json:"turn"`
}

func (a *App) newTurns(wanted bool) *turns {
	t := &turns{app: a}
	if wanted {
		lines := make(chan error)
		t.lines = lines
		go readTurns(a.In, lines)
	}
	return t
}

// readTurns sends a nil for each line and then the error that ended them. It
// may outlive the command, waiting for input that nobody needs.
func readTurns(in io.Reader, lines chan<- error) {
	r := bufio.NewReader(in)
	for {
		_, err := r.ReadString('\n')
		lines <- err
		if err != nil {
			close(lines)
			return
		}
	}
}

// ready says that the first turn can come.
func (t *turns) ready() error { return t.say() }

// wait waits for the next turn.
func (t *turns) wait(ctx context.Context) error {
	if t.lines == nil {
		return nil
	}
	select {
	case err, open := <-t.lines:
		if open && err != nil && err != io.EOF {
			return err
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// done says that the turn is over.
func (t *turns) done() error {
	t.count++
	return t.say()
}

func (t *turns) say() error {
	if t.lines == nil {
		return nil
	}
	return t.app.writeJSON(turnRecord{t.count})
}
