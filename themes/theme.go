// Package themes holds the colours of the program, by role and not by widget:
// what draws a thing asks for the role the thing plays, so that a new theme is
// one value here and nothing else. It knows no terminal: whoever draws brings
// a colour down to what the terminal can show, or leaves it out.
package themes

import "image/color"

// Theme is one set of colours. Every role but Background and Panel is text on
// Background; meaning is never carried by colour alone.
type Theme struct {
	Name       string
	Dark       bool        // Background is dark
	Background color.Color // what the terminal is taken to have; never painted over the whole screen
	Panel      color.Color // behind blocks of code and usage lines
	Text       color.Color // plain text
	Muted      color.Color // what may be overlooked: defaults, hints, counts
	Accent     color.Color // headings and the program's own name
	Command    color.Color // what can be typed: commands
	Option     color.Color // what can be typed: flags and keys
	Quoted     color.Color // strings the reader fills in
	Error      color.Color // what went wrong
}

// Default is the theme used when nobody chose one.
func Default(dark bool) Theme {
	if dark {
		return Theme{
			Name: "dusk", Dark: true,
			Background: rgb(0x16161E), Panel: rgb(0x24243A), Text: rgb(0xD5D8E8), Muted: rgb(0x9AA0BE),
			Accent: rgb(0xC4A5FF), Command: rgb(0x7FC8F8), Option: rgb(0x8FDDB4), Quoted: rgb(0xF2C177), Error: rgb(0xFF9099),
		}
	}
	return Theme{
		Name: "paper", Dark: false,
		Background: rgb(0xFBFAF7), Panel: rgb(0xEEECE4), Text: rgb(0x2A2A33), Muted: rgb(0x5C5F70),
		Accent: rgb(0x6435B8), Command: rgb(0x0B5E96), Option: rgb(0x176B42), Quoted: rgb(0x8A4B00), Error: rgb(0xB3202E),
	}
}

// rgb is an opaque colour written as 0xRRGGBB.
func rgb(hex uint32) color.Color {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xFF}
}
