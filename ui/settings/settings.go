// Package settings keeps what a person chose once and wants to find again: the
// theme, the keys, presets of sampling, system prompts, the model and how much
// of the machine it may have. All of it is one TOML file that belongs to the
// person, who may edit it by hand: what the program changes, it changes in
// place, and every comment, every order and every line that it was not asked
// to change stays as it is.
//
//	text ── toml ──► values ── fields ──► Settings + Problems      Load
//	  │
//	  └── layout: where every key and value stands ── edit ──► text ── checked by Load ──► file   Save
//
// What there is to set is one table, fields.go, from which the reader, the
// writer, the commented file of the beginning, a settings screen and
// docs/settings.md are made.
package settings

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/adrg/xdg"

	"scout/engine"
)

// Settings is everything that can be set. Its maps are shared by copies: Clone
// it before changing a copy.
type Settings struct {
	Theme      string // "auto", or the name of a theme
	ThemeLight string // what auto takes on a light terminal
	ThemeDark  string // what auto takes on a dark one
	Announce   string // AnnounceOff, AnnounceSentence or AnnounceEnd
	Editor     string // command for long messages; "" is $VISUAL, then $EDITOR
	Notify     string // NotifyAuto, NotifyOSC9, NotifyOSC777, NotifyBell or NotifyOff

	Model    string // last used: a name or a path; "" is none yet
	Context  int    // positions; 0 leaves it to the program
	Threads  int    // workers; 0 is one for each usable core
	KV       string // element type of the cache: f16, f32, q8_0 or q4_0
	MaxTiles int    // most tiles of a picture; 0 is as the model was trained

	Swap string // SwapAsk or SwapAtOnce

	Preset string // the active one of AllPresets
	Prompt string // the active one of Prompts; "" is none

	Keys    map[string][]string // by action: what the person bound instead of the program's keys; empty unbinds
	Presets map[string]Preset   // the person's own, by name
	Prompts map[string]string   // system prompts, by name
}

// When plain mode gives out an answer.
const (
	AnnounceOff      = "off"      // as it comes
	AnnounceSentence = "sentence" // a sentence at a time
	AnnounceEnd      = "end"      // when it is complete
)

// How the end of a long reply is told to a person who looks at another window.
const (
	NotifyAuto   = "auto"   // as the terminal is known to understand
	NotifyOSC9   = "osc9"   // a notification, as iTerm2, kitty, Ghostty and WezTerm know it
	NotifyOSC777 = "osc777" // a notification, as foot and rxvt know it
	NotifyBell   = "bell"
	NotifyOff    = "off"
)

// What happens when a download is complete.
const (
	SwapAsk    = "ask"     // it is offered
	SwapAtOnce = "at once" // it answers from the next turn on
)

// Auto is the theme that follows the terminal.
const Auto = "auto"

// DefaultPreset is the preset that sets nothing, so that a model is sampled as
// its makers recommend.
const DefaultPreset = "default"

// Preset is a way to choose tokens. What is nil is left as it was.
type Preset struct {
	Temperature      *float32 // 0 is greedy
	TopP             *float32
	TopK             *int // 0 keeps all
	MinP             *float32
	RepeatPenalty    *float32 // 1 is none
	PresencePenalty  *float32
	FrequencyPenalty *float32
	Seed             *uint64  // nil draws one
	MaxTokens        *int     // 0 is no limit but the context
	Stop             []string // nil is left as it was, empty is none
}

// Apply is s with what p sets.
func (p Preset) Apply(s engine.Sampling) engine.Sampling {
	override(&s.Temperature, p.Temperature)
	override(&s.TopP, p.TopP)
	override(&s.TopK, p.TopK)
	override(&s.MinP, p.MinP)
	override(&s.RepeatPenalty, p.RepeatPenalty)
	override(&s.PresencePenalty, p.PresencePenalty)
	override(&s.FrequencyPenalty, p.FrequencyPenalty)
	override(&s.Seed, p.Seed)
	override(&s.MaxTokens, p.MaxTokens)
	if p.Stop != nil {
		s.Stop = slices.Clone(p.Stop)
	}
	return s
}

// override takes a value that is set.
func override[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// clone is p with nothing shared.
func (p Preset) clone() Preset {
	for _, f := range presetFields {
		f.detach(&p)
	}
	return p
}

// Default is the settings of a person who set nothing.
func Default() Settings {
	return Settings{
		Theme: Auto, ThemeLight: "paper", ThemeDark: "dusk",
		Announce: AnnounceSentence,
		Notify:   NotifyAuto,
		KV:       "f16",
		Swap:     SwapAsk,
		Preset:   DefaultPreset,
		Keys:     map[string][]string{}, Presets: map[string]Preset{}, Prompts: map[string]string{},
	}
}

// BuiltinPresets is the presets that come with the program. A preset of one's
// own with the same name takes its place.
func BuiltinPresets() map[string]Preset {
	number := func(x float32) *float32 { return &x }
	return map[string]Preset{
		DefaultPreset: {},
		"exact":       {Temperature: number(0)},                                      // the likeliest token, always
		"precise":     {Temperature: number(0.3), TopP: number(0.9)},                 // half of what Llama recommends
		"creative":    {Temperature: number(1), TopP: number(1), MinP: number(0.05)}, // the model's own distribution but for its tail
	}
}

// AllPresets is the presets that come with the program and the person's own.
func (s Settings) AllPresets() map[string]Preset {
	all := BuiltinPresets()
	maps.Copy(all, s.Presets)
	return all
}

// ActivePreset is the preset that Preset names, or the one that sets nothing.
func (s Settings) ActivePreset() Preset { return s.AllPresets()[s.Preset] }

// System is the text of the active system prompt, or "".
func (s Settings) System() string { return s.Prompts[s.Prompt] }

// Clone is a copy that shares nothing with s.
func (s Settings) Clone() Settings {
	keys, presets, prompts := s.Keys, s.Presets, s.Prompts
	s.Keys, s.Presets, s.Prompts = map[string][]string{}, map[string]Preset{}, map[string]string{}
	for action, bound := range keys {
		s.Keys[action] = append([]string{}, bound...)
	}
	for name, p := range presets {
		s.Presets[name] = p.clone()
	}
	maps.Copy(s.Prompts, prompts)
	return s
}

// Path is where the file of settings belongs on this system.
func Path() string { return filepath.Join(xdg.ConfigHome, "scout", "config.toml") }

// ThemesDir is where themes of one's own belong on this system.
func ThemesDir() string { return filepath.Join(xdg.ConfigHome, "scout", "themes") }
