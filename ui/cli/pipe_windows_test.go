package cli

import "golang.org/x/sys/windows"

// brokenPipe is what writing to a pipe without a reader gives.
var brokenPipe error = windows.ERROR_NO_DATA
