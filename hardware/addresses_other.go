//go:build !linux

package hardware

// addressLimit finds none: macOS does not enforce its own, Windows has none.
func addressLimit() processLimit { return processLimit{} }
