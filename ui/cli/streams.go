package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/charmbracelet/x/term"

	"scout/ui/safetext"
)

// Streams is where a command reads and writes, and which ends are a terminal.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	InTerminal, OutTerminal, ErrTerminal bool

	// Dumb is set for a terminal that cannot go back in a line (TERM=dumb).
	Dumb bool
}

// System is the streams of this process.
func System() Streams {
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal:  term.IsTerminal(os.Stdin.Fd()),
		OutTerminal: term.IsTerminal(os.Stdout.Fd()),
		ErrTerminal: term.IsTerminal(os.Stderr.Fd()),
		Dumb:        os.Getenv("TERM") == "dumb",
	}
}

// Plain says whether help is to be written without styles: on a dumb terminal,
// and for people who set NO_COLOR to anything.
func (s Streams) Plain() bool { return s.Dumb || os.Getenv("NO_COLOR") != "" }

// printf writes to standard output.
func (s Streams) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(s.Out, format, args...)
	return outputError(err)
}

// writeText writes a whole text from outside to standard output: to a terminal
// what is safe there, elsewhere as it is.
func (s Streams) writeText(text string) error {
	if s.OutTerminal {
		text = safetext.Text(text)
	}
	_, err := io.WriteString(s.Out, text)
	return outputError(err)
}

// writeJSON writes v to standard output, as one line.
func (s Streams) writeJSON(v any) error {
	line, err := encodeJSON(v)
	if err != nil {
		return err
	}
	_, err = s.Out.Write(line)
	return outputError(err)
}

// note tells the person something that is not part of the answer.
func (s Streams) note(format string, args ...any) {
	// Nothing is lost if standard error is closed, and there is nowhere to say so.
	_, _ = fmt.Fprintf(s.Err, "scout: "+format+"\n", args...)
}

// outputError names what failed, or says that the reader has gone.
func outputError(err error) error {
	switch {
	case err == nil:
		return nil
	case isBrokenPipe(err):
		return errReaderGone
	}
	return fmt.Errorf("writing to standard output: %w", err)
}

// encodeJSON is v as one line of JSON, newline included, with <, > and & left
// readable and everything escaped that is not safe on a terminal: encoding/json
// leaves DEL and C1 as they are, which one may act on.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return safetext.JSON(buf.Bytes()), nil
}
