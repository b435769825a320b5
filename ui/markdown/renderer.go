// Package markdown turns a model's Markdown into lines of a terminal while it
// is being written: what is finished is drawn once and kept, and only the block
// that is still growing is drawn again.
//
// It is CommonMark with GitHub's tables, task lists, strikethrough and bare
// links, read for people who watch it grow:
//
//   - A line break in a paragraph stays one, as the model wrote it.
//   - Reference definitions ("[1]: https://…") and HTML are text. A definition
//     may come after what it would change, and both would hide something.
//   - Links and pictures show their address. Nothing is clickable that does not
//     show where it leads, so no OSC 8 is written.
//
// Text passes safetext on its way in, and again where Markdown can spell a
// character that it did not hold ("&#27;"), so the only escape sequences in a
// line are the colours put there by this package.
//
// Work is bounded whatever the text is. A block that grows beyond mostBlock, or
// is nested or bracketed so that parsing it would take more than linear time, is
// shown as plain text.
package markdown

import (
	"image/color"

	"github.com/charmbracelet/x/ansi"

	"scout/themes"
)

// Renderer says how documents look: colours and width. It never changes, and
// many documents may share one.
type Renderer struct {
	width  int
	colour bool
	text   [roles << penBits]string // SGR that begins a pen's text; "" none
	code   *highlighter
}

// New is a renderer for lines of at most width cells (at least 1). Without
// colour lines hold no escape sequence at all, and marks stand for what style
// would have said.
func New(theme themes.Theme, width int, colour bool) *Renderer {
	r := &Renderer{width: max(1, width), colour: colour}
	if !colour {
		r.code = newHighlighter("")
		return r
	}
	r.code = newHighlighter(theme.Code)
	colours := [roles]color.Color{
		roleText: theme.Text, roleMuted: theme.Muted, roleHeading: theme.Accent, roleMarker: theme.Accent,
		roleLink: theme.Command, roleCode: theme.Quoted, roleRule: theme.Border,
	}
	for i := range r.text {
		r.text[i] = pen(i).sgr(colours[pen(i).role()])
	}
	return r
}

// Width is the most cells that a line takes.
func (r *Renderer) Width() int { return r.width }

// role is what a piece of text is, which a theme has a colour for.
type role uint8

const (
	roleText role = iota
	roleMuted
	roleHeading
	roleMarker // of a list
	roleLink
	roleCode // in a line of prose
	roleRule
	roles
)

// pen is a role and attributes: role<<penBits | attributes.
type pen uint16

const (
	bold pen = 1 << iota
	italic
	strike
	underline
	penBits = iota
)

// as is the pen p in another role.
func (p pen) as(r role) pen { return p&(1<<penBits-1) | pen(r)<<penBits }

func (p pen) role() role { return role(p >> penBits) }

// sgr is the sequence that begins text written with p in a colour, "" if it
// looks like any other text.
func (p pen) sgr(c color.Color) string {
	var style ansi.Style
	if c != nil {
		style = style.ForegroundColor(c)
	}
	if p&bold != 0 {
		style = style.Bold()
	}
	if p&italic != 0 {
		style = style.Italic(true)
	}
	if p&strike != 0 {
		style = style.Strikethrough(true)
	}
	if p&underline != 0 {
		style = style.Underline(true)
	}
	if len(style) == 0 {
		return ""
	}
	return style.String()
}

// shows reports whether p can be told from plain text by its looks.
func (r *Renderer) shows(p pen) bool { return r.text[p] != r.text[0] }

// span is text of one style. It holds no line break unless it says so.
type span struct {
	text string
	sgr  string
}

func (r *Renderer) span(p pen, text string) span { return span{text: text, sgr: r.text[p]} }

// line is a finished line; code is the number of the code block whose header
// it is, counted from 1, or 0.
type line struct {
	text string
	code int
}
