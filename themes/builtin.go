package themes

import (
	"image/color"

	"github.com/charmbracelet/x/ansi"
)

// Builtin is the themes that come with the program, those for a dark terminal
// first. The slice is the caller's.
func Builtin() []Theme {
	return []Theme{dusk(), ember(), moss(), beacon(), paper(), frost(), ink(), terminal(), mono()}
}

// dusk is violet and blue on near black, the default where it is dark.
func dusk() Theme {
	return Theme{
		Name: "dusk", Dark: true,
		Background: rgb(0x16161E), Panel: rgb(0x24243A), Selected: rgb(0x33335A),
		Text: rgb(0xD5D8E8), Muted: rgb(0x9AA0BE), Accent: rgb(0xC4A5FF),
		Command: rgb(0x7FC8F8), Option: rgb(0x8FDDB4), Quoted: rgb(0xF2C177), Error: rgb(0xFF9099),
		You: rgb(0x7FC8F8), Reply: rgb(0xC4A5FF), Good: rgb(0x8FDDB4), Warning: rgb(0xF2C177),
		Border: rgb(0x787FA6), Gauge: rgb(0x9D8CE8), GaugeEmpty: rgb(0x353750),
		Code: "github-dark",
	}
}

// ember is warm: orange and gold on brown black.
func ember() Theme {
	return Theme{
		Name: "ember", Dark: true,
		Background: rgb(0x1C1614), Panel: rgb(0x2B211D), Selected: rgb(0x4A352B),
		Text: rgb(0xEBDDD2), Muted: rgb(0xB8A394), Accent: rgb(0xFFB07A),
		Command: rgb(0xF5CB7F), Option: rgb(0xB9D98A), Quoted: rgb(0xE7B4D0), Error: rgb(0xFF968C),
		You: rgb(0xF5CB7F), Reply: rgb(0xFFB07A), Good: rgb(0xB9D98A), Warning: rgb(0xFFD166),
		Border: rgb(0x97806F), Gauge: rgb(0xDB8A4E), GaugeEmpty: rgb(0x453529),
		Code: "gruvbox",
	}
}

// moss is green and teal on green black.
func moss() Theme {
	return Theme{
		Name: "moss", Dark: true,
		Background: rgb(0x121A16), Panel: rgb(0x1D2A23), Selected: rgb(0x2B4236),
		Text: rgb(0xD6E5DA), Muted: rgb(0x98B3A3), Accent: rgb(0x8FE0B0),
		Command: rgb(0x7FD3DA), Option: rgb(0xC9DE84), Quoted: rgb(0xEBC784), Error: rgb(0xFF9A8F),
		You: rgb(0x7FD3DA), Reply: rgb(0x8FE0B0), Good: rgb(0x9FE39A), Warning: rgb(0xEBC784),
		Border: rgb(0x6E9080), Gauge: rgb(0x5FB588), GaugeEmpty: rgb(0x2C4337),
		Code: "doom-one",
	}
}

// beacon has high contrast on black.
func beacon() Theme {
	return Theme{
		Name: "beacon", Dark: true,
		Background: rgb(0x000000), Panel: rgb(0x141414), Selected: rgb(0x26264D),
		Text: rgb(0xFFFFFF), Muted: rgb(0xD0D0D0), Accent: rgb(0xFFD84A),
		Command: rgb(0x7FDBFF), Option: rgb(0x8CFF9E), Quoted: rgb(0xFFC58A), Error: rgb(0xFF9F9F),
		You: rgb(0x7FDBFF), Reply: rgb(0xFFD84A), Good: rgb(0x8CFF9E), Warning: rgb(0xFFC58A),
		Border: rgb(0xB4B4B4), Gauge: rgb(0xFFD84A), GaugeEmpty: rgb(0x3A3A3A),
		Code: "modus-vivendi",
	}
}

// paper is ink colours on warm white, the default where it is light.
func paper() Theme {
	return Theme{
		Name: "paper", Dark: false,
		Background: rgb(0xFBFAF7), Panel: rgb(0xEEECE4), Selected: rgb(0xE2DDF2),
		Text: rgb(0x2A2A33), Muted: rgb(0x5C5F70), Accent: rgb(0x6435B8),
		Command: rgb(0x0B5E96), Option: rgb(0x176B42), Quoted: rgb(0x8A4B00), Error: rgb(0xB3202E),
		You: rgb(0x0B5E96), Reply: rgb(0x6435B8), Good: rgb(0x176B42), Warning: rgb(0x8A4B00),
		Border: rgb(0x85838F), Gauge: rgb(0x7A52C7), GaugeEmpty: rgb(0xD9D5CC),
		Code: "github",
	}
}

// frost is blue and teal on cold white.
func frost() Theme {
	return Theme{
		Name: "frost", Dark: false,
		Background: rgb(0xF4F8FB), Panel: rgb(0xE5EDF3), Selected: rgb(0xCFE1EF),
		Text: rgb(0x1F2D3A), Muted: rgb(0x4C6173), Accent: rgb(0x0B5E8A),
		Command: rgb(0x6A3FA0), Option: rgb(0x0F6A5B), Quoted: rgb(0x855000), Error: rgb(0xB0243A),
		You: rgb(0x6A3FA0), Reply: rgb(0x0B5E8A), Good: rgb(0x17692F), Warning: rgb(0x855000),
		Border: rgb(0x738796), Gauge: rgb(0x2573A3), GaugeEmpty: rgb(0xC8D6E1),
		Code: "xcode",
	}
}

// ink has high contrast on white.
func ink() Theme {
	return Theme{
		Name: "ink", Dark: false,
		Background: rgb(0xFFFFFF), Panel: rgb(0xF2F2F2), Selected: rgb(0xDCE6FF),
		Text: rgb(0x000000), Muted: rgb(0x3A3A3A), Accent: rgb(0x3F0E8C),
		Command: rgb(0x003E75), Option: rgb(0x00451E), Quoted: rgb(0x5C3000), Error: rgb(0x7D0016),
		You: rgb(0x003E75), Reply: rgb(0x3F0E8C), Good: rgb(0x00451E), Warning: rgb(0x5C3000),
		Border: rgb(0x595959), Gauge: rgb(0x3F0E8C), GaugeEmpty: rgb(0xC9C9C9),
		Code: "modus-operandi",
	}
}

// terminal takes the sixteen colours that the person gave the terminal, and
// only those of them that terminals keep readable on either ground. What they
// look like, and so their contrast, is the terminal's.
func terminal() Theme {
	red, green, yellow, blue, magenta, cyan, grey := ansi.Red, ansi.Green, ansi.Yellow, ansi.Blue, ansi.Magenta, ansi.Cyan, ansi.BrightBlack
	return Theme{
		Name: "terminal", Dark: true,
		Accent: magenta, Command: cyan, Option: green, Quoted: yellow, Error: red,
		You: cyan, Reply: magenta, Good: green, Warning: yellow,
		Border: grey, Gauge: blue, GaugeEmpty: grey,
	}
}

// mono has no colour at all.
func mono() Theme { return Theme{Name: "mono", Dark: true} }

// rgb is an opaque colour written as 0xRRGGBB.
func rgb(hex uint32) color.Color {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xFF}
}
