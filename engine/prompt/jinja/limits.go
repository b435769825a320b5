package jinja

import (
	"errors"
	"fmt"
)

// Limits bounds one render.
type Limits struct {
	Steps  int64 // evaluations, loop rounds, and items or 32 bytes worked through
	Output int64 // bytes of the result, and of any string on the way
	Copied int64 // bytes of all strings and lists made on the way
}

// DefaultLimits allows a conversation of this many bytes everything that a
// chat template can want; a template that needs more is broken or hostile.
// Published templates need a few hundred steps a message and copy each
// message a few times.
func DefaultLimits(inputBytes int) Limits {
	n := int64(inputBytes)
	return Limits{
		Steps:  2_000_000 + 4*n,
		Output: 4<<20 + 4*n,
		Copied: 64<<20 + 32*n,
	}
}

const (
	maxSource  = 1 << 20 // bytes of template; the longest published ones have 20 KB
	maxNesting = 100     // brackets in brackets, blocks in blocks, in the source
	maxEval    = 2000    // evaluations in evaluations; long chains of operators count
	maxCalls   = 64      // macros in macros
	maxDepth   = 100     // lists in lists, in values
	maxRange   = 100_000 // items of range, as in Jinja's sandbox
)

// A LimitError says which limit a template ran into.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return "template " + e.What }

// A RaisedError is a refusal by the template itself, through raise_exception.
type RaisedError struct{ Message string }

func (e *RaisedError) Error() string { return "template refuses: " + e.Message }

// A SyntaxError says why a template cannot be parsed.
type SyntaxError struct {
	Line int
	Msg  string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("template line %d: %s", e.Line, e.Msg) }

// A RenderError says where and why a template went wrong.
type RenderError struct {
	Line int
	Err  error
}

func (e *RenderError) Error() string { return fmt.Sprintf("template line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *RenderError) Unwrap() error { return e.Err }

// failure carries an error up to Parse or Render, as in text/template: the
// deep recursion between is easier to read without an error at each return.
// It never leaves the package.
type failure struct{ err error }

// failf stops the render with an error.
func failf(format string, args ...any) {
	panic(failure{fmt.Errorf(format, args...)})
}

// caught turns a panic into an error: a failure into its own, and a bug of
// this package into one that says so, since a template must not end the program.
func caught(r any) error {
	if f, ok := r.(failure); ok {
		return f.err
	}
	return fmt.Errorf("internal error in template engine: %v", r)
}

// step counts n steps and stops the render after too many.
func (e *evaluator) step(n int) {
	e.steps -= int64(n)
	if e.steps < 0 {
		panic(failure{&LimitError{fmt.Sprintf("takes more than %d steps", e.limits.Steps)}})
	}
}

// grow counts n bytes about to be copied; it is called before the memory is taken.
func (e *evaluator) grow(n int) {
	e.copied -= int64(n)
	if e.copied < 0 {
		panic(failure{&LimitError{fmt.Sprintf("copies more than %d bytes", e.limits.Copied)}})
	}
	e.step(n/32 + 1)
}

// fits checks the length of a string before it is made, and counts it.
func (e *evaluator) fits(n int64) {
	e.checkLength(n)
	e.grow(int(n))
}

// checkLength stops the render when a string gets too long.
func (e *evaluator) checkLength(n int64) {
	if n > e.limits.Output {
		panic(failure{&LimitError{fmt.Sprintf("makes a string of %d bytes, more than %d", n, e.limits.Output)}})
	}
}

// located adds a line to an error, limits and refusals aside, which are about
// the whole template or the conversation.
func located(err error, line int) error {
	var (
		limit  *LimitError
		raised *RaisedError
	)
	if errors.As(err, &limit) || errors.As(err, &raised) {
		return err
	}
	return &RenderError{line, err}
}
