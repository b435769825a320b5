// Package themes holds the colours of the program, by role and not by widget:
// what draws a thing asks for the role the thing plays, so that a new theme is
// one value here and nothing else. It knows no terminal: whoever draws brings
// a colour down to what the terminal can show, or leaves it out.
//
// A theme of one's own is a TOML file, called NAME.toml for the theme NAME, in
// which every key is a role in small letters with underscores:
//
//	base = "dusk"       # a built-in theme to start from; without it, every role starts as ""
//	dark = true         # else told from background
//	text = "#d5d8e8"    # red, green and blue in hexadecimal
//	accent = "141"      # a number of the terminal's palette, 0 to 255
//	background = ""     # the terminal's own colour
//	code = "nord"       # the chroma style for code; "" leaves it without colour
//
// docs/settings.md says the same for the person who writes one.
package themes

import "image/color"

// Theme is one set of colours. A role that is nil is the terminal's own
// colour. Meaning is never carried by colour alone, so a theme whose roles are
// all nil works too.
type Theme struct {
	Name string
	Dark bool // Background is dark

	// Grounds, which things stand on.
	Background color.Color // what the terminal is taken to have; never painted over the whole screen
	Panel      color.Color // behind blocks of code and usage lines
	Selected   color.Color // behind the chosen row of a list; the row has a mark too

	// Text, on any of the grounds.
	Text    color.Color // plain text
	Muted   color.Color // what may be overlooked: defaults, hints, counts
	Accent  color.Color // headings and the program's own name
	Command color.Color // what can be typed: commands
	Option  color.Color // what can be typed: flags and keys
	Quoted  color.Color // strings the reader fills in
	Error   color.Color // what went wrong
	You     color.Color // the name over what the person said
	Reply   color.Color // the name over what the model said
	Good    color.Color // what went well: fits, verified, done
	Warning color.Color // what deserves a look: nearly full, slow, not saved

	// Lines and bars, on Background or Panel.
	Border     color.Color // lines between things
	Gauge      color.Color // the part of a bar that is used, and sparklines
	GaugeEmpty color.Color // the part of a bar that is free

	// Code is the name of the chroma style for code, whose colours stand on
	// Panel; "" leaves code without colour.
	Code string
}

// Default is the theme used when nobody chose one.
func Default(dark bool) Theme {
	if dark {
		return dusk()
	}
	return paper()
}

// role is one colour of a theme under the name that files have for it.
type role struct {
	name  string
	field func(*Theme) *color.Color
}

// roles is every colour of a theme, in the order of Theme's fields.
var roles = []role{
	{"background", func(t *Theme) *color.Color { return &t.Background }},
	{"panel", func(t *Theme) *color.Color { return &t.Panel }},
	{"selected", func(t *Theme) *color.Color { return &t.Selected }},
	{"text", func(t *Theme) *color.Color { return &t.Text }},
	{"muted", func(t *Theme) *color.Color { return &t.Muted }},
	{"accent", func(t *Theme) *color.Color { return &t.Accent }},
	{"command", func(t *Theme) *color.Color { return &t.Command }},
	{"option", func(t *Theme) *color.Color { return &t.Option }},
	{"quoted", func(t *Theme) *color.Color { return &t.Quoted }},
	{"error", func(t *Theme) *color.Color { return &t.Error }},
	{"you", func(t *Theme) *color.Color { return &t.You }},
	{"reply", func(t *Theme) *color.Color { return &t.Reply }},
	{"good", func(t *Theme) *color.Color { return &t.Good }},
	{"warning", func(t *Theme) *color.Color { return &t.Warning }},
	{"border", func(t *Theme) *color.Color { return &t.Border }},
	{"gauge", func(t *Theme) *color.Color { return &t.Gauge }},
	{"gauge_empty", func(t *Theme) *color.Color { return &t.GaugeEmpty }},
}
