package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// inputLimit is the most text taken from standard input or a file, in bytes:
// far more than the largest context holds (ten million tokens of about four
// bytes), and little enough that an endless input is refused in time.
const inputLimit = 128 << 20

// promptFor is the prompt of a command: the argument, standard input, or both.
//
//	argument "-"                    standard input
//	argument, input from a pipe     argument, blank line, input
//	argument, input a terminal      argument
//	none, input from a pipe         input
//	none, input a terminal          none: given is false
func (a *App) promptFor(args []string) (text string, given bool, err error) {
	argument := ""
	if len(args) > 0 {
		argument = args[0]
	}
	if a.InTerminal && argument != "-" {
		if len(args) > 0 && strings.TrimSpace(argument) == "" {
			return "", false, usageErrorf("the prompt is empty")
		}
		return argument, len(args) > 0, nil
	}
	input, err := a.readText(a.In, "standard input")
	if err != nil {
		return "", false, err
	}
	if !utf8.ValidString(input) {
		return "", false, fmt.Errorf("standard input is not UTF-8 text: wrong byte at %d", invalidAt(input))
	}
	parts := []string{argument, strings.TrimRight(input, "\r\n")}
	if argument == "-" {
		parts = parts[1:]
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return strings.TrimSpace(part) == "" })
	if len(parts) == 0 {
		return "", false, usageErrorf("no prompt: give one as an argument or on standard input")
	}
	return strings.Join(parts, "\n\n"), true, nil
}

// readText reads all of r, which is called name in errors. An interrupt ends
// the wait for more.
func (a *App) readText(r io.Reader, name string) (string, error) {
	text, err := unlessInterrupted(a, func() ([]byte, error) { return io.ReadAll(io.LimitReader(r, inputLimit+1)) })
	switch {
	case errors.Is(err, errInterrupted):
		return "", err
	case err != nil:
		return "", fmt.Errorf("reading %s: %w", name, err)
	case len(text) > inputLimit:
		return "", fmt.Errorf("reading %s: more than %s of text", name, formatBytes(inputLimit))
	}
	return string(text), nil
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
