package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Set sets one thing by its key as TOML writes it, such as context or
// presets.calm.top_p, to what a person typed: a text with or without quotes, a
// number, or a list either as in TOML or with spaces between. Nothing typed
// takes away what need not be set. The maps of s are replaced, not changed, so
// that copies of s keep what they have. An error says what is wanted, and s is
// as it was.
func (s *Settings) Set(key, typed string) error {
	path, err := splitKey(key)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	next := s.Clone()
	if err := next.set(path, strings.TrimSpace(typed)); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	*s = next
	return nil
}

// Get is the value of a key, as TOML writes it, or false if nothing is set there.
func (s Settings) Get(key string) (string, bool) {
	path, err := splitKey(key)
	if err != nil {
		return "", false
	}
	l, ok := leaves(s)[strings.Join(path, "\x00")]
	if !ok || l.value == nil {
		return "", false
	}
	return render(l.value, true), true
}

// splitKey is the parts of a key as TOML writes it.
func splitKey(key string) ([]string, error) {
	l := lines{text: key}
	path, err := l.key()
	if err != nil || l.at != len(key) {
		return nil, fmt.Errorf("%s is not a key, want one such as theme or presets.calm.top_p", show(key))
	}
	return path, nil
}

// set takes a typed text, in a value of the file's kinds, into s.
func (s *Settings) set(path []string, typed string) error {
	var value any = typed
	if v, ok := literal(typed); ok {
		value = v
	}
	switch {
	case len(path) == 3 && path[0] == "presets":
		return s.setPreset(path, typed, value)
	case len(path) == 2 && (path[0] == "keys" || path[0] == "prompts"):
		if typed == "" && path[0] == "prompts" {
			delete(s.Prompts, path[1])
			return s.fits()
		}
		if path[0] == "keys" {
			value = words(typed, value)
		} else if _, ok := value.(string); !ok {
			value = typed
		}
	case len(path) == 1:
		if isText(path[0]) && !isString(value) {
			value = typed // a theme may be called 7
		}
	}
	r := reader{s: *s}
	if len(path) == 1 && !isTable(path[0]) {
		readField(&r, nil, topFields, &r.s, path[0], value, []string{"keys.ACTION", "presets.NAME", "prompts.NAME"})
	} else if len(path) == 2 && path[0] != "presets" && isTable(path[0]) {
		r.top(map[string]any{path[0]: map[string]any{path[1]: value}})
	} else {
		return fmt.Errorf("%s is not one setting%s", show(keyText(path)), hint(path[0]))
	}
	if len(r.problems) > 0 {
		return fmt.Errorf("%s", r.problems[0].Message)
	}
	*s = r.s
	return s.fits()
}

// setPreset sets or takes away one field of a preset, which is made if it is new.
func (s *Settings) setPreset(path []string, typed string, value any) error {
	if err := checkName(path[1]); err != nil {
		return fmt.Errorf("%s: %w", keyText(path), err)
	}
	p, own := s.Presets[path[1]]
	if !own {
		p = BuiltinPresets()[path[1]]
	}
	r := reader{}
	i := slices.IndexFunc(presetFields, func(f field[Preset]) bool { return f.key == path[2] })
	switch {
	case i >= 0 && typed == "":
		presetFields[i].unset(&p)
	case i >= 0 && path[2] == "stop":
		readField(&r, path[:2], presetFields, &p, path[2], words(typed, value), nil)
	default:
		readField(&r, path[:2], presetFields, &p, path[2], value, nil)
	}
	if len(r.problems) > 0 {
		return fmt.Errorf("%s", r.problems[0].Message)
	}
	s.Presets[path[1]] = p
	return nil
}

// fits reports what names nothing: the active preset or prompt.
func (s Settings) fits() error {
	r := reader{s: s.Clone()}
	r.active()
	if len(r.problems) > 0 {
		return fmt.Errorf("%s", r.problems[0].Message)
	}
	return nil
}

// literal is a text as a value of TOML, if it is one.
func literal(typed string) (any, bool) {
	var v struct{ X any }
	if strings.ContainsAny(typed, "\n\r") || toml.Unmarshal([]byte("X = "+typed), &v) != nil {
		return nil, false
	}
	return v.X, true
}

// words is a list with spaces between, unless it was typed as in TOML.
func words(typed string, value any) any {
	if list, ok := stringList(value); ok && value != any(typed) {
		return list
	}
	return strings.Fields(typed)
}

// isText reports whether a setting above the tables is a text.
func isText(key string) bool {
	return slices.ContainsFunc(topFields, func(f field[Settings]) bool { return f.key == key && f.kind == "text" })
}

func isString(v any) bool { _, ok := v.(string); return ok }

func isTable(key string) bool { return key == "keys" || key == "presets" || key == "prompts" }

// hint is how a key under a table is written.
func hint(table string) string {
	switch table {
	case "keys":
		return ", want keys.ACTION"
	case "presets":
		return ", want presets.NAME.FIELD"
	case "prompts":
		return ", want prompts.NAME"
	}
	return ""
}
