//go:build !linux

package cpu

// usableCores is 0: other systems do not tell it in a file, and GOMAXPROCS has to do.
func usableCores() int { return 0 }
