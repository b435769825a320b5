//go:build nogpu || !(linux || darwin || windows) || !(amd64 || arm64)

package gpu

// List fails with ErrOff.
func List() ([]Info, error) { return nil, ErrOff }

// Open fails with ErrOff.
func Open(int) (Backend, error) { return nil, ErrOff }
