package picture

import (
	"errors"
	"fmt"
	"io"
)

// UnsupportedError is a file that is not broken and that this package does not
// decode.
type UnsupportedError struct {
	Format string // what it is: "HEIC picture"
	Advice string // what to do: "convert it to JPEG or PNG"
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("picture: this is %s: %s", e.Format, e.Advice)
}

// LimitError is a picture beyond Limits.
type LimitError struct{ What string }

func (e *LimitError) Error() string {
	return "picture: " + e.What + "; make it smaller first"
}

// FormatError is a broken file.
type FormatError struct {
	Format string // "PNG"; empty where that is not known
	What   string // what is wrong, if there is no Err
	Err    error  // what a decoder says
}

func (e *FormatError) Error() string {
	s := "picture: "
	if e.Format != "" {
		s += "broken " + e.Format + ": "
	}
	if e.Err == nil {
		return s + e.What
	}
	if errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, io.EOF) {
		return s + "the file ends too early"
	}
	return s + e.Err.Error()
}

func (e *FormatError) Unwrap() error { return e.Err }

// named makes err one of this package's types, of a file of the given format.
func named(format string, err error) error {
	var unsupported *UnsupportedError
	var large *LimitError
	var broken *FormatError
	switch {
	case errors.As(err, &unsupported), errors.As(err, &large):
		return err
	case errors.As(err, &broken):
		broken.Format = format
		return err
	}
	return &FormatError{Format: format, Err: err}
}

// broken is a FormatError whose format readHeader fills in.
func broken(format string, args ...any) error {
	return &FormatError{What: fmt.Sprintf(format, args...)}
}

// errShort is a header that ends too early.
var errShort = io.ErrUnexpectedEOF
