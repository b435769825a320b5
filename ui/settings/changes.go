package settings

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// leaf is one value of settings under its path in the file. A preset is a leaf
// too, with the value nil, because an empty one is there as well.
type leaf struct {
	path  []string
	value any
}

// leaves is settings as the file has them, by path. Values that cannot be
// written come out as they are; Save finds them.
func leaves(s Settings) map[string]leaf {
	all := map[string]leaf{}
	add := func(value any, path ...string) { all[strings.Join(path, "\x00")] = leaf{path, value} }
	for _, f := range topFields {
		add(f.get(&s), f.key)
	}
	for action, bound := range s.Keys {
		if spelled, err := readKeys(bound); err == nil {
			bound = spelled
		}
		add(append([]string{}, bound...), "keys", action)
	}
	for name, p := range s.Presets {
		add(nil, "presets", name)
		for _, f := range presetFields {
			if v := f.get(&p); v != nil {
				add(v, "presets", name, f.key)
			}
		}
	}
	for name, prompt := range s.Prompts {
		add(strings.ReplaceAll(prompt, "\r\n", "\n"), "prompts", name)
	}
	return all
}

// change is one thing to do to the file.
type change struct {
	leaf
	gone bool
}

// changes is what leads from before to after: first what goes, then what
// comes, tables before what is in them, fields in the order of their lists.
func changes(before, after map[string]leaf) []change {
	var all []change
	for key, l := range before {
		if _, ok := after[key]; !ok {
			all = append(all, change{l, true})
		}
	}
	for key, l := range after {
		if old, ok := before[key]; !ok || !reflect.DeepEqual(old.value, l.value) {
			all = append(all, change{l, false})
		}
	}
	slices.SortFunc(all, func(a, b change) int {
		if a.gone != b.gone {
			if a.gone {
				return -1
			}
			return 1
		}
		return slices.Compare(rank(a.path), rank(b.path))
	})
	return all
}

// order is the place of a field in the lists of fields, as a text that sorts.
var order = func() map[string]string {
	all := map[string]string{}
	for i, f := range topFields {
		all[f.key] = string(rune('a' + i))
	}
	for i, f := range presetFields {
		all["presets "+f.key] = string(rune('a' + i))
	}
	return all
}()

// rank is a path by which paths are sorted: fields by their place, names by
// their letters.
func rank(path []string) []string {
	r := slices.Clone(path)
	switch {
	case len(path) == 1:
		r[0] = " " + order[path[0]]
	case len(path) == 3:
		r[2] = order["presets "+path[2]]
	}
	return r
}

// with is all with changes made.
func with(all map[string]leaf, changes []change) map[string]leaf {
	out := maps.Clone(all)
	for _, c := range changes {
		key := strings.Join(c.path, "\x00")
		if c.gone {
			delete(out, key)
		} else {
			out[key] = c.leaf
		}
	}
	return out
}
