package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// valueType numbers the types of metadata values as in a file.
type valueType uint32

const (
	typeU8 valueType = iota
	typeI8
	typeU16
	typeI16
	typeU32
	typeI32
	typeF32
	typeBool
	typeString
	typeArray
	typeU64
	typeI64
	typeF64
	nValueTypes
)

var (
	valueNames = [nValueTypes]string{"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"}
	// valueBytes is the size of a value; of a string the smallest, its length.
	valueBytes = [nValueTypes]uint64{1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8}
)

func (t valueType) String() string {
	if t < nValueTypes {
		return valueNames[t]
	}
	return fmt.Sprintf("type %d", uint32(t))
}

func (t valueType) isInteger() bool {
	switch t {
	case typeU8, typeI8, typeU16, typeI16, typeU32, typeI32, typeU64, typeI64:
		return true
	}
	return false
}

func (t valueType) isFloat() bool { return t == typeF32 || t == typeF64 }

// entry is one key with where its value lies in the file. The value has been
// walked over: reading it again finds every byte.
type entry struct {
	key   string
	typ   valueType // of the value, or of the elements of an array
	array bool
	at    int // offset of the type, for errors
	count int // elements of an array
	off   int // of the first byte of the value: of a string its bytes, of an array its first element
	size  int // bytes of the value
}

// bytes are the bytes of the value in the mapping.
func (p *part) bytes(e *entry) []byte { return p.data[e.off : e.off+e.size : e.off+e.size] }

// readKeys reads n keys and walks over their values.
func (c *cursor) readKeys(n int) error {
	c.p.entries = make([]entry, 0, n)
	c.p.byKey = make(map[string]int, n)
	keyBytes := 0
	for i := range n {
		c.kind, c.index, c.name = "key", i+1, ""
		at := c.off
		key, err := c.identifier("name", maxKeyBytes)
		if err != nil {
			return err
		}
		if keyBytes += len(key); keyBytes > maxAllKeyBytes {
			return c.invalid(at, "names of keys take %d bytes up to here, want at most %d", keyBytes, maxAllKeyBytes)
		}
		c.name = short(key)
		if first, ok := c.p.byKey[key]; ok {
			return c.invalid(at, "is there twice, want once (first value at byte %d)", c.p.entries[first].at)
		}
		e, err := c.readValue()
		if err != nil {
			return err
		}
		e.key = key
		c.p.byKey[key] = len(c.p.entries)
		c.p.entries = append(c.p.entries, e)
	}
	c.kind = ""
	return nil
}

// readValue walks over the type and the value of a key.
func (c *cursor) readValue() (entry, error) {
	e := entry{at: c.off, count: 1}
	t, err := c.u32("value type")
	if err != nil {
		return e, err
	}
	e.typ = valueType(t)
	if e.typ == typeArray {
		return c.readArray(e)
	}
	if e.typ >= nValueTypes {
		return e, c.invalid(e.at, "value has %s, want 0 to %d", e.typ, nValueTypes-1)
	}
	size := valueBytes[e.typ]
	if e.typ == typeString {
		if size, err = c.u64("string length"); err != nil {
			return e, err
		}
	}
	e.off, e.size = c.off, int(size)
	_, err = c.take(size, e.typ.String()+" value")
	return e, err
}

// readArray walks over an array, from the type of its elements on.
func (c *cursor) readArray(e entry) (entry, error) {
	e.array = true
	at := c.off
	t, err := c.u32("element type")
	if err != nil {
		return e, err
	}
	e.typ = valueType(t)
	if e.typ == typeArray {
		return e, c.unsupported(at, "value is an array of arrays, want an array of plain values")
	}
	if e.typ >= nValueTypes {
		return e, c.invalid(at, "elements have %s, want 0 to %d", e.typ, nValueTypes-1)
	}
	if e.count, err = c.count("array length", valueBytes[e.typ], maxArray); err != nil {
		return e, err
	}
	e.off = c.off
	if e.typ == typeString {
		err = c.skipStrings(e.count)
	} else {
		c.off += e.count * int(valueBytes[e.typ]) // count has checked that they are there
	}
	e.size = c.off - e.off
	return e, err
}

// skipStrings walks over n strings. Half a million of them are usual, so the
// loop is kept plain.
func (c *cursor) skipStrings(n int) error {
	data, off := c.p.data[:c.end], c.off
	for i := range n {
		if len(data)-off < 8 {
			c.off = off
			return c.need(8, fmt.Sprintf("length of string %d of %d", i, n))
		}
		size := binary.LittleEndian.Uint64(data[off:])
		off += 8
		if size > uint64(len(data)-off) {
			c.off = off
			return c.need(size, fmt.Sprintf("string %d of %d", i, n))
		}
		off += int(size)
	}
	c.off = off
	return nil
}

// integer reads a number of an integer type. A u64 above the largest int64
// comes back as ok false with its value in u.
func integer(t valueType, b []byte) (i int64, u uint64, ok bool) {
	le := binary.LittleEndian
	switch t {
	case typeU8:
		i = int64(b[0])
	case typeI8:
		i = int64(int8(b[0]))
	case typeU16:
		i = int64(le.Uint16(b))
	case typeI16:
		i = int64(int16(le.Uint16(b)))
	case typeU32:
		i = int64(le.Uint32(b))
	case typeI32:
		i = int64(int32(le.Uint32(b)))
	case typeI64:
		i = int64(le.Uint64(b))
	case typeU64:
		u = le.Uint64(b)
		return int64(u), u, u <= math.MaxInt64
	}
	return i, uint64(i), true
}

// float reads a number of a float type.
func float(t valueType, b []byte) float64 {
	if t == typeF32 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}
