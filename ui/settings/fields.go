package settings

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The most of anything that is worth asking for, as the command line has it:
// two hundred times the longest context of any model, more threads than any
// machine has cores, more tiles than any model takes.
const (
	mostPositions = 2_000_000_000
	mostThreads   = 1024
	mostTiles     = 1024
)

// The most that is taken of a text.
const (
	longestText   = 4096     // bytes of a value in one line; no system has longer paths
	longestPrompt = 64 << 10 // bytes of a system prompt, about 16,000 tokens
	longestName   = 64       // runes of the name of a preset or a prompt
	mostStops     = 64       // texts that end an answer
)

// field is one thing that can be set, in a T: Settings or Preset. Values are
// string, int64, float32, uint64 or []string.
type field[T any] struct {
	key, doc, kind string
	values         []string // all there are, if they are few
	get            func(*T) any
	set            func(*T, any) error // takes what the TOML reader gives; an error says what is wanted
	unset          func(*T)            // nil if it always has a value
	detach         func(*T)            // makes the value of a copy its own
}

// topFields is what stands above all tables, in the order of the file.
var topFields = []field[Settings]{
	text("theme", `colours: "auto" for theme_light or theme_dark, whichever suits the terminal, or the name of one theme`,
		func(s *Settings) *string { return &s.Theme }, checkName),
	text("theme_light", "theme on a light terminal, where theme is auto",
		func(s *Settings) *string { return &s.ThemeLight }, checkName),
	text("theme_dark", "theme on a dark terminal, where theme is auto",
		func(s *Settings) *string { return &s.ThemeDark }, checkName),
	choice("announce", "when plain mode, for screen readers, gives out an answer: as it comes, a sentence at a time, or when it is complete",
		func(s *Settings) *string { return &s.Announce }, AnnounceOff, AnnounceSentence, AnnounceEnd),
	text("editor", `command that opens long messages, such as "vim" or "code --wait"; "" takes $VISUAL, then $EDITOR`,
		func(s *Settings) *string { return &s.Editor }, checkLine),
	choice("notify", "how the end of a reply that took more than 10 seconds is told while another window has the focus: auto is as the terminal is known to understand, osc9 and osc777 are notifications, bell is for all others",
		func(s *Settings) *string { return &s.Notify }, NotifyAuto, NotifyOSC9, NotifyOSC777, NotifyBell, NotifyOff),
	text("model", "model to begin with, a name or a path; scout writes the last one used here",
		func(s *Settings) *string { return &s.Model }, checkLine),
	count("context", "positions to keep room for, in tokens; 0 leaves it to scout",
		func(s *Settings) *int { return &s.Context }, mostPositions),
	count("threads", "worker threads; 0 is one for each usable core",
		func(s *Settings) *int { return &s.Threads }, mostThreads),
	choice("kv", "element type of the cache: f16, f32, or with less memory and accuracy q8_0 or q4_0",
		func(s *Settings) *string { return &s.KV }, "f16", "f32", "q8_0", "q4_0"),
	count("max_tiles", "most tiles to cut a picture into, such as 1, 4, 9 or 16: fewer cost less and show less; 0 is as the model was trained",
		func(s *Settings) *int { return &s.MaxTiles }, mostTiles),
	choice("swap", "what happens when a model is downloaded while you chat: ask offers it, at once has it answer from the next turn on",
		func(s *Settings) *string { return &s.Swap }, SwapAsk, SwapAtOnce),
	text("preset", "active sampling preset: default, exact, precise, creative or one of [presets]",
		func(s *Settings) *string { return &s.Preset }, checkName),
	text("prompt", `active system prompt, one of [prompts]; "" is none`,
		func(s *Settings) *string { return &s.Prompt }, func(name string) error {
			if name == "" {
				return nil
			}
			return checkName(name)
		}),
}

// presetFields is what a table of [presets] can have.
var presetFields = []field[Preset]{
	number("temperature", "0 always takes the likeliest token",
		func(p *Preset) **float32 { return &p.Temperature }, 0, math.MaxFloat32),
	number("top_p", "keep the likeliest tokens that together have this probability; 1 keeps all",
		func(p *Preset) **float32 { return &p.TopP }, 0, 1),
	whole("top_k", "keep this many of the likeliest tokens; 0 keeps all",
		func(p *Preset) **int { return &p.TopK }),
	number("min_p", "keep tokens at least this share as likely as the likeliest",
		func(p *Preset) **float32 { return &p.MinP }, 0, 1),
	number("repeat_penalty", "divide the score of recent tokens by this; 1 is none",
		func(p *Preset) **float32 { return &p.RepeatPenalty }, 0, math.MaxFloat32),
	number("presence_penalty", "lower the score of recent tokens by this",
		func(p *Preset) **float32 { return &p.PresencePenalty }, -math.MaxFloat32, math.MaxFloat32),
	number("frequency_penalty", "lower the score of recent tokens by this for each time they came up",
		func(p *Preset) **float32 { return &p.FrequencyPenalty }, -math.MaxFloat32, math.MaxFloat32),
	seed("seed", "seed of the random choices; left out, one is drawn for each answer",
		func(p *Preset) **uint64 { return &p.Seed }),
	whole("max_tokens", "end the answer after this many tokens; 0 is no limit but the context",
		func(p *Preset) **int { return &p.MaxTokens }),
	texts("stop", "texts to end the answer before",
		func(p *Preset) *[]string { return &p.Stop }),
}

// text is a string in one line.
func text(key, doc string, at func(*Settings) *string, check func(string) error) field[Settings] {
	return field[Settings]{
		key: key, doc: doc, kind: "text",
		get: func(s *Settings) any { return *at(s) },
		set: func(s *Settings, v any) error {
			given, ok := v.(string)
			if !ok {
				return errors.New("want a text in quotes")
			}
			if err := check(given); err != nil {
				return err
			}
			*at(s) = given
			return nil
		},
	}
}

