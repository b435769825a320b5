package gguf

// Keys lists the metadata keys in file order.
func (f *File) Keys() []string {
	if len(f.parts) == 0 {
		return nil
	}
	entries := f.parts[0].entries
	keys := make([]string, len(entries))
	for i := range entries {
		keys[i] = entries[i].key
	}
	return keys
}

// Has says whether the metadata has a key.
func (f *File) Has(key string) bool {
	_, e := f.entry(key)
	return e != nil
}

// entry finds a key. A set of files has its metadata in part 1.
func (f *File) entry(key string) (*part, *entry) {
	if len(f.parts) == 0 {
		return nil, nil
	}
	p := f.parts[0]
	i, ok := p.byKey[key]
	if !ok {
		return p, nil
	}
	return p, &p.entries[i]
}

// read converts the value of a key. found is false if there is no such key; err
// is set if the value is of another kind or can no longer be read.
func read[T any](f *File, key string, kind Kind, as func(*part, *entry) (T, bool)) (v T, found bool, err error) {
	p, e := f.entry(key)
	if e == nil {
		return v, false, nil
	}
	err = catchFault(func() error {
		var ok bool
		if v, ok = as(p, e); !ok {
			return p.wrongKind(e, kind)
		}
		return nil
	}, p.explainFault)
	return v, true, err
}

// get is read for callers that take any trouble for absence.
func get[T any](f *File, key string, kind Kind, as func(*part, *entry) (T, bool)) (T, bool) {
	v, found, err := read(f, key, kind, as)
	if err != nil {
		var zero T
		return zero, false
	}
	return v, found
}

// The getters give ok false if the key is absent and also if its value is of
// another kind. Where the difference matters, as for every key a model is built
// from, read through a Reader or ask Expect first.

// String is the value of a string key. It stays valid after Close.
func (f *File) String(key string) (v string, ok bool) { return get(f, key, KindString, asString) }

// Uint is the value of an integer key of any width that is not negative.
func (f *File) Uint(key string) (v uint64, ok bool) { return get(f, key, KindUint, asUint) }

// Int is the value of an integer key of any width that fits an int64.
func (f *File) Int(key string) (v int64, ok bool) { return get(f, key, KindInt, asInt) }

// Float is the value of a key with a finite number: f32, f64 or an integer that
// a float64 holds exactly.
func (f *File) Float(key string) (v float64, ok bool) { return get(f, key, KindFloat, asFloat) }

// Bool is the value of a bool key.
func (f *File) Bool(key string) (v bool, ok bool) { return get(f, key, KindBool, asBool) }

// Strings is the value of a key with an array of strings. The strings stay
// valid after Close; they share one copy of the array, which lives as long as
// any of them.
func (f *File) Strings(key string) (v []string, ok bool) {
	return get(f, key, KindStrings, asStrings)
}

// StringArray is the value of a key with an array of strings, in place.
func (f *File) StringArray(key string) (v StringArray, ok bool) {
	return get(f, key, KindStrings, asStringArray)
}

// Ints is the value of a key with an array of integers of any width.
func (f *File) Ints(key string) (v []int64, ok bool) { return get(f, key, KindInts, asInts) }

// Floats is the value of a key with an array of numbers. Unlike Float it lets
// infinities and NaN through.
func (f *File) Floats(key string) (v []float64, ok bool) { return get(f, key, KindFloats, asFloats) }

// Expect gives an error that names the file, the key, its value and the kind
// wanted if the key is there with a value of another kind. An absent key is no
// error.
func (f *File) Expect(key string, kind Kind) error {
	var err error
	switch kind {
	case KindUint:
		_, _, err = read(f, key, kind, asUint)
	case KindInt:
		_, _, err = read(f, key, kind, asInt)
	case KindFloat:
		_, _, err = read(f, key, kind, asFloat)
	case KindBool:
		_, _, err = read(f, key, kind, asBool)
	case KindString:
		_, _, err = read(f, key, kind, asString)
	case KindStrings:
		_, _, err = read(f, key, kind, asStringArray)
	case KindInts:
		_, _, err = read(f, key, kind, asInts)
	case KindFloats:
		_, _, err = read(f, key, kind, asFloats)
	}
	return err
}
