package gguf

import (
	"fmt"
	"math"
)

// Kind is what a caller wants a metadata value to be. A file may store a number
// in another width than usual: each kind takes every width whose value it can
// hold exactly.
type Kind uint8

// The kinds of metadata values.
const (
	KindUint    Kind = iota + 1 // an integer of any type that is not negative
	KindInt                     // an integer of any type up to 2^63-1
	KindFloat                   // a finite number of any type; an integer up to 2^53
	KindBool                    // a bool
	KindString                  // a string
	KindStrings                 // an array of strings
	KindInts                    // an array of integers, each up to 2^63-1
	KindFloats                  // an array of numbers
)

// String names the kind as in an error: what was wanted.
func (k Kind) String() string {
	switch k {
	case KindUint:
		return "an unsigned integer"
	case KindInt:
		return "an integer up to 2^63-1"
	case KindFloat:
		return "a finite number"
	case KindBool:
		return "a bool"
	case KindString:
		return "a string"
	case KindStrings:
		return "an array of strings"
	case KindInts:
		return "an array of integers up to 2^63-1"
	case KindFloats:
		return "an array of numbers"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// The functions below convert a value; ok is false if it is of another kind.

func asUint(p *part, e *entry) (v uint64, ok bool) {
	if e.array || !e.typ.isInteger() {
		return 0, false
	}
	i, u, ok := integer(e.typ, p.bytes(e))
	if ok && i < 0 {
		return 0, false
	}
	return u, true
}

func asInt(p *part, e *entry) (v int64, ok bool) {
	if e.array || !e.typ.isInteger() {
		return 0, false
	}
	v, _, ok = integer(e.typ, p.bytes(e))
	return v, ok
}

func asFloat(p *part, e *entry) (v float64, ok bool) {
	switch {
	case e.array:
		return 0, false
	case e.typ.isFloat():
		v = float(e.typ, p.bytes(e))
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case e.typ.isInteger():
		return exactFloat(e.typ, p.bytes(e))
	}
	return 0, false
}

// exactFloat is an integer as a float, if a float can hold it.
func exactFloat(t valueType, b []byte) (v float64, ok bool) {
	const limit = 1 << 53
	i, _, ok := integer(t, b)
	return float64(i), ok && -limit <= i && i <= limit
}

func asBool(p *part, e *entry) (v bool, ok bool) {
	if e.array || e.typ != typeBool {
		return false, false
	}
	return p.bytes(e)[0] != 0, true
}

func asString(p *part, e *entry) (v string, ok bool) {
	if e.array || e.typ != typeString {
		return "", false
	}
	return string(p.bytes(e)), true
}

// asStrings copies the whole array once and cuts the strings out of the copy:
// a vocabulary of 202,048 tokens costs two allocations.
func asStrings(p *part, e *entry) (v []string, ok bool) {
	if !e.array || e.typ != typeString {
		return nil, false
	}
	src, all := p.bytes(e), string(p.bytes(e))
	v = make([]string, e.count)
	off := 0
	for i := range v {
		s, _, ok := cutString(src[off:])
		if !ok {
			return nil, false
		}
		off += 8
		v[i] = all[off : off+len(s)]
		off += len(s)
	}
	return v, true
}

func asInts(p *part, e *entry) (v []int64, ok bool) {
	if !e.array || !e.typ.isInteger() {
		return nil, false
	}
	src, size := p.bytes(e), int(valueBytes[e.typ])
	v = make([]int64, e.count)
	for i := range v {
		if v[i], _, ok = integer(e.typ, src[i*size:]); !ok {
			return nil, false
		}
	}
	return v, true
}

func asFloats(p *part, e *entry) (v []float64, ok bool) {
	if !e.array || !e.typ.isFloat() && !e.typ.isInteger() {
		return nil, false
	}
	src, size := p.bytes(e), int(valueBytes[e.typ])
	v = make([]float64, e.count)
	for i := range v {
		if e.typ.isFloat() {
			v[i] = float(e.typ, src[i*size:])
		} else if v[i], ok = exactFloat(e.typ, src[i*size:]); !ok {
			return nil, false
		}
	}
	return v, true
}

// describe says what a value is, for errors: "u32 5", "an array of 3 f32".
func (p *part) describe(e *entry) string {
	b := p.bytes(e)
	switch {
	case e.array:
		return fmt.Sprintf("an array of %d %s", e.count, e.typ)
	case e.typ == typeString:
		return fmt.Sprintf("string %q", short(string(b[:min(len(b), 256)])))
	case e.typ == typeBool:
		return fmt.Sprintf("bool %t", b[0] != 0)
	case e.typ == typeF32:
		return fmt.Sprintf("%s %g", e.typ, float32(float(e.typ, b))) // in its own few digits
	case e.typ == typeF64:
		return fmt.Sprintf("%s %g", e.typ, float(e.typ, b))
	}
	i, u, ok := integer(e.typ, b)
	if !ok {
		return fmt.Sprintf("%s %d", e.typ, u)
	}
	return fmt.Sprintf("%s %d", e.typ, i)
}

// wrongKind is the error for a value that is not of the kind wanted.
func (p *part) wrongKind(e *entry, want Kind) error {
	return p.invalid(e.at, "key %q is %s, want %s", short(e.key), p.describe(e), want)
}
