package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode"
)

// FormatError says that a file breaks the format or lacks what a model needs.
type FormatError struct {
	Path   string // the file, or the name given to Parse
	Offset int64  // of the bytes that are wrong, -1 where no one place is
	Msg    string // the key or tensor, what was found and what was wanted; one line
}

// Error is one line: the file, the place in it and the message.
func (e *FormatError) Error() string { return located(e.Path, e.Offset, e.Msg) }

// UnsupportedError says that a file is of a kind this package does not read.
type UnsupportedError struct {
	Path   string // the file, or the name given to Parse
	Offset int64  // of the bytes that say so, -1 where no one place does
	Msg    string // what was found and what was wanted; one line
}

// Error is one line: the file, the place in it and the message.
func (e *UnsupportedError) Error() string { return located(e.Path, e.Offset, e.Msg) }

func located(path string, offset int64, msg string) string {
	if offset < 0 {
		return fmt.Sprintf("gguf: %s: %s", pathText(path), msg)
	}
	return fmt.Sprintf("gguf: %s: byte %d: %s", pathText(path), offset, msg)
}

// pathText is the path as it is, or quoted where it would break the line.
func pathText(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}

// refused is the error for what the system would not do to a file. The error of
// package os repeats the path, whatever characters are in it: only its cause is
// kept.
func refused(action, path string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("gguf: %s %s: %w", action, pathText(path), err)
}

// invalid is the error of a part whose bytes at offset at are wrong.
func (p *part) invalid(at int, format string, args ...any) error {
	return &FormatError{p.path, int64(at), fmt.Sprintf(format, args...)}
}

// unsupported is the error of a part whose bytes at offset at ask for something
// this package does not do.
func (p *part) unsupported(at int, format string, args ...any) error {
	return &UnsupportedError{p.path, int64(at), fmt.Sprintf(format, args...)}
}
