package tokenizer

import (
	"fmt"
	"strings"
)

// UnsupportedError says that a file is in order but uses a tokenizer that this
// package does not have.
type UnsupportedError struct {
	Key  string   // the GGUF key
	Got  string   // its value
	Want []string // the values supported
}

// Error implements error.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("tokenizer: %s is %q, which is not supported (want %s)", e.Key, e.Got, strings.Join(e.Want, ", "))
}