// choice is one of a few strings.
func choice(key, doc string, at func(*Settings) *string, values ...string) field[Settings] {
	f := text(key, doc, at, func(given string) error {
		if !slices.Contains(values, given) {
			return errors.New("want " + orList(values))
		}
		return nil
	})
	f.values = values
	set := f.set
	f.set = func(s *Settings, v any) error {
		if _, ok := v.(string); !ok {
			return errors.New("want " + orList(values))
		}
		return set(s, v)
	}
	return f
}

// count is a whole number from 0 on.
func count(key, doc string, at func(*Settings) *int, most int64) field[Settings] {
	return field[Settings]{
		key: key, doc: doc, kind: "whole number",
		get: func(s *Settings) any { return int64(*at(s)) },
		set: func(s *Settings, v any) error {
			n, ok := v.(int64)
			if !ok || n < 0 || n > most {
				return fmt.Errorf("want a whole number from 0 to %d", most)
			}
			*at(s) = int(n)
			return nil
		},
	}
}

// optional is a field of a preset behind a pointer that is nil where it is not set.
func optional[V any](key, doc, kind string, at func(*Preset) **V, shown func(V) any, read func(any) (V, error)) field[Preset] {
	return field[Preset]{
		key: key, doc: doc, kind: kind,
		get: func(p *Preset) any {
			if v := *at(p); v != nil {
				return shown(*v)
			}
			return nil
		},
		set: func(p *Preset, given any) error {
			v, err := read(given)
			if err == nil {
				*at(p) = &v
			}
			return err
		},
		unset: func(p *Preset) { *at(p) = nil },
		detach: func(p *Preset) {
			if v := *at(p); v != nil {
				copied := *v
				*at(p) = &copied
			}
		},
	}
}

// number is a number of a preset in an interval.
func number(key, doc string, at func(*Preset) **float32, low, high float32) field[Preset] {
	return optional(key, doc, "number", at, func(v float32) any { return v }, func(given any) (float32, error) {
		x := math.NaN()
		switch v := given.(type) {
		case float64:
			x = v
		case int64:
			x = float64(v)
		}
		if !(x >= float64(low) && x <= float64(high)) { // so that NaN is refused too
			return 0, errors.New("want " + interval(low, high))
		}
		return float32(x), nil
	})
}

// interval says in words which numbers are allowed.
func interval(low, high float32) string {
	switch {
	case low == 0 && high == 1:
		return "a number from 0 to 1"
	case low == 0:
		return "a number, 0 or more"
	}
	return "a number"
}

// whole is a whole number of a preset, 0 or more.
func whole(key, doc string, at func(*Preset) **int) field[Preset] {
	return optional(key, doc, "whole number", at, func(v int) any { return int64(v) }, func(given any) (int, error) {
		n, ok := given.(int64)
		if !ok || n < 0 || n > mostPositions {
			return 0, fmt.Errorf("want a whole number from 0 to %d", mostPositions)
		}
		return int(n), nil
	})
}

// seed is the seed of a preset. TOML's whole numbers end at 2^63-1.
func seed(key, doc string, at func(*Preset) **uint64) field[Preset] {
	return optional(key, doc, "whole number", at, func(v uint64) any { return v }, func(given any) (uint64, error) {
		n, ok := given.(int64)
		if !ok || n < 0 {
			return 0, fmt.Errorf("want a whole number from 0 to %d", int64(math.MaxInt64))
		}
		return uint64(n), nil
	})
}

// texts is a list of texts of a preset.
func texts(key, doc string, at func(*Preset) *[]string) field[Preset] {
	return field[Preset]{
		key: key, doc: doc, kind: "list of texts",
		get: func(p *Preset) any {
			if *at(p) == nil {
				return nil
			}
			return *at(p)
		},
		set: func(p *Preset, given any) error {
			list, ok := stringList(given)
			if !ok || len(list) > mostStops || slices.Contains(list, "") {
				return fmt.Errorf("want a list of at most %d texts, none of them empty", mostStops)
			}
			*at(p) = list
			return nil
		},
		unset:  func(p *Preset) { *at(p) = nil },
		detach: func(p *Preset) { *at(p) = slices.Clone(*at(p)) },
	}
}

// stringList is a list of the TOML reader as strings, never nil. A single
// string is a list of one.
func stringList(given any) ([]string, bool) {
	switch v := given.(type) {
	case string:
		return []string{v}, true
	case []string:
		return append([]string{}, v...), true
	case []any:
		list := make([]string, 0, len(v))
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}

// checkName takes the name of a theme, a preset or a prompt.
func checkName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > longestName || name != strings.TrimSpace(name) || !printable(name) {
		return fmt.Errorf("want a name of 1 to %d letters that can be seen", longestName)
	}
	return nil
}

// checkLine takes a text that can be shown in one line.
func checkLine(line string) error {
	if len(line) > longestText || !printable(line) {
		return fmt.Errorf("want at most %d bytes in one line, without control characters", longestText)
	}
	return nil
}

// checkPrompt takes a text of several lines.
func checkPrompt(prompt string) error {
	bad := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || r == utf8.RuneError }
	if len(prompt) > longestPrompt || strings.ContainsFunc(prompt, bad) {
		return fmt.Errorf("want at most %d bytes of text, without control characters", longestPrompt)
	}
	return nil
}

// printable reports whether nothing in a text would move a cursor or hide.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
}

// orList is choices in a sentence: a, b or c.
func orList(choices []string) string {
	last := len(choices) - 1
	if last <= 0 {
		return strings.Join(choices, "")
	}
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
