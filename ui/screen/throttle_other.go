//go:build !linux

package screen

// throttled is how often the processor was slowed down for its heat; it is not known
// here.
func throttled() (times int64, ok bool) { return 0, false }
