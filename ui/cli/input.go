package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"scout/engine"
)

// inputLimit is the most text taken from standard input or a file, in bytes:
// far more than the largest context holds (ten million tokens of about four
// bytes), and little enough that an endless input is refused in time.
const inputLimit = 128 << 20

// promptFor is the prompt of a command: the argument, standard input, or both. A
// picture on standard input is told by its content, and is no part of the text.
//
//	argument "-"                    standard input
//	argument, input from a pipe     argument, blank line, input
//	argument, input a terminal      argument
//	none, input from a pipe         input
//	none, input a terminal          none: given is false
//
// taken says that standard input is a picture already, by a flag.
func (a *App) promptFor(args []string, taken bool) (p promptInput, err error) {
	argument := ""
	if len(args) > 0 {
		argument = args[0]
	}
	if taken && argument == stdinName {
		return p, usageErrorf("standard input cannot be both the prompt and a picture")
	}
	if (a.InTerminal || taken) && argument != stdinName {
		if len(args) > 0 && strings.TrimSpace(argument) == "" {
			return p, usageErrorf("the prompt is empty")
		}
		return promptInput{text: argument, given: len(args) > 0}, nil
	}
	input, err := a.readInput(a.In, inputName)
	if err != nil {
		return p, err
	}
	if argument == stdinName {
		argument = ""
	}
	text := string(input)
	if format, ok := engine.SniffImage(input); ok || format != "" && isBinary(input) {
		if p.image, err = engine.NewImage(inputName, input); err != nil {
			return p, err
		}
		text = ""
	}
	if !utf8.ValidString(text) {
		return p, fmt.Errorf("standard input is not UTF-8 text: wrong byte at %d", invalidAt(text))
	}
	parts := []string{argument, strings.TrimRight(text, "\r\n")}
	parts = slices.DeleteFunc(parts, func(part string) bool { return strings.TrimSpace(part) == "" })
	switch {
	case len(parts) > 0:
		p.text, p.given = strings.Join(parts, "\n\n"), true
		return p, nil
	case p.image != nil:
		return p, usageErrorf("no prompt: standard input is a picture, say as an argument what to do with it")
	}
	return p, usageErrorf("no prompt: give one as an argument or on standard input")
}

// isBinary says that bytes are no text that a person would send.
func isBinary(data []byte) bool { return bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) }

// promptInput is what a command was given to answer.
type promptInput struct {
	text  string
	given bool          // there is text
	image *engine.Image // on standard input, or nil
}

// readText is readInput as text.
func (a *App) readText(r io.Reader, name string) (string, error) {
	data, err := a.readInput(r, name)
	return string(data), err
}

// readInput reads all of r, which is called name in errors. An interrupt ends
// the wait for more.
func (a *App) readInput(r io.Reader, name string) ([]byte, error) {
	data, err := unlessInterrupted(a, func() ([]byte, error) { return io.ReadAll(io.LimitReader(r, inputLimit+1)) })
	switch {
	case errors.Is(err, errInterrupted):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	case len(data) > inputLimit:
		return nil, fmt.Errorf("reading %s: more than %s", name, formatBytes(inputLimit))
	}
	return data, nil
}

// readTextFile reads a text file.
func (a *App) readTextFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return a.readText(file, path)
}

// invalidAt is the offset of the first byte of s that is not UTF-8.
func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return len(s)
}
