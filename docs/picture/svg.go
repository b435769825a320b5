package main

import (
	"fmt"
	"html"
	"image/color"
	"strings"

	"github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// A cell is so large, in pixels of the picture; the line is that of its letters.
const (
	cellWidth  = 8.4
	cellHeight = 18
	baseline   = 13.5
	margin     = 14
)

// What the terminal has where a program asks for no colour: those of the theme dusk.
var (
	paper = color.RGBA{0x16, 0x16, 0x1E, 0xFF}
	ink   = color.RGBA{0xD5, 0xD8, 0xE8, 0xFF}
)

// Bits of uv.Style.Attrs.
const (
	bold    = uv.AttrBold
	faint   = uv.AttrFaint
	italic  = uv.AttrItalic
	reverse = uv.AttrReverse
)

// draw is a screen as an SVG picture.
func draw(screen *vt.Emulator) []byte {
	var b strings.Builder
	width, height := screen.Width(), screen.Height()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">`+"\n",
		cellWidth*float64(width)+2*margin, cellHeight*height+2*margin)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", hex(paper))
	for y := range height {
		drawLine(&b, screen, y)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// drawLine draws runs of cells that look alike.
func drawLine(b *strings.Builder, screen *vt.Emulator, y int) {
	for x := 0; x < screen.Width(); {
		style, text, from := look(screen.CellAt(x, y)), "", x
		for x < screen.Width() && look(screen.CellAt(x, y)) == style {
			cell := screen.CellAt(x, y)
			if cell == nil || cell.Content == "" {
				text += " "
			} else {
				text += cell.Content
			}
			x += max(1, widthOf(cell))
		}
		style.draw(b, text, from, x, y)
	}
}

func widthOf(c *uv.Cell) int {
	if c == nil {
		return 1
	}
	return c.Width
}

// looks is how a cell looks.
type looks struct {
	fore, back color.RGBA
	bold, lean bool
}

func look(c *uv.Cell) looks {
	l := looks{fore: ink, back: paper}
	if c == nil {
		return l
	}
	if c.Style.Fg != nil {
		l.fore = rgba(c.Style.Fg)
	}
	if c.Style.Bg != nil {
		l.back = rgba(c.Style.Bg)
	}
	l.bold, l.lean = c.Style.Attrs&bold != 0, c.Style.Attrs&italic != 0
	if c.Style.Attrs&reverse != 0 {
		l.fore, l.back = l.back, l.fore
	}
	if c.Style.Attrs&faint != 0 {
		l.fore = between(l.fore, l.back)
	}
	return l
}

func (l looks) draw(b *strings.Builder, text string, from, to, y int) {
	left, top := margin+cellWidth*float64(from), margin+cellHeight*y
	width := cellWidth * float64(to-from)
	if l.back != paper {
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", left, top, width, cellHeight, hex(l.back))
	}
	if strings.TrimSpace(text) == "" {
		return
	}
	if strings.Trim(text, "▀") == "" { // exact, where fonts leave gaps
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", left, top, width, cellHeight/2, hex(l.fore))
		return
	}
	more := ""
	if l.bold {
		more += ` font-weight="bold"`
	}
	if l.lean {
		more += ` font-style="italic"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" xml:space="preserve" fill="%s"%s>%s</text>`+"\n",
		left, float64(top)+baseline, width, hex(l.fore), more, html.EscapeString(text))
}

func rgba(c color.Color) color.RGBA { return color.RGBAModel.Convert(c).(color.RGBA) }

func between(a, b color.RGBA) color.RGBA {
	mean := func(x, y uint8) uint8 { return uint8((int(x) + int(y)) / 2) }
	return color.RGBA{mean(a.R, b.R), mean(a.G, b.G), mean(a.B, b.B), 0xFF}
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
