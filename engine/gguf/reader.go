package gguf

import (
	"fmt"
	"strings"
)

// Reader reads the keys a model is built from, and keeps the first error: a
// required key that is missing, or a value that is not what was asked for. Read
// everything, then look at Err once. After an error every method returns zero.
type Reader struct {
	f      *File
	prefix string
	err    error
}

// Reader reads keys that begin with a prefix, such as "llama4" for
// "llama4.block_count". A dot is put between the two unless the prefix is empty
// or ends in one.
func (f *File) Reader(prefix string) *Reader {
	if prefix != "" && !strings.HasSuffix(prefix, ".") {
		prefix += "."
	}
	return &Reader{f: f, prefix: prefix}
}

// Err is the first error, naming the file, the key, what was found and what was
// wanted; nil if there was none.
func (r *Reader) Err() error { return r.err }

// Has says whether a key is there, whatever its value.
func (r *Reader) Has(key string) bool { return r.f.Has(r.prefix + key) }

// required reads a key that must be there.
func required[T any](r *Reader, key string, kind Kind, as func(*part, *entry) (T, bool)) T {
	v, found := optional(r, key, kind, as)
	if !found && r.err == nil {
		r.err = &FormatError{r.f.Path(), -1, fmt.Sprintf("key %q is missing, want %s", r.prefix+key, kind)}
	}
	return v
}

// optional reads a key that may be absent.
func optional[T any](r *Reader, key string, kind Kind, as func(*part, *entry) (T, bool)) (v T, found bool) {
	var zero T
	if r.err != nil {
		return zero, false
	}
	v, found, r.err = read(r.f, r.prefix+key, kind, as)
	if r.err != nil || !found {
		return zero, false
	}
	return v, true
}

// or reads a key that may be absent, for which def stands in then.
func or[T any](r *Reader, key string, def T, kind Kind, as func(*part, *entry) (T, bool)) T {
	v, found := optional(r, key, kind, as)
	if !found && r.err == nil {
		return def
	}
	return v
}

// String reads a string that must be there.
func (r *Reader) String(key string) string { return required(r, key, KindString, asString) }

// StringOr reads a string; an absent one is def.
func (r *Reader) StringOr(key, def string) string { return or(r, key, def, KindString, asString) }

// Uint reads an unsigned integer that must be there.
func (r *Reader) Uint(key string) uint64 { return required(r, key, KindUint, asUint) }

// UintOr reads an unsigned integer; an absent one is def.
func (r *Reader) UintOr(key string, def uint64) uint64 { return or(r, key, def, KindUint, asUint) }

// Int reads an integer that must be there.
func (r *Reader) Int(key string) int64 { return required(r, key, KindInt, asInt) }

// IntOr reads an integer; an absent one is def.
func (r *Reader) IntOr(key string, def int64) int64 { return or(r, key, def, KindInt, asInt) }

// Float reads a finite number that must be there.
func (r *Reader) Float(key string) float64 { return required(r, key, KindFloat, asFloat) }

// FloatOr reads a finite number; an absent one is def.
func (r *Reader) FloatOr(key string, def float64) float64 { return or(r, key, def, KindFloat, asFloat) }

// Bool reads a bool that must be there.
func (r *Reader) Bool(key string) bool { return required(r, key, KindBool, asBool) }

// BoolOr reads a bool; an absent one is def.
func (r *Reader) BoolOr(key string, def bool) bool { return or(r, key, def, KindBool, asBool) }

// Strings reads an array of strings that must be there.
func (r *Reader) Strings(key string) []string { return required(r, key, KindStrings, asStrings) }

// StringsOr reads an array of strings; an absent one is def.
func (r *Reader) StringsOr(key string, def []string) []string {
	return or(r, key, def, KindStrings, asStrings)
}

// Ints reads an array of integers that must be there.
func (r *Reader) Ints(key string) []int64 { return required(r, key, KindInts, asInts) }

// IntsOr reads an array of integers; an absent one is def.
func (r *Reader) IntsOr(key string, def []int64) []int64 { return or(r, key, def, KindInts, asInts) }

// Floats reads an array of numbers that must be there.
func (r *Reader) Floats(key string) []float64 { return required(r, key, KindFloats, asFloats) }

// FloatsOr reads an array of numbers; an absent one is def.
func (r *Reader) FloatsOr(key string, def []float64) []float64 {
	return or(r, key, def, KindFloats, asFloats)
}

// Count reads an integer from lo to hi that must be there, such as a number of
// heads: something that memory will be allocated by.
func (r *Reader) Count(key string, lo, hi int) int {
	v := r.Int(key)
	return r.within(key, v, lo, hi)
}

// CountOr is Count for a key that may be absent. def is returned as it is.
func (r *Reader) CountOr(key string, lo, hi, def int) int {
	if r.err == nil && !r.Has(key) {
		return def
	}
	return r.Count(key, lo, hi)
}

// Counts reads n integers from lo to hi, one for each block. A file that has
// the same number for all blocks stores it once. The caller sees to it that n,
// if it comes from the file too, is sane.
func (r *Reader) Counts(key string, n, lo, hi int) []int {
	if r.err != nil {
		return nil
	}
	p, e := r.f.entry(r.prefix + key)
	if e == nil || !e.array {
		v := r.Count(key, lo, hi)
		if r.err != nil {
			return nil
		}
		all := make([]int, n)
		for i := range all {
			all[i] = v
		}
		return all
	}
	values := r.Ints(key)
	if r.err == nil && len(values) != n {
		r.err = p.invalid(e.at, "key %q is %s, want one integer or an array of %d", short(e.key), p.describe(e), n)
	}
	if r.err != nil {
		return nil
	}
	all := make([]int, n)
	for i, v := range values {
		if v < int64(lo) || v > int64(hi) {
			r.err = p.invalid(e.at, "key %q is %s, of which number %d is %d, want %d to %d", short(e.key), p.describe(e), i, v, lo, hi)
			return nil
		}
		all[i] = int(v)
	}
	return all
}

// within checks a value that was just read from a key.
func (r *Reader) within(key string, v int64, lo, hi int) int {
	if r.err != nil {
		return 0
	}
	if v < int64(lo) || v > int64(hi) {
		p, e := r.f.entry(r.prefix + key)
		r.err = p.invalid(e.at, "key %q is %d, want %d to %d", short(e.key), v, lo, hi)
		return 0
	}
	return int(v)
}
