//go:build unix

package cli

import "syscall"

// brokenPipe is what writing to a pipe without a reader gives.
var brokenPipe error = syscall.EPIPE
