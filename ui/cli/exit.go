package cli

import (
	"errors"
	"fmt"

	"scout/engine"
	"scout/ui/safetext"
)

// The exit codes, the same for every command.
const (
	ExitDone            = 0
	ExitError           = 1   // something went wrong; standard error says what
	ExitUsage           = 2   // the arguments make no sense
	ExitDoesNotFit      = 3   // the machine has not enough memory for it
	ExitContextTooSmall = 4   // the prompt does not fit the context
	ExitParted          = 5   // a replayed answer came out otherwise than it is recorded
	ExitInterrupted     = 130 // interrupted, as a shell counts it: 128 + SIGINT
)

var (
	// errInterrupted ends a command that an interrupt stopped.
	errInterrupted = errors.New("interrupted")
	// errReaderGone ends a command whose output nobody reads any more. That
	// is how pipelines end ("| head"), so it is not a failure.
	errReaderGone = errors.New("the reader of standard output has gone")
)

// usageError is a mistake in the arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usageErrorf(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// Finish says how the command ended: one line on standard error if something
// is to be said, and the exit code. err is what executing the command tree
// returned.
func (a *App) Finish(err error) int {
	if a.err == nil && err != nil {
		a.err = &usageError{err} // commands keep theirs: this one is about arguments
	}
	code := exitCode(a.err)
	switch code {
	case ExitDone, ExitInterrupted: // both were asked for
	case ExitContextTooSmall:
		var full *engine.ContextError
		errors.As(a.err, &full)
		a.note("%s: %s", safetext.Line(a.err.Error()), overflowAdvice(full))
	default:
		a.note("%s", safetext.Line(hint(a.err)))
	}
	return code
}

// exitCode is the exit code that tells of err.
func exitCode(err error) int {
	var (
		usage   *usageError
		fit     *fitError
		context *engine.ContextError
		parted  *partedError
	)
	switch {
	case err == nil, errors.Is(err, errReaderGone):
		return ExitDone
	case errors.Is(err, errInterrupted):
		return ExitInterrupted
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &fit):
		return ExitDoesNotFit
	case errors.As(err, &context):
		return ExitContextTooSmall
	case errors.As(err, &parted):
		return ExitParted
	}
	return ExitError
}
