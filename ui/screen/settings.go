package screen

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"scout/ui/app"
	"scout/ui/settings"
)

// commands is what the settings of the file are called in the app, by key. A theme and
// a model have commands of their own.
var commands = map[string]struct {
	name, what string
	kind       func(*app.Setting)
}{
	"preset":      {"preset", "how replies are chosen: a sampling preset", func(s *app.Setting) { s.Samples = true }},
	"prompt":      {"prompt", "the system prompt, one of yours by name", func(s *app.Setting) { s.Instructs = true }},
	"context":     {"context", "tokens to keep room for; 0: as scout likes", func(s *app.Setting) { s.Reopens = true }},
	"kv":          {"kv", "how exactly the context is kept in memory", func(s *app.Setting) { s.Reopens = true }},
	"threads":     {"threads", "threads that compute; 0: one for each core", func(s *app.Setting) { s.Reopens = true }},
	"max_tiles":   {"tiles", "most tiles of a picture; 0: as it was trained", func(s *app.Setting) { s.Reopens = true }},
	"theme_light": {"theme-light", "colours on a light terminal", func(*app.Setting) {}},
	"theme_dark":  {"theme-dark", "colours on a dark terminal", func(*app.Setting) {}},
	"editor":      {"editor-command", "what /editor opens; empty: $VISUAL, $EDITOR", func(*app.Setting) {}},
	"notify":      {"notify", "how the end of a long reply is told", func(*app.Setting) {}},
	"announce":    {"announce", "when lines for screen readers come", func(s *app.Setting) { s.NextStart = true }},
}

// saveSwap remembers what is to happen with what is downloaded.
func (k *kept) saveSwap(atOnce bool) error {
	return k.change(func(s *settings.Settings) {
		s.Swap = settings.SwapAsk
		if atOnce {
			s.Swap = settings.SwapAtOnce
		}
	})
}

// elsewhere are the keys whose commands the app has by itself.
var elsewhere = []string{"theme", "model", "swap"}

// settingsOf is the settings as the app sets them.
func settingsOf(k *kept) []app.Setting {
	var all []app.Setting
	for _, e := range settings.Describe() {
		c, ok := commands[e.Key]
		if !ok {
			continue
		}
		s := app.Setting{
			Name: c.name, What: c.what,
			Get: func() string { return k.value(e.Key) },
			Set: func(value string) error { return k.set(e.Key, value) },
		}
		c.kind(&s)
		if values := valuesOf(k, e); values != nil {
			s.Values = values
		}
		switch e.Key {
		case "editor":
			s.Apply = func(c *app.Config) { c.Editor = k.settings().Editor }
		case "notify":
			s.Apply = func(c *app.Config) { c.Notify = k.settings().Notify }
		case "prompt":
			s.Apply = func(c *app.Config) { c.System = k.settings().System() }
		}
		all = append(all, s)
	}
	return all
}

// kvNotes says what the types of the cache cost.
var kvNotes = map[string]string{"f16": "the usual", "f32": "twice the memory", "q8_0": "about half the memory", "q4_0": "about a quarter of the memory, and less accurate"}

// valuesOf is what a setting can be, if that is a few things.
func valuesOf(k *kept, e settings.Entry) func() []app.Value {
	switch e.Key {
	case "preset":
		return func() []app.Value { return presetValues(k.settings()) }
	case "prompt":
		return func() []app.Value {
			all := []app.Value{{Note: "no system prompt"}}
			prompts := k.settings().Prompts
			for _, name := range sorted(prompts) {
				all = append(all, app.Value{Name: name, Note: prompts[name]})
			}
			return all
		}
	case "theme_light", "theme_dark":
		return func() []app.Value {
			var all []app.Value
			for _, t := range allThemes() {
				if t.Dark == (e.Key == "theme_dark") {
					all = append(all, app.Value{Name: t.Name})
				}
			}
			return all
		}
	}
	if len(e.Values) == 0 {
		return nil
	}
	return func() []app.Value {
		var all []app.Value
		for _, v := range e.Values {
			note := ""
			if e.Key == "kv" {
				note = kvNotes[v]
			}
			all = append(all, app.Value{Name: v, Note: note})
		}
		return all
	}
}

// presetValues is the presets with what they set.
func presetValues(s settings.Settings) []app.Value {
	presets := s.AllPresets()
	var all []app.Value
	for _, name := range sorted(presets) {
		p := presets[name]
		var sets []string
		add := func(what string, v *float32) {
			if v != nil {
				sets = append(sets, what+" "+strconv.FormatFloat(float64(*v), 'g', 6, 32))
			}
		}
		add("temperature", p.Temperature)
		add("top-p", p.TopP)
		if p.TopK != nil {
			sets = append(sets, "top-k "+strconv.Itoa(*p.TopK))
		}
		add("min-p", p.MinP)
		add("repeat-penalty", p.RepeatPenalty)
		note := strings.Join(sets, ", ")
		if note == "" {
			note = "as the makers recommend"
		}
		all = append(all, app.Value{Name: name, Note: note})
	}
	return all
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// value is the value of a key, in words.
func (k *kept) value(key string) string {
	v, _ := k.settings().Get(key)
	if plain, err := strconv.Unquote(v); err == nil {
		return plain
	}
	return v
}

// set sets a key to what was typed, in the file too.
func (k *kept) set(key, typed string) error {
	return k.edit(func(s *settings.Settings) error {
		if err := s.Set(key, typed); err != nil {
			return errors.New(strings.TrimPrefix(err.Error(), "settings: "))
		}
		return nil
	})
}
