//go:build !unix && !windows

package cpu

// reserve is n zero bytes; here they come from the heap.
func reserve(n int) ([]byte, error) { return make([]byte, n), nil }

// release leaves them to the collector.
func release([]byte) error { return nil }
