//go:build unix

package cli

import (
	"errors"
	"os/signal"
	"syscall"
)

// KeepBrokenPipes makes writing to a pipe that nobody reads an error instead
// of a signal that kills, so that a command can end in order. Call it once, at
// the start.
func KeepBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }

// isBrokenPipe says whether a write failed because nobody reads any more.
func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
