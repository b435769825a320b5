package cli

import (
	"errors"

	"golang.org/x/sys/windows"
)

// KeepBrokenPipes makes writing to a pipe that nobody reads an error instead
// of a signal that kills. Windows has no such signal.
func KeepBrokenPipes() {}

// isBrokenPipe says whether a write failed because nobody reads any more.
func isBrokenPipe(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
