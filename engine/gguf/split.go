package gguf

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// Keys of a file that is part of a set. A part has its number, from 0, the
// number of parts and the number of tensors of all of them.
const (
	splitNoKey      = "split.no"
	splitCountKey   = "split.count"
	splitTensorsKey = "split.tensors.count"
)

// splitKeys is what a part says of the set it belongs to.
type splitKeys struct {
	no, count int // part number from 0; count is 1 for a whole file
	tensors   int // of all parts, -1 if the file does not say
	at        int // of the key that says so, for errors
}

// splitKeys reads the keys of a set. A whole file has none; one that was merged
// from parts has a count of 0, and one that was "split" in one part a count of 1.
func (p *part) splitKeys() (splitKeys, error) {
	one := splitKeys{no: 0, count: 1, tensors: -1, at: -1}
	f := File{parts: []*part{p}}
	r := f.Reader("")
	if count := r.CountOr(splitCountKey, 0, 1<<16-1, 0); count <= 1 {
		return one, r.Err()
	}
	keys := splitKeys{
		count:   r.Count(splitCountKey, 0, 1<<16-1),
		no:      r.Count(splitNoKey, 0, 1<<16-1),
		tensors: r.CountOr(splitTensorsKey, 0, maxTensors, -1),
	}
	if err := r.Err(); err != nil {
		return one, err
	}
	_, e := f.entry(splitNoKey)
	keys.at = e.at
	if keys.no >= keys.count {
		return one, p.invalid(e.at, "key %q is %d, want less than %d (%s)", splitNoKey, keys.no, keys.count, splitCountKey)
	}
	return keys, nil
}

// splitName takes a file name such as dir/NAME-00002-of-00003.gguf apart.
func splitName(path string) (prefix string, index, count int, ok bool) {
	const suffix = "-00000-of-00000.gguf"
	if len(path) <= len(suffix) {
		return "", 0, 0, false
	}
	prefix, s := path[:len(path)-len(suffix)], path[len(path)-len(suffix):]
	if s[0] != '-' || s[6:10] != "-of-" || s[15:] != ".gguf" {
		return "", 0, 0, false
	}
	index, ok1 := digits(s[1:6])
	count, ok2 := digits(s[10:15])
	return prefix, index, count, ok1 && ok2
}

// digits reads a number of digits only.
func digits(s string) (int, bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// partPath is the name of part no, from 0, of a set.
func partPath(prefix string, no, count int) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, no+1, count)
}

// openSet opens the other parts of the set that given belongs to. It takes over
// given: on an error it is closed.
func openSet(given *part) (*File, error) {
	parts, set, err := openParts(given)
	if err != nil {
		closeParts(parts)
		return nil, err
	}
	f, err := merge(parts, set)
	if err != nil {
		closeParts(parts)
		return nil, err
	}
	return f, nil
}

// openParts opens every part of the set that given belongs to. The parts it
// returns with an error are to be closed; some may be nil.
func openParts(given *part) ([]*part, splitKeys, error) {
	parts := []*part{given}
	set, err := given.splitKeys()
	if err != nil || set.count == 1 {
		return parts, set, err
	}
	prefix, index, count, ok := splitName(given.path)
	if !ok {
		return parts, set, given.invalid(set.at, "is part %d of %d but named %q, want a name that ends in %q",
			set.no+1, set.count, filepath.Base(given.path), partPath("", set.no, set.count))
	}
	if index != set.no+1 || count != set.count {
		return parts, set, given.invalid(set.at, "is part %d of %d (%s is %d), want part %d of %d as it is named",
			set.no+1, set.count, splitNoKey, set.no, index, count)
	}
	parts = make([]*part, set.count)
	parts[set.no] = given
	total := len(given.tensors)
	for no := range parts {
		if no == set.no {
			continue
		}
		if parts[no], err = openOther(partPath(prefix, no, set.count), no, set.count); err != nil {
			return parts, set, err
		}
		if total += len(parts[no].tensors); total > maxTensors {
			return parts, set, parts[no].invalid(-1, "the set has %d tensors up to this part, want at most %d", total, maxTensors)
		}
	}
	first, err := parts[0].splitKeys()
	return parts, first, err
}

// openOther opens part no, from 0, of a set of count files.
func openOther(path string, no, count int) (*part, error) {
	p, err := openPart(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: open part %d of %d: %w", no+1, count, err)
	}
	keys, err := p.splitKeys()
	if err == nil && (keys.no != no || keys.count != count) {
		err = p.invalid(keys.at, "is part %d of %d (%s is %d), want part %d of %d", keys.no+1, keys.count, splitNoKey, keys.no, no+1, count)
	}
	if err != nil {
		p.close() // what is wrong with it has been found
		return nil, err
	}
	if no > 0 {
		p.entries, p.byKey = nil, nil // part 1 has the metadata of the model
	}
	return p, nil
}

// merge makes a File of all parts, and checks that together they are whole.
func merge(parts []*part, set splitKeys) (*File, error) {
	n := 0
	for _, p := range parts {
		n += len(p.tensors)
	}
	f := &File{parts: parts, tensors: make([]Tensor, 0, n), byName: make(map[string]int, n)}
	for _, p := range parts {
		for _, t := range p.tensors {
			if i, ok := f.byName[t.Name]; ok {
				return nil, p.invalid(int(t.Offset), "tensor %q is there twice, want once (also in %s)", t.Name, pathText(f.tensors[i].Path))
			}
			f.byName[t.Name] = len(f.tensors)
			f.tensors = append(f.tensors, t)
		}
	}
	if set.count == 1 {
		return f, nil
	}
	first := parts[0]
	if set.tensors < 0 {
		return nil, first.invalid(-1, "key %q is missing, want the number of tensors in all %d parts", splitTensorsKey, set.count)
	}
	if n != set.tensors {
		return nil, first.invalid(first.entries[first.byKey[splitTensorsKey]].at, "key %q is %d, want %d, the tensors in all %d parts", splitTensorsKey, set.tensors, n, set.count)
	}
	return f, nil
}
