package vision

import (
	"errors"
	"fmt"
	"math"
)

// The largest values that are taken for sane; no published tower comes near
// them. Those of a whole keep the activations of a tile, which follow from the
// header and not from the size of the file, below half a GB.
const (
	maxTileSize = 1 << 12
	maxMerge    = 1 << 4
	maxWidth    = 1 << 17
	maxBlocks   = 1 << 10
	maxPatches  = 1 << 14
	maxRowFloat = 1 << 25 // rows of a tile times the width of the widest activation
)

// header reads keys and remembers the first thing wrong.
type header struct {
	md  Metadata
	err error
}

func (h *header) fail(key, format string, args ...any) {
	if h.err == nil {
		h.err = errors.New("vision: " + h.about(key, format, args...))
	}
}

// unsupported is fail for a key that is well formed and asks for what this
// program cannot do.
func (h *header) unsupported(key, format string, args ...any) {
	if h.err == nil {
		h.err = &UnsupportedError{h.about(key, format, args...)}
	}
}

// about is a sentence about a key, with the place of its value.
func (h *header) about(key, format string, args ...any) string {
	at := ""
	if place := h.md.Place(key); place != "" {
		at = " at " + place
	}
	return fmt.Sprintf("key %s%s %s", key, at, fmt.Sprintf(format, args...))
}

// there says whether a key is in the file; if not, that is the error.
func (h *header) there(key string) bool {
	if !h.md.Has(key) {
		h.fail(key, "is missing")
		return false
	}
	return true
}

// count reads a whole number from 1 to limit.
func (h *header) count(key string, limit int) int {
	if !h.there(key) {
		return 1
	}
	v, ok := h.md.Uint(key)
	if !ok {
		h.fail(key, "is not a whole number")
		return 1
	}
	if v < 1 || v > uint64(limit) {
		h.fail(key, "is %d, want 1 to %d", v, limit)
		return 1
	}
	return int(v)
}

// positive reads a finite number above zero.
func (h *header) positive(key string) float32 {
	if !h.there(key) {
		return 1
	}
	v, ok := h.md.Float(key)
	if !ok {
		h.fail(key, "is not a finite number")
		return 1
	}
	if !(float32(v) > 0) || math.IsInf(float64(float32(v)), 0) {
		h.fail(key, "is %v, want a positive number", v)
		return 1
	}
	return float32(v)
}

// flag reads a bool; an absent one is false.
func (h *header) flag(key string) bool {
	if !h.md.Has(key) {
		return false
	}
	v, ok := h.md.Bool(key)
	if !ok {
		h.fail(key, "is not a bool")
	}
	return v
}

// colour reads three finite numbers, of red, green and blue, at least low.
func (h *header) colour(key string, low float32) (c [3]float32) {
	if !h.there(key) {
		return c
	}
	v, ok := h.md.Floats(key)
	if !ok || len(v) != len(c) {
		h.fail(key, "is not an array of 3 numbers")
		return c
	}
	for i := range c {
		c[i] = float32(v[i])
		if !(c[i] >= low) || math.IsInf(float64(c[i]), 0) {
			h.fail(key, "has %v at index %d, want a number of at least %v", v[i], i, low)
		}
	}
	return c
}
