package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/agnivade/levenshtein"
)

// largestFile is more than anyone writes, in bytes.
const largestFile = 256 << 10

// longestMessage is what a screen has a line or two for, in bytes.
const longestMessage = 300

// Problem is something in the file that was not taken, so that what it was to
// set has its default.
type Problem struct {
	Line    int    // from 1 on; 0 if the problem has none
	Key     string // as TOML writes it, such as presets.calm.top_p; "" if it is no key's
	Message string // what is wrong, what is wanted
}

// String is the problem in one line, without the name of the file.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.Message
	}
	return fmt.Sprintf("line %d: %s", p.Line, p.Message)
}

// Load reads the file of settings at path. One that is missing gives the
// defaults. What is wrong in it is left at its default and said in the
// problems, in the order of lines; a file that is not TOML is one problem. The
// error is one of the disk: the settings are the defaults then, and Save would
// refuse too.
func Load(path string) (Settings, []Problem, error) {
	f, err := readConfig(osDisk{}, path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil, nil
	}
	if err != nil {
		return Default(), nil, fmt.Errorf("settings: reading the settings: %w", err)
	}
	s, problems, _ := parse(f.text)
	return s, problems, nil
}

// parse is the settings of a text and what is wrong with it. It is an error if
// nothing of the text could be read.
func parse(text string) (Settings, []Problem, error) {
	if !utf8.ValidString(text) {
		p := Problem{Message: "not text in UTF-8"}
		return Default(), []Problem{p}, errors.New(p.String())
	}
	var values map[string]any
	if err := toml.Unmarshal([]byte(text), &values); err != nil {
		p := Problem{Message: shorten(err.Error(), longestMessage)}
		var e toml.ParseError
		if errors.As(err, &e) {
			p = Problem{Line: e.Position.Line, Message: shorten(e.Message, longestMessage)}
		}
		return Default(), []Problem{p}, errors.New(p.String())
	}
	// A text that the reader takes has a layout; if it should not, problems
	// have no lines and Save refuses.
	items, _ := layout(text)
	if i := twice(items); i >= 0 {
		p := Problem{Line: items[i].line, Message: shorten(keyText(items[i].path), longestMessage) + " is there twice"}
		return Default(), []Problem{p}, errors.New(p.String())
	}
	r := reader{items: items, s: Default()}
	r.top(values)
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return r.s, r.problems, nil
}

// reader takes values into settings.
type reader struct {
	items    []item
	s        Settings
	problems []Problem
}

// problem notes what is wrong with a key.
func (r *reader) problem(path []string, format string, args ...any) {
	p := Problem{Key: shorten(keyText(path), longestMessage), Message: shorten(fmt.Sprintf(format, args...), longestMessage)}
	for _, it := range r.items {
		if hasPrefix(it.path, path) {
			p.Line = it.line
			break
		}
	}
	r.problems = append(r.problems, p)
}

// top reads the whole file.
func (r *reader) top(values map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value := values[key]
		switch key {
		case "keys":
			r.each(key, value, r.key)
		case "presets":
			r.each(key, value, r.preset)
		case "prompts":
			r.each(key, value, r.prompt)
		default:
			readField(r, nil, topFields, &r.s, key, value, []string{"keys", "presets", "prompts"})
		}
	}
	r.active()
}

// active expects the active preset and prompt to be there.
func (r *reader) active() {
	if _, ok := r.s.AllPresets()[r.s.Preset]; !ok {
		r.problem([]string{"preset"}, "preset is %s, want default, exact, precise, creative or a table of [presets]", show(r.s.Preset))
		r.s.Preset = DefaultPreset
	}
	if _, ok := r.s.Prompts[r.s.Prompt]; !ok && r.s.Prompt != "" {
		r.problem([]string{"prompt"}, "prompt is %s, want one of [prompts]", show(r.s.Prompt))
		r.s.Prompt = ""
	}
}

// each reads what a table holds, in the order of names.
func (r *reader) each(key string, value any, read func(path []string, value any)) {
	table, ok := value.(map[string]any)
	if !ok {
		r.problem([]string{key}, "%s is %s, want a table", key, show(value))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		read([]string{key, name}, table[name])
	}
}

// key reads the keys of one action.
func (r *reader) key(path []string, value any) {
	if err := checkAction(path[1]); err != nil {
		r.problem(path, "%s: %v", keyText(path), err)
		return
	}
	bound, err := readKeys(value)
	if err != nil {
		r.problem(path, "%s is %s: %v", keyText(path), show(value), err)
		return
	}
	r.s.Keys[path[1]] = bound
}

// preset reads one preset. A mistake in it leaves the rest of it.
func (r *reader) preset(path []string, value any) {
	table, ok := value.(map[string]any)
	if err := checkName(path[1]); err != nil {
		r.problem(path, "%s: %v", keyText(path), err)
		return
	}
	if !ok {
		r.problem(path, "%s is %s, want a table", keyText(path), show(value))
		return
	}
	var p Preset
	for _, key := range slices.Sorted(maps.Keys(table)) {
		readField(r, path, presetFields, &p, key, table[key], nil)
	}
	r.s.Presets[path[1]] = p
}

// prompt reads one system prompt.
func (r *reader) prompt(path []string, value any) {
	if err := checkName(path[1]); err != nil {
		r.problem(path, "%s: %v", keyText(path), err)
		return
	}
	text, ok := value.(string)
	if !ok {
		r.problem(path, "%s is %s, want a text in quotes", keyText(path), show(value))
		return
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if err := checkPrompt(text); err != nil {
		r.problem(path, "%s is %s, %v", keyText(path), show(text), err)
		return
	}
	r.s.Prompts[path[1]] = text
}

// readField takes the value of a key into to; others are what else could have
// been meant by a key that is none.
func readField[T any](r *reader, table []string, fields []field[T], to *T, key string, value any, others []string) {
	path := append(slices.Clone(table), key)
	i := slices.IndexFunc(fields, func(f field[T]) bool { return f.key == key })
	if i < 0 {
		var known []string
		for _, f := range fields {
			known = append(known, f.key)
		}
		r.problem(path, "unknown setting %s%s", keyText(path), didYouMean(key, append(known, others...)))
		return
	}
	if err := fields[i].set(to, value); err != nil {
		r.problem(path, "%s is %s, %v", keyText(path), show(value), err)
	}
}

// didYouMean names the key that differs from a written one in a letter or two,
// or that it begins.
func didYouMean(written string, keys []string) string {
	nearest, least := "", 3
	for _, k := range keys {
		d := least
		if n := len(written) - len(k); -least < n && n < least { // else it is as many letters at least
			d = levenshtein.ComputeDistance(written, k)
		}
		if len(written) >= 3 && strings.HasPrefix(k, written) {
			d = min(d, 1)
		}
		if d < least {
			nearest, least = k, d
		}
	}
	if nearest == "" {
		return ""
	}
	return "; did you mean " + nearest + "?"
}

// show is a value of the file for a problem: short, in one line, and nothing
// in it that a terminal would obey.
func show(value any) string {
	const most = 40
	switch v := value.(type) {
	case string:
		if r := []rune(v); len(r) > most {
			v = string(r[:most]) + "..."
		}
		return strconv.Quote(v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "another kind of value"
}

// shorten is a text in one line, of about so many bytes at most.
func shorten(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return oneLine(text)
}

// oneLine is a text without line breaks and control characters.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
